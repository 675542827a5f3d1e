"""The routes of the HTTP API as resources of their own: the emulator drops an API's OpenAPI `Body` without a word."""

import copy
import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from local.errors import BadTemplate, DeployFailed

Resource = dict[str, Any]

API_TYPE = "AWS::ApiGatewayV2::Api"
ANY_METHOD = "x-amazon-apigateway-any-method"
CORS = "x-amazon-apigateway-cors"
INTEGRATION = "x-amazon-apigateway-integration"
AUTHORIZER = "x-amazon-apigateway-authorizer"

# The emulator takes this tag as the API's id, so that its address is known before it exists.
API_ID = "a7e11e20"
API_ID_TAG = "ms-custom-id"


class Route(NamedTuple):
    """One operation of the API's OpenAPI body."""

    key: str
    operation: dict[str, Any]


def expand(template: Resource, *, guarded: bool = True) -> Resource:
    """Plain CloudFormation in which every route, integration and authorizer of the API is a resource.

    An API that is not `guarded` has no authorizer: it lets everybody through to its functions.
    """
    changed = copy.deepcopy(template)
    name, api = find_api(changed)
    body = api["Properties"].pop("Body") if guarded else _without_guards(api["Properties"].pop("Body"))
    api["Properties"] |= {
        "Name": "atelier",
        "ProtocolType": "HTTP",
        "Tags": {**api["Properties"].get("Tags", {}), API_ID_TAG: API_ID},
    }
    if CORS in body:
        # These keys are OpenAPI's camelCase, which is how the emulator reads the property, against the documentation.
        api["Properties"]["CorsConfiguration"] = body[CORS]
    changed["Resources"] |= _authorizers(name, body) | _routes(name, body)
    return changed


def find_api(template: Resource) -> tuple[str, Resource]:
    """The logical id of the template's only HTTP API, and its resource."""
    found = [(name, it) for name, it in template["Resources"].items() if it["Type"] == API_TYPE]
    if len(found) != 1:
        raise BadTemplate(f"the local run serves one HTTP API; template.yaml has {len(found)}")
    return found[0]


def routes_of(body: Resource) -> Iterator[Route]:
    """Every operation of an OpenAPI body, keyed as API Gateway does (`GET /clients/{id}`, `$default`)."""
    for path, item in body.get("paths", {}).items():
        for method, operation in item.items():
            if isinstance(operation, dict) and INTEGRATION in operation:
                yield Route(_route_key(path, method), operation)


def check_routes(*, wanted: Iterable[str], deployed: Iterable[str]) -> None:
    """Refuse an API that does not have exactly the routes of the template."""
    wanted, deployed = sorted(wanted), sorted(deployed)
    if wanted != deployed:
        missing = ", ".join(sorted(set(wanted) - set(deployed))) or "none"
        raise DeployFailed(
            f"the API has {len(deployed)} routes and template.yaml {len(wanted)}; missing from the API: {missing}"
        )


def _route_key(path: str, method: str) -> str:
    if path in ("$default", "/$default"):  # SAM writes the one or the other, by FailOnWarnings
        return "$default"
    return f"{'ANY' if method == ANY_METHOD else method.upper()} {path}"


def _routes(api: str, body: Resource) -> dict[str, Resource]:
    """Routes by logical id, with one integration for each function they lead to."""
    resources: dict[str, Resource] = {}
    for route in routes_of(body):
        integration = _integration(api, route.operation[INTEGRATION])
        integration_id = f"{api}Integration{_digest(integration)}"
        resources[integration_id] = integration
        resources[f"{api}Route{_digest(route.key)}"] = _route(api, body, route, integration_id)
    return resources


def _integration(api: str, stated: dict[str, Any]) -> Resource:
    return {
        "Type": "AWS::ApiGatewayV2::Integration",
        "Properties": {
            "ApiId": {"Ref": api},
            "IntegrationType": stated["type"].upper(),
            "IntegrationUri": stated["uri"],
            "IntegrationMethod": stated["httpMethod"],
            "PayloadFormatVersion": stated["payloadFormatVersion"],
        },
    }


def _route(api: str, body: Resource, route: Route, integration_id: str) -> Resource:
    properties = {
        "ApiId": {"Ref": api},
        "RouteKey": route.key,
        "Target": {"Fn::Sub": f"integrations/${{{integration_id}}}"},
    }
    return {"Type": "AWS::ApiGatewayV2::Route", "Properties": properties | _guard(api, body, route.operation)}


def _guard(api: str, body: Resource, operation: dict[str, Any]) -> Resource:
    """How a route is protected: by the authorizer that its operation, or else the whole body, names."""
    required = operation.get("security", body.get("security")) or [{}]
    for name, scopes in required[0].items():
        if name in _schemes(body):
            return {
                "AuthorizationType": "JWT",
                "AuthorizerId": {"Ref": _authorizer_id(api, name)},
                "AuthorizationScopes": scopes,
            }
    return {"AuthorizationType": "NONE"}


def _without_guards(body: Resource) -> Resource:
    return {**body, "components": {**body.get("components", {}), "securitySchemes": {}}}


def _authorizers(api: str, body: Resource) -> dict[str, Resource]:
    return {
        _authorizer_id(api, name): {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                "ApiId": {"Ref": api},
                "Name": name,
                "AuthorizerType": "JWT",
                "IdentitySource": [stated.get("identitySource", "$request.header.Authorization")],
                "JwtConfiguration": {
                    "Audience": stated["jwtConfiguration"]["audience"],
                    "Issuer": stated["jwtConfiguration"]["issuer"],
                },
            },
        }
        for name, stated in _schemes(body).items()
    }


def _schemes(body: Resource) -> dict[str, dict[str, Any]]:
    schemes = body.get("components", {}).get("securitySchemes", {})
    return {name: scheme[AUTHORIZER] for name, scheme in schemes.items() if AUTHORIZER in scheme}


def _authorizer_id(api: str, name: str) -> str:
    return f"{api}Authorizer{_digest(name)}"


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:10]
