"""Every key and index of the table, named by what it finds. docs/data-model.md shows them as one table."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import uuid4

from atelier.domain.kinds import ancestors_of, is_parent, kind_named, path_of
from atelier.domain.schema import UNASSIGNED, format_timestamp
from atelier.domain.text import prefix_of_bytes, sort_key

if TYPE_CHECKING:
    from atelier.domain.ledger import Row
    from atelier.domain.tasks.record import TaskSummary

SORT_KEY_BYTES: Final = 1024
"""What DynamoDB takes as a sort key, that of an index included."""
_NAME_BYTES: Final = 900  # names that are alike for longer than this order by id
DELETED_TASK: Final = "DELETED_TASK#"
REMOVED_FILES: Final = "FILES#"
_EXPORT: Final = "EXPORT#"
_FAILED_ROWS: Final = "FAILED#"
_IMPORT: Final = "IMPORT#"
_MODELS: Final = "MODELS"
_LINE: Final = "LINE#"
_BUILT_IN_MODELS: Final = "BUILT_IN_MODELS"
DUE_SHARDS: Final = 8
"""Partitions of due work. Each takes 1,000 writes a second, and an index that takes no more holds up the table."""


class Key(NamedTuple):
    """The primary key of an item."""

    pk: str
    sk: str

    def attributes(self) -> dict[str, str]:
        """The key as the item's own attributes."""
        return {"PK": self.pk, "SK": self.sk}


@dataclass(frozen=True)
class Partition:
    """Items in an order: those of `value` in the index (None: the table) whose sort key begins with `prefix`."""

    index: str | None
    hash: str
    value: str
    range: str
    prefix: str = ""

    @property
    def consistent(self) -> bool:
        """Whether it can be read as of now: the table and its local indexes can, global ones follow a little later."""
        return self.hash == "PK"


# ------------------------------------------------------------------------------------------------- single items


def account_partition(account: int) -> str:
    """The partition of an account: all of its data but the tasks. Ownership is in the key."""
    return f"ACCOUNT#{account}"


def summary(account: int) -> Key:
    """An account's totals and pending deletions."""
    return Key(account_partition(account), "SUMMARY")


def prefix(kind: str) -> str:
    """What the sort keys of a kind begin with, before the first `#`."""
    return kind.upper()


def resource(account: int, kind: str, id_: str) -> Key:
    """One resource of a kind that stands in its account's partition."""
    return Key(account_partition(account), f"{prefix(kind)}#{id_}")


def counters(account: int, scope: str) -> Key:
    """The counters of a scope: a parent's id, `none` or `all`. A parent's counters live as long as it does."""
    return Key(account_partition(account), f"COUNTERS#{scope}")


def created_in_hour(account: int, now: datetime) -> Key:
    """How many tasks an account has created in the hour (UTC) of `now`."""
    return Key(account_partition(account), f"HOUR#{now:%Y-%m-%dT%H}")


def text(account: int, id_: str) -> Key:
    """The long text of a resource, where it is stored beside it."""
    return Key(account_partition(account), f"TEXT#{id_}")


def ledger_partition(account: int) -> str:
    """The partition of an account's ledger."""
    return f"LEDGER#{account}"


def ledger_row(account: int, row: "Row") -> Key:
    """A row of the ledger. The day comes first, as reports ask; the model last, because it may be any text."""
    return Key(ledger_partition(account), "#".join(("DAY", *map(str, row))))


def ledger_name(account: int, kind: str, id_: str) -> Key:
    """The name of a client or campaign that was deleted."""
    return Key(ledger_partition(account), f"NAME#{kind}#{id_}")


def deleted_charge(account: int, task_id: str) -> Key:
    """Where a deleted task is booked whose job may still turn out to cost nothing."""
    return Key(ledger_partition(account), f"CHARGE#{task_id}")


def webhook_secret(user_id: int) -> Key:
    """A user's webhook secret."""
    return Key(account_partition(user_id), "WEBHOOK")


def subject(digest: str) -> Key:
    """The user of an issuer's subject."""
    return Key(f"SUB#{digest}", "USER")


def user(user_id: int) -> Key:
    """The issuer and subject of a user."""
    return Key(f"USER#{user_id}", "SUB")


def users() -> Key:
    """The counter of user numbers."""
    return Key("USERS", "COUNT")


def deletion(account: int, kind: str, id_: str) -> Key:
    """The cleanup after one deletion, from its commit until it has ended."""
    return Key(account_partition(account), f"DELETION#{kind}#{id_}")


def account_of(key: Key) -> int:
    """The account in whose partition an item is."""
    return int(key.pk.removeprefix("ACCOUNT#"))


def budget_alert(alert_id: str) -> Key:
    """An alert of a budget, on its way to its receiver."""
    return Key(f"ALERT#{alert_id}", "ALERT")


def imported(account: int, import_id: str) -> Key:
    """An import. In a partition beside the account's own, which is busy with what is imported."""
    return Key(_imports(account), f"{_IMPORT}{import_id}")


def failed_rows(account: int, import_id: str, last_line: int) -> Key:
    """Rows of an import that failed: some that follow each other, up to this line."""
    return Key(_imports(account), f"{_FAILED_ROWS}{import_id}#{last_line:09}")


def export(user_id: int, export_id: str) -> Key:
    """An export, which is of the user who asked for it, whosever files these are."""
    return Key(_exports(user_id), f"{_EXPORT}{export_id}")


def _imports(account: int) -> str:
    return f"IMPORTS#{account}"


def _exports(user_id: int) -> str:
    return f"EXPORTS#{user_id}"


def model_head() -> Key:
    """How often lines of the catalog were changed by operators: each change is made on top of all others."""
    return Key(_MODELS, "HEAD")


def model_line(line_id: str) -> Key:
    """A line of the catalog that an operator has added. They are few, and read together."""
    return Key(_MODELS, f"{_LINE}{line_id}")


def model_version(name: str) -> Key:
    """A version of a line, by the name that tasks keep of it, as `<id>#<version>`. It never changes."""
    line_id, _, version = name.partition("#")
    return Key(f"MODEL#{line_id}", f"VERSION#{version}")


def model_schema(line_id: str, hash_: str) -> Key:
    """The snapshot of a schema that a line was made of, or could be; of a built-in model, by provider and id."""
    return Key(f"MODEL#{line_id}", f"SCHEMA#{hash_}")


def watched_model(name: str) -> Key:
    """What a provider published of a built-in model when it was last looked at, by its provider and id."""
    return Key(_BUILT_IN_MODELS, name)


def removed_files(account: int, kind: str, id_: str) -> Key:
    """What was deleted and has files left, until these are removed."""
    return Key(account_partition(account), f"{REMOVED_FILES}{kind}#{id_}")


def task(task_id: str) -> Key:
    """One task's summary. Not below its owner: tasks are many, and a partition has limits."""
    return Key(f"TASK#{task_id}", "TASK")


def task_detail(task_id: str) -> Key:
    """What lists do not show of a task: beside its summary, and in no index."""
    return Key(f"TASK#{task_id}", "DETAIL")


def deleted_task(account: int, task_id: str) -> Key:
    """What is left to be done for a task that was deleted."""
    return Key(account_partition(account), f"{DELETED_TASK}{task_id}")


def idempotency(actor: int, idempotency_key: str) -> Key:
    """What a user's request with this key created."""
    return Key(f"IDEM#{actor}#{idempotency_key}", "IDEM")


def never() -> Key:
    """Where nothing is, nor ever will be."""
    return Key(f"NEVER#{uuid4()}", "NEVER")


def callback(task_id: str, digest: str) -> Key:
    """The mark of a provider's callback that has been passed on."""
    return Key(f"CALLBACK#{task_id}#{digest}", "CALLBACK")


def health(provider: str) -> Key:
    """The circuit breaker of a provider."""
    return Key(f"PROVIDER#{provider}", "HEALTH")


def receiver_health(receiver: str) -> Key:
    """The circuit breaker of a receiver of webhooks, as `<account>#<host>`."""
    return Key(f"RECEIVER#{receiver}", "HEALTH")


def delivery_slots(account: int) -> Key:
    """Who is making one of an account's attempts to deliver at this moment."""
    return Key(f"DELIVERIES#{account}", "SLOTS")


def activity(entry_id: str) -> Key:
    """One entry of the activity log. Not below its account: entries are many, and a partition has limits."""
    return Key(f"ACTIVITY#{entry_id}", "ENTRY")


# ------------------------------------------------------------------------------------------------------- orders


def folded(name: str) -> str:
    """A name as it sorts.

    NUL ends a name in a position, so one within a name is followed by what sorts behind every id.
    """
    return prefix_of_bytes(sort_key(name).replace("\0", "\0\x7f"), _NAME_BYTES)


# Where an item stands in an order. The id makes every position unique, so that paging never repeats or skips.
POSITION: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "created_at": lambda row: str(row["id"]),
    "name": lambda row: f"{folded(row['name'])}\0{row['id']}",
    "updated_at": lambda row: f"{row['updated_at']}#{row['id']}",
    "status": lambda row: f"{row['status']}#{row['id']}",
}


def resource_indexes(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Where a resource stands in each local index that lists it."""
    name, ancestors = prefix(kind), ancestors_of(kind)
    places = {f"by_{sort}": f"{name}#{POSITION[sort](fields)}" for sort in kind_named(kind).sorts}
    if ancestors:
        places["by_parent"] = f"{name}#{path_of(kind, fields)[-1]}#{fields['id']}"
    return {**places, "by_path": _path(name, kind, fields)}


def counters_indexes(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Where the counters of a resource stand, so that the cleanup after its ancestors finds them."""
    return {"by_path": _path("COUNTERS", kind, fields)} if ancestors_of(kind) and is_parent(kind) else {}


def text_index(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    """Where the long text of a resource stands, so that the cleanup after it or its ancestors finds it."""
    return {"by_path": _path("TEXT", kind, fields)}


def _path(name: str, kind: str, fields: Mapping[str, Any]) -> str:
    is_resource = name == prefix(kind)
    status = [fields["status"]] if is_resource and kind_named(kind).statuses else []
    filters = [fields[each] for each in kind_named(kind).filters] if is_resource else []
    return "#".join((name, *path_of(kind, fields), *status, *filters, fields["id"]))


def filter_value(kind: str, field: str, row: Mapping[str, Any]) -> str:
    """What a row of `by_path` says of one of its kind's `filters`, which the index has in its key alone."""
    filters = kind_named(kind).filters
    return str(row["by_path"].split("#")[filters.index(field) - len(filters) - 1])


def task_indexes(each: "TaskSummary") -> dict[str, str]:
    """Which lists a task is in; within each, tasks are in the order of their ids."""
    found_by = {
        "owner_tasks": account_partition(each.user_id),
        "client_tasks": tasks_of_client(each.user_id, each.client_id or UNASSIGNED).value,
    }
    if each.campaign_id:
        found_by["campaign_tasks"] = tasks_of_campaign(each.user_id, each.campaign_id).value
    if each.tags or each.rating:
        found_by["marked_tasks"] = account_partition(each.user_id)
    return found_by


def task_indexes_without(account: int, links: Collection[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Which index attributes a task gets, and which it loses, when these links of it become null."""
    moved = {"client_tasks": tasks_of_client(account, UNASSIGNED).value} if "client_id" in links else {}
    return moved, ("campaign_tasks",) if "campaign_id" in links else ()


def activity_indexes(account: int, *, client_id: str | None, campaign_id: str | None, managed: bool) -> dict[str, str]:
    """Which lists an entry of the activity log is in; within each, entries are in the order of their ids."""
    lists = [activity_of_account(account, managed)]
    lists += [activity_of_client(account, client_id, managed)] if client_id else []
    lists += [activity_of_campaign(account, campaign_id, managed)] if campaign_id else []
    return {each.hash: each.value for each in lists}


DUE: Final = ("due_shard", "due_at")
"""The attributes of `due_place`: what has them is looked at by the sweep."""


def due_place(id_: str, at: datetime | None) -> dict[str, str]:
    """Where something stands that is to be looked at in this moment; nowhere, if in none."""
    return {"due_shard": _due_shard(int(id_[-1], 16) % DUE_SHARDS), "due_at": format_timestamp(at)} if at else {}


def _due_shard(number: int) -> str:
    return f"DUE#{number}"


# --------------------------------------------------------------------------------------------------- partitions


def _local(account: int, index: str, prefix: str) -> Partition:
    return Partition(index, "PK", account_partition(account), index, prefix)


def everything_of(account: int) -> Partition:
    """All that stands below a user: everything but the tasks."""
    return Partition(None, "PK", account_partition(account), "SK")


def newest(account: int, kind: str) -> Partition:
    """An account's resources of a kind in the order of their creation."""
    return Partition(None, "PK", account_partition(account), "SK", f"{prefix(kind)}#")


def sorted_by(account: int, kind: str, sort: str, *within: str) -> Partition:
    """An account's resources of a kind in the order of a field, or those whose field has a value, by creation."""
    return _local(account, f"by_{sort}", "#".join((prefix(kind), *within, "")))


def children(account: int, kind: str, parent_id: str) -> Partition:
    """A parent's resources of a kind in the order of their creation."""
    return _local(account, "by_parent", f"{prefix(kind)}#{parent_id}#")


def below(account: int, kind: str, *path: str) -> Partition:
    """Slim rows of a kind below a path of ancestors' ids; a status may follow the id of the direct parent."""
    return _local(account, "by_path", "#".join((prefix(kind), *path, "")))


def counters_below(account: int, *path: str) -> Partition:
    """The counters of all resources below a path of ancestors' ids."""
    return _local(account, "by_path", "#".join(("COUNTERS", *path, "")))


def texts_of(account: int, *path: str) -> Partition:
    """The long texts of a resource and of all below it; `path` are its ancestors' ids and its own."""
    return _local(account, "by_path", "#".join(("TEXT", *path)))


def tasks_of_owner(account: int) -> Partition:
    """A user's tasks in the order of their creation."""
    return Partition("tasks_of_owner", "owner_tasks", account_partition(account), "id")


def tasks_of_client(account: int, client_id: str) -> Partition:
    """A client's tasks, or with `none` those without a client, in the order of their creation."""
    return Partition("tasks_of_client", "client_tasks", f"{account}#{client_id}", "id")


def tasks_of_campaign(account: int, campaign_id: str) -> Partition:
    """A campaign's tasks in the order of their creation."""
    return Partition("tasks_of_campaign", "campaign_tasks", f"{account}#{campaign_id}", "id")


def marked_tasks(account: int) -> Partition:
    """Slim rows of an account's tasks that have tags or a rating, in the order of their creation."""
    return Partition("marked_tasks_of_owner", "marked_tasks", account_partition(account), "id")


def ledger(account: int) -> Partition:
    """An account's ledger, by day."""
    return Partition(None, "PK", ledger_partition(account), "SK", "DAY#")


def model_lines() -> Partition:
    """The lines of the catalog, and their head."""
    return Partition(None, "PK", _MODELS, "SK")


def watched_models() -> Partition:
    """What providers published of their built-in models."""
    return Partition(None, "PK", _BUILT_IN_MODELS, "SK")


def imports_of(account: int) -> Partition:
    """An account's imports in the order of their creation."""
    return Partition(None, "PK", _imports(account), "SK", _IMPORT)


def all_failed_rows(account: int, import_id: str) -> Partition:
    """All rows of an import that failed, in the order of the file."""
    return Partition(None, "PK", _imports(account), "SK", f"{_FAILED_ROWS}{import_id}#")


def exports_of(user_id: int) -> Partition:
    """The exports that a user has asked for, in the order of their creation."""
    return Partition(None, "PK", _exports(user_id), "SK", _EXPORT)


def activity_of_account(account: int, managed: bool) -> Partition:
    """An account's activity log; what only who manages it may see (`managed`) is a partition of its own."""
    return Partition("activity_of_account", "account_activity", _activity(managed, account), "id")


def activity_of_client(account: int, client_id: str, managed: bool) -> Partition:
    """What the activity log has of a client and of what is below it."""
    return Partition("activity_of_client", "client_activity", _activity(managed, account, client_id), "id")


def activity_of_campaign(account: int, campaign_id: str, managed: bool) -> Partition:
    """What the activity log has of a campaign and of what is below it."""
    return Partition("activity_of_campaign", "campaign_activity", _activity(managed, account, campaign_id), "id")


def _activity(managed: bool, account: int, *of: str) -> str:
    return "#".join(("ACTIVITY", str(account), *of, *(["MANAGED"] if managed else [])))


def due(shard: int) -> Partition:
    """One of `DUE_SHARDS` parts of all tasks and deletions for which work is left, by when they are to be looked at."""
    return Partition("due", "due_shard", _due_shard(shard), "due_at")
