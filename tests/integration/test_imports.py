"""Imports: uploads, rows as single requests, each once in spite of crashes, reports, cancels."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import boto3
import pytest

from atelier import settings, wiring
from atelier.domain.clients import NewClient
from atelier.domain.errors import Invalid
from atelier.domain.import_files import Place, Row
from atelier.domain.imports import KEPT
from atelier.domain.messages import ImportMessage
from atelier.store import importing
from atelier.web.import_rows import failure_of, request_of
from testbed.harness import BUCKET, TABLE, Harness, harness
from tests.integration.builders import NOBODY, Json, a_client, places, problem, shown, walk
from tests.support.recount import scan, violations
from tests.support.signed_requests import is_signed


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def an_import(w: Harness, content: str | bytes, kind: str = "clients", form: str = "csv") -> Json:
    """An import whose file was uploaded."""
    raw = content if isinstance(content, bytes) else content.encode()
    answer = w.call("POST", "/imports", {"type": kind, "format": form, "size": len(raw)})
    assert answer.status == 202, answer.text
    made: Json = answer.json
    put(made, raw)
    return made


def put(made: Json, raw: bytes) -> None:
    """Upload, as the URL says where."""
    key = f"imports/{made['user_id']}/{made['id']}"
    assert f"/{key}?" in made["upload"]["url"]
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=raw)


def started(w: Harness, *args: Any) -> Json:
    made = an_import(w, *args)
    assert w.call("POST", f"/imports/{made['id']}/start").status == 202
    return made


def imported(w: Harness, *args: Any) -> Json:
    """What has become of an import of this content."""
    made = started(w, *args)
    while w.bring_in():
        pass
    return report(w, made)


def report(w: Harness, made: Json) -> Json:
    found: Json = shown(w, f"/imports/{made['id']}")
    return found


def outcome(found: Json) -> tuple[Any, ...]:
    return tuple(found[name] for name in ("status", "rows", "rows_succeeded", "rows_failed"))


def names(w: Harness) -> list[str]:
    """The names of all clients, newest last."""
    items = [item for item in scan(w.dynamodb, TABLE) if item["SK"].startswith("CLIENT#")]
    return [item["name"] for item in sorted(items, key=lambda item: item["id"])]


def a_file(count: int, prefix: str = "Client") -> str:
    return "name;description\r\n" + "".join(f"{prefix} {number};x\r\n" for number in range(count))


def adds_up(w: Harness) -> bool:
    assert violations(scan(w.dynamodb, TABLE)) == []
    return True


# ----------------------------------------------------------------------------------------------- as single requests


def test_rows_are_answered_as_their_single_requests() -> None:
    with harness() as w:
        client = a_client(w)["id"]
        bodies: list[Any] = [
            {"client_id": client, "name": "Summer", "goal": "Sell"},
            {"client_id": NOBODY, "name": "Lost", "goal": "x"},
            {"client_id": client, "name": "", "colour": "red", "status": "new"},
            {"client_id": client.upper(), "name": " Winter ", "goal": "x", "status": "active", "brief": "y" * 5000},
            {"client_id": client, "name": "z", "goal": "x", "user_id": 2},
        ]
        lines = [*map(json.dumps, bodies), "[1]", '{"name": "a", "name": "b"}', '{"name": ']
        found = imported(w, "\n".join(lines), "campaigns", "jsonl")
        assert outcome(found) == ("succeeded", 8, 2, 6)
        assert (found["progress"], found["error"]) == (1, None)
        assert [each["line"] for each in found["failures"]] == [2, 3, 5, 6, 7, 8]
        for body, line in zip((*bodies[1:3], bodies[4]), found["failures"], strict=False):
            single = w.call("POST", "/campaigns", body).json
            assert line["problem"] == {name: single[name] for name in single if name not in ("instance", "request_id")}
        said = [each["problem"]["detail"] for each in found["failures"][3:]]
        assert said[0] == "The row must be a JSON object."
        assert "(column 9)" in said[2]
        items = shown(w, "/campaigns", sort_by="name", sort_order="asc")["items"]
        assert [(each["name"], each["status"]) for each in items] == [("Summer", "draft"), ("Winter", "active")]
        assert adds_up(w)


@pytest.mark.parametrize("character", ["\x01", "\U0001f98a", '"', "x"])
def test_failures_of_a_chunk_fit_into_an_item(character: str) -> None:
    fields = {f"{character * 400}{number}": 0 for number in range(9)}
    row = Row(1, Place(), json.dumps(fields))
    with pytest.raises(Invalid) as caught:
        request_of(row, NewClient)
    failures = [failure_of(line, caught.value).model_dump() for line in range(1, importing.CHUNK + 1)]
    assert all(each["problem"]["errors"] for each in failures)
    assert len(json.dumps(failures, ensure_ascii=False).encode()) < 350_000


def test_a_row_has_the_entry_of_its_single_request() -> None:
    with harness() as w:
        imported(w, "name\nAcme")
        w.log_activity()
        (entry,) = shown(w, "/activity")["items"]
        assert (entry["action"], entry["actor"], entry["resource"]["name"]) == ("client.created", 1, "Acme")
        assert entry["request_id"]


def test_rows_below_a_shared_client_are_its_owners() -> None:
    with harness() as w:
        shared, other = a_client(w)["id"], a_client(w)["id"]
        guest = wiring.users().id_of(issuer="https://id.example", subject="guest")
        assert w.call("PUT", f"/clients/{shared}/shares/{guest}", {"role": "editor"}).status == 201
        with mock.patch("atelier.caller.PLACEHOLDER_USER", guest):
            found = imported(w, f"client_id,name,goal\n{shared},Ours,x\n{other},Lost,x\n", "campaigns")
        assert outcome(found) == ("succeeded", 2, 1, 1)
        (made,) = shown(w, "/campaigns")["items"]
        assert (made["name"], made["user_id"], made["created_by"]) == ("Ours", 1, guest)
        assert w.call("GET", f"/imports/{found['id']}").status == 404
        assert adds_up(w)


def test_cells_that_are_empty_are_no_fields(w: Harness) -> None:
    found = imported(w, '\ufeffNAME,Description,brand_guidelines\n"Cells, Inc.",,"a\r\nb"\n,x,\nToo,many,a,b\n')
    assert outcome(found) == ("succeeded", 3, 1, 2)
    assert [(each["line"], each["problem"]["errors"]) for each in found["failures"]] == [
        (4, [{"pointer": "/name", "detail": "is required"}]),
        (5, [{"pointer": "", "detail": "The row has 4 cells where there are 3 columns."}]),
    ]
    (made,) = shown(w, "/clients", search="Cells")["items"]
    assert (made["description"], made["brand_guidelines"]) == (None, "a\r\nb")


def test_rows_keep_their_order(w: Harness) -> None:
    count = importing.CHUNK + 5
    assert outcome(imported(w, a_file(count, "Ordered"))) == ("succeeded", count, count, 0)
    assert [each for each in names(w) if each.startswith("Ordered")] == [f"Ordered {number}" for number in range(count)]


# --------------------------------------------------------------------------------------------------------- the file


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"name\nGr\xfc\xdfe", 2, "0xFC"),
        (b"name,colour\na,b", 1, '"colour" is unknown; known: name, description, brand_guidelines'),
        (b"name\n", None, "no rows"),
    ],
)
def test_a_refused_file_imports_nothing(w: Harness, content: bytes, line: int | None, says: str) -> None:
    before = names(w)
    found = imported(w, content)
    assert (outcome(found), found["progress"]) == (("failed", None, 0, 0), None)
    assert (found["error"]["line"], says in found["error"]["detail"]) == (line, True)
    assert found["completed_at"]
    assert names(w) == before


def test_an_upload_has_the_announced_size_and_type(w: Harness) -> None:
    answer = w.call("POST", "/imports", {"type": "campaigns", "format": "jsonl", "size": 12})
    upload = answer.json["upload"]
    assert (upload["method"], upload["headers"]) == ("PUT", {"Content-Type": "application/x-ndjson"})
    headers = {**upload["headers"], "Content-Length": "12"}
    assert is_signed(upload["url"], headers)
    for other in ({"Content-Length": "13"}, {"Content-Type": "text/csv"}):
        assert not is_signed(upload["url"], headers | other)
    assert answer.headers["Location"] == f"/api/v3/imports/{answer.json['id']}"
    for size in (0, 64 * 1024 * 1024 + 1, "5"):
        assert places(w.call("POST", "/imports", {"type": "clients", "format": "csv", "size": size})) == {"/size"}
    assert places(w.call("POST", "/imports", {"type": "tasks", "format": "xlsx"})) == {"/type", "/format", "/size"}


def test_an_import_starts_when_its_file_is_there(w: Harness) -> None:
    made = w.call("POST", "/imports", {"type": "clients", "format": "csv", "size": 9}).json
    start = f"/imports/{made['id']}/start"
    assert w.call("POST", start).status == 409
    put(made, b"name\nToo long")
    assert w.call("POST", start).status == 409
    assert w.imports.waiting == []
    put(made, b"name\nAcme")
    answer = w.call("POST", start)
    assert (answer.status, answer.json["status"], w.bring_in()) == (202, "processing", 1)


def test_a_file_replaced_after_the_start_is_refused(w: Harness) -> None:
    made = started(w, "name\nAcme")
    put(made, b"name\nEvil")
    w.bring_in()
    assert report(w, made)["error"]["detail"] == "The file is no longer what was uploaded before the start."


def test_a_repeated_create_and_start_change_nothing(w: Harness) -> None:
    body = {"type": "clients", "format": "csv", "size": 9}
    first, again = (w.call("POST", "/imports", body, headers={"Idempotency-Key": "import"}) for _ in range(2))
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (first.json["id"], "true")
    put(first.json, b"name\nOnce")
    for _ in range(2):
        assert w.call("POST", f"/imports/{first.json['id']}/start").status == 202
    while w.bring_in():
        pass
    assert names(w).count("Once") == 1
    assert w.call("POST", f"/imports/{first.json['id']}/start").json["status"] == "succeeded"


def test_a_repeated_start_sends_no_further_message(w: Harness) -> None:
    made = started(w, "name\nSent once")
    answers = [w.call("POST", f"/imports/{made['id']}/start") for _ in range(3)]
    assert {(each.status, each.json["status"]) for each in answers} == {(202, "processing")}
    assert len(w.imports.waiting) == 1
    assert w.bring_in() == 1


# -------------------------------------------------------------------------------------------------------- the report


def test_all_failed_rows_are_listed_in_pages(w: Harness) -> None:
    bad = "name,description\n" + "".join(f",{number}\n" for number in range(230))
    found = imported(w, bad)
    assert outcome(found) == ("succeeded", 230, 0, 230)
    lines: list[int] = []
    after: int | None = 0
    while after is not None:
        page = shown(w, f"/imports/{found['id']}/failures", after=after)
        assert len(page["failures"]) <= 100
        lines += [each["line"] for each in page["failures"]]
        after = page["next_after"]
    assert lines == list(range(2, 232))
    assert [each["line"] for each in found["failures"]] == lines[:100]


@pytest.mark.parametrize("letter", ["\U0001f600", "\x01", "\\"])
def test_the_largest_reports_fit_into_their_items(w: Harness, letter: str) -> None:
    wrong = json.dumps({letter * 400 + str(number): 1 for number in range(8)}, ensure_ascii=False)
    found = imported(w, f"{wrong}\n" * importing.CHUNK, "clients", "jsonl")
    assert outcome(found) == ("succeeded", 48, 0, 48)
    assert len(found["failures"][0]["problem"]["errors"]) == 5


def test_strangers_see_nothing_of_an_import(w: Harness) -> None:
    made = an_import(w, "name\nAcme")
    stranger = {"iss": "https://id.example", "sub": "stranger", "cognito:groups": "[admin]"}
    with mock.patch.dict("os.environ", AUTH_MODE="jwt"):
        settings.settings.cache_clear()
        try:
            for method, path in (("GET", ""), ("GET", "/failures"), ("POST", "/start"), ("POST", "/cancel")):
                assert w.call(method, f"/imports/{made['id']}{path}", claims=stranger).status == 404
            nothing = {"items": [], "has_more": False, "next_cursor": None}
            assert w.call("GET", "/imports", claims=stranger).json == nothing
        finally:
            settings.settings.cache_clear()
    assert w.call("GET", f"/imports/{NOBODY}").status == 404


# --------------------------------------------------------------------------------------------------------- the list


def test_imports_are_listed_as_they_are_shown(w: Harness) -> None:
    made = [imported(w, "name\nAcme"), an_import(w, "name\nAcme"), imported(w, "colour\nred")]
    whole = [each for page in walk(w, "/imports", page_size=2) for each in page["items"]]
    assert [each["id"] for each in whole] == sorted((each["id"] for each in whole), reverse=True)
    for each, one in zip(whole, reversed(made), strict=False):
        assert {**each, "failures": []} == report(w, one)
    failed = [each for each in whole if each["status"] == "failed"]
    with mock.patch("atelier.store.newest.SCANNED", 2):
        found = [each for page in walk(w, "/imports", status="failed") for each in page["items"]]
    assert found == failed
    cursor = shown(w, "/imports", page_size=1)["next_cursor"]
    for query in ({"status": "late"}, {"cursor": cursor, "status": "failed"}):
        problem(w.call("GET", "/imports", query=query), 400)


def test_a_running_import_is_listed_exactly(w: Harness) -> None:
    with mock.patch.object(importing, "CHUNK", 4), mock.patch.object(importing, "CHUNKS", 1):
        made = started(w, a_file(12))
        w.bring_in()
        (listed,) = shown(w, "/imports", page_size=1)["items"]
    assert (listed["id"], listed["progress"], listed["rows_succeeded"]) == (made["id"], pytest.approx(1 / 3), 4)
    while w.bring_in():
        pass


def test_an_import_is_gone_after_a_month(w: Harness) -> None:
    made = an_import(w, "name\nAcme")
    path = f"/imports/{made['id']}"
    with mock.patch.object(w, "now", w.now + KEPT - timedelta(minutes=1)):
        assert shown(w, "/imports", page_size=1)["items"][0]["id"] == made["id"]
        w.now += timedelta(minutes=2)
        assert made["id"] not in [each["id"] for each in shown(w, "/imports")["items"]]
        for method, part in (("GET", ""), ("GET", "/failures"), ("POST", "/start"), ("POST", "/cancel")):
            problem(w.call(method, path + part), 404)


# --------------------------------------------------------------------------------------------------------- messages


def test_nothing_is_imported_after_a_cancel(w: Harness) -> None:
    before = len(names(w))
    with mock.patch.object(importing, "CHUNK", 4), mock.patch.object(importing, "CHUNKS", 1):
        made = started(w, a_file(12))
        w.bring_in()
        path = f"/imports/{made['id']}"
        assert (report(w, made)["progress"], report(w, made)["status"]) == (pytest.approx(1 / 3), "processing")
        answers = [w.call("POST", f"{path}/cancel") for _ in range(2)]
        assert [(each.status, outcome(each.json)) for each in answers] == [(200, ("canceled", 12, 4, 0))] * 2
        assert w.bring_in() == 1
        assert len(names(w)) == before + 4
        assert w.call("POST", f"{path}/start").status == 409
    done = imported(w, "name\nAcme")
    assert w.call("POST", f"/imports/{done['id']}/cancel").status == 409


def test_a_message_of_an_earlier_turn_does_nothing(w: Harness) -> None:
    with mock.patch.object(importing, "CHUNK", 2), mock.patch.object(importing, "CHUNKS", 1):
        made = started(w, a_file(6))
        w.bring_in()
        w.bring_in()
        rest = w.imports.take()
        w.imports.send(ImportMessage(user_id=1, import_id=made["id"]))
        w.bring_in()
        assert (report(w, made)["rows_succeeded"], w.imports.waiting) == (4, [])
        w.imports.waiting = rest
        while w.bring_in():
            pass
        assert report(w, made)["status"] == "succeeded"


def test_a_lost_message_is_put_back_by_the_sweep(w: Harness) -> None:
    made = started(w, "name\nSwept")
    w.imports.take()
    assert w.sweep() == {"looked_at": 0, "put_back": 0}
    w.pass_time(301)
    assert w.sweep()["put_back"] == 1
    w.bring_in()
    assert report(w, made)["status"] == "succeeded"
    w.pass_time(3600)
    assert w.sweep()["put_back"] == 0
