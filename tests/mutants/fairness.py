"""Mutants of what keeps accounts from starving each other."""

from typing import Final

from tests.mutants import STORE, Mutant

QUEUES: Final = "tests/integration/test_fair_queues.py"

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
)
