"""The model of DynamoDB that docs/capacity.md quotes does what the developer guide says, in virtual time."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

import pytest

from atelier import wiring
from atelier.domain.errors import Busy
from atelier.store.keys import Key
from atelier.store.table import Write
from bench.ceilings import create_clients, load
from bench.latency import LATENCY
from bench.model import BURST_SECONDS, WRITE_UNITS, Model, modelled
from bench.virtual_time import VirtualTime

pytestmark = pytest.mark.only_on_moto  # the model stands before moto

HERE: Final = Key("ACCOUNT#1", "A")
THERE: Final = Key("ACCOUNT#1", "B")


def at_once(model: Model, *acts: Callable[[], object]) -> list[float]:
    """The seconds after which each of these was done, all begun at the same moment."""
    done: dict[int, float] = {}
    for number, act in enumerate(acts):

        def do(number: int = number, act: Callable[[], object] = act) -> None:
            act()
            done[number] = model.time.now

        model.time.at(0.0, do)
    model.time.run()
    return [done[number] for number in range(len(acts))]


def adding(key: Key) -> Callable[[], None]:
    return lambda: wiring.table().transact(Write(key, add={"n": 1}))


def test_threads_run_in_the_order_of_their_waits() -> None:
    time, told = VirtualTime(), list[tuple[float, str]]()

    def worker(name: str, pause: float) -> None:
        for _ in range(2):
            time.sleep(pause)
            told.append((time.now, name))

    time.at(1.0, lambda: worker("slow", 10))
    time.at(2.0, lambda: worker("quick", 3))
    time.run()
    assert told == [(5.0, "quick"), (8.0, "quick"), (11.0, "slow"), (21.0, "slow")]


def test_what_a_thread_raises_ends_the_simulation() -> None:
    time = VirtualTime()

    def fail() -> None:
        raise ValueError("told")

    time.at(1.0, fail)
    with pytest.raises(ValueError, match="told"):
        time.run()


def test_transactions_on_different_items_run_in_parallel() -> None:
    with modelled() as (_, model):
        took = at_once(model, adding(HERE), adding(THERE))
        low, high = LATENCY["TransactWriteItems"]
        assert all(low / 2000 < each < high / 500 for each in took)
        assert not model.met["conflicts"]


def test_transactions_on_one_item_conflict_and_all_count() -> None:
    with modelled() as (_, model):
        at_once(model, *[adding(HERE)] * 20)
        assert model.met["conflicts"] >= 19
        assert (wiring.table().get(HERE) or {})["n"] == 20


def test_a_single_write_meets_a_transaction_too() -> None:
    with modelled() as (_, model):
        at_once(model, adding(HERE), lambda: wiring.table().write(Write(HERE, add={"n": 1})))
        assert model.met["conflicts"] >= 1
        assert (wiring.table().get(HERE) or {})["n"] == 2


@pytest.mark.parametrize("saved", [1.0, BURST_SECONDS])
def test_a_partition_writes_a_thousand_units_a_second(saved: float) -> None:
    with modelled() as (_, model):
        model.saved_seconds = saved
        written = 0

        def write(number: int) -> None:
            nonlocal written
            while model.time.now < 10.0:
                with suppress(Busy):
                    wiring.table().write(Write(Key("ACCOUNT#1", str(number)), put={"text": "x" * 99_900}))
                    written += 98 * (model.time.now < 10.0)

        for number in range(30):
            model.time.at(0.0, partial(write, number))
        model.time.run()
        expected = WRITE_UNITS * (10.0 + saved)
        assert 0.9 * expected < written <= 1.05 * expected


def test_a_partition_that_reads_too_much_is_throttled() -> None:
    with modelled() as (_, model):
        wiring.table().write(Write(HERE, put={"text": "x" * 399_000}))

        def read() -> None:
            with suppress(Busy):
                wiring.table().get(HERE)

        at_once(model, *[read] * 50)
        assert model.met["reads throttled"] > 0


def test_the_ceiling_of_creates_matches_the_document() -> None:
    assert load(create_clients, 20.0, seconds=6.0).is_carried
    assert not load(create_clients, 70.0, seconds=6.0).is_carried
