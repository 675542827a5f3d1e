"""Breaks each guarantee on purpose, and shows which test notices.  `make mutants`

Every mutant is one change of one file, tried in a copy of the project. A mutant that no test kills is a guarantee that
nothing proves: the command then fails. The table it prints is in docs/integrity.md.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
STORE: Final = "layers/common/atelier/store"
DOMAIN: Final = "layers/common/atelier/domain"
INTEGRATION: Final = "tests/integration"
INTERLEAVINGS: Final = f"{INTEGRATION}/test_cascade_interleavings.py"
LAG: Final = f"{INTEGRATION}/test_cascade_lag.py"
CRASHES: Final = f"{INTEGRATION}/test_cascade_crash_points.py"
TURNS: Final = f"{INTEGRATION}/test_cascade_turns.py"
TASK_ITEMS: Final = f"{INTEGRATION}/test_task_items.py"
TASK_LISTS: Final = f"{INTEGRATION}/test_task_lists.py"
STEPS: Final = "tests/unit/test_generation.py"
ENDINGS: Final = "tests/unit/test_generation_endings.py"
PIPELINE: Final = "tests/property/test_pipeline.py"
# The quick ones first.
SUITE: Final = (
    *sorted(str(path.relative_to(PROJECT)) for path in PROJECT.glob("tests/unit/test_generation*.py")),
    "tests/unit/test_table_writes.py",
    PIPELINE,
    *(
        f"{INTEGRATION}/test_{name}.py"
        for name in ("clients", "campaigns", "tasks", "task_lists", "idempotency", "conditional_requests", "problems")
    ),
    *sorted(str(path.relative_to(PROJECT)) for path in PROJECT.glob(f"{INTEGRATION}/test_cascade_*.py")),
    f"{INTEGRATION}/test_integrity_oracle.py",
)
IGNORED: Final = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", ".schemathesis")


@dataclass(frozen=True)
class Mutant:
    """One broken guarantee: in `file`, `old` becomes `new`. The tests in `first` are the likeliest to notice."""

    says: str
    file: str
    old: str
    new: str
    first: str = INTERLEAVINGS


UNHARMED: Final = Mutant("nothing", f"{STORE}/table.py", "class Table:", "class Table:")
MUTANTS: Final = (
    Mutant(
        "a parent being deleted still takes children",
        f"{STORE}/parents.py",
        'LIVE: Final = EXISTS & Attr("deleted_at").not_exists()',
        "LIVE: Final = EXISTS",
    ),
    Mutant(
        "a create does not ask for its parent",
        f"{STORE}/parents.py",
        "condition=LIVE,",
        "condition=None,",
    ),
    Mutant(
        "a delete does not demand the counts it read",
        f"{STORE}/parents.py",
        "for name, count in counts.items()), LIVE)",
        "for name, count in ()), LIVE)",
    ),
    Mutant(
        "a client's delete does not demand the version it read",
        f"{STORE}/clients.py",
        "Write(client, delete=True, condition=same_version, on_condition_failure=concurrent_update)",
        "Write(client, delete=True, on_condition_failure=concurrent_update)",
    ),
    Mutant(
        "a campaign's delete does not demand the version it read",
        f"{STORE}/campaigns.py",
        "delete=True, condition=same_version, on_condition_failure=concurrent_update",
        "delete=True, on_condition_failure=concurrent_update",
    ),
    Mutant(
        "a change is written over another one",
        f"{STORE}/clients.py",
        '_put(changed, condition=Attr("version").eq(client.version))',
        "_put(changed, condition=None)",
    ),
    Mutant(
        "If-Match is not asked",
        f"{STORE}/versions.py",
        "if accepted is not None and record.version not in accepted:",
        "if False:",
        f"{INTEGRATION}/test_conditional_requests.py",
    ),
    Mutant(
        "a deleted client's campaigns stay in the totals",
        f"{STORE}/clients.py",
        "clients=1, **counts)",
        "clients=1)",
    ),
    Mutant(
        "a delete is two transactions",
        f"{STORE}/clients.py",
        "closed(tally, counts, now=now),\n                owners.deleting(",
        "closed(tally, counts, now=now),\n"
        "            )\n"
        "            self._table.transact(\n"
        "                owners.deleting(",
        CRASHES,
    ),
    Mutant(
        "the pending set grows without bounds",
        f"{STORE}/owners.py",
        "condition=there_is_room,",
        "condition=None,",
        f"{INTEGRATION}/test_problems.py",
    ),
    Mutant(
        "a delete does not enter the pending set",
        f"{STORE}/owners.py",
        'add={"pending": {parent}} | {',
        "add={} | {",
    ),
    Mutant(
        "readers do not ask the pending set for clients",
        f"{DOMAIN}/deletion.py",
        'return parent("client", client_id) in self.parents',
        "return False",
    ),
    Mutant(
        "readers do not ask the pending set for campaigns",
        f"{DOMAIN}/deletion.py",
        'return parent("campaign", campaign_id) in self.parents',
        "return False",
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
        "the unassigned are counted without those of pending clients",
        f"{STORE}/task_lists.py",
        "if not pending:",
        "if True:",
        TASK_LISTS,
    ),
    Mutant(
        "the unassigned's own rows are read before the others'",
        f"{STORE}/task_lists.py",
        "limit=self._limits()[0]) if behind else first",
        "limit=self._limits()[0]) if False else first",
        LAG,
    ),
    Mutant(
        "the clean-up does not wait out the grace time",
        f"{STORE}/cascade.py",
        "if remaining > timedelta(0):",
        "if remaining > timedelta(days=9):",
        LAG,
    ),
    Mutant(
        "the clean-up does not look again when the grace time is over",
        f"{STORE}/cascade.py",
        "freed, seen = self._free_children(deletion)\n        if",
        "freed, seen = (0, 0) if message.since else self._free_children(deletion)\n        if",
        LAG,
    ),
    Mutant(
        "the grace time does not begin anew with every child found",
        f"{STORE}/cascade.py",
        'message.model_copy(update={"since": None})',
        'message.model_copy(update={"since": message.since or now})',
        LAG,
    ),
    Mutant(
        "a clean-up stops after its first piece",
        f"{STORE}/cascade.py",
        "self._queue.send(message.model_copy(",
        "(lambda *_, **__: None)(message.model_copy(",
        TURNS,
    ),
    Mutant(
        "a task is freed of its client whoever that is now",
        f"{STORE}/cascade.py",
        'add={"version": 1},\n        condition=Attr("client_id").eq(deletion.id),',
        'add={"version": 1},\n        condition=EXISTS,',
        LAG,
    ),
    Mutant(
        "a task is freed of its campaign whichever that is now",
        f"{STORE}/cascade.py",
        'condition=Attr("campaign_id").eq(deletion.id),',
        "condition=EXISTS,",
        LAG,
    ),
    Mutant(
        "a task is freed whether it is there or not",
        f"{STORE}/cascade.py",
        'add={"version": 1},\n        condition=Attr("client_id").eq(deletion.id),',
        'add={"version": 1},\n        condition=None,',
        LAG,
    ),
    Mutant(
        "a freed task's links change without its version",
        f"{STORE}/cascade.py",
        'remove=("client_id", "campaign_id", "campaign_tasks"),\n        add={"version": 1},',
        'remove=("client_id", "campaign_id", "campaign_tasks"),',
    ),
    Mutant(
        "a deleted client's counts are lost",
        f"{STORE}/cascade.py",
        'if deletion.kind == "client" and counts:',
        "if False:",
    ),
    Mutant(
        "counts are merged as they were read",
        f"{STORE}/cascade.py",
        "unchanged = [EXISTS, *(Attr(name).eq(count) for name, count in counts.items())]",
        "unchanged = [EXISTS]",
        LAG,
    ),
    Mutant(
        "usage rows are not merged",
        f"{STORE}/cascade.py",
        "elif self._merge_counts(deletion):",
        "elif False:",
    ),
    Mutant(
        "usage rows are merged as they were read",
        f"{STORE}/cascade.py",
        "delete=True, condition=_all(unchanged), on_condition_failure=concurrent_update)]",
        "delete=True, condition=EXISTS, on_condition_failure=concurrent_update)]",
        LAG,
    ),
    Mutant(
        "usage rows are merged in two transactions",
        f"{STORE}/cascade.py",
        "        writes.append(Write(keys.usage(deletion.user_id, keeper, None, day), add=amounts))\n",
        "        self._table.write(Write(keys.usage(deletion.user_id, keeper, None, day), add=amounts))\n",
        CRASHES,
    ),
    Mutant(
        "a campaign's usage goes to its client, even one that is gone",
        f"{STORE}/cascade.py",
        "if keeper:",
        "if False:",
    ),
    Mutant(
        "a clean-up that is over stays in the pending set",
        f"{STORE}/cascade.py",
        'discard={"pending": {parent(deletion.kind, deletion.id)}}',
        'discard={"pending": {"nothing"}}',
    ),
    Mutant(
        "a deleted client's campaigns leave their tallies",
        f"{STORE}/cascade.py",
        'if deletion.kind == "client":\n            for row',
        "if False:\n            for row",
    ),
    Mutant(
        "a task moves whatever happened since it was read",
        f"{STORE}/task_items.py",
        'return EXISTS & Attr("version").eq(task.version)',
        "return EXISTS",
        TASK_ITEMS,
    ),
    Mutant(
        "a step and its counts are written one by one",
        f"{STORE}/tasks.py",
        "        self._table.transact(*writes)\n\n    def record_outcome",
        "        for each in writes:\n            self._table.transact(each)\n\n    def record_outcome",
        CRASHES,
    ),
    Mutant(
        "two workers may hold the same task",
        f"{STORE}/task_items.py",
        'return EXISTS & Attr("detail_version").eq(task.detail_version)',
        "return EXISTS",
        TASK_ITEMS,
    ),
    Mutant(
        "a task that was canceled is submitted all the same",
        f"{STORE}/task_items.py",
        'elif "lease_until" in change:',
        "elif False:",
        TASK_ITEMS,
    ),
    Mutant(
        "a task whose job was reported is submitted all the same",
        f"{STORE}/task_items.py",
        'Attr("status").eq(task.status) & same_job',
        'Attr("status").eq(task.status)',
        TASK_ITEMS,
    ),
    Mutant(
        "a gone parent's tally comes back to life",
        f"{STORE}/tallies.py",
        "add=amounts, condition=EXISTS, on_condition_failure=concurrent_update)",
        "add=amounts)",
        LAG,
    ),
    Mutant(
        "late costs are booked on a parent that is gone",
        f"{STORE}/tallies.py",
        "return [row, *alive]",
        "return [row]",
        LAG,
    ),
    Mutant(
        "an idempotency key does not stop a second create",
        f"{STORE}/answers.py",
        "condition=never_used | expired,",
        "condition=None,",
    ),
    Mutant(
        "an idempotency key is never free again",
        f"{STORE}/answers.py",
        "condition=never_used | expired,",
        "condition=never_used,",
        f"{INTEGRATION}/test_idempotency.py",
    ),
    Mutant(
        "an idempotency key answers any request",
        f"{STORE}/answers.py",
        'if item["digest"] != once.digest:',
        "if False:",
        f"{INTEGRATION}/test_idempotency.py",
    ),
    Mutant(
        "an answer is kept before what it tells of is there",
        f"{STORE}/answers.py",
        "table.transact(_keeping(record, user_id=user_id, idempotent=once, now=now), *writes)",
        "table.transact(_keeping(record, user_id=user_id, idempotent=once, now=now))\n        table.transact(*writes)",
        CRASHES,
    ),
    Mutant(
        "conflicts are not retried",
        f"{STORE}/table.py",
        '    "TransactionConflict",\n',
        "",
        "tests/unit/test_table_writes.py",
    ),
    Mutant(
        "what was concurrent_update is not read again",
        f"{STORE}/table.py",
        "            except ConcurrentUpdate:\n                self._notice()",
        "            except ConcurrentUpdate:\n                break",
    ),
    Mutant(
        "every attempt has a client token of its own",
        f"{STORE}/table.py",
        "ClientRequestToken=token)",
        "ClientRequestToken=str(uuid.uuid4()))",
        "tests/unit/test_table_writes.py",
    ),
    Mutant(
        "the next message is sent after the step is recorded",
        f"{DOMAIN}/pipeline.py",
        "        self._send(task, step=task.step + 1, delay=max(_delay(task.step), math.ceil(after or 0)))\n"
        "        return self._record_step(task, transition, seen, now=now)",
        "        recorded = self._record_step(task, transition, seen, now=now)\n"
        "        self._send(task, step=task.step + 1, delay=max(_delay(task.step), math.ceil(after or 0)))\n"
        "        return recorded",
        PIPELINE,
    ),
    Mutant(
        "a submit is repeated without asking whether the first one arrived",
        f"{DOMAIN}/generation.py",
        "job = self._ask(task, lambda provider: provider.find(self.job_request(task)), now=now)",
        "job = None",
        STEPS,
    ),
    Mutant(
        "a submit does not wait for the lease of another",
        f"{DOMAIN}/generation.py",
        "        if task.lease_until > now:\n            #",
        "        if task.lease_until > now + LEASE:\n            #",
        STEPS,
    ),
    Mutant(
        "a message that came late is carried out all the same",
        f"{DOMAIN}/generation.py",
        "message.step < task.step",
        "message.step < -1",
        STEPS,
    ),
    Mutant(
        "the next provider is asked although the first may have the job",
        f"{DOMAIN}/generation.py",
        "status_reason=_NOT_CONFIRMED)\n"
        "        except Unavailable as failure:\n"
        "            return self._schedule_poll(task, now=now, after=failure.after, status_reason=str(failure))",
        "status_reason=_NOT_CONFIRMED)\n"
        "        except Unavailable as failure:\n"
        "            return self._postpone(task, str(failure), now=now, after=failure.after)",
        "tests/unit/test_generation_fallback.py",
    ),
    Mutant(
        "an accepted job is forgotten when its task has changed",
        f"{DOMAIN}/generation.py",
        "                task = current\n            else:\n                return self._settle",
        "                raise\n            else:\n                return self._settle",
        STEPS,
    ),
    Mutant(
        "the job of a task that was deleted is not stopped",
        f"{DOMAIN}/generation.py",
        "if provider is not None and message.job and message.model:",
        "if False:",
        ENDINGS,
    ),
    Mutant(
        "a task is taken for stopped while it may be submitted",
        f"{DOMAIN}/generation.py",
        "if task.provider_task_id is None and task.lease_until is not None and task.lease_until > now:",
        "if False:",
        ENDINGS,
    ),
    Mutant(
        "a canceled task keeps its files",
        f"{DOMAIN}/generation.py",
        "        self.media.delete_of_task(task.user_id, task.id)\n        if",
        "        if",
        ENDINGS,
    ),
    Mutant(
        "a callback is believed without its token",
        f"{DOMAIN}/generation.py",
        "if not is_ours or ",
        "if ",
        "tests/unit/test_generation_callbacks.py",
    ),
    Mutant(
        "a failure is forgotten when the task has changed",
        f"{DOMAIN}/generation.py",
        "                    return task\n                task = current",
        "                    return task\n                raise",
        ENDINGS,
    ),
)


def killer_of(mutant: Mutant) -> str | None:
    """The first test that fails with the mutant in place; None when it survives."""
    with tempfile.TemporaryDirectory(prefix="atelier-mutant-") as folder:
        copy = Path(folder) / "project"
        shutil.copytree(PROJECT, copy, ignore=IGNORED)
        target = copy / mutant.file
        text = target.read_text()
        if text.count(mutant.old) != 1:
            raise ValueError(f"{mutant.says}: its text is in {mutant.file} {text.count(mutant.old)} times")
        target.write_text(text.replace(mutant.old, mutant.new))
        command = [sys.executable, "-m", "pytest", "-x", "--no-header", "-p", "no:cacheprovider", mutant.first, *SUITE]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # nothing was proved: the tests could not even be collected, say
        raise ValueError(f"{mutant.says}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    failed = re.search(r"^(?:FAILED|ERROR) \S*?(test_\w+\.py(?:::\w+)?)", done.stdout, re.MULTILINE)
    return failed[1] if failed else None


def main() -> None:
    """Try every mutant, and print who killed it."""
    if killer := killer_of(UNHARMED):
        sys.exit(f"{killer} fails by itself.")
    print("| What is broken | Killed by |\n| --- | --- |")
    survivors = 0
    with ThreadPoolExecutor(2) as pool:
        for mutant, killer in zip(MUTANTS, pool.map(killer_of, MUTANTS), strict=True):
            survivors += killer is None
            print(f"| {mutant.says} | {f'`{killer}`' if killer else '**nobody**'} |", flush=True)
    sys.exit(f"{survivors} mutants live." if survivors else None)


if __name__ == "__main__":
    main()
