"""moto, ministack and dynoxide, asked what DynamoDB's documentation answers.

Where they answer otherwise, docs/dynamodb-engines.md says so. A difference that it does not know is an error, and so
is one that is gone.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest

from testbed.moto_shortcuts import shortcuts
from testbed.template import PROJECT
from tests.engines import reads, writes
from tests.engines.conftest import Engines
from tests.engines.questions import QUESTIONS, Question

DOCUMENT: Final = (PROJECT / "docs/dynamodb-engines.md").read_text()
ENGINES: Final = ("moto", "ministack", "dynoxide")
BY_CHANCE: Final = "differs by chance"
ROOMS: Final = (reads, writes)  # whose import makes the questions


def _differences() -> dict[str, Mapping[str, str]]:
    """The document's table: by question, what each engine answers."""
    table = DOCUMENT.partition("| --- | --- | --- | --- | --- |\n")[2].partition("\n\n")[0]
    rows = [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
    return {name: dict(zip(("documented", *ENGINES), rest, strict=True)) for name, *rest in rows}


DIFFERENCES: Final = _differences()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.ask.__name__)
def test_an_engine_answers_as_documented(engines: Engines, engine: str, question: Question) -> None:
    written = DIFFERENCES.get(question.name, {}).get(engine, "as documented")
    if written == BY_CHANCE:
        pytest.skip(f"what {engine} answers {written}")
    assert _answer(question, engines(engine)) == (question.documented if written == "as documented" else written)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.ask.__name__)
def test_shortcuts_change_no_answer_of_moto(engines: Engines, question: Question) -> None:
    with shortcuts():
        test_an_engine_answers_as_documented(engines, "moto", question)


def test_the_document_tells_of_questions_that_are_asked() -> None:
    asked = {question.name: question.documented for question in QUESTIONS}
    told = {name: answers["documented"] for name, answers in DIFFERENCES.items()}
    assert {name: asked.get(name) for name in told} == told
    assert all(len(set(answers.values())) > 1 for answers in DIFFERENCES.values())


def test_the_document_counts_the_questions() -> None:
    assert re.search(rf"\b{len(QUESTIONS)} questions", DOCUMENT)


def _answer(question: Question, asked: Any) -> str:
    try:
        return question.ask(asked)
    except (AssertionError, RuntimeError) as failure:  # moto's own, which stands for an internal error there
        return type(failure).__name__
