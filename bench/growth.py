"""What grows with the data, and what does not?  `make bench`

The real handlers on moto, in tables of up to 100,000 clients, campaigns or tasks. One of each comes through the API,
the others are copies of it (bench/emulated.py). Nothing is timed: calls and bytes are counted, units are computed, and
the same code gives the same numbers each time. It fails when what shall be flat is not.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

from atelier.domain.clients import ClientQuery
from atelier.domain.pages import ListQuery
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.queries import TaskQuery
from atelier.store.lists import Cursor
from bench.calls import Usage, usage
from bench.capacity import KB, Measuring, brief, measuring, page, table
from bench.emulated import LARGEST_ANSWER, items
from bench.samples import CAMPAIGN, CLIENT, WORDS, image

SIZES: Final[Mapping[str, Sequence[int]]] = {
    "clients": (100, 10_000, 100_000),
    "campaigns": (100, 10_000, 100_000),
    "tasks": (10, 1_000, 100_000),
}
GROWING: Final = (1_000, 2_000, 4_000)
LARGEST: Final = 100_000
FLAT: Final = 1.3
"""How much more a request may take of the largest table than of the smallest."""
LINEAR: Final = 0.05
"""How far the slopes between three sizes may lie apart, in shares of them."""

Rows = dict[str, list[Usage]]
"""What each request takes, for one size after the other."""


# ------------------------------------------------------------------------------------------------ what stays the same


def flat(kind: str, sizes: Sequence[int]) -> Rows:
    """Requests that shall not notice how many there are of a kind."""
    return _for_each(sizes, {"clients": _of_clients, "campaigns": _of_campaigns, "tasks": _of_tasks}[kind])


def _for_each(sizes: Sequence[int], measure: Callable[[Measuring, int], None]) -> Rows:
    rows: Rows = {}
    for size in sizes:
        with measuring() as it:
            measure(it, size)
            for name, calls in it.rows.items():
                rows.setdefault(name, []).append(usage(calls))
    return rows


def _of_clients(it: Measuring, size: int) -> None:
    it.names["client_id"] = it.create("POST /clients", CLIENT, size)
    _look(it, "/clients", "/clients?sort_by=name", "/clients?sort_by=updated_at")
    it.names["cursor"] = _in_the_middle("CLIENT#", ClientQuery())
    _look(it, "/clients?cursor={cursor}")
    it.ask("GET /clients/{client_id}")
    it.ask("POST /clients", CLIENT)
    it.ask("PATCH /clients/{client_id}", {"description": WORDS * 2})
    it.ask("DELETE /clients/{client_id}")


def _of_campaigns(it: Measuring, size: int) -> None:
    it.names["client_id"] = client = it.create("POST /clients", CLIENT)
    it.names["campaign_id"] = it.create("POST /campaigns", {**CAMPAIGN, "client_id": client}, size)
    _look(it, "/campaigns", "/campaigns?sort_by=name", "/campaigns?status=draft", "/campaigns?client_id={client_id}")
    it.ask("GET /campaigns/{campaign_id}")
    it.ask("POST /campaigns", {**CAMPAIGN, "client_id": client})
    it.ask("PATCH /campaigns/{campaign_id}", {"status": "active"})
    it.ask("DELETE /campaigns/{campaign_id}")
    it.ask("DELETE /clients/{client_id}", what="which has them all")


def _of_tasks(it: Measuring, size: int) -> None:
    it.names["client_id"] = client = it.create("POST /clients", CLIENT)
    it.names["campaign_id"] = campaign = it.create("POST /campaigns", {**CAMPAIGN, "client_id": client})
    it.names["task_id"] = it.create_done(image(campaign_id=campaign), size)
    # Pages as small as the smallest table.
    _look(it, "/tasks?page_size=10", "/tasks?client_id={client_id}&page_size=10")
    _look(it, "/tasks?campaign_id={campaign_id}&page_size=10")
    it.names["cursor"] = _in_the_middle("TASK#", TaskQuery())
    _look(it, "/tasks?cursor={cursor}&page_size=4")
    it.ask("GET /tasks/{task_id}")
    it.ask("POST /generate/image", image(campaign_id=campaign))
    it.ask("DELETE /tasks/{task_id}")
    it.ask("DELETE /campaigns/{campaign_id}", what="which has them all")
    it.ask("DELETE /clients/{client_id}", what="which has them all")


def _look(it: Measuring, *lists: str) -> None:
    for each in lists:
        it.note(f"GET {each}", partial(page, it, each))


def _in_the_middle(prefix: str, query: ListQuery) -> str:
    """Where a walk has come to when it has seen half of them."""
    ids = sorted(key.removeprefix(prefix) for place, _ in items() for key in place if key.startswith(prefix))
    middle = len(ids) // 2
    return Cursor(ids[middle], ids[middle], middle).text(query)


def ratio(took: Sequence[Usage]) -> float:
    """How much more the last size takes than the first, of round trips, units or bytes, whichever is most."""
    first, last = (
        (each.round_trips, each.read_units, each.write_units, each.asked + each.answered)
        for each in (took[0], took[-1])
    )
    return max(after / before for before, after in zip(first, last, strict=True) if before)


# --------------------------------------------------------------------------------------------------------- what grows


def growing(sizes: Sequence[int]) -> Rows:
    """Requests that read what they do not show."""
    return _for_each(sizes, _deep_in_clients) | _for_each(sizes, _deep_in_tasks)


def _deep_in_clients(it: Measuring, size: int) -> None:
    client = it.create("POST /clients", CLIENT, size)
    it.create("POST /campaigns", {**CAMPAIGN, "client_id": client}, size)
    it.names |= {"client_id": client, "last": str(size // 50)}
    it.names["cursor"] = page(it, "/clients?search=acme")["next_cursor"]
    _look(it, "/clients?page={last}", "/clients?search=nobody", "/clients?search=acme")
    _look(it, "/clients?search=acme&cursor={cursor}")
    _look(it, "/campaigns?status=draft&sort_by=name", "/campaigns?client_id={client_id}&status=draft")


def _deep_in_tasks(it: Measuring, size: int) -> None:
    it.create_done({**image(), "prompt": "fail:refused", "metadata": {"about": WORDS * 2}}, 50)
    began = it.made.now
    it.create_done(image(), size - 50)
    it.names |= {"last": str(size // 50), "began": format_timestamp(began)}
    _look(it, "/tasks?page={last}", "/tasks?status=failed", "/tasks?created_from={began}")


def slopes(sizes: Sequence[int], values: Sequence[float]) -> list[float]:
    """How much each thousand more takes, between one size and the next."""
    steps = pairwise(zip(sizes, values, strict=True))
    return [1000 * (after - before) / (larger - smaller) for (smaller, before), (larger, after) in steps]


def is_linear(sizes: Sequence[int], took: Sequence[Usage]) -> bool:
    """Whether each thousand more adds as many bytes as the thousand before."""
    found = slopes(sizes, [each.bytes_read for each in took])
    return max(found) - min(found) <= LINEAR * max(found)


# ------------------------------------------------------------------------------------------------------- the section


def section() -> str:
    """The chapter of docs/benchmarks.md. Raises AssertionError when something grows that shall not."""
    gc.disable()  # it would look through millions of objects again and again, all of which stay
    parts = [HEAD, *(_flat_table(kind, sizes, flat(kind, sizes)) for kind, sizes in SIZES.items())]
    gc.enable()
    return "\n\n".join([*parts, BETWEEN, _growing_table(growing(GROWING)), TAIL])


def _flat_table(kind: str, sizes: Sequence[int], rows: Rows) -> str:
    for name, took in rows.items():
        assert ratio(took) <= FLAT, f"{name} takes {ratio(took):.2f} times as much"  # noqa: S101
    head = [f"of {sizes[-1]:,} {kind}", "round trips", "RCU", "WCU", *(f"bytes of {size:,}" for size in sizes), "ratio"]
    return table(head, [[f"`{name}`", *_flat_cells(took)] for name, took in rows.items()])


def _flat_cells(took: Sequence[Usage]) -> list[str]:
    last = took[-1]
    bodies = (f"{each.asked + each.answered:,}" for each in took)
    return [*map(brief, (last.round_trips, last.read_units, last.write_units)), *bodies, f"{ratio(took):.2f}"]


def _growing_table(rows: Rows) -> str:
    sizes = (f"RCU of {size:,}" for size in GROWING)
    head = ["", *sizes, "each 1,000: RCU", "KB read", f"{LARGEST:,}: round trips", "RCU"]
    return table(head, [[f"`{name}`", *_growing_cells(took)] for name, took in rows.items()])


def _growing_cells(took: Sequence[Usage]) -> list[str]:
    assert is_linear(GROWING, took)  # noqa: S101
    first, last = took[0], took[-1]
    (units,) = slopes((GROWING[0], GROWING[-1]), (first.read_units, last.read_units))
    (read,) = slopes((GROWING[0], GROWING[-1]), (first.bytes_read, last.bytes_read))
    thousands = LARGEST / 1000
    computed = f"{first.read_units + units * (thousands - GROWING[0] / 1000):,.0f}"
    each = (brief(one.read_units) for one in took)
    return [*each, brief(units), f"{read / KB:.0f}", f"{read * thousands / LARGEST_ANSWER:.0f}", computed]


HEAD: Final = """\
## Growth

From `bench/growth.py`: the real handlers on moto, in tables filled with copies of what came through the API. Calls and
bytes are counted where they are sent, units are computed ([how](capacity.md)). Nothing is timed: the numbers are the
same on every machine.

**What stays the same.** Bytes are those of all requests to DynamoDB and its answers. The ratio is that of the largest
table to the smallest, of round trips, units or bytes, whichever is most; above 1.3 the run fails. What it is above 1
are the digits of counts, and the row that tells whether there is another page."""

BETWEEN: Final = """\
**What grows**, by as much with every thousand (else the run fails): pages by number, search, and what no index has in
the asked order. They read the slim rows of the catalogue, or all tasks before theirs, in answers of 1 MB, one after
the other. The right half is what each thousand more takes, and what that makes of 100,000."""

TAIL: Final = """\
A walk by `cursor` pays this only where the first page does, and then with every page."""


def main() -> None:
    """Print the section."""
    print(section())


if __name__ == "__main__":
    main()
