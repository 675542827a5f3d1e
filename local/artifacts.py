"""`make artifacts`: build with SAM for both architectures, weigh what came out, and run each function from it alone."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local import template, tools
from local.errors import LocalError

SMOKE: Final = Path(__file__).parent / "smoke.py"
UNZIPPED: Final = 250_000_000
"""Lambda's own limit for a function and its layers (it says 250 MB; the stricter reading)."""
LAYERS: Final = {
    "DepsLayer": 40_000_000,
    "CommonLayer": 5_000_000,
    "SandboxLayer": 1_000_000,
    "CdnLayer": 25_000_000,
    "MediaLayer": 150_000_000,
}
"""Our own limits, which keep cold starts short; a change of one needs a reason."""

ENVIRONMENT: Final = {
    "AUTH_MODE": "placeholder",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "POWERTOOLS_LOG_LEVEL": "INFO",
    # As in Lambda, where functions make at their start what they work with.
    "AWS_LAMBDA_FUNCTION_NAME": "smoke",
    "TABLE_NAME": "none",
    "GENERATION_QUEUE_URL": "http://127.0.0.1/none",
    "CASCADE_QUEUE_URL": "http://127.0.0.1/none",
    "EXPORT_QUEUE_URL": "http://127.0.0.1/none",
    "WEBHOOK_DELIVERY_QUEUE_URL": "http://127.0.0.1/none",
    "IMPORT_QUEUE_URL": "http://127.0.0.1/none",
}

PLENTY = 15_000  # milliseconds
NO_TIME = 1_000


@dataclass(frozen=True, slots=True)
class Function:
    """One built function: its own folder first, then its layers'."""

    name: str
    kind: str
    folder: Path
    layers: tuple[str, ...]
    root: Path

    @property
    def path(self) -> list[str]:
        """Where its modules are looked for, in order."""
        return [str(self.folder), *(str(self.root / layer / "python") for layer in self.layers)]

    @property
    def size(self) -> int:
        """Bytes, unzipped, with its layers."""
        return size(self.folder) + sum(size(self.root / layer) for layer in self.layers)


def functions(built: Path) -> list[Function]:
    """Every function of a built template, with every layer that it can have."""
    source = template.load(built)
    shared = source["Globals"]["Function"]["Layers"]
    resources: Mapping[str, Any] = source["Resources"]
    return [
        Function(name, _kind(each["Properties"]), built.parent / each["Properties"]["CodeUri"], layers, built.parent)
        for name, each in resources.items()
        if each["Type"] == "AWS::Serverless::Function"
        for layers in [tuple(dict.fromkeys(_references([shared, each["Properties"].get("Layers", [])])))]
    ]


def size(folder: Path) -> int:
    """The bytes of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def weigh(built: Path, architecture: str) -> list[str]:
    """Print the sizes of the layers; which limits are passed."""
    wrong = []
    for name, limit in LAYERS.items():
        weight = size(built.parent / name)
        print(f"  {name:<20} {architecture:<7} {weight / 1e6:7.1f} MB of {limit / 1e6:.0f}")
        wrong += [f"{name} has {weight} bytes for {architecture}, more than {limit}"] * (weight > limit)
    for function in functions(built):
        total = function.size
        wrong += [f"{function.name} has {total} bytes for {architecture}, more than {UNZIPPED}"] * (total > UNZIPPED)
    return wrong


def check(function: Function, python: str) -> str:
    """Import the function from what was built alone and feed it its smoke event; one line about it."""
    event, milliseconds, wanted = smoke_event(function.kind)
    # -B: nobody writes bytecode here, or a module that was built without it would be found with it.
    command = [python, "-I", "-S", "-B", str(SMOKE), json.dumps(event), str(milliseconds), *function.path]
    ran = subprocess.run(command, env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False)
    if ran.returncode:
        raise LocalError(f"{function.name} does not run from what was built:\n{ran.stderr}")
    found = json.loads(ran.stdout.splitlines()[-1])
    if not wanted.items() <= found["answer"].items():
        raise LocalError(f"{function.name} answered {found['answer']}")
    if found["uncompiled"]:
        raise LocalError(f"{function.name} loads modules without bytecode: {', '.join(found['uncompiled'][:5])} ...")
    if found["event_loops"]:
        raise LocalError(
            f"{function.name} loads asyncio, which it does not use, to start or with its first line of log"
        )
    said = next(iter(wanted.items()))
    return f"  {function.name:<20} {function.size / 1e6:7.1f} MB  {found['modules']:4d} modules  {said[0]}: {said[1]}"


def smoke_event(kind: str) -> tuple[dict[str, Any], int, dict[str, Any]]:
    """Something that a function can answer without AWS, how long it has, and the least that it must answer."""
    if kind == "http":
        unknown: dict[str, Any] = json.loads((tools.PROJECT / "events/system.unknown_path.json").read_text())
        return unknown, PLENTY, {"statusCode": 404}
    if kind == "batch":
        return {"Records": []}, PLENTY, {"batchItemFailures": []}
    if kind == "schedule":
        return {}, NO_TIME, {"looked_at": 0}
    return {"user_ids": []}, PLENTY, {"ok": True}


def main() -> int:
    """See the module; the process's exit code."""
    try:
        python = tools.python313()
        tools.sam()
    except tools.Missing as missing:
        print(f"skipped: {missing}")
        return 0
    try:
        wrong = _everything(python)
    except LocalError as failed:
        wrong = [str(failed)]
    for line in wrong:
        print(f"error: {line}", file=sys.stderr)
    return bool(wrong)


def _everything(python: str) -> list[str]:
    built = {each: tools.build(each) for each in tools.ARCHITECTURES}
    print("Layers, unzipped, with bytecode:")
    wrong = [line for architecture, path in built.items() for line in weigh(path, architecture)]
    ready = functions(built[tools.HERE])
    print(f"Functions with their layers ({tools.HERE}), each from these files and the standard library alone:")
    for function in ready:
        print(check(function, python), flush=True)
    print(f"{len(ready)} functions answered.")
    return wrong


def _kind(properties: Mapping[str, Any]) -> str:
    types = {each["Type"] for each in properties.get("Events", {}).values()}
    if types & {"HttpApi", "Schedule"}:
        return "http" if "HttpApi" in types else "schedule"
    return "batch" if types else "by hand"


def _references(node: Any) -> list[str]:
    """The layers that are named somewhere in there, whatever conditions are around them."""
    if isinstance(node, dict):
        own = [node["Ref"]] if str(node.get("Ref", "")).endswith("Layer") else []
        return own + [name for each in node.values() for name in _references(each)]
    return [name for each in node for name in _references(each)] if isinstance(node, list) else []


if __name__ == "__main__":
    sys.exit(main())
