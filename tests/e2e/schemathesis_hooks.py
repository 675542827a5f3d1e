"""What a schema cannot say: three rules between values, which random valid requests would break all the time.

The rules themselves are tested in tests/integration; here requests are made to keep them, so that everything else
that schemathesis finds is a failure.
"""

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: "schemathesis.Case[Any]", _kwargs: dict[str, object]) -> None:
    """Make a valid request one that belongs together; leave those that are meant to be wrong as they are."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.query:
        case.query.pop("cursor", None)  # only a list can say what a cursor is
    if isinstance(case.body, dict) and (case.path_parameters or "campaign_id" in case.body):
        case.body.pop("client_id", None)  # the path's client, or the campaign's own
