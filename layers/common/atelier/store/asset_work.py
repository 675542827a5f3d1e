"""What is to be done for assets whether somebody asks or not: an uploaded file is checked, what is left of one goes."""

import math
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from atelier.domain.access import Access
from atelier.domain.assets import FILES_REMOVED_AFTER, AssetMessage
from atelier.domain.errors import IllegalTransition, NotFound, PreconditionFailed
from atelier.domain.roles import Role
from atelier.store.asset_check import AssetCheck
from atelier.store.asset_files import AssetFiles
from atelier.store.assets import Assets
from atelier.store.table import Table


class AssetQueue(Protocol):
    """The asset queue."""

    def send(self, message: AssetMessage, *, delay: int = 0) -> None:
        """Deliver `message` after `delay` seconds, at least once."""


@dataclass(frozen=True)
class AssetWorker:
    """See the module. Every message may come twice, late, or for nothing."""

    table: Table
    assets: Assets
    files: AssetFiles
    check: AssetCheck
    queue: AssetQueue

    def process(self, message: AssetMessage, *, now: datetime) -> str | None:
        """Do what is to be done for an asset; what that was, or None."""
        removed_at = self.assets.removed_at(message.user_id, message.asset_id)
        if removed_at is not None:
            return self._remove_files(message, removed_at + FILES_REMOVED_AFTER - now)
        try:
            return self.table.retry_on_conflict(lambda: self._see_to(message, now=now))
        except NotFound:
            self.files.forget_upload(message.user_id, message.asset_id)  # what came after the asset was deleted
        except PreconditionFailed:
            pass  # it has changed: then there is another message about it
        return None

    def _remove_files(self, message: AssetMessage, early: timedelta) -> str:
        if early > timedelta():  # a check that began before the deletion may still write some
            self.queue.send(message, delay=math.ceil(early.total_seconds()))
            return "postponed"
        self.files.remove(message.user_id, message.asset_id)
        self.assets.files_removed(message.user_id, message.asset_id)
        return "removed"

    def _see_to(self, message: AssetMessage, *, now: datetime) -> str | None:
        asset = self.assets.load(message.user_id, message.asset_id)
        access = Access(asset.user_id, asset.created_by, Role.EDITOR, at=now)
        with suppress(IllegalTransition):  # its file did not come
            settled = self.check.settle(asset, access=access, now=now)
            if settled is not asset:
                return settled.status
        if asset.due_at is None or asset.due_at > now:
            return None
        self.assets.expire(asset, now=now)
        return "expired"
