"""What the sweep looks at, what it puts back and what it leaves alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain import due, pending_deletions
from atelier.domain.access import Access
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import DeliveryAttempt, Task
from atelier.store import deadline, keys, sweep
from atelier.store.table import Write
from atelier.store.webhook_client import WebhookClient
from testbed.harness import TABLE, Harness
from tests.integration.builders import a_campaign, a_client, a_finished_task, a_task, clean_up, work_on
from tests.support.fault_injection import CrashAt, Crashed, FaultyDynamoDB, LateIndexes, Trouble, faulty_harness
from tests.support.recount import scan, violations

URL: Final = "https://receiver.example/hooks"
NOTHING: Final = {"looked_at": 0, "put_back": 0}
LATE: Final = due.LATE_AFTER.total_seconds()


@pytest.fixture
def stage() -> Iterator[tuple[Harness, FaultyDynamoDB]]:
    with faulty_harness() as (w, client):
        yield w, client


@pytest.fixture
def w(stage: tuple[Harness, FaultyDynamoDB]) -> Harness:
    """A harness whose stream is exact."""
    return stage[0]


def kept(id_: str) -> Task:
    """A task as it is stored."""
    return wiring.tasks().kept(id_, access=Access.own(1))


def due_at(key: keys.Key) -> Any:
    """When the sweep looks at an item; None when it does not."""
    return (wiring.table().get(key) or {}).get("due_at")


def tell(w: Harness, *answers: int) -> None:
    """Make the attempt that waits, which the receiver answers so."""
    with mock.patch.object(WebhookClient, "post", side_effect=answers):
        w.tell()


# ------------------------------------------------------------------------------------------------ what is in the index


def test_a_task_is_due_until_it_ends(w: Harness) -> None:
    task = a_task(w, size="64x64")
    place = keys.task(task["id"])
    assert due_at(place) == format_timestamp(kept(task["id"]).created_at + due.LATE_AFTER)
    work_on(w, task["id"])
    assert kept(task["id"]).over
    assert due_at(place) is None


def test_a_canceled_task_with_a_job_is_due(w: Harness) -> None:
    waiting, running = a_task(w), a_task(w)
    w.relay()
    w.generation.waiting = [each for each in w.generation.waiting if running["id"] in each[0]]
    w.work()
    for task in (waiting, running):
        assert w.call("POST", f"/tasks/{task['id']}/cancel").status == 200
    assert due_at(keys.task(waiting["id"])) is None
    assert due_at(keys.task(running["id"])) == format_timestamp(kept(running["id"]).updated_at + due.LATE_AFTER)
    work_on(w, running["id"])
    assert kept(running["id"]).provider_outcome
    assert due_at(keys.task(running["id"])) is None


def test_a_delivery_is_due_until_the_last_attempt(w: Harness) -> None:
    task = a_finished_task(w, webhook_url=URL)
    place = keys.task(task["id"])
    w.relay()
    tell(w, 503)
    assert due_at(place) == format_timestamp(kept(task["id"]).updated_at + due.LATE_AFTER)
    tell(w, 204)
    assert due_at(place) is None


def test_a_delivery_is_not_due_when_all_attempts_failed(w: Harness) -> None:
    task = a_finished_task(w, webhook_url=URL)
    w.relay()
    while w.deliveries.waiting:
        tell(w, 503)
    assert len(kept(task["id"]).webhook_deliveries) == due.ATTEMPTS
    assert due_at(keys.task(task["id"])) is None


def test_a_late_outcome_leaves_the_delivery_due(w: Harness) -> None:
    task = a_task(w, webhook_url=URL)
    w.relay()
    w.work()
    w.call("POST", f"/tasks/{task['id']}/cancel")
    w.changes()
    w.generation.take()
    w.pass_time(LATE + 1)
    assert w.sweep() == {"looked_at": 1, "put_back": 2}
    w.deliveries.take()
    work_on(w, task["id"])
    assert kept(task["id"]).provider_outcome
    ended = kept(task["id"]).completed_at
    assert ended
    assert due_at(keys.task(task["id"])) == format_timestamp(ended + due.LATE_AFTER)


def test_a_cleanup_is_due_until_it_has_ended(w: Harness) -> None:
    client = a_client(w)
    w.call("DELETE", f"/clients/{client['id']}")
    place = keys.deletion(1, "client", client["id"])
    assert due_at(place)
    clean_up(w)
    assert wiring.table().get(place) is None
    assert w.sweep() == NOTHING


def test_a_deleted_task_is_due_until_nothing_is_left(w: Harness) -> None:
    task = a_task(w)
    w.call("DELETE", f"/tasks/{task['id']}")
    place = keys.deleted_task(1, task["id"])
    deleted = wiring.tasks().load_deleted(1, task["id"])
    assert deleted
    assert due_at(place) == format_timestamp(deleted.updated_at + due.LATE_AFTER)
    assert [item["SK"] for item in scan(w.dynamodb, TABLE) if "due_at" in item] == [place.sk]
    w.relay()
    w.work()
    assert wiring.table().get(place) is None
    assert w.sweep() == NOTHING


# --------------------------------------------------------------------------------------------------- what a look does


def test_nothing_is_looked_at_before_it_is_due(w: Harness) -> None:
    a_task(w)
    a_client(w)
    w.call("DELETE", f"/clients/{a_client(w)['id']}")
    w.pass_time(LATE - 1)
    assert w.sweep() == NOTHING


def test_a_lost_first_message_is_sent_again(w: Harness) -> None:
    task = a_task(w, size="64x64")
    w.changes()
    w.pass_time(LATE)
    assert w.sweep() == {"looked_at": 1, "put_back": 1}
    assert w.sweep() == NOTHING
    work_on(w, task["id"])
    assert kept(task["id"]).status == "succeeded"


def test_a_task_that_goes_on_is_left_alone(w: Harness) -> None:
    a_task(w)
    w.relay()
    w.pass_time(LATE - 30)
    w.work()
    waiting = list(w.generation.waiting)
    w.pass_time(60)
    assert w.sweep() == {"looked_at": 1, "put_back": 0}
    assert w.sweep() == NOTHING
    assert w.generation.waiting == waiting


def test_an_attempt_that_is_not_due_is_waited_for(w: Harness) -> None:
    task = a_finished_task(w, webhook_url=URL)
    w.relay()
    for _ in range(5):
        tell(w, 503)
    w.deliveries.take()
    moment = kept(task["id"]).webhook_deliveries[-1].at + timedelta(seconds=due.BACK_OFF[4]) + due.LATE_AFTER
    w.now = moment - timedelta(seconds=1)
    assert w.sweep() == {"looked_at": 1, "put_back": 0}
    w.now = moment
    assert w.sweep() == {"looked_at": 1, "put_back": 1}
    tell(w, 204)
    assert [each.status for each in kept(task["id"]).webhook_deliveries] == [503] * 5 + [204]


def test_a_second_message_changes_nothing(w: Harness) -> None:
    """It was late, and not lost: whichever comes second finds its work done."""
    task = a_finished_task(w, webhook_url=URL)
    other = a_task(w, size="64x64")
    w.relay()
    w.pass_time(LATE)
    assert w.sweep() == {"looked_at": 2, "put_back": 2}
    with mock.patch.object(WebhookClient, "post", return_value=204) as post:
        assert w.tell() == 2
    assert post.call_count == 1
    assert len(kept(task["id"]).webhook_deliveries) == 1
    assert w.work() == 2
    assert len(w.generation.waiting) == 1
    assert kept(other["id"]).step == 1


def test_a_lost_cleanup_goes_on(w: Harness) -> None:
    client = a_client(w)
    a_campaign(w, client)
    w.call("DELETE", f"/clients/{client['id']}")
    w.changes()
    w.pass_time(2 * pending_deletions.LATE_AFTER.total_seconds())
    assert w.sweep() == {"looked_at": 1, "put_back": 1}
    clean_up(w)
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


def test_a_quiet_period_survives_lost_messages(w: Harness) -> None:
    client = a_client(w)
    w.call("DELETE", f"/clients/{client['id']}")
    w.relay()
    w.clean()
    w.cascade.take()
    w.pass_time(2 * pending_deletions.LATE_AFTER.total_seconds() + 120)
    assert w.sweep() == {"looked_at": 1, "put_back": 1}
    w.clean()
    assert wiring.table().get(keys.deletion(1, "client", client["id"])) is None


def test_a_deleted_tasks_lost_message_is_sent_again(w: Harness) -> None:
    task = a_task(w)
    work_on(w, task["id"])
    w.call("DELETE", f"/tasks/{task['id']}")
    w.changes()
    w.pass_time(LATE)
    assert w.sweep() == {"looked_at": 1, "put_back": 1}
    w.work()
    assert wiring.table().get(keys.deleted_task(1, task["id"])) is None


def test_a_cleanup_that_goes_on_is_left_alone(w: Harness) -> None:
    client = a_client(w)
    for _ in range(6):
        a_campaign(w, client)
    w.call("DELETE", f"/clients/{client['id']}")
    w.relay()
    with mock.patch.object(wiring.cascade(), "_batch", 1):
        for _ in range(6):
            w.clean()
            w.pass_time(pending_deletions.LATE_AFTER.total_seconds() - 1)
            assert w.sweep()["put_back"] == 0
        w.cascade.take()
        w.pass_time(2 * pending_deletions.LATE_AFTER.total_seconds())
        assert w.sweep() == {"looked_at": 1, "put_back": 1}


def test_a_cleanup_within_its_time_writes_no_due_moment(w: Harness) -> None:
    client = a_client(w)
    w.call("DELETE", f"/clients/{client['id']}")
    place = keys.deletion(1, "client", client["id"])
    before = due_at(place)
    w.relay()
    w.clean()
    assert due_at(place) == before


def test_what_stays_undone_is_put_back_less_often(w: Harness) -> None:
    a_task(w)
    w.changes()
    put_back = 0
    for _ in range(120):
        w.pass_time(60)
        put_back += w.sweep()["put_back"]
    assert put_back == 5  # after 5, 10, 20, 40 and 80 minutes


# -------------------------------------------------------------------------------------------------- while others write


def test_a_lagging_index_is_not_believed(stage: tuple[Harness, FaultyDynamoDB]) -> None:
    w, client = stage
    client.trouble = LateIndexes(w, client, {"due": 600})
    task = a_task(w, size="64x64")
    work_on(w, task["id"])
    w.pass_time(599)
    assert w.sweep() == NOTHING
    assert kept(task["id"]).over


def test_an_end_during_the_look_is_not_undone(stage: tuple[Harness, FaultyDynamoDB]) -> None:
    w, _ = stage
    task = a_task(w)
    w.changes()
    w.pass_time(LATE)
    send = w.generation.send

    def canceled_meanwhile(*message: Any, **how: Any) -> None:
        send(*message, **how)
        w.call("POST", f"/tasks/{task['id']}/cancel")

    with mock.patch.object(w.generation, "send", canceled_meanwhile):
        assert w.sweep()["put_back"] == 1
    assert due_at(keys.task(task["id"])) is None
    assert violations(scan(w.dynamodb, TABLE)) == []


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_a_sweep_killed_at_its_write_loses_nothing(stage: tuple[Harness, FaultyDynamoDB], *, effect: bool) -> None:
    w, client = stage
    a_task(w, size="64x64")
    w.changes()
    w.pass_time(LATE)
    client.trouble = CrashAt(1, effect=effect)
    with pytest.raises(Crashed):
        w.sweep()
    client.trouble = Trouble()
    assert len(w.generation.waiting) == 1
    assert w.sweep()["put_back"] == (not effect)


def test_an_unreadable_task_stops_no_other(w: Harness) -> None:
    broken, *others = [a_task(w, size="64x64") for _ in range(3)]
    w.changes()
    wiring.table().write(Write(keys.task(broken["id"]), set={"status": "unheard of"}))
    w.pass_time(LATE)
    with pytest.raises(Exception, match="1 of 3 could not be looked at"):
        w.sweep()
    assert sorted(each["id"] in str(w.generation.waiting) for each in (broken, *others)) == [False, True, True]


def test_everything_that_is_due_is_put_back(w: Harness) -> None:
    with mock.patch.object(sweep, "BATCH", 2):
        for _ in range(40):
            a_task(w)
        w.changes()
        w.pass_time(LATE)
        assert w.sweep() == {"looked_at": 40, "put_back": 40}


def test_a_sweep_out_of_time_begins_nothing(w: Harness) -> None:
    a_task(w)
    w.changes()
    w.pass_time(LATE)
    with deadline.within(sweep.RESERVE):
        assert w.sweep() == NOTHING
    assert w.sweep()["put_back"] == 1


def test_every_minute_begins_with_another_part(w: Harness) -> None:
    parts = []
    with mock.patch.object(wiring.table(), "query", side_effect=lambda part, **_: parts.append(part.value)):
        for minute in range(keys.DUE_SHARDS):
            with pytest.raises(AttributeError):
                wiring.sweep().run(now=w.now.replace(minute=minute))
    assert len(set(parts)) == keys.DUE_SHARDS


# ---------------------------------------------------------------------------------------------------- the recount


def test_the_recount_finds_work_that_is_not_due(w: Harness) -> None:
    task, told = a_task(w), a_finished_task(w, webhook_url=URL)
    client = a_client(w)
    w.call("DELETE", f"/clients/{client['id']}")
    deleted = a_task(w)
    w.call("DELETE", f"/tasks/{deleted['id']}")
    cleanups = keys.deletion(1, "client", client["id"]), keys.deleted_task(1, deleted["id"])
    for key in (keys.task(task["id"]), keys.task(told["id"]), *cleanups):
        wiring.table().write(Write(key, remove=("due_at", "due_shard")))
    said = violations(scan(w.dynamodb, TABLE))
    assert len(said) == 4
    assert all("the sweep never looks at it" in each for each in said)


def test_the_recount_finds_work_in_the_wrong_part(w: Harness) -> None:
    task = a_task(w)
    wiring.table().write(Write(keys.task(task["id"]), set={"due_shard": "DUE#99"}))
    (said,) = violations(scan(w.dynamodb, TABLE))
    assert "the sweep never looks at it" in said


def test_a_delivery_that_was_made_owes_nothing(w: Harness) -> None:
    task = a_finished_task(w, webhook_url=URL)
    wiring.tasks().log_delivery(kept(task["id"]), DeliveryAttempt(at=w.now, status=204))
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []
