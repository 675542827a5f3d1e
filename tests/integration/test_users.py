"""A user's number is given once: to whoever comes first, whatever fails in between, and never to two."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random
from typing import Final

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from atelier import wiring
from atelier.domain.errors import Busy
from atelier.store import keys
from atelier.store.table import Write
from atelier.store.users import FIRST, MOST_CACHED, Users
from tests.support.fault_injection import (
    CrashAt,
    Crashed,
    FaultyDynamoDB,
    RandomFaults,
    Request,
    Resent,
    Trouble,
    faulty_harness,
)

ISSUER: Final = "https://id.example"


@pytest.fixture
def client() -> Iterator[FaultyDynamoDB]:
    with faulty_harness() as (_, standing_between):
        yield standing_between


def users() -> Users:
    """What a new process knows: nothing."""
    return Users(wiring.table())


def number(subject: str, *, issuer: str = ISSUER, by: Users | None = None) -> int:
    return (by or users()).id_of(issuer=issuer, subject=subject)


@dataclass
class Overtaken(Trouble):
    """Just before one write, a faster process does all of the same."""

    subject: str
    call: str
    theirs: int | None = None

    def before(self, call: str, request: Request) -> Request:
        if call == self.call and self.theirs is None:
            self.theirs = 0
            self.theirs = number(self.subject)
        return request


@dataclass
class Calls(Trouble):
    """Counts them."""

    made: int = 0

    def before(self, call: str, request: Request) -> Request:
        self.made += 1
        return request


def test_a_subject_is_the_same_user_in_every_process(client: FaultyDynamoDB) -> None:
    assert {number("ann") for _ in range(3)} == {FIRST}


def test_nobody_is_given_the_number_of_the_local_run(client: FaultyDynamoDB) -> None:
    assert number("ann") > 1


def test_other_subjects_and_other_issuers_are_other_users(client: FaultyDynamoDB) -> None:
    people = [(ISSUER, "ann"), (ISSUER, "Ann"), (ISSUER, "ann "), (f"{ISSUER}/", "ann"), (f"{ISSUER}a", "nn")]
    people += [(ISSUER, "a" * 5000), (ISSUER, "a" * 5001), ('x", "y', "z"), ("x", 'y", "z')]
    given = [number(subject, issuer=issuer) for issuer, subject in people]
    assert len(set(given)) == len(people)
    assert [number(subject, issuer=issuer) for issuer, subject in people] == given


@pytest.mark.parametrize("call", ["update_item", "transact_write_items"])
def test_two_concurrent_first_requests_get_one_number(client: FaultyDynamoDB, call: str) -> None:
    client.trouble = overtaken = Overtaken("ann", call)
    ours = number("ann")
    assert ours == overtaken.theirs
    client.trouble = Trouble()
    assert (number("ann"), number("bob") > ours) == (ours, True)


@pytest.mark.parametrize(("write", "effect"), [*product((1, 2), (False, True))])
def test_a_crash_anywhere_leaves_numbers_unique(client: FaultyDynamoDB, write: int, effect: bool) -> None:
    client.trouble = crash = CrashAt(write, effect)
    with pytest.raises(Crashed):
        number("ann")
    assert crash.happened
    client.trouble = Trouble()
    bob, ann = number("bob"), number("ann")
    assert bob != ann
    assert (number("bob"), number("ann")) == (bob, ann)


def test_a_request_that_is_sent_twice_gives_one_number(client: FaultyDynamoDB) -> None:
    client.trouble = Resent(client)
    ann, bob = number("ann"), number("bob")
    assert ann != bob
    assert number("ann") == ann


def test_no_two_users_share_a_number_under_faults(client: FaultyDynamoDB) -> None:
    client.trouble = storm = RandomFaults(Random(7), rate=0.3)
    heard: dict[str, set[int]] = {f"user {each}": set() for each in range(30)}
    for name in [*heard] * 8:
        try:
            heard[name].add(number(name))
        except (Busy, ClientError, BotoCoreError):
            continue
    assert sum(storm.suffered.values()) > 50
    client.trouble = Trouble()
    final = {name: number(name) for name in heard}
    assert all(seen <= {final[name]} for name, seen in heard.items())
    assert len(set(final.values())) == len(final)


def test_a_lost_counter_repeats_no_number(client: FaultyDynamoDB) -> None:
    before = {number(f"user {each}") for each in range(3)}
    wiring.table().write(Write(keys.users(), delete=True))
    assert number("late") not in before


def test_an_operator_finds_who_a_user_is(client: FaultyDynamoDB) -> None:
    item = wiring.table().get(keys.user(number("ann")))
    assert item is not None
    assert (item["issuer"], item["subject"]) == (ISSUER, "ann")


def test_a_process_asks_once_for_each_subject(client: FaultyDynamoDB) -> None:
    process = users()
    ann = number("ann", by=process)
    client.trouble = calls = Calls()
    assert [number("ann", by=process) for _ in range(3)] == [ann] * 3
    assert calls.made == 0


def test_a_process_remembers_only_so_many(client: FaultyDynamoDB) -> None:
    process = users()
    process._cached = {str(each): each for each in range(MOST_CACHED)}
    ann = number("ann", by=process)
    assert len(process._cached) == 1
    assert number("ann", by=process) == ann
