"""Fill a layer: pinned packages for another machine, or our own code; without what is never read, with bytecode.

A script of the standard library, because it runs in whatever Python `sam build` finds.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

RUNTIME: Final = "3.13"
"""The Python of `Runtime` in template.yaml."""

SERVICES: Final = ("bedrock-runtime", "dynamodb", "polly", "s3", "secretsmanager", "sqs")
"""The services that `atelier.wiring` makes clients of. botocore describes 434."""

# Old names of the platforms that Lambda's Amazon Linux 2023 can run; wheels are published under either.
PLATFORMS: Final = ("manylinux_2_28", "manylinux2014")

SOURCES_OF_EXTENSIONS: Final = {".c", ".h", ".pxd", ".pyi", ".pyx"}
KEPT_OF_DIST_INFO: Final = ("METADATA", "entry_points.txt", "LICENSE", "LICENCE", "NOTICE", "licenses")


def main() -> None:
    """Fill the layer that the command line describes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--requirements", type=Path, help="install these pins")
    parser.add_argument("--processor", choices=["aarch64", "x86_64"], default="x86_64")
    parser.add_argument("--source", type=Path, help="copy this folder instead")
    options = parser.parse_args()
    if options.source:
        shutil.copytree(options.source, options.into, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        install(options.requirements, options.into, processor=options.processor)
        prune(options.into)
    compile_all(options.into)


def install(requirements: Path, into: Path, *, processor: str) -> None:
    """Put exactly these packages there, as built for Lambda, whatever machine this is."""
    platforms = [word for name in PLATFORMS for word in ("--platform", f"{name}_{processor}")]
    pinned = ["--require-hashes", "--no-deps", "--requirement", str(requirements)]
    target = ["--only-binary=:all:", "--implementation", "cp", "--python-version", RUNTIME, "--target", str(into)]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-compile"]
    subprocess.run([sys.executable, "-m", "pip", "install", *quiet, *pinned, *platforms, *target], check=True)


def prune(root: Path) -> None:
    """Remove what no function reads: it would be loaded, unpacked and counted all the same."""
    for path in [*_descriptions(root), *_papers(root), *_leftovers(root)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def compile_all(root: Path) -> None:
    """Add bytecode, which Lambda could not keep: it would compile every module again at each cold start."""
    python = _python_of_the_runtime()
    if not python:
        print(f"no python{RUNTIME} here: {root.parent.name} has no bytecode, and cold starts will take longer")
        return
    # Unchecked, because unpacking changes dates; as seen from /opt, so that tracebacks name what is there.
    how = ["--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/opt/python"]
    subprocess.run([python, "-m", "compileall", "-q", *how, str(root)], check=True)


def _descriptions(root: Path) -> Iterator[Path]:
    """botocore's descriptions of services that we do not use, and boto3's of everything: they are for `resource`."""
    services = (path for path in root.glob("botocore/data/*") if path.is_dir())
    yield from (path for path in services if path.name not in SERVICES)
    yield from root.glob("botocore/data/*/*/examples-1.json*")
    yield from (path for path in (root / "boto3/data", root / "boto3/examples") if path.exists())


def _papers(root: Path) -> Iterator[Path]:
    """What installers need to know about a package; its name, version, plugins and licence stay."""
    for path in root.glob("*.dist-info/*"):
        if not path.name.startswith(KEPT_OF_DIST_INFO):
            yield path


def _leftovers(root: Path) -> Iterator[Path]:
    """Scripts, tests, and what extensions and types were made of."""
    yield from (path for path in (root / "bin", *root.glob("*/tests")) if path.exists())
    yield from (path for path in root.rglob("*") if path.suffix in SOURCES_OF_EXTENSIONS)


def _python_of_the_runtime() -> str | None:
    """A Python that writes what Lambda's reads; bytecode of another version would be ignored there."""
    ask = [f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{RUNTIME}')"]
    for name in (sys.executable, shutil.which(f"python{RUNTIME}")):
        if name and subprocess.run([name, "-c", *ask], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return name
    return None


if __name__ == "__main__":
    os.umask(0o022)  # Lambda's user must be able to read all of it.
    main()
