"""Lambda's recursive loop detection, in the emulator: a chain in which a function has run 16 times goes no further.

It works as on AWS. The SDK in a function sends on the trace header of its invocation, SQS keeps it with the message,
and the next invocation is given it with its own count raised: `Lineage=<function>:<count>|...`. A function that is to
run once more in such a chain does not, unless its `RecursiveLoop` is `Allow`; its message comes again like any that
failed, and ends as a dead letter. https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from hashlib import sha256
from typing import Any, Final

LIMIT: Final = 16
ALLOWED: Final = "Allow"
_FIELD: Final = "Lineage"
_ROOT: Final = "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0"

Lineage = Mapping[str, int]
Dispatch = Callable[..., Mapping[str, Any]]
Handle = Callable[..., Awaitable[Any]]

# The trace header of the request, or of the invocation, that is being worked on.
_current: ContextVar[str] = ContextVar("trace_header", default="")


def install(lambda_service: Any, sqs_service: Any) -> None:
    """From now on, the emulator's Lambda and SQS hand lineage on and stop loops."""
    # The emulator has no public hooks: these are the functions that everything of the kind goes through.
    lambda_service._execute_function_dispatch = counting(lambda_service._execute_function_dispatch)  # noqa: SLF001
    lambda_service._xray_trace_id_for_invocation = lambda *_: _current.get() or None  # noqa: SLF001
    sqs_service.handle_request = tracing(sqs_service.handle_request)
    sqs_service._build_send_sys_attrs = keeping(sqs_service._build_send_sys_attrs)  # noqa: SLF001


def counting(dispatch: Dispatch) -> Dispatch:
    """An invocation with its function counted in the lineage of its event, or refused."""

    def counted(function: Any, config: Mapping[str, Any], event: Any, *rest: Any) -> Mapping[str, Any]:
        lineage, own = lineage_of(event), key_of(config["FunctionName"])
        runs = lineage.get(own, 0)
        if runs >= LIMIT and function.get("recursive_loop") != ALLOWED:
            return dropped(config["FunctionName"])
        with _working_on(header_of({**lineage, own: runs + 1})):
            return dispatch(function, config, event, *rest)

    return counted


def tracing(handle: Handle) -> Handle:
    """A request to SQS with its trace header remembered for `keeping`."""

    async def traced(method: str, path: str, headers: Mapping[str, str], *rest: Any) -> Any:
        with _working_on(headers.get("x-amzn-trace-id", "")):
            return await handle(method, path, headers, *rest)

    return traced


def keeping(build: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The system attributes of a new message, with the trace header of its sender."""

    def built(*given: Any) -> dict[str, Any]:
        attributes = build(*given)
        if header := _current.get():
            attributes.setdefault("AWSTraceHeader", header)
        return attributes

    return built


def lineage_of(event: Any) -> dict[str, int]:
    """How often each function has run in the chains that the event's messages come from."""
    most: dict[str, int] = {}
    records = event.get("Records", []) if isinstance(event, dict) else []
    for record in records:
        for function, runs in parsed(record.get("attributes", {}).get("AWSTraceHeader", "")).items():
            most[function] = max(runs, most.get(function, 0))
    return most


def parsed(header: str) -> dict[str, int]:
    """The lineage in a trace header; nothing when there is none."""
    fields = dict(each.split("=", 1) for each in header.split(";") if "=" in each)
    pairs = (each.rsplit(":", 1) for each in fields.get(_FIELD, "").split("|") if ":" in each)
    return {function: int(runs) for function, runs in pairs}


def header_of(lineage: Lineage) -> str:
    """A trace header with this lineage."""
    return f"{_ROOT};{_FIELD}={'|'.join(f'{function}:{runs}' for function, runs in lineage.items())}"


def key_of(function: str) -> str:
    """The name of a function in a lineage."""
    return sha256(function.encode()).hexdigest()[:8]


def dropped(function: str) -> Mapping[str, Any]:
    """The result of an invocation that does not take place."""
    said = f"{function} has run {LIMIT} times in this chain: Lambda stops it here, unless RecursiveLoop is Allow."
    return {"error": True, "log": "", "body": {"errorType": "RecursiveInvocationException", "errorMessage": said}}


@contextmanager
def _working_on(header: str) -> Iterator[None]:
    before = _current.set(header)
    try:
        yield
    finally:
        _current.reset(before)
