"""Parameters of models that operators add: what the schema's fields are as such, and what of them a line offers."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from atelier.domain.model_lines import LineParam, Unusable
from atelier.domain.params import Param, ParamType, Safety
from atelier.providers.schemas import Field, Schema

_LEVELS: Final = ("block_low_and_above", "block_medium_and_above", "block_only_high", "block_none", "block_fewest")


def plain(found: Field, wanted: LineParam | None) -> Param | None:
    """A parameter whose values are bounded by the schema, or by the line; None for any other."""
    number = found.of_type("integer", "number")
    if number is not None or (found.choices and not any(isinstance(each, str) for each in found.choices)):
        return _number(found, number or {"type": "integer"}, wanted)
    return _text(found, wanted)


def _number(found: Field, schema: Schema, wanted: LineParam | None) -> Param | None:
    kind = ParamType.NUMBER if schema["type"] == "number" else ParamType.INTEGER
    default, (least, most) = _scalar(found.default), found.bounds
    if found.choices:
        return Param(found.name, kind, choices=found.choices, default=default)
    least = wanted.minimum if least is None and wanted else least
    most = wanted.maximum if most is None and wanted else most
    is_bounded = least is not None and most is not None
    if not is_bounded and not (wanted and (wanted.choices or wanted.price_factors)):
        return None
    return Param(found.name, kind, minimum=least, maximum=most, default=default)


def _text(found: Field, wanted: LineParam | None) -> Param | None:
    default = _scalar(found.default)
    if found.of_type("boolean"):
        return Param(found.name, ParamType.BOOLEAN, default=default)
    if found.choices and all(isinstance(each, str) for each in found.choices):
        usual = default if default in found.choices else None
        return Param(found.name, ParamType.TEXT, choices=found.choices, default=usual)
    text = found.of_type("string")
    if text and text.get("format") != "uri" and wanted and (wanted.choices or wanted.price_factors):
        return Param(found.name, ParamType.TEXT, default=default)
    return None


def _scalar(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else None


def fixed(param: Param, value: Any) -> Param:
    """The parameter with this as its only value, which is sent."""
    return replace(param, choices=(value,), minimum=None, maximum=None, default=value, always_sent=True)


def narrowed(param: Param, wanted: LineParam) -> Param:
    """The parameter as the line offers it. Raises Unusable for values that the schema does not have."""
    choices = tuple(wanted.choices) if wanted.choices else ()
    if wanted.price_factors:
        priced = tuple(_value_of(text, param) for text in wanted.price_factors)
        choices = tuple(each for each in choices if each in priced) if choices else priced
    _check_values(param, [*choices, *([wanted.default] if wanted.default is not None else [])])
    changed = replace(param, price_factors=dict(wanted.price_factors))
    if choices:
        in_order = tuple(each for each in param.choices if each in choices) or choices
        changed = replace(changed, choices=in_order, minimum=None, maximum=None)
    elif not param.choices and param.minimum is not None and param.maximum is not None:
        least = max(param.minimum, wanted.minimum) if wanted.minimum is not None else param.minimum
        most = min(param.maximum, wanted.maximum) if wanted.maximum is not None else param.maximum
        changed = replace(changed, minimum=least, maximum=most)
    default = _default_of(changed, wanted)
    if wanted.price_factors and default is None:
        raise Unusable(f"params: {param.name} changes the price, so it needs a default among {_listed(changed)}.")
    told = wanted.default is not None or bool(wanted.price_factors) or len(changed.choices) == 1
    return replace(changed, default=default, always_sent=param.always_sent or (told and default is not None))


def _default_of(param: Param, wanted: LineParam) -> Any:
    """The line's default, or the schema's if it is still offered."""
    default = wanted.default if wanted.default is not None else param.default
    try:
        return param.checked(default)
    except ValueError:
        # What loosens a check has one, as the caps of the deployment go by it.
        only = len(param.choices) == 1 or param.safety is not None
        return (param.choices[-1] if param.choices else param.maximum) if only else None


def _listed(param: Param) -> str:
    return ", ".join(map(str, param.choices))


def _check_values(param: Param, values: Sequence[Any]) -> None:
    for each in values:
        try:
            param.checked(each)
        except ValueError as error:
            raise Unusable(f"params: {param.name} {error}.") from None


def _value_of(text: str, param: Param) -> Any:
    """The value that a key of price factors means."""
    if param.type is ParamType.TEXT:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if value is None:
        raise Unusable(f"params: {param.name} has no value {text}.")
    return value


def safety(found: Field) -> Param | None:
    """The parameter, if it is one that loosens what the provider checks."""
    name = found.name
    if name == "safety_tolerance":
        return _tolerance(found)
    if name == "safety_filter_level":
        levels = tuple(each for each in _LEVELS if each in found.choices)
        default = found.default if found.default in levels else levels[-1] if levels else None
        return Param(name, ParamType.TEXT, choices=levels, default=default, safety=Safety.LEVEL) if levels else None
    if name == "moderation" and found.choices and found.default in found.choices:
        return Param(name, ParamType.TEXT, choices=found.choices, default=found.default, safety=Safety.CHECKER)
    if "safety" in name and found.of_type("boolean"):
        usual = not name.startswith(("disable", "skip"))
        default = found.default if isinstance(found.default, bool) else usual
        return Param(name, ParamType.BOOLEAN, default=default, safety=Safety.CHECKER)
    return None


def _tolerance(found: Field) -> Param | None:
    # A default that is not told may be the loosest.
    if texts := tuple(sorted((each for each in found.choices if re.fullmatch(r"[0-9]", str(each))), key=str)):
        kind = ParamType.TEXT if isinstance(texts[0], str) else ParamType.INTEGER
        default = found.default if found.default in texts else texts[-1]
        return Param(found.name, kind, choices=texts, default=default, safety=Safety.TOLERANCE)
    least, most = found.bounds
    if least is None or most is None:
        return None
    default = found.default if isinstance(found.default, int) else int(most)
    return Param(found.name, ParamType.INTEGER, minimum=least, maximum=most, default=default, safety=Safety.TOLERANCE)
