"""What a schema cannot say: rules between values, which random valid requests would break all the time.

The rules themselves are tested in tests/integration; here requests are made to keep them, so that everything else
that schemathesis finds is a failure.
"""

import sys
from pathlib import Path
from typing import Any

import schemathesis

sys.path.append(str(Path(__file__).parents[2] / "layers/common"))

from atelier import wiring
from atelier.domain.catalog import SANDBOX, Catalog, Model
from atelier.domain.tasks.record import TaskType


@schemathesis.hook
def before_load_schema(_context: schemathesis.HookContext, schema: dict[str, Any]) -> None:
    """Forget about tokens: the local run lets everybody in. What needs one is tested in test_identity.py."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: "schemathesis.Case[Any]", _kwargs: dict[str, object]) -> None:
    """Make a valid request one that belongs together; leave those that are meant to be wrong as they are."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.query:
        case.query.pop("cursor", None)  # only a list can say what a cursor is
    if isinstance(case.body, dict) and (case.path_parameters or "campaign_id" in case.body):
        case.body.pop("client_id", None)  # the path's client, or the campaign's own
    if case.query and {"created_from", "created_to"} <= case.query.keys():
        case.query.pop("created_to")  # a range has an order
    if case.query and {"from", "to"} <= case.query.keys():
        case.query |= {"from": "2026-01-01", "to": "2026-12-01"}  # a range has an order and a longest length
        case.query.pop("group_by", None)  # names each group once
    if isinstance(case.body, dict) and case.path == "/api/v3/invitations/accept":
        case.body["token"] = "1.client.00000000-0000-7000-8000-000000000000.aaaaaaaaaaaaaaaaaaaaaaaa"  # not one's own
    if isinstance(case.body, dict) and ("/shares" in case.path or case.path.endswith("/invitations")):
        case.body.pop("expires_at", None)  # hardly any time is in the future, and in the next 30 days
    if isinstance(case.body, dict) and case.body.get("role") == "admin" and "/account/" not in case.path:
        case.body["role"] = "editor"  # only a whole account has admins
    if isinstance(case.body, dict) and case.path.startswith("/api/v3/generate/") and not case.path.endswith("/batch"):
        _ask_for_what_the_model_takes(case.body, case.path.split("/")[4])


def _ask_for_what_the_model_takes(body: dict[str, Any], kind: str) -> None:
    catalog, type_ = wiring.catalog(), TaskType(kind)
    body.pop("providers" if body.get("provider") else "provider", None)
    body.pop("webhook_url", None)  # hardly any text is a public https URL
    body.pop("params", None)  # each model has its own words
    if body.get("size"):
        body.pop("aspect_ratio", None)
    named = body.get("model")
    having = [model for model in catalog.models if model.type is type_ and named and model.answers_to(named)]
    if having and body.get("provider"):
        body["provider"] = having[0].provider
    if having and body.get("providers"):
        body["providers"] = [having[0].provider]
    asked = [body["provider"]] if body.get("provider") else body.get("providers") or [SANDBOX]
    for model in having or [_default(catalog, type_, name) for name in asked]:
        _leave_out_what_does_not_fit(body, model)


def _default(catalog: Catalog, kind: TaskType, provider: str) -> Model:
    return catalog.resolve(kind, provider=provider, model=None, configured=catalog.providers).model


def _leave_out_what_does_not_fit(body: dict[str, Any], model: Model) -> None:
    if len(str(body.get("prompt", ""))) > model.prompt_limit:
        body["prompt"] = body["prompt"][: model.prompt_limit].strip() or "x"
    if (body.get("num_outputs") or 1) > model.max_outputs:
        body["num_outputs"] = 1
    known = {"aspect_ratio": model.aspect_ratios, "voice": model.voices}
    for name in ("negative_prompt", "seed", "aspect_ratio", "size", "duration", "voice"):
        value = body.get(name)
        wrong = known.get(name) and value not in known[name]
        if value is not None and (name not in model.takes or wrong):
            del body[name]
    duration = body.get("duration")
    if duration is not None and model.seconds and not model.seconds.take(duration):
        del body["duration"]
