"""Requests as an attacker writes them, for any operation of the API's document; the same ones for the same seed.

JSON is made as text: much of what is hostile about it (numbers of absurd size and precision, duplicate keys, halves of
surrogate pairs, endless nesting) does not survive being a value of Python.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import quote, urlencode

from tests.contract.conformity import spec
from tests.support.hostile_words import ESCAPED, HEADERS, NUMBERS, TEXTS

MARKER: Final = "zwieback"
"""In every text that is made up here: it must not be found in any log."""

LARGEST: Final = 1_000_000
"""Characters of an array: more than any request may have."""


@dataclass
class Hostile:
    """One attacker. `ids` are ids of things that exist, by the name of the parameter or field that takes them."""

    random: Random
    ids: Mapping[str, str] = field(default_factory=dict)

    def request(self, method: str, path: str) -> dict[str, Any]:
        """Arguments for a call: `path`, `query`, `headers` and `raw`, mostly valid but for a few parts."""
        operation = spec()["paths"][path][method.lower()]
        by_place: dict[str, list[str]] = {}
        for each in operation.get("parameters", []):
            by_place.setdefault(each["in"], []).append(each["name"])
        made = {
            "path": self._path(path.removeprefix("/api/v3")),
            "query": self._query(by_place.get("query", [])),
            "headers": self._headers(by_place.get("header", [])),
        }
        takes_body = "requestBody" in operation or self._now_and_then(0.05) or path.startswith("/api/v3/webhooks")
        return {**made, "raw": self._body(operation) if takes_body and method not in ("GET", "HEAD") else None}

    # ------------------------------------------------------------------------------------------------------- parts

    def _path(self, template: str) -> str:
        parts = []
        for part in template.split("/"):
            if not part.startswith("{"):
                parts.append(part)
            elif self._now_and_then(0.7):
                parts.append(self._id(part.strip("{}")))
            else:
                parts.append(quote(self._text()[:300], safe="") or "x")
        return "/".join(parts)

    def _id(self, name: str) -> str:
        known = self.ids.get(name, "019aa0de-0000-7000-8000-000000000000")
        return str(self._one_of(known, known, known, known.upper(), known[:-1], known + "0", f"{known} "))

    def _query(self, names: list[str]) -> str:
        pairs = [(name, self._parameter(name)) for name in names if self._now_and_then(0.25)]
        if self._now_and_then(0.1):
            pairs.append((self._text()[:300], self._text()[:300]))
        if pairs and self._now_and_then(0.1):
            pairs.append(pairs[0])
        query = urlencode(pairs, errors="replace")
        broken = self._one_of("&a=%FF", "&%ED%A0%80=1", "&&&=&", "&%", "&a=%zz")
        return query + broken if self._now_and_then(0.1) else query

    def _parameter(self, name: str) -> str:
        return self._id(name) if name in self.ids and self._now_and_then(0.5) else self._text()[:4000]

    def _headers(self, names: list[str]) -> dict[str, str]:
        asked = {name: self._one_of(*HEADERS) for name in names if self._now_and_then(0.4)}
        if self._now_and_then(0.05):
            asked["content-type"] = self._one_of(
                "application/json; charset=x", "text/plain", "a/b;;=", "application/json;="
            )
        if self._now_and_then(0.05):
            asked["accept-encoding"] = self._one_of("gzip;q=x", "gzip" * 2000, ";,;", "*;q=1e9")
        return asked

    # -------------------------------------------------------------------------------------------------------- JSON

    def _body(self, operation: Mapping[str, Any]) -> str:
        if self._now_and_then(0.15):
            return self._whole_body()
        schema = _body_schema(operation)
        fields = {name: json.dumps(value) for name, value in _valid(schema, self.ids).items()}
        names = [*schema.get("properties", {}), "id", "user_id", "created_at"]
        for name in self.random.sample(names, min(len(names), self.random.randint(1, 3))):
            fields[name] = self._value(depth=3)
        if self._now_and_then(0.3):
            fields = dict(self.random.sample(sorted(fields.items()), k=self.random.randint(0, len(fields))))
        members = [f"{json.dumps(name)}: {text}" for name, text in fields.items()]
        if self._now_and_then(0.1):
            members.append(f"{self._string()}: {self._value(depth=2)}")
        if members and self._now_and_then(0.05):
            members.append(members[0])
        return "{" + ", ".join(members) + "}"

    def _whole_body(self) -> str:
        makers: list[Callable[[], str]] = [
            lambda: self._value(depth=4),
            lambda: '{"a":' * self.random.choice([50, 99, 101, 3000]),
            lambda: "[" * 20_000 + "]" * 20_000,
            lambda: "{" + ",".join(f'"k{number}":0' for number in range(self.random.choice([5, 101, 9000]))) + "}",
            lambda: '{"metadata": [' + ",".join(["{}"] * 20_000) + "]}",
            lambda: f'{{"{"k" * 200_000}": 1}}',
            lambda: '{"name": "' + self._one_of(*ESCAPED) + '"}',
            lambda: self._one_of(
                "", " ", "\ufeff{}", "{", "}", "[]", "null", "{}{}", "{]", '{"a"}', "\x00", "\ufffd", "'"
            ),
            lambda: "x" * 262_145,
        ]
        return self.random.choice(makers)()

    def _value(self, *, depth: int) -> str:
        kinds: list[Callable[[], str]] = [
            lambda: self._one_of(*NUMBERS),
            self._string,
            self._string,
            lambda: self._one_of("true", "false", "null", "[]", "{}", '[""]', '{"": {}}', "True", "undefined"),
        ]
        if depth:
            kinds += [lambda: self._array(depth - 1), lambda: self._object(depth - 1)]
        maker = self.random.choice(kinds)
        return maker()

    def _string(self) -> str:
        if self._now_and_then(0.1):
            return f'"{MARKER} {self._one_of(*ESCAPED)}"'
        return json.dumps(self._text(), ensure_ascii=self._now_and_then(0.5))

    def _array(self, depth: int) -> str:
        if self._now_and_then(0.1):
            return "[" * 60 + "]" * 60
        values = [self._value(depth=depth) for _ in range(self.random.randint(1, 4))]
        times = self._one_of(1, 1, 1, 200)
        if sum(map(len, values)) * times > LARGEST:  # arrays in arrays would be gigabytes
            times = 1
        return f"[{', '.join(values * times)}]"

    def _object(self, depth: int) -> str:
        count = self.random.randint(1, 4)
        return "{" + ", ".join(f"{self._string()}: {self._value(depth=depth)}" for _ in range(count)) + "}"

    # ------------------------------------------------------------------------------------------------------- words

    def _text(self) -> str:
        text: str = self._one_of(*TEXTS)
        return text if self._now_and_then(0.5) else f"{text}{MARKER}"

    def _one_of(self, *values: Any) -> Any:
        return self.random.choice(values)

    def _now_and_then(self, probability: float) -> bool:
        return self.random.random() < probability


def _body_schema(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    content: Mapping[str, Any] = operation.get("requestBody", {}).get("content", {})
    schema: Mapping[str, Any] = next((each["schema"] for each in content.values()), {})
    while "$ref" in schema:
        schema = spec()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _valid(schema: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """A body that would be accepted, as far as names and the document's example tell."""
    words = dict.fromkeys(schema.get("required", []), MARKER)
    example = {name: value for name, value in schema.get("example", {}).items() if not name.startswith("provider")}
    example.pop("model", None)
    small = {"size": "64x64"} if "size" in schema.get("properties", {}) else {}
    return {**words, **example, **small, **{name: ids[name] for name in schema.get("properties", {}) if name in ids}}
