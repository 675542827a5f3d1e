"""Rows of imports as requests: read and refused as the single request would be."""

import json
from typing import Any, Final

from atelier.domain.errors import DomainError, FieldError, Invalid
from atelier.domain.import_files import Row
from atelier.domain.imports import RowFailure
from atelier.domain.schema import RequestModel
from atelier.web.problems import problem_of
from atelier.web.request_body import parse_body
from atelier.web.validation import model_of

_MOST_ERRORS: Final = 5
_LONGEST: Final = 300
"""Characters of a text in a report."""
_MOST_BYTES: Final = 500
"""Of a text in a report: the failures of a chunk are one item of the table, which has 400 KB."""
_LONGEST_ESCAPE: Final = 6  # bytes of a character in JSON: \u0001


def request_of(row: Row, model: type[RequestModel]) -> RequestModel:
    """The request that a row is. Raises Invalid."""
    if row.fault:
        raise Invalid([FieldError(f"The row {row.fault}.", pointer="")])
    return model_of(model, row.content if isinstance(row.content, dict) else _parsed(row.content))


def _parsed(text: str) -> dict[str, Any]:
    try:
        return parse_body(text)
    except Invalid as error:
        said = str(error).replace("The body", "The row", 1).replace("(line 1, column", "(column")
        raise Invalid([FieldError(said, pointer="")]) from None


def failure_of(line: int, error: DomainError) -> RowFailure:
    """How the row in this line has failed; long texts and lists are shortened."""
    problem = problem_of(error, instance="", request_id="").model_dump(exclude_none=True, mode="json")
    kept = {name: value for name, value in problem.items() if name not in ("instance", "request_id")}
    kept["detail"] = _shortened(kept["detail"])
    if "errors" in kept:
        errors = kept["errors"][:_MOST_ERRORS]
        kept["errors"] = [{name: _shortened(value) for name, value in each.items()} for each in errors]
    return RowFailure(line=line, problem=kept)


def _shortened(text: str) -> str:
    short = text[:_LONGEST]
    if len(json.dumps(short, ensure_ascii=False).encode()) > _MOST_BYTES:
        short = text[: _MOST_BYTES // _LONGEST_ESCAPE]
    return text if short == text else f"{short}…"
