"""The ledger: what was spent, by day, in a partition of its own that reports alone read.

Rows are added to by the transactions that end tasks, and by nothing else; deletes leave them alone. The name of a
client or campaign that was deleted stays beside them (`parents.kept_name`).
"""

from collections.abc import Mapping
from datetime import datetime

from atelier.domain import ledger
from atelier.domain.ledger import Row
from atelier.domain.tasks.record import Task
from atelier.store import keys
from atelier.store.table import Write


def booking(before: Task, after: Task) -> list[Write]:
    """The writes that book a change of a task; none while it has not ended."""
    return _writes(before.user_id, ledger.change(before, after))


def booking_deleted(task: Task, *, now: datetime) -> list[Write]:
    """The writes that book a task which is deleted: what was booked stays."""
    return _writes(task.user_id, ledger.change(None, ledger.ended_by_delete(task, now=now)))


def _writes(account: int, rows: Mapping[Row, Mapping[str, int]]) -> list[Write]:
    return [Write(keys.ledger_row(account, row), add=amounts) for row, amounts in rows.items()]


def row_from(sort_key: str) -> Row:
    """The row that stands at a sort key of the ledger."""
    _, day, client, campaign, type_, provider, status, created_by, model = sort_key.split("#", len(Row._fields))
    return Row(day, client, campaign, type_, provider, status, int(created_by), model)
