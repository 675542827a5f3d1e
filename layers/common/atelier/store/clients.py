"""Clients in the table."""

from datetime import datetime

from atelier.domain.clients import Client, ClientPage, ClientPatch, ClientQuery, NewClient
from atelier.domain.errors import NotFound
from atelier.domain.ids import is_id
from atelier.domain.pending_deletions import parent
from atelier.domain.schema import format_timestamp
from atelier.store import account_summary, idempotency, keys, lists
from atelier.store.account_summary import campaign_counts
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, to_item
from atelier.store.lists import Plan
from atelier.store.parents import close_parent, deletion_marker, new_tally
from atelier.store.table import MISSING, Table, Write, concurrent_update
from atelier.store.versions import Versions, check, patched


class Clients:
    """A user's clients. Every method acts for `user_id`: another user's clients are not there."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(
        self, new: NewClient, *, id_: str, user_id: int, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[Client]:
        """Create a client, with a tally that its campaigns and tasks will be counted in."""
        stamp = format_timestamp(now)
        client = Client(id=id_, user_id=user_id, created_at=stamp, updated_at=stamp, **new.model_dump())
        writes = [
            _put(client, condition=MISSING),
            new_tally(user_id, id_),
            account_summary.counting(user_id, clients=1),
        ]
        return idempotency.create(self._table, client, writes, user_id=user_id, idempotent=idempotent, now=now)

    def get(self, client_id: str, *, user_id: int) -> Client:
        """The client. Raises NotFound."""
        item = self._table.get(keys.client(user_id, client_id)) if is_id(client_id) else None
        if item is None:
            raise NotFound("client", client_id)
        return from_item(Client, item)

    def list(self, query: ClientQuery, *, user_id: int) -> ClientPage:
        """A page of the user's clients."""
        return ClientPage(**lists.read(self._table, _plan(query, user_id), query).envelope(query))

    def patch(self, client_id: str, patch: ClientPatch, *, user_id: int, accepted: Versions, now: datetime) -> Client:
        """The client with the patch applied; as it is when nothing differs. Raises NotFound and PreconditionFailed."""

        def attempt() -> Client:
            client = self.get(client_id, user_id=user_id)
            check(client, accepted)
            changed = patched(client, patch, now=now)
            if changed is not client:
                # A transaction, for its token: a change whose answer was lost must not be stale because of itself.
                self._table.transact(_put(changed, condition=Attr("version").eq(client.version)))
            return changed

        return self._table.retry_on_conflict(attempt)

    def delete(self, client_id: str, *, user_id: int, accepted: Versions, now: datetime) -> None:
        """Delete the client: one transaction, whatever it has. Raises NotFound, PreconditionFailed and Busy."""

        def attempt() -> None:
            client, tally = keys.client(user_id, client_id), keys.tally(user_id, client_id)
            found = self._table.get_many([client, tally]) if is_id(client_id) else {}
            if client not in found or tally not in found:
                raise NotFound("client", client_id)
            check(from_item(Client, found[client]), accepted)
            counts = campaign_counts(found[tally])
            same_version = Attr("version").eq(found[client]["version"])
            self._table.transact(
                Write(client, delete=True, condition=same_version, on_condition_failure=concurrent_update),
                close_parent(tally, counts, now=now),
                account_summary.deleting(user_id, parent("client", client_id), clients=1, **counts),
                deletion_marker(user_id, "client", client_id, now=now),
            )

        self._table.retry_on_conflict(attempt)


def _put(client: Client, *, condition: Condition) -> Write:
    item = to_item(client, **keys.client_indexes(client))
    return Write(
        keys.client(client.user_id, client.id), put=item, condition=condition, on_condition_failure=concurrent_update
    )


def _plan(query: ClientQuery, user_id: int) -> Plan[Client]:
    orders = {
        "created_at": keys.newest(user_id, "CLIENT"),
        "name": keys.by_name(user_id, "CLIENT"),
        "updated_at": keys.by_updated_at(user_id, "CLIENT"),
    }
    meta = keys.meta(user_id)
    return Plan(
        kind=Client,
        straight=None if query.search else orders[query.sort_by],
        rows=keys.catalogue(user_id, "CLIENT"),
        position=keys.POSITION[query.sort_by],
        key=lambda id_: keys.client(user_id, id_),
        counts=(meta,),
        total=lambda counts: account_summary.account_summary_from(counts.get(meta)).clients,
        keeps=lists.named_like(query.search),
    )
