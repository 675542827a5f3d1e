"""Assets in the table: resources like clients and campaigns, whose files are checked once they are there.

An asset that is not ready stands in the index of due work: one whose file did not come, or was rejected, goes in time.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from atelier.domain.access import Access
from atelier.domain.assets import Asset, AssetPage, AssetPatch, AssetQuery, AssetStatus, NewAsset, check_purpose
from atelier.domain.errors import AssetNotReady, NotFound
from atelier.domain.ids import is_id
from atelier.domain.sharing import CHANGE
from atelier.store import keys, parents
from atelier.store.account_summary import summary_from
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item
from atelier.store.resources import Resources
from atelier.store.table import EXISTS, Table, Write
from atelier.store.versions import Versions
from atelier.store.wire import Item


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

    def ready(self, ids: Sequence[str], *, access: Access) -> list[Asset]:
        """These assets of one account, in this order, by one request.

        Raises NotFound for one that the actor may not see, and AssetNotReady.
        """
        found, grant = self._living(ids, access.account), access.grant
        for id_ in ids:
            if id_ not in found or (grant and not grant.covers("asset", found[id_])):
                raise NotFound("asset", id_)
        assets = [from_item(Asset, found[id_]) for id_ in ids]
        for asset in assets:
            if asset.status is not AssetStatus.READY:
                raise AssetNotReady(asset.id, asset.status)
        return assets

    # ---------------------------------------------------------------------------------------------------- for tasks

    def demand(self, ids: Iterable[str], *, account: int, counted_in: Collection[str]) -> list[Write]:
        """What a transaction demands that refers to assets of an account: that they and their clients are there.

        `counted_in` are the clients of which it demands that anyway. Refused with NotFound, which it also raises.
        """
        ids = tuple(dict.fromkeys(ids))
        found = self._living(ids, account)
        for id_ in ids:
            if id_ not in found:
                raise NotFound("asset", id_)
        clients = {found[id_]["client_id"]: id_ for id_ in ids if "client_id" in found[id_]}
        return [
            *(_demanded(account, id_) for id_ in ids),
            *(
                parents.count_child(account, client_id, {}, missing=NotFound("asset", id_))
                for client_id, id_ in clients.items()
                if client_id not in counted_in
            ),
        ]

    def gone(self, ids: Iterable[str], *, account: int) -> set[str]:
        """Those of these ids that name no asset of an account any more, by one request.

        A task that was made from an asset remembers its id. Ids are used once, so readers see null instead of one that
        names nothing: that is SQL's SET NULL, at the very moment of the deletion.
        """
        ids = set(ids)
        return ids - self._living(ids, account).keys() if ids else set()

    def _living(self, ids: Iterable[str], account: int) -> dict[str, Item]:
        wanted = {id_: keys.resource(account, "asset", id_) for id_ in ids if is_id(id_)}
        if not wanted:
            return {}
        found = self._table.get_many([*wanted.values(), keys.summary(account)])
        pending = summary_from(found.get(keys.summary(account))).pending
        there = {id_: found[key] for id_, key in wanted.items() if key in found}
        return {id_: item for id_, item in there.items() if not pending.hides("asset", item)}

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


def _demanded(account: int, id_: str) -> Write:
    missing = NotFound("asset", id_)
    key = keys.resource(account, "asset", id_)
    return Write(key, condition=EXISTS, on_condition_failure=lambda _: missing)
