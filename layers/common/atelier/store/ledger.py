"""The ledger: what was spent, by day, in a partition of its own that reports alone read.

Rows are added to by the transactions that end tasks, and by nothing else; deletes leave them alone. The name of a
client or campaign that was deleted stays beside them (`parents.kept_name`).
"""

from atelier.domain import ledger
from atelier.domain.ledger import Row
from atelier.domain.tasks.record import Task
from atelier.store import keys
from atelier.store.table import Write


def booking(before: Task, after: Task) -> list[Write]:
    """The writes that book a change of a task; none while it has not ended."""
    rows = ledger.change(before, after)
    return [Write(keys.ledger_row(before.user_id, row), add=amounts) for row, amounts in rows.items()]


def row_from(sort_key: str) -> Row:
    """The row that stands at a sort key of the ledger."""
    _, day, client, campaign, type_, provider, status, created_by, model = sort_key.split("#", len(Row._fields))
    return Row(day, client, campaign, type_, provider, status, int(created_by), model)
