"""Models of Bedrock and Polly that operators add: a line, and a built-in model that it is like."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from atelier import wiring
from atelier.domain.catalog import Model
from atelier.domain.model_lines import ConfiguredModel, LineStatus, NewModel, Unusable
from atelier.domain.tasks.record import TaskType
from atelier.providers.like import model_like
from atelier.providers.polly import VOICES

PRICE = {"amount": 0.07, "per": "image", "as_of": "2026-11-29", "source": "third_party"}
SKETCH = {
    "provider": "bedrock",
    "model": "us.stability.stable-image-control-sketch-v1:0",
    "type": "edit",
    "like": "stable-image-inpaint",
    "without": ["mask"],
    "price": PRICE,
}
RAY = {
    "provider": "bedrock",
    "model": "luma.ray-v3:0",
    "type": "video",
    "like": "luma-ray2",
    "price": {"amount": 1, "per": "second", "as_of": "2026-11-29"},
}
GERMAN = {
    "provider": "polly",
    "model": "polly-german",
    "type": "audio",
    "like": "polly-neural",
    "voices": ["Vicki", "Daniel"],
    "price": {"amount": 0.016, "per": "1000_characters", "as_of": "2026-11-29"},
}


def line(fields: dict[str, Any], **changes: Any) -> ConfiguredModel:
    new = NewModel(**{**fields, **changes})
    at = "2026-11-29T12:00:00.000Z"
    kept = {"created_by": 1, "changed_by": 1, "created_at": at, "changed_at": at}
    return ConfiguredModel(id="01a227f0-5b7c-7d2e-8c11-0d7a4c6d9f10", status=LineStatus.ACTIVE, **dict(new), **kept)


def like(fields: dict[str, Any], **changes: Any) -> Model:
    return model_like(line(fields, **changes), wiring.models().models)


def built_in(fields: dict[str, Any]) -> Model:
    model = wiring.models().model(fields["provider"], fields["like"], TaskType(fields["type"]))
    assert model is not None
    return model


def test_it_takes_what_the_other_takes() -> None:
    model, other = like(SKETCH), built_in(SKETCH)
    assert (model.id, model.aliases, model.default) == (SKETCH["model"], (), False)
    assert (model.takes, model.prompt_limit, model.params) == (other.takes, other.prompt_limit, other.params)
    assert [spec.name for spec in model.inputs] == ["image"]
    assert model.price is not None
    assert (model.price.amount, model.price.as_of) == (Decimal("0.07"), date(2026, 11, 29))


def test_an_option_left_out_has_no_limits() -> None:
    model = like(SKETCH, like="stable-image-style-guide", without=["aspect_ratio"])
    assert ("aspect_ratio" in model.takes, model.aspect_ratios) == (False, ())
    assert like(RAY, without=["duration"], price=None).seconds is None


def words(model: Model) -> dict[str, Any]:
    return {each.name: (each.choices, each.always_sent, dict(each.price_factors)) for each in model.params}


def test_another_models_price_factors_are_not_its_own() -> None:
    assert words(like(RAY))["resolution"] == (("720p",), True, {})
    assert words(like(RAY, price=None))["resolution"] == (("540p", "720p"), True, {})
    factors = {"540p": 1, "720p": 3}
    priced = like(RAY, params={"resolution": {"price_factors": factors, "default": "540p"}})
    assert words(priced)["resolution"] == (("540p", "720p"), True, {"540p": 1, "720p": 3})


def test_a_polly_line_has_its_voices_and_engine() -> None:
    model = like(GERMAN)
    assert (model.voices, model.voices_by_language) == (("Vicki", "Daniel"), {"de-DE": ("Daniel", "Vicki")})
    assert words(model)["Engine"] == (("neural",), True, {})
    assert model.spoken
    newer = like(GERMAN, engine="neural-2", voices=["Nova"])
    assert (words(newer)["Engine"][0], newer.voices, newer.voices_by_language) == (("neural-2",), ("Nova",), {})
    assert like(GERMAN, voices=[]).voices == VOICES


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({**SKETCH, "like": "nothing"}, "no built-in model of bedrock for edit"),
        ({**SKETCH, "like": "polly-neural"}, "no built-in model of bedrock for edit"),
        ({**SKETCH, "type": "image"}, "no built-in model of bedrock for image"),
        ({**SKETCH, "type": "image", "like": "amazon.nova-canvas-v1:0"}, "no built-in model"),
        ({**SKETCH, "model": "amazon.nova-canvas-v2:0"}, "not of the maker of us.stability"),
        ({**SKETCH, "model": "luma.uni-v1:0"}, "not of the maker of us.stability"),
        ({**SKETCH, "without": ["reference"]}, "no reference that could be left out"),
        ({**SKETCH, "without": ["colour"]}, "no colour that could be left out"),
        ({**SKETCH, "params": {"style": {"choices": ["x"]}}}, "style is no parameter"),
        ({**SKETCH, "params": {"output_format": {"choices": ["gif"]}}}, "output_format must be"),
        ({**GERMAN, "price": {**GERMAN["price"], "per": "second"}}, "by the second"),  # type: ignore[dict-item]
    ],
    ids=str,
)
def test_a_line_that_is_like_nothing_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(Unusable, match=says):
        like(fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"provider": "fal", "model": "x/y", "type": "image", "like": "fal-ai/flux/dev"}, "its own schema"),
        ({"provider": "fal", "model": "x/y", "type": "image", "without": ["seed"]}, "its own schema"),
        ({**SKETCH, "like": None}, "bedrock publishes no schemas"),
        ({**SKETCH, "voices": ["Vicki"]}, "must be of Polly"),
        ({**GERMAN, "engine": "neural-2", "voices": []}, "voices that speak with this engine"),
    ],
    ids=str,
)
def test_like_is_for_providers_without_schemas(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        NewModel(**fields)
