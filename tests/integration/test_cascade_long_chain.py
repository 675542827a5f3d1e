"""A cleanup of so many children that it takes more messages than Lambda lets a chain have by itself."""

from datetime import timedelta
from unittest import mock

from atelier import wiring
from atelier.store.cascade import Cascade
from local.lineage import LIMIT
from testbed.harness import TABLE, Harness
from tests.integration.builders import a_campaign, a_client, shown
from tests.support.recount import scan, violations

CHILDREN = 60


def test_a_cleanup_of_many_messages_comes_to_its_end(w: Harness) -> None:
    """Two children a message here; of 250 each, as many messages are 7,500 children."""
    in_twos = Cascade(wiring.table(), w.cascade, quiet_period=timedelta(seconds=90), batch=2)
    client = a_client(w)
    for _ in range(CHILDREN):
        a_campaign(w, client)
    with mock.patch.object(wiring, "cascade", return_value=in_twos):
        assert w.call("DELETE", f"/clients/{client['id']}").status == 204
        w.relay()
        messages = 0
        while cleaned := w.clean():
            messages += cleaned
    assert messages > LIMIT
    assert shown(w, "/campaigns")["total"] == 0
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []
