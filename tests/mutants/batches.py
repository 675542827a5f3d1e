"""Mutants of batches: shared transactions, quotas, and what happens once."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

BATCHES: Final = "tests/integration/test_batches.py"
MATRIX: Final = "tests/integration/test_matrix.py"
ENGINE: Final = f"{STORE}/batches.py"

MUTANTS: Final = (
    Mutant(
        "a batch does not note what it carries out",
        ENGINE,
        "[*self.progress.mark(list(writes)), *coalesced(writes)]",
        "coalesced(writes)",
        BATCHES,
    ),
    Mutant(
        "two repetitions carry out the same item",
        ENGINE,
        "(Attr(name).not_exists() for name in names), condition)",
        "(Attr('PK').exists() for name in names), condition)",
        BATCHES,
    ),
    Mutant(
        "a repeated batch has ids of its own",
        ENGINE,
        'self.moment, self.seed = datetime.fromisoformat(item["moment"]), int(item["seed"])',
        'self.seed = int(item["seed"])',
        BATCHES,
    ),
    Mutant(
        "a repeated batch tries again what was refused",
        ENGINE,
        'if "refused" in item:',
        "if False:",
        BATCHES,
    ),
    Mutant(
        "a refused half takes the other one with it",
        ENGINE,
        "        return [every[:middle], every[middle:]]",
        "        self.outcomes |= dict.fromkeys(every, error)\n        return []",
        BATCHES,
    ),
    Mutant(
        "a missing parent takes other items with it",
        ENGINE,
        "mine = [index for index in prepared if index in items]",
        "mine = list(prepared)",
        BATCHES,
    ),
    Mutant(
        "amounts that fit one by one are not added up",
        f"{STORE}/table.py",
        "return quota if other is None else quota.plus(other)",
        "return quota",
        BATCHES,
    ),
    Mutant(
        "a dry run is carried out",
        ENGINE,
        "        if self.dry_run:\n            never",
        "        if False:\n            never",
        BATCHES,
    ),
    Mutant(
        "a dry run forgets what earlier items would take",
        ENGINE,
        "self._admitted[index] = shared",
        "self._admitted[index] = []",
        BATCHES,
    ),
    Mutant(
        "a dry run begins a month",
        ENGINE,
        "[write.tentatively() for write in each if write.key in concerned]",
        "[write for write in each if write.key in concerned]",
        BATCHES,
    ),
    Mutant(
        "a batch ends with refusals of what another repetition has carried out",
        ENGINE,
        'Attr("refused").not_exists() & carried_out',
        'Attr("refused").not_exists()',
        BATCHES,
    ),
    Mutant(
        "an atomic batch does what it can",
        ENGINE,
        "        if self.atomic:\n            self.outcomes |= dict.fromkeys(mine, error)",
        "        if False:\n            self.outcomes |= dict.fromkeys(mine, error)",
        BATCHES,
    ),
    Mutant(
        "what is known not to fit is tried all the same",
        ENGINE,
        "            if write.key in self._short:",
        "            if False:",
        MATRIX,
    ),
    Mutant(
        "items beyond the first hundreds share an id",
        ENGINE,
        "_INDEX_BITS: Final = 9",
        "_INDEX_BITS: Final = 8",
        MATRIX,
    ),
    Mutant(
        "a repeated matrix names tasks that are gone",
        "layers/common/atelier/web/batches.py",
        "    outcomes |= _gone(kind, outcomes)\n",
        "",
        MATRIX,
    ),
    Mutant(
        "the tasks of a repeated matrix are read one by one",
        f"{STORE}/tasks.py",
        "        found = self._table.get_many([*map(keys.task, task_ids), account])\n",
        "        every = [*map(keys.task, task_ids), account]\n"
        "        found = {key: item for each in every for key, item in self._table.get_many([each]).items()}\n",
        MATRIX,
    ),
    Mutant(
        "a repeated matrix reads its account once for each task",
        f"{STORE}/tasks.py",
        "cache(self._pending_of), {}",
        "self._pending_of, {}",
        "tests/integration/test_sharing.py",
    ),
    Mutant(
        "refusals outgrow the record of their key",
        "layers/common/atelier/web/batches.py",
        "return {index: _shortened(problem) for index, problem in problems.items()}",
        "return problems",
        MATRIX,
    ),
    Mutant(
        "an answer is much larger than its cause",
        "layers/common/atelier/web/batches.py",
        '{**each, "problem": _shortened(each["problem"])}',
        "each",
        MATRIX,
    ),
    Mutant(
        "what is put in for a placeholder is looked through for others",
        f"{DOMAIN}/matrix.py",
        "_PIECES.sub(lambda piece: values[piece[1]] if piece[1] else piece[0][0], prompt)",
        "_PIECES.sub(lambda piece: _filled(values[piece[1]], values) if piece[1] else piece[0][0], prompt)",
        MATRIX,
    ),
    Mutant(
        "a variable that the prompt does not have is ignored",
        f"{DOMAIN}/matrix.py",
        "        if name not in names:",
        "        if False:",
        MATRIX,
    ),
    Mutant(
        "a matrix makes a prompt twice",
        f"{DOMAIN}/matrix.py",
        "if len(asked) < len(items):",
        "if False:",
        "tests/integration/test_matrix.py",
    ),
)
