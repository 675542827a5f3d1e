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
from atelier.domain.assets import CONTENT_TYPES, MOST_BYTES, Purpose
from atelier.domain.catalog import SANDBOX, Catalog, Model
from atelier.domain.task_creation import BODIES
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
        _fit_query(case.query)
    if isinstance(case.body, dict):
        if case.path_parameters or "campaign_id" in case.body:
            case.body.pop("client_id", None)  # the path's client, or the campaign's own
        for name in {"limit", "actual", "max_cost"} & case.body.keys():
            amount = case.body[name]
            if isinstance(amount, float):
                case.body[name] = round(amount, 6)  # to the millionth of a dollar
        _fit_sharing(case.body, case.path)
        _fit_body(case.body, case.path)


def _fit_query(query: dict[str, Any]) -> None:
    query.pop("cursor", None)  # only a list can say what a cursor is
    if {"created_from", "created_to"} <= query.keys():
        query.pop("created_to")  # a range has an order
    if {"from", "to"} <= query.keys():
        query.update({"from": "2026-01-01", "to": "2026-12-01"})  # a range has an order and a longest length
        query.pop("group_by", None)  # names each group once


def _fit_sharing(body: dict[str, Any], path: str) -> None:
    if path == "/api/v3/invitations/accept":
        body["token"] = "1.client.00000000-0000-7000-8000-000000000000.aaaaaaaaaaaaaaaaaaaaaaaa"  # not one's own
    if "/shares" in path or path.endswith("/invitations"):
        body.pop("expires_at", None)  # hardly any time is in the future, and in the next 30 days
    if body.get("role") == "admin" and "/account/" not in path:
        body["role"] = "editor"  # only a whole account has admins


def _fit_body(body: dict[str, Any], path: str) -> None:
    if body.get("tags"):
        body["tags"] = body["tags"][:1]  # none of them twice
    if path.endswith("/batch"):
        body.pop("atomic", None)  # which takes fewer items
    elif path.endswith("/retry"):
        for name in body.keys() - {"prompt"}:
            del body[name]  # each model takes others
        body.update({name: text[:100].strip() or "x" for name, text in body.items()})
    elif path == "/api/v3/generate/matrix":
        _fit_matrix(body)
    elif path == "/api/v3/exports":  # exactly one of them
        given = [name for name in ("client_id", "campaign_id", "task_ids") if body.pop(name, None) is not None]
        body[given[0] if given else "client_id"] = ["none"] if given == ["task_ids"] else "none"
    elif "/asset" in path:
        _fit_asset(body, path)
    elif path.endswith("/budget"):
        body.pop("webhook_url", None)  # hardly any text is a public https URL
    elif path.startswith("/api/v3/generate/"):
        _ask_for_what_the_model_takes(body, path.split("/")[4].replace("-", "_"))


def _fit_asset(body: dict[str, Any], path: str) -> None:
    if path != "/api/v3/assets":
        body.pop("purpose", None)  # not of another medium
    elif "purpose" in body:
        medium = Purpose(body["purpose"]).medium
        body.update({"content_type": CONTENT_TYPES[medium][0], "size": min(body["size"], MOST_BYTES[medium])})


def _fit_matrix(body: dict[str, Any]) -> None:
    if TaskType(body["type"]).medium != body["type"]:
        body["type"] = "image"  # there is no file that it could begin with
    body.pop("webhook_url", None)  # hardly any text is a public https URL
    if body.get("models"):
        body.pop("model", None)
        body["models"] = body["models"][:5]
    takes = BODIES[TaskType(body["type"])].model_fields
    body.pop("inputs", None)  # there are no such files
    for field in {"size", "duration", "voice", "upscale_factor"} - takes.keys():
        body.pop(field, None)
    if "aspect_ratio" not in takes:
        body.pop("aspect_ratios", None)
    variables = {name: values[:1] for name, values in body.get("variables", {}).items()}
    if variables:
        body["variables"] = variables
    text = str(body["prompt"]).replace("{", "").replace("}", "")[:1000]
    body["prompt"] = " ".join(("x", text, *(f"{{{name}}}" for name in variables)))  # each of them is in it


def _ask_for_what_the_model_takes(body: dict[str, Any], kind: str) -> None:
    catalog, type_ = wiring.catalog(), TaskType(kind)
    body.pop("providers" if body.get("provider") else "provider", None)
    body.pop("webhook_url", None)  # hardly any text is a public https URL
    body.pop("inputs", None)  # there are no such files
    body.pop("params", None)  # each model has its own words
    body.pop("max_cost", None)  # not less than the estimate
    if body.get("size"):
        body.pop("aspect_ratio", None)
    named = body.get("model")
    having = [model for model in catalog.models if model.type is type_ and named and model.answers_to(named)]
    if named is not None and not having:
        del body["model"]  # nobody has added one
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
        body["prompt"] = body["prompt"][: model.prompt_limit].strip() or ("x" if model.prompt_limit else "")
    if (body.get("num_outputs") or 1) > model.max_outputs:
        body["num_outputs"] = 1
    known = {"aspect_ratio": model.aspect_ratios, "voice": model.voices}
    for name in ("negative_prompt", "seed", "aspect_ratio", "size", "duration", "voice", "upscale_factor"):
        value = body.get(name)
        wrong = known.get(name) and value not in known[name]
        if value is not None and (name not in model.takes or wrong):
            del body[name]
    duration = body.get("duration")
    if duration is not None and model.seconds and not model.seconds.take(duration):
        del body["duration"]
