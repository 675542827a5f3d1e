"""Long guidelines and briefs, which are stored beside their clients and campaigns: nobody who reads them can tell."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.store import keys
from atelier.store.keys import Key
from atelier.store.long_texts import INLINE_BYTES
from atelier.store.table import Table, Write
from atelier.store.wire import Item
from testbed.harness import TABLE, Harness
from tests.integration.builders import Json, a_campaign, a_client, a_task, clean_up, created, ids, shown, walk
from tests.support.fault_injection import (
    WRITES,
    CrashAt,
    Crashed,
    FaultyDynamoDB,
    Request,
    Trouble,
    faulty_harness,
    meanwhile,
)
from tests.support.recount import scan, violations

LONG: Final = "Use blue. " * 500
OTHER: Final = "Use red. " * 600
LONGEST_INLINE: Final = "ß" * (INLINE_BYTES // 2)
FIELD: Final = {"clients": "brand_guidelines", "campaigns": "brief"}

Make = Callable[..., Json]
MAKE: Final[dict[str, Make]] = {"clients": a_client, "campaigns": lambda w, **fields: a_campaign(w, None, **fields)}
KINDS: Final = pytest.mark.parametrize("kind", ["clients", "campaigns"])


@pytest.fixture
def faulty() -> Iterator[tuple[Harness, FaultyDynamoDB]]:
    with faulty_harness() as made:
        yield made


@pytest.fixture
def w(faulty: tuple[Harness, FaultyDynamoDB]) -> Harness:
    return faulty[0]


def made(w: Harness, kind: str, text: str | None = LONG, **fields: Any) -> Json:
    """A client or a campaign with such guidelines or such a brief."""
    return MAKE[kind](w, **{FIELD[kind]: text, **fields})


def texts(w: Harness) -> dict[str, str]:
    """Every text that is an item of its own, by the id of what it belongs to."""
    items = scan(w.dynamodb, TABLE)
    return {item["id"]: item["text"] for item in items if item["SK"].startswith("TEXT#")}


def settled(w: Harness) -> None:
    """All cleanups are over, and everything adds up."""
    clean_up(w)
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


# --------------------------------------------------------------------------------------------- where a text stands


@KINDS
def test_a_text_above_the_limit_is_its_own_item(w: Harness, kind: str) -> None:
    within, above = made(w, kind, LONGEST_INLINE), made(w, kind, LONGEST_INLINE + "x")
    assert texts(w) == {above["id"]: LONGEST_INLINE + "x"}
    for each in (within, above):
        assert shown(w, f"/{kind}/{each['id']}") == each
    settled(w)


@KINDS
def test_no_index_carries_a_long_text(w: Harness, kind: str) -> None:
    made(w, kind)
    for item in scan(w.dynamodb, TABLE):
        indexes = {name for name in item if name.startswith("by_")}
        assert LONG not in item.values() or (item["text"], indexes) == (LONG, {"by_path"})


@KINDS
@pytest.mark.parametrize("after", [OTHER, "Short.", LONGEST_INLINE, "", None])
def test_a_changed_text_moves_where_its_length_says(w: Harness, kind: str, after: str | None) -> None:
    one = made(w, kind)
    for text in (after, LONG, after):
        changed = w.call("PATCH", f"/{kind}/{one['id']}", {FIELD[kind]: text}).json
        assert changed[FIELD[kind]] == text
        assert shown(w, f"/{kind}/{one['id']}") == changed
        assert texts(w) == ({one["id"]: text} if text in (LONG, OTHER) else {})
        settled(w)


@KINDS
def test_another_change_does_not_write_the_text(faulty: tuple[Harness, FaultyDynamoDB], kind: str) -> None:
    w, client = faulty
    one = made(w, kind)
    client.trouble = recording = Recording()
    changed = w.call("PATCH", f"/{kind}/{one['id']}", {"name": "Renamed"})
    assert recording.sort_keys == [f"{kind[:-1].upper()}#{one['id']}"]
    assert (changed.json["name"], changed.json[FIELD[kind]], changed.headers["ETag"]) == ("Renamed", LONG, '"2"')
    settled(w)


class Recording(Trouble):
    """The sort keys of what is written."""

    def __init__(self) -> None:
        self.sort_keys: list[str] = []

    def before(self, call: str, request: Request) -> Request:
        """Note the write."""
        if call in WRITES:
            each = [next(iter(write.values())) for write in request.get("TransactItems", [])] or [request]
            self.sort_keys += [(write.get("Key") or write["Item"])["SK"]["S"] for write in each]
        return request


# ------------------------------------------------------------------------------------------------------- readers


@KINDS
@pytest.mark.parametrize(
    "query", [{}, {"sort_by": "name"}, {"sort_by": "updated_at"}, {"search": "long"}, {"page": 2, "page_size": 2}]
)
def test_every_list_shows_long_and_short_texts(w: Harness, kind: str, query: Json) -> None:
    each = [made(w, kind, text, name=f"Long {number}") for number, text in enumerate((LONG, "Short.", OTHER, None))]
    by_id = {one["id"]: one for one in each}
    items = shown(w, f"/{kind}", **query)["items"]
    assert len(items) == query.get("page_size", 4)
    assert items == [by_id[item["id"]] for item in items]


@KINDS
def test_iterating_shows_every_text(w: Harness, kind: str) -> None:
    each = [made(w, kind, text) for text in (LONG, "Short.", OTHER, None)]
    assert [item for page in walk(w, f"/{kind}", page_size=1) for item in page["items"]] == each[::-1]


@KINDS
def test_a_repeated_request_is_answered_with_the_text(w: Harness, kind: str) -> None:
    body = {"name": "n", FIELD[kind]: LONG}
    if kind == "campaigns":
        body |= {"client_id": a_client(w)["id"], "goal": "g"}
    first, second = (w.call("POST", f"/{kind}", body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert created(first) == created(second)
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_task_is_made_with_the_long_texts(w: Harness) -> None:
    client = made(w, "clients", "Use blue. " + "x" * INLINE_BYTES)
    campaign = a_campaign(w, client, brief="Sell boats. " + "x" * INLINE_BYTES)
    prompt = a_task(w, campaign_id=campaign["id"], provider="sandbox")["effective_prompt"]
    assert client["brand_guidelines"] in prompt
    assert campaign["brief"] in prompt


# ------------------------------------------------------------------------------------------------------- deletes


@KINDS
def test_a_deleted_resource_leaves_no_text(w: Harness, kind: str) -> None:
    one = made(w, kind)
    assert w.call("DELETE", f"/{kind}/{one['id']}").status == 204
    assert w.call("GET", f"/{kind}/{one['id']}").status == 404
    assert violations(scan(w.dynamodb, TABLE)) == []
    settled(w)
    assert texts(w) == {}


def test_deleting_a_client_deletes_its_campaigns_texts(w: Harness) -> None:
    client, other = made(w, "clients"), made(w, "clients", OTHER)
    kept = a_campaign(w, other, brief=LONG)
    for _ in range(3):
        a_campaign(w, client, brief=LONG)
    w.call("DELETE", f"/campaigns/{a_campaign(w, client, brief=LONG)['id']}")
    w.call("DELETE", f"/clients/{client['id']}")
    settled(w)
    assert texts(w) == {other["id"]: OTHER, kept["id"]: LONG}


def test_texts_are_deleted_a_batch_at_a_time(w: Harness) -> None:
    client = made(w, "clients")
    for _ in range(4):
        a_campaign(w, client, brief=LONG)
    w.call("DELETE", f"/clients/{client['id']}")
    wiring.cascade()._batch = 2
    settled(w)
    assert texts(w) == {}


# ------------------------------------------------------------------------------------- in the middle of a change


@KINDS
@pytest.mark.parametrize("after", [OTHER, "Short."])
def test_a_reader_never_sees_half_a_change(w: Harness, kind: str, after: str) -> None:
    one = made(w, kind)
    path, change = f"/{kind}/{one['id']}", {FIELD[kind]: after, "name": "Changed"}
    with torn_reads(lambda: w.call("PATCH", path, change)):
        seen = w.call("GET", path)
    assert (seen.json["name"], seen.json[FIELD[kind]], seen.headers["ETag"]) == ("Changed", after, '"2"')


@KINDS
def test_a_change_that_read_half_of_another_reads_again(w: Harness, kind: str) -> None:
    one = made(w, kind)
    path = f"/{kind}/{one['id']}"
    with torn_reads(lambda: w.call("PATCH", path, {FIELD[kind]: OTHER})):
        changed = w.call("PATCH", path, {"name": "Changed"})
    assert (changed.json["name"], changed.json[FIELD[kind]], changed.headers["ETag"]) == ("Changed", OTHER, '"3"')
    settled(w)


@KINDS
@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("effect", [False, True])
def test_a_change_that_dies_anywhere_leaves_no_half(
    faulty: tuple[Harness, FaultyDynamoDB], kind: str, number: int, effect: bool
) -> None:
    w, client = faulty
    one = made(w, kind)
    client.trouble = CrashAt(number, effect=effect)
    with suppress(Crashed):
        w.call("PATCH", f"/{kind}/{one['id']}", {FIELD[kind]: OTHER})
    client.trouble = Trouble()
    assert shown(w, f"/{kind}/{one['id']}")[FIELD[kind]] in (LONG, OTHER)
    settled(w)


@KINDS
@pytest.mark.parametrize("search", [{}, {"search": "n"}])
def test_a_list_shows_resources_with_their_own_texts(
    faulty: tuple[Harness, FaultyDynamoDB], kind: str, search: Json
) -> None:
    """Also while a text changes."""
    w, client = faulty
    one, other = made(w, kind, name="n"), made(w, kind, name="n")
    change = {FIELD[kind]: OTHER, "name": "new"}
    number = 3 if search else 2  # the texts are read after the items
    patch = lambda: w.call("PATCH", f"/{kind}/{one['id']}", change)  # noqa: E731
    with meanwhile(client, patch, call="batch_get_item", number=number):
        items = {item["id"]: item for item in shown(w, f"/{kind}", **search)["items"]}
    assert items == {one["id"]: shown(w, f"/{kind}/{one['id']}"), other["id"]: other}


@KINDS
def test_a_list_leaves_out_what_is_deleted_meanwhile(faulty: tuple[Harness, FaultyDynamoDB], kind: str) -> None:
    w, client = faulty
    one, other = made(w, kind), made(w, kind)

    def goes() -> None:
        w.call("DELETE", f"/{kind}/{one['id']}")
        clean_up(w)

    with meanwhile(client, goes, call="batch_get_item", number=2):
        assert ids(w, f"/{kind}") == [other["id"]]


def torn_reads(happens: Callable[[], object]) -> Any:
    """Something `happens` between the reading of a resource and of its text, both in one request; once."""
    usual, left = Table.get_many, [happens]

    def get_many(table: Table, wanted: list[Key]) -> dict[Key, Item]:
        beside = [key for key in wanted if key.sk.startswith("TEXT#")]
        if not left or not beside:
            return usual(table, wanted)
        found = usual(table, [key for key in wanted if key not in beside])
        left.pop()()
        return {**found, **usual(table, beside)}

    return mock.patch.object(Table, "get_many", get_many)


# -------------------------------------------------------------------------------------------------- the recount


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda text: Write(text, delete=True), "the long text of {id} is version None instead of 1."),
        (lambda text: Write(text, set={"version": 7}), "the long text of {id} is version 7 instead of 1."),
        (lambda text: Write(text, set={"by_path": "TEXT#x"}), "long text {id} stands at TEXT#x in by_path,"),
    ],
)
def test_the_recount_finds_a_text_of_another_version(w: Harness, change: Any, finding: str) -> None:
    one = made(w, "clients")
    wiring.table().write(change(keys.text(1, one["id"])))
    (found,) = violations(scan(w.dynamodb, TABLE))
    assert finding.format(id=one["id"]) in found


def test_the_recount_finds_a_text_without_its_resource(w: Harness) -> None:
    one = made(w, "clients")
    w.call("DELETE", f"/clients/{one['id']}")
    clean_up(w)
    left = {"id": one["id"], "text": LONG, "version": 1, "by_path": f"TEXT#{one['id']}"}
    wiring.table().write(Write(keys.text(1, one["id"]), put=left))
    assert any("has outlived it" in each for each in violations(scan(w.dynamodb, TABLE)))
