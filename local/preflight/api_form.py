"""CloudFormation's properties in the form that the service's API takes them in.

The names are mostly the same, apart from case. CloudFormation has plain lists where CloudFront wants their length
beside them, and structures where others want JSON.
"""

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Names = Mapping[str, str]


def in_api_form(value: Any, shape: Shape | None, names: Names) -> Any:
    """`value` as an argument of this shape. `names` has the API's name of properties that are called otherwise."""
    if isinstance(shape, StructureShape):
        return _structure(value, shape, names)
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [in_api_form(each, shape.member, names) for each in value]
    if isinstance(shape, MapShape) and isinstance(value, list):  # tags
        return {each["Key"]: each["Value"] for each in value}
    if isinstance(shape, MapShape) and isinstance(value, Mapping):
        return {names.get(name, name): in_api_form(each, shape.value, names) for name, each in value.items()}
    if shape is not None and shape.type_name == "string" and isinstance(value, dict | list):  # policies and bodies
        return json.dumps(value, separators=(",", ":"))
    return value


def _structure(value: Any, shape: StructureShape, names: Names) -> Any:
    members = shape.members
    if {"Items", "Quantity"} <= set(members):
        value = _counted(value, is_switched="Enabled" in members)
    if not isinstance(value, Mapping):
        return value
    spelled = {name.lower(): name for name in members}
    renamed = {spelled.get(name.lower()) or names.get(name, name): each for name, each in value.items()}
    return {name: in_api_form(each, members.get(name), names) for name, each in renamed.items()}


def _counted(value: Any, *, is_switched: bool) -> Any:
    """A list as CloudFront takes it, with its length; CloudFormation writes it with or without `Items`."""
    if isinstance(value, list):
        value = {"Items": value}
    if not isinstance(value, Mapping) or "Items" not in value:
        return value
    items = value["Items"]
    return {"Quantity": len(items), **({"Enabled": bool(items)} if is_switched else {}), **value}
