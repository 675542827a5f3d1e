"""What counts as a verified claim, in every form that a claim can have, and that nothing else does."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import pytest

from atelier import settings
from atelier.domain.errors import Unauthenticated
from atelier.domain.roles import Role, highest
from atelier.web.claims import ANONYMOUS_ADMIN, claim_values, claims_of

ISSUER: Final = "https://id.example"
GOOD: Final = {"iss": ISSUER, "sub": "ann", "cognito:groups": "[editor]"}


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    with mode("jwt"):
        yield


@contextmanager
def mode(auth: str, claim: str = "cognito:groups") -> Iterator[None]:
    with mock.patch.dict("os.environ", {"AUTH_MODE": auth, "ROLE_CLAIM": claim}):
        settings.settings.cache_clear()
        yield
    settings.settings.cache_clear()


def event(claims: object) -> dict[str, Any]:
    return {"requestContext": {"authorizer": {"jwt": {"claims": claims, "scopes": None}}}}


def role_of(**claims: object) -> Role | None:
    return claims_of(event({**GOOD, **claims})).role


# --------------------------------------------------------------------------------------------------------- roles


@pytest.mark.parametrize(
    "claim",
    [
        "editor",
        "viewer editor",
        "editor,viewer",
        "viewer, editor",
        "[editor]",
        "[viewer editor]",
        "[viewer, editor]",
        "[everyone editor x,admin]",
        ["viewer", "editor"],
        ["editor", "x,admin", "admin or so", 7, None, ["admin"]],
    ],
)
def test_every_form_of_a_claim_names_its_greatest_role(claim: object) -> None:
    assert role_of(**{"cognito:groups": claim}) is Role.EDITOR


@pytest.mark.parametrize(
    "claim", ["", " ", "[]", [], None, "Admin", "ADMIN", "administrator", "admin2", '"admin"', {"admin": True}, True, 1]
)
def test_only_an_exact_name_is_a_role(claim: object) -> None:
    assert role_of(**{"cognito:groups": claim}) is None


@pytest.mark.parametrize(
    "claim",
    [
        *("admin,", ",admin", "admin,,", "admin,,viewer2", "admin;", "admin.", "[admin,]", "[,admin]"),
        *(
            "[x,admin]",
            "[[admin]]",
            "[admin;editor]",
            ["admin,"],
            [",admin"],
            ["[admin]"],
            ["admin "],
            ["viewer,admin"],
        ),
        *("admin\u00ad", "admin\u200b", "\u0430dmin", "admin\u00a0", "[support\u00a0admin]", "x\u2003admin"),
    ],
)
def test_a_group_that_looks_like_a_role_is_none(claim: object) -> None:
    assert role_of(**{"cognito:groups": claim}) is None


def test_without_the_claim_there_is_no_role() -> None:
    assert claims_of(event({"iss": ISSUER, "sub": "ann"})).role is None


def test_the_claim_is_the_one_that_the_deployment_names() -> None:
    with mode("jwt", "https://acme.example/roles"):
        claims = {**GOOD, "cognito:groups": "[admin]", "https://acme.example/roles": "viewer"}
        assert claims_of(event(claims)).role is Role.VIEWER


def test_each_role_includes_those_before_it() -> None:
    assert [[each.value for each in Role if role.includes(each)] for role in Role] == [
        ["viewer"],
        ["viewer", "editor"],
        ["viewer", "editor", "admin"],
    ]
    assert highest(["viewer", "admin", "editor"]) is Role.ADMIN


def test_no_claim_is_too_strange_to_be_read() -> None:
    for claim in ("[" * 10_000 + "]" * 10_000, "\0", "[\ud800]", "admin\u200b", "ａｄｍｉｎ", "," * 1000):
        assert "admin" not in claim_values(claim)


# ----------------------------------------------------------------------------------------------------- fail closed


def test_a_verified_subject_is_returned_with_its_profile() -> None:
    found = claims_of(event({**GOOD, "name": "Ann", "email": "ann@example.com"}))
    assert (found.issuer, found.subject, found.name, found.email) == (ISSUER, "ann", "Ann", "ann@example.com")


@pytest.mark.parametrize("name", ["iss", "sub"])
@pytest.mark.parametrize("value", ["", "  ", None, 7, "\ud800", True, ["ann"], {"ann": 1}])
def test_claims_need_an_issuer_and_a_subject(name: str, value: object) -> None:
    with pytest.raises(Unauthenticated):
        claims_of(event({**GOOD, name: value}))


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"authorizer": None},
        {"authorizer": "jwt"},
        {"authorizer": GOOD},
        {"authorizer": {"claims": GOOD}},
        {"authorizer": {"lambda": GOOD}},
        {"authorizer": {"lambda": {"jwt": {"claims": GOOD}}}},
        {"authorizer": {"iam": {"userId": "ann"}}},
        {"authorizer": {"jwt": None}},
        {"authorizer": {"jwt": {"claims": None}}},
        {"authorizer": {"jwt": {"claims": [GOOD]}}},
        {"authorizer": {"jwt": {"claims": {}}}},
        {"jwt": {"claims": GOOD}},
    ],
)
def test_claims_anywhere_else_are_not_verified(context: Mapping[str, Any]) -> None:
    headers = {"authorization": "Bearer e30.e30.", "x-user": "ann"}
    for found in ({"requestContext": context, "headers": headers, "jwt": {"claims": GOOD}}, {"headers": headers}):
        with pytest.raises(Unauthenticated):
            claims_of(found)


@pytest.mark.parametrize("auth", ["", "off", "none", "JWT", "Placeholder", "placeholder "])
def test_an_unknown_auth_mode_refuses_everyone(auth: str) -> None:
    with mode(auth), pytest.raises(Unauthenticated):
        claims_of(event(GOOD))


def test_without_a_mode_claims_are_needed() -> None:
    with mock.patch.dict("os.environ", clear=True):
        settings.settings.cache_clear()
        with pytest.raises(Unauthenticated):
            claims_of({"requestContext": {}})
        assert claims_of(event(GOOD)).subject == "ann"


def test_in_the_local_run_everybody_is_the_same() -> None:
    with mode("placeholder"):
        assert claims_of({}) is ANONYMOUS_ADMIN
        assert claims_of(event(GOOD)) is ANONYMOUS_ADMIN
