"""Outgoing webhooks, from the end of a task to the receiver, and the secret that signs them."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from unittest import mock

import pytest
from standardwebhooks.webhooks import Webhook

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import DeliveryAttempt, Task
from atelier.domain.webhook_delivery import DeliveryFailed
from atelier.domain.webhook_secrets import OVERLAP, secret_text
from atelier.store import keys
from atelier.store.idempotency import IdempotentRequest
from atelier.store.table import Table
from atelier.store.verify import read, violations
from atelier.store.webhook_client import WebhookClient
from atelier.store.webhook_secrets import WebhookSecrets
from testbed.harness import Harness
from tests.integration.builders import a_client, a_finished_task, a_task, problem, shown, work_on
from tests.support.builders import a_task as a_record
from tests.support.builders import an_id

URL: Final = "https://receiver.example/hooks"
SECRET: Final = "/webhook-secret"
ONE, TWO, THREE = (secret_text(bytes([number]) * 32) for number in (1, 2, 3))


@dataclass
class Receiver:
    """Whoever is behind `URL`: answers with `answers` one after the other, then with 204."""

    answers: list[int | str] = field(default_factory=list)
    posts: list[tuple[str, bytes, dict[str, str]]] = field(default_factory=list)

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Take a message; a text is the reason of no answer."""
        self.posts.append((url, body, headers))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, str):
            raise DeliveryFailed(answer)
        return answer


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The receiver, in place of the way to it."""
    made = Receiver()
    with mock.patch.object(WebhookClient, "post", made.post):
        yield made


def stored(task: Any) -> Task:
    """A task as it is kept."""
    return wiring.tasks().kept(task["id"], access=Access.own(1))


def told(receiver: Receiver, secret: str) -> list[Any]:
    """What the receiver has been told, once it has checked the signatures."""
    return [Webhook(secret).verify(body, headers) for _, body, headers in receiver.posts]


def without_urls(task: dict[str, Any]) -> dict[str, Any]:
    """A task without what is different each time it is shown."""
    return {**task, "outputs": [{**output, "url": ""} for output in task["outputs"]]}


# ------------------------------------------------------------------------------------------- what receivers hear


def test_the_receiver_gets_the_task_its_owner_sees(w: Harness, receiver: Receiver) -> None:
    secret = shown(w, SECRET)["secret"]
    task = a_finished_task(w, webhook_url=URL, metadata={"mine": 1}, client_id=a_client(w)["id"])
    w.relay()
    assert w.tell() == 1
    (message,) = told(receiver, secret)
    assert message["type"] == "task.succeeded"
    assert message["timestamp"] == task["completed_at"]
    assert without_urls(message["data"]) == without_urls(task)
    assert "X-Amz-Signature" in message["data"]["outputs"][0]["url"] or "Signature" in str(message["data"]["outputs"])
    assert [url for url, _, _ in receiver.posts] == [URL]
    assert receiver.posts[0][2]["webhook-id"] == f"evt_{task['id']}"
    (delivery,) = shown(w, f"/tasks/{task['id']}")["webhook_deliveries"]
    assert (delivery["status"], delivery["error"]) == (204, None)


def test_a_canceled_task_is_delivered_once(w: Harness, receiver: Receiver) -> None:
    task = a_task(w, webhook_url=URL)
    w.relay()
    assert w.call("POST", f"/tasks/{task['id']}/cancel").status == 200
    work_on(w, task["id"])
    w.relay()
    while w.tell():
        w.relay()
    assert [each["type"] for each in told(receiver, shown(w, SECRET)["secret"])] == ["task.canceled"]


def test_a_task_without_a_webhook_url_sends_nothing(w: Harness, receiver: Receiver) -> None:
    a_finished_task(w)
    w.relay()
    assert w.tell() == 0


def test_the_first_signature_creates_the_owners_secret(w: Harness, receiver: Receiver) -> None:
    a_finished_task(w, webhook_url=URL)
    w.relay()
    w.tell()
    assert len(told(receiver, shown(w, SECRET)["secret"])) == 1


def test_attempts_are_shown_and_their_intervals_grow(w: Harness, receiver: Receiver) -> None:
    receiver.answers = [500, "it did not answer", 200]
    task = a_finished_task(w, webhook_url=URL)
    w.relay()
    delays = []
    while w.deliveries.waiting:
        delays += [delay for _, delay in w.deliveries.waiting]
        w.tell()
        w.relay()
    made = shown(w, f"/tasks/{task['id']}")["webhook_deliveries"]
    assert [(each["status"], each["error"]) for each in made] == [(500, None), (None, "it did not answer"), (200, None)]
    assert delays == [0, 5, 30]
    seen = told(receiver, shown(w, SECRET)["secret"])
    assert [len(each["data"]["webhook_deliveries"]) for each in seen] == [0, 1, 2]


def test_a_webhook_is_sent_again_on_request(w: Harness, receiver: Receiver) -> None:
    receiver.answers = [410, 500]
    task, before = a_finished_task(w, webhook_url=URL), w.now
    tell_all(w)
    w.pass_time(60)
    again = w.call("POST", f"/tasks/{task['id']}/webhook")
    assert (again.status, without_urls(again.json)["updated_at"]) == (202, task["updated_at"])
    assert not violations(read(wiring.table(), 1))
    tell_all(w)
    made = shown(w, f"/tasks/{task['id']}")["webhook_deliveries"]
    assert [each["status"] for each in made] == [410, 500, 204]
    assert {headers["webhook-id"] for _, _, headers in receiver.posts} == {f"evt_{task['id']}"}
    assert made[0]["at"] <= format_timestamp(before + timedelta(seconds=60)) <= made[1]["at"]
    assert not violations(read(wiring.table(), 1), at_rest=True)


def tell_all(w: Harness) -> None:
    w.relay()
    while w.deliveries.waiting:
        w.tell()
        w.relay()


def test_only_an_ended_task_with_webhook_sends_again(w: Harness, receiver: Receiver) -> None:
    for task in (a_task(w, webhook_url=URL), a_finished_task(w)):
        problem(w.call("POST", f"/tasks/{task['id']}/webhook"), 409)
    tell_all(w)
    assert not receiver.posts


def test_a_delivery_under_way_is_recorded_after_a_resend(w: Harness, receiver: Receiver) -> None:
    task = a_finished_task(w, webhook_url=URL)
    under_way = stored(task)
    w.call("POST", f"/tasks/{task['id']}/webhook")
    wiring.tasks().log_delivery(under_way, DeliveryAttempt(at=task_end(under_way), status=204))
    assert len(stored(task).webhook_deliveries) == 1
    assert not violations(read(wiring.table(), 1)), "the sweep looks at it"
    tell_all(w)
    assert len(receiver.posts) == 1


def task_end(task: Task) -> datetime:
    assert task.completed_at is not None
    return task.completed_at


def test_a_deleted_task_is_not_delivered(w: Harness, receiver: Receiver) -> None:
    task = a_finished_task(w, webhook_url=URL)
    w.relay()
    assert w.call("DELETE", f"/tasks/{task['id']}").status == 204
    assert w.tell() == 1
    assert not receiver.posts


def test_a_delivery_names_no_client_being_cleaned_up(w: Harness, receiver: Receiver) -> None:
    client = a_client(w)
    a_finished_task(w, webhook_url=URL, client_id=client["id"])
    w.relay()
    assert w.call("DELETE", f"/clients/{client['id']}").status == 204
    w.tell()
    (message,) = told(receiver, shown(w, SECRET)["secret"])
    assert message["data"]["client_id"] is None


# ----------------------------------------------------------------------------------------------- what is recorded


def test_a_delivery_changes_only_deliveries_and_tag(w: Harness) -> None:
    task = a_finished_task(w)
    before = w.call("GET", f"/tasks/{task['id']}")
    wiring.tasks().log_delivery(stored(task), DeliveryAttempt(at=w.now, status=500))
    wiring.tasks().log_delivery(stored(task), DeliveryAttempt(at=w.now, error="it did not answer"))
    after = w.call("GET", f"/tasks/{task['id']}")
    at = format_timestamp(w.now)
    assert [{**each, "at": None} for each in after.json["webhook_deliveries"]] == [
        {"at": None, "status": 500, "error": None, "given_up": False},
        {"at": None, "status": None, "error": "it did not answer", "given_up": False},
    ]
    assert after.json["webhook_deliveries"][0]["at"] <= at
    assert without_urls({**after.json, "webhook_deliveries": []}) == without_urls(before.json)
    assert after.headers["ETag"] != before.headers["ETag"]
    assert not violations(read(wiring.table(), 1), at_rest=True)


def test_a_delivery_is_recorded_on_older_tasks(w: Harness) -> None:
    """Those that were written before there were deliveries."""
    task = a_finished_task(w)
    key = {"PK": {"S": f"TASK#{task['id']}"}, "SK": {"S": "TASK"}}
    w.dynamodb.update_item(TableName="atelier", Key=key, UpdateExpression="REMOVE webhook_deliveries")
    wiring.tasks().log_delivery(stored(task), DeliveryAttempt(at=w.now, status=200))
    assert len(shown(w, f"/tasks/{task['id']}")["webhook_deliveries"]) == 1


def test_a_delivery_for_a_missing_task_is_not_recorded(w: Harness) -> None:
    wiring.tasks().log_delivery(a_record(id=an_id(9)), DeliveryAttempt(at=w.now, status=200))
    assert wiring.table().get(keys.task(an_id(9))) is None


# ---------------------------------------------------------------------------------------------------- the secret


def test_a_secret_is_created_once_at_first_read(w: Harness) -> None:
    first, second = w.call("GET", SECRET), w.call("GET", SECRET)
    assert first.json == second.json == {"secret": first.json["secret"], "previous_until": None}
    prefix, _, key = first.json["secret"].partition("_")
    assert (prefix, len(base64.b64decode(key, validate=True))) == ("whsec", 32)
    assert first.headers["Cache-Control"] == "no-store"
    assert not violations(read(wiring.table(), 1), at_rest=True)


def test_a_changed_secret_leaves_the_old_one_a_day(w: Harness) -> None:
    old = shown(w, SECRET)["secret"]
    answer = w.call("POST", SECRET)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["secret"] != old
    assert answer.json["previous_until"] == format_timestamp(w.now + OVERLAP)
    assert shown(w, SECRET) == answer.json
    kept = wiring.webhook_secrets().get_or_create(1, fresh=ONE, now=w.now)
    assert kept.signing(w.now) == (answer.json["secret"], old)
    w.pass_time(OVERLAP.total_seconds())
    assert shown(w, SECRET) == {"secret": answer.json["secret"], "previous_until": None}


def test_rotating_an_unseen_secret_creates_one(w: Harness) -> None:
    answer = w.call("POST", SECRET)
    assert (answer.status, answer.json["previous_until"]) == (200, None)
    assert shown(w, SECRET) == answer.json


def test_the_same_key_changes_the_secret_once(w: Harness) -> None:
    old = shown(w, SECRET)["secret"]
    first = w.call("POST", SECRET, headers={"Idempotency-Key": "k"})
    again = w.call("POST", SECRET, headers={"Idempotency-Key": "k"})
    assert (again.status, again.json) == (200, first.json)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    kept = wiring.webhook_secrets().get_or_create(1, fresh=ONE, now=w.now)
    assert kept.signing(w.now) == (first.json["secret"], old)
    assert w.call("POST", SECRET, headers={"Idempotency-Key": "other"}).json["secret"] != first.json["secret"]


def test_a_key_that_made_something_else_is_refused(w: Harness) -> None:
    assert w.call("POST", "/clients", {"name": "Acme"}, headers={"Idempotency-Key": "k"}).status == 201
    problem(w.call("POST", SECRET, headers={"Idempotency-Key": "k"}), 422)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_secret_cannot_be_chosen(w: Harness, method: str) -> None:
    problem(w.call(method, SECRET, {"secret": ONE}), 400)
    problem(w.call(method, SECRET, query={"secret": ONE}), 400)


def test_every_user_has_a_secret_of_their_own(w: Harness) -> None:
    secrets = wiring.webhook_secrets()
    assert secrets.get_or_create(1, fresh=ONE, now=w.now).secret == ONE
    assert secrets.get_or_create(2, fresh=TWO, now=w.now).secret == TWO
    secrets.rotate(Access.own(2), fresh=THREE, idempotent=None, now=w.now)
    assert secrets.get_or_create(1, fresh=THREE, now=w.now).secret == ONE


def overtaken(by: Any) -> Any:
    """A table whose first reader is overtaken, by what `by` does, before it writes."""
    get, due = Table.get, [by]

    def read_and_wait(self: Table, key: keys.Key) -> Any:
        found = get(self, key)
        if due:
            due.pop()()
        return found

    return mock.patch.object(Table, "get", read_and_wait)


def test_concurrent_first_reads_get_the_same_secret(w: Harness) -> None:
    secrets = WebhookSecrets(wiring.table())
    with overtaken(lambda: secrets.get_or_create(1, fresh=ONE, now=w.now)):
        assert secrets.get_or_create(1, fresh=TWO, now=w.now).secret == ONE


def test_concurrent_rotations_forget_no_secret(w: Harness) -> None:
    secrets = WebhookSecrets(wiring.table())
    secrets.get_or_create(1, fresh=ONE, now=w.now)
    with overtaken(lambda: secrets.rotate(Access.own(1), fresh=TWO, idempotent=None, now=w.now)):
        made = secrets.rotate(Access.own(1), fresh=THREE, idempotent=None, now=w.now + timedelta(seconds=1)).record
    assert made.signing(w.now) == (THREE, TWO)


def test_concurrent_rotations_with_one_key_rotate_once(w: Harness) -> None:
    secrets, this = WebhookSecrets(wiring.table()), IdempotentRequest(key="k", digest="d")
    secrets.get_or_create(1, fresh=ONE, now=w.now)
    with overtaken(lambda: secrets.rotate(Access.own(1), fresh=TWO, idempotent=this, now=w.now)):
        made = secrets.rotate(Access.own(1), fresh=THREE, idempotent=this, now=w.now)
    assert (made.replayed, made.record.secret) == (True, TWO)
    assert secrets.get_or_create(1, fresh=THREE, now=w.now).signing(w.now) == (TWO, ONE)
