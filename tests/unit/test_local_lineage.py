"""How the local run counts the rounds of a chain of messages."""

from collections.abc import Mapping
from typing import Any

import pytest

from local import lineage


def message(header: str) -> dict[str, Any]:
    return {"attributes": {"AWSTraceHeader": header} if header else {}}


def event(*headers: str) -> dict[str, Any]:
    return {"Records": [message(each) for each in headers]}


def test_a_lineage_header_round_trips() -> None:
    counts = {"a1b2c3d4": 3, "00000000": 16}
    assert lineage.parsed(lineage.header_of(counts)) == counts


@pytest.mark.parametrize("header", ["", "Root=1-2-3", "Root=1-2-3;Lineage=", "Lineage", "self"])
def test_a_header_without_lineage_has_none(header: str) -> None:
    assert lineage.parsed(header) == {}


@pytest.mark.parametrize("other", [{}, {"requestContext": {}}, [], None, {"Records": [{"dynamodb": {}}]}])
def test_what_is_no_message_begins_a_chain(other: Any) -> None:
    assert lineage.lineage_of(other) == {}


def test_a_batch_has_the_longest_chain_of_its_messages() -> None:
    headers = [lineage.header_of({"a": 2, "b": 9}), lineage.header_of({"a": 7}), ""]
    assert lineage.lineage_of(event(*headers)) == {"a": 7, "b": 9}


class Chain:
    """A function that sends one message to its own queue whenever it runs."""

    def __init__(self, **function: str) -> None:
        self.function = function
        self.runs = 0
        self.header = ""
        self.invoke = lineage.counting(self._run)

    def _run(self, *_: Any) -> Mapping[str, Any]:
        self.runs += 1
        self.header = lineage.keeping(dict)()["AWSTraceHeader"]
        return {}

    def round(self, name: str = "worker") -> Mapping[str, Any]:
        return self.invoke(self.function, {"FunctionName": name}, event(self.header), "request", 0.0)


def test_the_seventeenth_round_does_not_take_place() -> None:
    chain = Chain()
    results = [chain.round() for _ in range(20)]
    assert chain.runs == 16
    assert results[15] == {}
    assert results[16]["body"]["errorType"] == "RecursiveInvocationException"


def test_a_function_that_allows_loops_goes_on() -> None:
    chain = Chain(recursive_loop="Allow")
    for _ in range(100):
        chain.round()
    assert chain.runs == 100


def test_each_function_of_a_chain_is_counted_by_itself() -> None:
    chain = Chain()
    for number in range(40):
        chain.round(f"function-{number % 4}")
    assert chain.runs == 40


def test_outside_of_an_invocation_messages_have_no_lineage() -> None:
    assert lineage.keeping(dict)() == {}
