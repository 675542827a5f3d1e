"""Integration tests: the real handlers on moto. Every answer they get is held against openapi.json."""

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

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
