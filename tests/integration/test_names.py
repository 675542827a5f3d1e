"""Names and prompts as their readers see them: what is stored, found, sorted, and what is no content."""

from collections.abc import Iterator

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import Json, a_campaign, a_client, names, places, shown

DECOMPOSED = "Mu\u0308ller"
INVISIBLE = ["\u200b", "\u200d\ufeff", "\u2060 \u00ad", "\u3164", "\u2800", "\u202e\u0000", "\U000e0041", "\ufe0f"]


@pytest.fixture
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def found(w: Harness, path: str, **query: str) -> list[str]:
    return names(w, path, **query)


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        (DECOMPOSED, ["Müller", "MÜLL", "mu\u0308", "Müller "]),
        ("Müller", [DECOMPOSED, "ｍü", "\u200bmüller"]),
        ("Zara\u00a0Home", ["zara ", " ZARA  home", "zara\u2003home", "a\nh"]),
        ("Straße 7", ["STRASSE", "strasse\t7"]),
        ("ﾊﾟﾅｿﾆｯｸ", ["パナソニック", "ハ\u309aナ"]),
        ("한국", ["\u1112\u1161\u11ab", "국"]),
        ("ΣΟΦΌΣ", ["σοφός", "ΣΟΦΟ\u0301Σ"]),
        ("Mül\u00adler", ["Müller", "Mu\u200b\u0308ll", "m\ufe0füller"]),
        ("\u0646\u0645\u06cc\u200c\u062f\u0627\u0646\u0645", ["\u0646\u0645\u06cc\u062f\u0627\u0646\u0645"]),
    ],
)
def test_a_name_is_found_however_it_is_typed(w: Harness, name: str, searches: list[str]) -> None:
    client = a_client(w, name=name)
    a_client(w, name="Other")
    a_campaign(w, client_id=client["id"], name=name)
    for search in searches:
        assert found(w, "/clients", search=search) == [name]
        assert found(w, "/campaigns", search=search) == [name]
        assert found(w, f"/clients/{client['id']}/campaigns", search=search) == [name]


@pytest.mark.parametrize("search", ["", " ", "\u3000\u200b"])
def test_a_search_for_nothing_finds_everything(w: Harness, search: str) -> None:
    a_client(w, name="Acme")
    assert found(w, "/clients", search=search) == ["Acme"]


def test_a_percent_sign_is_an_ordinary_character(w: Harness) -> None:
    for name in ("100 %", "1000", "a_b", "axb"):
        a_client(w, name=name)
    assert found(w, "/clients", search="%") == ["100 %"]
    assert found(w, "/clients", search="_") == ["a_b"]


def test_names_sort_together_however_they_are_composed(w: Harness) -> None:
    for name in ("Zara", DECOMPOSED, "Mueller", "MÜLLER", "Müller", "Nagel", "Arzt", "Ärzte", "Banane"):
        a_client(w, name=name)
    expected = ["Arzt", "Ärzte", "Banane", "Mueller", DECOMPOSED, "MÜLLER", "Müller", "Nagel", "Zara"]
    assert found(w, "/clients", sort_by="name", sort_order="asc") == expected
    assert found(w, "/clients", sort_by="name", sort_order="asc", search="\u200b", page="1") == expected


def test_names_and_status_ascend_and_times_descend(w: Harness) -> None:
    client = a_client(w, name="c")
    for name, status in (("b", "draft"), ("a", "archived"), ("c", "active")):
        a_campaign(w, client_id=client["id"], name=name, status=status)
    for path in ("/campaigns", f"/clients/{client['id']}/campaigns"):
        assert found(w, path) == found(w, path, sort_by="created_at") == ["c", "a", "b"]
        assert found(w, path, sort_by="updated_at") == ["c", "a", "b"]
        assert found(w, path, sort_by="name") == ["a", "b", "c"]
        assert found(w, path, sort_by="status") == ["c", "a", "b"]
        assert found(w, path, sort_by="name", sort_order="desc") == ["c", "b", "a"]


def test_a_cursor_belongs_to_its_order(w: Harness) -> None:
    """Whether that was asked for or is the default."""
    for name in "cab":
        a_client(w, name=name)
    first = shown(w, "/clients", sort_by="name", page_size=1)
    rest = {"sort_by": "name", "cursor": first["next_cursor"]}
    assert found(w, "/clients", **rest) == found(w, "/clients", **rest, sort_order="asc") == ["b", "c"]
    assert places(w.call("GET", "/clients", query={**rest, "sort_order": "desc"})) == {"cursor"}


@pytest.mark.parametrize("text", INVISIBLE)
def test_what_cannot_be_seen_is_no_content(w: Harness, text: str) -> None:
    client = a_client(w)
    assert places(w.call("POST", "/clients", {"name": text})) == {"/name"}
    assert places(w.call("PATCH", f"/clients/{client['id']}", {"name": f" {text} "})) == {"/name"}
    campaign = {"client_id": client["id"], "name": text, "goal": text}
    assert places(w.call("POST", "/campaigns", campaign)) == {"/name", "/goal"}
    for kind in ("image", "video", "audio"):
        assert places(w.call("POST", f"/generate/{kind}", {"prompt": text})) == {"/prompt"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("\u200b Acme\ufeff", "Acme"),
        ("\u2060\u3000Ac\u200dme\u00ad ", "Ac\u200dme"),
        ("I ❤\ufe0f", "I ❤\ufe0f"),
        (f" {DECOMPOSED} ", DECOMPOSED),
    ],
)
def test_names_are_trimmed_and_otherwise_kept(w: Harness, sent: str, kept: str) -> None:
    client: Json = a_client(w, name=sent)
    assert client["name"] == kept
    assert a_campaign(w, client_id=client["id"], name=sent, goal=sent)["goal"] == kept
    assert w.call("POST", "/generate/image", {"prompt": sent}).json["prompt"] == kept


def test_a_limit_counts_what_is_kept(w: Harness) -> None:
    assert a_client(w, name="\u200b" * 300 + "a" * 255)["name"] == "a" * 255
    assert places(w.call("POST", "/clients", {"name": "a" * 256})) == {"/name"}


@pytest.mark.parametrize("letter", ["ΐ", "ﷺ", "각", "😀", "\u0344", "漢"])
def test_the_longest_names_of_any_script_sort_and_page(w: Harness, letter: str) -> None:
    client = a_client(w)
    for last in "ba":
        a_campaign(w, client_id=client["id"], name=letter * 254 + last)
    for path in ("/campaigns", f"/clients/{client['id']}/campaigns"):
        first = shown(w, path, sort_by="name", page_size=1)
        second = shown(w, path, sort_by="name", page_size=1, cursor=first["next_cursor"])
        assert {each["items"][0]["name"][-1] for each in (first, second)} == {"a", "b"}
