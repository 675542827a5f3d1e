"""Our own code: which files there are, and what imports what."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from testbed.template import PROJECT

LAYER: Final = PROJECT / "layers/common"
SANDBOX: Final = PROJECT / "layers/sandbox"
ROOTS: Final = {
    "atelier": LAYER,
    "atelier_sandbox": SANDBOX,
    **dict.fromkeys(("bench", "layers", "local", "testbed", "tests"), PROJECT),
}
"""Where our packages are, by the first word of their names; what is not deployed is beside the layer."""
FUNCTIONS: Final = tuple(sorted(path.parent.name for path in (PROJECT / "functions").glob("*/app.py")))


def app(function: str) -> Path:
    """The one file of a function."""
    return PROJECT / "functions" / function / "app.py"


def ours() -> list[Path]:
    """Every Python file that is deployed."""
    return sorted([*(LAYER / "atelier").rglob("*.py"), *SANDBOX.rglob("*.py"), *map(app, FUNCTIONS)])


@cache
def tree(path: Path) -> ast.Module:
    """One file, parsed."""
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> frozenset[str]:
    """The modules that a file imports, wherever in it."""
    return frozenset(_imports(path))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*_package(path, node.level), *filter(None, [node.module])])
            within = [f"{base}.{alias.name}" for alias in node.names]
            modules = [name for name in within if module_file(name)]
            yield from modules or [base]


def _package(path: Path, level: int) -> tuple[str, ...]:
    """The package that a relative import of this level begins at; none for an absolute one."""
    return path.relative_to(_root(path)).parts[:-level] if level else ()


def _root(path: Path) -> Path:
    return next(root for root in (LAYER, SANDBOX, PROJECT) if path.is_relative_to(root))


def module_name(path: Path) -> str:
    """The name that a file of a layer is imported by; a function's is `app`."""
    root = _root(path)
    inside = Path(path.name) if root == PROJECT else path.relative_to(root)
    return ".".join(inside.with_suffix("").parts).removesuffix(".__init__")


@cache
def module_file(name: str) -> Path | None:
    """Where a module of ours is; None for anybody else's."""
    root = ROOTS.get(name.partition(".")[0])
    if root is None:
        return None
    where = root / name.replace(".", "/")
    return next((path for path in (where.with_suffix(".py"), where / "__init__.py") if path.exists()), None)


def reachable(path: Path) -> set[Path]:
    """The file, and every file of ours that it imports, directly or not."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += [file for name in imports(each) if (file := module_file(name))]
    return seen
