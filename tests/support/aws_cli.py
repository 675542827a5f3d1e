"""The command line of AWS, as far as it follows from the service models: operations, options, and their values."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import Shape, StructureShape

from local.preflight import bounds

SERVICES: Final = {"s3api": "s3"}
GLOBAL: Final = {"--query", "--output", "--region", "--profile", "--cli-binary-format", "--cli-read-timeout"}
# Commands that are no operations, with their options.
CUSTOM: Final = {
    ("logs", "tail"): {"--since", "--format", "--filter-pattern"},
    ("s3", "cp"): set[str](),
    ("s3", "rm"): set[str](),
    ("dynamodb", "wait"): {"--table-name"},
}


def problems(words: Sequence[str]) -> list[str]:
    """What the command line would not take of `aws <words>`; only the operation is asked of a mere mention of one."""
    service, operation, *rest = words
    options = dict(_options(rest))
    if (service, operation) in CUSTOM:
        return [f"no option {name}" for name in options if name not in CUSTOM[service, operation] | GLOBAL]
    try:
        model = bounds.service(SERVICES.get(service, service))
    except UnknownServiceError:
        return [f"no service {service}"]
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return [f"{service} has no operation {operation}"]
    return list(_problems(options, model.operation_model(names[operation]).input_shape)) if rest else []


def _options(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Options with their values, and under no name what stands before them."""
    name, values = "", list[str]()
    for word in words:
        if word.startswith("--"):
            if name:
                yield name, values
            name, values = word, []
        elif name:
            values.append(word)
    if name:
        yield name, values


def _problems(options: dict[str, list[str]], shape: Shape | None) -> Iterator[str]:
    members = shape.members if isinstance(shape, StructureShape) else {}
    takes = {f"--{xform_name(name, '-')}": name for name in members}
    given = {}
    for option, values in options.items():
        name = takes.get(option) or takes.get(option.replace("--no-", "--", 1))
        if name:
            given[name] = option
            yield from _unfit(option, values, members[name])
        elif option not in GLOBAL:
            yield f"no option {option}"
    required = shape.required_members if isinstance(shape, StructureShape) else []
    yield from (f"--{xform_name(name, '-')} is missing" for name in required if name not in given)


def _unfit(option: str, values: list[str], shape: Shape) -> Iterator[str]:
    if shape.type_name == "boolean":
        if values:
            yield f"{option} takes no value"
        return
    if not values:
        yield f"{option} has no value"
        return
    if not values[0].startswith("file://"):
        yield from (it.detail for it in bounds.violations(_value(values, shape), shape, at=option) if values != ["1"])


def _value(values: list[str], shape: Shape) -> Any:
    """A value as the command line reads it: JSON, the short form `A=b,C=d`, or a text."""
    text = values[0]
    if shape.type_name in ("structure", "map", "list") and text[:1] in "[{":
        return json.loads(text)
    if shape.type_name == "list":
        return values
    if shape.type_name in ("structure", "map"):
        return dict(each.split("=", 1) for each in text.split(","))
    return text
