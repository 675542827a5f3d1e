"""`python3.13 -I -S smoke.py EVENT MS FOLDER...`: import `app` from these folders alone and hand it one event.

Prints what came back and what was loaded from where. It runs without this project and without site-packages, so that
what a layer lacks is missing here as it would be on AWS.
"""

import importlib
import json
import sys
from pathlib import Path


class Context:
    """As much of Lambda's context as handlers read."""

    function_name = "smoke"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:smoke"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """As much as was said."""
        return self._milliseconds


def main() -> None:
    """See the module."""
    event, milliseconds, *folders = sys.argv[1:]
    before = {name for name, module in sys.modules.items() if getattr(module, "__file__", None)}
    sys.path[:0] = folders
    import app  # type: ignore[import-not-found]  # noqa: PLC0415 - the function under test

    answer = app.handler(json.loads(event), Context(int(milliseconds)))
    loops = "asyncio.events" in sys.modules  # looked for first: whoever looks at a stand-in's file loads the module
    loaded = [module for name, module in sorted(sys.modules.items()) if name not in before]
    ours = [module for module in loaded if str(getattr(module, "__file__", None)).startswith(tuple(folders[1:]))]
    source = [module.__name__ for module in ours if not is_compiled(module)]
    import_everything(folders[1:])
    print()  # what was logged may have no end
    json.dump({"answer": answer, "modules": len(ours), "uncompiled": source, "event_loops": loops}, sys.stdout)


def is_compiled(module: object) -> bool:
    """Whether the module was loaded from bytecode that was there, or needs none."""
    cached = getattr(module, "__cached__", None)
    return not cached or Path(cached).exists()


def import_everything(layers: list[str]) -> None:
    """Import every package of the layers, also what waits for its first use, and open a client of each service."""
    for layer in map(Path, layers):
        for each in sorted(layer.iterdir()):
            if each.name.isidentifier() or each.suffix == ".py":
                importlib.import_module(each.stem)
        for service in layer.glob("botocore/data/*/"):
            importlib.import_module("boto3").client(service.name)


main()
