"""Optimistic changes: what If-Match accepts, and what a merge patch makes of a record."""

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

from atelier.domain.errors import Stale
from atelier.domain.shapes import Record, Shape, format_moment

AnyRecord = TypeVar("AnyRecord", bound=Record)

Versions = Collection[int] | None
"""The versions that If-Match accepts; None when the caller does not care."""


def check(record: Record, accepted: Versions) -> None:
    """Raises Stale when the caller wants another version than the current one."""
    if accepted is not None and record.version not in accepted:
        raise Stale("It has changed since the version that If-Match names.")


def patched(record: AnyRecord, patch: Shape, *, now: datetime) -> AnyRecord:
    """`record` with the fields that were sent, in its next version; `record` itself when none of them differs."""
    sent = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes = {name: value for name, value in sent.items() if getattr(record, name) != value}
    if not changes:
        return record
    return record.model_copy(update={**changes, "updated_at": format_moment(now), "version": record.version + 1})
