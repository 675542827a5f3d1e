"""Keys: nothing is where something else is, and a position in an index is a position in the contract's order."""

from datetime import UTC, date, datetime
from itertools import combinations
from typing import Any, get_args
from unicodedata import normalize

from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.campaigns import CampaignQuery, CampaignStatus, ClientCampaignQuery
from atelier.domain.clients import ClientQuery
from atelier.domain.kinds import KINDS, OnDelete, relations_of
from atelier.domain.ledger import Row
from atelier.domain.pages import SearchQuery
from atelier.domain.schema import format_timestamp
from atelier.store import keys, ledger
from atelier.store.cascade import ELSEWHERE, pattern_of
from atelier.store.keys import POSITION, Key
from testbed.template import template
from tests.support.builders import a_campaign, a_client, a_task, an_id

IDS = st.integers(min_value=0, max_value=2**62 - 1).map(an_id)
USERS = st.integers(min_value=1, max_value=2**53)
NAMES = st.text(min_size=1, max_size=255)
SHORT_NAMES = st.text(min_size=1, max_size=40)
ALIKE = st.text(alphabet="aAbBßẞıİ\0\x01\x7f0f", min_size=1, max_size=4)
MOMENTS = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside it
LONGEST_SORT_KEY = 1024


def a_row(day: date, client: str = "none", campaign: str = "none", model: str = "fal-ai/flux") -> Row:
    return Row(day.isoformat(), client, campaign, "image", "fal", "succeeded", 1, model)


def everything(user: int, one: str, other: str, day: date, free_text: str) -> dict[Any, Key]:
    """Each kind of thing with each of two ids, and where it is."""
    found: dict[Any, Key] = {"summary": keys.summary(user), "ledger": keys.ledger_row(user, a_row(day))}
    for id_ in (one, other):
        found |= {
            ("client", id_): keys.resource(user, "client", id_),
            ("campaign", id_): keys.resource(user, "campaign", id_),
            ("counters", id_): keys.counters(user, id_),
            ("ledger", id_, None): keys.ledger_row(user, a_row(day, client=id_)),
            ("ledger", id_, one): keys.ledger_row(user, a_row(day, client=id_, campaign=one)),
            ("name", "client", id_): keys.ledger_name(user, "client", id_),
            ("name", "campaign", id_): keys.ledger_name(user, "campaign", id_),
            ("client deletion", id_): keys.deletion(user, "client", id_),
            ("campaign deletion", id_): keys.deletion(user, "campaign", id_),
            ("task", id_): keys.task(id_),
            ("task", id_, "detail"): keys.task_detail(id_),
        }
    for scope in ("all", "none"):
        found["counters", scope] = keys.counters(user, scope)
    found["answer", free_text] = keys.idempotency(user, free_text)
    return found


PAIRS = st.tuples(USERS, st.text(min_size=1, max_size=20))


@given(PAIRS, PAIRS, st.tuples(IDS, IDS), st.dates())
def test_no_two_items_share_a_key(one: tuple[int, str], two: tuple[int, str], ids: tuple[str, str], day: date) -> None:
    (user, key), (other, other_key) = one, two
    mine, theirs = (everything(each, *ids, day, key) for each in (user, other))
    assert len(set(mine.values())) == len(mine)
    for name, where in mine.items():
        if user != other and name[0] != "task":
            assert where not in theirs.values()
    assert (keys.idempotency(user, key) == keys.idempotency(other, other_key)) == ((user, key) == (other, other_key))


@given(USERS, IDS, IDS)
def test_a_partition_holds_its_own_kind_only(user: int, one: str, other: str) -> None:
    places = {name: where.sk for name, where in everything(user, one, other, date(2026, 1, 31), "x").items()}
    for kind, prefix in {
        "client": keys.newest(user, "client").prefix,
        "campaign": keys.newest(user, "campaign").prefix,
        "ledger": keys.ledger(user).prefix,
    }.items():
        inside = {name if isinstance(name, str) else name[0] for name, sk in places.items() if sk.startswith(prefix)}
        assert inside == {kind}


def sort_key(query_order: str, row: dict[str, Any]) -> tuple[Any, ...]:
    """The contract's order: names by their decomposed form without case, ties by id."""
    return (
        normalize("NFKD", normalize("NFKD", row["name"]).casefold()) if query_order == "name" else row[query_order],
        row["id"],
    )


ROWS = st.builds(
    lambda name, status, updated, id_: {"name": name, "status": status, "updated_at": updated, "id": id_},
    SHORT_NAMES | ALIKE,
    st.sampled_from(CampaignStatus),
    MOMENTS,
    IDS,
)


@given(st.lists(ROWS, min_size=2, max_size=6, unique_by=lambda row: str(row["id"])))
def test_positions_are_in_the_contract_s_order(rows: list[dict[str, Any]]) -> None:
    for order in ("name", "status", "updated_at"):
        kept = [
            {**row, "updated_at": format_timestamp(row["updated_at"]), "order": sort_key(order, row)} for row in rows
        ]
        for one, other in combinations(kept, 2):
            # DynamoDB compares the bytes of UTF-8.
            first, second = (POSITION[order](row).encode() for row in (one, other))
            assert (first < second) == (one["order"] < other["order"])
            assert first != second


@given(NAMES, NAMES, IDS, IDS)
def test_names_have_a_total_order_ignoring_case(name: str, other: str, id_: str, other_id: str) -> None:
    """Names of any length."""
    one, two = ({"name": each, "id": an} for each, an in ((name, id_), (other, other_id)))
    if id_ != other_id:
        assert POSITION["name"](one) != POSITION["name"](two)
    assert POSITION["name"]({**one, "name": name.swapcase().swapcase().casefold()}) == POSITION["name"](
        {**one, "name": name.swapcase().swapcase()}
    )


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=255) | st.just("ΐ" * 255), IDS)
def test_no_name_is_too_long_for_a_key(name: str, id_: str) -> None:
    for letters in (name, name[:1] * 255):
        client, campaign = (
            a_client(id=id_, name=letters.strip() or "x"),
            a_campaign(id=id_, name=letters.strip() or "x"),
        )
        indexed = {**keys.resource_indexes("client", vars(client)), **keys.resource_indexes("campaign", vars(campaign))}
        assert all(len(value.encode()) <= LONGEST_SORT_KEY for value in indexed.values())


@given(st.builds(lambda at, number: an_id(number, at=at), MOMENTS, st.integers(min_value=0, max_value=9)), MOMENTS)
def test_every_item_stands_in_the_partitions_that_list_it(id_: str, updated: datetime) -> None:
    client = a_client(id=id_, updated_at=updated)
    campaign = a_campaign(id=id_, updated_at=updated, status="active")
    for indexes, partitions in (
        (
            keys.resource_indexes("client", vars(client)),
            [keys.sorted_by(1, "client", "name"), keys.sorted_by(1, "client", "updated_at"), keys.below(1, "client")],
        ),
        (
            keys.resource_indexes("campaign", vars(campaign)),
            [
                keys.sorted_by(1, "campaign", "name"),
                keys.sorted_by(1, "campaign", "updated_at"),
                keys.children(1, "campaign", campaign.client_id),
                keys.sorted_by(1, "campaign", "status"),
                keys.sorted_by(1, "campaign", "status", "active"),
                keys.below(1, "campaign"),
                keys.below(1, "campaign", campaign.client_id),
                keys.below(1, "campaign", campaign.client_id, "active"),
            ],
        ),
        (
            keys.counters_indexes("campaign", {"client_id": client.id, "id": campaign.id}),
            [keys.counters_below(1, client.id)],
        ),
    ):
        assert all(indexes[partition.range].startswith(partition.prefix) for partition in partitions)
    assert not keys.resource_indexes("campaign", vars(campaign))["by_status"].startswith(
        keys.sorted_by(1, "campaign", "status", "archived").prefix
    )


def test_a_task_is_in_its_owners_and_parents_lists() -> None:
    task = a_task(client_id=an_id(1), campaign_id=an_id(2))
    linked = {"id": task.id, **keys.task_indexes(task)}
    for partition in (keys.tasks_of_owner(1), keys.tasks_of_client(1, an_id(1)), keys.tasks_of_campaign(1, an_id(2))):
        assert linked[partition.hash] == partition.value
        assert linked[partition.range] == an_id(3)
    alone = keys.task_indexes(a_task())
    assert alone["client_tasks"] == keys.tasks_of_client(1, "none").value
    assert "campaign_tasks" not in alone


# -------------------------------------------------------------------------------------------- nothing is forgotten


def test_every_relation_has_an_access_pattern() -> None:
    relations = [relation for kind in KINDS for relation in relations_of(kind.name)]
    assert all(pattern_of(relation) for relation in relations)
    assert set(ELSEWHERE) == {
        (relation.parent, relation.child) for relation in relations if relation.on_delete is OnDelete.SET_NULL
    }


def test_every_requestable_order_has_a_position() -> None:
    lists: tuple[type[SearchQuery], ...] = (ClientQuery, ClientCampaignQuery, CampaignQuery)
    assert {order for query in lists for order in get_args(query.model_fields["sort_by"].annotation)} == set(POSITION)


def test_every_index_and_partition_is_used() -> None:
    table = template()["Resources"]["Table"]["Properties"]
    there = {index["IndexName"] for kind in ("Local", "Global") for index in table[f"{kind}SecondaryIndexes"]}
    used = {
        partition.index
        for partition in (
            keys.sorted_by(1, "client", "name"),
            keys.sorted_by(1, "client", "updated_at"),
            keys.children(1, "campaign", "x"),
            keys.sorted_by(1, "campaign", "status"),
            keys.below(1, "client"),
            keys.tasks_of_owner(1),
            keys.tasks_of_client(1, "x"),
            keys.tasks_of_campaign(1, "x"),
            keys.marked_tasks(1),
            keys.due(0),
            keys.activity_of_account(1, managed=True),
            keys.activity_of_client(1, "x", managed=False),
            keys.activity_of_campaign(1, "x", managed=False),
        )
    }
    assert used == there


@given(IDS)
def test_what_is_due_stands_in_one_of_the_shards(id_: str) -> None:
    place = keys.due_place(id_, datetime(2026, 1, 31, tzinfo=UTC))
    assert place["due_shard"] in {keys.due(shard).value for shard in range(keys.DUE_SHARDS)}
    assert keys.due_place(id_, None) == {}


@given(st.dates(), IDS, IDS, st.text(max_size=40))
def test_a_row_of_the_ledger_tells_its_parts(day: date, client: str, campaign: str, model: str) -> None:
    row = a_row(day, client, campaign, model)
    where = keys.ledger_row(1, row)
    assert ledger.row_from(where.sk) == row
    assert where.sk.startswith(f"{keys.ledger(1).prefix}{day.isoformat()}#")
