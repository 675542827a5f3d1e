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
SUITE: Final = (
    "tests/unit/test_generation.py",
    "tests/unit/test_table_writes.py",
    "tests/property/test_pipeline.py",
    "tests/integration/test_clients.py",
    "tests/integration/test_campaigns.py",
    "tests/integration/test_idempotency.py",
    "tests/integration/test_tasks.py",
    *sorted(str(path.relative_to(PROJECT)) for path in PROJECT.glob("tests/integration/test_cascade_*.py")),
    "tests/property/test_integrity_oracle.py",
)
IGNORED: Final = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", ".hypothesis", ".schemathesis")


@dataclass(frozen=True)
class Mutant:
    """One broken guarantee: in `file`, `old` becomes `new`."""

    says: str
    file: str
    old: str
    new: str


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
        "readers do not ask the pending set",
        f"{DOMAIN}/deletion.py",
        'return parent("client", client_id) in self.parents',
        "return False",
    ),
    Mutant(
        "a delete does not demand the counts it read",
        f"{STORE}/parents.py",
        "for name, count in counts.items()), LIVE)",
        "for name, count in ()), LIVE)",
    ),
    Mutant(
        "the clean-up does not wait out the grace time",
        f"{STORE}/cascade.py",
        "if remaining > timedelta(0):",
        "if remaining > timedelta(days=9):",
    ),
    Mutant(
        "a child is freed whoever its parent is",
        f"{STORE}/cascade.py",
        'add={"version": 1},\n        condition=Attr("client_id").eq(deletion.id),',
        'add={"version": 1},\n        condition=EXISTS,',
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
        "usage rows are not merged",
        f"{STORE}/cascade.py",
        "elif self._merge_counts(deletion):",
        "elif False:",
    ),
    Mutant(
        "a task moves whatever happened since it was read",
        f"{STORE}/tasks.py",
        'return EXISTS & Attr("version").eq(task.version)',
        "return EXISTS",
    ),
    Mutant(
        "a gone parent's tally comes back to life",
        f"{STORE}/tallies.py",
        "add=amounts, condition=EXISTS, refusal=outrun)",
        "add=amounts)",
    ),
    Mutant(
        "an idempotency key does not stop a second create",
        f"{STORE}/answers.py",
        "condition=never_used | expired,",
        "condition=None,",
    ),
    Mutant(
        "conflicts are not retried",
        f"{STORE}/table.py",
        '    "TransactionConflict",\n',
        "",
    ),
    Mutant(
        "every attempt has a client token of its own",
        f"{STORE}/table.py",
        "ClientRequestToken=token)",
        "ClientRequestToken=str(uuid.uuid4()))",
    ),
    Mutant(
        "the next message is sent after the step is recorded",
        f"{DOMAIN}/generation.py",
        "        self.queue.send(following, delay=_delay(task.step))\n"
        "        return self.tasks.note(task, step=task.step + 1, **change)",
        "        noted = self.tasks.note(task, step=task.step + 1, **change)\n"
        "        self.queue.send(following, delay=_delay(task.step))\n"
        "        return noted",
    ),
    Mutant(
        "a submit is repeated without asking whether the first one arrived",
        f"{DOMAIN}/generation.py",
        "job = provider.find(order) if task.lease_until is not None else None",
        "job = None",
    ),
    Mutant(
        "a message that came late is carried out all the same",
        f"{DOMAIN}/generation.py",
        "if message.step < task.step:",
        "if message.step < -1:",
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
        command = [sys.executable, "-m", "pytest", "-x", "--no-header", "-p", "no:cacheprovider", *SUITE]
        done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    failed = re.search(r"^(?:FAILED|ERROR) \S*?(test_\w+\.py(?:::\S+)?)", done.stdout, re.MULTILINE)
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
