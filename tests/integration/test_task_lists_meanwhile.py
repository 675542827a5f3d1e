"""Task lists whose counts and rows are of two moments: what was there all the time is shown."""

from collections.abc import Callable
from threading import Event

from tests.integration.builders import a_canceled_task, a_client, a_task, shown
from tests.support.fault_injection import FaultyDynamoDB, Request, Trouble, faulty_harness


class Between(Trouble):
    """Something happens between the counts of a list and its `number`-th query; once."""

    def __init__(self, client: FaultyDynamoDB, happens: Callable[[], object], *, number: int = 1) -> None:
        self.left = number
        self._client = client
        self._happens = happens
        self._counted = Event()

    def after(self, call: str, request: Request) -> None:
        if call == "batch_get_item":
            self._counted.set()

    def before(self, call: str, request: Request) -> Request:
        if call == "query" and self._client.trouble is self:
            self.left -= 1
            if self.left == 0:
                assert self._counted.wait(30)
                self._client.trouble = Trouble()
                self._happens()
        return request


def test_a_concurrent_create_hides_no_task() -> None:
    with faulty_harness() as (w, client):
        first = a_task(w)
        w.pass_time(60)
        client.trouble = trouble = Between(client, lambda: a_task(w))
        page = shown(w, "/tasks")
        assert trouble.left == 0
        assert first["id"] in [each["id"] for each in page["items"]]
        assert page["total"] >= len(page["items"])


def test_tasks_unassigned_meanwhile_hide_no_other_task() -> None:
    with faulty_harness() as (w, client):
        mine, others = a_client(w), a_client(w)
        task = a_canceled_task(w, client_id=mine["id"])
        w.pass_time(60)
        a_canceled_task(w, client_id=others["id"])
        w.call("DELETE", f"/clients/{mine['id']}")

        def a_colleague_deletes() -> None:
            w.call("DELETE", f"/clients/{others['id']}")
            w.relay()
            w.clean()

        client.trouble = trouble = Between(client, a_colleague_deletes, number=3)  # none's, my client's, none's again
        page = shown(w, "/tasks", client_id="none")
        assert trouble.left == 0
        assert task["id"] in [each["id"] for each in page["items"]]


def test_a_task_freed_between_two_reads_is_listed_once() -> None:
    with faulty_harness() as (w, client):
        mine = a_client(w)
        task = a_canceled_task(w, client_id=mine["id"])
        w.call("DELETE", f"/clients/{mine['id']}")
        w.relay()
        client.trouble = trouble = Between(client, w.clean, number=3)  # none's, my client's, none's again
        page = shown(w, "/tasks", client_id="none")
        assert trouble.left == 0
        assert [each["id"] for each in page["items"]] == [task["id"]]
