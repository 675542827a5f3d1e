"""Mutants of the activity log: once for every change, by whom, and for whom."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

ENTRIES: Final = f"{DOMAIN}/activity.py"
READER: Final = f"{STORE}/activity_reader.py"
LOG: Final = "tests/integration/test_activity.py"

MUTANTS: Final = (
    Mutant(
        "a record that comes twice is logged twice",
        ENTRIES,
        "int(hashlib.sha256(about.encode()).hexdigest()[:16], 16)",
        "__import__('random').getrandbits(62)",
        LOG,
    ),
    Mutant(
        "a change of nothing is logged",
        ENTRIES,
        "    if not changes:\n        return None\n",
        "",
        LOG,
    ),
    Mutant(
        "a prompt is logged as it is",
        ENTRIES,
        'frozenset({"prompt", "metadata"})',
        'frozenset({"metadata"})',
        LOG,
    ),
    Mutant(
        "what the pipeline does is its last user's",
        ENTRIES,
        'if unlinked or "request_id" in after else None',
        "if True else None",
        LOG,
    ),
    Mutant(
        "what goes with its parent is not logged",
        f"{STORE}/cascade.py",
        "        yield activity.written(entry_of_removal(child, fields, at=at, actor=actor, request_id=request_id))\n",
        "",
        LOG,
    ),
    Mutant(
        "a guest sees the shares of others",
        READER,
        "manages=manages and grant.role is Role.ADMIN",
        "manages=manages",
        LOG,
    ),
    Mutant(
        "a guest sees the log of what was deleted",
        READER,
        "        return [page for (grant, _), page in zip(queries, pages, strict=True) if is_there(grant, beside)]",
        "        return list(pages)",
        LOG,
    ),
    Mutant(
        "a page leaves out what is behind the end of another partition",
        f"{STORE}/newest.py",
        ' for row in rows if row["id"] >= end}',
        " for row in rows}",
        LOG,
    ),
    Mutant(
        "an entry is shown for ever",
        READER,
        "since = max(query.from_, now - KEPT) if query.from_ else now - KEPT",
        "since = query.from_ or now - 9 * KEPT",
        LOG,
    ),
)
