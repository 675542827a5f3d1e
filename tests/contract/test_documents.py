"""Documents name files and tests that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from testbed.template import PROJECT

FOLDERS: Final = ("bench", "docs", "events", "functions", "layers", "local", "testbed", "tests")
FILES: Final = tuple(f"/{path.relative_to(PROJECT)}" for folder in FOLDERS for path in (PROJECT / folder).rglob("*.*"))
# docs/extending.md names files that its reader adds; tests/integration/test_extending.py adds them.
DOCUMENTS: Final = tuple(
    path for path in (PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))) if path.name != "extending.md"
)
NAMED: Final = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:py|md|sh))(?:::(\w+))?`")


def named_in(document: Path) -> Iterator[tuple[str, str]]:
    """The files that a document names, each with the test in it, if one is named."""
    yield from NAMED.findall(document.read_text())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_files_that_exist(document: Path) -> None:
    for name, test in named_in(document):
        found = [PROJECT / file[1:] for file in FILES if file.endswith(f"/{name}")]
        assert found or (PROJECT / name).exists(), name
        assert not test or any(f"\ndef {test}(" in file.read_text() for file in found), test
