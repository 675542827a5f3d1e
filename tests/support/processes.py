"""Processes of functions, each by itself, as Lambda starts them."""

import json
import os
import subprocess
import sys
from typing import Any, Final

from testbed.environment import ENVIRONMENT
from testbed.template import PROJECT

STARTED: Final = {**ENVIRONMENT, "AWS_LAMBDA_FUNCTION_NAME": "atelier-clients", "PYTHONDONTWRITEBYTECODE": "1"}
SNAPSTART: Final = {**STARTED, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
QUEUES: Final = {"WEBHOOK_DELIVERY_QUEUE_URL": "deliveries", "AWS_PROVIDERS": "on", "CALLBACK_URL": "none"}


def python(script: str, environment: dict[str, str], *, function: str = "clients") -> Any:
    """What a script prints as JSON that runs where a function's process does, after its handler was imported."""
    folders = [str(PROJECT / "functions" / function), str(PROJECT / "layers/common")]
    lines = f"import sys; sys.path[:0] = {folders!r}\nimport app, gc, json, os, random\n{script}"
    clean = {"PATH": os.environ["PATH"], **environment}
    ran = subprocess.run([sys.executable, "-c", lines], env=clean, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])
