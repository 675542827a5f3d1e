"""Shares and invitations in the table.

A share is two records, written in one transaction: the share below its resource, for who manages it, and the grant in
the summary of the guest's account, for the guest's requests (`store.received`). An invitation is one item; accepting
deletes it in the transaction that makes the share, so that of any number of accepts one succeeds.

Shares and invitations are kinds like any other: they go with their resource, at any depth (`domain.kinds`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest
from typing import Any, Final

from atelier.domain.access import Access
from atelier.domain.campaigns import Campaign, CampaignPage
from atelier.domain.clients import Client, ClientPage
from atelier.domain.errors import FieldError, Invalid, NotFound, TooManyShares
from atelier.domain.ids import is_id
from atelier.domain.roles import Role
from atelier.domain.schema import format_timestamp
from atelier.domain.shares import (
    Invitation,
    InvitationFields,
    InvitationPage,
    InvitationToken,
    ReceivedShare,
    ReceivedSharePage,
    Share,
    SharedResource,
    SharePage,
    ShareQuery,
    is_same_address,
)
from atelier.domain.sharing import ACCOUNT, MANAGE, MOST_RECEIVED, Grant, SharedKind
from atelier.store import activity, idempotency, keys, lists, parents, received
from atelier.store.account_summary import add_to_totals, summary_from
from atelier.store.expressions import Attr
from atelier.store.grants import grant_name, removed_grant
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, from_items, to_item
from atelier.store.lists import Beside, Plan
from atelier.store.received import reach_account, still_granted
from atelier.store.resources import Resources
from atelier.store.table import MISSING, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

_NO_SUCH_INVITATION: Final = "with this token"
_LOOKED_AT: Final = 5
"""Expired shares of which one is to be ended, to make room for a new one."""


class Shares:
    """The shares and invitations of one kind of resource; an account's id is its number.

    Methods act for `access`, as `Resources` do. They raise NotFound for a resource that the actor may not see, and
    Forbidden for one whose shares the actor may not manage.
    """

    def __init__(self, table: Table, kind: SharedKind) -> None:
        self._table = table
        self._kind = kind
        self._shares = Resources(table, f"{kind}_share", Share, SharePage)
        self._invitations = Resources(table, f"{kind}_invitation", Invitation, InvitationPage)

    # ------------------------------------------------------------------------------------------------------ shares

    def put(
        self, resource_id: str, guest: int, given: tuple[Role, str | None], *, id_: str, access: Access
    ) -> CreateResult[Share]:
        """Share a resource with a user: role and end. `replayed` says that it was shared with them already.

        Raises NotFound for an unknown user too, Invalid for who needs no share, and TooManyShares.
        """

        def attempt() -> CreateResult[Share]:
            acting, links = self._managed(resource_id, access)
            if guest in (acting.account, access.actor):
                raise Invalid([FieldError("needs no share of this", parameter="user_id")])
            found = self._table.get_many([keys.user(guest), keys.summary(guest)])
            if keys.user(guest) not in found:
                raise NotFound("user", str(guest))
            summary = found.get(keys.summary(guest), {})
            before = self._kept(summary, resource_id, acting.account)
            if before is not None and (before.role, before.expires_at) == given:
                return CreateResult(before, replayed=True)
            if before is None:
                self._make_room(summary, at=access.at)
            share = self._share(guest, given, links, id_=id_, access=acting, before=before)
            counted = [] if before else self._counted(share, {self._shares.kind: 1})
            self._table.transact(*still_granted(acting), *counted, *self._written(share, before, acting))
            return CreateResult(share, replayed=before is not None)

        return self._table.retry_on_conflict(attempt)

    def list(self, resource_id: str, query: ShareQuery, *, access: Access) -> SharePage:
        """A page of the shares of a resource."""
        acting, parent_id = self._listed(resource_id, access)
        page = self._shares.list(query, access=acting, parent_id=parent_id, needs=MANAGE)
        return SharePage(**vars(page))

    def revoke(self, resource_id: str, guest: int, *, access: Access) -> None:
        """End the share of a user. A guest may end their own."""

        def attempt() -> None:
            leaves = guest == access.actor
            acting = access if leaves else self._managed(resource_id, access)[0]
            summary = self._table.get(keys.summary(guest)) or {}
            share = self._kept(summary, resource_id, None if leaves else acting.account)
            if share is None:
                raise NotFound("share", f"with user {guest}")
            self._table.transact(*still_granted(acting), *self._ended(share, acting, now=access.at))

        self._table.retry_on_conflict(attempt)

    # ------------------------------------------------------------------------------------------------- invitations

    def invite(
        self,
        resource_id: str,
        invitation: InvitationFields,
        *,
        id_: str,
        access: Access,
        idempotent: IdempotentRequest | None,
        now: datetime,
    ) -> CreateResult[Invitation]:
        """Create an invitation."""
        acting, parent_id = self._listed(resource_id, access)
        new = invitation.model_copy(update={f"{self._kind}_id": parent_id} if parent_id else {})
        return self._invitations.create(new, id_=id_, access=acting, idempotent=idempotent, now=now, needs=MANAGE)

    def find_replay(
        self, idempotent: IdempotentRequest | None, *, access: Access, now: datetime
    ) -> CreateResult[Invitation] | None:
        """The invitation that an earlier request with this key created. Raises IdempotencyKeyReused and NotFound."""
        return self._invitations.find_replay(idempotent, access=access, now=now)

    def invitations(self, resource_id: str, query: ShareQuery, *, access: Access) -> InvitationPage:
        """A page of the invitations to a resource, expired ones included."""
        acting, parent_id = self._listed(resource_id, access)
        page = self._invitations.list(query, access=acting, parent_id=parent_id, needs=MANAGE)
        return InvitationPage(**vars(page))

    def withdraw(self, resource_id: str, id_: str, *, access: Access) -> None:
        """Delete an invitation. Raises NotFound for one that is not there (any more) too."""

        def attempt() -> None:
            acting, _ = self._managed(resource_id, access)
            invitation = self._invitation(acting.account, id_)
            if invitation is None or self._resource_of(invitation) != resource_id:
                raise NotFound("invitation", id_)
            counted = self._counted(invitation, {self._invitations.kind: -1})
            gone = self._without(self._invitations.kind, invitation, acting, now=access.at)
            self._table.transact(*still_granted(acting), *counted, *gone)

        self._table.retry_on_conflict(attempt)

    def accept(
        self,
        token: InvitationToken,
        *,
        email: str | None,
        id_: str,
        access: Access,
        idempotent: IdempotentRequest | None,
    ) -> CreateResult[ReceivedShare]:
        """Make a share of an invitation. Raises NotFound for every one that the actor cannot accept (any more).

        What was shared with the actor before gets the invitation's role, and no end.
        """
        earlier = idempotency.find_replay(
            self._table, access=access, idempotent=idempotent, load=self._loader(access), now=access.at
        )
        if earlier is not None:
            return earlier

        def attempt() -> CreateResult[ReceivedShare]:
            invitation = self._acceptable(token, email, access)
            resource_id = self._resource_of(invitation)
            resource = self._resource(invitation.user_id, resource_id)
            summary = self._table.get(keys.summary(access.actor)) or {}
            before = self._kept(summary, resource_id, token.account)
            if before is None:
                self._make_room(summary, at=access.at)
            links = {name: getattr(invitation, name) for name in ("client_id", "campaign_id")}
            inviter = replace(access, account=token.account, actor=invitation.created_by, role=None)
            given = (invitation.role, None)
            share = self._share(access.actor, given, links, id_=id_, access=inviter, before=before)
            amounts = {self._invitations.kind: -1} | ({} if before else {self._shares.kind: 1})
            writes = [
                *self._counted(share, amounts, missing=NotFound("invitation", _NO_SUCH_INVITATION)),
                *self._without(self._invitations.kind, invitation, access, now=access.at),
                *self._written(share, before, access),
            ]
            return idempotency.create(
                self._table,
                _received(self._grant(share), resource),
                writes,
                id_=share.id,
                access=access,
                idempotent=idempotent,
                load=self._loader(access),
                now=access.at,
            )

        return self._table.retry_on_conflict(attempt)

    # ----------------------------------------------------------------------------------------------------- reading

    def _managed(self, resource_id: str, access: Access) -> tuple[Access, dict[str, Any]]:
        """The access to a resource whose shares the actor manages, and the links of what is below it."""
        if self._kind == ACCOUNT:
            return reach_account(self._table, int(resource_id), access=access, needs=MANAGE), {}
        if self._kind == "client":
            clients = Resources(self._table, "client", Client, ClientPage)
            return clients.get_by(resource_id, access=access, needs=MANAGE)[1], {"client_id": resource_id}
        campaigns = Resources(self._table, "campaign", Campaign, CampaignPage)
        campaign, acting = campaigns.get_by(resource_id, access=access, needs=MANAGE)
        return acting, {"client_id": campaign.client_id, "campaign_id": resource_id}

    def _listed(self, resource_id: str, access: Access) -> tuple[Access, str | None]:
        """The access with which lists below a resource are read, and the parent whose lists they are."""
        if self._kind == ACCOUNT:
            return reach_account(self._table, int(resource_id), access=access, needs=MANAGE), None
        return access, resource_id

    def _kept(self, summary: Item, resource_id: str, account: int | None) -> Share | None:
        """The share of the guest with this summary, if there is one of this account (None: of any)."""
        text = summary.get(grant_name(self._kind, resource_id))
        grant = received.grant_from(text) if text else None
        if grant is None or account not in (None, grant.account):
            return None
        item = self._table.get(keys.resource(grant.account, self._shares.kind, grant.share_id))
        if item is None or received.grant_text(self._grant(share := from_item(Share, item))) != text:
            raise ConcurrentUpdate  # read between two changes
        return share

    def _invitation(self, account: int, id_: str) -> Invitation | None:
        item = self._table.get(keys.resource(account, self._invitations.kind, id_)) if is_id(id_) else None
        return from_item(Invitation, item) if item else None

    def _acceptable(self, token: InvitationToken, email: str | None, access: Access) -> Invitation:
        found = self._invitation(token.account, token.id)
        known = found is not None and compare_digest(found.digest, token.digest)
        if found is None or not known or found.expires_at <= format_timestamp(access.at):
            raise NotFound("invitation", _NO_SUCH_INVITATION)
        if found.email is not None and not is_same_address(found.email, email or ""):
            raise NotFound("invitation", _NO_SUCH_INVITATION)
        if token.account == access.actor:
            raise Invalid([FieldError("invites to what is yours", pointer="/token")])
        return found

    def _resource(self, account: int, resource_id: str) -> SharedResource:
        if self._kind == ACCOUNT:
            return SharedResource(type=ACCOUNT, id=resource_id, name=None, user_id=account)
        resource, summary = keys.resource(account, self._kind, resource_id), keys.summary(account)
        found = self._table.get_many([resource, summary])
        if resource not in found or summary_from(found.get(summary)).pending.hides(self._kind, found[resource]):
            raise NotFound("invitation", _NO_SUCH_INVITATION)
        return SharedResource(type=self._kind, id=resource_id, name=found[resource]["name"], user_id=account)

    def _resource_of(self, given: Share | Invitation) -> str:
        return str(given.user_id if self._kind == ACCOUNT else getattr(given, f"{self._kind}_id"))

    def _loader(self, access: Access) -> Callable[[str], ReceivedShare]:
        def load(share_id: str) -> ReceivedShare:
            page = received_shares(self._table, ShareQuery(page_size=100), access=access)
            pages = [page]
            while pages[-1].next_cursor:
                query = ShareQuery(page_size=100, cursor=pages[-1].next_cursor)
                pages.append(received_shares(self._table, query, access=access))
            shown = {each.id: each for page in pages for each in page.items}
            if share_id not in shown:
                raise NotFound("share", share_id)
            return shown[share_id]

        return load

    # ----------------------------------------------------------------------------------------------------- writing

    def _share(
        self,
        guest: int,
        given: tuple[Role, str | None],
        links: Mapping[str, Any],
        *,
        id_: str,
        access: Access,
        before: Share | None,
    ) -> Share:
        role, expires_at = given
        by, at = access.actor, format_timestamp(access.at)
        change: dict[str, Any] = {"role": role, "expires_at": expires_at, "updated_by": by, "updated_at": at}
        if before is not None:
            return before.model_copy(update={**change, "version": before.version + 1})
        fixed = {"id": id_, "user_id": access.account, "shared_with": guest, "created_by": by, "created_at": at}
        return Share(**fixed, **links, **change)

    def _grant(self, share: Share) -> Grant:
        return Grant(
            kind=self._kind,
            id=self._resource_of(share),
            account=share.user_id,
            role=share.role,
            share_id=share.id,
            shared_by=share.created_by,
            created_at=share.created_at,
            expires_at=share.expires_at,
            client_id=share.client_id if self._kind == "campaign" else None,
        )

    def _written(self, share: Share, before: Share | None, access: Access) -> Sequence[Write]:
        """The writes of a share and of its grant."""
        grant = self._grant(share)
        place = Write(
            keys.resource(share.user_id, self._shares.kind, share.id),
            put=to_item(share, **keys.resource_indexes(self._shares.kind, vars(share)), request_id=access.request_id),
            condition=Attr("version").eq(before.version) if before else MISSING,
            on_condition_failure=concurrent_update,
        )
        if before is None:
            return [place, _new_grant(share.shared_with, grant)]
        return [
            place,
            received.changed_grant(share.shared_with, grant, before=received.grant_text(self._grant(before))),
        ]

    def _ended(self, share: Share, access: Access | None, *, now: datetime) -> Sequence[Write]:
        """The writes that end a share."""
        return [
            *self._counted(share, {self._shares.kind: -1}),
            *self._without(self._shares.kind, share, access, now=now),
            removed_grant(share.shared_with, self._kind, self._resource_of(share)),
        ]

    def _make_room(self, summary: Item, *, at: datetime) -> None:
        """End the share that expired first, if the guest with this summary has no room for another one."""
        if not received.is_full(summary, self._kind):
            return
        expired = [each for each in received.all_grants(summary) if each.kind == self._kind and not each.is_live(at)]
        for grant in sorted(expired, key=lambda each: str(each.expires_at))[:_LOOKED_AT]:
            with suppress(ConcurrentUpdate, NotFound):  # it was changed meanwhile, or goes with its resource
                if share := self._kept(summary, grant.id, grant.account):
                    self._table.transact(*self._ended(share, None, now=at))
                    return

    def _counted(
        self, given: Share | Invitation, amounts: Mapping[str, int], *, missing: NotFound | None = None
    ) -> Sequence[Write]:
        """The writes that count shares and invitations below every ancestor, each of which must be there."""
        counts = {f"{kind}s": amount for kind, amount in amounts.items()}
        above = parents.count_in_ancestors(self._shares.kind, vars(given), counts, missing=missing)
        return [*above, add_to_totals(given.user_id, counts)]

    def _without(
        self, kind: str, given: Share | Invitation, access: Access | None, *, now: datetime
    ) -> Sequence[Write]:
        """The writes that remove a share or an invitation; who does is in the activity log, or nobody."""
        gone = Write(
            keys.resource(given.user_id, kind, given.id),
            delete=True,
            condition=Attr("version").eq(given.version),
            on_condition_failure=concurrent_update,
        )
        return [gone, activity.removed(kind, to_item(given), access, now=now)]


def _new_grant(guest: int, grant: Grant) -> Write:
    def refused(summary: Item | None) -> Exception:
        if grant_name(grant.kind, grant.id) in (summary or {}):
            return ConcurrentUpdate()
        return TooManyShares(f"User {guest} has {MOST_RECEIVED} shares of this kind, which is the limit.")

    return received.new_grant(guest, grant, on_condition_failure=refused)


def received_shares(table: Table, query: ShareQuery, *, access: Access) -> ReceivedSharePage:
    """A page of what was shared with the actor: what has neither expired nor is gone."""
    summary = keys.summary(access.actor)

    def shared(beside: Beside) -> tuple[Plan, ...]:
        grants = received.grants_in(beside.get(summary), access)
        wanted = tuple(key for each in grants for key in received.shared_keys(each))
        return (_received_plan(wanted, lambda found: _received_rows(grants, found)),) if grants else ()

    own = _received_plan((summary,), lambda _: [])
    plan = Plan(**{**vars(own), "shared": shared})
    found = lists.read(table, plan, query)
    return ReceivedSharePage(**found.envelope(query, from_items(ReceivedShare, found.items)))


def _received_plan(beside: tuple[keys.Key, ...], given: Callable[[Beside], Sequence[Item]]) -> Plan:
    return Plan(
        sources=(),
        position=keys.POSITION["created_at"],
        total=lambda found: len(given(found)),
        shows=lambda _: lambda row: row,
        more_beside=beside,
        given=given,
    )


def _received_rows(grants: Sequence[Grant], found: Beside) -> list[Item]:
    rows = []
    for grant in grants:
        if not received.is_there(grant, found):
            continue
        item = found.get(keys.resource(grant.account, grant.kind, grant.id))
        resource = SharedResource(
            type=grant.kind, id=grant.id, name=item["name"] if item else None, user_id=grant.account
        )
        rows.append(vars(_received(grant, resource)))
    return rows


def _received(grant: Grant, resource: SharedResource) -> ReceivedShare:
    return ReceivedShare(
        id=grant.share_id,
        resource=resource,
        role=grant.role,
        expires_at=grant.expires_at,
        shared_by=grant.shared_by,
        created_at=grant.created_at,
    )
