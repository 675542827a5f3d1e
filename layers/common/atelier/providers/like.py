"""A model of the catalog, made of an operator's line and a built-in model of a provider that publishes no schemas.

What is sent and how, files, options and limits are those of the built-in model. Names, price and life cycle are the
line's, and so is what multiplies the price.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from atelier.domain.catalog import Lifecycle, Model
from atelier.domain.model_lines import ConfiguredModel, Unusable
from atelier.domain.params import Param, choice
from atelier.providers.bedrock import BEDROCK, maker_of
from atelier.providers.derived import check_price
from atelier.providers.derived_params import fixed, narrowed
from atelier.providers.polly import ENGINE, POLLY, VOICES_BY_LANGUAGE, engine_of

_LIMITS: Final[Mapping[str, dict[str, Any]]] = {
    "aspect_ratio": {"aspect_ratios": ()},
    "duration": {"seconds": None},
    "voice": {"voices": (), "voices_by_language": {}},
}
"""What goes with an option that is left out."""


def model_like(line: ConfiguredModel, built_in: Iterable[Model]) -> Model:
    """The model. Raises Unusable, which says why: there is no such model, or it has not what the line says of it."""
    like = _without(_named(line, built_in), line.without)
    for name in line.params:
        if name not in {param.name for param in like.params}:
            raise Unusable(f"params: {name} is no parameter of {like.id}.")
    like = replace(like, params=tuple(_param(param, line) for param in like.params))
    check_price(line, like.seconds, like.params)
    return replace(
        _of_polly(like, line) if line.provider == POLLY else like,
        id=line.model,
        aliases=tuple(line.aliases),
        spoken=like.spoken if line.spoken is None else line.spoken,
        price=line.price.price() if line.price else None,
        lifecycle=line.lifecycle,
        replacement=line.replacement,
        default=line.default and line.lifecycle is Lifecycle.ACTIVE,
    )


def _named(line: ConfiguredModel, built_in: Iterable[Model]) -> Model:
    same = [each for each in built_in if (each.provider, each.type) == (line.provider, line.type)]
    usable = [each for each in same if each.lifecycle is not Lifecycle.RETIRED]
    found = next((each for each in usable if each.answers_to(line.like or "")), None)
    if found is None:
        known = ", ".join(each.id for each in usable) or "none"
        what = f"is no built-in model of {line.provider} for {line.type}"
        raise Unusable(f"like: {line.like} {what}; there are: {known}.")
    if line.provider == BEDROCK and maker_of(line.model) != maker_of(found.id):
        # Another maker's models have other fields, and the worker's role may not invoke them.
        raise Unusable(f"like: {line.model} is not of the maker of {found.id}, so its fields are others.")
    return found


def _without(like: Model, names: Iterable[str]) -> Model:
    """The model without options and roles of files that the line's has not."""
    for name in names:
        if not (name in like.takes or any(spec.role == name and not spec.least for spec in like.inputs)):
            raise Unusable(f"without: {like.id} has no {name} that could be left out.")
        inputs = tuple(spec for spec in like.inputs if spec.role != name)
        like = replace(like, takes=like.takes - {name}, inputs=inputs, **_LIMITS.get(name, {}))
    return like


def _param(param: Param, line: ConfiguredModel) -> Param:
    """A parameter as the line offers it: the factors of the other model's price are not those of this one."""
    bare = replace(param, price_factors={})
    if wanted := line.params.get(param.name):
        return narrowed(bare, wanted)
    return fixed(bare, bare.default) if param.price_factors and line.price is not None else bare


def _of_polly(like: Model, line: ConfiguredModel) -> Model:
    """The engine is sent as a parameter that has no other value."""
    engine = line.engine or engine_of(like.id)
    model = replace(
        like,
        params=(*like.params, choice(ENGINE, engine, default=engine, always_sent=True)),
        stands_for={word: field for word, field in like.stands_for.items() if word != ENGINE},
    )
    if not line.voices:
        return model
    speaking = {
        language: tuple(each for each in voices if each in line.voices)
        for language, voices in VOICES_BY_LANGUAGE.items()
    }
    return replace(
        model,
        voices=tuple(line.voices),
        voices_by_language={language: voices for language, voices in speaking.items() if voices},
    )
