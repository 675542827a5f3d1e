"""CloudFormation's intrinsic functions, evaluated for one account, region and set of parameters."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from local.errors import BadTemplate

NO_VALUE: Final = object()
_VARIABLE: Final = re.compile(r"\$\{(!?)([^}]+)\}")

Reference = Callable[[str], Any]
Attribute = Callable[[str, str], Any]


class Evaluator:
    """Replaces intrinsic functions by what they stand for.

    `reference` answers a `Ref` and `attribute` an `Fn::GetAtt`; `conditions` are those of the template. Raises
    BadTemplate for a function or a condition that it does not know.
    """

    def __init__(self, reference: Reference, attribute: Attribute, conditions: Mapping[str, Any]) -> None:
        self._reference = reference
        self._attribute = attribute
        self._conditions = conditions
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.holds,
            "Fn::And": lambda each: all(self.value(it) for it in each),
            "Fn::Contains": lambda each: self.value(each[1]) in self.value(each[0]),
            "Fn::Equals": lambda each: _text(self.value(each[0])) == _text(self.value(each[1])),
            "Fn::GetAtt": self._get_att,
            "Fn::If": lambda each: self.value(each[1] if self.holds(each[0]) else each[2]),
            "Fn::Join": lambda each: each[0].join(_text(it) for it in self.value(each[1])),
            "Fn::Not": lambda each: not self.value(each[0]),
            "Fn::Or": lambda each: any(self.value(it) for it in each),
            "Fn::Select": self._select,
            "Fn::Split": lambda each: self.value(each[1]).split(each[0]),
            "Fn::Sub": self._sub,
        }

    def value(self, node: Any) -> Any:
        """What `node` stands for: without intrinsic functions, and without what is `AWS::NoValue`."""
        if isinstance(node, dict):
            if len(node) == 1 and (name := next(iter(node))) in self._functions:
                return self._functions[name](node[name])
            if any(name.startswith("Fn::") for name in node):
                raise BadTemplate(f"preflight does not know {', '.join(node)}")
            pairs = {name: self.value(it) for name, it in node.items()}
            return {name: it for name, it in pairs.items() if it is not NO_VALUE}
        if isinstance(node, list):
            return [it for it in map(self.value, node) if it is not NO_VALUE]
        return node

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template holds."""
        if condition not in self._conditions:
            raise BadTemplate(f"template.yaml has no condition {condition}")
        return bool(self.value(self._conditions[condition]))

    def _ref(self, name: str) -> Any:
        return NO_VALUE if name == "AWS::NoValue" else self._reference(name)

    def _get_att(self, path: str | list[str]) -> Any:
        name, _, attribute = path.partition(".") if isinstance(path, str) else (path[0], ".", ".".join(path[1:]))
        return self._attribute(name, attribute)

    def _select(self, given: list[Any]) -> Any:
        position, items = int(self.value(given[0])), self.value(given[1])
        if position >= len(items):
            raise BadTemplate(f"Fn::Select finds no item {position} in {items}")
        return items[position]

    def _sub(self, given: str | list[Any]) -> str:
        text, own = (given, {}) if isinstance(given, str) else (given[0], given[1])

        def one(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return _text(self.value(own[name]))
            return _text(self._get_att(name) if "." in name else self._ref(name))

        return _VARIABLE.sub(one, text)


def _text(value: Any) -> str:
    """A value as CloudFormation writes it into a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
