"""DynamoDB's units as we compute them, held against the developer guide's own rules and examples, told in our words.

Its pages: "DynamoDB item sizes and formats", "Capacity unit consumption for read operations" and "for write
operations", "Amazon DynamoDB transactions: how it works", "Local secondary indexes" and "Using Global Secondary
Indexes". The rest comes from an emulator that knows nothing of ours.
"""

from base64 import b64encode
from typing import Final

import pytest

from bench.units import Index, Item, item_size, read_units, size_of, write_units

KB: Final = 1024


def item_of(size: float, **more: str) -> Item:
    """An item of so many bytes, with some attributes of them given."""
    given = {name: {"S": value} for name, value in more.items()}
    return {**given, "rest": {"S": "x" * (round(size) - item_size(given) - len("rest"))}}


# ---------------------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize(
    ("item", "size"),
    [
        # A text: the bytes of its name and its own, both in UTF-8.
        ({"name": {"S": "Acme"}}, 4 + 4),
        ({"größe": {"S": "日本"}}, 7 + 6),
        ({"name": {"S": ""}}, 4),
        # A number: one byte for two significant digits, of which it has at most 38, and one more.
        ({"n": {"N": "7"}}, 1 + 1 + 1),
        ({"n": {"N": "27"}}, 1 + 1 + 1),
        ({"n": {"N": "123"}}, 1 + 2 + 1),
        ({"n": {"N": "9" * 38}}, 1 + 19 + 1),
        # Zeros at both ends do not count.
        ({"n": {"N": "1000000"}}, 1 + 1 + 1),
        ({"n": {"N": "0.00012"}}, 1 + 1 + 1),
        ({"n": {"N": "-1.5E+3"}}, 1 + 1 + 1),
        # Binary: the bytes themselves, not their base64.
        ({"data": {"B": b64encode(b"12345").decode()}}, 4 + 5),
        # Null and boolean: one byte.
        ({"gone": {"NULL": True}}, 4 + 1),
        ({"on": {"BOOL": False}}, 2 + 1),
        # An empty list or map: three bytes.
        ({"list": {"L": []}}, 4 + 3),
        ({"map": {"M": {}}}, 3 + 3),
        # Three bytes, what is in it, and one byte for each element.
        ({"list": {"L": [{"S": "ab"}, {"N": "1"}]}}, 4 + 3 + (1 + 2) + (1 + 2)),
        ({"map": {"M": {"k": {"S": "ab"}, "on": {"BOOL": True}}}}, 3 + 3 + (1 + 1 + 2) + (1 + 2 + 1)),
        # An item is the sum of its attributes.
        ({"PK": {"S": "U#1"}, "SK": {"S": "META"}, "clients": {"N": "12"}}, 5 + 6 + 9),
        ({"tags": {"SS": ["ab", "cde"]}}, 4 + 5),
    ],
)
def test_attributes_have_the_documented_sizes(item: Item, size: int) -> None:
    assert item_size(item) == size


def test_an_unknown_type_has_no_size() -> None:
    with pytest.raises(KeyError):
        size_of({"X": "?"})


# ---------------------------------------------------------------------------------------------------------- reads


@pytest.mark.parametrize(
    ("kilobytes", "strong", "eventual"),
    [
        (8, 2, 1),  # the guide's example: 8 KB are two units, or one if the read may be late
        (3.5, 1, 0.5),  # its example: 3.5 KB are rounded to 4
        (10, 3, 1.5),  # its example: 10 KB are rounded to 12
        (4, 1, 0.5),  # one unit is an item of up to 4 KB
        (0, 1, 0.5),  # what is not there costs the least there is
    ],
)
def test_reads_cost_4_kb_blocks_half_if_eventual(kilobytes: float, strong: float, eventual: float) -> None:
    size = round(kilobytes * KB)
    assert (read_units(size, consistent=True), read_units(size, consistent=False)) == (strong, eventual)


def test_each_item_of_a_batch_is_rounded_by_itself() -> None:
    # The guide's example: 1.5 KB and 6.5 KB are 12 KB, not 8 KB.
    assert sum(read_units(round(size * KB), consistent=True) for size in (1.5, 6.5)) == 12 / 4


@pytest.mark.parametrize(("size", "rounded"), [(40.8 * KB, 44), (1500 * 64, 96)])
def test_all_that_a_query_reads_is_rounded_once(size: float, rounded: int) -> None:
    # The guide's examples: ten items of 40.8 KB in all are 44 KB; 1,500 items of 64 bytes are 96 KB.
    assert read_units(round(size), consistent=True) == rounded / 4


def test_a_query_of_an_index_reads_its_entries() -> None:
    # The guide's example of a global index: eight entries of 2,000 bytes are two units.
    entry = item_of(2000)
    assert read_units(8 * item_size(entry), consistent=False) == 2


# --------------------------------------------------------------------------------------------------------- writes


@pytest.mark.parametrize(
    ("kilobytes", "standard", "in_transaction"),
    [
        (2, 2, 4),  # the guide's example: 2 KB are two units, or four in a transaction
        (0.5, 1, 2),  # its example: half a KB is rounded to one
        (1.5, 2, 4),  # its example: 1.5 KB are rounded to two
    ],
)
def test_writes_cost_1_kb_blocks_double_in_transactions(kilobytes: float, standard: int, in_transaction: int) -> None:
    item = item_of(kilobytes * KB)
    assert write_units(None, item, transactional=False) == standard
    assert write_units(None, item, transactional=True) == in_transaction


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (item_of(2.5 * KB), item_of(KB), 3),  # an update pays for the larger of before and after
        (item_of(KB), item_of(2.5 * KB), 3),
        (item_of(2.5 * KB), None, 3),  # a delete for what is deleted
        (None, None, 1),  # and for the least there is if nothing was there
    ],
)
def test_the_larger_of_before_and_after_is_paid(before: Item | None, after: Item | None, units: int) -> None:
    assert write_units(before, after, transactional=False) == units


ALL: Final = Index(("PK", "by"), None)
SOME: Final = Index(("PK", "by"), frozenset({"PK", "SK", "by", "title"}))


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        # An item comes into the index: one write.
        (None, item_of(500, PK="p", by="b"), 1),
        # Its key changes: two, one to take the old entry out and one to put the new one in.
        (item_of(500, PK="p", by="a"), item_of(500, PK="p", by="b"), 2),
        # It leaves the index: one.
        (item_of(500, PK="p", by="a"), item_of(500, PK="p"), 1),
        # It is in the index neither before nor after: none.
        (item_of(500, PK="p"), item_of(900, PK="p"), 0),
        # Only what is projected changes: one.
        (item_of(500, PK="p", by="a", title="1"), item_of(500, PK="p", by="a", title="2"), 1),
    ],
)
def test_an_index_charges_only_for_its_changes(before: Item | None, after: Item | None, units: int) -> None:
    assert ALL.write_units(before, after) == units
    assert SOME.write_units(before, after) == units


def test_what_an_index_does_not_project_costs_nothing_there() -> None:
    before, after = item_of(500, PK="p", by="a", other="1"), item_of(500, PK="p", by="a", other="2")
    assert (ALL.write_units(before, after), SOME.write_units(before, after)) == (1, 0)


def test_an_entry_is_as_large_as_what_is_projected() -> None:
    large = item_of(5 * KB, PK="p", by="a", title="1")
    assert (ALL.write_units(None, large), SOME.write_units(None, large)) == (5, 1)
