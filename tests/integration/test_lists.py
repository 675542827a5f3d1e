"""Lists: pages, cursors, sorting and search, over one set of clients and campaigns that no test changes."""

from collections.abc import Iterator
from unicodedata import normalize

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import Json, a_campaign, a_client, names, shown, walk

NAMES = [
    "delta",
    "Alpha",
    "alpha",
    "ALPHA",
    "Straße",
    "İstanbul",
    "100%",
    "100 percent",
    "snake_case",
    "snakeXcase",
    "Ångström",
    "Zoë",
    "Acme, Inc",
    "a+b & c=d",
    "東京",
    "🦊",
]
STATUSES = ["active", "archived", "draft"]
LISTS = ["/clients", "/campaigns", "/clients/{}/campaigns"]


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture(scope="module")
def clients(w: Harness) -> list[Json]:
    """A client of each name, in the order of creation; every third was changed afterwards."""
    made = [a_client(w, name) for name in NAMES]
    return [
        w.call("PATCH", f"/clients/{each['id']}", {"description": "Changed"}).json if at % 3 == 0 else each
        for at, each in enumerate(made)
    ]


@pytest.fixture(scope="module")
def campaigns(w: Harness, clients: list[Json]) -> list[Json]:
    """Campaigns of each name, by turns under the first two clients and in each status."""
    return [a_campaign(w, clients[at % 2], name=name, status=STATUSES[at % 3]) for at, name in enumerate(NAMES)]


@pytest.fixture(params=LISTS)
def path(request: pytest.FixtureRequest, clients: list[Json], campaigns: list[Json]) -> str:
    listed: str = request.param.format(clients[0]["id"])
    return listed


@pytest.fixture
def expected(path: str, clients: list[Json], campaigns: list[Json]) -> list[Json]:
    """What the list at `path` holds, oldest first."""
    if path == "/clients":
        return clients
    return [each for each in campaigns if path == "/campaigns" or each["client_id"] in path]


def in_order(items: list[Json], by: str, order: str) -> list[Json]:
    return sorted(items, key=lambda item: (normalize("NFKD", item[by].casefold()), item["id"]), reverse=order == "desc")


def sort_keys(path: str) -> list[str]:
    return ["created_at", "name", "updated_at", *(["status"] if "campaigns" in path else [])]


def test_a_list_is_newest_first_in_pages_of_50(w: Harness, path: str, expected: list[Json]) -> None:
    page = shown(w, path)
    assert page == {
        "items": expected[::-1],
        "total": len(expected),
        "page": 1,
        "page_size": 50,
        "has_more": False,
        "next_cursor": None,
    }


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_numbered_pages_hold_everything_once_in_every_order(
    w: Harness, path: str, expected: list[Json], order: str
) -> None:
    size = 5
    for by in sort_keys(path):
        wanted = in_order(expected, by, order)
        for number in range(1, len(wanted) // size + 2):
            page = shown(w, path, page=number, page_size=size, sort_by=by, sort_order=order)
            assert page["items"] == wanted[(number - 1) * size : number * size]
            assert (page["total"], page["page"], page["page_size"]) == (len(wanted), number, size)
            assert page["has_more"] is (number * size < len(wanted))
            assert (page["next_cursor"] is not None) is page["has_more"]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_iterating_shows_all_once_in_every_order(w: Harness, path: str, expected: list[Json], order: str) -> None:
    for by in sort_keys(path):
        pages = list(walk(w, path, page_size=6, sort_by=by, sort_order=order))
        assert [item for page in pages for item in page["items"]] == in_order(expected, by, order)
        assert [page["page"] for page in pages] == list(range(1, len(pages) + 1))
        assert {page["total"] for page in pages} == {len(expected)}
        assert [page["has_more"] for page in pages] == [True] * (len(pages) - 1) + [False]


def test_iterating_may_begin_at_a_page_and_change_size(w: Harness, path: str, expected: list[Json]) -> None:
    second = shown(w, path, page=2, page_size=2)
    rest = shown(w, path, cursor=second["next_cursor"], page_size=100)
    assert second["items"] + rest["items"] == expected[::-1][2:]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("page", [2, 50, 1_000_000_000])
def test_a_page_beyond_the_end_is_empty(w: Harness, path: str, expected: list[Json], page: int) -> None:
    found = shown(w, path, page=page)
    assert (found["items"], found["total"], found["has_more"]) == ([], len(expected), False)
    assert found["next_cursor"] is None


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("alpha", {"Alpha", "alpha", "ALPHA"}),
        ("LPH", {"Alpha", "alpha", "ALPHA"}),
        ("strasse", {"Straße"}),
        ("STRASSE", {"Straße"}),
        ("ß", {"Straße"}),
        ("ẞ", {"Straße"}),
        ("i̇stanbul", {"İstanbul"}),
        ("İ", {"İstanbul"}),
        ("STANBUL", {"İstanbul"}),
        ("%", {"100%"}),
        ("_", {"snake_case"}),
        ("å", {"Ångström"}),
        ("ZOË", {"Zoë"}),
        (", i", {"Acme, Inc"}),
        ("+b & c=", {"a+b & c=d"}),
        ("京", {"東京"}),
        ("🦊", {"🦊"}),
        ("nobody", set()),
        ("*", set()),
        (".", set()),
    ],
)
def test_search_finds_parts_of_names_whatever_their_case(
    w: Harness, campaigns: list[Json], search: str, found: set[str]
) -> None:
    for path in ("/clients", "/campaigns"):
        page = shown(w, path, search=search)
        assert {item["name"] for item in page["items"]} == found
        assert page["total"] == len(page["items"]) == len(found)


def test_an_empty_search_finds_everything(w: Harness, path: str, expected: list[Json]) -> None:
    assert shown(w, path, search="") == shown(w, path)


def test_a_search_is_sorted_and_paged_like_any_list(w: Harness, campaigns: list[Json]) -> None:
    for path in ("/clients", "/campaigns"):
        alphas = shown(w, path, search="ALPHA", sort_by="created_at", sort_order="asc")["items"]
        assert [item["name"] for item in alphas] == ["Alpha", "alpha", "ALPHA"]
        pages = list(walk(w, path, search="alpha", page_size=1, sort_by="name", sort_order="asc"))
        assert [page["items"] for page in pages] == [[item] for item in alphas]
        assert [page["total"] for page in pages] == [3, 3, 3]
        second = shown(w, path, search="alpha", page_size=2, page=2, sort_by="name", sort_order="asc")
        assert (second["items"], second["has_more"]) == ([alphas[2]], False)


@pytest.mark.parametrize("status", STATUSES[:2])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_campaigns_are_filtered_and_sorted_every_way(
    w: Harness, clients: list[Json], campaigns: list[Json], status: str, order: str
) -> None:
    """By client and status, in every order."""
    for client in (None, clients[0]):
        filters = {"status": status, "sort_order": order} | ({"client_id": client["id"]} if client else {})
        wanted = [
            each
            for each in campaigns
            if each["status"] == status and (client is None or each["client_id"] == client["id"])
        ]
        for by in ("created_at", "name", "status"):
            page = shown(w, "/campaigns", sort_by=by, **filters)
            assert page["items"] == in_order(wanted, by, order)
            assert page["total"] == len(wanted)
            walked = walk(w, "/campaigns", sort_by=by, page_size=3, **filters)
            assert [item for each in walked for item in each["items"]] == page["items"]


def test_the_nested_list_is_the_list_filtered_by_client(w: Harness, clients: list[Json], campaigns: list[Json]) -> None:
    client_id = clients[1]["id"]
    for query in ({}, {"status": "active"}, {"search": "a", "sort_by": "name"}, {"page": 2, "page_size": 3}):
        nested = shown(w, f"/clients/{client_id}/campaigns", **query)
        filtered = shown(w, "/campaigns", client_id=client_id, **query)
        assert {**nested, "next_cursor": None} == {**filtered, "next_cursor": None}


def test_all_filters_together_narrow_the_list(w: Harness, clients: list[Json], campaigns: list[Json]) -> None:
    query = {"client_id": clients[1]["id"], "status": "archived", "search": "ALPHA"}
    assert names(w, "/campaigns", **query) == ["Alpha"]
