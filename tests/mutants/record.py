"""The record of who kills which mutant: the table at the end of docs/integrity.md, which people read as well."""

import re
from collections.abc import Mapping
from typing import Final

from tests.mutants import PROJECT

DOCUMENT: Final = PROJECT / "docs" / "integrity.md"
HEAD: Final = "| What is broken | Killed by |\n| --- | --- |\n"
_ROW: Final = re.compile(r"\| (.+) \| `(.+)` \|")


def recorded() -> dict[str, str]:
    """The test that kills each mutant, as pytest takes it, by what the mutant breaks."""
    _, _, table = DOCUMENT.read_text().partition(HEAD)
    rows = (_ROW.fullmatch(line) for line in table.splitlines())
    return {row[1]: f"tests/{row[2]}" for row in rows if row}


def rewrite(killers: Mapping[str, str]) -> None:
    """Put these killers in the place of what is recorded."""
    before, _, _ = DOCUMENT.read_text().partition(HEAD)
    rows = (f"| {says} | `{killer.removeprefix('tests/')}` |\n" for says, killer in killers.items())
    DOCUMENT.write_text(before + HEAD + "".join(rows))
