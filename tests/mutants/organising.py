"""Mutants of what tasks are organised by: moves, marks, and the lists that find them."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

CHANGES: Final = "tests/integration/test_task_changes.py"
TASK_LISTS: Final = "tests/integration/test_task_lists.py"
TASKS: Final = "tests/integration/test_tasks.py"
DELIVERY: Final = "tests/unit/test_webhook_delivery.py"
DELIVERIES: Final = "tests/integration/test_webhook_delivery.py"
INTERLEAVINGS: Final = "tests/integration/test_cascade_interleavings.py"

MUTANTS: Final = (
    Mutant(
        "a task moves to a client that is gone",
        f"{STORE}/counters.py",
        "            count = count_child(before.user_id, id_, joins, missing=NotFound(kind, id_))\n"
        "            writes.append(reservation.within(count, Scope(kind, id_)))\n"
        "        elif id_ not in old:",
        "            count = Write(keys.counters(before.user_id, id_), add=joins)\n"
        "            writes.append(reservation.within(count, Scope(kind, id_)))\n"
        "        elif id_ not in old:",
        INTERLEAVINGS,
    ),
    Mutant(
        "a move within a client does not ask for the client",
        f"{STORE}/counters.py",
        'if id_ in old and kind == "client" and after.campaign_id',
        "if False and after.campaign_id",
        INTERLEAVINGS,
    ),
    Mutant(
        "a task that moves is still counted where it was",
        f"{STORE}/counters.py",
        "leaves = _amounts({key: 1}), _amounts({key: -1})",
        "leaves = _amounts({key: 1}), _amounts({key: 0})",
        CHANGES,
    ),
    Mutant(
        "a move leaves what it spent",
        f"{STORE}/reservations.py",
        "back = taken(self.month, Held(-self.held.spent, -self.held.reserved))",
        "back: dict[str, int] = {}",
        CHANGES,
    ),
    Mutant(
        "a move asks no budget",
        f"{STORE}/reservations.py",
        "return cls(month, months_before(now, 2), _amount(task, held), held)",
        "return cls(month, months_before(now, 2), 0, held)",
        CHANGES,
    ),
    Mutant(
        "a task that moves is booked where it was made",
        f"{STORE}/tasks.py",
        'return links | {f"booked_{name}": id_ for name, id_ in links.items()}, acting',
        "return links, acting",
        CHANGES,
    ),
    Mutant(
        "a guest moves a task out of what is shared",
        f"{STORE}/tasks.py",
        "        if acting.grant is not None:\n            grants = grants_in(self",
        "        if False:\n            grants = grants_in(self",
        "tests/integration/test_sharing.py",
    ),
    Mutant(
        "a guest's move demands one of two grants",
        f"{STORE}/tasks.py",
        "*still_granted(acting, also), *task_items.moved(",
        "*still_granted(also), *task_items.moved(",
        "tests/integration/test_sharing.py",
    ),
    Mutant(
        "a task moves to another account",
        f"{STORE}/tasks.py",
        "if client.user_id != seen.user_id:",
        "if False:",
        "tests/integration/test_sharing.py",
    ),
    Mutant(
        "a patch replaces metadata",
        f"{DOMAIN}/tasks/organising.py",
        "found = merged(task.metadata, patch.metadata)",
        "found = merged(None, patch.metadata)",
        CHANGES,
    ),
    Mutant(
        "a marked task is in no index of marks",
        f"{STORE}/keys.py",
        "if each.tags or each.rating:",
        "if each.tags:",
        TASK_LISTS,
    ),
    Mutant(
        "a page of marked tasks names what is gone",
        f"{STORE}/lists.py",
        "return None if whole is None else self.shows(whole)",
        "return whole",
        CHANGES,
    ),
    Mutant(
        "a retry ignores what its body changes",
        "layers/common/atelier/web/tasks.py",
        "if changes.model_fields_set else None",
        "if False else None",
        TASKS,
    ),
    Mutant(
        "a retry asks another model for what the task was for",
        f"{DOMAIN}/task_creation.py",
        'new.model_fields_set & {"provider", "providers", "model"}',
        "new.model_fields_set",
        TASKS,
    ),
    Mutant(
        "an earlier delivery goes on after its webhook is sent again",
        f"{DOMAIN}/webhook_delivery.py",
        " or message.resent_at != task.webhook_resent_at:",
        ":",
        DELIVERY,
    ),
    Mutant(
        "a webhook that is sent again goes on where it stopped",
        f"{DOMAIN}/tasks/record.py",
        "if not self.webhook_resent_at or each.at >= self.webhook_resent_at",
        "if each",
        DELIVERY,
    ),
    Mutant(
        "attempts of a slow clock are not its webhook's",
        f"{DOMAIN}/webhook_delivery.py",
        "delivery = self._attempt(event, body, secret, now=max(now, event.since))",
        "delivery = self._attempt(event, body, secret, now=now)",
        DELIVERY,
    ),
    Mutant(
        "the end of an earlier delivery is that of the next",
        f"{STORE}/task_items.py",
        "remove=keys.DUE, condition=_same_delivery(task)",
        "remove=keys.DUE, condition=EXISTS",
        DELIVERIES,
    ),
    Mutant(
        "the seed that was used is not kept",
        f"{DOMAIN}/pipeline.py",
        "now=now, seed=done.seed)",
        "now=now)",
        TASKS,
    ),
)
