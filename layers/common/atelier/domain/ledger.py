"""What a task is booked as once it has ended: one row of the ledger, and what it adds to it.

Both follow from the task alone. So a change of a task changes the ledger by the difference of what was booked and what
is to be booked, whatever the change is: its end, a late charge, a move to another client.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from atelier.domain.money import in_millionths
from atelier.domain.schema import UNASSIGNED, format_timestamp
from atelier.domain.tasks.record import Outcome, Task

AMOUNTS: Final = ("tasks", "outputs", "bytes", "milliseconds", "cost", "unpriced")
"""What a row adds up.

`milliseconds` are from creation to end, `cost` is millionths of a dollar. `unpriced` counts tasks whose job may have
been charged without anybody having said how much.
"""


class Row(NamedTuple):
    """The key of one row: tasks that are alike in all of this. Clients and campaigns are ids or `none`."""

    day: str
    client: str
    campaign: str
    type: str
    provider: str
    status: str
    created_by: int
    model: str


def change(before: Task, after: Task) -> dict[Row, dict[str, int]]:
    """What a write that turns `before` into `after` adds to the rows of the ledger."""
    rows: dict[Row, Counter[str]] = {}
    for task, sign in ((before, -1), (after, 1)):
        if task.over:
            row = rows.setdefault(row_of(task), Counter())
            for name, amount in _amounts(task).items():
                row[name] += sign * amount
    return {row: changed for row, amounts in rows.items() if (changed := {n: a for n, a in amounts.items() if a})}


def row_of(task: Task) -> Row:
    """The row of a task that has ended: the day is that of its end, in UTC."""
    return Row(
        day=format_timestamp(task.completed_at or task.updated_at)[:10],
        client=task.booked_client_id or UNASSIGNED,
        campaign=task.booked_campaign_id or UNASSIGNED,
        type=task.type,
        provider=task.provider,
        status=task.status,
        created_by=task.created_by,
        model=task.model,
    )


def is_unpriced(task: Task) -> bool:
    """Whether the job of a task that has ended may have been charged, and nobody has said how much."""
    may_be_charged = task.provider_outcome is Outcome.SUCCEEDED or (task.provider_outcome is None and task.sent)
    return task.cost.actual is None and may_be_charged


def _amounts(task: Task) -> Mapping[str, int]:
    took = (task.completed_at or task.updated_at) - task.created_at
    return {
        "tasks": 1,
        "outputs": len(task.outputs),
        "bytes": sum(output.bytes for output in task.outputs),
        "milliseconds": round(took.total_seconds() * 1000),
        "cost": in_millionths(task.cost.actual),
        "unpriced": int(is_unpriced(task)),
    }
