"""Parameters: the words of a provider's own that `params` of a request may carry, each with its type and its limits.

What is not listed for a model is never sent to it. A word that one of the API's fields stands for is refused with the
name of that field, so that limits, prices and records know of it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, Final

from pydantic import JsonValue

from atelier.domain.errors import FieldError


class ParamType(StrEnum):
    """The JSON type of a value."""

    TEXT = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXTS = "array"


class Safety(StrEnum):
    """What a parameter can loosen.

    How much is tolerated: in numbers that rise, or in levels, of which the strictest comes first. Or whether anything
    is checked as the provider does by default.
    """

    TOLERANCE = "tolerance"
    LEVEL = "level"
    CHECKER = "checker"


@dataclass(frozen=True)
class Param:
    """One word of a model's input.

    Numbers have bounds or `choices`; texts have `choices` or a `pattern`, and a length. `form` says what a text of that
    pattern is, with an example; models that were stored before it have none. `default` is what the provider takes when
    it is not told, if that is known; with `always_sent` it is told all the same. `price_factors` say, by the value as
    JSON text, what a value multiplies the price by.
    """

    name: str
    type: ParamType
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str | int | float | bool, ...] = ()
    pattern: str | None = None
    form: str | None = None
    max_length: int | None = None
    max_items: int | None = None
    default: JsonValue = None
    always_sent: bool = False
    price_factors: Mapping[str, Decimal] = field(default_factory=dict, hash=False)
    safety: Safety | None = None

    def checked(self, value: JsonValue) -> JsonValue:
        """The value as it is sent. Raises ValueError that says what it must be."""
        good = _of_type(self.type, value)
        if good is None or not self._takes(good):
            raise ValueError(self._must_be())
        return good

    def factor(self, value: JsonValue) -> Decimal:
        """What the value, None for the default, multiplies the price by."""
        used = self.default if value is None else value
        by_value = {_key_of(text, self.type): factor for text, factor in self.price_factors.items()}
        return by_value.get(_key_of(used, self.type), Decimal(1))

    def _takes(self, value: Any) -> bool:
        if self.choices and value not in self.choices:
            return False
        if self.minimum is not None and value < self.minimum:
            return False
        if self.maximum is not None and value > self.maximum:
            return False
        if self.type is ParamType.TEXTS and not 0 < len(value) <= (self.max_items or 1):
            return False
        return all(self._takes_text(each) for each in _texts_of(value))

    def _takes_text(self, text: str) -> bool:
        fits = self.max_length is None or len(text) <= self.max_length
        return fits and (self.pattern is None or re.fullmatch(self.pattern, text) is not None)

    def _must_be(self) -> str:
        if self.choices:
            named = [f'"{each}"' if isinstance(each, str) else str(each).lower() for each in self.choices]
            return f"must be {named[0]}" if len(named) == 1 else f"must be one of {_listed(named)}"
        between = f" from {self.minimum:g} to {self.maximum:g}" if self.minimum is not None else ""
        form = self.form or ("in the form that the provider's schema gives" if self.pattern else "")
        return {
            ParamType.BOOLEAN: "must be true or false",
            ParamType.INTEGER: f"must be a whole number{between}",
            ParamType.NUMBER: f"must be a number{between}",
            ParamType.TEXT: f"must be a text of at most {self.max_length} characters{form and f', {form}'}",
            ParamType.TEXTS: f"must be a list of 1 to {self.max_items} texts{form and f', each {form}'}",
        }[self.type]


_MOST_LISTED: Final = 50


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (
        f" and {more} more, which GET /api/v3/providers lists" if more > 0 else ""
    )


_LONGEST_KEY: Final = 100


def _key_of(value: object, kind: ParamType) -> str:
    """A value as a key of price factors: 2, 2.0 and 2e0 are one number, however one of them is written."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)[:_LONGEST_KEY]
    if kind in (ParamType.INTEGER, ParamType.NUMBER):
        with suppress(InvalidOperation):
            return str(Decimal(text).normalize())
    return text


def _of_type(kind: ParamType, value: JsonValue) -> JsonValue:
    """The value in the form in which a parameter of this type is sent; None when it is none."""
    if isinstance(value, bool):
        return value if kind is ParamType.BOOLEAN else None
    if kind is ParamType.INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)  # JSON has one kind of number
    is_texts = isinstance(value, list) and all(isinstance(each, str) for each in value)
    fits = {
        ParamType.TEXT: isinstance(value, str),
        ParamType.INTEGER: isinstance(value, int),
        ParamType.NUMBER: isinstance(value, int | float),
        ParamType.TEXTS: is_texts,
    }
    return value if fits.get(kind, False) else None


def _texts_of(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


# ------------------------------------------------------------------------------------------------------ as one line


def integer(name: str, minimum: int, maximum: int, **more: Any) -> Param:
    """A whole number."""
    return Param(name, ParamType.INTEGER, minimum=minimum, maximum=maximum, **more)


def number(name: str, minimum: float, maximum: float, **more: Any) -> Param:
    """A number."""
    return Param(name, ParamType.NUMBER, minimum=minimum, maximum=maximum, **more)


def boolean(name: str, **more: Any) -> Param:
    """True or false."""
    return Param(name, ParamType.BOOLEAN, **more)


def choice(name: str, *choices: str, **more: Any) -> Param:
    """One of some texts."""
    return Param(name, ParamType.TEXT, choices=choices, **more)


def text(name: str, max_length: int, pattern: str | None = None, form: str | None = None, **more: Any) -> Param:
    """A text."""
    return Param(name, ParamType.TEXT, max_length=max_length, pattern=pattern, form=form, **more)


def texts(name: str, max_items: int, pattern: str, form: str) -> Param:
    """Some texts."""
    return Param(name, ParamType.TEXTS, max_items=max_items, pattern=pattern, form=form)


# --------------------------------------------------------------------------------------------------- of one request


def errors_of(
    params: Mapping[str, JsonValue], known: Iterable[Param], stands_for: Mapping[str, str], *, model: str
) -> list[FieldError]:
    """What a model does not take of the `params` of a request, each with its place.

    Only the first unknown word is answered with those that there are: a request may have thousands.
    """
    by_name = {param.name: param for param in known}
    takes = f"; it takes {_listed(sorted(by_name)) or 'none'}"
    errors = []
    for name, value in params.items():
        detail = None
        if name in stands_for:
            detail = f"send this as the top-level field {stands_for[name]}"
        elif name not in by_name:
            detail, takes = f"is no parameter of {model}{takes}", ""
        else:
            try:
                by_name[name].checked(value)
            except ValueError as error:
                detail = str(error)
        if detail:
            errors.append(FieldError(detail, pointer=pointer_to(name)))
    return errors


def checked(params: Mapping[str, JsonValue], known: Iterable[Param]) -> dict[str, JsonValue]:
    """The parameters as they are sent; they have been found to be right before."""
    by_name = {param.name: param for param in known}
    return {name: by_name[name].checked(value) for name, value in params.items()}


def pointer_to(name: str) -> str:
    """The place of a parameter in a request."""
    return f"/params/{name.replace('~', '~0').replace('/', '~1')}"


# -------------------------------------------------------------------------------------------------------- operators


def _default_of(param: Param) -> str | bool:
    return param.default if isinstance(param.default, str) else bool(param.default)


@dataclass(frozen=True)
class SafetyPolicy:
    """How far callers may loosen what providers check: up to which tolerance or level, and whether it is on."""

    tolerance: int = 2
    checker_may_be_off: bool = False

    def of(self, param: Param) -> Param:
        """The parameter as it is offered here. A default that is looser than allowed is replaced, and told."""
        if param.safety is Safety.CHECKER and not self.checker_may_be_off:
            return replace(param, choices=(_default_of(param),))
        if param.safety is Safety.LEVEL:
            return self._up_to_level(param)
        if param.safety is not Safety.TOLERANCE:
            return param
        # What tolerates more in its strictest form than is allowed is offered in that.
        most = max(self.tolerance, int(param.minimum or 0))
        allowed = tuple(each for each in param.choices if int(each) <= most) or param.choices[:1]
        is_within = int(str(param.default)) <= most
        default = param.default if is_within else allowed[-1] if allowed else most
        return replace(
            param,
            choices=allowed,
            maximum=None if param.maximum is None else min(param.maximum, most),
            default=default,
            always_sent=param.always_sent or default != param.default,
        )

    def _up_to_level(self, param: Param) -> Param:
        allowed = param.choices[: self.tolerance]
        default = param.default if param.default in allowed else allowed[-1]
        told = param.always_sent or default != param.default
        return replace(param, choices=allowed, default=default, always_sent=told)
