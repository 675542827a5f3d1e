"""A test's name is a sentence that is read at a glance; what does not fit is in its docstring."""

import ast
from typing import Final

from testbed.template import PROJECT
from tests.contract.sources import tree

MOST_WORDS: Final = 9


def test_no_test_has_a_long_name() -> None:
    names = [
        node.name.removeprefix("test_")
        for path in (PROJECT / "tests").rglob("*.py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert names
    assert not [name for name in names if len(name.split("_")) > MOST_WORDS]
