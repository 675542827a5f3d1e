"""How the local run's queues choose the next message."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from local.fair_queues import fairly

VISIBILITY = 30


def receive_oldest(queue: Mapping[str, Any], most: int, visibility: int) -> list[dict[str, Any]]:
    """What the emulator does: the oldest visible messages are taken, in the order in which they came."""
    now = time.time()
    taken: list[dict[str, Any]] = [each for each in queue["messages"] if each["visible_at"] <= now][:most]
    for message in taken:
        message |= {"receive_count": message["receive_count"] + 1, "visible_at": now + visibility}
    return taken


def a_message(number: int, group: str | None) -> dict[str, Any]:
    return {"id": f"{group}-{number}", "group_id": group, "visible_at": 0.0, "receive_count": 0}


class Queue:
    """A queue of the emulator, and what has been received from it."""

    def __init__(self, *groups: str | None, is_fifo: bool = False) -> None:
        messages = [a_message(number, group) for number, group in enumerate(groups)]
        self.queue = {"url": "queue", "is_fifo": is_fifo, "messages": messages}
        self._receive = fairly(receive_oldest)

    def receive(self, most: int = 1) -> list[str]:
        """The groups of the next messages."""
        return [each["id"].partition("-")[0] for each in self._receive(self.queue, most, VISIBILITY)]

    def finish(self, group: str) -> None:
        """One of the group's messages is done."""
        messages = self.queue["messages"]
        assert isinstance(messages, list)
        messages.remove(next(each for each in messages if each["group_id"] == group and each["receive_count"]))


def test_a_flood_does_not_delay_another_group() -> None:
    queue = Queue(*["noisy"] * 50, "quiet")
    assert queue.receive() + queue.receive() == ["noisy", "quiet"]


@pytest.mark.parametrize("most", [1, 3])
def test_groups_take_turns(most: int) -> None:
    queue = Queue(*["a"] * 3, *["b"] * 3, *["c"] * 3)
    received = [group for _ in range(9 // most) for group in queue.receive(most)]
    assert received == ["a", "b", "c"] * 3


def test_groups_take_turns_when_nothing_is_in_flight() -> None:
    queue = Queue("a", "a", "b")
    assert queue.receive() == ["a"]
    queue.finish("a")
    assert queue.receive() == ["b"]


def test_the_group_with_fewest_in_flight_is_next() -> None:
    queue = Queue("slow", "slow", "quick", "quick", "quick")
    assert queue.receive(4) == ["slow", "quick", "slow", "quick"]
    queue.finish("quick")
    assert queue.receive() == ["quick"]


def test_within_a_group_the_oldest_message_is_first() -> None:
    queue = fairly(receive_oldest)
    messages = [a_message(number, "a") for number in range(3)]
    received = queue({"url": "queue", "is_fifo": False, "messages": messages}, 10, VISIBILITY)
    assert received == messages
    assert not queue({"url": "queue", "is_fifo": False, "messages": messages}, 10, VISIBILITY)


def test_messages_that_are_delayed_are_not_received() -> None:
    queue = Queue("a", "b")
    queue.queue["messages"][0]["visible_at"] = time.time() + VISIBILITY  # type: ignore[index]
    assert queue.receive(10) == ["b"]


def test_a_message_without_a_group_is_its_own_group() -> None:
    queue = Queue(*["noisy"] * 3, None, None)
    assert queue.receive(5) == ["noisy", "None", "None", "noisy", "noisy"]


def test_a_fifo_queue_is_left_as_it_is() -> None:
    assert Queue("a", "a", "b", is_fifo=True).receive(2) == ["a", "a"]
