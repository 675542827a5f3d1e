"""How the local run reads the event sources of its table's stream."""

from collections.abc import Callable, Iterator
from threading import Event
from types import SimpleNamespace
from typing import Any

from local import streams

SECONDS = 20


def a_service(work: Callable[[str], bool], *ids: str) -> Any:
    """The emulator, whose loop asks `work` of each event source whether there was something to be read."""

    def every() -> Iterator[streams.Mapping]:
        sources = [{"UUID": id_, "EventSourceArn": f"arn:aws:dynamodb:::table/{id_}/stream/1"} for id_ in ids]
        yield from (("account", "region", source) for source in [{"UUID": "queue"}, *sources])

    def poll() -> bool:
        return any(work(each["UUID"]) for _, _, each in service._iter_all_esms())

    service = SimpleNamespace(_poll_dynamodb_streams=poll, _iter_all_esms=every)
    streams.install(service)
    return service


def test_no_source_waits_for_the_function_of_another() -> None:
    goes_on, was_read = Event(), Event()

    def work(id_: str) -> bool:
        if id_ == "slow":
            goes_on.wait(SECONDS)
        elif id_ == "quick":
            was_read.set()
        return False

    service = a_service(work, "slow", "quick")
    assert service._poll_dynamodb_streams() is False
    assert was_read.wait(SECONDS)
    goes_on.set()


def test_a_source_is_read_until_there_is_nothing() -> None:
    left, done, looks = [1, 2, 3], Event(), []

    def work(id_: str) -> bool:
        looks.append(id_)
        if not left:
            done.set()
            return False
        left.pop()
        return True

    service = a_service(work, "only")
    service._poll_dynamodb_streams()
    assert done.wait(SECONDS)
    assert (left, set(looks)) == ([], {"only"})


def test_what_comes_while_a_reader_ends_is_read() -> None:
    asked, looks = Event(), []

    def work(id_: str) -> bool:
        looks.append(id_)
        if len(looks) == 1:
            service._poll_dynamodb_streams()  # something has come, and it is being read
        else:
            asked.set()
        return False

    service = a_service(work, "only")
    service._poll_dynamodb_streams()
    assert asked.wait(SECONDS)


def test_all_sources_are_listed_to_whoever_reads_none() -> None:
    service = a_service(lambda _: False, "only")
    assert [each["UUID"] for _, _, each in service._iter_all_esms()] == ["queue", "only"]
