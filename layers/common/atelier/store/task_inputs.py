"""What the creation of a task demands of its inputs: that they are there at that very moment.

A task remembers the ids of its inputs. Ids are used once, so a reader sees null for one that names nothing any more:
that is SQL's SET NULL from the moment of the deletion on, with nothing to clean up. All it takes is that no task is
created with an input that is being deleted.
"""

from atelier.domain.errors import NotFound
from atelier.domain.tasks.record import Task
from atelier.store import keys, parents
from atelier.store.account_summary import summary_from
from atelier.store.keys import Key
from atelier.store.table import EXISTS, Table, Write


def demanded(table: Table, task: Task) -> list[Write]:
    """What the transaction demands that creates a task: its inputs, and the clients of assets, are there.

    Refused with NotFound, which it also raises. Only a task with assets takes a request of its own.
    """
    assets = {id_: keys.resource(task.user_id, "asset", id_) for each in task.inputs if (id_ := each.asset_id)}
    tasks = {id_: keys.task(id_) for each in task.inputs if (id_ := each.task_id)}
    there = [_there("asset", id_, key) for id_, key in assets.items()]
    there += [_there("task", id_, key) for id_, key in tasks.items()]
    return [*there, *_their_clients(table, task, assets)]


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
