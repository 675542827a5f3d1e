"""`python -m tests.mutants` finds who kills each mutant and records it; with words, only those that have them.

`python -m tests.mutants check` tries each mutant, or those with the words, against its recorded killer alone.
"""

import sys
from collections.abc import Sequence
from time import monotonic
from typing import Final

from tests.mutants import Mutant, record
from tests.mutants.catalog import MUTANTS, SUITE
from tests.mutants.trial import Outcome, Trial, outcomes

_CHECK_SECONDS: Final = 600  # on a machine that is busy with other things
_SLOW_SECONDS: Final = 5
_FIND_SECONDS: Final = 3600


def check(mutants: Sequence[Mutant]) -> list[str]:
    """Each mutant against its recorded killer; what is wrong."""
    killers, began = record.recorded(), monotonic()
    unknown = [each.says for each in mutants if each.says not in killers]
    if unknown:
        return [f"nobody is recorded to kill: {says}" for says in unknown]
    trials = [Trial(each, [killers[each.says]], _CHECK_SECONDS) for each in mutants]
    ended = []
    for outcome in outcomes(trials):
        ended.append(outcome)
        if not outcome.killer or outcome.seconds > _SLOW_SECONDS:
            print(f"{outcome.seconds:6.1f} s  {_says(outcome)}: {outcome.killer or 'NOBODY'}", flush=True)
    busy = sum(each.seconds for each in ended)
    print(f"{len(ended)} mutants met their killers in {monotonic() - began:.0f} s, {busy:.0f} s of processors.")
    return [f"{_says(each)}: lives in spite of {each.trial.tests[0]}" for each in ended if not each.killer]


def find(mutants: Sequence[Mutant]) -> list[str]:
    """Each mutant against the whole suite; who kills it is recorded. What is wrong."""
    killers = record.recorded()
    (unharmed,) = outcomes([Trial(None, SUITE, _FIND_SECONDS)])
    if unharmed.killer:
        return [f"{unharmed.killer} fails by itself"]
    survivors = []
    for outcome in outcomes([Trial(each, [each.first, *SUITE], _FIND_SECONDS) for each in mutants]):
        print(f"{outcome.seconds:6.1f} s  {_says(outcome)}: {outcome.killer or 'NOBODY'}", flush=True)
        if outcome.killer:
            killers[_says(outcome)] = outcome.killer
        else:
            survivors.append(f"{_says(outcome)}: lives")
            killers.pop(_says(outcome), None)
    record.rewrite({each.says: killers[each.says] for each in MUTANTS if each.says in killers})
    return survivors


def _says(outcome: Outcome) -> str:
    return outcome.trial.mutant.says if outcome.trial.mutant else "nothing is broken"


def main() -> None:
    """See the module."""
    checks = sys.argv[1:2] == ["check"]
    words = " ".join(sys.argv[2 if checks else 1 :])
    mutants = [each for each in MUTANTS if words in each.says]
    wrong = check(mutants) if checks else find(mutants)
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
