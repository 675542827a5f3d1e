"""Recounts everything from the raw items and reports violations as sentences.

It shares no code with the stores: it knows the table's layout from docs/data-model.md only, so that a mistake in the
code cannot hide itself. It may be run at any time: a parent whose cleanup is pending is taken as its readers take it,
as already gone. `read` is not a snapshot, though: what changes while it reads may be reported, and a second run tells.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from atelier.domain.text import sort_key
from atelier.store import keys
from atelier.store.table import Table

Item = Mapping[str, Any]
Link = tuple[str, str]
"""What a task names, as its readers see it: client and campaign, `none` for neither."""
Amounts = defaultdict[str, Decimal]

NONE: Final = "none"
ALL: Final = "all"
TOTAL: Final = "total"
ANCESTORS: Final[Mapping[str, tuple[str, ...]]] = {
    "client": (),
    "campaign": ("client",),
    "asset": ("client",),
    "client_share": ("client",),
    "campaign_share": ("client", "campaign"),
    "account_share": (),
    "client_invitation": ("client",),
    "campaign_invitation": ("client", "campaign"),
    "account_invitation": (),
}
"""The kinds that stand in their account's partition, each with the kinds it is deleted with, the outermost first."""
STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "campaign": ("active", "archived", "draft"),
    "asset": ("pending", "ready", "rejected"),
}
"""By which statuses a kind is counted; a kind that is not here has one count."""
FILTERS: Final[Mapping[str, tuple[str, ...]]] = {"asset": ("purpose",)}
"""By which further fields lists of a kind select: they are in its path."""
WITHOUT_PARENT: Final = ("asset",)
"""The kinds that may stand below nothing."""
TERMINAL: Final = ("succeeded", "failed", "canceled")
_ROOM: Final = "room|"
_RESERVED: Final = "reserved|"
_CELL: Final = "tasks|"
_BOOKED: Final = ("tasks", "outputs", "bytes", "milliseconds", "cost", "unpriced")
_ATTEMPTS: Final = 10  # to tell a receiver
_DUE_SHARDS: Final = 8
_TASK_INDEXES: Final = ("owner_tasks", "client_tasks", "campaign_tasks", "marked_tasks")
_NAME_BYTES: Final = 900  # of a name that sorts: a sort key has a limit


def read(table: Table, user_id: int) -> list[Item]:
    """Everything that one user has, in as many requests as it takes (no scan: by key, and the tasks by their index)."""
    tasks = [row["id"] for row in table.iterate(keys.tasks_of_owner(user_id), only=("id",))]
    both = [key(id_) for id_ in tasks for key in (keys.task, keys.task_detail)]
    whole = table.get_many(both).values()
    return [*table.iterate(keys.everything_of(user_id)), *table.iterate(keys.ledger(user_id)), *whole]


def violations(items: Iterable[Item], *, at_rest: bool = False, deleted: Iterable[Item] | None = ()) -> list[str]:
    """The violations found; empty when the table is consistent.

    `at_rest` says that no cleanup may be pending. `deleted` are finished tasks that were deleted, which stay in the
    ledger, each with its detail; None when nobody knows them, and the ledger may then exceed the recount.
    """
    owners: defaultdict[int, Owned] = defaultdict(Owned)
    details: dict[str, Item] = {}
    for item in items:
        _sort_in(owners, details, item)
    for task in deleted or ():
        owners[int(task["user_id"])].deleted.append(task)
    for owned in owners.values():
        owned.whole = {id_: {**details.get(id_, {}), **task} for id_, task in owned.tasks.items()}
    found = list(_details(details, {id_ for owned in owners.values() for id_ in owned.tasks}))
    found += _grants(owners)
    for user_id, owned in sorted(owners.items()):
        found += [f"User {user_id}: {each}" for each in _Recount(owned, exact_ledger=deleted is not None).violations()]
        found += [f"User {user_id}: the cleanup of {each} is left." for each in sorted(owned.deletions) if at_rest]
    return found


@dataclass
class Owned:
    """One user's items, by kind and by what their keys say."""

    summary: Item = field(default_factory=dict)
    resources: dict[str, dict[str, Item]] = field(default_factory=lambda: {kind: {} for kind in ANCESTORS})
    tasks: dict[str, Item] = field(default_factory=dict)
    counters: dict[str, Item] = field(default_factory=dict)
    texts: dict[str, Item] = field(default_factory=dict)
    ledger: dict[str, Item] = field(default_factory=dict)
    whole: dict[str, Item] = field(default_factory=dict)
    deletions: dict[str, Item] = field(default_factory=dict)
    deleted: list[Item] = field(default_factory=list)
    deleted_tasks: dict[str, Item] = field(default_factory=dict)
    removed_files: dict[str, Item] = field(default_factory=dict)

    @property
    def clients(self) -> dict[str, Item]:
        """The clients by id."""
        return self.resources["client"]

    @property
    def campaigns(self) -> dict[str, Item]:
        """The campaigns by id."""
        return self.resources["campaign"]


def _sort_in(owners: Mapping[int, Owned], details: dict[str, Item], item: Item) -> None:
    partition, _, key = item["PK"].partition("#")
    kind, _, rest = item["SK"].partition("#")
    if (partition, kind) == ("TASK", "TASK"):
        owners[int(item["user_id"])].tasks[key] = item
    if (partition, kind) == ("TASK", "DETAIL"):
        details[key] = item
    if (partition, kind) == ("LEDGER", "DAY"):
        owners[int(key)].ledger[rest] = item
    if partition != "ACCOUNT":
        return
    owned = owners[int(key)]
    if kind == "SUMMARY":
        owned.summary = item
    rooms = {
        **{name.upper(): found for name, found in owned.resources.items()},
        "COUNTERS": owned.counters,
        "TEXT": owned.texts,
        "DELETION": owned.deletions,
        "DELETED_TASK": owned.deleted_tasks,
        "FILES": owned.removed_files,
    }
    if kind in rooms:
        rooms[kind][rest] = item


def _details(details: Mapping[str, Item], tasks: set[str]) -> Iterator[str]:
    """Whether every task has its detail, which is in no index, and no detail is without its task."""
    yield from (f"task {id_} has no detail." for id_ in sorted(tasks - details.keys()))
    yield from (f"the detail of task {id_} has outlived it." for id_ in sorted(details.keys() - tasks))
    for id_, detail in sorted(details.items()):
        yield from _misplaced("detail of task", {"id": id_, **detail}, dict.fromkeys(_TASK_INDEXES))


def _grants(owners: Mapping[int, Owned]) -> Iterator[str]:
    """Whether every share is a grant of its guest, and every grant a share, where both accounts were read."""
    shared: defaultdict[int, dict[str, list[Any]]] = defaultdict(dict)
    for account, owned in owners.items():
        for kind in ("client", "campaign", "account"):
            for share in owned.resources[f"{kind}_share"].values():
                id_ = str(account) if kind == "account" else share[f"{kind}_id"]
                given = [kind, id_, account, share["role"], share["id"], share["created_by"], share["created_at"]]
                more = [share.get("expires_at"), share["client_id"] if kind == "campaign" else None]
                shared[int(share["shared_with"])][f"grant#{kind}#{id_}"] = given + more
    for guest in sorted(owners.keys() | shared.keys()):
        summary = owners[guest].summary if guest in owners else None
        if summary is None:
            continue  # not read
        kept = {name: json.loads(text) for name, text in summary.items() if name.startswith("grant#")}
        known = {name: grant for name, grant in kept.items() if grant[2] in owners}
        yield from (
            f"User {guest}: {name} is {known.get(name)}, and its share says {shared[guest].get(name)}."
            for name in sorted(known.keys() | shared[guest].keys())
            if known.get(name) != shared[guest].get(name)
        )
        for kind in ("client", "campaign", "account"):
            number, count = int(summary.get(f"{kind}s_received", 0)), sum(name.split("#")[1] == kind for name in kept)
            if number != count:
                yield f"User {guest}: {kind}s_received is {number}, and there are {count} grants."


class _Recount:
    """The recount of one user."""

    def __init__(self, owned: Owned, *, exact_ledger: bool) -> None:
        self._all = owned
        self._exact_ledger = exact_ledger
        self._pending: set[str] = set(owned.summary.get("pending", ()))

    def violations(self) -> Iterator[str]:
        """All violations."""
        yield from self._parents()
        yield from self._clean_ups()
        yield from self._totals()
        yield from self._liveness()
        yield from self._counters()
        yield from self._ledger()
        yield from self._budgets()
        yield from self._texts()
        yield from self._places()
        yield from self._due()

    # --------------------------------------------------------------------------------------------- what is there

    def _is_shown(self, kind: str, item: Item) -> bool:
        """Whether a reader sees a resource that is there: none of its ancestors is pending or missing."""
        *_, parent = ANCESTORS[kind] or (None,)
        if parent is None:
            return True
        id_ = item.get(f"{parent}_id", NONE)
        if id_ == NONE and kind in WITHOUT_PARENT:
            return True
        above = self._all.resources[parent].get(id_)
        return above is not None and not self._is_pending(parent, id_) and self._is_shown(parent, above)

    def _client_lives(self, client_id: str | None) -> bool:
        return client_id in self._all.clients and not self._is_pending("client", client_id)

    def _campaign_lives(self, campaign_id: str | None) -> bool:
        campaign = self._all.campaigns.get(campaign_id or "")
        return campaign is not None and self._client_lives(campaign["client_id"])

    def _is_pending(self, kind: str, id_: str | None) -> bool:
        return f"{kind}#{id_}" in self._pending

    def _link(self, task: Item) -> Link:
        """What the task names, leaving out parents that are being cleaned up after."""
        client_id, campaign_id = task.get("client_id"), task.get("campaign_id")
        if client_id is None or self._is_pending("client", client_id):
            return NONE, NONE
        if campaign_id is None or self._is_pending("campaign", campaign_id):
            return client_id, NONE
        return client_id, campaign_id

    # ----------------------------------------------------------------------------------------------- referential

    def _parents(self) -> Iterator[str]:
        for kind, above in ANCESTORS.items():
            for item in self._all.resources[kind].values():
                yield from self._orphan(kind, item, above)
        for id_, task in self._all.tasks.items():
            client_id, campaign_id = self._link(task)
            if client_id != NONE and not self._client_lives(client_id):
                yield f"task {id_} names client {client_id}, who is not there."
            if campaign_id == NONE:
                continue
            if not self._campaign_lives(campaign_id):
                yield f"task {id_} names campaign {campaign_id}, which is not there."
            elif self._all.campaigns[campaign_id]["client_id"] != client_id:
                yield f"task {id_} names campaign {campaign_id}, which is not client {client_id}'s."
        yield from (
            f"task {id_} names a campaign and no client."
            for id_, task in self._all.tasks.items()
            if task.get("campaign_id") and not task.get("client_id")
        )

    def _orphan(self, kind: str, item: Item, above: tuple[str, ...]) -> Iterator[str]:
        if self._is_shown(kind, item) or any(self._is_pending(each, item.get(f"{each}_id")) for each in above):
            return
        yield f"{kind} {item['id']} is an orphan of {above[-1]} {item[f'{above[-1]}_id']}."

    def _clean_ups(self) -> Iterator[str]:
        for parent in sorted(self._pending ^ set(self._all.deletions)):
            yield f"the pending set and the cleanups disagree about {parent}."
        there = {f"{kind}#{id_}" for kind, found in self._all.resources.items() for id_ in found}
        for parent in sorted(self._pending & there):
            yield f"{parent} is being cleaned up after, and is still there."

    # ---------------------------------------------------------------------------------------------------- totals

    def _totals(self) -> Iterator[str]:
        for kind, above in ANCESTORS.items():
            shown = [each for each in self._all.resources[kind].values() if self._is_shown(kind, each)]
            yield from _compared("the user's totals", self._all.summary, kind, shown)
            for parent in above:
                yield from self._counted_in(parent, kind, shown)

    def _counted_in(self, parent: str, kind: str, shown: list[Item]) -> Iterator[str]:
        within: defaultdict[str, list[Item]] = defaultdict(list)
        for each in shown:
            within[each.get(f"{parent}_id", NONE)].append(each)
        for id_, item in self._all.resources[parent].items():
            if self._is_shown(parent, item):  # else nothing counts in it any more
                yield from _compared(f"{parent} {id_}'s counters", self._all.counters.get(id_, {}), kind, within[id_])
        if kind in WITHOUT_PARENT:
            yield from _compared("the counters of none", self._all.counters.get(NONE, {}), kind, within[NONE])

    def _liveness(self) -> Iterator[str]:
        lives = {id_ for id_ in self._all.clients if self._client_lives(id_)}
        lives |= {id_ for id_ in self._all.campaigns if self._campaign_lives(id_)}
        for id_ in sorted(lives):
            if id_ not in self._all.counters:
                yield f"{id_} lives, and has no counters."
            elif "deleted_at" in self._all.counters[id_]:
                yield f"{id_} lives, and its counters are closed."
        for id_, counters in self._all.counters.items():
            if id_ in lives | {NONE, ALL} or self._is_pending("client", counters.get("client_id")):
                continue
            if not (self._is_pending("client", id_) or self._is_pending("campaign", id_)):
                yield f"the counters of {id_} have outlived it."
            elif "deleted_at" not in counters:
                yield f"{id_} is being cleaned up after, and its counters are open."

    def _counters(self) -> Iterator[str]:
        counted: defaultdict[str, Amounts] = defaultdict(_nothing)
        for task in self._all.tasks.values():
            client_id, campaign_id = self._link(task)
            for scope in (ALL, client_id, *([campaign_id] if campaign_id != NONE else [])):
                _add({_counter_key(task): 1}, to=counted[scope])
        kept: defaultdict[str, Amounts] = defaultdict(_nothing)
        for id_, counters in self._all.counters.items():
            # What a deleted client counted is the unassigned's as soon as it is deleted.
            _add(_counter_values(counters), to=kept[NONE if self._is_pending("client", id_) else id_])
        gone = {id_ for id_ in kept if id_ not in (NONE, ALL) and not self._lives(id_)}
        for scope in sorted((kept.keys() | counted.keys()) - gone):
            if difference := _difference(kept[scope], counted[scope]):
                yield f"the counters of {scope} are off: {difference}."
        kept_open = int(self._all.counters.get(ALL, {}).get("open_tasks", 0))
        open_tasks = sum(task["status"] not in TERMINAL for task in self._all.tasks.values())
        if kept_open != open_tasks:
            yield f"the counters of {ALL} say open_tasks {kept_open}, and there are {open_tasks}."

    def _lives(self, id_: str) -> bool:
        return self._client_lives(id_) or self._campaign_lives(id_)

    # ---------------------------------------------------------------------------------------------------- ledger

    def _ledger(self) -> Iterator[str]:
        counted: defaultdict[str, Amounts] = defaultdict(_nothing)
        for task in (*self._all.whole.values(), *self._all.deleted):
            if task["status"] in TERMINAL:
                _add(_booked(task), to=counted[_row(task)])
        for row in sorted(self._all.ledger.keys() | counted.keys()):
            kept = _nothing()
            _add({name: self._all.ledger.get(row, {}).get(name, Decimal()) for name in _BOOKED}, to=kept)
            if difference := _difference(kept, counted[row], more_is_fine=not self._exact_ledger):
                yield f"the ledger's row {row} is off: {difference}."

    # --------------------------------------------------------------------------------------------------- budgets

    def _budgets(self) -> Iterator[str]:
        """Whether what is left and reserved of every period is what the tasks leave of the limit."""
        counted: defaultdict[str, Amounts] = defaultdict(_nothing)
        for task in (*self._all.whole.values(), *self._all.deleted):
            client_id, campaign_id = self._link(task)
            for scope in (ALL, client_id, campaign_id):
                for period in (task["created_at"][:7], TOTAL):
                    _add(_held(task, period), to=counted[scope])
        for scope in sorted(self._all.counters.keys() - {NONE}):
            if scope == ALL or self._lives(scope):
                yield from self._rooms(scope, self._all.counters[scope], counted[scope])

    def _rooms(self, scope: str, counters: Item, counted: Amounts) -> Iterator[str]:
        months = sorted(name[len(_ROOM) :] for name in counters if name.startswith(_ROOM) and name != _ROOM + TOTAL)
        periods = {name.partition("|")[2] for name in counted}
        # Months are dropped when they are old, and a task that moves takes nothing of those along.
        gone = periods - {TOTAL, *months}
        for period in sorted((periods | {*months, TOTAL}) - gone):
            limit = counters.get("limit|total" if period == TOTAL else "limit|month", 0)
            begun = limit if period == TOTAL or period in months else 0
            kept = _nothing()
            kept["used"] = begun - counters.get(_ROOM + period, Decimal())
            kept["reserved"] = Decimal(counters.get(_RESERVED + period, 0))
            right = _nothing()
            right["reserved"] = counted[_RESERVED + period]
            right["used"] = counted[_ROOM + period] + right["reserved"]
            if difference := _difference(kept, right, more_is_fine=not self._exact_ledger):
                yield f"the budget counters of {scope} for {period} are off: {difference}."

    # ----------------------------------------------------------------------------------------------------- texts

    def _texts(self) -> Iterator[str]:
        """Whether every long text is the one that its resource names, and stands where its cleanup finds it."""
        resources = {id_: (kind, item) for kind, found in self._all.resources.items() for id_, item in found.items()}
        for id_, (_, item) in sorted(resources.items()):
            kept = self._all.texts.get(id_, {}).get("version")
            if kept != item.get("text_version"):
                yield f"the long text of {id_} is version {kept} instead of {item.get('text_version')}."
        pending = {member.partition("#")[2] for member in self._pending}
        for id_, text in sorted(self._all.texts.items()):
            if id_ in resources:
                yield from _misplaced("long text", text, _text_places(*resources[id_]))
            elif pending.isdisjoint(text["by_path"].split("#")):
                yield f"the long text of {id_} has outlived it."

    # ---------------------------------------------------------------------------------------------------- places

    def _places(self) -> Iterator[str]:
        """Whether every item stands in the indexes where its own fields say."""
        for kind, found in self._all.resources.items():
            for item in found.values():
                yield from _misplaced(kind, item, _resource_places(kind, item))
        for task in self._all.tasks.values():
            yield from _misplaced("task", task, _task_places(task))
        for scope in self._all.counters.keys() - {NONE, ALL}:
            yield from _misplaced("counters", self._all.counters[scope], _counters_places(self._all.counters[scope]))

    # ------------------------------------------------------------------------------------------------------ due

    def _due(self) -> Iterator[str]:
        """Whether the sweep looks at all work that is left. What it looks at in vain, it stops looking at by itself."""
        for id_, task in sorted(self._all.whole.items()):
            if task["status"] not in TERMINAL or _is_to_be_told(task):
                yield from _unseen(f"task {id_}", id_, task)
        for parent, deletion in sorted(self._all.deletions.items()):
            yield from _unseen(f"the cleanup of {parent}", deletion["id"], deletion)
        for id_, task in sorted(self._all.deleted_tasks.items()):
            yield from _unseen(f"the cleanup of task {id_}", id_, task)
            if id_ in self._all.tasks:
                yield f"task {id_} was deleted, and is still there."
        for id_, asset in sorted(self._all.resources["asset"].items()):
            if asset["status"] != "ready":
                yield from _unseen(f"asset {id_}", id_, asset)
        for left, item in sorted(self._all.removed_files.items()):
            yield from _unseen(f"the files of {left}", item["id"], item)
            if item["id"] in self._all.resources[item["kind"]]:
                yield f"{left} was deleted, and is still there."


# --------------------------------------------------------------------------------------------------------- counting


def _nothing() -> Amounts:
    return defaultdict(Decimal)


def _add(amounts: Mapping[str, Decimal | int], *, to: Amounts) -> None:
    for name, amount in amounts.items():
        to[name] += amount


def _counter_key(task: Item) -> str:
    return f"{_CELL}{task['type']}|{task['provider']}|{task['status']}"


def _counter_values(item: Item) -> dict[str, Decimal]:
    return {name: value for name, value in item.items() if name.startswith(_CELL)}


def _row(task: Item) -> str:
    names = ("type", "provider", "status", "created_by", "model")
    booked = [task.get(f"booked_{kind}_id") or NONE for kind in ("client", "campaign")]
    return "#".join((task["completed_at"][:10], *booked, *(str(task[name]) for name in names)))


def _booked(task: Item) -> Mapping[str, Decimal | int]:
    cost, outputs = task.get("cost", {}).get("actual"), task.get("outputs", [])
    took = datetime.fromisoformat(task["completed_at"]) - datetime.fromisoformat(task["created_at"])
    outcome = task.get("provider_outcome")
    was_sent = "lease_until" in task or bool(task.get("provider_task_id"))
    unpriced = cost is None and (outcome == "succeeded" or (outcome is None and was_sent))
    return {
        "tasks": 1,
        "outputs": len(outputs),
        "bytes": sum(output["bytes"] for output in outputs),
        "milliseconds": round(took / timedelta(milliseconds=1)),
        "cost": (cost or 0) * 1_000_000,
        "unpriced": int(unpriced),
    }


def _held(task: Item, period: str) -> Mapping[str, Decimal | int]:
    """What a task has spent (`room|`) and reserved of a period, in millionths."""
    reserved = task.get("reserved", 0) * 1_000_000
    if task["status"] in TERMINAL:
        booked = _booked(task)
        return {_ROOM + period: reserved if booked["unpriced"] else booked["cost"]}
    return {_RESERVED + period: reserved}


def _compared(whose: str, counts: Item, kind: str, found: Collection[Item]) -> Iterator[str]:
    statuses = STATUSES.get(kind, ())
    by_name = Counter(f"{kind}s_{each['status']}" if statuses else f"{kind}s" for each in found)
    for name in [f"{kind}s_{status}" for status in statuses] or [f"{kind}s"]:
        kept = int(counts.get(name, 0))
        if kept != by_name[name]:
            yield f"{whose} say {name} {kept}, and there are {by_name[name]}."


def _difference(kept: Amounts, counted: Amounts, *, more_is_fine: bool = False) -> str:
    names = sorted(kept.keys() | counted.keys())
    off = [name for name in names if kept[name] != counted[name] and not (more_is_fine and kept[name] > counted[name])]
    return ", ".join(f"{name} {kept[name]} instead of {counted[name]}" for name in off)


# ------------------------------------------------------------------------------------------------------------ places


def _sorted_name(name: str) -> str:
    return sort_key(name).replace("\0", "\0\x7f").encode()[:_NAME_BYTES].decode(errors="ignore")


def _task_places(task: Item) -> dict[str, str | None]:
    account, campaign_id = task["user_id"], task.get("campaign_id")
    return {
        "owner_tasks": f"ACCOUNT#{account}",
        "client_tasks": f"{account}#{task.get('client_id', NONE)}",
        "campaign_tasks": f"{account}#{campaign_id}" if campaign_id else None,
        "marked_tasks": f"ACCOUNT#{account}" if task.get("tags") or task.get("rating") else None,
    }


def _resource_places(kind: str, item: Item) -> dict[str, str | None]:
    prefix, id_, above = kind.upper(), item["id"], [item.get(f"{each}_id", NONE) for each in ANCESTORS[kind]]
    status = [item["status"]] if kind in STATUSES else []
    filters = [item[each] for each in FILTERS.get(kind, ())]
    return {
        "by_name": f"{prefix}#{_sorted_name(item['name'])}\0{id_}" if "name" in item else None,
        "by_updated_at": f"{prefix}#{item['updated_at']}#{id_}",
        "by_parent": f"{prefix}#{above[-1]}#{id_}" if above else None,
        "by_status": f"{prefix}#{status[0]}#{id_}" if status else None,
        "by_path": "#".join((prefix, *above, *status, *filters, id_)),
    }


def _counters_places(counters: Item) -> dict[str, str | None]:
    above = [counters[f"{kind}_id"] for kind in ANCESTORS if f"{kind}_id" in counters]
    return {"by_path": "#".join(("COUNTERS", *above, counters["id"])) if above else None}


def _text_places(kind: str, resource: Item) -> dict[str, str | None]:
    path = [resource[f"{ancestor}_id"] for ancestor in ANCESTORS[kind]]
    return {"by_path": "#".join(("TEXT", *path, resource["id"]))}


def _is_to_be_told(task: Item) -> bool:
    made = [each for each in task.get("webhook_deliveries", []) if each["at"] >= task.get("webhook_resent_at", "")]
    told = any(200 <= each.get("status", 0) < 300 or each.get("status") == 410 for each in made)  # noqa: PLR2004
    ends = told or any(each.get("given_up") for each in made)
    return "webhook_url" in task and len(made) < _ATTEMPTS and not ends


def _unseen(what: str, id_: str, item: Item) -> Iterator[str]:
    if "due_at" not in item or item.get("due_shard") != f"DUE#{int(id_[-1], 16) % _DUE_SHARDS}":
        yield f"work is left for {what}, and the sweep never looks at it."


def _misplaced(kind: str, item: Item, expected: Mapping[str, str | None]) -> Iterator[str]:
    for index, place in expected.items():
        if item.get(index) != place:
            yield f"{kind} {item['id']} stands at {item.get(index)} in {index}, and belongs at {place}."
