"""Guarantees, broken on purpose: each mutant is one change of one file, and some test must notice it.

`make mutants` finds the test that notices each and records it in docs/integrity.md. `make killers`, which the gate
runs, tries every mutant against its recorded test, so that a test that stops noticing is an error. A mutant that no
longer applies is one in `make test`, too.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
STORE: Final = "layers/common/atelier/store"
DOMAIN: Final = "layers/common/atelier/domain"
WEB: Final = "layers/common/atelier/web"


@dataclass(frozen=True)
class Mutant:
    """One broken guarantee: in `file`, `old` becomes `new`. The tests in `first` are the likeliest to notice."""

    says: str
    file: str
    old: str
    new: str
    first: str
