"""Mutants of deletes: what they demand and subtract, and what readers see until the cleanup has ended."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

INTERLEAVINGS: Final = "tests/integration/test_cascade_interleavings.py"
THIRD_LEVEL: Final = "tests/integration/test_cascade_third_level.py"

MUTANTS: Final = (
    Mutant(
        "a parent being deleted still takes children",
        f"{STORE}/parents.py",
        'LIVE: Final = EXISTS & Attr("deleted_at").not_exists()',
        "LIVE: Final = EXISTS",
        INTERLEAVINGS,
    ),
    Mutant(
        "a create does not ask for its parent",
        f"{STORE}/parents.py",
        "condition=LIVE,",
        "condition=None,",
        INTERLEAVINGS,
    ),
    Mutant(
        "a create asks for its parent and not for its grandparent",
        f"{STORE}/parents.py",
        "        for ancestor, id_ in zip(ancestors_of(kind), path_of(kind, fields), strict=True)\n    ]",
        "        for ancestor, id_ in list(zip(ancestors_of(kind), path_of(kind, fields), strict=True))[-1:]\n"
        "    ] + [Write(keys.counters(account, id_), add=amounts) for id_ in path_of(kind, fields)[:-1]]",
        THIRD_LEVEL,
    ),
    Mutant(
        "a resource is counted in its parent and not in its grandparent",
        f"{STORE}/parents.py",
        "for ancestor, id_ in zip(ancestors_of(kind), path_of(kind, fields), strict=True)\n    ]",
        "for ancestor, id_ in list(zip(ancestors_of(kind), path_of(kind, fields), strict=True))[-1:]\n    ]",
        THIRD_LEVEL,
    ),
    Mutant(
        "what is deleted with a parent stays in the counters of its grandparent",
        f"{STORE}/resources.py",
        "*parents.count_in_ancestors(self.kind, item, less, missing",
        "*parents.count_in_ancestors(self.kind, item, {counter_of(self.kind, item): -1}, missing",
        THIRD_LEVEL,
    ),
    Mutant(
        "a delete does not demand the counts it read",
        f"{STORE}/parents.py",
        "for name, count in counts.items()), LIVE)",
        "for name, count in ()), LIVE)",
        INTERLEAVINGS,
    ),
    Mutant(
        "a client's delete does not demand the version it read",
        f"{STORE}/resources.py",
        "Write(key, delete=True, condition=same_version, on",
        'Write(key, delete=True, condition=None if self.kind == "client" else same_version, on',
        INTERLEAVINGS,
    ),
    Mutant(
        "a campaign's delete does not demand the version it read",
        f"{STORE}/resources.py",
        "Write(key, delete=True, condition=same_version, on",
        'Write(key, delete=True, condition=None if self.kind == "campaign" else same_version, on',
        INTERLEAVINGS,
    ),
    Mutant(
        "a change is written over another one",
        f"{STORE}/resources.py",
        "self._put(changed, condition=same_version, access=access, before=item)",
        "self._put(changed, condition=None, access=access, before=item)",
        INTERLEAVINGS,
    ),
    Mutant(
        "If-Match is not asked",
        f"{STORE}/versions.py",
        "if accepted is not None and version not in accepted:",
        "if False:",
        "tests/integration/test_conditional_requests.py",
    ),
    Mutant(
        "a deleted client's campaigns stay in the totals",
        f"{STORE}/resources.py",
        "gone = {counter_of(self.kind, item): 1, **below}",
        "gone = {counter_of(self.kind, item): 1}",
        INTERLEAVINGS,
    ),
    Mutant(
        "a deleted client's grandchildren stay in the totals",
        f"{DOMAIN}/kinds.py",
        "if relation.on_delete is OnDelete.CASCADE)",
        "if relation.on_delete is OnDelete.CASCADE and ancestors_of(relation.child)[-1] == name)",
        THIRD_LEVEL,
    ),
    Mutant(
        "a delete is two transactions",
        f"{STORE}/resources.py",
        "            self._table.transact(*self.deleting(id_, access=access, accepted=accepted, now=now).writes)",
        "            writes = self.deleting(id_, access=access, accepted=accepted, now=now).writes\n"
        "            self._table.transact(*writes[:-2])\n"
        "            self._table.transact(*writes[-2:])",
        "tests/integration/test_cascade_crash_points.py",
    ),
    Mutant(
        "the pending deletions grow without bounds",
        f"{STORE}/account_summary.py",
        "condition=there_is_room,",
        "condition=None,",
        "tests/integration/test_problems.py",
    ),
    Mutant(
        "a delete does not enter the pending deletions",
        f"{STORE}/account_summary.py",
        'add={"pending": {member}} | less,',
        "add=less,",
        INTERLEAVINGS,
    ),
    Mutant(
        "readers do not ask the pending deletions for clients",
        f"{DOMAIN}/pending_deletions.py",
        "return member(kind, id_) in self.resources",
        'return kind != "client" and member(kind, id_) in self.resources',
        INTERLEAVINGS,
    ),
    Mutant(
        "readers do not ask the pending deletions for campaigns",
        f"{DOMAIN}/pending_deletions.py",
        "return member(kind, id_) in self.resources",
        'return kind != "campaign" and member(kind, id_) in self.resources',
        "tests/integration/test_task_lists.py",
    ),
    Mutant(
        "readers do not ask the pending deletions for grandparents",
        f"{DOMAIN}/pending_deletions.py",
        "for ancestor in ancestors_of(kind))",
        "for ancestor in ancestors_of(kind)[-1:])",
        THIRD_LEVEL,
    ),
    Mutant(
        "a task still shows the campaign of a client that is gone",
        f"{DOMAIN}/pending_deletions.py",
        "for above in (parent.kind, *ancestors_of(parent.kind)))",
        "for above in (parent.kind,))",
        "tests/integration/test_task_lists.py",
    ),
    Mutant(
        "a parent that is being cleaned up after can be listed below",
        f"{STORE}/resource_lists.py",
        "if item is None or pending.hides(self._must_exist, item):",
        "if False:",
        "tests/integration/test_campaigns.py",
    ),
    Mutant(
        "the list of a parent that is gone has a total",
        f"{STORE}/resource_lists.py",
        'if "deleted_at" in counters or (self._parent_id and self._is_hidden(beside, counters)):',
        "if False:",
        "tests/integration/test_campaigns.py",
    ),
    Mutant(
        "the list of a parent whose client is gone has a total",
        f"{STORE}/resource_lists.py",
        'if "deleted_at" in counters or (self._parent_id and self._is_hidden(beside, counters)):',
        'if "deleted_at" in counters:',
        "tests/integration/test_third_level_oracle.py",
    ),
)
