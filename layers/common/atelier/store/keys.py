"""Every key and index of the table, named by what it finds. docs/data-model.md shows them as one table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from atelier.domain.schema import UNASSIGNED
from atelier.domain.text import prefix_of_bytes, sort_key

if TYPE_CHECKING:
    from atelier.domain.campaigns import Campaign
    from atelier.domain.clients import Client
    from atelier.domain.tasks.record import TaskSummary

SORT_KEY_BYTES: Final = 1024
"""What DynamoDB takes as a sort key, that of an index included."""
_NAME_BYTES: Final = 900  # names that are alike for longer than this order by id


@dataclass(frozen=True)
class Key:
    """Where one item is."""

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


def owner(user_id: int) -> str:
    """The partition that holds all of a user's catalogue: ownership is in the key."""
    return f"U#{user_id}"


def meta(user_id: int) -> Key:
    """A user's totals and pending set."""
    return Key(owner(user_id), "META")


def client(user_id: int, client_id: str) -> Key:
    """One client."""
    return Key(owner(user_id), f"CLIENT#{client_id}")


def campaign(user_id: int, campaign_id: str) -> Key:
    """One campaign."""
    return Key(owner(user_id), f"CAMPAIGN#{campaign_id}")


def tally(user_id: int, scope: str) -> Key:
    """The counts of a scope: a client's or campaign's id, `none` or `all`. A parent's tally lives as it does."""
    return Key(owner(user_id), f"TALLY#{scope}")


def usage(user_id: int, client_id: str | None, campaign_id: str | None, day: date) -> Key:
    """What was generated and spent on one day (UTC) for one client and campaign."""
    return Key(owner(user_id), f"USAGE#{client_id or UNASSIGNED}#{campaign_id or UNASSIGNED}#{day:%Y-%m-%d}")


def webhook_secret(user_id: int) -> Key:
    """What signs a user's outgoing webhooks."""
    return Key(owner(user_id), "WEBHOOK")


def subject(digest: str) -> Key:
    """Which user an issuer's subject is."""
    return Key(f"SUB#{digest}", "USER")


def user(user_id: int) -> Key:
    """Which issuer's subject a user is."""
    return Key(f"USER#{user_id}", "SUB")


def users() -> Key:
    """How many numbers users have been given."""
    return Key("USERS", "COUNT")


def deletion(user_id: int, kind: str, parent_id: str) -> Key:
    """The clean-up after one delete, from its commit until it is over."""
    return Key(owner(user_id), f"DELETION#{kind}#{parent_id}")


def task(task_id: str) -> Key:
    """One task. Not below its owner: tasks are many, and a partition has limits."""
    return Key(f"TASK#{task_id}", "TASK")


def answer(user_id: int, idempotency_key: str) -> Key:
    """The answer that a request with this key was given."""
    return Key(f"IDEM#{user_id}#{idempotency_key}", "IDEM")


def health(provider: str) -> Key:
    """What is known of a provider's health."""
    return Key(f"PROVIDER#{provider}", "HEALTH")


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


def client_indexes(each: "Client") -> dict[str, str]:
    """Where a client stands in each index that lists it."""
    row = {"id": each.id, "name": each.name, "updated_at": each.updated_at}
    return {
        "by_name": f"CLIENT#{POSITION['name'](row)}",
        "by_updated_at": f"CLIENT#{POSITION['updated_at'](row)}",
        "catalogue": f"CLIENT#{each.id}",
    }


def campaign_indexes(each: "Campaign") -> dict[str, str]:
    """Where a campaign stands in each index that lists it."""
    row = {"id": each.id, "name": each.name, "status": each.status, "updated_at": each.updated_at}
    return {
        "by_name": f"CAMPAIGN#{POSITION['name'](row)}",
        "by_updated_at": f"CAMPAIGN#{POSITION['updated_at'](row)}",
        "by_client": f"CAMPAIGN#{each.client_id}#{each.id}",
        "by_status": f"CAMPAIGN#{POSITION['status'](row)}",
        "catalogue": f"CAMPAIGN#{each.client_id}#{POSITION['status'](row)}",
    }


def campaign_tally_index(client_id: str, campaign_id: str) -> dict[str, str]:
    """Where a campaign's tally stands so that its client's clean-up finds it."""
    return {"catalogue": f"TALLY#{client_id}#{campaign_id}"}


def task_indexes(each: "TaskSummary") -> dict[str, str]:
    """Which lists a task is in; within each, tasks are in the order of their ids."""
    found_by = {
        "task_id": each.id,
        "owner_tasks": owner(each.user_id),
        "client_tasks": tasks_of_client(each.user_id, each.client_id or UNASSIGNED).value,
    }
    if each.campaign_id:
        found_by["campaign_tasks"] = tasks_of_campaign(each.user_id, each.campaign_id).value
    return found_by


# --------------------------------------------------------------------------------------------------- partitions


def _local(user_id: int, index: str, prefix: str) -> Partition:
    return Partition(index, "PK", owner(user_id), index, prefix)


def everything_of(user_id: int) -> Partition:
    """All that stands below a user: everything but the tasks."""
    return Partition(None, "PK", owner(user_id), "SK")


def newest(user_id: int, kind: str) -> Partition:
    """A user's clients or campaigns (`CLIENT` or `CAMPAIGN`) in the order of their creation."""
    return Partition(None, "PK", owner(user_id), "SK", f"{kind}#")


def by_name(user_id: int, kind: str) -> Partition:
    """A user's clients or campaigns in the order of their names."""
    return _local(user_id, "by_name", f"{kind}#")


def by_updated_at(user_id: int, kind: str) -> Partition:
    """A user's clients or campaigns in the order of their last change."""
    return _local(user_id, "by_updated_at", f"{kind}#")


def campaigns_of_client(user_id: int, client_id: str) -> Partition:
    """A client's campaigns in the order of their creation."""
    return _local(user_id, "by_client", f"CAMPAIGN#{client_id}#")


def campaigns_by_status(user_id: int, status: str | None = None) -> Partition:
    """A user's campaigns in the order of their status, or those with one status in the order of their creation."""
    return _local(user_id, "by_status", f"CAMPAIGN#{status}#" if status else "CAMPAIGN#")


def catalogue(user_id: int, kind: str, *within: str) -> Partition:
    """Slim rows: a user's `CLIENT`s, `CAMPAIGN`s (within a client and a status), a client's campaigns' `TALLY`s."""
    return _local(user_id, "catalogue", "#".join((kind, *within, "")))


def tasks_of_owner(user_id: int) -> Partition:
    """A user's tasks in the order of their creation."""
    return Partition("tasks_of_owner", "owner_tasks", owner(user_id), "task_id")


def tasks_of_client(user_id: int, client_id: str) -> Partition:
    """A client's tasks, or with `none` those without a client, in the order of their creation."""
    return Partition("tasks_of_client", "client_tasks", f"{owner(user_id)}#CLIENT#{client_id}", "task_id")


def tasks_of_campaign(user_id: int, campaign_id: str) -> Partition:
    """A campaign's tasks in the order of their creation."""
    return Partition("tasks_of_campaign", "campaign_tasks", f"{owner(user_id)}#CAMPAIGN#{campaign_id}", "task_id")


def usage_of(user_id: int, client_id: str | None = None, campaign_id: str | None = None) -> Partition:
    """Usage rows by day: a user's, a client's, or a client's campaign's."""
    within = [part for part in (client_id, campaign_id) if part]
    return Partition(None, "PK", owner(user_id), "SK", "#".join(("USAGE", *within, "")))
