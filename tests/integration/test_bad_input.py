"""Bad input: every request that cannot be understood is a 400 that says everything that is wrong with it."""

import base64
from collections.abc import Iterator

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import Json, a_campaign, a_client, a_task, places, pretty, problem, send, shown

KIB = 1024
GOOD: dict[str, Json] = {
    "/clients": {"name": "Acme"},
    "/campaigns": {"client_id": "x", "name": "Launch", "goal": "Sell"},
    "/generate/image": {"prompt": "A boat"},
    "/generate/video": {"prompt": "A boat"},
    "/generate/audio": {"prompt": "A boat"},
}
POSTS = list(GOOD)
LISTS = ["/clients", "/campaigns", "/tasks"]


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture(params=[*POSTS, "PATCH client", "PATCH campaign"])
def target(request: pytest.FixtureRequest, w: Harness) -> tuple[str, str]:
    """Method and path of everything that takes a body."""
    if request.param == "PATCH client":
        return "PATCH", f"/clients/{a_client(w)['id']}"
    if request.param == "PATCH campaign":
        return "PATCH", f"/campaigns/{a_campaign(w)['id']}"
    return "POST", request.param


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "{",
        "}",
        '{"name": }',
        "{'name': 'Acme'}",
        '{"name": "Acme",}',
        '{"name": "Acme"} x',
        "null",
        "true",
        "5",
        '"Acme"',
        "[]",
        '[{"name": "Acme"}]',
        "\ufeff{}",
        '{"name": NaN}',
        '{"name": Infinity}',
        '{"name": -Infinity}',
        '{"name": 1e999}',
        '{"name": ' + "9" * 5000 + "}",
        '{"name": "Acme", "name": "Acme"}',
        '{"metadata": {"a": 1, "a": 1}}',
        '{"name": "\\ud800"}',
        '{"\\udfff": "x"}',
        '{"metadata": {"deep": ["\\ud83e"]}}',
        "[" * 100_000,
        '{"metadata": ' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}",
        '{"name": "a\nb"}',
        '{"name": "\x00"}',
    ],
)
def test_only_a_json_object_is_a_body(w: Harness, target: tuple[str, str], raw: str) -> None:
    method, path = target
    assert places(w.call(method, path, raw=raw)) == {""}


@pytest.mark.parametrize("depth", [50, 90, 100, 101, 128, 200, 255, 256, 400, 900, 1000])
@pytest.mark.parametrize("field", ["metadata", "params"])
def test_no_depth_of_nesting_breaks_anything(w: Harness, field: str, depth: int) -> None:
    raw = f'{{"prompt": "A boat", "{field}": {{"a": {"[" * depth}{"]" * depth}}}}}'
    answer = w.call("POST", "/generate/image", raw=raw)
    assert answer.status in ((202,) if depth < 50 else (202, 400))
    if answer.status == 202:
        assert shown(w, f"/tasks/{answer.json['id']}")[field] == answer.json[field]


def test_a_missing_body_is_refused(w: Harness, target: tuple[str, str]) -> None:
    assert places(w.call(*target)) == {""}


def test_a_body_that_is_not_utf_8_is_refused(w: Harness) -> None:
    body = base64.b64encode('{"name": "Zoë"}'.encode("latin-1")).decode()
    json_type = {"headers": {"content-type": "application/json"}}
    answer = send(w, "clients", "POST", "/api/v3/clients", body=body, isBase64Encoded=True, **json_type)
    assert places(answer) == {""}


def test_a_body_in_base64_is_read_like_any_other(w: Harness) -> None:
    body = base64.b64encode('{"name": "Zoë 🦊"}'.encode()).decode()
    json_type = {"headers": {"content-type": "application/json"}}
    answer = send(w, "clients", "POST", "/api/v3/clients", body=body, isBase64Encoded=True, **json_type)
    assert (answer.status, answer.json["name"]) == (201, "Zoë 🦊")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json", ""])
def test_a_body_that_is_not_json_is_a_415(w: Harness, target: tuple[str, str], media_type: str) -> None:
    method, path = target
    problem(w.call(method, path, {"name": "Acme"}, headers={"Content-Type": media_type}), 415)


@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", "application/merge-patch+json"],
)
def test_every_way_to_say_json_is_understood(w: Harness, media_type: str) -> None:
    answer = w.call("PATCH", f"/clients/{a_client(w)['id']}", {"name": "Acme"}, headers={"Content-Type": media_type})
    assert answer.status == 200


@pytest.mark.parametrize("fill", ["a", "é", "🦊"])
def test_a_body_may_have_256_kib_and_no_more(w: Harness, fill: str) -> None:
    text = pretty({"prompt": "A boat", "metadata": {"a": fill * (8 * KIB // len(fill.encode()))}})
    fits = text + " " * (256 * KIB - len(text.encode()))
    assert len(fits.encode()) == 256 * KIB
    assert w.call("POST", "/generate/image", raw=fits).status == 202
    problem(w.call("POST", "/generate/image", raw=fits + " "), 413)


def test_an_unknown_field_is_named(w: Harness, target: tuple[str, str]) -> None:
    method, path = target
    answer = w.call(method, path, {**GOOD.get(path, {}), "colour": "red", "a/b~c": 1, "": 2})
    assert places(answer) == {"/colour", "/a~1b~0c", "/"}


@pytest.mark.parametrize("field", ["id", "created_by", "created_at", "updated_at"])
@pytest.mark.parametrize("path", POSTS)
def test_what_the_server_makes_cannot_be_sent(w: Harness, path: str, field: str) -> None:
    assert places(w.call("POST", path, {**GOOD[path], field: 1})) == {f"/{field}"}


@pytest.mark.parametrize("path", [*LISTS, "/health", "/openapi.json"])
def test_an_unknown_parameter_is_named(w: Harness, path: str) -> None:
    assert places(w.call("GET", path, query={"colour": "red", "Page": 1})) == {"colour", "Page"}


def test_an_unknown_parameter_is_named_wherever_it_is(w: Harness) -> None:
    client, task = a_client(w)["id"], a_task(w)["id"]
    for method, path, body in [
        ("POST", "/clients", {"name": "Acme"}),
        ("GET", f"/clients/{client}", None),
        ("PATCH", f"/clients/{client}", {}),
        ("DELETE", f"/clients/{client}", None),
        ("GET", f"/clients/{client}/campaigns", None),
        ("GET", f"/tasks/{task}", None),
        ("GET", f"/tasks/{task}/result", None),
        ("POST", f"/tasks/{task}/cancel", None),
        ("DELETE", f"/tasks/{task}", None),
    ]:
        assert places(w.call(method, path, body, query={"colour": "red"})) == {"colour"}


@pytest.mark.parametrize("path", LISTS)
def test_a_parameter_given_twice_is_refused(w: Harness, path: str) -> None:
    answer = w.call("GET", path, query="page_size=1&page_size=2&sort_order=asc&sort_order=asc")
    assert places(answer) == {"page_size", "sort_order"}


def test_a_field_where_no_body_is_expected_is_named(w: Harness) -> None:
    task = a_task(w)["id"]
    assert places(w.call("POST", f"/tasks/{task}/cancel", {"reason": "bored"})) == {"/reason"}
    assert places(w.call("POST", f"/tasks/{task}/webhook", {"url": "https://x.example"})) == {"/url"}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("page", ["0", "-1", "", "x", "1.0", "1e3", " 1", "+1", "1_0", "٣", "1000000001", "9" * 400]),
        ("page_size", ["0", "101", "-5", "", "x", "1.5", "0x10"]),
        ("sort_by", ["", "NAME", "id", "created_at,name", "user_id"]),
        ("sort_order", ["", "ASC", "down", "1"]),
    ],
)
def test_a_parameter_out_of_bounds_is_named(w: Harness, path: str, name: str, values: list[str]) -> None:
    for value in values:
        assert places(w.call("GET", path, query={name: value})) == {name}


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("path", LISTS)
def test_pages_may_have_one_to_a_hundred_items(w: Harness, path: str, size: int) -> None:
    assert shown(w, path, page_size=size)["page_size"] == size


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/clients", {"search": "a" * 256}),
        ("/campaigns", {"search": "a" * 256}),
        ("/clients", {"cursor": "a" * 3001}),
        ("/clients", {"sort_by": "status"}),
        ("/campaigns", {"sort_by": "goal"}),
        ("/campaigns", {"status": "ACTIVE"}),
        ("/campaigns", {"status": ""}),
        ("/tasks", {"sort_by": "status"}),
        ("/tasks", {"status": "done"}),
        ("/tasks", {"type": "text"}),
        ("/tasks", {"provider": "p" * 65}),
        ("/tasks", {"created_from": "yesterday"}),
        ("/tasks", {"created_from": "2026-01-31"}),
        ("/tasks", {"created_from": "2026-01-31T12:00:00"}),
        ("/tasks", {"created_from": "1769860800"}),
        ("/tasks", {"created_to": "2026-02-30T00:00:00Z"}),
        ("/tasks", {"created_to": "2026-01-31 12:00:00Z"}),
        ("/tasks", {"created_to": "0001-01-01T00:00:00+14:00"}),
        ("/tasks", {"created_to": "9999-12-31T23:59:59-14:00"}),
        ("/tasks", {"created_to": ""}),
        ("/tasks", {"searched": "boat"}),
    ],
)
def test_a_filter_that_means_nothing_is_named(w: Harness, path: str, query: dict[str, str]) -> None:
    assert places(w.call("GET", path, query=query)) == set(query)


def test_all_problems_are_returned_at_once(w: Harness) -> None:
    answer = w.call(
        "POST",
        "/clients",
        {"name": "", "description": 5, "brand_guidelines": "é" * 20_000, "colour": "red"},
        query={"dry_run": 1},
        headers={"Idempotency-Key": "k" * 256},
    )
    assert {place.lower() for place in places(answer)} == {
        "/name",
        "/description",
        "/brand_guidelines",
        "/colour",
        "dry_run",
        "idempotency-key",
    }
    query = {"page": 0, "page_size": 101, "sort_by": "x", "sort_order": "y", "colour": "red", "search": "a" * 256}
    assert places(w.call("GET", "/clients", query=query)) == set(query)
