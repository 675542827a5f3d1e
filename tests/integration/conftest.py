"""Integration tests: the real handlers on moto. Every answer they get is held against openapi.json."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final
from unittest import mock

import pytest

from atelier.domain.provider import JobRequest
from atelier.providers import sandbox
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


_image: Final = sandbox._image
_drawn: Final[dict[tuple[int, int], bytes]] = {}


@pytest.fixture(scope="module", autouse=True)
def _pictures_are_drawn_once() -> Iterator[None]:
    """Each takes a tenth of a second. What the sandbox draws is tested elsewhere; here one of each size will do.

    It is the same one whichever test asks first.
    """
    with mock.patch.object(sandbox, "_image", _picture_for):
        yield


def _picture_for(job_request: JobRequest, seed: int) -> bytes:
    if job_request.inputs:
        return _image(job_request, seed)
    size = sandbox._size(job_request)
    if size not in _drawn:
        _drawn[size] = _image(replace(job_request, prompt="A boat", effective_prompt="A boat"), 1)
    return _drawn[size]
