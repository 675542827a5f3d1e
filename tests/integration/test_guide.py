"""The guide the API started from: every HTTP example as it is written there, with its ids filled in."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from testbed.harness import Answer, Harness, harness
from tests.integration.builders import Json


class Example(NamedTuple):
    """One request of the guide."""

    request: str
    status: int
    body: dict[str, Any] | None = None


EXAMPLES = [
    Example(
        "POST /api/v3/clients",
        201,
        {
            "name": "Acme Corporation",
            "description": "Our main enterprise client",
            "brand_guidelines": "Use blue color scheme, modern minimalist style",
        },
    ),
    Example("GET /api/v3/clients?page=1&page_size=50&sort_by=created_at&sort_order=desc&search=Acme", 200),
    Example("GET /api/v3/clients/{client_id}", 200),
    Example(
        "PATCH /api/v3/clients/{client_id}",
        200,
        {"name": "Acme Corporation Inc.", "description": "Updated description"},
    ),
    Example("DELETE /api/v3/clients/{client_id}", 204),
    Example(
        "POST /api/v3/campaigns",
        201,
        {
            "client_id": "{client_id}",
            "name": "Summer 2024 Launch",
            "goal": "Promote new product line",
            "status": "active",
            "brief": "Create engaging video content for social media",
        },
    ),
    Example("GET /api/v3/campaigns?page=1&client_id={client_id}&status=active&search=Summer", 200),
    Example("GET /api/v3/campaigns/{campaign_id}", 200),
    Example("PATCH /api/v3/campaigns/{campaign_id}", 200, {"status": "archived", "brief": "Updated campaign brief"}),
    Example("DELETE /api/v3/campaigns/{campaign_id}", 204),
    Example("GET /api/v3/clients/{client_id}/campaigns?status=active", 200),
    Example(
        "POST /api/v3/clients/{client_id}/campaigns",
        201,
        {
            "client_id": "{client_id}",
            "name": "Winter Campaign",
            "goal": "Holiday season promotion",
            "status": "draft",
        },
    ),
    Example(
        "POST /api/v3/generate/image",
        202,
        {
            "prompt": "A futuristic cityscape",
            "client_id": "{client_id}",
            "campaign_id": "{campaign_id}",
            "provider": "fal",
            "model": "fal-ai/flux-pro",
        },
    ),
]


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture
def filled_in(w: Harness) -> dict[str, str]:
    """What the examples call uuid-of-client and uuid-of-campaign: those that they make themselves."""
    client = ask(w, EXAMPLES[0], {}).json["id"]
    campaign = ask(w, EXAMPLES[5], {"client_id": client}).json["id"]
    return {"client_id": client, "campaign_id": campaign}


def ask(w: Harness, example: Example, filled_in: dict[str, str]) -> Answer:
    method, _, target = example.request.partition(" ")
    path, _, query = target.format(**filled_in).removeprefix("/api/v3").partition("?")
    parameters = dict(pair.split("=") for pair in query.split("&")) if query else {}
    body = example.body and {name: value.format(**filled_in) for name, value in example.body.items()}
    return w.call(method, path, body, query=parameters)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.request)
def test_an_example_of_the_guide_works_as_written(w: Harness, filled_in: dict[str, str], example: Example) -> None:
    answer = ask(w, example, filled_in)
    assert answer.status == example.status
    if example.body:
        sent = {name: value.format(**filled_in) for name, value in example.body.items()}
        assert sent.items() <= answer.json.items()


@pytest.mark.parametrize(
    "example",
    [each for each in EXAMPLES if each.request.startswith("GET") and "?" in each.request],
    ids=lambda example: example.request,
)
def test_a_list_of_the_guide_has_its_response_format(w: Harness, filled_in: dict[str, str], example: Example) -> None:
    page: Json = ask(w, example, filled_in).json
    assert page.keys() >= {"items", "total", "page", "page_size", "has_more"}
    assert page["items"]
    assert (page["page"], page["page_size"]) == (1, 50)


def test_deleting_the_guides_client_keeps_its_tasks(w: Harness, filled_in: dict[str, str]) -> None:
    task = ask(w, EXAMPLES[-1], filled_in).json
    assert (task["client_id"], task["campaign_id"]) == (filled_in["client_id"], filled_in["campaign_id"])
    assert ask(w, EXAMPLES[4], filled_in).status == 204
    assert ask(w, EXAMPLES[7], filled_in).status == 404
    kept = w.call("GET", f"/tasks/{task['id']}").json
    assert (kept["client_id"], kept["campaign_id"]) == (None, None)
