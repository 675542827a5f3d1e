"""GET /models: the catalog as one list, by provider, type, life cycle and name."""

from typing import Any

import pytest

from testbed.harness import Harness


def listed(w: Harness, **query: Any) -> list[dict[str, Any]]:
    answer = w.call("GET", "/models", query=query)
    assert answer.status == 200
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def test_models_are_those_of_all_providers(w: Harness) -> None:
    providers = w.call("GET", "/providers").json["items"]
    expected = [
        {
            **model,
            "provider": each["name"],
            "configured": each["configured"],
            "served_by": each["served_by"],
            "status": "active",
        }
        for each in providers
        for model in each["models"]
    ]
    assert listed(w) == expected


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ({"provider": "fal"}, lambda each: each["provider"] == "fal"),
        ({"provider": ["fal", "polly"]}, lambda each: each["provider"] in ("fal", "polly")),
        ({"type": "audio"}, lambda each: each["type"] == "audio"),
        ({"type": ["image", "video"]}, lambda each: each["type"] in ("image", "video")),
        ({"lifecycle": "retired"}, lambda each: each["lifecycle"] == "retired"),
        ({"search": " FLUX-pro"}, lambda each: any("flux-pro" in name for name in (each["id"], *each["aliases"]))),
        ({"search": "100%"}, lambda _: False),
        ({"provider": "nobody"}, lambda _: False),
        ({"provider": "fal", "type": "image"}, lambda each: (each["provider"], each["type"]) == ("fal", "image")),
    ],
    ids=lambda each: None if callable(each) else str(each),
)
def test_models_are_filtered(w: Harness, query: dict[str, Any], selected: Any) -> None:
    assert listed(w, **query) == [each for each in listed(w) if selected(each)]


@pytest.mark.parametrize("query", [{"lifecycle": "alive"}, {"type": "text"}, {"page": "1"}, {"search": "x" * 256}])
def test_unknown_filters_of_models_are_refused(w: Harness, query: dict[str, str]) -> None:
    (error,) = w.call("GET", "/models", query=query).json["errors"]
    assert error["parameter"].partition("/")[0] in query
