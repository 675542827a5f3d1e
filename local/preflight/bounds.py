"""Checks values against the shapes of botocore's service models: what the service checks and the SDK does not.

botocore itself refuses unknown members, wrong types and too short texts. The lengths of lists, the greatest numbers and
lengths, enums and patterns are in the same models, for the service to enforce.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from local.preflight.violation import Rule, Violation

_INTEGERS: Final = ("integer", "long")
_NUMBERS: Final = (*_INTEGERS, "float", "double")


@cache
def service(name: str) -> ServiceModel:
    """The model of a service."""
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def input_shape(service_name: str, operation: str) -> StructureShape:
    """The input shape of an operation."""
    shape = service(service_name).operation_model(operation).input_shape
    if not isinstance(shape, StructureShape):
        raise TypeError(f"{service_name} {operation} takes nothing")
    return shape


def violations(value: Any, shape: Shape, *, at: str) -> Iterator[Violation]:
    """The violations of a service's bounds in `value`. The resource of each violation is empty: the caller knows it."""
    check = _CHECKS.get(shape.type_name)
    if check:
        yield from check(value, shape, at)
    elif shape.type_name in _NUMBERS:
        yield from _number(value, shape, at)


def _broken(rule: Rule, at: str, detail: str) -> Violation:
    return Violation("", rule, f"{at} {detail}")


def _structure(value: Any, shape: Any, at: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        yield _broken("type", at, f"is {type(value).__name__}, not a structure")
        return
    for name in sorted(set(value) - set(shape.members)):
        yield _broken("unknown", f"{at}.{name}", f"is none of {', '.join(shape.members)}")
    for name in sorted(set(shape.required_members) - set(value)):
        yield _broken("required", f"{at}.{name}", "is missing")
    for name in set(value) & set(shape.members):
        yield from violations(value[name], shape.members[name], at=f"{at}.{name}")


def _list(value: Any, shape: ListShape, at: str) -> Iterator[Violation]:
    if not isinstance(value, list):
        yield _broken("type", at, f"is {type(value).__name__}, not a list")
        return
    yield from _size(len(value), shape, at, "items")
    for position, each in enumerate(value):
        yield from violations(each, shape.member, at=f"{at}[{position}]")


def _map(value: Any, shape: MapShape, at: str) -> Iterator[Violation]:
    if not isinstance(value, Mapping):
        yield _broken("type", at, f"is {type(value).__name__}, not a map")
        return
    yield from _size(len(value), shape, at, "entries")
    for name, each in value.items():
        yield from violations(name, shape.key, at=f"{at} key {name!r}")
        yield from violations(each, shape.value, at=f"{at}.{name}")


def _string(value: Any, shape: Shape, at: str) -> Iterator[Violation]:
    if isinstance(value, dict | list):
        yield _broken("type", at, f"is {type(value).__name__}, not a text")
        return
    text = str(value).lower() if isinstance(value, bool) else str(value)
    yield from _size(len(text), shape, at, "characters")
    enum, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if enum and text not in enum:
        yield _broken("enum", at, f"is {text!r}, none of {', '.join(enum)}")
    if pattern and not _matches(pattern, text):
        yield _broken("pattern", at, f"is {text!r}, which does not match {pattern}")


def _boolean(value: Any, _: Shape, at: str) -> Iterator[Violation]:
    if str(value).lower() not in ("true", "false"):
        yield _broken("type", at, f"is {value!r}, not a boolean")


def _number(value: Any, shape: Shape, at: str) -> Iterator[Violation]:
    # CloudFormation turns texts into numbers where a number is wanted; parameters are always texts.
    try:
        number = int(str(value)) if shape.type_name in _INTEGERS else float(str(value))
    except ValueError:
        yield _broken("type", at, f"is {value!r}, not a number")
        return
    yield from _size(number, shape, at, "")


def _size(size: float, shape: Shape, at: str, unit: str) -> Iterator[Violation]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _broken("min", at, f"has {size} {unit}, at least {least} are needed".replace("  ", " "))
    if most is not None and size > most:
        yield _broken("max", at, f"has {size} {unit}, at most {most} are allowed".replace("  ", " "))


_CHECKS: Final[Mapping[str, Callable[[Any, Any, str], Iterator[Violation]]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "boolean": _boolean,
}


def _matches(pattern: str, text: str) -> bool:
    compiled = compiled_pattern(pattern)
    return compiled is None or compiled.fullmatch(text) is not None


@cache
def compiled_pattern(pattern: str) -> "re.Pattern[str] | None":
    """A pattern of a service model, which is Java's, for Python; None for one that Python cannot express."""
    translated = re.sub(r"\\p\{(L|M|S|N|P|Z)\}", lambda found: _ranges(found[1]), pattern)
    translated = translated.replace(r"\p{Print}", r"\x20-\x7e")
    # `(?i)` in the middle counts from there in Java and is refused by Python, which has `(?i:...)`.
    translated = re.sub(r"\(\?i\)([^)]*)\)", r"(?i:\1))", translated)
    try:
        return re.compile(translated)
    except re.error:
        return None


@cache
def _ranges(category: str) -> str:
    """Unicode's category as ranges for a class of characters."""
    points = [each for each in range(sys.maxunicode + 1) if unicodedata.category(chr(each)).startswith(category)]
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)
