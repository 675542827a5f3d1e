"""The idempotency key of a request, with a digest of its path, query and body."""

import hashlib
import json
from typing import Any

from aws_lambda_powertools.event_handler import Request

from atelier.domain.ids import canonical
from atelier.store.idempotency import IdempotentRequest


def idempotent_request(request: Request, key: str | None) -> IdempotentRequest | None:
    """The request with its idempotency key; None when it has none."""
    if key is None:
        return None
    body: Any = (json.loads(request.body) if request.body else None) or None  # an optional one may be empty
    event = request.resolved_event
    query = event.get("rawQueryString")
    path = [canonical(part) for part in event.path.split("/")]
    meant = json.dumps([request.method, "/".join(path), body, *([query] if query else [])], sort_keys=True)
    return IdempotentRequest(key=key, digest=hashlib.sha256(meant.encode()).hexdigest())
