"""`python3.13 -I -S -B subject.py KIND MODE FOLDER...`: one subject of the comparison, from these folders alone.

KIND is how it is asked: `handler` (of Lambda), `asgi` (an application, called as a server calls it), `floor` (DynamoDB
alone), `runtime` (not at all: it loads what Lambda's runtime loads before any function). The first line on stdin has
the requests in JSON, by name. MODE:

- `prepare` makes every request once, and prints the answers.
- `cold` makes the request called `get`, and prints what that took, from before the first import.
- `warm` does what the next lines say: each has the name of a request, and maybe how often it is to be made. With
  FROM_MEMORY set, what DynamoDB has answered once is not asked for again (memory.py, beside this file).

What a subject prints itself is written, but to nowhere. bench/subjects.py is the other end.
"""

import sys
import time

BEGAN = (time.process_time(), time.perf_counter(), len(sys.modules))

# The clock runs. What is imported here is what all subjects need anyway.
import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from typing import Any, Final, NamedTuple, Protocol  # noqa: E402

# Nobody accepts gzip: of those who are compared, Atelier alone would compress.
HEADERS: Final = {
    "accept": "*/*",
    "content-type": "application/json",
    "host": "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    "user-agent": "curl/8.11.1",
    "x-amzn-trace-id": "Root=1-697deef0-29907a9df2aea539a24615e1",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}


class Request(NamedTuple):
    """An HTTP request."""

    method: str
    path: str
    query: str = ""
    body: str | None = None


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    body: str


class Subject(Protocol):
    """Whoever is asked, by the names of requests."""

    def answer(self, name: str) -> Answer:
        """What is answered."""

    def repeat(self, name: str, times: int) -> None:
        """Ask so often, and look at no answer."""


# ----------------------------------------------------------------------------------------------- handlers of Lambda


class Context:
    """As much of Lambda's context as handlers read."""

    function_name = "clients"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:clients"
    aws_request_id = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Plenty."""
        return 15000


class Handler:
    """`handler` in `app`, called with events of API Gateway."""

    def __init__(self, requests: dict[str, Request]) -> None:
        self._handler = importlib.import_module("app").handler
        self._events = {name: event(request) for name, request in requests.items()}

    def answer(self, name: str) -> Answer:
        """What is answered."""
        answer = self._handler(self._events[name], Context())
        return Answer(answer["statusCode"], answer["body"])

    def repeat(self, name: str, times: int) -> None:
        """Ask so often, and look at no answer."""
        handler, asked, context = self._handler, self._events[name], Context()
        for _ in range(times):
            handler(asked, context)


def event(request: Request) -> dict[str, Any]:
    """A request as an HTTP API hands it to a function, payload format 2.0."""
    about = {
        "method": request.method,
        "path": request.path,
        "protocol": "HTTP/1.1",
        "sourceIp": "203.0.113.7",
        "userAgent": HEADERS["user-agent"],
    }
    context = {
        "accountId": "123456789012",
        "apiId": "a1b2c3d4e5",
        "domainName": HEADERS["host"],
        "domainPrefix": "a1b2c3d4e5",
        "http": about,
        "requestId": "GADIJfCJDCEcFE=",
        "routeKey": "$default",
        "stage": "$default",
        "time": "31/Jan/2026:12:05:00 +0000",
        "timeEpoch": 1769861100000,
    }
    parameters = dict(part.split("=") for part in request.query.split("&")) if request.query else None
    optional = {"queryStringParameters": parameters, "body": request.body}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": HEADERS,
        "requestContext": context,
        "isBase64Encoded": False,
        **{name: value for name, value in optional.items() if value is not None},
    }


# -------------------------------------------------------------------------------------------- applications of ASGI


class Application:
    """`app` in `app`, called as an ASGI server does once it has read a request."""

    def __init__(self, requests: dict[str, Request]) -> None:
        self._app = importlib.import_module("app").app
        self._scopes = {name: scope(request) for name, request in requests.items()}
        self._bodies = {name: (request.body or "").encode() for name, request in requests.items()}
        self._loop = importlib.import_module("asyncio").new_event_loop()

    def answer(self, name: str) -> Answer:
        """What is answered."""
        start, *rest = self._loop.run_until_complete(self._ask(name))
        return Answer(start["status"], b"".join(part["body"] for part in rest).decode())

    def repeat(self, name: str, times: int) -> None:
        """Ask so often, and look at no answer."""
        self._loop.run_until_complete(self._ask_often(name, times))

    async def _ask_often(self, name: str, times: int) -> None:
        for _ in range(times):
            await self._ask(name)

    async def _ask(self, name: str) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        received = {"type": "http.request", "body": self._bodies[name], "more_body": False}

        async def receive() -> dict[str, Any]:
            return received

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        # Frameworks write into the scope: each request has one of its own.
        await self._app({**self._scopes[name], "state": {}}, receive, send)
        return sent


def scope(request: Request) -> dict[str, Any]:
    """A request as a server hands it to an application."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "https",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in HEADERS.items()],
        "client": ("203.0.113.7", 51842),
        "server": (HEADERS["host"], 443),
    }


# ------------------------------------------------------------------------------------------------- DynamoDB alone


class Floor:
    """The calls of DynamoDB that a GET and a list cannot do without."""

    def __init__(self, requests: dict[str, Request]) -> None:
        floor = importlib.import_module("app")
        client_id = requests["get"].path.rpartition("/")[2]
        self._calls = {"get": lambda: floor.get(client_id), "list": floor.page}

    def answer(self, name: str) -> Answer:
        """What was read, so that it can be compared with what the others answer."""
        return Answer(200, json.dumps(self._calls[name](), default=int))

    def repeat(self, name: str, times: int) -> None:
        """Ask so often, and look at no answer."""
        call = self._calls[name]
        for _ in range(times):
            call()


# ------------------------------------------------------------------------------------------------------------- main


def main() -> None:
    """See the module."""
    kind, mode, *folders = sys.argv[1:]
    told = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.path[:0] = folders
    requests = {name: Request(*parts) for name, parts in json.loads(sys.stdin.readline()).items()}
    for line in {"prepare": prepare, "cold": cold, "warm": warm}[mode](kind, requests):
        told.write(json.dumps(line) + "\n")
        told.flush()


def prepare(kind: str, requests: dict[str, Request]) -> Iterator[dict[str, Any]]:
    """The answer to every request."""
    if "DATABASE" in os.environ:
        clients = importlib.import_module("clients")
        clients.Base.metadata.create_all(clients.engine)
    ready = SUBJECTS[kind](requests)
    for name in requests:
        yield ready.answer(name)._asdict()


def cold(kind: str, requests: dict[str, Request]) -> Iterator[dict[str, Any]]:
    """The first answer, what it took in milliseconds, and how many modules were loaded for it."""
    answer: Answer | None = None
    if kind == "runtime":
        importlib.import_module("awslambdaric.bootstrap")
    else:
        answer = SUBJECTS[kind](requests).answer("get")
    now = (time.process_time(), time.perf_counter(), len(sys.modules))
    cpu, wall, modules = (end - begin for begin, end in zip(BEGAN, now, strict=True))
    yield {"cpu": cpu * 1000, "wall": wall * 1000, "modules": modules, **(answer._asdict() if answer else {})}


def warm(kind: str, requests: dict[str, Request]) -> Iterator[dict[str, Any]]:
    """To `NAME` the answer; to `NAME TIMES` the seconds of processor time that so many took, in all threads."""
    ready = SUBJECTS[kind](requests)
    if "FROM_MEMORY" in os.environ:
        importlib.import_module("memory").remember(kind)
    for line in sys.stdin:
        name, *times = line.split()
        if times:
            began = time.process_time()
            ready.repeat(name, int(times[0]))
            yield {"cpu": time.process_time() - began}
        else:
            yield ready.answer(name)._asdict()


SUBJECTS: Final[dict[str, Callable[[dict[str, Request]], Subject]]] = {
    "handler": Handler,
    "asgi": Application,
    "floor": Floor,
}

if __name__ == "__main__":
    main()
