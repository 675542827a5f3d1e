"""Schemas of models as providers publish them, reduced to what says what a model takes and makes.

Titles, descriptions and examples are left out: a provider that rewords a page has not changed its model.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from atelier.domain.model_lines import ListedPrice, Unusable

Schema = Mapping[str, Any]

_KEPT: Final = frozenset(
    {
        *("type", "enum", "const", "default", "format", "pattern", "required", "nullable"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems"),
    }
)
_DEEPEST: Final = 12
_MOST_PARTS: Final = 20_000
_LARGEST: Final = 200_000
"""Characters of a snapshot as JSON: an item of the table holds 400 KB."""


@dataclass(frozen=True)
class Snapshot:
    """What a provider says of a model: the schemas of its input and its output, and what it lists."""

    input: Schema
    output: Schema
    deprecated: bool = False
    listed_price: ListedPrice | None = None

    @property
    def text(self) -> str:
        """Both schemas as JSON, the same for the same schemas. Raises Unusable for one that is too long to be kept."""
        text = json.dumps([self.input, self.output], sort_keys=True, separators=(",", ":"))
        if len(text) > _LARGEST:
            raise Unusable(f"Its schema is longer than {_LARGEST} characters.")
        return text

    @property
    def fields(self) -> frozenset[str]:
        """The names of what the input has."""
        return frozenset(self.input.get("properties", {}))

    @classmethod
    def of_text(cls, text: str) -> "Snapshot":
        """The schemas that were kept."""
        taken, made = json.loads(text)
        return cls(taken, made)


def hash_of(text: str) -> str:
    """The hash of a kept snapshot."""
    return hashlib.sha256(text.encode()).hexdigest()


def reduced(schema: object, schemas: Schema) -> Schema:
    """A schema with its references resolved; `schemas` are those that it may refer to by name.

    Raises Unusable for one of too many parts: a few that refer to each other can unfold to billions.
    """
    return _Reduction(schemas).of(schema)


class _Reduction:
    def __init__(self, schemas: Schema) -> None:
        self._schemas = schemas
        self._left = _MOST_PARTS

    def of(self, schema: object, depth: int = 0) -> Schema:
        if not isinstance(schema, Mapping) or depth > _DEEPEST:
            return {}
        self._left -= 1
        if self._left < 0:
            raise Unusable(f"Its schema has more than {_MOST_PARTS} parts.")
        if isinstance(schema.get("$ref"), str):
            return self._referred_to(schema, depth + 1)
        if isinstance(kinds := schema.get("type"), list):
            return self.of({**schema, "type": next((each for each in kinds if each != "null"), None)}, depth)
        return self._with_parts(schema, depth)

    def _with_parts(self, schema: Schema, depth: int) -> Schema:
        kept: dict[str, Any] = {name: schema[name] for name in sorted(_KEPT & schema.keys())}
        if isinstance(required := kept.get("required"), list):
            kept["required"] = sorted(map(str, required))
        if isinstance(fields := schema.get("properties"), Mapping):
            kept["properties"] = {str(name): self.of(each, depth + 1) for name, each in fields.items()}
        if isinstance(items := schema.get("items"), Mapping):
            kept["items"] = self.of(items, depth + 1)
        for name in ("anyOf", "oneOf"):
            if isinstance(listed := schema.get(name), list):
                kept["anyOf"] = [self.of(each, depth + 1) for each in listed]
        for each in schema.get("allOf", []) if isinstance(schema.get("allOf"), list) else ():
            kept = {**self.of(each, depth + 1), **kept}
        return kept

    def _referred_to(self, schema: Schema, depth: int) -> Schema:
        """What a reference names, with what stands beside the reference."""
        aside = {name: value for name, value in schema.items() if name != "$ref"}
        named = schema["$ref"].rpartition("/")[2]
        return {**self.of(self._schemas.get(named), depth), **self.of(aside, depth)}


def changes_between(before: Snapshot, after: Snapshot) -> str:
    """Which fields of input and output came, went and changed, in words."""
    said = []
    for what, one, other in (("input", before.input, after.input), ("output", before.output, after.output)):
        old, new = one.get("properties", {}), other.get("properties", {})
        said += [f"{what} has {name}" for name in sorted(new.keys() - old.keys())]
        said += [f"{what} no longer has {name}" for name in sorted(old.keys() - new.keys())]
        said += [f"{what} has another {name}" for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
        if not said and one != other:
            said.append(f"{what} is another")
    return "; ".join(said)


def deprecated_by(provider: str) -> str:
    """The report of a model that its provider has deprecated."""
    return f"{provider} says that it is deprecated."


def repriced(before: ListedPrice | None, after: ListedPrice | None) -> str:
    """The report of another price."""
    return f"{after or 'no price'}, after {before or 'none'}."


@dataclass(frozen=True)
class Field:
    """A field of an input: the schemas of which a value may be any, without null."""

    name: str
    any_of: tuple[Schema, ...]
    default: Any
    required: bool

    def of_type(self, *names: str) -> Schema | None:
        """The first of its schemas of such a type."""
        return next((each for each in self.any_of if each.get("type") in names), None)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values that it lists, in their order."""
        listed = (
            value for each in self.any_of for value in each.get("enum", [each["const"]] if "const" in each else [])
        )
        return tuple(value for value in listed if value is not None)

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the largest number that it takes."""
        number = self.of_type("integer", "number") or {}
        least, most = number.get("minimum"), number.get("maximum")
        step = 1 if number.get("type") == "integer" else 0
        if least is None and step and "exclusiveMinimum" in number:
            least = number["exclusiveMinimum"] + step
        if most is None and step and "exclusiveMaximum" in number:
            most = number["exclusiveMaximum"] - step
        return least, most


def fields_of(schema: Schema) -> dict[str, Field]:
    """The fields of an input, by their names."""
    required = schema.get("required", [])
    found = {}
    for name, each in schema.get("properties", {}).items():
        schemas = tuple(one for one in each.get("anyOf", [each]) if one.get("type") != "null")
        default = each.get("default", next((one["default"] for one in schemas if "default" in one), None))
        found[name] = Field(name, schemas, default, name in required)
    return found
