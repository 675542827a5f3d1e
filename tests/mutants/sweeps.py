"""Mutants of the sweep: what is due, what a look finds, and what it puts back."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

DUE: Final = f"{DOMAIN}/due.py"
SWEEP: Final = f"{STORE}/sweep.py"
TASK_ITEMS: Final = f"{STORE}/task_items.py"
LOOKS: Final = "tests/integration/test_sweep.py"
LOST: Final = "tests/integration/test_lost_messages.py"

MUTANTS: Final = (
    Mutant(
        "a task with work left is not due",
        TASK_ITEMS,
        "**keys.due_place(task.id, first_look(task))",
        "**keys.due_place(task.id, None)",
        LOOKS,
    ),
    Mutant(
        "a task that has ended stays due",
        DUE,
        "return since + LATE_AFTER if _outcome_is_open(task) or _delivery_of(task) else None",
        "return _ended(task) + LATE_AFTER",
        LOOKS,
    ),
    Mutant(
        "a canceled task is not due while its job may run",
        DUE,
        "if _outcome_is_open(task) or _delivery_of(task) else None",
        "if _delivery_of(task) else None",
        LOOKS,
    ),
    Mutant(
        "a task is not due while its receiver is to be told",
        DUE,
        "if _outcome_is_open(task) or _delivery_of(task) else None",
        "if _outcome_is_open(task) else None",
        LOOKS,
    ),
    Mutant(
        "a task stays due after its receiver was told",
        TASK_ITEMS,
        "if first_look(task) and not first_look(after):",
        "if False:",
        LOOKS,
    ),
    Mutant(
        "a cleanup is not due",
        f"{STORE}/parents.py",
        "**_above(kind, fields), **due}",
        "**_above(kind, fields)}",
        LOOKS,
    ),
    Mutant(
        "only messages know since when a cleanup has found nothing",
        f"{STORE}/cascade.py",
        'begins = {} if deletion.quiet_since else {"quiet_since": quiet_since}',
        "begins: dict[str, str] = {}",
        LOOKS,
    ),
    Mutant(
        "what is left of a deleted task is not due",
        TASK_ITEMS,
        "**keys.due_place(task.id, now + LATE_AFTER)",
        "**keys.due_place(task.id, None)",
        LOOKS,
    ),
    Mutant(
        "a deleted task is forgotten while its job runs",
        f"{DOMAIN}/pipeline.py",
        "elif ended := self._job_end(deleted, now=now):\n            outcome, cost = ended",
        "elif ended := self._job_end(deleted, now=now) or (Outcome.SUCCEEDED, None):\n"
        "            outcome, cost = ended",
        "tests/unit/test_pipeline_endings.py",
    ),
    Mutant(
        "the unheard submit of a deleted task cannot be looked for",
        DUE,
        "texts = {} if task.sent and task.provider_task_id is None and not task.job_over else _NO_TEXTS",
        "texts = _NO_TEXTS",
        "tests/unit/test_pipeline_endings.py",
    ),
    Mutant(
        "the sweep leaves what is left of a deleted task",
        SWEEP,
        "lambda: self._put_back(task, Work.OUTCOME)",
        "lambda: None",
        LOOKS,
    ),
    Mutant(
        "a long cleanup is put back while it goes on",
        f"{STORE}/cascade.py",
        "if not format_timestamp(planned + LATE_AFTER) <= deletion.due_at",
        "if False and deletion.due_at",
        LOOKS,
    ),
    Mutant(
        "a message that is not late is sent again",
        DUE,
        "return planned + late_after <= now",
        "return True",
        LOOKS,
    ),
    Mutant(
        "the moment of the next message is not noted",
        f"{DOMAIN}/pipeline.py",
        'seen = {**seen, "next_at": now + timedelta(seconds=delay)}',
        'seen = {**seen, "next_at": task.created_at}',
        LOOKS,
    ),
    Mutant(
        "what stays undone is put back again and again",
        DUE,
        "return now + (now - planned) if",
        "return now if",
        LOOKS,
    ),
    Mutant(
        "the sweep looks and puts nothing back",
        SWEEP,
        "            self._put_back(task, work)\n",
        "",
        LOOKS,
    ),
    Mutant(
        "a step that is put back is the first one",
        SWEEP,
        "GenerationMessage.about(task, step=task.step)",
        "GenerationMessage.about(task, step=0)",
        LOST,
    ),
    Mutant(
        "a delivery that is put back is the first attempt",
        SWEEP,
        '"attempt": len(task.deliveries_made)',
        '"attempt": 0',
        LOOKS,
    ),
    Mutant(
        "a look undoes an end that came meanwhile",
        SWEEP,
        'unchanged = Attr("due_at").eq(item["due_at"])',
        'unchanged = Attr("PK").exists()',
        LOOKS,
    ),
    Mutant(
        "the index of due work is believed",
        SWEEP,
        'if item.get("due_at", "") > format_timestamp(now) or "due_at" not in item:',
        "if not item:",
        LOOKS,
    ),
    Mutant(
        "one task that cannot be read stops the sweep",
        SWEEP,
        "            swept.failed.append((row, error))",
        "            raise Busy(str(error)) from error",
        LOOKS,
    ),
    Mutant(
        "the sweep ends after its first batch",
        SWEEP,
        "start = page.next_start",
        "start = None",
        LOOKS,
    ),
)
