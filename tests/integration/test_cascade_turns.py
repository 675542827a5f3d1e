"""A huge cleanup works in bounded pieces and takes turns with the small ones; a poisoned message stops nobody."""

from collections import Counter
from datetime import timedelta
from unittest import mock

from atelier import wiring
from atelier.store.cascade import Cascade
from testbed.harness import TABLE, Harness
from testbed.lambda_events import sqs_record
from tests.support.recount import scan, violations


def a_client_with(w: Harness, campaigns: int) -> str:
    client_id = str(w.call("POST", "/clients", {"name": "Acme"}).json["id"])
    for number in range(campaigns):
        w.call("POST", "/campaigns", {"client_id": client_id, "name": f"No. {number}", "goal": "Go"})
    return client_id


def campaigns_left(w: Harness) -> Counter[str]:
    items = scan(w.dynamodb, TABLE)
    return Counter(item["client_id"] for item in items if item["SK"].startswith("CAMPAIGN#"))


def test_a_small_cleanup_does_not_wait_for_huge_ones(w: Harness) -> None:
    huge, small = a_client_with(w, 8), a_client_with(w, 1)
    in_threes = Cascade(wiring.table(), w.cascade, quiet_period=timedelta(seconds=90), batch=3)
    with mock.patch.object(wiring, "cascade", return_value=in_threes):
        for client_id in (huge, small):
            w.call("DELETE", f"/clients/{client_id}")
        w.relay()
        left = []
        for _ in range(3):
            w.clean()
            left.append((campaigns_left(w)[huge], campaigns_left(w)[small]))
        assert left == [(5, 0), (2, 0), (0, 0)]
        w.settle()
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


def test_a_poisoned_message_is_reported_without_the_others(w: Harness) -> None:
    client_id = a_client_with(w, 1)
    w.call("DELETE", f"/clients/{client_id}")
    w.relay()
    ((good, _),) = w.cascade.take()
    poisoned = sqs_record('{"kind": "client"}') | {"messageId": "poisoned"}
    answer = w.invoke("cascade", {"Records": [poisoned, sqs_record(good)]})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "poisoned"}]}
    assert campaigns_left(w)[client_id] == 0


def test_a_redriven_dead_letter_is_safe_at_any_time(w: Harness) -> None:
    client_id = a_client_with(w, 2)
    w.call("DELETE", f"/clients/{client_id}")
    w.relay()
    ((dead, delay),) = w.cascade.take()
    w.pass_time(13 * 24 * 3600)
    assert w.call("GET", "/campaigns").json["total"] == 0
    w.cascade.waiting.append((dead, delay))
    w.settle()
    w.cascade.waiting.append((dead, delay))
    w.settle()
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []
