"""Integration tests: the real handlers on moto. Every answer they get is held against openapi.json."""

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from moto.dynamodb.models.table import StreamRecord

from tests.contract.conformity import check_answer, check_request
from tests.support.world import Answer, World, world


@pytest.fixture
def w() -> Iterator[World]:
    """A new world. Modules whose tests do not disturb each other override it with one for them all."""
    with world() as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def _every_answer_conforms() -> Iterator[None]:
    call = World.call

    def checked(self: World, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        answer = call(self, method, path, body, **how)
        check_answer(method, f"/api/v3{path}", answer.status, answer.headers, answer.text)
        raw = how.get("raw")
        if answer.status in (200, 201, 202):
            check_request(method, f"/api/v3{path}", body if raw is None else json.loads(raw))
        return answer

    with mock.patch.object(World, "call", checked):
        yield


@pytest.fixture(scope="session", autouse=True)
def _stream_records_are_not_copied() -> Iterator[None]:
    # moto copies its table for every item of every transaction, with the whole stream, which never changes.
    with mock.patch.object(StreamRecord, "__deepcopy__", lambda self, _: self, create=True):
        yield
