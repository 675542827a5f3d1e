"""What was shared with a user: grants, kept in the summary of the guest's own account.

A request that finds something in the caller's own account never looks at them, and most others read that summary
anyway, so that a caller with whom nothing is shared pays nothing for sharing. A grant is an attribute of its own, whose
value is one text: a guest's write demands that it is still the same, within its transaction. So nothing is written
after a grant was revoked.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from functools import reduce
from operator import and_
from typing import Any

from atelier.domain.access import Access
from atelier.domain.errors import NotFound
from atelier.domain.ids import is_id
from atelier.domain.roles import Role
from atelier.domain.sharing import ACCOUNT, MOST_RECEIVED, Grant, Needs, accounts_with, allowed
from atelier.store import keys
from atelier.store.account_summary import summary_from
from atelier.store.expressions import Attr
from atelier.store.grants import GRANT, grant_name, number_received
from atelier.store.keys import Key
from atelier.store.table import ConditionFailure, Table, Write, concurrent_update
from atelier.store.wire import Item


def grant_text(grant: Grant) -> str:
    """A grant as it is stored."""
    return json.dumps(astuple(grant), separators=(",", ":"))


def all_grants(summary: Item | None) -> tuple[Grant, ...]:
    """Every grant in a summary, expired ones included."""
    return tuple(grant_from(value) for name, value in (summary or {}).items() if name.startswith(GRANT))


def grants_in(summary: Item | None, access: Access) -> tuple[Grant, ...]:
    """The grants in the summary of a guest's own account that have not expired."""
    return tuple(each for each in all_grants(summary) if each.is_live(access.at))


def grant_from(text: str) -> Grant:
    """A grant as `grant_text` wrote it."""
    kind, id_, account, role, *more = json.loads(text)
    return Grant(kind, id_, account, Role(role), *more)


def is_full(summary: Item, kind: str) -> bool:
    """Whether the guest with this summary has as many grants of a kind as there may be."""
    return int(summary.get(number_received(kind), 0)) >= MOST_RECEIVED


def new_grant(guest: int, grant: Grant, *, on_condition_failure: ConditionFailure) -> Write:
    """The write that gives a guest a grant, where there is none and there is room for one."""
    name, number = grant_name(grant.kind, grant.id), number_received(grant.kind)
    is_room = Attr(number).not_exists() | Attr(number).lt(MOST_RECEIVED)
    return Write(
        keys.summary(guest),
        set={name: grant_text(grant)},
        add={number: 1},
        condition=Attr(name).not_exists() & is_room,
        on_condition_failure=on_condition_failure,
    )


def changed_grant(guest: int, grant: Grant, *, before: str) -> Write:
    """The write that replaces a grant."""
    name = grant_name(grant.kind, grant.id)
    return Write(
        keys.summary(guest),
        set={name: grant_text(grant)},
        condition=Attr(name).eq(before),
        on_condition_failure=concurrent_update,
    )


def still_granted(*accesses: Access) -> list[Write]:
    """What a guest's transaction demands: that the grants are still as they were read. Nothing for others.

    All are of one actor. Refused with ConcurrentUpdate: whoever reads again finds out what has become of them.
    """
    grants = {access.grant: access.actor for access in accesses if access.grant}
    if not grants:
        return []
    same = reduce(and_, (Attr(grant_name(each.kind, each.id)).eq(grant_text(each)) for each in grants))
    (actor,) = set(grants.values())
    return [Write(keys.summary(actor), condition=same, on_condition_failure=concurrent_update)]


def acting_on(
    kind: str, fields: Mapping[str, Any], *, account: int, grants: Iterable[Grant], access: Access, needs: Needs
) -> Access | None:
    """The access of a guest to a resource of an account; None for who may not see it. Raises Forbidden."""
    grant = allowed(grants, account, kind, fields, needs, role=access.role)
    return access.by(grant) if grant else None


def reach(
    table: Table, kind: str, id_: str, *, access: Access, needs: Needs, summary: Item | None = None
) -> tuple[Access, dict[Key, Item]]:
    """The access to a resource that was shared with the actor, and its items: itself, its text, the account's summary.

    `summary` is the actor's own, where it was read already. Raises NotFound and Forbidden.
    """
    if summary is None and is_id(id_):
        summary = table.get(keys.summary(access.actor))
    grants = grants_in(summary, access)
    accounts = accounts_with(grants, kind, id_) if is_id(id_) else ()
    found = _found_in(table, accounts, kind, id_)
    for account in accounts:
        item = found.get(keys.resource(account, kind, id_))
        if item is None or summary_from(found.get(keys.summary(account))).pending.hides(kind, item):
            continue
        if acting := acting_on(kind, item, account=account, grants=grants, access=access, needs=needs):
            return acting, found
    raise NotFound(kind, id_)


def _found_in(table: Table, accounts: Sequence[int], kind: str, id_: str) -> dict[Key, Item]:
    wanted = [
        key
        for account in accounts
        for key in (keys.resource(account, kind, id_), keys.summary(account), keys.text(account, id_))
    ]
    return table.get_many(wanted)


def shared_keys(grant: Grant) -> tuple[Key, ...]:
    """Where the resource of a grant is, and what says whether its ancestors are; none of a whole account."""
    if grant.kind == ACCOUNT:
        return ()
    return keys.resource(grant.account, grant.kind, grant.id), keys.summary(grant.account)


def is_there(grant: Grant, found: Mapping[Key, Item]) -> bool:
    """Whether what was shared has not been deleted; `found` has the items at its `shared_keys`."""
    if grant.kind == ACCOUNT:
        return True
    resource, summary = shared_keys(grant)
    pending = summary_from(found.get(summary)).pending
    return resource in found and not pending.hides(grant.kind, found[resource])


def grants_of(table: Table, account: int, *, access: Access) -> tuple[Grant, ...]:
    """What of an account was shared with the actor and is still there. Raises NotFound where that is nothing."""
    summary = keys.summary(access.actor)
    # As one of many: reports may read accounts by BatchGetItem alone.
    grants = [each for each in grants_in(table.get_many([summary]).get(summary), access) if each.account == account]
    found = table.get_many(key for each in grants for key in shared_keys(each))
    there = tuple(each for each in grants if is_there(each, found))
    if not there:
        raise NotFound(ACCOUNT, str(account))
    return there


def reach_account(table: Table, account: int, *, access: Access, needs: Needs) -> Access:
    """The access to a whole account that was shared with the actor, or to the actor's own.

    Raises NotFound and Forbidden.
    """
    if account == access.account:
        return access
    grants = grants_in(table.get(keys.summary(access.actor)), access)
    acting = acting_on(ACCOUNT, {"id": str(account)}, account=account, grants=grants, access=access, needs=needs)
    if acting is None or acting.grant is None:
        raise NotFound(ACCOUNT, str(account))
    return acting
