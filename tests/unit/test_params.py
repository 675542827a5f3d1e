"""A provider's own words in `params`: which are taken, within which limits, at which price, and which never."""

import re
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.catalog import SANDBOX, Catalog, Lifecycle, Model, Price, Unit
from atelier.domain.errors import Invalid
from atelier.domain.params import (
    Param,
    ParamType,
    Safety,
    SafetyPolicy,
    boolean,
    checked,
    choice,
    errors_of,
    integer,
    number,
    text,
    texts,
)
from atelier.domain.provider_info import provider_list
from atelier.domain.task_creation import BODIES, GenerationContext, Parents, TaskIdentity, new_retry, new_task
from atelier.domain.tasks.record import Task, TaskType
from atelier.domain.tasks.requests import TYPED_OPTIONS, NewImage
from atelier.providers import fal_models, replicate_models
from atelier.providers.inputs import fields_of
from tests.support.builders import NOON, a_file, a_task, an_id, needed_inputs

CATALOG: Final = wiring.catalog()
CONTEXT: Final = GenerationContext(CATALOG, (SANDBOX,))
ALIVE: Final = tuple(each for each in CATALOG.models if each.lifecycle is not Lifecycle.RETIRED)
FLUX: Final = "fal-ai/flux-pro/v1.1"
RAY: Final = "luma.ray-v2:0"


def the_model(id_: str) -> Model:
    return next(each for each in CATALOG.models if each.id == id_)


def asked(model: str, context: GenerationContext = CONTEXT, **fields: Any) -> Task:
    found = the_model(model)
    prompt = "A barn" if found.prompt_limit else ""
    fields["inputs"] = needed_inputs(found)
    new = BODIES[found.type](prompt=prompt, provider=found.provider, model=model, **fields)
    files = [a_file(each.role) for each in new.inputs]
    return new_task(new, Parents(), context, files, identity=TaskIdentity(an_id(7), "s", NOON), access=Access.own(1))


def refusals(model: str, params: dict[str, Any], **fields: Any) -> dict[str | None, str]:
    with pytest.raises(Invalid) as refused:
        asked(model, params=params, **fields)
    return {error.pointer: error.detail for error in refused.value.field_errors}


# ------------------------------------------------------------------------------------------------------- what is taken


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"num_images": 300}, "send this as the top-level field num_outputs"),
        ({"num_images": 4}, "send this as the top-level field num_outputs"),
        ({"image_size": {"width": 14142, "height": 14142}}, "send this as the top-level field aspect_ratio or size"),
        ({"image_size": "square"}, "send this as the top-level field aspect_ratio or size"),
        ({"prompt": "Another"}, "send this as the top-level field prompt"),
        ({"seed": 1}, "send this as the top-level field seed"),
        ({"sync_mode": True}, "is no parameter of fal-ai/flux-pro/v1.1; it takes enhance_prompt, output_format, saf"),
        ({"image_url": "http://169.254.169.254/"}, "is no parameter of fal-ai/flux-pro/v1.1; it takes"),
        ({"loras": [{"path": "http://10.0.0.1/"}]}, "is no parameter of fal-ai/flux-pro/v1.1; it takes"),
        ({"Output_Format": "png"}, "is no parameter of fal-ai/flux-pro/v1.1; it takes"),
        ({"enable_safety_checker": False}, "is no parameter of fal-ai/flux-pro/v1.1; it takes"),
        ({"duration": 10**400}, "is no parameter of fal-ai/flux-pro/v1.1; it takes"),
        ({"output_format": "webp"}, 'must be one of "jpeg", "png"'),
        ({"output_format": ["png"]}, 'must be one of "jpeg", "png"'),
        ({"output_format": None}, 'must be one of "jpeg", "png"'),
        ({"safety_tolerance": "6"}, 'must be one of "1", "2"'),
        ({"safety_tolerance": 2}, 'must be one of "1", "2"'),
        ({"enhance_prompt": "yes"}, "must be true or false"),
        ({"enhance_prompt": 1}, "must be true or false"),
    ],
    ids=str,
)  # fmt: skip
def test_unlisted_params_are_refused_with_the_list(params: dict[str, Any], said: str) -> None:
    """And with their place."""
    (name,) = params
    found = refusals(FLUX, params)
    assert found.keys() == {f"/params/{name}"}
    assert found[f"/params/{name}"].startswith(said)


@pytest.mark.parametrize(
    ("model", "word", "field"),
    [
        ("fal-ai/elevenlabs/tts/turbo-v2.5", "text", "prompt"),
        ("fal-ai/stable-audio", "seconds_total", "duration"),
        ("polly-neural", "VoiceId", "voice"),
        ("polly-neural", "Text", "prompt"),
        ("polly-neural", "Engine", "model"),
    ],
)
def test_a_param_a_field_stands_for_is_refused(model: str, word: str, field: str) -> None:
    """With the name of the field."""
    assert refusals(model, {word: "x"}) == {f"/params/{word}": f"send this as the top-level field {field}"}


def test_places_are_json_pointers() -> None:
    assert refusals(FLUX, {"a/b~c": 1, "": 2}).keys() == {"/params/a~1b~0c", "/params/"}


def test_params_errors_are_listed_with_all_others() -> None:
    found = refusals(FLUX, {"num_images": 1, "x": 1, "output_format": 1}, size="64x64", aspect_ratio="1:1")
    assert found.keys() == {"/params/num_images", "/params/x", "/params/output_format", "/size"}


def test_what_is_listed_is_recorded_as_it_is_sent() -> None:
    task = asked("fal-ai/flux/dev", params={"num_inference_steps": 28.0, "guidance_scale": 3, "output_format": "png"})
    assert task.params == {"num_outputs": 1, "num_inference_steps": 28, "guidance_scale": 3, "output_format": "png"}
    assert isinstance(task.params["num_inference_steps"], int)


def test_every_one_of_several_providers_takes_the_params() -> None:
    new = {"prompt": "A barn", "providers": ["fal", "replicate"]}
    identity = TaskIdentity(an_id(7), "s", NOON)
    good = NewImage(**new, params={"output_format": "png"})
    assert new_task(good, Parents(), CONTEXT, identity=identity, access=Access.own(1)).fallbacks
    with pytest.raises(Invalid, match="prompt_upsampling"):
        new_task(
            NewImage(**new, params={"prompt_upsampling": True}),
            Parents(),
            CONTEXT,
            identity=identity,
            access=Access.own(1),
        )


def test_a_retry_obeys_todays_list_of_params() -> None:
    old = a_task(status="failed", provider="fal", model=FLUX, params={"num_outputs": 1, "seed": 7, "num_images": 4})
    with pytest.raises(Invalid) as refused:
        new_retry(old, Parents(), CONTEXT, identity=TaskIdentity(an_id(8), "s", NOON), access=Access.own(1))
    assert [error.pointer for error in refused.value.field_errors] == ["/params/num_images"]


# ---------------------------------------------------------------------------------------------------- what it checks


@pytest.mark.parametrize(
    ("param", "good", "bad"),
    [
        (integer("x", 1, 50), [1, 50, 7.0], [0, 51, 1.5, True, "7", None, [], {}, 10**400, 1e308]),
        (number("x", 0, 1), [0, 1, 0.5, 1.0], [-0.1, 1.01, True, "0.5", None, 10**400, [0.5]]),
        (boolean("x"), [True, False], [0, 1, "true", None, []]),
        (choice("x", "a", "b"), ["a", "b"], ["A", "", "ab", 1, None, ["a"], {"a": 1}]),
        (text("x", 3), ["", "abc", "ſßÄ"], ["abcd", 1, None, ["abc"], True]),
        (text("x", 9, "[a-z]{2}", "a word"), ["de"], ["de\n", "DE", "d", "deu", "аb", ""]),
        (texts("x", 2, "[a-z]+", "a word"), [["a"], ["a", "b"]], [[], ["a", "b", "c"], "a", [1], [["a"]], ["A"], None]),
    ],
    ids=lambda value: value.type if isinstance(value, Param) else None,
)
def test_a_value_is_within_its_limits(param: Param, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert param.checked(value) == value
    for value in bad:
        with pytest.raises(ValueError, match=r"^must be "):
            param.checked(value)


@pytest.mark.parametrize(
    ("model", "params", "said"),
    [
        (
            "polly-neural",
            {"LanguageCode": "english"},
            "must be a text of at most 10 characters, a language code such as en-US",
        ),
        (
            "polly-neural",
            {"LexiconNames": ["a b"]},
            "must be a list of 1 to 5 texts, each a name of 1 to 20 letters and digits such as brands1",
        ),
        (
            "elevenlabs/v3",
            {"language_code": "EN"},
            "must be a text of at most 2 characters, a language code such as en",
        ),
    ],
)
def test_a_form_is_told_in_words(model: str, params: dict[str, Any], said: str) -> None:
    assert [*refusals(model, params).values()] == [said]


def test_no_message_has_a_regular_expression() -> None:
    for model in CATALOG.models:
        sent: dict[str, Any] = {param.name: None for param in model.params}
        said = [error.detail for error in errors_of(sent, model.params, {}, model="it")]
        assert len(said) == len(model.params)
        assert not [each for each in said if re.search(r"[\\^$\[\]{}*+?|]", each)]
        assert all(param.form for param in model.params if param.pattern)


def test_a_pattern_without_words_is_not_shown() -> None:
    """As in models that were stored before patterns had words."""
    with pytest.raises(ValueError, match=r"characters, in the form that the provider's schema gives$"):
        text("x", 9, "[a-z]{2}").checked("english")


def test_unknown_params_do_not_repeat_the_list() -> None:
    known = [integer(f"parameter_{number:03}", 1, 2) for number in range(200)]
    said = [each.detail for each in errors_of({f"x{n}": 1 for n in range(100)}, known, {}, model="it")]
    assert said[0].startswith("is no parameter of it; it takes parameter_000, parameter_001, ")
    assert said[0].endswith(", parameter_049 and 150 more, which GET /api/v3/providers lists")
    assert set(said[1:]) == {"is no parameter of it"}


def test_a_long_list_of_choices_is_cut() -> None:
    with pytest.raises(ValueError, match=r'"v49" and 150 more, which GET /api/v3/providers lists$'):
        choice("x", *(f"v{number}" for number in range(200))).checked("v")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(sorted({param.name for model in ALIVE for param in model.params} | {"num_images", "text"}))
EXTREME = st.sampled_from([10**400, -(10**400), 1e308, 5e-324, "²", "١", "𝟘", "\x00", "1" * 5000, [[[[]]]]])


@given(st.sampled_from(ALIVE), st.dictionaries(NAMES | st.text(max_size=9), JSON | EXTREME, max_size=4))
def test_any_params_pass_with_a_price_or_fail(model: Model, params: dict[str, Any]) -> None:
    errors = errors_of(params, model.params, model.stands_for, model=model.id)
    assert all(error.pointer and error.pointer.startswith("/params/") and error.detail for error in errors)
    if errors:
        assert {error.pointer for error in errors} <= {f"/params/{_escaped(name)}" for name in params}
    else:
        sent = model.sent(checked(params, model.params))
        assert (model.estimate("x", sent) is None) == (model.price is None)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


@given(st.sampled_from(ALIVE), st.dictionaries(st.sampled_from(sorted(TYPED_OPTIONS)), JSON | EXTREME))
def test_no_options_of_tasks_from_before_break_an_estimate(model: Model, options: dict[str, Any]) -> None:
    estimate = model.estimate("x", options)
    assert estimate is None or estimate.is_finite()


# ------------------------------------------------------------------------------------------------------ what it costs


def test_a_word_multiplies_the_price_of_estimate_and_charge() -> None:
    ray = the_model(RAY)
    for options, cost in (({}, "7.5"), ({"resolution": "720p"}, "7.5"), ({"resolution": "540p"}, "3.75")):
        assert ray.estimate("x", options) == Decimal(cost)
    paid = Model("m", "p", TaskType.IMAGE, price=Price(Decimal("0.1"), Unit.IMAGE), params=_HIGH)
    assert paid.estimate("x", {"quality": "high", "num_outputs": 2}) == Decimal("0.44")
    assert paid.estimate("x", {"quality": "low", "num_outputs": 2}) == Decimal("0.02")
    assert paid.estimate("x", {"hd": True}) == Decimal("0.3")


@pytest.mark.parametrize("sent", [50, 50.0])
@pytest.mark.parametrize("key", ["50", "50.0", "5e1"])
def test_a_number_has_its_factor_however_written(sent: float, key: str) -> None:
    fps = Param("fps", ParamType.NUMBER, choices=(24, 50), default=24, price_factors={key: Decimal(2)})
    assert [fps.factor(each) for each in (fps.checked(sent), 24.0, None)] == [Decimal(2), Decimal(1), Decimal(1)]


_HIGH: Final = (
    choice("quality", "low", "medium", "high", price_factors={"low": Decimal("0.1"), "high": Decimal("2.2")}),
    boolean("hd", price_factors={"true": Decimal(3)}),
)


def test_a_priced_default_is_sent_unless_overridden() -> None:
    ray = the_model(RAY)
    assert ray.sent({"duration": 5}) == {"resolution": "720p", "duration": 5}
    assert ray.sent({"resolution": "540p", "duration": 9}) == {"resolution": "540p", "duration": 9}


def test_a_default_duration_is_sent() -> None:
    assert the_model(RAY).sent({"resolution": "540p"}) == {"resolution": "540p", "duration": 5}


# ------------------------------------------------------------------------------------------------------ what is allowed


def the_params(model: str, policy: SafetyPolicy) -> dict[str, Param]:
    models = (*fal_models.MODELS, *replicate_models.MODELS)
    found = [each for each in Catalog(models).under(policy).models if each.id == model]
    return {param.name: param for each in found for param in each.params}


@pytest.mark.parametrize(("tolerance", "allowed"), [(1, "1"), (2, "12"), (4, "1234"), (6, "123456")])
def test_a_deployment_says_how_much_is_tolerated(tolerance: int, allowed: str) -> None:
    as_text = the_params(FLUX, SafetyPolicy(tolerance))["safety_tolerance"]
    as_number = the_params("black-forest-labs/flux-1.1-pro", SafetyPolicy(tolerance))["safety_tolerance"]
    for value in range(1, 7):
        for param, sent in ((as_text, str(value)), (as_number, value)):
            if str(value) in allowed:
                assert param.checked(sent) == sent
            else:
                with pytest.raises(ValueError, match="must be"):
                    param.checked(sent)


def test_a_limit_below_the_providers_default_is_sent() -> None:
    for model, sent in ((FLUX, "1"), ("black-forest-labs/flux-1.1-pro", 1)):
        strict = the_params(model, SafetyPolicy(1))["safety_tolerance"]
        assert (strict.default, strict.always_sent) == (sent, True)
        assert not the_params(model, SafetyPolicy(2))["safety_tolerance"].always_sent


@pytest.mark.parametrize(
    ("model", "name", "safe"),
    [
        ("fal-ai/flux/dev", "enable_safety_checker", True),
        ("black-forest-labs/flux-schnell", "disable_safety_checker", False),
        ("fal-ai/flux-2-pro", "enable_safety_checker", True),
    ],
)
def test_safety_checkers_are_switched_off_only_where_allowed(model: str, name: str, safe: bool) -> None:
    required = the_params(model, SafetyPolicy())[name]
    assert required.checked(safe) is safe
    with pytest.raises(ValueError, match=f"must be {str(safe).lower()}"):
        required.checked(not safe)
    assert the_params(model, SafetyPolicy(checker_may_be_off=True))[name].checked(not safe) is (not safe)


def test_moderation_is_lowered_only_where_allowed() -> None:
    model = "openai/gpt-image-2"
    required = the_params(model, SafetyPolicy(tolerance=6))["moderation"]
    assert required.checked("auto") == "auto"
    with pytest.raises(ValueError, match='must be "auto"'):
        required.checked("low")
    assert the_params(model, SafetyPolicy(checker_may_be_off=True))["moderation"].checked("low") == "low"


@pytest.mark.parametrize(
    ("tolerance", "level", "told"),
    [(1, "block_low_and_above", True), (2, "block_medium_and_above", True), (3, "block_only_high", False)],
)
def test_a_filter_level_is_capped_like_a_tolerance(tolerance: int, level: str, told: bool) -> None:
    """And told where the provider's own default is looser."""
    param = the_params("google/nano-banana-pro", SafetyPolicy(tolerance))["safety_filter_level"]
    assert (param.default, param.choices[-1], len(param.choices), param.always_sent) == (level, level, tolerance, told)


def test_a_tolerance_below_a_models_default_is_told() -> None:
    param = the_params("fal-ai/veo3.1", SafetyPolicy())["safety_tolerance"]
    assert (param.default, param.choices, param.always_sent) == ("2", ("1", "2"), True)


# ------------------------------------------------------------------------------------------------- what is listed


@pytest.mark.parametrize("model", ALIVE, ids=lambda model: f"{model.provider}-{model.id}")
def test_the_list_of_a_model_makes_sense(model: Model) -> None:
    names = [param.name for param in model.params]
    assert len(set(names)) == len(names)
    assert not set(names) & (set(model.stands_for) | set(BODIES[model.type].model_fields) | TYPED_OPTIONS)
    for param in model.params:
        if param.type in (ParamType.INTEGER, ParamType.NUMBER):
            assert param.choices or None not in (param.minimum, param.maximum)
        if param.type is ParamType.TEXT:
            assert param.choices or param.max_length
        if param.type is ParamType.TEXTS:
            assert param.pattern
            assert param.max_items
        assert param.default is None or param.checked(param.default) == param.default
        assert param.default is not None or not (param.always_sent or param.price_factors or param.safety)
        if param.safety is Safety.CHECKER:
            assert param.type is ParamType.BOOLEAN or param.default in param.choices
        assert "url" not in param.name.lower(), "an address would have the provider fetch it"


def test_adapters_names_of_fields_are_refused() -> None:
    """With the name of our field."""
    for model in ALIVE:
        words = {**fal_models.INPUT_NAMES, **replicate_models.INPUT_NAMES}.get(model.id, {})
        assert fields_of(words).items() <= model.stands_for.items()


def test_accepted_params_are_listed() -> None:
    shown = next(each for each in provider_list(CONTEXT).items if each.name == "bedrock")
    ray = next(each for each in shown.models if each.id == RAY)
    listed = ray.model_dump(mode="json")["params"]
    assert [each["name"] for each in listed] == ["resolution", "loop"]
    assert listed[0] == {
        "name": "resolution",
        "type": "string",
        "minimum": None,
        "maximum": None,
        "choices": ["540p", "720p"],
        "pattern": None,
        "max_length": None,
        "max_items": None,
        "default": "720p",
        "price_factors": {"720p": 2.0},
    }
    hidden = {"always_sent", "form", "safety"}
    assert {field.name for field in fields(Param)} - hidden == set(listed[0])
