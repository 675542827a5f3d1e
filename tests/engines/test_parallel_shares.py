"""Grants, revokes, accepts, deletes and guests' creates at once, on an engine that keeps transactions apart."""

from functools import partial
from secrets import randbits
from typing import Any, Final

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.campaigns import NewCampaign
from atelier.domain.clients import Client, ClientQuery, NewClient
from atelier.domain.errors import NotFound
from atelier.domain.ids import new_id
from atelier.domain.roles import Role
from atelier.domain.schema import utcnow
from atelier.domain.shares import InvitationFields, InvitationToken, ShareQuery, digest_of, invitation_end
from testbed.harness import TABLE, Harness
from tests.engines.test_parallel_writers import at_once
from tests.engines.test_parallel_writers import w as _w
from tests.support.recount import scan, violations

w = _w
ROUNDS: Final = 40
OWNER = Access.own(1)


@pytest.fixture(scope="module")
def guests(w: Harness) -> list[int]:
    """Fifty users."""
    return [wiring.users().id_of(issuer="https://id.example", subject=f"guest {number}") for number in range(50)]


def an_id() -> str:
    return new_id(utcnow(), randbits(62))


def a_client() -> Client:
    new = NewClient(name="Contended")
    return wiring.clients().create(new, id_=an_id(), access=OWNER, idempotent=None, now=utcnow()).record


def grant(client: Client, guest: int) -> Any:
    return wiring.shares("client").put(client.id, guest, (Role.EDITOR, None), id_=an_id(), access=OWNER)


def revoke(client: Client, guest: int) -> None:
    wiring.shares("client").revoke(client.id, guest, access=OWNER)


def delete(client: Client) -> None:
    wiring.clients().delete(client.id, access=OWNER, accepted=None, now=utcnow())


def create_as(guest: int, client: Client) -> Any:
    new = NewCampaign(client_id=client.id, name="Contended", goal="Survive")
    return wiring.campaigns().create(new, id_=an_id(), access=Access.own(guest), idempotent=None, now=utcnow())


def an_invitation(client: Client) -> InvitationToken:
    new = InvitationFields(
        role=Role.VIEWER, expires_at=invitation_end(None, now=utcnow()), email=None, digest=digest_of("secret")
    )
    made = wiring.shares("client").invite(client.id, new, id_=an_id(), access=OWNER, idempotent=None, now=utcnow())
    return InvitationToken(OWNER.account, "client", made.record.id, digest_of("secret"))


def accept(token: InvitationToken, guest: int) -> Any:
    access = Access.own(guest)
    return wiring.shares("client").accept(token, email=None, id_=an_id(), access=access, idempotent=None)


def withdraw(client: Client, token: InvitationToken) -> None:
    wiring.shares("client").withdraw(client.id, token.id, access=OWNER)


def shared_with(client: Client) -> set[int]:
    page = wiring.shares("client").list(client.id, ShareQuery(page_size=100), access=OWNER)
    return {share.shared_with for share in page.items}


def is_let_in(client: Client, guest: int) -> bool:
    """Whether the guest finds the client, which is the same by its id and in lists."""
    access = Access.own(guest)
    listed = {each.id for each in wiring.clients().list(ClientQuery(page_size=100), access=access).items}
    try:
        wiring.clients().get(client.id, access=access)
    except NotFound:
        assert client.id not in listed
        return False
    assert client.id in listed
    return True


def test_fifty_parallel_grants_are_fifty_shares(w: Harness, guests: list[int]) -> None:
    client = a_client()
    at_once(*(partial(grant, client, guest) for guest in guests))
    page = wiring.shares("client").list(client.id, ShareQuery(page_size=100), access=OWNER)
    assert (page.total, shared_with(client)) == (50, set(guests))


def test_one_guest_is_granted_once(w: Harness, guests: list[int]) -> None:
    client = a_client()
    made = at_once(*[partial(grant, client, guests[0])] * 20)
    assert len({each.record.id for each in made}) == 1
    assert sum(not each.replayed for each in made) == 1


def test_of_twenty_accepts_one_wins(w: Harness, guests: list[int]) -> None:
    client = a_client()
    for number in range(5):
        token = an_invitation(client)
        accepted = at_once(*(partial(accept, token, guest) for guest in guests[:20]), seed=number)
        assert sum(each is not NotFound for each in accepted) == 1


def test_a_revoke_ends_what_races_with_it(w: Harness, guests: list[int]) -> None:
    client = a_client()
    for number in range(ROUNDS):
        guest = guests[number % 10]
        grant(client, guest)
        at_once(
            partial(revoke, client, guest),
            *[partial(create_as, guest, client)] * 2,
            partial(grant, client, guest),
            seed=number,
        )
        at_once(partial(revoke, client, guest))
        assert not is_let_in(client, guest)
        assert at_once(partial(create_as, guest, client)) == [NotFound]


def test_an_invitation_is_either_accepted_or_withdrawn(w: Harness, guests: list[int]) -> None:
    for number in range(ROUNDS // 2):
        client = a_client()
        token = an_invitation(client)
        done = at_once(partial(accept, token, guests[0]), partial(withdraw, client, token), seed=number)
        assert sum(each is NotFound for each in done) == 1
        assert is_let_in(client, guests[0]) == (guests[0] in shared_with(client)) == (done[0] is not NotFound)


def test_an_accept_is_before_or_after_a_revoke(w: Harness, guests: list[int]) -> None:
    """Of what was accepted just now, or of what another invitation changes."""
    client, guest = a_client(), guests[0]
    for number in range(ROUNDS // 2):
        tokens = [an_invitation(client), an_invitation(client)]
        at_once(partial(accept, tokens[0], guest))
        accepted, revoked = at_once(partial(accept, tokens[1], guest), partial(revoke, client, guest), seed=number)
        assert (accepted is NotFound, revoked) == (False, None)
        assert is_let_in(client, guest) == (guest in shared_with(client))
        at_once(partial(revoke, client, guest))
        assert not is_let_in(client, guest)


def test_a_delete_ends_what_races_with_it(w: Harness, guests: list[int]) -> None:
    for number in range(ROUNDS):
        client, guest = a_client(), guests[number % 10]
        grant(client, guest)
        token = an_invitation(client)
        at_once(
            partial(delete, client),
            partial(accept, token, guests[11]),
            partial(create_as, guest, client),
            partial(grant, client, guests[12]),
            partial(revoke, client, guest),
            seed=number,
        )
        assert not any(is_let_in(client, each) for each in (guest, guests[11], guests[12]))


def test_afterwards_everything_adds_up(w: Harness, guests: list[int]) -> None:
    assert violations(scan(w.dynamodb, TABLE)) == []
    w.pass_time(3600)
    w.settle()
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []
