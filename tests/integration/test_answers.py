"""What every answer has: a type that is not guessed at, a bounded list of errors, gzip for who accepts it."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.harness import Harness, harness
from testbed.lambda_events import http_event
from tests.integration.builders import a_client, places, problem, shown


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        for number in range(30):
            a_client(made, name=f"Client {number}", brand_guidelines="Use blue. " * 100)
        yield made


def get(w: Harness, function: str, path: str, accept: str | None, method: str = "GET") -> Any:
    headers = {} if accept is None else {"accept-encoding": accept}
    return w.invoke(function, http_event(method, path, None, headers=headers, query={}))


LARGE = [("clients", "/api/v3/clients"), ("system", "/api/v3/openapi.json"), ("system", "/docs/swagger-ui.css")]


@pytest.mark.parametrize("accept", ["gzip", "gzip, deflate, br", "br;q=1.0, GZIP;q=0.8, *;q=0.1", "*", "x-gzip"])
@pytest.mark.parametrize(("function", "path"), LARGE)
def test_a_large_answer_is_compressed_for_who_accepts_it(w: Harness, function: str, path: str, accept: str) -> None:
    plain, packed = get(w, function, path, None), get(w, function, path, accept)
    assert (packed["isBase64Encoded"], packed["headers"]["Content-Encoding"]) == (True, "gzip")
    assert gzip.decompress(base64.b64decode(packed["body"])).decode() == plain["body"]
    assert len(packed["body"]) < len(plain["body"]) * 2 / 3
    assert plain["headers"]["Vary"] == packed["headers"]["Vary"] == "Accept-Encoding"
    assert plain["headers"]["Content-Type"] == packed["headers"]["Content-Type"]


@pytest.mark.parametrize(
    "accept", [None, "", "identity", "br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "gzipped", ";;q=", "gzip;q=2"]
)
@pytest.mark.parametrize(("function", "path"), LARGE)
def test_other_callers_get_it_uncompressed(w: Harness, function: str, path: str, accept: str | None) -> None:
    answer = get(w, function, path, accept)
    assert not answer["isBase64Encoded"]
    assert "Content-Encoding" not in answer["headers"]


def test_small_and_empty_answers_are_never_compressed(w: Harness) -> None:
    for method in ("GET", "HEAD"):
        answer = get(w, "system", "/api/v3/health", "gzip", method)
        assert not answer["isBase64Encoded"]
        assert not answer["headers"].keys() & {"Content-Encoding", "Vary"}


def test_one_resource_keeps_its_tag_when_it_is_compressed(w: Harness) -> None:
    client = a_client(w, brand_guidelines="Use blue. " * 1000)
    path = f"/api/v3/clients/{client['id']}"
    plain, packed = get(w, "clients", path, None), get(w, "clients", path, "gzip")
    assert plain["headers"]["ETag"] == packed["headers"]["ETag"]
    assert packed["isBase64Encoded"]
    headers = {"If-None-Match": packed["headers"]["ETag"], "Accept-Encoding": "gzip"}
    assert w.call("GET", f"/clients/{client['id']}", headers=headers).status == 304
    assert (
        w.call("PATCH", f"/clients/{client['id']}", {}, headers={"If-Match": packed["headers"]["ETag"]}).status == 200
    )


def test_every_answer_forbids_content_sniffing(w: Harness) -> None:
    client = a_client(w)["id"]
    for method, path, body in [
        ("GET", "/clients", None),
        ("POST", "/clients", {"name": "<script>"}),
        ("POST", "/clients", {}),
        ("DELETE", f"/clients/{client}", None),
        ("GET", f"/clients/{client}", None),
        ("PUT", "/clients", None),
        ("GET", "/nothing", None),
        ("GET", "/health", None),
        ("HEAD", "/health", None),
        ("POST", "/webhooks/fal", None),
    ]:
        assert w.call(method, path, body).headers["X-Content-Type-Options"] == "nosniff", (method, path)


def test_health_answers_head_like_get_without_the_body(w: Harness) -> None:
    got, head = w.call("GET", "/health"), w.call("HEAD", "/health")
    assert (head.status, head.text) == (200, "")
    assert head.headers.keys() == got.headers.keys()
    assert w.call("HEAD", "/clients").text == ""
    assert w.call("HEAD", "/clients").status == 405


@pytest.mark.parametrize("count", [100, 101, 20_000])
def test_a_hundred_errors_are_listed_and_the_others_counted(w: Harness, count: int) -> None:
    answer = w.call("POST", "/clients", {"name": "Acme", **{f"k{number}": 1 for number in range(count)}})
    told = problem(answer, 400)
    assert len(told["errors"]) == min(count, 100)
    assert f"and {count - 10} more" in told["detail"]
    assert len(answer.text) < 20_000


def test_unknown_parameters_and_fields_are_bounded_too(w: Harness) -> None:
    """Where a route takes none, the errors listed are bounded all the same."""
    task = w.call("POST", "/generate/image", {"prompt": "A boat"}).json["id"]
    body = {f"k{number}": 1 for number in range(5000)}
    assert len(problem(w.call("POST", f"/tasks/{task}/cancel", body), 400)["errors"]) == 100
    query = "&".join(f"k{number}=1" for number in range(900))
    assert len(problem(w.call("GET", "/clients", query=query), 400)["errors"]) == 100
    nested = {"prompt": "A boat", "providers": [1] * 50_000}
    assert len(problem(w.call("POST", "/generate/image", nested), 400)["errors"]) <= 100


def test_an_error_repeats_only_part_of_a_long_name(w: Harness) -> None:
    answer = w.call("POST", "/clients", {"name": "Acme", "e" * 200_000: 1})
    assert places(answer)
    assert len(json.dumps(answer.json)) < 8000
    assert shown(w, "/health")["status"] == "ok"
