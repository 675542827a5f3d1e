"""What the creation of a task demands of its inputs: that they are there at that very moment.

A task remembers the ids of its inputs. Ids are used once, so a reader sees null for one that names nothing any more:
that is SQL's SET NULL from the moment of the deletion on, with nothing to clean up. All it takes is that no task is
created with an input that is being deleted.
"""

from collections.abc import Mapping
from typing import Any

from atelier.domain.access import Access
from atelier.domain.errors import NotFound
from atelier.domain.sharing import READ
from atelier.domain.tasks.record import Task, TaskSummary
from atelier.store import keys, parents
from atelier.store.account_summary import summary_from
from atelier.store.items import from_item
from atelier.store.keys import Key
from atelier.store.received import acting_on, grants_in
from atelier.store.table import EXISTS, Table, Write


def demanded(table: Table, task: Task) -> list[Write]:
    """What the transaction demands that creates a task: its inputs, and the clients of assets, are there.

    Refused with NotFound, which it also raises. Only a task with assets takes a request of its own.
    """
    assets, tasks = _sources(task)
    there = [_there("asset", id_, key) for id_, key in assets.items()]
    there += [_there("task", id_, key) for id_, key in tasks.items()]
    return [*there, *_their_clients(table, task, assets)]


def seen_by(table: Table, task: Task, access: Access) -> list[Access]:
    """The accesses by which a guest sees the inputs of a new task, all of which must last until it is created.

    `access` is that to create it, and sees most of them. Nothing is asked for who is no guest. Raises NotFound.
    """
    if access.grant is None:
        return []
    assets, tasks = _sources(task)
    own, account = keys.summary(access.actor), keys.summary(task.user_id)
    found = table.get_many([own, account, *assets.values(), *tasks.values()])
    grants = (access.grant, *grants_in(found.get(own), access))
    pending = summary_from(found.get(account)).pending

    def seen(kind: str, id_: str, fields: Mapping[str, Any]) -> Access:
        by = acting_on(kind, fields, account=task.user_id, grants=grants, access=access, needs=READ)
        if by is None:
            raise NotFound(kind, id_)
        return by

    def as_seen(id_: str) -> Mapping[str, Any]:
        if tasks[id_] not in found:
            raise NotFound("task", id_)
        return vars(pending.unlinked(from_item(TaskSummary, found[tasks[id_]])))

    return [
        *(seen("asset", id_, found.get(key, {"id": id_})) for id_, key in assets.items()),
        *(seen("task", id_, as_seen(id_)) for id_ in tasks),
    ]


def _sources(task: Task) -> tuple[dict[str, Key], dict[str, Key]]:
    """Where the assets and the tasks are that a task has its inputs from, by their ids."""
    assets = {id_: keys.resource(task.user_id, "asset", id_) for each in task.inputs if (id_ := each.asset_id)}
    return assets, {id_: keys.task(id_) for each in task.inputs if (id_ := each.task_id)}


def _their_clients(table: Table, task: Task, assets: dict[str, Key]) -> list[Write]:
    if not assets:
        return []
    # An asset is gone with its client, whose cleanup may not have come to it yet.
    found = table.get_many([*assets.values(), keys.summary(task.user_id)])
    pending, clients = summary_from(found.get(keys.summary(task.user_id))).pending, {}
    for id_, key in assets.items():
        if key not in found or pending.hides("asset", found[key]):
            raise NotFound("asset", id_)
        clients[found[key].get("client_id", task.client_id)] = id_
    clients.pop(task.client_id, None)  # the task is counted there, which demands the same
    return [
        parents.count_child(task.user_id, str(client_id), {}, missing=NotFound("asset", id_))
        for client_id, id_ in clients.items()
    ]


def _there(kind: str, id_: str, key: Key) -> Write:
    missing = NotFound(kind, id_)
    return Write(key, condition=EXISTS, on_condition_failure=lambda _: missing)
