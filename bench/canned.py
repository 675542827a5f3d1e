"""A DynamoDB on loopback that replays recorded answers.

Subjects reach it over real connections, so all of theirs runs as it does on AWS, whatever they have between a request
and the network: serialising, signing, HTTP, the checksum, parsing. What runs here counts for nobody. There is no TLS:
it would cost each of them the same, and what it costs to begin with is measured by itself.

While it is being filled it keeps what it is told; then it is frozen and only answers. What a read is answered with is
worked out when it is first seen; from then on the same bytes get the same answer.
"""

import json
import socketserver
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, Final, cast

CATALOGUE: Final = 1000
"""How many clients there are, of which a list shows some."""
COUNTER: Final = "clients"
"""The attribute in which whoever keeps a total keeps it."""

Item = dict[str, Any]


class Table:
    """As much of a table as creating, getting and listing clients needs."""

    def __init__(self) -> None:
        self.frozen = False
        self.items: list[Item] = []
        self._key: frozenset[str] = frozenset()
        self._answers: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "GetItem": self._get,
            "BatchGetItem": self._batch_get,
            "Query": self._query,
            "TransactWriteItems": self._write,
        }
        self._known: dict[tuple[str, bytes], bytes] = {}

    def answer(self, operation: str, body: bytes) -> bytes:
        """The whole answer to a request."""
        if operation == "TransactWriteItems" and self.frozen:
            return DONE
        if (operation, body) not in self._known:
            self._known[operation, body] = on_the_wire(self._answers[operation](json.loads(body)))
        return self._known[operation, body]

    def _write(self, request: dict[str, Any]) -> dict[str, Any]:
        for write in request["TransactItems"]:
            if "Put" in write:
                self.items.append(write["Put"]["Item"])
            elif not self._with_keys([write["Update"]["Key"]]):
                # A total is from its first write on what it will be when the whole catalogue is there.
                self._key = frozenset(write["Update"]["Key"])
                self.items.append({**write["Update"]["Key"], COUNTER: {"N": str(CATALOGUE)}})
        return {}

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self._with_keys([request["Key"]])
        return {"Item": found[0]} if found else {}

    def _batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request["RequestItems"].items()
        return {"Responses": {table: self._with_keys(each["Keys"]) for table, each in wanted}, "UnprocessedKeys": {}}

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        newest_first = [item for item in reversed(self.items) if "name" in item]
        page = newest_first[: request["Limit"]]
        end = {name: page[-1][name] for name in self._key}
        return {"Count": len(page), "Items": page, "LastEvaluatedKey": end, "ScannedCount": len(page)}

    def _with_keys(self, keys: list[Item]) -> list[Item]:
        return [item for item in self.items for key in keys if key.items() <= item.items()]


def on_the_wire(found: dict[str, Any]) -> bytes:
    """An answer as DynamoDB sends it, with the checksum that clients compare."""
    body = json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()
    head = (
        "HTTP/1.1 200 OK\r\nServer: Server\r\nDate: Sat, 31 Jan 2026 12:05:00 GMT\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\nConnection: keep-alive\r\n"
        "x-amzn-RequestId: K8M2L4JQ6V1RBT0S9C3E5F7G8HVV4KQNSO5AEMVJF66Q9ASUAAJG\r\n"
        f"x-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
    )
    return head.encode() + body


DONE: Final = on_the_wire({})


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, table: Table) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.table = table


class _Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        table = cast("_Server", self.server).table
        while self.rfile.readline():
            lines = iter(self.rfile.readline, b"\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
            body = self.rfile.read(int(headers[b"content-length"]))
            operation = headers[b"x-amz-target"].decode().rpartition(".")[2]
            self.wfile.write(table.answer(operation, body))


@contextmanager
def served(table: Table) -> Iterator[str]:
    """The URL at which the table answers."""
    with _Server(table) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
