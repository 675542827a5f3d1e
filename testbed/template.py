"""The table under test is the one of template.yaml, not a copy of it."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from local.safe_loader import SafeLoader

PROJECT: Final = Path(__file__).parents[1]


class _Template(SafeLoader):
    """Reads CloudFormation's tags (`!Ref`, `!GetAtt`, ...) as what they are applied to."""


def _tagged(loader: SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


_Template.add_multi_constructor("!", _tagged)


@cache
def template() -> dict[str, Any]:
    """template.yaml, parsed; not to be changed."""
    parsed: dict[str, Any] = yaml.load((PROJECT / "template.yaml").read_text(), _Template)  # noqa: S506
    return parsed


def create_table(client: Any, name: str) -> None:
    """Create the template's table in an emulator."""
    properties = dict(template()["Resources"]["Table"]["Properties"])
    wanted = ("AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes", "BillingMode")
    shape = {key: properties[key] for key in wanted}
    stream = {"StreamEnabled": True, **properties["StreamSpecification"]}
    client.create_table(TableName=name, StreamSpecification=stream, **shape)
