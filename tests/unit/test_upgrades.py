"""A change of an item's shape, worked through as docs/upgrades.md describes it: no stop, no migration, nothing lost.

The example: galleries had a `title`; they shall have a `name`, and a `caption` that used to be a part of the title.
"""

from collections.abc import Iterator
from unittest import mock

import pytest

from atelier.domain.schema import StoredModel
from atelier.store import items
from atelier.store.items import from_item, to_item
from atelier.store.wire import Item


class MediaUrls(StoredModel):
    """A gallery in its present shape, the third one."""

    id: str
    name: str
    caption: str = ""


def named(item: Item) -> Item:
    """Shape 1 -> 2: `title` is called `name`."""
    return {"name": item.get("title"), **item}


def captioned(item: Item) -> Item:
    """Shape 2 -> 3: what follows the colon of a name is the caption."""
    name, _, caption = item["name"].partition(": ")
    return {**item, "name": name, "caption": item.get("caption", caption)}


@pytest.fixture(autouse=True)
def _third_shape() -> Iterator[None]:
    with mock.patch.dict(items.UPGRADES, {MediaUrls: (named, captioned)}):
        yield


PRESENT = MediaUrls(id="g", name="Summer", caption="beaches")


@pytest.mark.parametrize(
    "kept",
    [
        {"id": "g", "version": 1, "title": "Summer: beaches"},  # from before items said which shape they have
        {"id": "g", "version": 1, "title": "Summer: beaches", "schema": 1},
        {"id": "g", "version": 1, "name": "Summer: beaches", "schema": 2},
        {"id": "g", "version": 1, "name": "Summer", "caption": "beaches", "schema": 3},
    ],
    ids=["unmarked", "first", "second", "third"],
)
def test_any_old_shape_is_read_as_the_present(kept: Item) -> None:
    assert from_item(MediaUrls, kept) == PRESENT


def test_a_write_gives_an_item_the_present_shape() -> None:
    written = to_item(from_item(MediaUrls, {"id": "g", "title": "Summer: beaches"}))
    assert written == {"id": "g", "version": 1, "name": "Summer", "caption": "beaches", "schema": 3}


def test_a_partial_write_keeps_what_was_written() -> None:
    half_new = {"id": "g", "title": "Summer: beaches", "name": "Winter", "schema": 1}
    assert from_item(MediaUrls, half_new).name == "Winter"
    captioned_by_hand = {"id": "g", "name": "Summer: beaches", "caption": "snow", "schema": 2}
    assert from_item(MediaUrls, captioned_by_hand).caption == "snow"


def test_an_unchanged_kind_has_the_first_shape() -> None:
    class Plain(StoredModel):
        id: str

    assert to_item(Plain(id="p"))["schema"] == 1
