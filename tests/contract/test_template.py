"""What template.yaml says and what the code needs are the same."""

import inspect
import json
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

import pytest

from atelier.domain.kinds import KINDS
from atelier.store import keys
from atelier.store.keys import Partition
from atelier.web.routes import document
from testbed.template import template
from tests.contract.sources import FUNCTIONS

RESOURCES: Final[dict[str, Any]] = template()["Resources"]
TABLE: Final[dict[str, Any]] = RESOURCES["Table"]["Properties"]
BY_HAND: Final = {"verify"}


def functions() -> dict[str, dict[str, Any]]:
    """Every function of the template by its folder."""
    found = [each["Properties"] for each in RESOURCES.values() if each["Type"] == "AWS::Serverless::Function"]
    return {each["CodeUri"].removeprefix("functions/"): each for each in found}


def test_every_folder_is_deployed_and_nothing_else_is() -> None:
    assert set(functions()) == set(FUNCTIONS)


# ------------------------------------------------------------------------------------- logs and subscriptions


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_log_group_with_retention(function: str) -> None:
    groups = [each["LoggingConfig"]["LogGroup"] for each in functions().values()]
    own = functions()[function]["LoggingConfig"]["LogGroup"]
    assert groups.count(own) == 1
    assert RESOURCES[own]["Type"] == "AWS::Logs::LogGroup"
    assert RESOURCES[own]["Properties"]["RetentionInDays"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_trigger_unless_operators_call_it(function: str) -> None:
    events = functions()[function].get("Events", {}).values()
    assert bool(events) is (function not in BY_HAND)
    for event in events:
        if event["Type"] in ("SQS", "DynamoDB"):
            assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_query_exactly_the_indexes_that_exist(function: str) -> None:
    allowed = str(functions()[function].get("Policies", "")).split("/index/")[1:]
    named = {text.partition("'")[0].partition('"')[0] for text in allowed}
    assert named <= {index["IndexName"] for index in indexes()}


# ---------------------------------------------------------------------------------------------------- indexes


def indexes() -> list[dict[str, Any]]:
    return [*TABLE["LocalSecondaryIndexes"], *TABLE["GlobalSecondaryIndexes"]]


ARGUMENTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "account": (1,),
    "sort": tuple(sort for kind in KINDS for sort in kind.sorts),
}


def partitions() -> list[Partition]:
    """Every partition that `keys` can name."""
    made = []
    for _, function in inspect.getmembers(keys, inspect.isfunction):
        if inspect.signature(function).return_annotation is Partition and function is not keys._local:
            required = [each for each in inspect.signature(function).parameters.values() if each.default is each.empty]
            positional = [each for each in required if each.kind is not each.VAR_POSITIONAL]
            made += [function(*each) for each in product(*(ARGUMENTS.get(each.name, ("x",)) for each in positional))]
    return made


def test_the_table_has_exactly_the_indexes_in_use() -> None:
    used = {(each.index, each.hash, each.range) for each in partitions() if each.index}
    there = {(index["IndexName"], *(key["AttributeName"] for key in index["KeySchema"])) for index in indexes()}
    assert used == there


def test_what_is_not_an_index_is_the_table_itself() -> None:
    own = tuple(key["AttributeName"] for key in TABLE["KeySchema"])
    assert {(each.hash, each.range) for each in partitions() if not each.index} == {own}


def test_consistent_partitions_are_the_table_and_its_local_indexes() -> None:
    local = {index["IndexName"] for index in TABLE["LocalSecondaryIndexes"]} | {None}
    for each in partitions():
        assert each.consistent is (each.index in local)


def test_lists_of_tasks_find_whole_summaries() -> None:
    tasks = [index for index in TABLE["GlobalSecondaryIndexes"] if index["IndexName"].startswith("tasks_of_")]
    assert len(tasks) == 3
    for index in tasks:
        assert index["Projection"] == {"ProjectionType": "ALL"}, index["IndexName"]


def test_projections_stay_within_what_dynamodb_allows() -> None:
    included = [index["Projection"].get("NonKeyAttributes", []) for index in indexes()]
    assert sum(map(len, included)) <= 100
    assert all(len(names) == len(set(names)) for names in included)
    assert len(TABLE["LocalSecondaryIndexes"]) <= 5


def test_every_key_attribute_is_defined_and_nothing_else_is() -> None:
    schemas = [TABLE["KeySchema"], *(index["KeySchema"] for index in indexes())]
    used = {key["AttributeName"] for schema in schemas for key in schema}
    assert {each["AttributeName"] for each in TABLE["AttributeDefinitions"]} == used


def test_pages_may_read_every_header_that_is_answered() -> None:
    """Those that the document names, a report's file name, and the methods of a 405."""
    exposed = set(RESOURCES["Api"]["Properties"]["CorsConfiguration"]["ExposeHeaders"])
    answers = (
        answer
        for path in json.loads(document())["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
    )
    documented = {name.lower() for answer in answers for name in answer.get("headers", {})}
    assert exposed == documented | {"allow", "content-disposition"}
