"""Which callbacks of providers are worth a worker: each report about a job that is awaited, once.

A callback is genuine for as long as its signature is young, so whoever has one can send it as often as they like. It is
recognised by its bytes, which nobody but the provider can change.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from atelier.domain.ids import is_id
from atelier.domain.provider import Callback
from atelier.store import keys, task_items
from atelier.store.expressions import Attr
from atelier.store.keys import Key
from atelier.store.table import MISSING, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

# Longer than a signature is young enough (five minutes) and than providers repeat a callback that was not answered.
KEPT: Final = timedelta(hours=3)


@dataclass(frozen=True)
class Report:
    """What a callback says: the job of this task at the provider has changed. `token` proves that it knows the task."""

    task_id: str
    job: str
    served_by: str
    token: str


class Callbacks:
    """The callbacks that have been passed on, each as a small item that expires."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def accept(self, report: Report, callback: Callback, *, now: datetime) -> int | None:
        """The account whose task awaits this report and has not had it yet; from then on it has. Raises Busy.

        None when there is no such task.
        """
        if not is_id(report.task_id):
            return None
        mark, moment = _mark(report, callback), int(now.timestamp())
        # Who comes again costs a read, and not a write.
        found = self._table.get_many([*task_items.keys_of(report.task_id), mark])
        summary, detail = (found.get(key) for key in task_items.keys_of(report.task_id))
        if not summary or not detail or not _is_awaited({**detail, **summary}, report):
            return None
        if mark in found and int(found[mark]["expires_at"]) >= moment:
            return None
        return int(summary["user_id"]) if self._first(mark, moment) else None

    def forget(self, report: Report, callback: Callback) -> None:
        """Accept it again: it could not be passed on, and the provider will repeat it."""
        self._table.write(Write(_mark(report, callback), set={"expires_at": 0}))

    def _first(self, mark: Key, moment: int) -> bool:
        write = Write(
            mark,
            set={"expires_at": moment + int(KEPT.total_seconds())},
            condition=MISSING | Attr("expires_at").lt(moment),
            on_condition_failure=concurrent_update,
        )
        try:
            self._table.write(write)
        except ConcurrentUpdate:
            return False
        return True


def _mark(report: Report, callback: Callback) -> Key:
    return keys.callback(report.task_id, hashlib.sha256(callback.body).hexdigest())


def _is_awaited(task: Item, report: Report) -> bool:
    token, job = task.get("callback_token", ""), task.get("provider_task_id")
    is_ours = bool(token) and compare_digest(report.token.encode(), token.encode())
    # A job that is not known yet may be the task's own once it is being submitted: the answer to the submit may be
    # slower than the callback, or never come.
    is_its_job = job == report.job if job is not None else "lease_until" in task
    # Of a job whose outcome is recorded there is nothing more to be heard.
    return is_ours and is_its_job and task.get("served_by") == report.served_by and "provider_outcome" not in task
