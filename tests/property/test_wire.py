"""Our form of items and conditions, held against boto3's."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr as BotoAttr
from boto3.dynamodb.conditions import ConditionExpressionBuilder
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from atelier.store.expressions import Attr, Condition, Expressions
from atelier.store.wire import deserialized, serialized

NUMBERS = st.integers(-(10**37), 10**37) | st.decimals(
    min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=9
)
SETS = (
    st.sets(st.text(max_size=8), min_size=1, max_size=4)
    | st.sets(NUMBERS, min_size=1, max_size=4)
    | st.sets(st.binary(max_size=8), min_size=1, max_size=4)
)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text(max_size=20) | st.binary(max_size=20)
VALUES = st.recursive(
    SCALARS | SETS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.dictionaries(st.text(max_size=6), VALUES, max_size=6)


def unordered(value: Any) -> Any:
    """A typed value whose sets are sorted: they have no order."""
    if isinstance(value, dict):
        return {
            kind: sorted(each) if kind in ("SS", "NS", "BS") and isinstance(each, list) else unordered(each)
            for kind, each in value.items()
        }
    return [unordered(each) for each in value] if isinstance(value, list) else value


def bytes_for_binary(value: Any) -> Any:
    """What boto3 makes of an item, with plain bytes in place of its wrapper."""
    match value:
        case Binary():
            return value.value  # type: ignore[attr-defined]
        case dict():
            return {name: bytes_for_binary(each) for name, each in value.items()}
        case list():
            return [bytes_for_binary(each) for each in value]
        case set():
            return {bytes_for_binary(each) for each in value}
        case _:
            return value


@given(ITEMS)
def test_an_item_is_sent_as_boto3_would_send_it(item: dict[str, Any]) -> None:
    boto = TypeSerializer()
    assert unordered(serialized(item)) == unordered({name: boto.serialize(value) for name, value in item.items()})


@given(ITEMS)
def test_an_item_is_read_as_boto3_would_read_it(item: dict[str, Any]) -> None:
    typed, boto = serialized(item), TypeDeserializer()
    assert deserialized(typed) == bytes_for_binary({name: boto.deserialize(value) for name, value in typed.items()})


@given(ITEMS)
def test_an_item_comes_back_as_it_was(item: dict[str, Any]) -> None:
    assert deserialized(serialized(item)) == item


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_round_trips_as_its_printed_decimal(number: float) -> None:
    kept = deserialized(serialized({"n": number}))["n"]
    assert kept == Decimal(str(number))
    assert float(kept) == number


def test_whole_numbers_come_back_as_such() -> None:
    assert isinstance(deserialized({"n": {"N": "-12"}})["n"], int)


@pytest.mark.parametrize("value", [object(), 1j, {(1,)}, {1, "a"}])
def test_what_has_no_type_in_dynamodb_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        serialized({"x": value})


# ---------------------------------------------------------------------------------------------------- conditions

CONDITIONS: list[Callable[[Any], Any]] = [
    lambda attr: attr("a").exists(),
    lambda attr: attr("a").not_exists(),
    lambda attr: attr("a").eq(1),
    lambda attr: attr("a").lt("x"),
    lambda attr: attr("a").lte(2),
    lambda attr: attr("a").between("x", "y"),
    lambda attr: attr("a").begins_with("x"),
    lambda attr: attr("a").size().lt(3),
    lambda attr: attr("a").eq(1) & attr("b").exists(),
    lambda attr: attr("a").eq(1) | attr("b").lt(2) & attr("c").not_exists(),
    lambda attr: (attr("a").eq(1) | attr("b").lt(2)) & attr("a").between(3, 4),
]


@pytest.mark.parametrize("number", range(len(CONDITIONS)))
def test_a_condition_says_what_boto3_s_would_say(number: int) -> None:
    ours: Condition = CONDITIONS[number](Attr)
    request = Expressions()
    text, known = ours.text(request), request.placeholders()
    boto = ConditionExpressionBuilder().build_expression(CONDITIONS[number](BotoAttr))
    values = {name: TypeSerializer().serialize(value) for name, value in boto.attribute_value_placeholders.items()}
    assert spelled_out(text, known["ExpressionAttributeNames"], known.get("ExpressionAttributeValues", {})) == (
        spelled_out(boto.condition_expression, boto.attribute_name_placeholders, values)
    )


def spelled_out(text: str, names: dict[str, str], values: dict[str, Any]) -> str:
    """An expression with what its placeholders stand for."""
    return re.sub(r"[#:]\w+", lambda found: str(names.get(found[0]) or values[found[0]]), text)


def test_the_expressions_of_one_request_do_not_share_placeholders() -> None:
    request = Expressions()
    one, other = Attr("a").eq(1).text(request), Attr("a").eq(2).text(request)
    assert not set(re.findall(r"[#:]\w+", one)) & set(re.findall(r"[#:]\w+", other))
