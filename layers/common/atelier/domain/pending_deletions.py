"""Deletions that have taken effect and are still being cleaned up: what readers must not see in between.

From the commit of a deletion until its cleanup has ended, the resource stands in its account's set of pending
deletions. Every reader of children asks that set: what is deleted with a pending ancestor is gone, and links to one are
null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from atelier.domain.kinds import ancestors_of, kind_named

if TYPE_CHECKING:
    from atelier.domain.tasks.record import TaskSummary

AnyTask = TypeVar("AnyTask", bound="TaskSummary")

LATE_AFTER: Final = timedelta(minutes=10)
"""How late a message about a cleanup may be before another one is sent. Nobody sees what waits for it."""


@dataclass(frozen=True)
class PendingDeletions:
    """The resources of one account whose cleanup has not ended, as `kind#id`."""

    resources: frozenset[str] = frozenset()

    def has(self, kind: str, id_: str | None) -> bool:
        """Whether this resource was deleted and its children may still be there."""
        return member(kind, id_) in self.resources

    def hides(self, kind: str, fields: Mapping[str, Any]) -> bool:
        """Whether a resource is gone because one of its ancestors is."""
        return any(self.has(ancestor, fields.get(f"{ancestor}_id")) for ancestor in ancestors_of(kind))

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """The ids of the pending resources of one kind."""
        split = (text.partition("#") for text in sorted(self.resources))
        return tuple(id_ for name, _, id_ in split if name == kind)

    def gone_links(self, kind: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
        """The fields of a child that name something that is gone: a reader sees null in them."""
        return tuple(
            f"{parent.kind}_id"
            for parent in kind_named(kind).parents
            if any(self.has(above, fields.get(f"{above}_id")) for above in (parent.kind, *ancestors_of(parent.kind)))
        )

    def unlinked(self, task: AnyTask) -> AnyTask:
        """`task` as its readers may see it: links to what is gone are null."""
        gone = self.gone_links("task", vars(task)) if self.resources else ()
        return task.model_copy(update=dict.fromkeys(gone)) if gone else task


def member(kind: str, id_: str | None) -> str:
    """How a resource is written in the set of pending deletions."""
    return f"{kind}#{id_}"
