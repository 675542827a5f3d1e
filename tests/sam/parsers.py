"""Documented commands handed to the command lines of SAM and AWS, which parse them and do nothing.

Each script runs in the environment of its command line, reads lists of words as JSON, and answers for each what is
wrong with it; nothing when it was taken.
"""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from local import tools
from local.preflight.overrides import interpreter

AWS_PYTHON: Final = tools.PROJECT / ".venv/awscli/bin/python"

# Click parses options and checks their values when it makes a context; what a command does comes after that.
SAM: Final = """
import json, sys
from samcli.cli.main import cli

def wrong(words):
    try:
        context = cli.make_context("sam", list(words))
        rest = [*getattr(context, "protected_args", []), *context.args] or list(getattr(context, "_protected_args", []))
        while rest and hasattr(context.command, "resolve_command"):
            _, command, rest = context.command.resolve_command(context, rest)
            context = command.make_context(command.name, rest, parent=context)
            rest = [*getattr(context, "_protected_args", []), *context.args]
    except BaseException as refused:
        if getattr(refused, "exit_code", 1) == 0:  # it printed its help
            return ""
        return f"{type(refused).__name__}: {getattr(refused, 'message', refused)}"
    return ""

print(json.dumps([wrong(words) for words in json.load(sys.stdin)]))
"""

# The command line parses its words, and botocore checks the request; nothing is sent.
AWS: Final = """
import contextlib, io, json, os, sys
os.environ.update(AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x", AWS_DEFAULT_REGION="us-east-1")
import awscli.clidriver
from awscli.customizations.s3 import subcommands
from botocore.client import BaseClient
from botocore.validate import validate_parameters

class Taken(BaseException):  # which the command line's own handlers let through
    pass

def call(client, name, parameters):
    shape = client.meta.service_model.operation_model(name).input_shape
    if shape is not None:
        validate_parameters(parameters, shape)
    raise Taken

BaseClient._make_api_call = call
subcommands.CommandArchitecture.run = lambda self: 0
driver = awscli.clidriver.create_clidriver()

def wrong(words):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = driver.main(list(words))
        except Taken:
            code = 0
        except SystemExit as ended:
            code = ended.code
    lines = [line for line in said.getvalue().strip().splitlines() if line]
    return "" if not code else (lines or ["code %s" % code])[-1]

print(json.dumps([wrong(words) for words in json.load(sys.stdin)]))
"""


def sam_says(commands: Sequence[Sequence[str]]) -> list[str]:
    """What SAM's command line has against each of these `sam ...`. Raises Missing without SAM."""
    return _ask([interpreter(), "-c", SAM], commands, tools.PROJECT)


def aws_says(commands: Sequence[Sequence[str]], folder: Path) -> list[str]:
    """What AWS's command line has against each of these `aws ...`, whose files are in `folder`."""
    return _ask([str(AWS_PYTHON), "-c", AWS], commands, folder)


def _ask(program: list[str], commands: Sequence[Sequence[str]], folder: Path) -> list[str]:
    seen = tools.environment()
    text = json.dumps(commands)
    ran = subprocess.run(program, input=text, cwd=folder, env=seen, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    answers: list[str] = json.loads(ran.stdout.strip().rpartition("\n")[2])
    return answers
