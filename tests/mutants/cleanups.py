"""Mutants of the cleanup after a delete: what it finds and demands, when it ends, and where counts and usage go."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

INTERLEAVINGS: Final = "tests/integration/test_cascade_interleavings.py"
LAG: Final = "tests/integration/test_cascade_lag.py"
CRASHES: Final = "tests/integration/test_cascade_crash_points.py"
LONG_TEXTS: Final = "tests/integration/test_long_texts.py"
THIRD_LEVEL: Final = "tests/integration/test_cascade_third_level.py"

MUTANTS: Final = (
    Mutant(
        "a cleanup does not find grandchildren",
        f"{DOMAIN}/kinds.py",
        "if name in ancestors_of(kind.name):",
        "if name in ancestors_of(kind.name)[-1:]:",
        THIRD_LEVEL,
    ),
    Mutant(
        "a kind's ancestors are its parents alone",
        f"{DOMAIN}/kinds.py",
        "for kind in (*ancestors_of(owner), owner)))",
        "for kind in (owner,)))",
        THIRD_LEVEL,
    ),
    Mutant(
        "a resource is found below its parent alone",
        f"{STORE}/keys.py",
        "(name, *path_of(kind, fields), *status,",
        "(name, *path_of(kind, fields)[-1:], *status,",
        THIRD_LEVEL,
    ),
    Mutant(
        "a client's cleanup leaves the campaigns in its tasks",
        f"{DOMAIN}/kinds.py",
        "deleted in (parent.kind, *ancestors_of(parent.kind))",
        "deleted == parent.kind",
        INTERLEAVINGS,
    ),
    Mutant(
        "the cleanup does not wait out the quiet period",
        f"{STORE}/cascade.py",
        "if remaining > timedelta(0):",
        "if remaining > timedelta(days=9):",
        LAG,
    ),
    Mutant(
        "the cleanup does not look again when the quiet period is over",
        f"{STORE}/cascade.py",
        "released, seen = self._release_children(deletion, now=now)\n        if",
        "released, seen = (0, 0) if deletion.quiet_since else self._release_children(deletion, now=now)\n        if",
        LAG,
    ),
    Mutant(
        "the quiet period does not begin anew with every child found",
        f"{STORE}/cascade.py",
        'self._note(deletion, remove=("quiet_since",))',
        "pass",
        LAG,
    ),
    Mutant(
        "a cleanup stops after its first piece",
        f"{STORE}/cascade.py",
        "self._send_on(deletion, message, delay=0 if released else 2, now=now)",
        "pass",
        "tests/integration/test_cascade_turns.py",
    ),
    Mutant(
        "a task is unlinked from its client whoever that is now",
        f"{STORE}/cascade.py",
        'add={"version": 1},\n        condition=_names(deletion),',
        'add={"version": 1},\n        condition=EXISTS if deletion.kind == "client" else _names(deletion),',
        LAG,
    ),
    Mutant(
        "a task is unlinked from its campaign whichever that is now",
        f"{STORE}/cascade.py",
        'add={"version": 1},\n        condition=_names(deletion),',
        'add={"version": 1},\n        condition=EXISTS if deletion.kind == "campaign" else _names(deletion),',
        LAG,
    ),
    Mutant(
        "a task is unlinked whether it is there or not",
        f"{STORE}/cascade.py",
        'add={"version": 1},\n        condition=_names(deletion),',
        'add={"version": 1},\n        condition=None,',
        LAG,
    ),
    Mutant(
        "an unlinked task's links change without its version",
        f"{STORE}/cascade.py",
        'add={"version": 1},\n        condition=_names(deletion),',
        "condition=_names(deletion),",
        INTERLEAVINGS,
    ),
    Mutant(
        "a deleted client's counters of tasks are lost",
        f"{STORE}/cascade.py",
        'if deletion.kind == "client" and counts:',
        "if False:",
        INTERLEAVINGS,
    ),
    Mutant(
        "counters are merged as they were read",
        f"{STORE}/cascade.py",
        "unchanged = [EXISTS, *(Attr(name).eq(count) for name, count in counts.items())]",
        "unchanged = [EXISTS]",
        LAG,
    ),
    Mutant(
        "a cleanup that is over stays in the pending deletions",
        f"{STORE}/cascade.py",
        'discard={"pending": {member(deletion.kind, deletion.id)}}',
        'discard={"pending": {"nothing"}}',
        INTERLEAVINGS,
    ),
    Mutant(
        "the campaigns that go with a client leave their counters",
        f"{STORE}/cascade.py",
        "self._table.delete_many([keys.counters(",
        "list([keys.counters(",
        INTERLEAVINGS,
    ),
    Mutant(
        "a long text outlives its resource",
        f"{STORE}/cascade.py",
        "elif self._delete_texts(deletion):",
        "elif False:",
        LONG_TEXTS,
    ),
    Mutant(
        "counters of tasks come back to life after their parent",
        f"{STORE}/counters.py",
        "add=amounts, condition=EXISTS, on_condition_failure=concurrent_update)",
        "add=amounts)",
        LAG,
    ),
    Mutant(
        "late costs are booked on a parent that is gone",
        f"{STORE}/counters.py",
        "if before.cost == after.cost and not held:",
        "if True:",
        LAG,
    ),
)
