"""The commands of the documents, as a shell hands them to their programs.

Every block and span of commands is run by bash, with stand-ins for the programs that only write down their arguments.
So quotes, substitutions, loops and functions are those of a shell, and nothing is really done.
"""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Final, NamedTuple

from testbed.template import PROJECT

DOCUMENTS: Final = ("README.md", *(f"docs/{path.name}" for path in sorted((PROJECT / "docs").glob("*.md"))))
WATCHED: Final = ("aws", "sam", "make")
OTHERS: Final = ("git", "openssl", "cat", "curl", "python3", ".venv/bin/python")
SHORT: Final = ("named", "arn", "peek", "lines")  # functions that the runbook begins with
ANSWER: Final = "11111111-2222-3333-4444-555555555555"  # as an id or a name may be
STAND_IN: Final = f"""#!/bin/bash
printf '%s\\0' "$(basename "$0")" "$@" >> "$RECORD"
printf '\\n\\0' >> "$RECORD"
echo {ANSWER}
"""
_FENCE: Final = re.compile(r"^( *)```\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"`([^`]+)`")
_CALL: Final = re.compile(rf"(^ *|\$\(|do )({'|'.join((*WATCHED, *SHORT))}) ", re.MULTILINE)
_PLACEHOLDER: Final = re.compile(r"<[^<>\n]+>")


class Command(NamedTuple):
    """A documented command: where it stands, and its words."""

    document: str
    words: tuple[str, ...]


@cache
def commands() -> tuple[Command, ...]:
    """Every documented call of the programs that are watched."""
    found = []
    for document in DOCUMENTS:
        text = (PROJECT / document).read_text(encoding="utf-8")
        prelude = _prelude(text)
        for script in _scripts(text):
            found += [Command(document, words) for words in run(prelude + script) if words[0] in WATCHED]
    return tuple(dict.fromkeys(found))


def of(program: str) -> list[Command]:
    """The documented calls of one program, without its name."""
    return [Command(it.document, it.words[1:]) for it in commands() if it.words[0] == program]


def run(script: str) -> list[tuple[str, ...]]:
    """What a script asks of programs, in order. What is no shell script fails the test."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "record"
        record.touch()
        for program in (*WATCHED, *OTHERS):
            path = Path(folder) / "bin" / program
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(STAND_IN)
            path.chmod(0o755)
        (Path(folder) / ".venv").symlink_to(Path(folder) / "bin/.venv")
        # A span has variables that a block before it sets.
        variables = dict.fromkeys(re.findall(r"\$\{?([A-Z]+)", script), ANSWER)
        seen = {**variables, "PATH": f"{folder}/bin:{os.environ.get('PATH', os.defpath)}", "RECORD": str(record)}
        ran = subprocess.run(
            ["bash", "-e"], input=script, env=seen, cwd=folder, check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, f"{ran.stderr}\n{script}"
        calls = record.read_text().split("\n\0")
    return [tuple(call.split("\0")[:-1]) for call in calls if call]


def _prelude(text: str) -> str:
    """The block that defines the short forms of a document."""
    return next((f"{it}\n" for it in _blocks(text) if "named()" in it), "")


def _scripts(text: str) -> Iterator[str]:
    yield from (it for it in _blocks(text) if "named()" not in it)
    outside = _FENCE.sub("", text)
    for span in _SPAN.findall(outside):
        script = span.replace("\n", " ")
        if re.match(rf"({'|'.join((*WATCHED, *SHORT))}) [a-z-]*[A-Z-]?", script) and not script.endswith("="):
            yield _filled(script)


def _blocks(text: str) -> Iterator[str]:
    """Fenced blocks of commands; of a block that shows a terminal, what stands behind its prompts."""
    for _, body in _FENCE.findall(text):
        block = dedent(body)
        typed = [line.removeprefix("$ ") for line in block.split("\n") if line.startswith("$ ")]
        script = "\n".join(typed) if typed else block
        if _CALL.search(script):
            yield _filled(script)


def _filled(script: str) -> str:
    """A script with something in place of its placeholders, `<id>`."""
    return _PLACEHOLDER.sub("1", script)


if __name__ == "__main__":
    print(json.dumps(commands(), indent=1))  # noqa: T201 - for whoever writes documents
