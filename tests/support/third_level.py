"""A third level below campaigns, as docs/extending.md adds one: versions of a brief, deleted with their campaign.

Nothing of the product has it. Tests put its row into the registry, and take it out again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal
from unittest import mock

from atelier.domain import kinds
from atelier.domain.kinds import Kind, OnDelete, Parent
from atelier.domain.pages import ListQuery, Page
from atelier.domain.schema import RequestModel, StoredModel, TimestampText
from atelier.store.resources import Resources
from atelier.store.table import Table

BRIEF_VERSION = Kind(
    "brief_version", parents=(Parent("campaign", OnDelete.CASCADE),), sorts=("updated_at",), long_text="text"
)


class NewBriefVersion(RequestModel):
    """What it takes to create a version."""

    campaign_id: str
    text: str


class BriefVersion(StoredModel):
    """A version of a campaign's brief."""

    id: str
    client_id: str
    campaign_id: str
    user_id: int
    created_by: int
    updated_by: int
    text: str
    created_at: TimestampText
    updated_at: TimestampText


class BriefVersionQuery(ListQuery):
    """Which versions to list."""

    campaign_id: str | None = None
    sort_by: Literal["created_at", "updated_at"] = "created_at"


class BriefVersions(Resources[BriefVersion]):
    """The versions of an account's briefs."""

    def __init__(self, table: Table) -> None:
        super().__init__(table, "brief_version", BriefVersion, Page[BriefVersion])


@contextmanager
def third_level() -> Iterator[None]:
    """The registry with `BRIEF_VERSION` in it."""
    cached = [each for each in vars(kinds).values() if hasattr(each, "cache_clear")]
    try:
        with mock.patch.object(kinds, "KINDS", (*kinds.KINDS, BRIEF_VERSION)):
            for each in cached:
                each.cache_clear()
            yield
    finally:
        for each in cached:
            each.cache_clear()
