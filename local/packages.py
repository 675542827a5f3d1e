"""Functions and layers as the zips that Lambda takes, made from the folders as they are now."""

import importlib.util
import io
import marshal
import zipfile
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path

from local.errors import BadTemplate

MARKER = "third-party-packages.txt"
SITE_PACKAGES = "python/lib/python3.11/site-packages"  # the emulator takes that of any version
UNCHECKED_HASH = 0b01


def function_zip(folder: Path) -> bytes:
    """A function's package."""
    return _zip(folder, prefix="")


def layer_zip(folder: Path) -> bytes:
    """A layer of our code, or, for a layer that only lists third-party packages, next to nothing.

    The emulator runs handlers on this environment's interpreter, which has those packages already; installing them
    once more would make each start slower and prove nothing about the ones that AWS gets.
    """
    return _zip(folder, prefix="python/")


def unpacked_layer(layer: bytes, into: Path) -> bytes:
    """Unpack a layer's zip into a folder; a layer that only puts that folder on the path.

    The emulator unpacks every layer for every process of every function: hundreds of files, which are the same.
    """
    with zipfile.ZipFile(io.BytesIO(layer)) as archive:
        archive.extractall(into)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # First on the path, where a layer is, and not behind this environment's packages: Python's `site` runs this.
        archive.writestr(f"{SITE_PACKAGES}/layer.pth", f"import sys; sys.path.insert(0, {str(into / 'python')!r})\n")
    return packed.getvalue()


def _zip(folder: Path, *, prefix: str) -> bytes:
    if not folder.is_dir():
        raise BadTemplate(f"template.yaml names {folder}, which is not a folder")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for source in _files(folder):
            name = prefix + source.relative_to(folder).as_posix()
            archive.write(source, name)
            if source.suffix == ".py":
                archive.writestr(_bytecode_name(name), _bytecode(source))
        # Lambda refuses an empty archive.
        archive.writestr(MARKER, "The packages of requirements.txt come from the environment of the local run.\n")
    return packed.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def _bytecode(source: Path) -> bytes:
    """What is kept beside a source, or made of it now."""
    try:
        code = SourceFileLoader(source.stem, str(source)).get_code(source.stem)
    except SyntaxError as wrong:
        raise BadTemplate(f"{source}, line {wrong.lineno}: {wrong.msg}") from wrong
    # Every process of every function unpacks its own copy, so no copy would ever find bytecode of an earlier one.
    # Unchecked, because unpacking gives the source a new date; nobody looks at the hash.
    hash_of_source = bytes(8)
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + hash_of_source + marshal.dumps(code)


def _bytecode_name(name: str) -> str:
    path = Path(name)
    return (path.parent / importlib.util.cache_from_source(path.name)).as_posix()
