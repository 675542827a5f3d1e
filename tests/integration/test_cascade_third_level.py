"""A cascade reaches what is below its children, at once for readers and in the end in the table."""

from collections.abc import Iterator
from functools import partial

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.errors import NotFound
from atelier.domain.ids import new_id
from atelier.domain.kinds import OnDelete, Relation, relations_of
from atelier.store import keys
from atelier.store.account_summary import summary_from
from atelier.store.long_texts import INLINE_BYTES
from testbed.harness import TABLE, Harness, harness
from tests.integration.builders import Json, a_campaign, a_client, a_task, clean_up, shown
from tests.support.fault_injection import faulty_harness, meanwhile
from tests.support.recount import scan, violations
from tests.support.third_level import BriefVersion, BriefVersionQuery, BriefVersions, NewBriefVersion, third_level

ME = Access.own(1)
LONG = "x" * (INLINE_BYTES + 1)


@pytest.fixture
def w() -> Iterator[Harness]:
    with third_level(), harness() as made:
        yield made


def a_version(w: Harness, campaign: Json, text: str = "First") -> BriefVersion:
    new, now = NewBriefVersion(campaign_id=campaign["id"], text=text), w.clock()
    return BriefVersions(wiring.table()).create(new, id_=new_id(now, 0), access=ME, idempotent=None, now=now).record


def versions() -> list[str]:
    page = BriefVersions(wiring.table()).list(BriefVersionQuery(), access=ME)
    assert page.total == len(page.items)
    return [each.text for each in page.items]


def total() -> int:
    summary = summary_from(wiring.table().get(keys.summary(1)))
    return summary.counters.get("brief_versions", 0)


def leftovers(w: Harness) -> set[str]:
    """The kinds of items that are left of the account, besides its totals."""
    sort_keys = (item["SK"] for item in scan(w.dynamodb, TABLE) if item["PK"] == "ACCOUNT#1")
    return {key.partition("#")[0] for key in sort_keys if key not in ("SUMMARY", "COUNTERS#all", "COUNTERS#none")}


def test_relations_are_the_transitive_closure(w: Harness) -> None:
    below = {(each.child, each.on_delete) for each in relations_of("client")}
    assert below == {
        ("campaign", OnDelete.CASCADE),
        ("asset", OnDelete.CASCADE),
        ("brief_version", OnDelete.CASCADE),
        ("client_share", OnDelete.CASCADE),
        ("campaign_share", OnDelete.CASCADE),
        ("client_invitation", OnDelete.CASCADE),
        ("campaign_invitation", OnDelete.CASCADE),
        ("task", OnDelete.SET_NULL),
    }
    assert Relation("campaign", "brief_version", OnDelete.CASCADE) in relations_of("campaign")


def test_a_version_names_all_its_ancestors(w: Harness) -> None:
    client = a_client(w)
    campaign = a_campaign(w, client)
    version = a_version(w, campaign)
    assert (version.client_id, version.campaign_id) == (client["id"], campaign["id"])
    assert total() == 1


@pytest.mark.parametrize("deleted", ["clients", "campaigns"])
def test_a_delete_hides_grandchildren_at_once(w: Harness, deleted: str) -> None:
    kept = a_version(w, a_campaign(w), "Kept")
    client = a_client(w)
    campaign = a_campaign(w, client)
    version = a_version(w, campaign, "Gone")
    id_ = client["id"] if deleted == "clients" else campaign["id"]
    assert w.call("DELETE", f"/{deleted}/{id_}").status == 204
    assert versions() == ["Kept"]
    assert total() == 1
    with pytest.raises(NotFound):
        BriefVersions(wiring.table()).get(version.id, access=ME)
    assert BriefVersions(wiring.table()).get(kept.id, access=ME) == kept


def test_a_delete_of_the_client_leaves_nothing_behind(w: Harness) -> None:
    client = a_client(w)
    for number in range(3):
        campaign = a_campaign(w, client)
        a_task(w, client_id=client["id"], campaign_id=campaign["id"])
        for _ in range(number):
            a_version(w, campaign)
    w.call("DELETE", f"/clients/{client['id']}")
    clean_up(w)
    assert leftovers(w) == set()
    assert total() == 0
    assert shown(w, "/tasks", client_id="none")["total"] == 3
    assert not violations(scan(w.dynamodb, TABLE), at_rest=True)


@pytest.mark.parametrize("order", [("clients",), ("campaigns",), ("campaigns", "clients"), ()])
def test_no_long_text_outlives_its_resource(w: Harness, order: tuple[str, ...]) -> None:
    ids = {"clients": a_client(w, brand_guidelines=LONG)}
    ids["campaigns"] = (campaign := a_campaign(w, ids["clients"], brief=LONG))
    version = a_version(w, campaign, LONG)
    assert versions() == [LONG]
    if not order:  # nothing is cleaned up after what has nothing below it
        BriefVersions(wiring.table()).delete(version.id, access=ME, accepted=None, now=w.clock())
    for each in order:
        w.call("DELETE", f"/{each}/{ids[each]['id']}")
    clean_up(w)
    left = {item["id"] for item in scan(w.dynamodb, TABLE) if item["SK"].startswith("TEXT#")}
    assert left == {one["id"] for kind, one in ids.items() if kind not in order and "clients" not in order}


def test_a_campaign_and_then_its_client_are_deleted(w: Harness) -> None:
    client = a_client(w)
    first, second = a_campaign(w, client), a_campaign(w, client)
    for campaign in (first, second):
        a_version(w, campaign)
    w.call("DELETE", f"/campaigns/{first['id']}")
    w.call("DELETE", f"/clients/{client['id']}")
    assert versions() == []
    clean_up(w)
    assert leftovers(w) == set()
    assert total() == 0


def test_nothing_is_created_below_a_deleted_grandparent(w: Harness) -> None:
    client = a_client(w)
    campaign = a_campaign(w, client)
    w.call("DELETE", f"/clients/{client['id']}")
    with pytest.raises(NotFound):
        a_version(w, campaign)
    assert total() == 0


def test_a_cleanup_killed_after_every_step_goes_on(w: Harness) -> None:
    client = a_client(w)
    campaigns = [a_campaign(w, client) for _ in range(2)]
    for campaign in campaigns:
        for _ in range(2):
            a_version(w, campaign)
    w.call("DELETE", f"/clients/{client['id']}")
    w.relay()
    for _ in range(40):
        waiting = w.cascade.take()
        w.cascade.waiting = [*waiting, *waiting]  # every message twice
        if not w.clean():
            break
    assert leftovers(w) == set()


@pytest.mark.parametrize("deleted", ["clients", "campaigns"])
def test_lists_below_a_deleted_parent_are_empty(w: Harness, deleted: str) -> None:
    client = a_client(w)
    campaign = a_campaign(w, client)
    a_version(w, campaign)
    id_ = client["id"] if deleted == "clients" else campaign["id"]
    w.call("DELETE", f"/{deleted}/{id_}")
    below = BriefVersions(wiring.table()).list(BriefVersionQuery(campaign_id=campaign["id"]), access=ME)
    assert (below.items, below.total) == ([], 0)
    page = shown(w, "/campaigns", client_id=client["id"])
    assert (page["items"], page["total"]) == ([], 0)


def test_rows_deleted_with_a_parent_leave_no_gaps(w: Harness) -> None:
    kept = [a_campaign(w)["id"] for _ in range(3)]
    client = a_client(w)
    for _ in range(3):
        a_campaign(w, client)
    w.call("DELETE", f"/clients/{client['id']}")
    for query in ({}, {"search": "Launch"}):
        first, second = (shown(w, "/campaigns", page=page, page_size=2, **query) for page in (1, 2))
        assert [each["id"] for each in first["items"] + second["items"]] == kept[::-1]
        assert (first["total"], second["total"]) == (3, 3)


def test_nothing_is_created_below_a_grandparent_just_deleted() -> None:
    with third_level(), faulty_harness() as (w, client):
        parent = a_client(w)
        campaign = a_campaign(w, parent)
        deleted = partial(w.call, "DELETE", f"/clients/{parent['id']}")
        with pytest.raises(NotFound), meanwhile(client, deleted):
            a_version(w, campaign)
        assert total() == 0
        clean_up(w)
        assert leftovers(w) == set()
