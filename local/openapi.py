"""The committed OpenAPI document, made from the functions' own routes."""

import importlib.util
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from atelier import VERSION, wiring
from atelier.domain.catalog import Lifecycle
from atelier.domain.task_creation import BODIES
from atelier.web.openapi import problem_responses
from atelier.web.roles import LEAST

PROJECT: Final = Path(__file__).parent.parent
DOCUMENT: Final = PROJECT / "layers/common/atelier/web/openapi.json"
HTTP_FUNCTIONS: Final = (
    "clients",
    "campaigns",
    "tasks",
    "callbacks",
    "account",
    "imports",
    "exports",
    "assets",
    "asset_checks",
    "reports",
    "shares",
    "system",
)

_DESCRIPTION: Final = """\
Generated content (images, video, audio) by client and campaign.

- Errors are `application/problem+json` (RFC 9457); a 400 lists every error.
- Unknown fields and parameters are errors: nothing is silently ignored.
- Lists are paged by `page` or by `cursor`. Paging by cursor returns each item once; in an order by name, status or
  `updated_at`, an item that moves meanwhile can be missed or returned twice.
- A token of your identity provider goes into `Authorization: Bearer`; its role says what you may do (`GET /api/v3/me`).
- `Idempotency-Key` makes a POST safe to repeat; `If-Match` and `If-None-Match` work with the `ETag` of an answer.
"""
_TAGS: Final = (
    {"name": "Clients", "description": "Clients of the agency."},
    {"name": "Campaigns", "description": "Campaigns of a client."},
    {"name": "Generation", "description": "Generate images, videos and audio."},
    {"name": "Models", "description": "What generates, and what that costs."},
    {"name": "Tasks", "description": "Generation tasks: status, files and cost."},
    {"name": "Assets", "description": "Files to generate from: references, masks, logos, videos, sounds."},
    {"name": "Imports", "description": "Clients and campaigns from files."},
    {"name": "Exports", "description": "Files and tables as archives, to take home."},
    {"name": "Account", "description": "Your account."},
    {"name": "Reports", "description": "What was generated and spent."},
    {"name": "Webhooks", "description": "Callbacks from providers; not for clients of the API."},
    {"name": "System", "description": "The API itself."},
)
_GENERATED: Final = ("HTTPValidationError", "ValidationError", "ResponseValidationError")


def load(function: str) -> ModuleType:
    """One function's `app.py`, as a module of its own."""
    path = PROJECT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"atelier_functions.{function}", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build() -> str:
    """The document of all functions together, as text that does not change unless the API does."""
    parts = [_part(function) for function in HTTP_FUNCTIONS]
    shapes = _merged(part["components"]["schemas"] for part in parts)
    paths = _merged(part["paths"] for part in parts)
    for operation in _operations(paths):
        _tidy(operation, shapes)
    queries = {name for name in shapes if name.endswith("Query")}
    _add_models(shapes)
    _add_links(paths)
    _drop_bodies_of_head(paths)
    _add_refusals_of_bodies(paths)
    _add_guards(paths)
    kept = {name: shape for name, shape in sorted(shapes.items()) if name not in {*_GENERATED, *queries}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Atelier", "version": VERSION, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "tags": _TAGS,
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": kept, "securitySchemes": _SCHEMES},
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def write() -> None:
    """Bring the committed document up to date."""
    DOCUMENT.write_text(build())


# ------------------------------------------------------------------------------ what the routes cannot say themselves


_ADDED: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "description": "One that was added; GET /api/v3/models lists it.",
}


def _add_models(shapes: Mapping[str, Any]) -> None:
    """Tell each generate request which providers and models there are; what each takes is what /providers is for."""
    catalog = wiring.catalog()
    for kind, body in BODIES.items():
        properties = shapes[body.__name__]["properties"]
        offered = [each for each in catalog.models if each.type is kind and each.lifecycle is not Lifecycle.RETIRED]
        making = sorted({model.provider for model in offered})
        properties["provider"]["anyOf"][0]["enum"] = making
        properties["providers"]["anyOf"][0]["items"]["enum"] = making
        names = dict.fromkeys(each for model in offered for each in (model.id, *model.aliases))
        properties["model"]["anyOf"][0]["enum"] = list(names)
        properties["model"]["anyOf"].insert(1, _ADDED)
        properties["params"]["propertyNames"] = {"not": {"enum": sorted(properties)}}


_OF_TASKS: Final = (
    *("getTask", "getTaskResult", "updateTask", "cancelTask", "retryTask", "resendTaskWebhook", "deleteTask"),
)
# After a request that makes something, where its id goes next (OpenAPI links).
_LINKS: Final = {
    "createClient": ("client_id", ("getClient", "updateClient", "deleteClient", "listClientCampaigns")),
    "createCampaign": ("campaign_id", ("getCampaign", "updateCampaign", "deleteCampaign")),
    "createClientCampaign": ("campaign_id", ("getCampaign", "updateCampaign", "deleteCampaign")),
    "createExport": ("export_id", ("getExport", "deleteExport")),
    "createAsset": ("asset_id", ("getAsset", "updateAsset", "completeAsset", "deleteAsset")),
    "createAssetOfOutput": ("asset_id", ("getAsset", "updateAsset", "deleteAsset")),
    "generateImage": ("task_id", _OF_TASKS),
    "generateVideo": ("task_id", _OF_TASKS),
    "generateAudio": ("task_id", _OF_TASKS),
    "generateEdit": ("task_id", _OF_TASKS),
    "generateUpscale": ("task_id", _OF_TASKS),
    "generateBackgroundRemoval": ("task_id", _OF_TASKS),
}


def _add_refusals_of_bodies(paths: Mapping[str, Any]) -> None:
    """Say of every operation that a client can send a body to that it may be too large or not JSON."""
    for path, operations in paths.items():
        for method, operation in operations.items():
            if method not in ("get", "head") and not path.startswith("/api/v3/webhooks/"):
                operation["responses"] = dict(sorted((operation["responses"] | problem_responses(413, 415)).items()))


def _drop_bodies_of_head(paths: Mapping[str, Any]) -> None:
    heads = (operations["head"] for operations in paths.values() if "head" in operations)
    for response in (response for head in heads for response in head["responses"].values()):
        response.pop("content", None)


def _add_links(paths: Mapping[str, Any]) -> None:
    for operation in _operations(paths):
        parameter, targets = _LINKS.get(operation["operationId"], ("", ()))
        success = next(status for status in operation["responses"] if status.startswith("2"))
        for target in targets:
            link = {"operationId": target, "parameters": {parameter: "$response.body#/id"}}
            operation["responses"][success].setdefault("links", {})[target] = link


_SCHEMES: Final = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}


def _add_guards(paths: Mapping[str, Any]) -> None:
    """Say of every operation that needs a token that it does, and which role."""
    for path, operations in paths.items():
        for method, operation in operations.items():
            route = (method.upper(), path)
            if route not in LEAST:
                continue
            operation["security"] = [{"token": []}]
            role = LEAST[route]
            operation["responses"] |= problem_responses(401, 403) if role else problem_responses(401)
            operation["responses"] = dict(sorted(operation["responses"].items()))
            operation["description"] += f" Requires role {role}." if role else " Requires a token, but no role."


# ---------------------------------------------------------------------------------------------------- what they can


def _part(function: str) -> dict[str, Any]:
    app = load(function).app
    document: dict[str, Any] = json.loads(app.get_openapi_json_schema(title=function, version=VERSION))
    document.setdefault("components", {}).setdefault("schemas", {})
    for method, path, route in routes_of(app):
        if path in document["paths"]:
            document["paths"][path][method.lower()]["description"] = inspect.getdoc(route)
    return document


def routes_of(app: Any) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Method, path as OpenAPI writes it, and function of each route; Powertools leaves the docstrings out."""
    for route in (*app._static_routes, *app._dynamic_routes):  # noqa: SLF001 - it has no public list of them
        methods = [route.method] if isinstance(route.method, str) else route.method
        yield from ((method, route.openapi_path, route.func) for method in methods)


def _merged(mappings: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for mapping in mappings:
        for name, value in mapping.items():
            find_replay = merged.setdefault(name, value)
            if find_replay != value:
                raise ValueError(f"two functions disagree about {name}")
    return merged


def _operations(paths: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in paths.values():
        yield from operations.values()


def _tidy(operation: dict[str, Any], shapes: Mapping[str, Any]) -> None:
    # Powertools documents its own answer to bad input, which ours replaces.
    if operation["responses"].get("422", {}).get("description") == "Validation Error":
        del operation["responses"]["422"]
    for bodiless in {"204", "304"} & operation["responses"].keys():
        operation["responses"][bodiless].pop("content", None)  # powertools documents JSON where nothing is said
    operation["responses"] = dict(sorted(operation["responses"].items()))
    for content in operation.get("requestBody", {}).get("content", {}).values():
        content["schema"].pop("default", None)  # of a body that may be left out
    parameters = operation.get("parameters", [])
    full = _query_model({each["name"]: each for each in parameters if each["in"] == "query"}, shapes)
    for parameter in parameters:
        if parameter["in"] == "query" and full:
            # Powertools lists a query model's parameters without their bounds; the model itself has them.
            parameter["schema"] = full[parameter["name"]]
        parameter["schema"] = _as_text(parameter["schema"])


def _query_model(parameters: Mapping[str, Any], shapes: Mapping[str, Any]) -> Mapping[str, Any]:
    models = (shape["properties"] for name, shape in shapes.items() if name.endswith("Query"))
    said = _descriptions(parameters)
    return next((properties for properties in models if _descriptions(properties) == said), {})


def _descriptions(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: each.get("description", "") for name, each in parameters.items()}


def _as_text(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is text or absent: it is never null, so its schema must not say that it can be."""
    without_null = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    one = without_null[0] if len(without_null) == 1 else {}
    dropped = {"anyOf", "title", "description"} if one else {"title", "description"}
    rest = {name: value for name, value in schema.items() if name not in dropped}
    if rest.get("default", "") is None:
        del rest["default"]
    return rest | one
