"""The API's OpenAPI body, taken apart for an emulator that would drop it."""

from functools import cache
from typing import Any, Final

import pytest

from local import routes, template, warming
from local.errors import BadTemplate, DeployFailed
from local.stack import PARAMETERS, PROJECT

SOURCE: Final = template.without_operations(template.load(PROJECT / "template.yaml"))


@cache
def plain() -> template.Template:
    code = {name: f"s3://code/{name}.zip" for name in template.code_folders(SOURCE)}
    return template.translate(SOURCE, parameters=PARAMETERS, code=code)


@cache
def expanded() -> template.Template:
    return routes.expand(plain())


def of_type(type_: str, among: template.Template | None = None) -> dict[str, dict[str, Any]]:
    resources = (among or expanded())["Resources"]
    return {name: it["Properties"] for name, it in resources.items() if it["Type"] == f"AWS::{type_}"}


def events() -> list[tuple[str, str]]:
    """Function and route key of every HTTP event in template.yaml."""
    found = []
    for name, resource in SOURCE["Resources"].items():
        for event in resource.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "HttpApi":
                method, path = event["Properties"]["Method"], event["Properties"]["Path"]
                found.append((name, path if path == "$default" else f"{method} {path}"))
    return found


def test_every_route_of_the_template_is_kept() -> None:
    kept = [route["RouteKey"] for route in of_type("ApiGatewayV2::Route").values()]
    assert sorted(kept) == sorted(key for _, key in events())


def test_every_route_leads_to_its_function() -> None:
    integrations = of_type("ApiGatewayV2::Integration")
    for function, key in events():
        [route] = [it for it in of_type("ApiGatewayV2::Route").values() if it["RouteKey"] == key]
        target = route["Target"]["Fn::Sub"].removeprefix("integrations/").strip("${}")
        assert f"${{{function}.Arn}}" in str(integrations[target]["IntegrationUri"])


def test_a_function_has_one_integration_however_many_routes() -> None:
    assert len(of_type("ApiGatewayV2::Integration")) == len({function for function, _ in events()})


def test_the_api_keeps_cors_and_loses_its_body() -> None:
    [api] = of_type("ApiGatewayV2::Api").values()
    asked = SOURCE["Resources"]["Api"]["Properties"]["CorsConfiguration"]
    assert api["CorsConfiguration"]["allowMethods"] == asked["AllowMethods"]
    assert "Body" not in api
    assert api["Tags"][routes.API_ID_TAG] == routes.API_ID


def test_an_authorizer_guards_the_routes_that_name_it() -> None:
    jwt = {"issuer": "https://id.example", "audience": ["us"]}
    scheme = {"type": "oauth2", routes.AUTHORIZER: {"jwtConfiguration": jwt, "identitySource": "$request.header.A"}}
    guarded = expanded_body(
        paths={"/a": {"get": operation(security=[{"Login": ["read"]}])}, "/b": {"get": operation()}},
        components={"securitySchemes": {"Login": scheme}},
    )
    [(name, authorizer)] = of_type("ApiGatewayV2::Authorizer", guarded).items()
    assert authorizer["JwtConfiguration"] == {"Issuer": "https://id.example", "Audience": ["us"]}
    by_key = {route["RouteKey"]: route for route in of_type("ApiGatewayV2::Route", guarded).values()}
    assert by_key["GET /a"]["AuthorizerId"] == {"Ref": name}
    assert by_key["GET /a"]["AuthorizationScopes"] == ["read"]
    assert by_key["GET /b"]["AuthorizationType"] == "NONE"


def test_every_route_but_the_public_ones_is_guarded() -> None:
    [(name, _)] = of_type("ApiGatewayV2::Authorizer").items()
    guards = {route["RouteKey"]: route.get("AuthorizerId") for route in of_type("ApiGatewayV2::Route").values()}
    opened = {key for key, guard in guards.items() if guard != {"Ref": name}}
    assert opened == {
        "GET /api/v3/health",
        "HEAD /api/v3/health",
        "GET /api/v3/openapi.json",
        "GET /",
        "GET /console",
        "GET /console/{name}",
        "GET /docs",
        "GET /docs/{name}",
        "POST /api/v3/webhooks/{provider}",
        "$default",
    }


def test_an_anonymous_api_has_no_authorizer() -> None:
    unguarded = routes.expand(plain(), guarded=False)
    assert not of_type("ApiGatewayV2::Authorizer", unguarded)
    guards = {route["AuthorizationType"] for route in of_type("ApiGatewayV2::Route", unguarded).values()}
    assert guards == {"NONE"}
    assert len(of_type("ApiGatewayV2::Route", unguarded)) == len(events())


def test_any_and_default_have_the_gateways_names() -> None:
    body = {"paths": {"/$default": {routes.ANY_METHOD: operation()}, "/a": {routes.ANY_METHOD: operation()}}}
    assert [route.key for route in routes.routes_of(body)] == ["$default", "ANY /a"]


def test_a_template_without_an_http_api_is_an_error() -> None:
    with pytest.raises(BadTemplate, match="has 0"):
        routes.expand({"Resources": {}})


def test_a_missing_route_is_named_in_the_error() -> None:
    with pytest.raises(DeployFailed, match=r"has 1 routes and template\.yaml 2; missing from the API: GET /b"):
        routes.check_routes(wanted=["GET /a", "GET /b"], deployed=["GET /a"])


def test_an_api_with_all_routes_is_accepted() -> None:
    routes.check_routes(wanted=["GET /a", "$default"], deployed=["$default", "GET /a"])


def test_every_api_function_is_warmed_with_a_read() -> None:
    """Except those for callbacks and for checks of assets, which have nothing to read."""
    assert len(warming.harmless_reads(expanded())) == len(of_type("ApiGatewayV2::Integration")) - 2


def operation(**more: Any) -> dict[str, Any]:
    stated = {"type": "aws_proxy", "uri": "arn", "httpMethod": "POST", "payloadFormatVersion": "2.0"}
    return {routes.INTEGRATION: stated, **more}


def expanded_body(**body: Any) -> template.Template:
    return routes.expand({"Resources": {"Api": {"Type": routes.API_TYPE, "Properties": {"Body": body}}}})
