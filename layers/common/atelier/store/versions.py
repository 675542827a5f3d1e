"""Optimistic concurrency: the versions that If-Match accepts, and merge patches."""

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

from atelier.domain.errors import PreconditionFailed
from atelier.domain.schema import RequestModel, StoredModel, format_timestamp

AnyRecord = TypeVar("AnyRecord", bound=StoredModel)

Versions = Collection[int] | None
"""The versions that If-Match accepts; None when the caller does not care."""


def check(version: int, accepted: Versions) -> None:
    """Raises PreconditionFailed when the caller wants another version than the current one."""
    if accepted is not None and version not in accepted:
        raise PreconditionFailed("The resource has changed since the version in If-Match.")


def patched(record: AnyRecord, patch: RequestModel, *, actor: int, now: datetime) -> AnyRecord:
    """`record` with the fields that were sent, in its next version; `record` itself when none of them differs."""
    sent = {name: getattr(patch, name) for name in patch.model_fields_set}
    changes = {name: value for name, value in sent.items() if getattr(record, name) != value}
    if not changes:
        return record
    change = {"updated_at": format_timestamp(now), "updated_by": actor, "version": vars(record)["version"] + 1}
    return record.model_copy(update=changes | change)
