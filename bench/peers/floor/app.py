"""The least that asking DynamoDB takes: sign, write the request's bytes, check and read the answer's. No API around it.

Atelier's items, at the keys that the environment names, and nothing of its code. What others take beyond this, they
and their libraries add.
"""

import hashlib
import hmac
import json
import os
import socket
import time
import zlib
from decimal import Decimal
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

TABLE: Final = os.environ["TABLE_NAME"]
REGION: Final = os.environ["AWS_DEFAULT_REGION"]
URL: Final = urlsplit(os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
KEY_ID: Final = os.environ["AWS_ACCESS_KEY_ID"]
SECRET: Final = os.environ["AWS_SECRET_ACCESS_KEY"]
TOKEN: Final = os.environ["AWS_SESSION_TOKEN"]
SIGNED: Final = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
ACCOUNT: Final = {"S": os.environ["ACCOUNT_PARTITION"]}
SUMMARY: Final = os.environ["SUMMARY_SORT_KEY"]
CLIENT: Final = os.environ["CLIENT_PREFIX"]
CHUNK: Final = 1 << 18

Item = dict[str, Any]

server = socket.create_connection((URL.hostname, URL.port))
server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)


def get(client_id: str) -> Item:
    """One client."""
    return _item(f"{CLIENT}{client_id}")


def page() -> dict[str, Any]:
    """The newest fifty clients, and how many there are."""
    query = {
        "TableName": TABLE,
        "KeyConditionExpression": "PK = :account AND begins_with(SK, :clients)",
        "ExpressionAttributeValues": {":account": ACCOUNT, ":clients": {"S": CLIENT}},
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": 50,
    }
    items = [_plain(item) for item in _ask("Query", query)["Items"]]
    return {"items": items, "total": _item(SUMMARY)["clients"]}


def _item(name: str) -> Item:
    request = {"TableName": TABLE, "Key": {"PK": ACCOUNT, "SK": {"S": name}}, "ConsistentRead": True}
    return _plain(_ask("GetItem", request)["Item"])


def _ask(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    server.sendall(_signed(f"DynamoDB_20120810.{operation}", json.dumps(request).encode()))
    head, _, body = server.recv(CHUNK).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += server.recv(CHUNK)
    if status != "HTTP/1.1 200 OK" or int(headers["x-amz-crc32"]) != zlib.crc32(body):
        raise OSError(status)
    found: dict[str, Any] = json.loads(body)
    return found


def _signed(target: str, body: bytes) -> bytes:
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    day = moment[:8]
    headers = (
        f"content-type:application/x-amz-json-1.0\nhost:{URL.netloc}\nx-amz-date:{moment}\n"
        f"x-amz-security-token:{TOKEN}\nx-amz-target:{target}\n"
    )
    canonical = f"POST\n/\n\n{headers}\n{SIGNED}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/{REGION}/dynamodb/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = _hmac(_signing_key(day), to_sign).hex()
    head = (
        f"POST / HTTP/1.1\r\nHost: {URL.netloc}\r\nContent-Type: application/x-amz-json-1.0\r\n"
        f"X-Amz-Target: {target}\r\nX-Amz-Date: {moment}\r\nX-Amz-Security-Token: {TOKEN}\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={KEY_ID}/{scope}, "
        f"SignedHeaders={SIGNED}, Signature={signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@cache
def _signing_key(day: str) -> bytes:
    key = f"AWS4{SECRET}".encode()
    for part in (day, REGION, "dynamodb", "aws4_request"):
        key = _hmac(key, part)
    return key


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _plain(item: Item) -> Item:
    return {name: _value(*typed.popitem()) for name, typed in item.items()}


def _value(kind: str, value: str) -> str | Decimal:
    # Clients have no other kinds.
    return value if kind == "S" else Decimal(value)
