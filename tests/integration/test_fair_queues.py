"""Queues are fair between accounts: whatever is sent, by whomever, names the account whose work it is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from unittest import mock

import boto3
import pytest

from atelier import wiring
from atelier.store.cascade import CleanUpMessage
from atelier.store.queues import ProviderQueues, Queue
from atelier.store.webhook_client import WebhookClient
from testbed.harness import BUCKET, Harness, harness
from testbed.lambda_events import sqs_record

URL: Final = "https://receiver.example/hooks"
FUNCTIONS: Final = {
    "generation": "worker",
    "sandbox": "worker",
    "cascade": "cascade",
    "deliveries": "webhook_delivery",
    "imports": "import_worker",
}


@dataclass
class Sqs:
    """SQS as its senders see it."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    taken: int = 0

    def send_message(self, **request: Any) -> None:
        """Keep the request."""
        self.sent.append(request)

    def deliver(self, made: Harness) -> None:
        """Have everything done that was sent and what follows from it."""
        made.relay()
        while self.taken < len(self.sent):
            request = self.sent[self.taken]
            self.taken += 1
            made.pass_time(request["DelaySeconds"])
            made.invoke(FUNCTIONS[request["QueueUrl"]], {"Records": [sqs_record(request["MessageBody"])]})
            made.relay()


@pytest.fixture
def sqs() -> Sqs:
    return Sqs()


@pytest.fixture
def w(sqs: Sqs) -> Iterator[Harness]:
    client: Any = sqs
    queues = {
        "generation_queue": ProviderQueues(client, "generation", {"sandbox": "sandbox"}),
        "cascade_queue": Queue(client, "cascade"),
        "webhook_delivery_queue": Queue(client, "deliveries"),
        "import_queue": Queue(client, "imports"),
    }
    with harness() as made:
        patched = [mock.patch.object(wiring, name, return_value=queue) for name, queue in queues.items()]
        patched.append(mock.patch.object(WebhookClient, "post", side_effect=[500, *[204] * 9]))
        for each in patched:
            each.start()
        yield made
        for each in patched:
            each.stop()


def live(w: Harness, sqs: Sqs) -> None:
    """Everything that sends messages: tasks that succeed, are canceled, deleted and fail; deletes of parents."""
    client = w.call("POST", "/clients", {"name": "Acme"}).json["id"]
    campaign = w.call("POST", "/campaigns", {"client_id": client, "name": "Summer", "goal": "Sell"}).json["id"]
    image = {"prompt": "A boat", "size": "64x64"}
    done = w.call("POST", "/generate/image", {**image, "campaign_id": campaign, "webhook_url": URL}).json["id"]
    w.call("POST", "/generate/image", {"prompt": "fail:refused", "size": "64x64"})
    made = w.call("POST", "/imports", {"type": "clients", "format": "csv", "size": 9}).json
    key = f"imports/{made['user_id']}/{made['id']}"
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"name\nAcme")
    assert w.call("POST", f"/imports/{made['id']}/start").status == 202
    sqs.deliver(w)
    canceled, deleted = (w.call("POST", "/generate/image", image).json["id"] for _ in range(2))
    w.relay()
    for _ in range(2):
        made = sqs.sent[sqs.taken]
        sqs.taken += 1
        w.invoke("worker", {"Records": [sqs_record(made["MessageBody"])]})
    w.call("POST", f"/tasks/{canceled}/cancel")
    w.call("DELETE", f"/tasks/{deleted}")
    for path in (f"/tasks/{done}", f"/campaigns/{campaign}", f"/clients/{client}"):
        assert w.call("DELETE", path).status == 204
    sqs.deliver(w)


def report(w: Harness) -> None:
    """A provider's callback about a task."""
    task = wiring.tasks().load(w.call("POST", "/generate/image", {"prompt": "A boat"}).json["id"])
    assert task
    wiring.tasks().note(task, served_by="fal", provider_task_id="job-1", lease_until=w.clock())
    verifier = mock.Mock(verified_job=lambda *_, **__: "job-1")
    with mock.patch.object(wiring, "callback_verifier", return_value=verifier):
        query = {"task": task.id, "token": task.callback_token}
        assert w.call("POST", "/webhooks/fal", raw="{}", query=query).status == 204


@pytest.mark.parametrize("account", [1, 7])
def test_every_message_is_sent_in_its_accounts_group(w: Harness, sqs: Sqs, account: int) -> None:
    with mock.patch("atelier.caller.PLACEHOLDER_USER", account):
        live(w, sqs)
        before = len(sqs.sent)
        report(w)
        assert len(sqs.sent) == before + 1
    assert {each["QueueUrl"] for each in sqs.sent} == {"generation", "sandbox", "cascade", "deliveries", "imports"}
    assert {each["MessageGroupId"] for each in sqs.sent} == {str(account)}
    assert {json.loads(each["MessageBody"])["user_id"] for each in sqs.sent} == {account}


def test_a_standard_queue_keeps_the_group(w: Harness) -> None:
    client = boto3.client("sqs")
    url = client.create_queue(QueueName="cascade")["QueueUrl"]
    Queue(client, url).send(CleanUpMessage(user_id=2**31, kind="client", id="1"))
    received = client.receive_message(QueueUrl=url, MessageSystemAttributeNames=["MessageGroupId"])
    assert [each["Attributes"]["MessageGroupId"] for each in received["Messages"]] == [str(2**31)]
