"""A model of the catalog, made of an operator's line and the provider's schema.

The names of a schema's fields say which of our options and inputs they are. What is none of them becomes a parameter,
if its values are bounded; a word that can change the price is offered only with values that the line has a factor for.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, get_args

from atelier.domain.catalog import ANY_LENGTH, GROWTH, USUAL_FACTOR, Lifecycle, Model, Seconds, Unit
from atelier.domain.input_files import MOST_INPUTS, InputRole, InputSpec
from atelier.domain.model_lines import ConfiguredModel, LineParam, NewModel, Unusable
from atelier.domain.params import Param, ParamType
from atelier.domain.schema import MOST_DOLLARS
from atelier.domain.task_creation import BODIES
from atelier.domain.tasks.record import TaskType
from atelier.domain.tasks.requests import MOST_OUTPUTS, TYPED_OPTIONS, AspectRatio
from atelier.providers.derived_params import fixed, narrowed, plain, safety
from atelier.providers.forms import SIZES
from atelier.providers.schemas import Field, Schema, Snapshot, fields_of

_PROMPTS: Final = ("prompt", "text")
_COUNTS: Final = ("num_images", "num_outputs", "number_of_images", "num_videos")
_VOICES: Final = ("voice", "voice_id", "voice_setting")
_SECONDS: Final = ("duration", "duration_seconds", "seconds_total", "seconds", "music_length_ms", "duration_ms")
_RATIOS: Final = get_args(AspectRatio)
_USUAL_PROMPT: Final = 5000
_LONGEST: Final = {TaskType.VIDEO: (1.0, 60.0), TaskType.AUDIO: (0.5, 600.0)}
"""Seconds that a request may ask for."""
_COSTLY: Final = frozenset(
    {
        *("resolution", "target_resolution", "quality", "mode", "rendering_speed", "megapixels", "image_size"),
        *("generate_audio", "enable_audio", "with_audio", "audio", "sound", "enable_prompt_expansion"),
        *("fps", "frames_per_second", "num_frames", "upscale_factor", "scale", "service_tier", "thinking_level"),
        *("enable_web_search", "enable_google_search", "output_resolution", "turbo_mode", "enhance_prompt"),
    }
)
"""Words that change the price of some models: at which value they do is in no schema."""
_FILES: Final = "(images?|videos?|audios?|clips?|songs?|outputs?|results?|samples?|variations?|variants?|batch(es)?)"
_COUNTING: Final = re.compile(
    rf"n|(num|n|max|total|number_of|no_of)_(\w+_)?{_FILES}(_per_\w+)?|{_FILES}_(count|number)|batch_size"
    r"|images|videos|outputs|results|samples|variations"
)
"""Words for how many files a job makes beside those that `num_outputs` asks for: all are charged, and none is kept."""
_NEVER: Final = re.compile(r"sync_mode|webhook|callback|url|uri|path|prompt|safety|moderation|^width$|^height$|lora")
"""Words that are not offered: addresses, prompts beside the prompt, sizes that limits and prices would not know."""
_ROLES: Final[tuple[tuple[InputRole, re.Pattern[str]], ...]] = (
    (InputRole.MASK, re.compile(r"mask(_image)?(_url)?")),
    (InputRole.END_IMAGE, re.compile(r"(end|tail|last_frame)(_image)?(_url)?|last_image(_url)?")),
    (InputRole.START_IMAGE, re.compile(r"(start|first_frame)(_image)?(_url)?|first_image(_url)?")),
    (
        InputRole.REFERENCE,
        re.compile(r"ref(erence)?_images?(_urls?)?|image_urls|images|input_images?(_urls?)?|image_input"),
    ),
    (InputRole.VIDEO, re.compile(r"(input_)?videos?(_urls?)?")),
    (InputRole.AUDIO, re.compile(r"(input_)?audios?(_urls?)?")),
)
"""Which input a field is, by its name; `image_url` and `image` depend on what is made."""
_IMAGE: Final = ("image_url", "image")
_MOST_PARAMS: Final = 200
_USUAL_MOST: Final = 10
"""Files of a role that takes several, where the schema does not say how many."""
_WITHOUT_PROMPT: Final = (TaskType.UPSCALE, TaskType.REMOVE_BACKGROUND)
_OPTIONS: Final = frozenset({*_PROMPTS, *_COUNTS, *_VOICES, *_SECONDS, *TYPED_OPTIONS})
"""Words that are options of requests, also where they cannot be one of a model."""
_MEDIA: Final[Mapping[str, tuple[str, ...]]] = {
    TaskType.IMAGE: ("images", "image"),
    TaskType.VIDEO: ("video", "videos"),
    TaskType.AUDIO: ("audio", "audios", "audio_file"),
}
"""The keys of fal's outputs by their medium."""


def derived(line: NewModel | ConfiguredModel, snapshot: Snapshot) -> Model:
    """The model. Raises Unusable, which says why, for one that nobody could use or whose price would not be known."""
    try:
        return _Derivation(line, fields_of(snapshot.input)).model(snapshot)
    except (AttributeError, KeyError, TypeError, ValueError) as failure:
        raise Unusable("Its schema is in no form that is known.") from failure


@dataclass
class _Derivation:
    line: NewModel | ConfiguredModel
    fields: dict[str, Field]
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def model(self, snapshot: Snapshot) -> Model:
        line = self.line
        _check_output(line, snapshot.output)
        prompt_limit = self._prompt()
        most_outputs, seconds, ratios, voices = self._count(), self._seconds(), self._ratios(), self._voices()
        for option in ("seed", "negative_prompt"):
            self._take(option, option, "same")
        self._factor()
        inputs = self._inputs()
        params = self._params()
        self._check_nothing_is_missing({param.name for param in params})
        check_price(line, seconds, params)
        takes = frozenset(self.names.keys() - {"prompt", "num_outputs"})
        return Model(
            line.model,
            line.provider,
            line.type,
            takes=takes,
            aliases=tuple(line.aliases),
            prompt_limit=prompt_limit,
            spoken="voice" in takes if line.spoken is None else line.spoken,
            max_outputs=most_outputs,
            seconds=seconds,
            aspect_ratios=ratios,
            voices=voices,
            params=params,
            inputs=inputs,
            stands_for=self._stands_for(),
            price=line.price.price() if line.price else None,
            lifecycle=line.lifecycle,
            replacement=line.replacement,
            default=line.default and line.lifecycle is Lifecycle.ACTIVE,
            names=self.names,
        )

    # ------------------------------------------------------------------------------------------------------- options

    def _take(self, option: str, word: str, form: str) -> bool:
        """Have a field be an option of ours, if the model has it and requests of its type do."""
        has = option in BODIES[self.line.type].model_fields
        if word not in self.fields or not has:
            return False
        self.names[option] = (word, form)
        self.used.add(word)
        return True

    def _first(self, words: Sequence[str]) -> Field | None:
        return next((self.fields[word] for word in words if word in self.fields), None)

    def _prompt(self) -> int:
        found = self._first(_PROMPTS)
        if found is None and self.line.type in _WITHOUT_PROMPT:
            return 0
        if found is None or not (text := found.of_type("string")):
            raise Unusable(f"Its input has no prompt: none of {', '.join(_PROMPTS)}.")
        self._take("prompt", found.name, "same")
        return min(int(text.get("maxLength", _USUAL_PROMPT)), ANY_LENGTH)

    def _count(self) -> int:
        found = self._first(_COUNTS)
        if found is None or not self._take("num_outputs", found.name, "same"):
            return 1
        listed = [each for each in found.choices if isinstance(each, int)]
        most = max(listed) if listed else found.bounds[1]
        return MOST_OUTPUTS if most is None else max(1, min(int(most), MOST_OUTPUTS))

    def _seconds(self) -> Seconds | None:
        found = self._first(_SECONDS)
        if found is None or self.line.type not in _LONGEST:
            return None
        scale = 1000 if found.name.endswith("_ms") else 1
        least, most = _LONGEST[self.line.type]
        made, form = _durations(found, scale)
        if isinstance(made, Seconds):
            shortest, longest = max(made.shortest, least), min(made.longest, most)
            shortest = math.ceil(shortest) if made.whole else shortest
            default = min(max(made.default, shortest), longest)
            seconds = Seconds(shortest, default, longest, whole=made.whole) if shortest <= longest else None
        else:
            only = tuple(each for each in made if least <= each <= most)
            asked = _number_in(found.default) or 0
            default = asked / scale if asked / scale in only else next((each for each in only if each >= 5), 0)  # noqa: PLR2004
            seconds = Seconds(min(only), default or max(only), max(only), only=only) if only else None
        return seconds if seconds and self._take("duration", found.name, form) else None

    def _ratios(self) -> tuple[str, ...]:
        if "aspect_ratio" not in BODIES[self.line.type].model_fields:
            return ()
        if ratio := self.fields.get("aspect_ratio"):
            known = tuple(each for each in ratio.choices if each in _RATIOS)
            return known if known and self._take("aspect_ratio", "aspect_ratio", "same") else ()
        size = self.fields.get("image_size")
        if size is None or self.line.provider != "fal" or "image_size" in self.line.params:
            return ()
        any_sides, named = size.of_type("object") is not None, size.choices
        known = tuple(
            ratio for ratio, word in SIZES.items() if (any_sides if isinstance(word, dict) else word in named)
        )
        if any_sides and self._is_by_megapixel():
            self._take("size", "image_size", "sides")
        return known if known and self._take("aspect_ratio", "image_size", "size_of") else ()

    def _is_by_megapixel(self) -> bool:
        # Other prices are those of the usual size: what larger ones cost nobody knows.
        return self.line.price is None or self.line.price.per is Unit.MEGAPIXEL

    def _voices(self) -> tuple[str, ...]:
        found = self._first(_VOICES)
        if found is None:
            return ()
        if within := found.of_type("object"):
            inner = fields_of(within).get("voice_id")
            taken = inner is not None and self._take("voice", found.name, "voice_setting")
            return tuple(map(str, inner.choices)) if inner and taken else ()
        return tuple(map(str, found.choices)) if self._take("voice", found.name, "same") else ()

    def _factor(self) -> None:
        """By how much a picture grows, unless that changes the price."""
        found = self._first(GROWTH)
        if found is None or self.line.price is not None or found.name in self.line.params:
            return
        usual = {"same": USUAL_FACTOR, "text": str(USUAL_FACTOR), "times": f"{USUAL_FACTOR}x"}
        if found.choices:
            form = next((form for form, value in usual.items() if value in found.choices), None)
        else:
            form = "text" if found.of_type("string") else "same"
        if form:
            self._take("upscale_factor", found.name, form)

    def _inputs(self) -> tuple[InputSpec, ...]:
        """The files that it takes: of each role, in the first field that is one."""
        specs: dict[InputRole, InputSpec] = {}
        for each in self.fields.values():
            role, several = self._role(each.name), each.of_type("array")
            if role is None or role in specs or not (several or each.of_type("string")) or each.choices:
                continue
            self.used.add(each.name)
            most = int(several.get("maxItems", _USUAL_MOST)) if several else 1
            least = max(1, int(several.get("minItems", 1)) if several else 1) if each.required else 0
            specs[role] = InputSpec(role, each.name, several is not None, least, max(1, min(most, MOST_INPUTS)))
        return tuple(specs.values())

    def _role(self, name: str) -> InputRole | None:
        if name in _IMAGE:
            return InputRole.START_IMAGE if self.line.type is TaskType.VIDEO else InputRole.REFERENCE
        return next((role for role, names in _ROLES if names.fullmatch(name)), None)

    def _stands_for(self) -> dict[str, str]:
        named: dict[str, list[str]] = {}
        for option, (word, _) in self.names.items():
            if word != option:
                named.setdefault(word, []).append(option)
        for name in self.used - {word for word, _ in self.names.values()}:
            named[name] = ["inputs"]
        return {word: " or ".join(sorted(options)) for word, options in named.items()}

    # ---------------------------------------------------------------------------------------------------- parameters

    def _params(self) -> tuple[Param, ...]:
        for name in self.line.params:
            if name in self.used or name not in self.fields:
                what = "is an option of requests" if name in self.used else "is no field of its input"
                raise Unusable(f"params: {name} {what}.")
        every = (self._param(each) for name, each in self.fields.items() if name not in self.used)
        found = tuple(each for each in every if each is not None)
        if len(found) > _MOST_PARAMS:
            raise Unusable(f"Its input has more than {_MOST_PARAMS} parameters.")
        return found

    def _param(self, field_: Field) -> Param | None:
        wanted = self.line.params.get(field_.name)
        if safe := safety(field_):
            return narrowed(safe, wanted) if wanted else safe
        if wanted is None and _counts(field_):
            return _counted(field_)
        if wanted is None and (_NEVER.search(field_.name) or field_.name in _OPTIONS):
            return None
        param = plain(field_, wanted)
        if wanted:
            if param is None:
                raise Unusable(f"params: {field_.name} has no values that could be offered.")
            return narrowed(param, wanted)
        if param is None or param.name not in _COSTLY or self.line.price is None:
            return param
        return None if param.default is None else fixed(param, param.default)

    # -------------------------------------------------------------------------------------------------------- checks

    def _check_nothing_is_missing(self, params: set[str]) -> None:
        missing = [
            name
            for name, each in self.fields.items()
            if each.required and each.default is None and name not in self.used
            if not (name in params and (wanted := self.line.params.get(name)) and _is_told(wanted))
        ]
        if missing:
            raise Unusable(f"Its input needs {', '.join(missing)}, which no request has.")


def check_price(line: NewModel | ConfiguredModel, seconds: Seconds | None, params: Iterable[Param]) -> None:
    """Raise Unusable for a price by the second of what has no duration, and for one that no amount can say."""
    price = line.price
    if price is None:
        return
    if price.per is Unit.SECOND and seconds is None and line.type in _LONGEST:
        raise Unusable("Its price is by the second, and its input has no duration.")
    factors = (max(each.price_factors.values(), default=Decimal(1)) for each in params)
    if math.prod(factors, start=max(price.amount, price.further_amount or Decimal(0))) > MOST_DOLLARS:
        raise Unusable(f"Its price times its factors is more than {MOST_DOLLARS} US dollars.")


def _counts(found: Field) -> bool:
    is_whole = found.of_type("integer") or (found.choices and all(isinstance(each, int) for each in found.choices))
    return bool(is_whole) and _COUNTING.fullmatch(found.name) is not None


def _counted(found: Field) -> Param | None:
    """The parameter with one file as its only value, or as many as usual where that is none of its values."""
    least, most = found.bounds
    is_value = 1 in found.choices if found.choices else (least or 1) <= 1 <= (most or 1)
    only = 1 if is_value else found.default
    return None if only is None else fixed(Param(found.name, ParamType.INTEGER), only)


def _is_told(wanted: LineParam) -> bool:
    return wanted.default is not None or bool(wanted.choices and len(wanted.choices) == 1)


# ------------------------------------------------------------------------------------------------------------- outputs


def _check_output(line: NewModel | ConfiguredModel, output: Schema) -> None:
    """Raise Unusable for an output that has no medium of the line's type."""
    if line.provider == "replicate":
        if not any(_uris(output)):
            raise Unusable("Its output has no file.")
        return
    keys = output.get("properties", {})
    known = {key for names in _MEDIA.values() for key in names}
    if not any(key in keys for key in _MEDIA[line.type.medium]):
        has = ", ".join(sorted(known & keys.keys())) or "none"
        raise Unusable(f"Its output has no {line.type.medium}; files that it has: {has}.")


def _uris(schema: Schema) -> Iterator[bool]:
    yield schema.get("format") == "uri"
    items = [schema["items"]] if "items" in schema else []
    for each in (*items, *schema.get("anyOf", ()), *schema.get("properties", {}).values()):
        yield from _uris(each)


# ----------------------------------------------------------------------------------------------------------- durations


def _number_in(value: object) -> float | None:
    """The number of seconds that a value says: 5, "5" or "5s"."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)s?", value) if isinstance(value, str) else None
    return float(found[1]) if found else None


def _durations(found: Field, scale: int) -> tuple[Seconds | tuple[float, ...], str]:
    """The durations of a field, from one to another or each, and the form in which it takes one."""
    if values := [each for each in found.choices if _number_in(each) is not None]:
        numbers = tuple(sorted((_number_in(each) or 0) / scale for each in values))
        texts = [each for each in values if isinstance(each, str)]
        if texts:
            return numbers, "with_unit" if texts[0].endswith("s") else "text"
        return numbers, "milliseconds" if scale > 1 else "whole" if found.of_type("integer") else "same"
    number = found.of_type("integer", "number")
    if number is None:
        return (), "same"
    whole, default = number["type"] == "integer", _number_in(found.default)
    least, most = found.bounds
    form = "milliseconds" if scale > 1 else "whole" if whole else "same"
    usual = default if default is not None else least
    if usual is None or (most is None and default is None):
        return (), form  # nobody knows what it makes
    shortest, longest = least if least is not None else usual, most if most is not None else usual
    durations = Seconds(
        math.ceil(shortest / scale * 10) / 10, usual / scale, longest / scale, whole=whole and scale == 1
    )
    return durations, form
