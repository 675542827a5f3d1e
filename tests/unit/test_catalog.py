"""The registry of models, and which one a request means."""

from collections import Counter
from decimal import Decimal
from itertools import product
from typing import Any, Final

import pytest
from pydantic import JsonValue

from atelier import wiring
from atelier.domain.catalog import SANDBOX, Catalog, Lifecycle, Model, Price, ResolvedModel, Seconds, Unit
from atelier.domain.errors import Invalid
from atelier.domain.input_files import InputFile
from atelier.domain.params import Param, ParamType
from atelier.domain.task_creation import BODIES
from atelier.domain.tasks.record import Output, TaskType
from testbed.template import PROJECT
from tests.support.model_table import rows

REGISTRY: Final = wiring.catalog()
ALIVE: Final = tuple(each for each in REGISTRY.models if each.lifecycle is not Lifecycle.RETIRED)
ALL: Final = REGISTRY.providers
FAL = ("fal",)
SANDBOX_ONLY = (SANDBOX,)
CASES = [(each, name) for each in ALIVE for name in (each.id, *each.aliases)]
NAMES = [f"{each.provider}-{name}" for each, name in CASES]


def resolve(kind: TaskType, **wanted: Any) -> ResolvedModel:
    return REGISTRY.resolve(kind, **({"provider": None, "model": None} | wanted))


@pytest.mark.parametrize(("model", "name"), CASES, ids=NAMES)
def test_models_are_found_by_every_name(model: Model, name: str) -> None:
    """With their provider, and without it when it is the one that is configured."""
    for provider, configured in ((model.provider, ALL), (None, (model.provider,))):
        choice = resolve(model.type, provider=provider, model=name, configured=configured)
        assert (choice.model, choice.provider, choice.served_by) == (model, model.provider, model.provider)


def test_no_name_means_two_models_of_a_type() -> None:
    names = [(each.provider, each.type, name) for each in REGISTRY.models for name in (each.id, *each.aliases)]
    assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize(("provider", "kind"), list(product(ALL, TaskType)))
def test_every_provider_has_one_default_per_type(provider: str, kind: TaskType) -> None:
    made = [each for each in ALIVE if (each.provider, each.type) == (provider, kind)]
    defaults = [each for each in made if each.default]
    assert len(defaults) == (1 if made else 0)
    if defaults:
        assert resolve(kind, provider=provider, configured=ALL).model == defaults[0]
    else:
        with pytest.raises(Invalid):
            resolve(kind, provider=provider, configured=ALL)


@pytest.mark.parametrize("kind", TaskType)
def test_real_providers_are_preferred_to_the_sandbox(kind: TaskType) -> None:
    assert resolve(kind, configured=(SANDBOX, "fal")).provider == "fal"
    assert resolve(kind, configured=FAL).served_by == "fal"
    assert resolve(kind, configured=SANDBOX_ONLY).provider == SANDBOX


@pytest.mark.parametrize(("model", "name"), CASES, ids=NAMES)
def test_a_provider_without_credentials_is_simulated_or_refused(model: Model, name: str) -> None:
    """By the sandbox."""
    served = resolve(model.type, provider=model.provider, model=name, configured=SANDBOX_ONLY)
    assert (served.model, served.provider, served.served_by) == (model, model.provider, SANDBOX)
    with pytest.raises(Invalid) as refused:
        resolve(model.type, provider=model.provider, model=name, configured=())
    (fault,) = refused.value.field_errors
    assert fault.pointer == "/provider"
    assert model.provider in fault.detail
    assert "configured: none" in fault.detail


def test_the_guide_s_own_example_works_as_written() -> None:
    choice = resolve(TaskType.IMAGE, provider="fal", model="fal-ai/flux-pro", configured=SANDBOX_ONLY)
    assert (choice.model.id, choice.served_by) == ("fal-ai/flux-pro/v1.1", SANDBOX)


@pytest.mark.parametrize("provider", ["openai", "", "FAL", "sandbox "])
def test_an_unknown_provider_is_refused_with_known_ones(provider: str) -> None:
    with pytest.raises(Invalid) as refused:
        resolve(TaskType.IMAGE, provider=provider, configured=ALL)
    (fault,) = refused.value.field_errors
    assert fault.pointer == "/provider"
    assert all(known in fault.detail for known in ALL)


@pytest.mark.parametrize(
    ("kind", "provider", "model"),
    [
        (TaskType.IMAGE, None, "gpt-image"),
        (TaskType.IMAGE, "fal", ""),
        (TaskType.IMAGE, "fal", "sandbox-image"),
        (TaskType.VIDEO, "fal", "fal-ai/flux-pro"),
    ],
)
def test_an_unknown_model_is_refused_with_its_alternatives(kind: TaskType, provider: str | None, model: str) -> None:
    """Those that the request could mean."""
    with pytest.raises(Invalid) as refused:
        resolve(kind, provider=provider, model=model, configured=ALL)
    (fault,) = refused.value.field_errors
    assert fault.pointer == "/model"
    known = fault.detail.split("known: ")[1].rstrip(".").split(", ")
    meant = {each.id for each in ALIVE if each.type is kind and provider in (None, each.provider)}
    assert {each.id for each in ALIVE if each.id in known} == meant


def test_retired_models_are_refused_and_deprecated_ones_work() -> None:
    """A retired one is refused with its replacement."""
    old = Model("old", "fal", TaskType.IMAGE, lifecycle=Lifecycle.RETIRED, replacement="new")
    aged = Model("aged", "fal", TaskType.IMAGE, lifecycle=Lifecycle.DEPRECATED, replacement="new", default=True)
    catalog = Catalog((old, aged))
    with pytest.raises(Invalid, match="use new"):
        catalog.resolve(TaskType.IMAGE, provider="fal", model="old", configured=FAL)
    assert catalog.resolve(TaskType.IMAGE, provider="fal", model="aged", configured=FAL).model is aged


def test_a_retired_models_replacement_makes_the_same() -> None:
    for each in REGISTRY.models:
        if each.replacement:
            same = (each.replacement, each.provider, each.type)
            instead = next(other for other in ALIVE if (other.id, other.provider, other.type) == same)
            assert instead.lifecycle is Lifecycle.ACTIVE
        assert not (each.default and each.lifecycle is Lifecycle.RETIRED)


# ------------------------------------------------------------------------------------------------ several providers


def test_providers_use_the_named_model_or_their_default() -> None:
    choices = REGISTRY.fallbacks(
        TaskType.IMAGE, providers=["replicate", "fal"], model="fal-ai/flux/dev", configured=ALL
    )
    assert [choice.provider for choice in choices] == ["replicate", "fal"]
    assert choices[0].model.default
    assert choices[1].model.id == "fal-ai/flux/dev"


def test_a_model_no_provider_has_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        REGISTRY.fallbacks(TaskType.IMAGE, providers=["fal", "replicate"], model="sandbox-image", configured=ALL)
    assert [fault.pointer for fault in refused.value.field_errors] == ["/model"]


# --------------------------------------------------------------------------------------------------- limits, prices


@pytest.mark.parametrize("model", REGISTRY.models, ids=lambda model: f"{model.provider}-{model.id}")
def test_what_a_model_says_of_itself_makes_sense(model: Model) -> None:
    assert model.prompt_limit >= (0 if model.type in (TaskType.UPSCALE, TaskType.REMOVE_BACKGROUND) else 1)
    assert len({spec.role for spec in model.inputs}) == len(model.inputs)
    assert all(0 <= spec.least <= spec.most >= 1 and (spec.many or spec.most == 1) for spec in model.inputs)
    works_on_files = model.type not in (TaskType.IMAGE, TaskType.VIDEO, TaskType.AUDIO)
    assert not works_on_files or any(spec.least for spec in model.inputs) or model.lifecycle is Lifecycle.RETIRED
    assert model.max_outputs in range(1, 5)
    assert model.takes <= set(BODIES[model.type].model_fields)
    assert bool(model.seconds) == ("duration" in model.takes)
    if model.seconds:
        assert model.seconds.shortest <= model.seconds.default <= model.seconds.longest
        assert all(model.seconds.take(each) for each in (model.seconds.default, *model.seconds.only))
    assert not model.aspect_ratios or "aspect_ratio" in model.takes
    assert not model.voices or "voice" in model.takes
    assert not model.spoken or model.type is TaskType.AUDIO


def test_the_guide_s_models_have_a_price() -> None:
    assert REGISTRY.model("fal", "fal-ai/flux-pro", TaskType.IMAGE).price  # type: ignore[union-attr]


def priced(per: Unit, **fields: Any) -> Model:
    return Model("m", "p", TaskType.VIDEO, price=Price(Decimal("0.05"), per), **fields)


@pytest.mark.parametrize(
    ("model", "options", "cost"),
    [
        (priced(Unit.IMAGE), {"num_outputs": 3}, "0.15"),
        (priced(Unit.VIDEO), {}, "0.05"),
        (priced(Unit.MEGAPIXEL), {"size": "2048x1024", "num_outputs": 2}, "0.2"),
        (priced(Unit.MEGAPIXEL), {}, "0.05"),
        (priced(Unit.SECOND, seconds=Seconds(1, 6, 10)), {}, "0.3"),
        (priced(Unit.SECOND, seconds=Seconds(1, 6, 10)), {"duration": 10}, "0.5"),
        (priced(Unit.THOUSAND_CHARACTERS), {}, "0.00045"),
        (priced(Unit.IMAGE), {"num_outputs": "many"}, "0.05"),
        (priced(Unit.IMAGE), {"num_outputs": float("inf")}, "0.05"),
        (priced(Unit.MEGAPIXEL), {"size": "huge"}, "0.05"),
    ],
)
def test_an_estimate_is_the_request_at_list_price(model: Model, options: dict[str, JsonValue], cost: str) -> None:
    assert model.estimate("A prompt.", options) == Decimal(cost)


@pytest.mark.parametrize(
    ("provider", "model", "options", "cost"),
    [
        ("fal", "fal-ai/flux-2-pro", {}, "0.03"),
        ("fal", "fal-ai/flux-2-pro", {"size": "2048x2048"}, "0.075"),
        ("fal", "openai/gpt-image-2", {"num_outputs": 2}, "0.12"),
        ("fal", "openai/gpt-image-2", {"quality": "low"}, "0.01"),
        ("fal", "openai/gpt-image-2", {"quality": "high"}, "0.22"),
        ("fal", "bytedance/seedream/v5/pro/text-to-image", {"image_size": "auto_1K", "num_outputs": 4}, "0.27"),
        ("fal", "bytedance/seedream/v5/pro/text-to-image", {}, "0.135"),
        ("fal", "ideogram/v4", {"rendering_speed": "TURBO"}, "0.03"),
        ("fal", "ideogram/v4", {"size": "2048x1024"}, "0.12"),
        ("fal", "fal-ai/kling-video/v3/turbo/standard/text-to-video", {"duration": 15}, "1.68"),
        ("fal", "fal-ai/kling-video/v3/pro/text-to-video", {}, "0.84"),
        ("fal", "fal-ai/kling-video/v3/pro/text-to-video", {"generate_audio": False}, "0.56"),
        ("fal", "fal-ai/veo3.1", {"duration": 4}, "1.6"),
        ("fal", "fal-ai/veo3.1", {"generate_audio": False, "resolution": "1080p"}, "1.6"),
        ("fal", "bytedance/seedance-2.0/text-to-video", {"duration": 10}, "3.024"),
        ("fal", "fal-ai/stable-audio-25/text-to-audio", {"duration": 190}, "0.2"),
        ("fal", "fal-ai/elevenlabs/tts/eleven-v3", {}, "0.0009"),
        ("replicate", "openai/gpt-image-2", {}, "0.047"),
        ("replicate", "openai/gpt-image-2", {"quality": "low"}, "0.012"),
        ("replicate", "openai/gpt-image-2", {"quality": "high"}, "0.128"),
        ("replicate", "google/veo-3.1", {}, "3.2"),
        ("replicate", "google/veo-3.1-fast", {}, "1.2"),
        ("replicate", "google/veo-3.1-fast", {"generate_audio": False, "duration": 6}, "0.6"),
        ("replicate", "bytedance/seedance-2.0", {"resolution": "480p"}, "0.4"),
        ("replicate", "bytedance/seedance-2.0", {"resolution": "1080p", "duration": 4}, "1.8"),
        ("replicate", "kwaivgi/kling-v3-video", {"mode": "standard"}, "0.84"),
        ("replicate", "kwaivgi/kling-v3-video", {}, "1.12"),
        ("replicate", "google/lyria-3", {}, "0.04"),
    ],
)
def test_estimates_follow_what_changes_the_price(
    provider: str, model: str, options: dict[str, JsonValue], cost: str
) -> None:
    found = next(each for each in REGISTRY.models if (each.provider, each.id) == (provider, model))
    assert found.estimate("A prompt.", options) == Decimal(cost)


@pytest.mark.parametrize(
    ("kind", "options", "params", "megapixels"),
    [
        (TaskType.EDIT, {}, (), 16),
        (TaskType.EDIT, {"size": "1024x1024"}, (), 1),
        (TaskType.EDIT, {"aspect_ratio": "1:1"}, (), 1),
        (TaskType.REMOVE_BACKGROUND, {}, (), 16),
        (TaskType.UPSCALE, {"upscale_factor": 2}, (), 64),
        (TaskType.UPSCALE, {}, (Param("scale", ParamType.INTEGER, default=3),), 144),
        (TaskType.UPSCALE, {}, (), 256),
        (TaskType.IMAGE, {}, (), 1),
    ],
)
def test_an_estimate_knows_how_large_the_picture_is(
    kind: TaskType, options: dict[str, JsonValue], params: tuple[Param, ...], megapixels: int
) -> None:
    model = Model("m", "p", kind, price=Price(Decimal(1), Unit.MEGAPIXEL), params=params)
    picture = InputFile("k", "image/png", 1, width=4096, height=4096)
    assert model.estimate("x", options, picture) == megapixels
    assert model.estimate("x", options, InputFile("k", "image/png", 1)) == model.estimate("x", options) == 1


def test_every_price_says_when_it_was_read() -> None:
    for each in REGISTRY.models:
        assert each.provider == SANDBOX or each.price is None or each.price.as_of, each.id


def test_defaults_are_active_and_priced_where_possible() -> None:
    """A default without a price is refused under a budget that blocks."""
    for each in REGISTRY.models:
        if each.default:
            same = [other for other in ALIVE if (other.provider, other.type) == (each.provider, each.type)]
            assert each.lifecycle is Lifecycle.ACTIVE
            assert each.price or not any(other.price for other in same)


def test_a_shared_name_means_the_configured_provider() -> None:
    for provider in ("fal", "replicate"):
        choice = resolve(TaskType.IMAGE, model="openai/gpt-image-2", configured=(SANDBOX, provider))
        assert (choice.provider, choice.served_by) == (provider, provider)


def test_a_shared_name_may_say_its_provider() -> None:
    for provider in ("fal", "replicate"):
        choice = resolve(TaskType.IMAGE, model=f"{provider}:openai/gpt-image-2", configured=ALL)
        assert (choice.model.id, choice.provider) == ("openai/gpt-image-2", provider)
    with pytest.raises(Invalid, match="Unknown model"):
        resolve(TaskType.IMAGE, model="openai:gpt-image-2", configured=ALL)


@pytest.mark.parametrize("provider", ["fal", "replicate", SANDBOX])
def test_an_enlargement_is_always_told_its_factor(provider: str) -> None:
    """What a provider takes for usual may be no enlargement at all."""
    model = resolve(TaskType.UPSCALE, provider=provider, configured=ALL).model
    assert (model.sent({})["upscale_factor"], model.sent({"upscale_factor": 4})["upscale_factor"]) == (2, 4)


def test_megapixels_after_the_first_may_cost_less() -> None:
    def output(side: int) -> Output:
        return Output(key="k", content_type="image/png", bytes=1, width=side, height=side)

    model = Model("m", "p", TaskType.IMAGE, price=Price(Decimal("0.03"), Unit.MEGAPIXEL, further=Decimal("0.015")))
    assert model.charge("x", [output(1024)]) == Decimal("0.03")
    assert model.charge("x", [output(2048), output(2048)]) == Decimal("0.15")


def test_a_model_without_a_price_has_no_estimate() -> None:
    model = Model("m", "p", TaskType.IMAGE)
    assert (model.estimate("x", {}), model.charge("x", [])) == (None, None)


def test_a_charge_is_the_list_price_of_what_came() -> None:
    def output(**fields: Any) -> Output:
        return Output(key="k", content_type="video/mp4", bytes=1, **fields)

    assert priced(Unit.MEGAPIXEL).charge("x", [output(width=1344, height=756)]) == Decimal("0.05")
    assert priced(Unit.SECOND).charge("x", [output(duration=5.5)]) == Decimal("0.275")
    assert priced(Unit.IMAGE).charge("x", [output(), output()]) == Decimal("0.1")


def test_the_document_has_the_catalogs_prices() -> None:
    lines = (PROJECT / "docs/providers.md").read_text().splitlines()
    assert [line for line in lines if line.startswith(tuple(f"| {name} | `" for name in ALL))] == list(rows(REGISTRY))
