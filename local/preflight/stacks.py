"""A stack as CloudFormation would make it from template.yaml: every resource, with its properties as plain values."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from local import template as templates
from local.errors import BadTemplate
from local.preflight import identifiers
from local.preflight.identifiers import Account
from local.preflight.intrinsics import Evaluator

PROJECT: Final = Path(__file__).parents[2]
TEMPLATE: Final = PROJECT / "template.yaml"


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, its properties without intrinsic functions."""

    id: str
    type: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any]
    """The attributes beside the properties: DeletionPolicy, DependsOn, ..."""
    identity: Mapping[str, str]
    """What `Ref` and `Fn::GetAtt` of it are."""


@dataclass(frozen=True)
class Stack:
    """The resources that a template creates with these parameters. Raises BadTemplate where SAM refuses it."""

    source: Mapping[str, Any]
    """The template as written, with SAM's own types."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    uploads: Mapping[str, str] = field(default_factory=dict)
    """Where the code of a function or layer is, by logical id; SAM names layers and versions after it."""

    @classmethod
    def of_project(cls, parameters: Mapping[str, str] | None = None, account: Account | None = None) -> "Stack":
        """The stack of template.yaml as it is now."""
        return cls(templates.load(TEMPLATE), parameters or {}, account or Account())

    @cached_property
    def plain(self) -> templates.Template:
        """The template as the SAM transform leaves it."""
        source = copy.deepcopy(dict(self.source))
        code = {name: f"s3://uploads/{name}" for name in templates.code_folders(source)} | dict(self.uploads)
        return templates.translate(source, parameters=self.values, code=code)

    @cached_property
    def values(self) -> dict[str, str]:
        """The value of every parameter."""
        declared = self.source.get("Parameters", {})
        defaults = {name: str(it["Default"]) for name, it in declared.items() if "Default" in it}
        return {**defaults, **self.parameters}

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Every resource that there would be, by its logical id."""
        wanted = {id_: it for id_, it in self.plain["Resources"].items() if self._is_wanted(it)}
        return {id_: self._resource(id_, it) for id_, it in wanted.items()}

    def of_type(self, *types: str) -> list[Resource]:
        """The resources of these types."""
        return [it for it in self.resources.values() if it.type in types]

    def broken_rules(self) -> list[str]:
        """What the template's `Rules` say against the parameters."""
        said = []
        value = Evaluator(self._reference, self._attribute, self.source.get("Conditions", {})).value
        for rule in self.source.get("Rules", {}).values():
            if value(rule.get("RuleCondition", True)):
                broken = [it for it in rule["Assertions"] if not value(it["Assert"])]
                said += [str(it["AssertDescription"]) for it in broken]
        return said

    def with_plain(self, plain: templates.Template) -> "Stack":
        """The same stack of another template, which is plain CloudFormation already."""
        return self._changed(plain, self.account)

    def elsewhere(self, account: Account) -> "Stack":
        """The same stack in another account or region, or by another name."""
        return self._changed(self.plain, account)

    def _changed(self, plain: templates.Template, account: Account) -> "Stack":
        changed = Stack(self.source, self.parameters, account, self.uploads)
        changed.__dict__["plain"] = plain  # where cached_property keeps it
        return changed

    def _is_wanted(self, resource: Mapping[str, Any]) -> bool:
        return "Condition" not in resource or self._evaluator.holds(resource["Condition"])

    def _resource(self, id_: str, stated: Mapping[str, Any]) -> Resource:
        properties = self._evaluator.value(stated.get("Properties", {}))
        beside = {
            name: it for name, it in stated.items() if name not in ("Type", "Properties", "Metadata", "Condition")
        }
        return Resource(id_, stated["Type"], properties, beside, self._identity(id_))

    @cached_property
    def _evaluator(self) -> Evaluator:
        return Evaluator(self._reference, self._attribute, self.plain.get("Conditions", {}))

    @cached_property
    def _identities(self) -> dict[str, dict[str, str]]:
        return {}

    def _identity(self, id_: str) -> Mapping[str, str]:
        if id_ not in self._identities:
            if id_ not in self.plain["Resources"]:
                raise BadTemplate(f"template.yaml has no parameter or resource {id_}")
            stated = self.plain["Resources"][id_]
            if not self._is_wanted(stated):
                raise BadTemplate(f"{id_} is referred to, and its condition does not hold")
            properties = self._evaluator.value(_what_names_it(stated))
            self._identities[id_] = identifiers.identify(self.account, stated["Type"], id_, properties)
        return self._identities[id_]

    def _reference(self, name: str) -> str:
        known = {**self.account.pseudo_parameters, **self.values}
        return known[name] if name in known else self._identity(name)["Ref"]

    def _attribute(self, id_: str, name: str) -> str:
        return identifiers.attribute(self._identity(id_), id_, name)


def _what_names_it(stated: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that a resource's identity depends on, and no others: those may refer back to it."""
    naming = ("Name", "FunctionName", "LayerName", "RoleName", "QueueName", "TableName", "BucketName", "LogGroupName")
    properties = stated.get("Properties", {})
    return {name: it for name, it in properties.items() if name in (*naming, "PublicKeyConfig")}
