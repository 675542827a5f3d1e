"""The command line: `python -m local run --port 8000`."""

import argparse
import logging
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

from local.errors import LocalError

if TYPE_CHECKING:
    from local.cloud.deployed import Deployed


class _AskedToStop(BaseException):
    """Ctrl-C or SIGTERM. Not an Exception, so that no handler of errors catches it."""


def main() -> int:
    """Run the command; the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m local")
    commands = parser.add_subparsers(required=True)
    serving = commands.add_parser("run", help="serve the whole project, until Ctrl-C")
    serving.add_argument("--port", type=int, default=8000)
    serving.add_argument("--auth", choices=("placeholder", "jwt"), default="placeholder", help="jwt: tokens are needed")
    serving.add_argument(
        "--prices", choices=("none", "list"), default="none", help="list: the sandbox costs what the model lists"
    )
    serving.set_defaults(act=_run)
    recount = commands.add_parser("verify", help="verify the data of a running project")
    recount.add_argument("--port", type=int, default=8000)
    recount.set_defaults(act=_verify)
    again = commands.add_parser("redrive", help="relay what could not be relayed")
    _add_stack(again)
    again.set_defaults(act=_redrive)
    before = commands.add_parser(
        "preflight", help="check a deployment against AWS's rules; list what it creates and costs"
    )
    before.add_argument("--config-env", default="default", help="an environment of samconfig.toml")
    before.add_argument("--parameter-overrides", nargs="*", help="as for `sam deploy`, instead of the environment's")
    before.add_argument("--region", default="us-east-1")
    before.set_defaults(act=_preflight)
    proof = commands.add_parser("cloud-test", help="try a deployed stack, or the local run")
    _add_stack(proof)
    proof.set_defaults(act=_cloud_test)
    document = commands.add_parser("openapi", help="write the committed OpenAPI document from the code")
    document.set_defaults(act=_openapi)
    options = parser.parse_args()
    try:
        options.act(options)
    except LocalError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        # Imported here, so that a Ctrl-C during its imports is one like any other.
        from local.running import run  # noqa: PLC0415

        run(options.port, auth=options.auth, prices=options.prices)
    except _AskedToStop:
        print("Stopped.")


def _verify(options: argparse.Namespace) -> None:
    from local import verifying  # noqa: PLC0415

    found = verifying.verify(options.port)
    print(*found or ["Everything adds up."], sep="\n")
    if found:
        raise LocalError(f"{len(found)} findings")


def _add_stack(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--stack", help="a stack of the account that the environment's credentials are of")
    where.add_argument("--port", type=int, help="the local run at this port")


def _deployed(options: argparse.Namespace) -> "Deployed":
    from local.cloud import deployed  # noqa: PLC0415

    return deployed.on_aws(options.stack) if options.stack else deployed.on_this_machine(options.port)


def _redrive(options: argparse.Namespace) -> None:
    from local.cloud.redrive import redrive  # noqa: PLC0415

    batches = 0
    for key, records in redrive(_deployed(options)):
        print(f"{records} records of {key}", flush=True)
        batches += 1
    print(f"{batches} batches were relayed." if batches else "Nothing is left to relay.")


def _cloud_test(options: argparse.Namespace) -> None:
    from local.cloud import trial  # noqa: PLC0415

    for line in trial.lines(_deployed(options)):
        print(line, flush=True)


def _preflight(options: argparse.Namespace) -> None:
    from local.preflight import overrides, report  # noqa: PLC0415
    from local.preflight.identifiers import Account  # noqa: PLC0415
    from local.preflight.stacks import Stack  # noqa: PLC0415

    logging.getLogger("samtranslator").setLevel(logging.ERROR)  # it warns of its own telemetry
    environment = overrides.of_environment(options.config_env)
    words = environment["parameter_overrides"] if options.parameter_overrides is None else options.parameter_overrides
    account = Account(stack=environment["stack_name"], region=options.region)
    for line in report.lines(Stack.of_project(overrides.parsed(words), account)):
        print(line)
    report.lint()
    print("", "sam validate --lint is content. None of this has asked AWS anything.", sep="\n")


def _openapi(_: argparse.Namespace) -> None:
    from local import openapi  # noqa: PLC0415 - imports every function

    openapi.write()


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once only: the way out must not be interrupted.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise _AskedToStop


if __name__ == "__main__":
    sys.exit(main())
