"""Models that are derived from a line and what a provider publishes, with recorded schemas."""

from datetime import date
from decimal import Decimal
from typing import Any, Final

import pytest

from atelier.domain.catalog import Model, Seconds, under
from atelier.domain.model_lines import LineParam, LinePrice, NewModel, Unusable
from atelier.domain.params import SafetyPolicy
from atelier.domain.tasks.record import TaskType
from atelier.providers.catalogs import _input_of, _output_of, _schemas
from atelier.providers.derived import derived
from atelier.providers.schemas import Snapshot, changes_between, hash_of, reduced
from tests.support.published_models import AUDIO, KREA, PROMPT, SEEDREAM, SIZE, VIDEO, fal_entry, replicate_entry

BOOLEAN: Final = {"type": "boolean", "default": False}
QUALITY: Final = {"type": "string", "enum": ["low", "high"], "default": "high"}


def fal(properties: dict[str, Any], output: dict[str, Any] | None = None, **more: Any) -> Snapshot:
    """What fal publishes, as a snapshot."""
    document = fal_entry("x/y", properties, *([output] if output is not None else []), **more)["openapi"]
    schemas = _schemas(document)
    return Snapshot(_input_of(document, schemas), _output_of(document, schemas))


def replicate(properties: dict[str, Any], output: dict[str, Any] | None = None) -> Snapshot:
    """What Replicate publishes, as a snapshot."""
    schemas = _schemas(replicate_entry("x/y", properties, output)["latest_version"]["openapi_schema"])
    return Snapshot(reduced(schemas["Input"], schemas), reduced(schemas["Output"], schemas))


def price(per: str, dollars: str = "0.1") -> LinePrice:
    return LinePrice(amount=Decimal(dollars), per=per, as_of=date(2026, 11, 29))


def line(kind: TaskType = TaskType.IMAGE, **fields: Any) -> NewModel:
    params = {name: LineParam(**each) for name, each in fields.pop("params", {}).items()}
    return NewModel(**{"provider": "fal", "model": "x/y", "type": kind, "params": params, **fields})


def words(model: Model) -> dict[str, Any]:
    """The parameters of a model, each with its values."""
    return {each.name: each.choices or (each.minimum, each.maximum) for each in model.params}


def test_an_image_model_of_fal_is_derived() -> None:
    model = derived(line(price=price("megapixel")), fal(KREA))
    assert model.names == {
        "prompt": ("prompt", "same"),
        "num_outputs": ("num_images", "same"),
        "size": ("image_size", "sides"),
        "aspect_ratio": ("image_size", "size_of"),
        "seed": ("seed", "same"),
    }
    assert model.takes == {"size", "aspect_ratio", "seed"}
    assert model.max_outputs == 4
    assert set(model.aspect_ratios) >= {"1:1", "16:9", "3:2"}
    assert "9:16" not in model.aspect_ratios  # it is among SIZES, and not in the schema
    assert model.stands_for == {"num_images": "num_outputs", "image_size": "aspect_ratio or size"}
    assert set(words(model)) == {"num_inference_steps", "guidance_scale", "output_format", "enable_safety_checker"}
    assert words(model)["num_inference_steps"] == (1, 50)
    assert under(model, SafetyPolicy()).params[-1].choices == (True,)


def test_an_image_model_of_replicate_is_derived() -> None:
    model = derived(line(provider="replicate"), replicate(SEEDREAM))
    assert model.aspect_ratios == ("1:1", "4:3", "16:9")
    assert model.names["seed"] == ("seed", "same")
    assert (words(model), model.sent({})) == ({"max_images": (1,)}, {"max_images": 1})


@pytest.mark.parametrize(
    ("duration", "seconds", "form"),
    [
        ({"enum": ["5", "10"], "type": "string", "default": "5"}, Seconds(5, 5, 10, only=(5, 10)), "text"),
        ({"enum": ["4s", "6s", "8s"], "default": "8s"}, Seconds(4, 8, 8, only=(4, 6, 8)), "with_unit"),
        ({"enum": ["auto", "4", "5"], "default": "auto"}, Seconds(4, 5, 5, only=(4, 5)), "text"),
        ({"enum": [6, 10], "type": "integer"}, Seconds(6, 6, 10, only=(6, 10)), "whole"),
        ({"type": "integer", "minimum": 3, "maximum": 15, "default": 5}, Seconds(3, 5, 15, whole=True), "whole"),
        ({"type": "number", "default": 8}, Seconds(8, 8, 8), "same"),
        ({"type": "integer", "minimum": 2, "maximum": 90, "default": 80}, Seconds(2, 60, 60, whole=True), "whole"),
    ],
)
def test_durations_are_those_of_the_schema(duration: dict[str, Any], seconds: Seconds, form: str) -> None:
    """Within what a request may ask for."""
    model = derived(line(TaskType.VIDEO, price=price("second")), fal({**PROMPT, "duration": duration}, VIDEO))
    assert model.seconds == seconds
    assert model.names["duration"] == ("duration", form)
    assert model.estimate("x", {}) == Decimal("0.1") * Decimal(str(seconds.default))


def test_milliseconds_are_seconds_in_a_request() -> None:
    length = {"type": "integer", "minimum": 3000, "maximum": 600_000, "default": 30_000}
    model = derived(line(TaskType.AUDIO), fal({**PROMPT, "music_length_ms": length}, AUDIO))
    assert (model.seconds, model.names["duration"]) == (Seconds(3, 30, 600), ("music_length_ms", "milliseconds"))
    assert not model.spoken


@pytest.mark.parametrize(
    ("voice", "voices", "form"),
    [
        ({"voice": {"type": "string", "enum": ["Aria", "Roger"], "default": "Aria"}}, ("Aria", "Roger"), "same"),
        ({"voice": {"type": "string"}}, (), "same"),
        (
            {"voice_setting": {"type": "object", "properties": {"voice_id": {"type": "string"}}}},
            (),
            "voice_setting",
        ),
    ],
)
def test_what_takes_a_voice_is_read_aloud(voice: dict[str, Any], voices: tuple[str, ...], form: str) -> None:
    model = derived(line(TaskType.AUDIO), fal({"text": {"type": "string"}, **voice}, AUDIO, required=("text",)))
    assert (model.spoken, model.voices, model.names["voice"][1]) == (True, voices, form)
    assert model.names["prompt"] == ("text", "same")


# -------------------------------------------------------------------------------------------------------- inputs


_URL: Final = {"type": "string"}
_URI: Final = {"type": "string", "format": "uri"}
_URLS: Final = {"type": "array", "items": _URL}


@pytest.mark.parametrize(
    ("kind", "provider", "fields", "required", "specs"),
    [
        ("edit", "fal", {"image_urls": {**_URLS, "maxItems": 8}}, True, [("reference", "image_urls", True, 1, 8)]),
        ("edit", "fal", {"image_url": _URL}, True, [("reference", "image_url", False, 1, 1)]),
        ("edit", "fal", {"image_url": _URL, "mask_url": _URL}, True,
         [("reference", "image_url", False, 1, 1), ("mask", "mask_url", False, 1, 1)]),
        ("edit", "replicate", {"input_images": {"type": "array", "items": _URI}}, False,
         [("reference", "input_images", True, 0, 10)]),
        ("edit", "replicate", {"image_input": {"type": "array", "items": _URI, "maxItems": 14}}, False,
         [("reference", "image_input", True, 0, 14)]),
        ("video", "fal", {"image_url": _URL}, True, [("start_image", "image_url", False, 1, 1)]),
        ("video", "fal", {"start_image_url": _URL, "end_image_url": _URL}, False,
         [("start_image", "start_image_url", False, 0, 1), ("end_image", "end_image_url", False, 0, 1)]),
        ("video", "replicate", {"image": _URI, "last_frame": _URI, "reference_images": _URLS}, False,
         [("start_image", "image", False, 0, 1), ("end_image", "last_frame", False, 0, 1),
          ("reference", "reference_images", True, 0, 10)]),
        ("video", "fal", {"video_url": _URL, "audio_url": _URL}, True,
         [("video", "video_url", False, 1, 1), ("audio", "audio_url", False, 1, 1)]),
        ("video", "fal", {"audio": {"type": "boolean"}}, False, []),
    ],
)  # fmt: skip
def test_files_have_the_roles_of_their_names(
    kind: str, provider: str, fields: dict[str, Any], required: bool, specs: list[tuple[Any, ...]]
) -> None:
    needs = ("prompt", *fields) if required else ("prompt",)
    schema, output = {**PROMPT, **fields}, VIDEO if kind == "video" else None
    published = fal(schema, output, required=needs) if provider == "fal" else replicate(schema)
    model = derived(line(TaskType(kind), provider=provider), published)
    assert [(each.role, each.name, each.many, each.least, each.most) for each in model.inputs] == specs
    assert all(model.stands_for[name] == "inputs" for _, name, *_ in specs)


@pytest.mark.parametrize("kind", ["upscale", "remove_background"])
def test_what_needs_no_prompt_is_derived_without_one(kind: str) -> None:
    schema = {"image_url": _URL, "upscale_factor": {"type": "number", "minimum": 1, "maximum": 8, "default": 2}}
    model = derived(line(TaskType(kind)), fal(schema, {"image": {"type": "object"}}, required=("image_url",)))
    assert (model.prompt_limit, [each.role for each in model.inputs]) == (0, ["reference"])
    assert ("upscale_factor" in model.takes) is (kind == "upscale")


@pytest.mark.parametrize(
    ("factor", "form"),
    [
        ({"type": "string", "enum": ["None", "2x", "4x"], "default": "None"}, "times"),
        ({"type": "string", "enum": ["2", "4"]}, "text"),
        ({"type": "integer", "enum": [2, 4]}, "same"),
        ({"type": "string", "enum": ["4K", "8K"]}, None),
    ],
)
def test_a_factor_has_the_form_of_its_schema(factor: dict[str, Any], form: str | None) -> None:
    schema = {"image_url": _URL, "upscale_factor": factor}
    model = derived(line(TaskType.UPSCALE), fal(schema, {"image": {"type": "object"}}, required=("image_url",)))
    assert model.names.get("upscale_factor") == (form and ("upscale_factor", form))


# -------------------------------------------------------------------------------------------------------- prices


def test_costly_words_keep_their_default_without_factors() -> None:
    model = derived(line(price=price("image")), fal({**PROMPT, "quality": QUALITY}))
    assert words(model) == {"quality": ("high",)}
    assert model.sent({}) == {"quality": "high"}
    assert words(derived(line(), fal({**PROMPT, "quality": QUALITY}))) == {"quality": ("low", "high")}


def test_a_word_takes_only_the_values_with_factors() -> None:
    factors = {"low": Decimal(1), "medium": Decimal(4)}
    schema = {**PROMPT, "quality": {**QUALITY, "enum": ["low", "medium", "high"]}}
    with pytest.raises(Unusable, match="needs a default among low, medium"):
        derived(line(price=price("image"), params={"quality": {"price_factors": factors}}), fal(schema))
    params = {"quality": {"price_factors": factors, "default": "low"}}
    model = derived(line(price=price("image"), params=params), fal(schema))
    assert words(model) == {"quality": ("low", "medium")}
    assert (model.estimate("x", {}), model.estimate("x", {"quality": "medium"})) == (Decimal("0.1"), Decimal("0.4"))


def test_factors_of_booleans_and_numbers() -> None:
    schema = {**PROMPT, "generate_audio": BOOLEAN, "fps": {"type": "integer", "enum": [24, 50], "default": 24}}
    params = {
        "generate_audio": {"price_factors": {"false": Decimal(1), "true": Decimal(2)}},
        "fps": {"price_factors": {"24": Decimal(1), "50": Decimal(2)}},
    }
    model = derived(line(TaskType.VIDEO, price=price("video"), params=params), fal(schema, VIDEO))
    assert model.estimate("x", {"generate_audio": True, "fps": 50}) == Decimal("0.4")
    assert model.sent({}) == {"generate_audio": False, "fps": 24}


def test_sizes_are_taken_where_megapixels_are_paid() -> None:
    assert "size" not in derived(line(price=price("image")), fal({**PROMPT, "image_size": SIZE})).takes


# ---------------------------------------------------------------------------------------------------- parameters


@pytest.mark.parametrize(
    "offered",
    [
        {"image_prompt": {"type": "string", "enum": ["a"]}},
        {"webhook_url": {"type": "string", "enum": ["a"]}},
        {"width": {"type": "integer", "minimum": 1, "maximum": 9}},
        {"style": {"type": "string"}},
        {"steps": {"type": "integer", "default": 3}},
        {"items": {"type": "array", "items": {"type": "string"}}},
        {"duration": {"type": "integer", "minimum": 1, "maximum": 9}},
        {"safety_level": {"type": "string", "enum": ["a", "b"]}},
    ],
    ids=lambda each: next(iter(each)),
)
def test_words_without_bounds_are_not_offered(offered: dict[str, Any]) -> None:
    """Nor addresses, prompts beside the prompt, and sizes that no price would know of."""
    assert words(derived(line(), fal({**PROMPT, **offered}))) == {}


@pytest.mark.parametrize(
    ("name", "schema", "offered"),
    [
        ("n", {"minimum": 1, "maximum": 10, "default": 1}, (1,)),
        ("batch_size", {"default": 4}, (1,)),
        ("num_images_per_prompt", {"minimum": 1, "maximum": 8, "default": 4}, (1,)),
        ("number_of_variations", {"enum": [2, 4], "default": 4}, (4,)),
        ("video_count", {"minimum": 2, "maximum": 4}, None),
        ("num_inference_steps", {"minimum": 1, "maximum": 50}, (1, 50)),
    ],
)
def test_a_job_makes_no_files_but_those_asked_for(name: str, schema: dict[str, Any], offered: Any) -> None:
    model = derived(line(), fal({**PROMPT, name: {"type": "integer", **schema}}))
    assert words(model).get(name) == offered
    assert not offered or offered == (1, 50) or model.sent({}) == {name: offered[0]}


def test_a_line_caps_and_fixes_parameters() -> None:
    schema = {
        **PROMPT,
        "steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 40},
        "style": {"type": "string"},
    }
    params = {"steps": {"maximum": 30}, "style": {"choices": ["oil"]}}
    model = derived(line(params=params), fal(schema))
    assert words(model) == {"steps": (1, 30), "style": ("oil",)}
    assert model.sent({}) == {"style": "oil"}
    assert derived(line(params={"steps": {"default": 20}}), fal(schema)).sent({}) == {"steps": 20}


@pytest.mark.parametrize(
    ("schema", "cap", "choices", "default"),
    [
        ({"safety_tolerance": {"type": "string", "enum": list("123456"), "default": "4"}}, 2, ("1", "2"), "2"),
        ({"safety_tolerance": {"type": "string", "enum": list("123456")}}, 3, ("1", "2", "3"), "3"),
        ({"safety_tolerance": {"type": "string", "enum": list("3456"), "default": "4"}}, 2, ("3",), "3"),
        ({"safety_filter_level": {"type": "string", "enum": ["block_only_high", "block_low_and_above"]}}, 1,
         ("block_low_and_above",), "block_low_and_above"),
        ({"disable_safety_checker": {"type": "boolean"}}, 6, (False,), False),
        ({"moderation": {"type": "string", "enum": ["auto", "low"], "default": "auto"}}, 6, ("auto",), "auto"),
    ],
)  # fmt: skip
def test_what_loosens_safety_is_capped(
    schema: dict[str, Any], cap: int, choices: tuple[Any, ...], default: Any
) -> None:
    (param,) = under(derived(line(), fal({**PROMPT, **schema})), SafetyPolicy(cap)).params
    assert (param.choices, param.default) == (choices, default)


# ------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("wanted", "snapshot", "why"),
    [
        (line(), fal({"scene": {"type": "string"}}, required=()), "no prompt"),
        (line(), fal(PROMPT, VIDEO), "no image; files that it has: video"),
        (line(TaskType.AUDIO), fal(PROMPT, {"text": {"type": "string"}}), "no audio; files that it has: none"),
        (line(provider="replicate"), replicate(PROMPT, {"type": "array", "items": {"type": "string"}}), "no file"),
        (line(), fal({**PROMPT, "doc": {"type": "object"}}, required=("prompt", "doc")), "needs doc"),
        (line(TaskType.VIDEO, price=price("second")), fal(PROMPT, VIDEO), "no duration"),
        (line(params={"nothing": {"default": 1}}), fal(PROMPT), "nothing is no field"),
        (line(params={"prompt": {"default": "x"}}), fal(PROMPT), "prompt is an option"),
        (line(params={"quality": {"choices": ["best"]}}), fal({**PROMPT, "quality": QUALITY}), "must be one of"),
        (line(params={"loras": {"maximum": 3}}), fal(KREA), "no values that could be offered"),
        (line(), fal({**PROMPT, **{f"switch_{n}": BOOLEAN for n in range(201)}}), "more than 200 parameters"),
        (
            line(price=price("image", "1000000000"), params={"tiled": {"price_factors": {"true": 1, "false": 2}}}),
            fal({**PROMPT, "tiled": BOOLEAN}),
            "more than 1000000000 US dollars",
        ),
    ],
    ids=lambda each: each.replace(" ", "-") if isinstance(each, str) else None,
)
def test_a_model_that_cannot_be_used_is_refused(wanted: NewModel, snapshot: Snapshot, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        derived(wanted, snapshot)


def test_a_schema_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(Unusable, match="no form that is known"):
        derived(line(), fal({"prompt": {"type": "string", "maxLength": "long"}}))


def test_types_with_null_are_those_without() -> None:
    model = derived(
        line(), fal({**PROMPT, "seed": {"type": ["integer", "null"]}, "tiled": {"type": ["boolean", "null"]}})
    )
    assert ("seed" in model.takes, list(words(model))) == (True, ["tiled"])


def test_a_required_word_is_fixed_by_the_line() -> None:
    schema = {**PROMPT, "mode": {"type": "string", "enum": ["std", "pro"]}}
    snapshot = fal(schema, required=("prompt", "mode"))
    with pytest.raises(Unusable, match="needs mode"):
        derived(line(), snapshot)
    assert derived(line(params={"mode": {"choices": ["pro"]}}), snapshot).sent({}) == {"mode": "pro"}


# ----------------------------------------------------------------------------------------------------- snapshots


def test_what_is_reworded_has_the_same_hash() -> None:
    reworded = {**PROMPT, "prompt": {"type": "string", "description": "Say what you want."}}
    assert hash_of(fal(PROMPT).text) == hash_of(fal(reworded).text)
    assert hash_of(fal(PROMPT).text) != hash_of(fal({**PROMPT, "seed": {"type": "integer"}}).text)


def test_a_snapshot_is_as_it_was_kept() -> None:
    kept = fal(KREA)
    assert Snapshot.of_text(kept.text) == kept


def test_changes_are_said_by_field() -> None:
    before, after = fal({**PROMPT, "style": QUALITY}), fal({**PROMPT, "quality": QUALITY}, VIDEO)
    said = changes_between(before, after)
    assert said.split("; ")[:2] == ["input has quality", "input no longer has style"]


def test_a_schema_that_unfolds_to_billions_is_refused() -> None:
    schemas = {"A": {"properties": {str(number): {"$ref": "#/components/schemas/A"} for number in range(20)}}}
    with pytest.raises(Unusable, match="more than 20000 parts"):
        reduced(schemas["A"], schemas)


def test_a_schema_that_refers_to_itself_ends() -> None:
    schemas = {"A": {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/A"}}}}
    assert reduced(schemas["A"], schemas)["properties"]["again"]
