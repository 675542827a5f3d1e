"""Bodies and query strings, which may be anything: what is taken is JSON to the letter, all else is told apart."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain.errors import Invalid
from atelier.web.problems import TooLarge, UnsupportedMediaType
from atelier.web.request_body import MAX_BODY, parse_body, read_body
from atelier.web.validation import parameter_errors

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=5)
ALMOST_JSON = st.text(alphabet='{}[]":,0123456789.eE+-truefalsn \\u\n\ud800é', max_size=40)


def taken(text: str | None) -> dict[str, Any] | None:
    """What a body is, or None when it is refused in words."""
    try:
        return parse_body(text)
    except Invalid as refused:
        (fault,) = refused.field_errors
        assert fault.pointer == ""
        fault.detail.encode()
        return None


@given(OBJECTS, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_json_object_is_taken_as_json_means_it(value: dict[str, Any], escaped: bool, indent: Any) -> None:
    assert taken(json.dumps(value, ensure_ascii=escaped, indent=indent)) == value


@settings(max_examples=300)
@given(st.text(max_size=60) | ALMOST_JSON)
def test_any_text_is_an_object_or_refused(text: str) -> None:
    value = taken(text)
    try:
        expected = json.loads(text)
    except (ValueError, RecursionError):
        expected = None
    if value is not None:
        assert value == expected
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    else:
        # Refused although Python reads it: it is no object, or something in it is not JSON or not text.
        assert not isinstance(expected, dict) or any(
            hint in text for hint in ("e", "E", "N", "I", "\\u", "\ud800", '"')
        )


@given(VALUES.filter(lambda value: not isinstance(value, dict)))
def test_what_is_not_an_object_is_refused(value: Any) -> None:
    assert taken(json.dumps(value)) is None


@given(OBJECTS, st.integers(min_value=0, max_value=200))
def test_a_cut_body_is_refused(value: dict[str, Any], cut: int) -> None:
    text = json.dumps(value)
    assert taken(text[: min(cut, len(text) - 1)]) is None
    assert taken(text + "}") is None
    assert taken("\ufeff" + text) is None


@given(OBJECTS, st.text(max_size=6), VALUES, VALUES)
def test_a_repeated_json_key_is_refused_at_any_depth(value: dict[str, Any], key: str, one: Any, other: Any) -> None:
    twice = f"{{{json.dumps(key)}: {json.dumps(one)}, {json.dumps(key)}: {json.dumps(other)}}}"
    assert taken(twice) is None
    assert taken(f'{{"outer": [{json.dumps(value)}, {twice}]}}') is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": -Infinity}',
        '{"a": 1e400}',
        '{"a": -1e400}',
        '{"a": "\\ud800"}',
        '{"\\udfff": 1}',
        '{"a": "\ud800"}',
        "{'a': 1}",
        '{"a": 01}',
        '{"a": 1,}',
        '{"a": "\n"}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"a": ' + "[" * 100 + "]" * 100 + "}",
    ],
    ids=lambda text: str(text)[:20].encode("ascii", "replace").decode(),
)
def test_what_json_libraries_let_pass_is_refused(text: str | None) -> None:
    assert taken(text) is None


def test_a_body_may_be_nested_100_levels_deep() -> None:
    text = '{"a": ' + "[" * 99 + "]" * 99 + "}"
    assert taken(text) == json.loads(text)


def test_a_surrogate_pair_is_one_letter() -> None:
    assert taken('{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


# ------------------------------------------------------------------------------------------- before it is parsed


def read(body: str | None, content_type: str, path: str = "/api/v3/clients") -> str | None:
    return read_body({"body": body, "rawPath": path}, {"content-type": content_type})


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
)
def test_json_is_told_by_its_content_type(content_type: str) -> None:
    read("{}", content_type)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/jsonp", "text/json", "application/x-www-form-urlencoded", ";"]
)
def test_another_content_type_is_refused_with_a_body(content_type: str) -> None:
    read(None, content_type)
    read("", content_type)
    with pytest.raises(UnsupportedMediaType):
        read("{}", content_type)


@pytest.mark.parametrize("letter", ["a", "é", "😀", "\ud800"])
def test_the_size_of_a_body_is_counted_in_bytes(letter: str) -> None:
    most = MAX_BODY // len(letter.encode(errors="surrogatepass"))
    read(letter * most, "application/json")
    with pytest.raises(TooLarge):
        read(letter * (most + 1), "application/json")
    batch = "/api/v3/clients/batch"
    read(letter * (most + 1), "application/json", batch)
    with pytest.raises(TooLarge):
        read(letter * 4 * (most + 1), "application/json", batch)


# -------------------------------------------------------------------------------------------------- query strings

NAMES = st.text(min_size=1, max_size=8)


@given(st.lists(st.tuples(NAMES, st.text(max_size=8)), max_size=6), st.sets(NAMES, max_size=4))
def test_every_unknown_and_every_repeated_parameter_is_named_once(sent: list[tuple[str, str]], known: set[str]) -> None:
    names = [name for name, _ in sent]
    field_errors = parameter_errors(urlencode(sent), known)
    unknown = [fault.parameter for fault in field_errors if fault.detail.startswith("unknown")]
    repeated = [fault.parameter for fault in field_errors if fault.detail.startswith("given")]
    assert sorted(map(str, unknown)) == sorted(set(names) - known)
    assert sorted(map(str, repeated)) == sorted({name for name in names if names.count(name) > 1})
    assert len(field_errors) == len(unknown) + len(repeated)


@given(st.text(max_size=40), st.binary(max_size=20))
def test_any_query_string_is_read_without_an_error(text: str, content: bytes) -> None:
    parameter_errors(text, {"page"})
    parameter_errors(quote(content), {"page"})


def test_a_parameter_without_a_value_is_a_parameter() -> None:
    assert [fault.parameter for fault in parameter_errors("colour&page=1", {"page"})] == ["colour"]
    assert parameter_errors("page=&page_size", {"page", "page_size"}) == []
