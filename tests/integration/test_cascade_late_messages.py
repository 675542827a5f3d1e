"""Messages that come when all is over: what they were about is gone, and so is what their own parents had."""

from testbed.harness import TABLE
from tests.integration.builders import a_campaign, a_canceled_task, a_client, clean_up
from tests.support.fault_injection import faulty_harness
from tests.support.recount import scan, violations


def test_a_campaigns_cleanup_may_follow_its_clients() -> None:
    with faulty_harness() as (w, _):
        client = a_client(w)
        campaign = a_campaign(w, client)
        a_canceled_task(w, campaign_id=campaign["id"])
        w.call("DELETE", f"/campaigns/{campaign['id']}")
        w.relay()
        late = w.cascade.take()
        w.call("DELETE", f"/clients/{client['id']}")
        clean_up(w)
        w.cascade.waiting = late
        clean_up(w)
        assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


def test_a_message_about_a_finished_cleanup_does_nothing() -> None:
    with faulty_harness() as (w, _):
        client = a_client(w)
        a_canceled_task(w, client_id=client["id"])
        w.call("DELETE", f"/clients/{client['id']}")
        w.relay()
        late = list(w.cascade.waiting)
        clean_up(w)
        over = list(scan(w.dynamodb, TABLE))
        w.cascade.waiting = late
        assert w.clean() == 1
        assert list(scan(w.dynamodb, TABLE)) == over
