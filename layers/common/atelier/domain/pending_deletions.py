"""Deletes that take effect at once and are cleaned up later: what readers must not see in between.

From the commit of a delete until its clean-up is over, the parent's id stands in its owner's pending set. Every reader
of children asks that set: a pending client's campaigns are gone, and tasks no longer name a pending parent.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from atelier.domain.tasks.record import TaskSummary

AnyTask = TypeVar("AnyTask", bound="TaskSummary")


@dataclass(frozen=True)
class PendingDeletions:
    """The parents of one owner whose clean-up is not over, as `kind#id`."""

    parents: frozenset[str] = frozenset()

    def has_client(self, client_id: str | None) -> bool:
        """Whether this client was deleted and its children may still be there."""
        return parent("client", client_id) in self.parents

    def has_campaign(self, campaign_id: str | None) -> bool:
        """Whether this campaign was deleted and its children may still be there."""
        return parent("campaign", campaign_id) in self.parents

    def clients(self) -> tuple[str, ...]:
        """The ids of the pending clients."""
        split = (text.partition("#") for text in sorted(self.parents))
        return tuple(id_ for kind, _, id_ in split if kind == "client")

    def unlinked(self, task: AnyTask) -> AnyTask:
        """`task` as its readers may see it: without the parents that are gone."""
        if self.has_client(task.client_id):
            return task.model_copy(update={"client_id": None, "campaign_id": None})
        if self.has_campaign(task.campaign_id):
            return task.model_copy(update={"campaign_id": None})
        return task


def parent(kind: str, id_: str | None) -> str:
    """How a parent is written in the pending set."""
    return f"{kind}#{id_}"
