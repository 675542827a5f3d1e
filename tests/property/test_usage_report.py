"""Reports of random histories add up: days, range, every grouping, every split, and the tasks one by one."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from atelier.domain import ledger
from atelier.domain.ledger import Row
from atelier.domain.money import from_millionths
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, Output, Task, TaskError
from atelier.domain.usage_report import Group, NamedResource, UsageQuery, UsageReport, UsageRow, usage_report
from tests.support.builders import a_task, an_id
from tests.support.spend import NOTHING, Amounts, mean_seconds, plus, spent, told, without_time

FIRST: Final = date(2026, 1, 25)
"""So that a range of a few weeks has a whole month in it, and parts of two."""
DAYS: Final = 45
ERROR: Final = TaskError(code="broken", message="It broke.", retryable=False)
ALIASES: Final = {"flux-pro": "fal-ai/flux-pro", "old-name": "fal-ai/flux-pro"}
CLIENTS: Final = [None, an_id(11), an_id(12)]
CAMPAIGNS: Final = [None, an_id(21), an_id(22)]

offsets = st.integers(0, DAYS)
costs = st.none() | st.integers(0, 10**9).map(from_millionths)


class MemoryLedger:
    """A ledger of user 1 in memory, written by `ledger.change` as the store writes it."""

    def __init__(self) -> None:
        self.kept: dict[Row, Counter[str]] = {}
        self.asked: list[str] = []

    def book(self, before: Task, after: Task) -> Task:
        """Book a change of a task."""
        for row, amounts in ledger.change(before, after).items():
            kept = self.kept.setdefault(row, Counter())
            for name, amount in amounts.items():
                kept[name] += amount
        return after

    def rows(self, account: int, *, start: date, end: date) -> Iterator[tuple[Row, Mapping[str, int]]]:
        """As the store's."""
        assert account == 1
        found = sorted(self.kept.items(), key=lambda each: str(each[0]))
        return ((row, amounts) for row, amounts in found if str(start) <= row.day < str(end))

    def names(self, account: int, kind: str, ids: Collection[str]) -> dict[str, NamedResource]:
        """As the store's; everything is called after its id."""
        assert account == 1
        self.asked += [kind] * len(ids)
        return {id_: NamedResource(id=id_, name=f"The {kind} {id_}", deleted=False) for id_ in ids}


@st.composite
def histories(draw: st.DrawFn) -> tuple[MemoryLedger, list[Task]]:
    """Tasks that ended in any way, were charged late and moved, and the ledger that came of it."""
    books = MemoryLedger()
    return books, [_task(draw, books) for _ in range(draw(st.integers(0, 12)))]


def _task(draw: st.DrawFn, books: MemoryLedger) -> Task:
    created = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(
        days=draw(offsets), milliseconds=draw(st.integers(0, 24 * 3600 * 1000 - 1))
    )
    now = created + timedelta(milliseconds=draw(st.integers(0, 10**6)))
    task = a_task(
        created_at=created,
        type=draw(st.sampled_from(["image", "video"])),
        provider=draw(st.sampled_from(["fal", "sandbox"])),
        model=draw(st.sampled_from(["fal-ai/flux-pro", "flux-pro", "other#model"])),
        created_by=draw(st.integers(1, 2)),
        provider_task_id=draw(st.sampled_from([None, "job"])),
        booked_client_id=draw(st.sampled_from(CLIENTS)),
        booked_campaign_id=draw(st.sampled_from(CAMPAIGNS)),
    )
    outputs = [Output(content_type="image/png", bytes=draw(st.integers(0, 10**7)), key="k")] * draw(st.integers(0, 3))
    match draw(st.sampled_from(["succeeds", "fails", "canceled", "runs"])):
        case "succeeds":
            task = books.book(task, life_cycle.succeeded(task, outputs=outputs, cost=draw(costs), now=now))
        case "fails":
            outcome = draw(st.sampled_from([None, Outcome.FAILED]))
            task = books.book(task, life_cycle.failed(task, ERROR, outcome=outcome, cost=draw(costs), now=now))
        case "canceled":
            task = books.book(task, life_cycle.canceled(task, now=now))
        case _:
            return task
    if draw(st.booleans()):
        later = now + timedelta(days=3)
        outcome = draw(st.sampled_from(list(Outcome)))
        task = books.book(task, life_cycle.with_outcome(task, outcome, cost=draw(costs), now=later))
    if draw(st.booleans()):
        to = {
            "booked_client_id": draw(st.sampled_from(CLIENTS)),
            "booked_campaign_id": draw(st.sampled_from(CAMPAIGNS)),
        }
        task = books.book(task, task.changed(**to))
    return task


def report(books: MemoryLedger, start: date, end: date, **asked: Any) -> UsageReport:
    query = UsageQuery.model_validate({"from": str(start), "to": str(end), **asked})
    return usage_report(
        query,
        account=1,
        ledger=books,
        model_id=lambda _, name: ALIASES.get(name, name),
        now=datetime(2026, 6, 1, tzinfo=UTC),
    )


def total(rows: Collection[UsageRow]) -> Amounts:
    added = NOTHING
    for row in rows:
        added = plus(added, told(row.model_dump()))
    return added


def known(tasks: list[Task]) -> list[Task]:
    """The tasks as reports call their models."""
    return [task.model_copy(update={"model": ALIASES.get(task.model, task.model)}) for task in tasks]


def sum_of(tasks: list[Task], start: date, end: date, **only: Any) -> Amounts:
    return spent(known(tasks), start=start, end=end, **only).get((), NOTHING)


def value_of(row: UsageRow, group: str) -> Any:
    found = getattr(row, group)
    if isinstance(found, NamedResource):
        assert found.name == f"The {group} {found.id}"
        return found.id
    return found if found is None or isinstance(found, int) else str(found)


ranges = st.tuples(offsets, offsets, offsets).map(sorted).filter(lambda each: each[0] < each[2])


@given(histories(), ranges)
def test_days_months_and_range_add_up(history: tuple[MemoryLedger, list[Task]], days: list[int]) -> None:
    """Days, months and the range are the sum over the tasks, whatever was charged late or moved."""
    (books, tasks), (start, _, end) = history, (FIRST + timedelta(days=day) for day in days)
    right = sum_of(tasks, start, end)
    for bucket in ("day", "month", "total"):
        found = report(books, start, end, bucket=bucket)
        assert told(found.totals.model_dump()) == total(found.rows) == without_time(right)
        assert found.totals.seconds == mean_seconds(right)
        assert [row.start for row in found.rows] == sorted({row.start for row in found.rows})
        assert (found.rows[0].start, found.rows[-1].end) == (start, end)
        for row, following in zip(found.rows, found.rows[1:], strict=False):
            assert row.end == following.start
        for row in found.rows:
            assert told(row.model_dump()) == without_time(sum_of(tasks, row.start, row.end))


@given(histories(), ranges)
def test_every_grouping_adds_up_to_the_range(history: tuple[MemoryLedger, list[Task]], days: list[int]) -> None:
    (books, tasks), (start, _, end) = history, (FIRST + timedelta(days=day) for day in days)
    groupings = [each for size in range(4) for each in combinations(Group, size)]
    for group_by in groupings:
        found = report(books, start, end, bucket="total", group_by=group_by)
        right = spent(known(tasks), start=start, end=end, group_by=group_by)
        shown = {tuple(value_of(row, group) for group in group_by): row for row in found.rows}
        assert len(shown) == len(found.rows)
        nothing = {(None,) * len(group_by): NOTHING}
        assert {key: told(row.model_dump()) for key, row in shown.items()} == {
            key: without_time(amounts) for key, amounts in (right or nothing).items()
        }
        assert all(row.seconds == mean_seconds((right or nothing)[key]) for key, row in shown.items())


@given(histories(), ranges)
def test_a_range_split_anywhere_adds_up(history: tuple[MemoryLedger, list[Task]], days: list[int]) -> None:
    (books, _), (start, middle, end) = history, (FIRST + timedelta(days=day) for day in days)
    parts = [report(books, *part) for part in ((start, middle), (middle, end)) if part[0] < part[1]]
    assert total([row for part in parts for row in part.rows]) == told(report(books, start, end).totals.model_dump())


@given(histories(), st.data())
def test_a_filter_leaves_what_it_names(history: tuple[MemoryLedger, list[Task]], data: st.DataObject) -> None:
    books, tasks = history
    start, end = FIRST, FIRST + timedelta(days=DAYS + 1)
    values: dict[str, list[Any]] = {
        "client": CLIENTS,
        "campaign": CAMPAIGNS,
        "type": ["image", "video", "audio"],
        "provider": ["fal", "sandbox", "nobody"],
        "model": ["fal-ai/flux-pro", "other#model", "nothing"],
        "status": ["succeeded", "failed", "canceled"],
        "created_by": [1, 2, 3],
    }
    only = {
        group: data.draw(st.lists(st.sampled_from(values[group]), min_size=1, unique=True), group)
        for group in data.draw(st.sets(st.sampled_from(sorted(values)), max_size=3), "groups")
    }
    asked = {group: ["none" if value is None else value for value in chosen] for group, chosen in only.items()}
    found = report(books, start, end, **asked)
    assert told(found.totals.model_dump()) == without_time(sum_of(tasks, start, end, **only))
    for alias in ALIASES:
        assert (
            report(books, start, end, model=[alias]).totals == report(books, start, end, model=[ALIASES[alias]]).totals
        )


def test_a_model_counts_under_its_id() -> None:
    """A task is stored with the model as its caller called it."""
    books = MemoryLedger()
    for name in (*ALIASES, "fal-ai/flux-pro"):
        task = a_task(created_at=datetime.combine(FIRST, datetime.min.time(), UTC), model=name)
        books.book(task, life_cycle.canceled(task, now=task.created_at))
    (row,) = report(books, FIRST, FIRST + timedelta(days=1), group_by=["model"]).rows
    assert (row.model, row.tasks) == ("fal-ai/flux-pro", 3)


@given(histories())
def test_names_are_asked_for_once_each(history: tuple[MemoryLedger, list[Task]]) -> None:
    books, tasks = history
    report(books, FIRST, FIRST + timedelta(days=DAYS + 1), group_by=["type", "client"])
    assert len(books.asked) == len({task.booked_client_id for task in tasks if task.over} - {None})
    books.asked.clear()
    report(books, FIRST, FIRST + timedelta(days=DAYS + 1), group_by=["type"], client=[CLIENTS[1]])
    assert books.asked == []


@given(st.dates(), st.integers(1, 366), st.sampled_from(["day", "month", "total"]))
def test_any_range_is_covered_by_its_buckets(start: date, days: int, bucket: str) -> None:
    days = min(days, (date.max - start).days)
    if not days:
        return
    found = report(MemoryLedger(), start, start + timedelta(days=days), bucket=bucket)
    assert sum((row.end - row.start).days for row in found.rows) == days
    assert all((row.tasks, row.cost, row.seconds) == (0, Decimal(0), 0.0) for row in found.rows)
    if bucket == "month":
        assert len({(row.start.year, row.start.month) for row in found.rows}) == len(found.rows)
