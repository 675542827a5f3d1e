"""Integration tests: the real handlers on moto. Every answer they get is held against openapi.json."""

import copy
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import StreamRecord, Table

from testbed.harness import Answer, Harness, harness
from tests.contract.conformity import check_answer, check_request


@pytest.fixture
def w() -> Iterator[Harness]:
    """A new harness. Modules whose tests do not disturb each other override it with one for them all."""
    with harness() as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def _every_answer_conforms() -> Iterator[None]:
    call = Harness.call

    def checked(self: Harness, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        answer = call(self, method, path, body, **how)
        check_answer(method, f"/api/v3{path}", answer.status, answer.headers, answer.text)
        raw = how.get("raw")
        if answer.status in (200, 201, 202):
            check_request(method, f"/api/v3{path}", body if raw is None else json.loads(raw))
        return answer

    with mock.patch.object(Harness, "call", checked):
        yield


@pytest.fixture(scope="session", autouse=True)
def _moto_copies_less() -> Iterator[None]:
    """Half the time of these tests went into copies of the whole table: one per item of every transaction.

    One per transaction is enough, and none of the stream, whose records never change.
    """
    transact = DynamoDBBackend.transact_write_items

    def copying_once(self: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
        copies: dict[int, Any] = {}

        def deepcopy(value: Any) -> Any:
            if not isinstance(value, Table):
                return copy.deepcopy(value)
            if id(value) not in copies:
                copies[id(value)] = copy.deepcopy(value)
            return copies[id(value)]

        with mock.patch.object(models, "copy", SimpleNamespace(deepcopy=deepcopy)):
            transact(self, items)

    with (
        mock.patch.object(DynamoDBBackend, "transact_write_items", copying_once),
        mock.patch.object(StreamRecord, "__deepcopy__", lambda self, _: self, create=True),
    ):
        yield
