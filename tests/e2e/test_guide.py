"""Every HTTP example of the guide that the project started from, as written there, with ids filled in."""

from typing import Any

import httpx
import pytest


@pytest.fixture(scope="module")
def client_id(api: httpx.Client) -> str:
    body = {
        "name": "Acme Corporation",
        "description": "Our main enterprise client",
        "brand_guidelines": "Use blue color scheme, modern minimalist style",
    }
    created = api.post("/clients", json=body)
    assert created.status_code == 201
    assert body.items() <= created.json().items()
    return str(created.json()["id"])


@pytest.fixture(scope="module")
def campaign_id(api: httpx.Client, client_id: str) -> str:
    body = {
        "client_id": client_id,
        "name": "Summer 2024 Launch",
        "goal": "Promote new product line",
        "status": "active",
        "brief": "Create engaging video content for social media",
    }
    created = api.post("/campaigns", json=body)
    assert created.status_code == 201
    assert body.items() <= created.json().items()
    return str(created.json()["id"])


def listed(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    assert {"items", "total", "page", "page_size", "has_more"} <= answer.json().keys()
    return list(answer.json()["items"])


def test_clients_are_listed_searched_and_sorted(api: httpx.Client, client_id: str) -> None:
    found = listed(api.get("/clients?page=1&page_size=50&sort_by=created_at&sort_order=desc&search=Acme"))
    assert client_id in [client["id"] for client in found]


def test_a_client_is_found_by_its_id(api: httpx.Client, client_id: str) -> None:
    assert api.get(f"/clients/{client_id}").json()["name"] == "Acme Corporation"


def test_campaigns_are_listed_by_client_status_and_name(api: httpx.Client, client_id: str, campaign_id: str) -> None:
    found = listed(api.get(f"/campaigns?page=1&client_id={client_id}&status=active&search=Summer"))
    assert [campaign["id"] for campaign in found] == [campaign_id]


def test_the_filter_as_the_guide_writes_it_finds_nothing(api: httpx.Client) -> None:
    assert listed(api.get("/campaigns?page=1&client_id=uuid&status=active&search=Summer")) == []


def test_a_clients_campaigns_are_listed_below_it(api: httpx.Client, client_id: str, campaign_id: str) -> None:
    found = listed(api.get(f"/clients/{client_id}/campaigns?status=active"))
    assert [campaign["id"] for campaign in found] == [campaign_id]


def test_a_campaign_is_created_below_its_client(api: httpx.Client, client_id: str) -> None:
    body = {
        "client_id": client_id,
        "name": "Winter Campaign",
        "goal": "Holiday season promotion",
        "status": "draft",
    }
    created = api.post(f"/clients/{client_id}/campaigns", json=body)
    assert created.status_code == 201
    assert body.items() <= created.json().items()


def test_the_guides_model_generates_an_image_for_a_campaign(
    api: httpx.Client, client_id: str, campaign_id: str
) -> None:
    body = {
        "prompt": "A futuristic cityscape",
        "client_id": client_id,
        "campaign_id": campaign_id,
        "provider": "fal",
        "model": "fal-ai/flux-pro",
    }
    accepted = api.post("/generate/image", json=body)
    assert accepted.status_code == 202
    assert (body | {"served_by": "sandbox"}).items() <= accepted.json().items()


def test_a_client_is_updated_and_deleted(api: httpx.Client) -> None:
    made = api.post("/clients", json={"name": "Acme Corporation"}).json()
    patch = {"name": "Acme Corporation Inc.", "description": "Updated description"}
    updated = api.patch(f"/clients/{made['id']}", json=patch)
    assert updated.status_code == 200
    assert patch.items() <= updated.json().items()
    assert api.delete(f"/clients/{made['id']}").status_code == 204
    assert api.get(f"/clients/{made['id']}").status_code == 404


def test_a_campaign_is_updated_and_deleted(api: httpx.Client, client_id: str) -> None:
    made = api.post("/campaigns", json={"client_id": client_id, "name": "Spring", "goal": "Bloom"}).json()
    patch = {"status": "archived", "brief": "Updated campaign brief"}
    updated = api.patch(f"/campaigns/{made['id']}", json=patch)
    assert updated.status_code == 200
    assert patch.items() <= updated.json().items()
    assert api.delete(f"/campaigns/{made['id']}").status_code == 204
    assert api.get(f"/campaigns/{made['id']}").status_code == 404
