"""Assets in the table: resources like clients and campaigns, whose files are checked once they are there.

An asset that is not ready stands in the index of due work: one whose file did not come, or was rejected, goes in time.
"""

from datetime import datetime

from atelier.domain.access import Access
from atelier.domain.assets import Asset, AssetPage, AssetPatch, AssetQuery, NewAsset, check_purpose
from atelier.domain.sharing import CHANGE
from atelier.store import keys
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.resources import Resources
from atelier.store.table import Table, Write
from atelier.store.versions import Versions


class Assets:
    """The assets of all accounts. Methods act for `access`, as `Resources` do."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._resources = Resources(table, "asset", Asset, AssetPage)

    def create(
        self, new: NewAsset, *, id_: str, access: Access, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[Asset]:
        """Create an asset that waits for its file. Raises NotFound and Forbidden."""
        return self._resources.create(new, id_=id_, access=access, idempotent=idempotent, now=now)

    def find_replay(
        self, idempotent: IdempotentRequest | None, *, access: Access, now: datetime
    ) -> CreateResult[Asset] | None:
        """The asset that an earlier request with this key created. Raises IdempotencyKeyReused and NotFound."""
        return self._resources.find_replay(idempotent, access=access, now=now)

    def get(self, id_: str, *, access: Access) -> Asset:
        """The asset. Raises NotFound."""
        return self._resources.get(id_, access=access)

    def get_to_check(self, id_: str, *, access: Access) -> tuple[Asset, Access]:
        """The asset, and the access by which what has become of it is recorded. Raises NotFound and Forbidden."""
        return self._resources.get_by(id_, access=access, needs=CHANGE)

    def patch(self, id_: str, patch: AssetPatch, *, access: Access, accepted: Versions, now: datetime) -> Asset:
        """The asset with the patch applied. Raises NotFound, Forbidden, PreconditionFailed, and Invalid."""
        if "purpose" in patch.model_fields_set:
            check_purpose(self.get(id_, access=access), patch.purpose)  # its medium never changes
        return self._resources.patch(id_, patch, access=access, accepted=accepted, now=now)

    def delete(self, id_: str, *, access: Access, accepted: Versions, now: datetime) -> None:
        """Delete the asset; its files are removed a little later. Raises NotFound, Forbidden, PreconditionFailed."""
        self._resources.delete(id_, access=access, accepted=accepted, now=now)

    # ---------------------------------------------------------------------------------------------- for the worker

    def load(self, account: int, id_: str) -> Asset:
        """The asset of an account. Raises NotFound."""
        return self.get(id_, access=Access.own(account))

    def settle(self, asset: Asset, settled: Asset, *, access: Access) -> Asset:
        """Record what has become of a pending asset. Raises ConcurrentUpdate, and NotFound when its client is gone."""
        return self._resources.replace(asset, settled, access=access)

    def expire(self, asset: Asset, *, now: datetime) -> None:
        """Delete an asset that has lost its use. Raises NotFound and PreconditionFailed when it has changed."""
        self._resources.expire(asset.id, account=asset.user_id, version=asset.version, now=now)

    def removed_at(self, account: int, id_: str) -> datetime | None:
        """When an asset was deleted whose files are still to be removed."""
        item = self._table.get(keys.removed_files(account, "asset", id_))
        return datetime.fromisoformat(item["deleted_at"]) if item else None

    def files_removed(self, account: int, id_: str) -> None:
        """The files of a deleted asset are gone."""
        self._table.write(Write(keys.removed_files(account, "asset", id_), delete=True))

    def list(self, query: AssetQuery, *, access: Access) -> AssetPage:
        """A page of the assets that the actor may see."""
        return AssetPage(**vars(self._resources.list(query, access=access)))
