"""The activity log: who changed what, and when. One entry for every committed change of what callers can see.

What is logged of a kind is its row in `domain.kinds`. Long and confidential texts are logged as length and digest,
secrets never. An entry's id follows from the resource and its version, so that a change which is seen twice has one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from atelier.domain.ids import new_id
from atelier.domain.kinds import kind_named

KEPT: Final = timedelta(days=400)
LONGEST: Final = 255
"""Characters of a text that is logged as it is."""
CONFIDENTIAL: Final = frozenset({"prompt", "metadata"})
"""Fields that are logged as length and digest, however short they are."""
MANAGED: Final = frozenset({"share", "invitation", "webhook_secret"})
"""What only who manages the resource may see."""
TEXT_LENGTH: Final = "text_length"
TEXT_DIGEST: Final = "text_sha256"

Image = Mapping[str, Any]
"""A resource as it is stored."""
Changes = dict[str, dict[str, Any]]
"""The fields that differ, each with `from` and `to`; null for no value."""


@dataclass(frozen=True)
class Entry:
    """One change of one resource. `actor` is None where nobody asked for it: a task began, or has ended.

    `change` tells the changes of a resource apart: its version, or that it was deleted.
    """

    account: int
    kind: str
    resource_id: str
    verb: str
    change: str
    at: str
    actor: int | None
    request_id: str | None
    changes: Changes
    name: str | None = None
    client_id: str | None = None
    campaign_id: str | None = None

    @property
    def id(self) -> str:
        """The same for the same change, whoever sees it and how often."""
        about = f"{self.account}#{self.kind}#{self.resource_id}#{self.change}"
        return new_id(datetime.fromisoformat(self.at), int(hashlib.sha256(about.encode()).hexdigest()[:16], 16))

    @property
    def type(self) -> str:
        """The resource's type, as callers know it: the shares of all kinds are shares."""
        return next((each for each in MANAGED if self.kind.endswith(f"_{each}")), self.kind)

    @property
    def action(self) -> str:
        """What was done: `client.updated`."""
        return f"{self.type}.{self.verb}"


def entry_of_change(kind: str, before: Image | None, after: Image) -> Entry | None:
    """The entry of a resource that was created or changed; None where nothing that is logged differs.

    A resource that was changed by a request says by which; one that the pipeline has changed does not. Links that a
    cleanup took away are of who deleted what they named (`unlinked`).
    """
    changes = changes_of(kind, before, after)
    if not changes:
        return None
    unlinked = after.get("unlinked") if before and after.get("unlinked") != before.get("unlinked") else None
    asked = {"at": after["updated_at"], "by": after["updated_by"], "request_id": after.get("request_id")}
    by = unlinked or asked
    return Entry(
        **_about(kind, after),
        verb="updated" if before else "created",
        change=str(after["version"]),
        at=by["at"],
        actor=_number(by["by"]) if unlinked or "request_id" in after else None,
        request_id=by["request_id"] or None,
        changes=changes,
    )


def entry_of_removal(kind: str, item: Image, *, at: str, actor: int | None, request_id: str | None) -> Entry:
    """The entry of a resource that is deleted. Of what goes with its parent, `item` is what the cleanup knows of it."""
    return Entry(
        **_about(kind, item),
        verb="deleted",
        change="deleted",
        at=at,
        actor=actor,
        request_id=request_id or None,
        changes=changes_of(kind, item, None),
    )


def changes_of(kind: str, before: Image | None, after: Image | None) -> Changes:
    """The logged fields of a kind that differ between two versions; None is one that is not there."""
    fields = ((name, _logged(kind, name, before), _logged(kind, name, after)) for name in kind_named(kind).logged)
    return {name: {"from": old, "to": new} for name, old, new in fields if old != new}


def digest(text: str) -> dict[str, Any]:
    """What is logged of a text that is not logged itself. `length` counts characters."""
    return {"length": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


def _logged(kind: str, name: str, image: Image | None) -> Any:
    if image is None:
        return None
    is_long = name == kind_named(kind).long_text
    if is_long and TEXT_DIGEST in image:
        return {"length": int(image[TEXT_LENGTH]), "sha256": image[TEXT_DIGEST]}
    value = _number(image.get(name))
    hidden = is_long or name in CONFIDENTIAL or (isinstance(value, str) and len(value) > LONGEST)
    return digest(str(value)) if hidden and value is not None else value


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, Decimal) else value


def _about(kind: str, item: Image) -> dict[str, Any]:
    """Which resource an entry is about, and below which client and campaign it belongs."""
    links = {f"{each}_id": item["id"] if kind == each else item.get(f"{each}_id") for each in ("client", "campaign")}
    name = item.get("name")
    return {"account": int(item["user_id"]), "kind": kind, "resource_id": item["id"], "name": name, **links}
