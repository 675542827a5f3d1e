"""What arrives at the door: bytes, encodings and numbers, as callers send them and as the gateway hands them over."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.harness import Answer, Harness, harness
from testbed.lambda_events import http_event
from tests.integration.builders import Json, a_client, a_task, ids, places, problem, shown

TEXT_TYPES = ("application/json", "application/json; charset=UTF-8", 'Application/JSON;Charset="utf-8"')


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def gateway_event(sent: bytes, *, path: str = "/clients", **headers: str) -> dict[str, Any]:
    """What the HTTP API makes of a request: text with replacements for JSON, base64 for any other type."""
    named = {"content_type": "application/json", "content_length": str(len(sent)), **headers}
    lower = {name.replace("_", "-"): value for name, value in named.items() if value}
    is_text = lower.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    body = sent.decode(errors="replace") if is_text else base64.b64encode(sent).decode()
    event = http_event("POST", f"/api/v3{path}", body, headers=lower, query={})
    return {**event, "headers": lower, "isBase64Encoded": not is_text}


def post(w: Harness, sent: bytes, *, path: str = "/clients", **headers: str) -> Answer:
    function = "clients" if path == "/clients" else "tasks"
    answer = w.invoke(function, gateway_event(sent, path=path, **headers))
    return Answer(answer["statusCode"], answer["headers"], answer.get("body") or "")


NOT_UTF_8 = [
    b'{"name":"M\xfcller"}',
    '{"name":"Müller"}'.encode("cp1252"),
    b'{"name":"a\x80b"}',
    b'{"name":"\xc3"}',
    b'{"name":"\xc0\xaf"}',
    b'{"name":"\xed\xa0\x80"}',
    b'{"name":"\xf4\x90\x80\x80"}',
    b'{"name":"\xe4\xb8"}',
    b'{"na\xffme":"x"}',
    b'{"name":"Acme"}\xff',
    '{"name":"Acme"}'.encode("utf-16"),
    '{"name":"Zo\ufffd"}'.encode() + b"\xa0",
]


@pytest.mark.parametrize("sent", NOT_UTF_8)
@pytest.mark.parametrize("content_type", ["application/json", "application/merge-patch+json"])
def test_invalid_utf_8_is_refused_in_both_gateway_forms(w: Harness, sent: bytes, content_type: str) -> None:
    answer = post(w, sent, content_type=content_type)
    assert places(answer) == {""}
    assert "UTF-8" in answer.json["detail"]


def test_an_invalid_utf_8_prompt_is_not_charged(w: Harness) -> None:
    before = shown(w, "/tasks")["total"]
    assert places(post(w, b'{"prompt":"caf\xe9"}', path="/generate/image")) == {""}
    assert shown(w, "/tasks")["total"] == before


@pytest.mark.parametrize("content_type", [*TEXT_TYPES, "application/merge-patch+json"])
def test_a_replacement_character_that_was_sent_is_kept(w: Harness, content_type: str) -> None:
    for name in ("M\ufffdller", "Zoë \ufffd 🦊"):
        answer = post(w, json.dumps({"name": name}, ensure_ascii=False).encode(), content_type=content_type)
        assert (answer.status, answer.json["name"]) == (201, name)
        assert post(w, json.dumps({"name": name}).encode(), content_length="").json["name"] == name


def test_a_replacement_character_without_length_is_refused(w: Harness) -> None:
    """Without a Content-Length it cannot be told from bytes that were replaced."""
    assert places(post(w, '{"name":"\ufffd!"}'.encode(), content_length="")) == {""}
    assert places(post(w, b'{"name":"\xff!"}', content_length="")) == {""}
    assert post(w, '{"name":"Zoë"}'.encode(), content_length="").status == 201


@pytest.mark.parametrize("charset", ["latin1", "iso-8859-1", "utf-16", "us-ascii", "windows-1252", '"UTF-16LE"', ""])
def test_another_charset_is_a_415(w: Harness, charset: str) -> None:
    problem(post(w, b'{"name":"Acme"}', content_type=f"application/json; charset={charset}"), 415)
    problem(post(w, b'{"name":"Acme"}', content_type=f"application/json;charset=utf-8; Charset={charset}"), 415)


@pytest.mark.parametrize("content_type", [*TEXT_TYPES, "application/json;charset=utf8;q=1", "application/json; v=1"])
def test_utf_8_may_be_named(w: Harness, content_type: str) -> None:
    assert post(w, '{"name":"Zoë"}'.encode(), content_type=content_type).status == 201


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity", "GZIP, gzip", "x"])
@pytest.mark.parametrize("sent", [b"\x1f\x8b\x08\x00\x00", b'{"name":"Acme"}'])
def test_a_content_encoding_is_a_415(w: Harness, encoding: str, sent: bytes) -> None:
    for content_type in ("application/json", "application/octet-stream"):
        problem(post(w, sent, content_type=content_type, content_encoding=encoding), 415)


def test_base64_that_is_none_is_refused(w: Harness) -> None:
    event = {**gateway_event(b"{}"), "body": "e30===x", "isBase64Encoded": True}
    answer = w.invoke("clients", event)
    assert answer["statusCode"] == 400


NOT_JSON = "The body is not valid JSON:"
AT_8 = " (line 1, column 8)."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "The body is empty; send a JSON object."),
        (" \r\n", "The body is empty; send a JSON object."),
        ("\ufeff{}", "The body begins with a byte order mark (U+FEFF); send it without."),
        ("{", f"{NOT_JSON} a field name in double quotes is missing (line 1, column 2)."),
        ("{'a': 1}", f"{NOT_JSON} a field name in double quotes is missing (line 1, column 2)."),
        ('{"a" 1}', f"{NOT_JSON} a colon is missing (line 1, column 6)."),
        ('{"a": 1 "b"}', f"{NOT_JSON} a comma or a closing bracket is missing (line 1, column 9)."),
        ('{"a": }', f"{NOT_JSON} a value is missing or is not JSON (line 1, column 7)."),
        ('{"a": 1} x', f"{NOT_JSON} there is more text after the end (line 1, column 10)."),
        ('{"a": "x', f"{NOT_JSON} a string has no closing quote (line 1, column 7)."),
        ('{"a": "\n"}', f"{NOT_JSON} a control character within a string must be escaped (line 1, column 8)."),
        ('{"a": "\\x"}', f"{NOT_JSON} a backslash within a string must begin an escape that JSON knows{AT_8}"),
        ('{"a": NaN}', "The body is not acceptable JSON: NaN is not a JSON number."),
        ('{"a": 1, "a": 2}', 'The body is not acceptable JSON: the field "a" appears twice.'),
        ("[]", "The body must be a JSON object."),
        ('{"a":' * 5000, "The body is nested too deeply: at most 100 levels."),
    ],
)  # fmt: skip
def test_body_errors_are_messages_in_words(w: Harness, body: str, said: str) -> None:
    answer = w.call("POST", "/clients", raw=body)
    assert (places(answer), answer.json["detail"]) == ({""}, said)


# ---------------------------------------------------------------------------------------------------------- numbers

KEPT = [
    "0.1",
    "1e-300",
    "5e-324",
    "1.7976931348623157e308",
    "9007199254740993",
    "1" * 309,
    "-0.5",
    "1.10",
    "1E5",
    "1e9",
]
REFUSED = [
    *("1e-400", "-1e-400", "1e400", "0.1234567890123456789", "1234567890123456789.5", "1e309", "4.9e-324"),
    *("1" * 310, "-" + "9" * 4300, "9" * 4301, "2" + "0" * 308, "1e99999999999999999999", "1e-99999999999999999999"),
    *("0e99999999999999999999", "3.14159265358979323846", "1" + "0" * 400 + ".0"),
]


@pytest.mark.parametrize("number", KEPT)
@pytest.mark.parametrize("field", ["metadata"])
def test_a_number_is_kept_as_it_is(w: Harness, field: str, number: str) -> None:
    key = {"Idempotency-Key": f"number {number}"[:255]}
    for _ in range(2):
        answer = w.call(
            "POST", "/generate/image", raw=f'{{"prompt": "A boat", "{field}": {{"n": {number}}}}}', headers=key
        )
        assert answer.status == 202
        assert answer.json[field]["n"] == json.loads(number)
    assert shown(w, f"/tasks/{answer.json['id']}")[field]["n"] == json.loads(number)


@pytest.mark.parametrize("number", REFUSED)
@pytest.mark.parametrize("field", ["metadata", "params"])
def test_a_number_that_would_not_be_kept_is_refused(w: Harness, field: str, number: str) -> None:
    key = {"Idempotency-Key": "a number"}
    for _ in range(2):
        raw = f'{{"prompt": "A boat", "{field}": {{"n": [{number}]}}}}'
        answer = w.call("POST", "/generate/image", raw=raw, headers=key)
        assert places(answer) == {""}
        assert len(answer.text) < 1000


@pytest.mark.parametrize("number", ["1" * 309, "1e308", "-1e308", "1.5", "1e-7"])
@pytest.mark.parametrize("field", ["seed", "num_outputs", "duration"])
def test_a_number_out_of_bounds_is_named(w: Harness, field: str, number: str) -> None:
    kind = "video" if field == "duration" else "image"
    answer = w.call("POST", f"/generate/{kind}", raw=f'{{"prompt": "A boat", "{field}": {number}}}')
    assert answer.status == 202 if (field, number) == ("duration", "1.5") else places(answer) == {f"/{field}"}


# ------------------------------------------------------------------------------------------------- query strings


@pytest.mark.parametrize("query", ["search=M%FCller", "search=%C3", "search=%ED%A0%80", "%FF=1", "search=ok&page=%80"])
def test_a_query_that_is_not_utf_8_is_refused(w: Harness, query: str) -> None:
    event = http_event("GET", "/api/v3/clients", None, headers={}, query=query)
    event["queryStringParameters"] = {"search": "M\ufffdller"} if query.startswith("search") else {}
    answer = w.invoke("clients", event)
    assert answer["statusCode"] == 400
    assert "is not UTF-8" in answer["body"]


@pytest.mark.parametrize("time", ["2026-01-31T12:00:00 02:00", "2026-01-31t12:00:00.5 00:00"])
def test_a_plus_that_became_a_blank_is_explained(w: Harness, time: str) -> None:
    for name in ("created_from", "created_to"):
        answer = w.call("GET", "/tasks", query={name: time})
        assert places(answer) == {name}
        assert "%2B" in answer.json["detail"]
    assert w.call("GET", "/tasks", query={"created_from": "2026-01-31T12:00:00+02:00"}).status == 200


# ------------------------------------------------------------------------------------------------------------ ids


def test_ids_are_found_in_any_case_of_letters(w: Harness) -> None:
    client = a_client(w)["id"]
    campaign = w.call("POST", "/campaigns", {"client_id": client.upper(), "name": "a", "goal": "b"}).json
    task: Json = a_task(w, client_id=client.title(), campaign_id=campaign["id"].upper())
    assert (campaign["client_id"], task["client_id"], task["campaign_id"]) == (client, client, campaign["id"])
    for path in (f"/clients/{client}", f"/campaigns/{campaign['id']}", f"/tasks/{task['id']}"):
        head, _, id_ = path.rpartition("/")
        assert shown(w, f"{head}/{id_.upper()}") == shown(w, path)
    assert (
        ids(w, f"/clients/{client.upper()}/campaigns")
        == ids(w, "/campaigns", client_id=client.upper())
        == [campaign["id"]]
    )
    assert (
        ids(w, "/tasks", client_id=client.upper())
        == ids(w, "/tasks", campaign_id=campaign["id"].upper())
        == [task["id"]]
    )
    nested = {"client_id": client.upper(), "name": "c", "goal": "d"}
    assert w.call("POST", f"/clients/{client}/campaigns", nested).status == 201
    assert w.call("POST", f"/tasks/{task['id'].upper()}/cancel").status == 200
    assert w.call("DELETE", f"/tasks/{task['id'].upper()}").status == 204


def test_an_id_in_another_script_is_not_found(w: Harness) -> None:
    client = a_client(w)["id"]
    for strange in (client.replace("0", "０"), client.replace("0", "٠"), f"{client}\u200b", f"{{{client}}}"):
        problem(w.call("GET", f"/clients/{strange}"), 404)


def test_tasks_without_a_campaign_are_listed(w: Harness) -> None:
    client = a_client(w)["id"]
    campaign = w.call("POST", "/campaigns", {"client_id": client, "name": "a", "goal": "b"}).json["id"]
    inside = a_task(w, campaign_id=campaign)["id"]
    outside = [a_task(w, client_id=client)["id"] for _ in range(3)][::-1]
    page = shown(w, "/tasks", campaign_id="none", client_id=client, page_size=2)
    assert ([each["id"] for each in page["items"]], page["total"], page["has_more"]) == (outside[:2], 3, True)
    rest = shown(w, "/tasks", campaign_id="none", client_id=client, page_size=2, cursor=page["next_cursor"])
    assert [each["id"] for each in rest["items"]] == outside[2:]
    everywhere = ids(w, "/tasks", campaign_id="none", page_size=100)
    assert set(outside) < set(everywhere)
    assert inside not in everywhere
    w.call("DELETE", f"/campaigns/{campaign}")
    assert inside in ids(w, "/tasks", campaign_id="none", page_size=100)
    assert shown(w, "/tasks", campaign_id="none", client_id=client)["total"] == 4
