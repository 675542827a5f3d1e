"""docs/extending.md as something that can be carried out: its recipes, and copies of the project that follow them."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Final

from testbed.template import PROJECT

PAGE: Final = PROJECT / "docs/extending.md"
COPIED: Final = (
    "docs",
    "events",
    "functions",
    "layers",
    "local",
    "testbed",
    "tests",
    "pyproject.toml",
    "samconfig.toml",
    "template.yaml",
)
_BLOCK: Final = re.compile(r"^(New file )?`([\w./-]+)`:\n\n```(?:python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(r"^python (-m pytest .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Recipe:
    """One section of the page: new files and changes by their paths, and the commands that it ends with."""

    new: Mapping[str, str]
    changes: Mapping[str, str]
    commands: tuple[str, ...]

    @property
    def files(self) -> set[str]:
        """Every file that somebody writes who follows the recipe."""
        return {*self.new, *self.changes}


def recipe(title: str) -> Recipe:
    """The recipe under a heading of the page."""
    section = PAGE.read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    found = _BLOCK.findall(section)
    new = {path: text for is_new, path, text in found if is_new}
    changes = {path: text for is_new, path, text in found if not is_new}
    return Recipe(new, changes, tuple(_COMMAND.findall(section)))


def changed(text: str, diff: str) -> str:
    """A text with a diff applied, each of whose hunks must fit at exactly one place."""
    for hunk in diff.split("@@\n"):
        before = "".join(_side(hunk, "-"))
        if text.count(before) != 1:
            raise ValueError(f"fits at {text.count(before)} places: {before}")
        text = text.replace(before, "".join(_side(hunk, "+")))
    return text


def _side(hunk: str, sign: str) -> Iterator[str]:
    yield from (line[1:] for line in hunk.splitlines(keepends=True) if line[0] in (" ", sign))


class Copy:
    """The product's tree in a folder of its own, with its bytecode: what a recipe does not change is not compiled."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            if (PROJECT / name).is_dir():
                shutil.copytree(PROJECT / name, root / name)
            else:
                shutil.copy(PROJECT / name, root / name)

    def follow(self, wanted: Recipe) -> None:
        """Do what a recipe says, `make openapi` included."""
        for path, text in wanted.new.items():
            assert not (self.root / path).exists(), f"{path} is not new"
            (self.root / path).write_text(text)
        for path, diff in wanted.changes.items():
            (self.root / path).write_text(changed((self.root / path).read_text(), diff))
        self.run("-m", "local", "openapi")

    def run(self, *command: str) -> str:
        """What a command of Python prints in the copy. Raises AssertionError with all of it when it fails."""
        settings = tomllib.loads((self.root / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
        path = os.pathsep.join(str(self.root / each) for each in settings["pythonpath"])
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": path}
        ran = subprocess.run(
            [sys.executable, *command], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def words(self, script: str) -> list[str]:
        """The words that a script prints in the copy, without what handlers log."""
        lines = self.run("-c", dedent(script)).splitlines()
        return [word for line in lines if not line.startswith("{") for word in line.split()]
