"""Mutants of what keeps accounts from starving each other."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

QUEUES: Final = "tests/integration/test_fair_queues.py"
DELIVERY: Final = "tests/unit/test_webhook_delivery.py"
PENDING: Final = "tests/integration/test_pending_lists.py"
RECEIVERS: Final = "tests/integration/test_receivers.py"

MUTANTS: Final = (
    Mutant(
        "messages are in no account's group",
        f"{STORE}/queues.py",
        "                MessageGroupId=str(message.user_id),\n",
        "",
        QUEUES,
    ),
    Mutant(
        "messages of all accounts are in one group",
        f"{STORE}/queues.py",
        "MessageGroupId=str(message.user_id),",
        'MessageGroupId="1",',
        QUEUES,
    ),
    Mutant(
        "a receiver is called in spite of its open breaker",
        f"{DOMAIN}/webhook_delivery.py",
        "if until := self.receivers.open_until(receiver, now=now):",
        "if (until := self.receivers.open_until(receiver, now=now)) and False:",
        DELIVERY,
    ),
    Mutant(
        "a delivery that meets an open breaker has been attempted",
        f"{DOMAIN}/webhook_delivery.py",
        "        self._wait(message, (until - now).total_seconds() + self.chance() * SPREAD)",
        "        self._queue_the_next(message, now=now)",
        DELIVERY,
    ),
    Mutant(
        "a delivery that meets an open breaker is lost",
        f"{DOMAIN}/webhook_delivery.py",
        "        self._wait(message, (until - now).total_seconds() + self.chance() * SPREAD)\n",
        "",
        DELIVERY,
    ),
    Mutant(
        "a delivery that finds no slot is lost",
        f"{DOMAIN}/webhook_delivery.py",
        "            self._wait(message, NO_SLOT + self.chance() * NO_SLOT)\n",
        "",
        DELIVERY,
    ),
    Mutant(
        "a refusal is taken for a receiver that does not answer",
        f"{DOMAIN}/webhook_delivery.py",
        "        if delivery.status is None:\n",
        "        if delivery.status != 200:\n",
        DELIVERY,
    ),
    Mutant(
        "the breaker of a receiver is everybody's",
        f"{DOMAIN}/webhook_delivery.py",
        'return f"{account}#{urlsplit',
        'return f"1#{urlsplit',
        DELIVERY,
    ),
    Mutant(
        "a slot is never released",
        f"{DOMAIN}/webhook_delivery.py",
        "            self.receivers.release_slot(slot)\n",
        "            pass\n",
        DELIVERY,
    ),
    Mutant(
        "an account has as many slots as it likes",
        f"{STORE}/receivers.py",
        "            if not free:\n                return None\n",
        '            free = free or ["slot_9"]\n',
        RECEIVERS,
    ),
    Mutant(
        "a slot is kept for ever by who died with it",
        f"{STORE}/receivers.py",
        "if int(item.get(name, 0)) <= moment]",
        "if name not in item]",
        RECEIVERS,
    ),
    Mutant(
        "a slot is released by whoever had it before",
        f"{STORE}/receivers.py",
        "mine = Attr(slot.name).eq(slot.until)",
        "mine = Attr(slot.name).exists()",
        RECEIVERS,
    ),
    Mutant(
        "the slots of all accounts are one account's",
        f"{STORE}/keys.py",
        'Key(f"DELIVERIES#{account}", "SLOTS")',
        'Key("DELIVERIES#1", "SLOTS")',
        RECEIVERS,
    ),
    Mutant(
        "pending clients without tasks are asked for tasks",
        f"{STORE}/task_lists.py",
        "for item in counted if TaskFilter().total(counters.counters_from(item))]",
        "for item in counted]",
        PENDING,
    ),
    Mutant(
        "pending clients beyond the first few are not asked",
        f"{STORE}/table.py",
        "for at in range(0, len(queries), AT_ONCE))",
        "for at in range(0, min(1, len(queries)), AT_ONCE))",
        PENDING,
    ),
)
