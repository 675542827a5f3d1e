"""Mutants of the list engine: order, ties, cursors, hidden rows, late sources and totals."""

from typing import Final

from tests.mutants import STORE, Mutant

LISTS: Final = "tests/integration/test_lists.py"
TASK_LISTS: Final = "tests/integration/test_task_lists.py"
MEANWHILE: Final = "tests/integration/test_task_lists_meanwhile.py"
LAG: Final = "tests/integration/test_cascade_lag.py"
THIRD_LEVEL: Final = "tests/integration/test_cascade_third_level.py"

MUTANTS: Final = (
    Mutant(
        "sources are merged in the opposite order",
        f"{STORE}/lists.py",
        "key=self._plan.position, reverse=self._query.newest_first)\n        #",
        "key=self._plan.position, reverse=not self._query.newest_first)\n        #",
        TASK_LISTS,
    ),
    Mutant(
        "an item that is seen in two sources is shown twice",
        f"{STORE}/lists.py",
        "return (next(same) for _, same in groupby(rows, key=self._plan.position))",
        "return rows",
        LAG,
    ),
    Mutant(
        "a list in memory is sorted in the opposite order",
        f"{STORE}/lists.py",
        "matching.sort(key=lambda each: plan.position(each.row), reverse=query.newest_first)",
        "matching.sort(key=lambda each: plan.position(each.row), reverse=not query.newest_first)",
        LISTS,
    ),
    Mutant(
        "names that are equal have the same position",
        f"{STORE}/keys.py",
        "f\"{folded(row['name'])}\\0{row['id']}\"",
        "folded(row['name'])",
        LISTS,
    ),
    Mutant(
        "resources of one status have the same position",
        f"{STORE}/keys.py",
        "f\"{row['status']}#{row['id']}\"",
        "row['status']",
        LISTS,
    ),
    Mutant(
        "a walk begins again with every page",
        f"{STORE}/lists.py",
        "if cursor is None or partition is None:",
        "if True:",
        LISTS,
    ),
    Mutant(
        "a walk in memory shows the last item of a page again, newest first",
        f"{STORE}/lists.py",
        "plan.position(row) >= cursor.position",
        "plan.position(row) > cursor.position",
        LISTS,
    ),
    Mutant(
        "a walk in memory shows the last item of a page again, oldest first",
        f"{STORE}/lists.py",
        "plan.position(row) <= cursor.position",
        "plan.position(row) < cursor.position",
        LISTS,
    ),
    Mutant(
        "a walk through tasks shows the last one of a page again, newest first",
        f"{STORE}/task_lists.py",
        "high = min(high, _neighbour(cursor.id, -1))",
        "high = min(high, cursor.id)",
        TASK_LISTS,
    ),
    Mutant(
        "a walk through tasks shows the last one of a page again, oldest first",
        f"{STORE}/task_lists.py",
        "low = max(low, _neighbour(cursor.id, +1))",
        "low = max(low, cursor.id)",
        TASK_LISTS,
    ),
    Mutant(
        "counting row by row leaves out late sources",
        f"{STORE}/lists.py",
        "[*whole._pages(plan, late, limit=None), *whole",
        "[*whole",
        TASK_LISTS,
    ),
    Mutant(
        "a walk by cursor does not look whether there is more",
        f"{STORE}/lists.py",
        "self._wanted = query.page_size + (cursor is not None)",
        "self._wanted = query.page_size",
        LISTS,
    ),
    Mutant(
        "a cursor is taken by any list",
        f"{STORE}/lists.py",
        "if fingerprint != _fingerprint(query):",
        "if False:",
        "tests/integration/test_cursors.py",
    ),
    Mutant(
        "what a pending deletion hides is shown",
        f"{STORE}/lists.py",
        "(seen for row in rows if (seen := shows(row)) is not None)",
        "(shows(row) or row for row in rows)",
        THIRD_LEVEL,
    ),
    Mutant(
        "what a pending deletion hides is shown by a search",
        f"{STORE}/lists.py",
        "if plan.keeps(row) and shows(row) is not None)",
        "if plan.keeps(row))",
        "tests/integration/test_campaigns.py",
    ),
    Mutant(
        "a page with hidden rows is not filled up",
        f"{STORE}/lists.py",
        "if page.next_start is None or len(self._found) >= self._expected:",
        "if True:",
        "tests/integration/test_integrity_oracle.py",
    ),
    Mutant(
        "late sources are not read",
        f"{STORE}/lists.py",
        "        if not late:\n",
        "        if True:\n",
        TASK_LISTS,
    ),
    Mutant(
        "the unassigned are listed without those of pending clients",
        f"{STORE}/task_lists.py",
        "if self._query.client_id == UNASSIGNED else ()",
        "if False else ()",
        TASK_LISTS,
    ),
    Mutant(
        "the others are not read again after the late sources",
        f"{STORE}/lists.py",
        "return [*self._pages(plan, late), *self._pages(plan, plan.sources)]",
        "return [*self._pages(plan, late), *zip(plan.sources, part.firsts)]",
        LAG,
    ),
    Mutant(
        "the others are read again before the late sources",
        f"{STORE}/lists.py",
        "return [*self._pages(plan, late), *self._pages(plan, plan.sources)]",
        "first = self._pages(plan, plan.sources)\n        return [*self._pages(plan, late), *first]",
        LAG,
    ),
    Mutant(
        "the unassigned are counted without those of pending clients",
        f"{STORE}/task_lists.py",
        "if not pending:",
        "if True:",
        TASK_LISTS,
    ),
    Mutant(
        "the unassigned are counted with those of pending clients only",
        f"{STORE}/task_lists.py",
        "self._read_counters([self._scope(), *pending])",
        "self._read_counters(pending)",
        TASK_LISTS,
    ),
    Mutant(
        "a total is what the page shows",
        f"{STORE}/lists.py",
        "        total = sum(self._total(part) for part in parts)\n",
        "        total = 0\n",
        LISTS,
    ),
    Mutant(
        "a total is less than what its page shows",
        f"{STORE}/lists.py",
        "        if shown:\n            total = max(",
        "        if False:\n            total = max(",
        MEANWHILE,
    ),
    Mutant(
        "a page beyond the end raises the total",
        f"{STORE}/lists.py",
        "        if shown:\n            total = max(",
        "        if True:\n            total = max(",
        TASK_LISTS,
    ),
    Mutant(
        "the total of a status counts every status",
        f"{STORE}/resource_lists.py",
        '[counter_of(self.kind, {"status": self._status})] if self._status else names',
        "names",
        LISTS,
    ),
    Mutant(
        "a change of status is not counted",
        f"{STORE}/resources.py",
        "        if old == new:\n",
        "        if True:\n",
        "tests/integration/test_campaigns.py",
    ),
)
