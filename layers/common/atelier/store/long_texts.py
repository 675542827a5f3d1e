"""Long texts beside their resources.

The local indexes carry whole resources, so each KB of one is written up to six times, and read with every list that
shows it. Where the text of a kind's `long_text` field has more than INLINE_BYTES, it is an item of its own, and the
resource says in `text_version` which version of the text is its own. Both change in one transaction.

Its length and digest stand in the resource, for the activity log.

A reader gets both from one request, which is not a snapshot. Whoever finds another version of the text has read in the
middle of a change, and reads again.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from atelier.domain.activity import TEXT_DIGEST, TEXT_LENGTH, digest
from atelier.domain.kinds import kind_named
from atelier.store import keys
from atelier.store.keys import Key
from atelier.store.table import ConcurrentUpdate, Table, Write
from atelier.store.wire import Item

INLINE_BYTES: Final = 4096
"""The size of a read unit. A shorter text costs less to read with its resource, and a list of them is one round trip;
a longer one costs at most one unit more to read by itself, and at least 8 write units less with each write."""


def separated(kind: str, item: Item, *, before: Item | None) -> tuple[Item, list[Write]]:
    """A resource as it is stored, and the writes of its text. `before` is the whole resource that it replaces."""
    field = kind_named(kind).long_text
    had_text = before is not None and "text_version" in before
    key = keys.text(item["user_id"], item["id"])
    if field is None or len(str(item.get(field, "")).encode()) <= INLINE_BYTES:
        return item, [Write(key, delete=True)] if had_text else []
    said = digest(item[field])
    slim = {name: value for name, value in item.items() if name != field}
    slim |= {TEXT_LENGTH: said["length"], TEXT_DIGEST: said["sha256"]}
    if before is not None and had_text and before[field] == item[field]:
        return {**slim, "text_version": before["text_version"]}, []
    text = {"id": item["id"], "version": item["version"], "text": item[field], **keys.text_index(kind, item)}
    return {**slim, "text_version": item["version"]}, [Write(key, put=text)]


def joined(kind: str, item: Item, found: Mapping[Key, Item]) -> Item:
    """The whole resource. Raises ConcurrentUpdate when the text that was found is not its own."""
    if "text_version" not in item:
        return item
    text = found.get(keys.text(item["user_id"], item["id"]), {})
    if text.get("version") != item["text_version"]:
        raise ConcurrentUpdate
    return {**item, str(kind_named(kind).long_text): text["text"]}


def complete(table: Table, kind: str, items: Sequence[Item]) -> list[Item]:
    """The whole resources of a page, by one more request if any has a long text. What is gone by now is left out."""
    wanted = [keys.text(item["user_id"], item["id"]) for item in items if "text_version" in item]
    if not wanted:
        return list(items)
    found = table.get_many(wanted)
    whole = (_complete_one(table, kind, item, found) for item in items)
    return [item for item in whole if item is not None]


def _complete_one(table: Table, kind: str, item: Item, found: Mapping[Key, Item]) -> Item | None:
    try:
        return joined(kind, item, found)
    except ConcurrentUpdate:
        return table.retry_on_conflict(partial(_read_again, table, kind, item))


def _read_again(table: Table, kind: str, item: Item) -> Item | None:
    key = keys.resource(item["user_id"], kind, item["id"])
    found = table.get_many([key, keys.text(item["user_id"], item["id"])])
    return joined(kind, found[key], found) if key in found else None
