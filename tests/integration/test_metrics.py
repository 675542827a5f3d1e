"""What is counted: one line at most for each request or record, and none where there was nothing to count."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, get_args
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from atelier import wiring
from atelier.domain.due import LATE_AFTER
from atelier.domain.provider import Done, JobRequest, State, SubmitOutcomeUnknown
from atelier.providers.sandbox import Sandbox
from atelier.store import verify
from atelier.store.export_builder import ExportBuilder
from atelier.telemetry import Metric
from testbed.harness import Harness
from testbed.lambda_events import sqs_record
from tests.integration.builders import a_canceled_task, a_client, a_finished_task, a_task, clean_up, work_on

Line = dict[str, Any]
BUSY: Any = {"Error": {"Code": "TransactionConflictException", "Message": "Somebody else is writing it."}}


@pytest.fixture
def metrics(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[Line]]:
    """The lines of metrics that were written since it was last asked."""

    def read() -> list[Line]:
        return [json.loads(line) for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]

    return read


def names(line: Line) -> set[str]:
    """The metrics of a line."""
    (about,) = line["_aws"]["CloudWatchMetrics"]
    return {each["Name"] for each in about["Metrics"]}


def dimensions(line: Line) -> list[list[str]]:
    """What its metrics are told apart by."""
    (about,) = line["_aws"]["CloudWatchMetrics"]
    assert about["Namespace"] == "Atelier"
    found: list[list[str]] = about["Dimensions"]
    return found


def test_a_finished_task_counts_once_by_outcome_and_provider(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_finished_task(w)
    w.settle()
    (line,) = metrics()
    assert names(line) == {"TasksEnded", "TaskDuration"}
    assert dimensions(line) == [["service"], ["service", "outcome", "served_by"]]
    assert (line["outcome"], line["served_by"], line["TasksEnded"]) == ("succeeded", "sandbox", [1])
    assert 0 < line["TaskDuration"][0] < 60


@pytest.mark.parametrize(
    ("code", "metric"),
    [("provider_auth", "ProviderKeyRefused"), ("provider_unavailable", "ProviderUnavailable")],
)
def test_failures_for_operators_have_their_own_metric(
    w: Harness, metrics: Callable[[], list[Line]], code: str, metric: str
) -> None:
    a_finished_task(w, prompt=f"fail:{code}")
    (line,) = metrics()
    assert names(line) == {"TasksEnded", "TaskDuration", metric}
    assert line["outcome"] == "failed"


def test_a_cancel_is_counted_once_by_its_request(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_canceled_task(w)
    w.settle()
    (line,) = metrics()
    assert (line["outcome"], line["TasksEnded"]) == ("canceled", [1])


def test_a_task_that_the_queue_gives_up_is_counted(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_task(w)
    w.relay()
    ((message, _),) = w.generation.take()
    for _ in range(2):
        failed = w.invoke("worker", {"Records": [sqs_record(message, receives=5)]})["batchItemFailures"]
        assert failed
    (line,) = metrics()
    assert (line["outcome"], line["TasksEnded"]) == ("failed", [1])


def test_a_request_that_meets_nothing_writes_no_metrics(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_client(w)
    w.call("GET", "/clients")
    w.call("GET", "/clients", query={"colour": "blue"})
    assert metrics() == []


def a_contended_write(w: Harness) -> None:
    """A client that is written at the fourth try."""
    client = wiring.dynamodb()
    write, conflicts = client.transact_write_items, [ClientError(BUSY, "TransactWriteItems")] * 3

    def contended(**request: Any) -> Any:
        if conflicts:
            raise conflicts.pop()
        return write(**request)

    with mock.patch.object(client, "transact_write_items", contended):
        a_client(w)


def test_retried_writes_are_counted_in_one_line(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_contended_write(w)
    (line,) = metrics()
    assert (dimensions(line), sum(line["WriteConflictRetries"])) == ([["service"]], 3)


def a_defect(w: Harness) -> None:
    """A request that meets one."""
    with mock.patch.object(wiring.clients(), "list", side_effect=RuntimeError("a defect")):
        w.call("GET", "/clients")


def test_a_defect_is_counted(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_defect(w)
    (line,) = metrics()
    assert line["UnexpectedErrors"] == [1]


def a_deleted_client(w: Harness) -> None:
    """One with three tasks, cleaned up."""
    client = a_client(w)
    for _ in range(3):
        a_task(w, client_id=client["id"])
    w.call("DELETE", f"/clients/{client['id']}")
    clean_up(w)


def test_a_cleanup_reports_its_age_and_children(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_deleted_client(w)
    lines = metrics()
    ages = [line["CascadeAge"][0] for line in lines]
    assert sum(line["CascadeChildren"][0] for line in lines) == 3
    assert (ages, ages[-1] > 90) == (sorted(ages), True)


def test_the_media_of_a_deleted_task_have_no_age(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    task = a_finished_task(w)
    metrics()
    w.call("DELETE", f"/tasks/{task['id']}")
    clean_up(w)
    assert metrics() == []


def a_recount(w: Harness) -> None:
    """One that finds two violations."""
    with mock.patch.object(verify, "violations", return_value=["one", "two"]):
        w.invoke("verify", {"user_ids": [1]})


def test_what_a_recount_finds_is_counted(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    assert w.invoke("verify", {"user_ids": [1]})["ok"]
    assert metrics() == []
    a_recount(w)
    (line,) = metrics()
    assert sum(line["IntegrityViolations"]) == 2


def a_silent_submit(w: Harness) -> str:
    """A task of whose job nobody knows whether it was accepted."""
    task = a_task(w)
    with mock.patch.object(Sandbox, "submit", side_effect=SubmitOutcomeUnknown("It fell silent.")):
        w.relay()
        w.work()
    return str(task["id"])


def test_an_unknown_submit_is_counted_at_every_look(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    task = a_silent_submit(w)
    (line,) = metrics()
    assert names(line) == {"SubmitOutcomeUnknown"}
    work_on(w, task)
    assert [names(line) for line in metrics()] == [{"TasksEnded", "TaskDuration"}]


def a_paid_task(w: Harness) -> None:
    """A finished task that cost something."""
    poll = Sandbox.poll

    def paid(self: Sandbox, job: str, job_request: JobRequest) -> State:
        state = poll(self, job, job_request)
        return replace(state, cost=Decimal("0.04")) if isinstance(state, Done) else state

    with mock.patch.object(Sandbox, "poll", paid):
        a_finished_task(w)


def test_what_a_task_cost_is_counted(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_paid_task(w)
    (line,) = metrics()
    assert line["TaskDollars"] == [0.04]


def a_lost_message(w: Harness) -> None:
    """A task of whose first message nobody hears, and the sweep."""
    a_task(w)
    w.changes()
    w.pass_time(LATE_AFTER.total_seconds())
    w.sweep()


def test_work_that_is_put_back_is_counted(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_lost_message(w)
    (line,) = metrics()
    assert line["OverduePutBack"] == [1]
    w.sweep()
    assert metrics() == []


def a_failing_export(w: Harness) -> None:
    """An export whose archive cannot be made."""
    w.call("POST", "/exports", {"task_ids": [a_finished_task(w)["id"]]})
    with mock.patch.object(ExportBuilder, "add", side_effect=OSError):
        while w.export():
            pass


def test_an_export_that_fails_is_counted_once(w: Harness, metrics: Callable[[], list[Line]]) -> None:
    a_failing_export(w)
    assert [line["ExportsFailed"] for line in metrics() if "ExportsFailed" in line] == [[1]]


def a_model_report(w: Harness) -> None:
    line = mock.Mock(reports=[mock.Mock(kind="gone", detail="It is gone.")], status="active", reason=None)
    with mock.patch.object(wiring, "model_checks", return_value=mock.Mock(run=mock.Mock(return_value=[line]))):
        assert w.check_models()["reported"] == 1


SITUATIONS: Final[Mapping[Metric, Callable[[Harness], object]]] = {
    "CascadeAge": a_deleted_client,
    "CascadeChildren": a_deleted_client,
    "ExportsFailed": a_failing_export,
    "IntegrityViolations": a_recount,
    "ModelReports": a_model_report,
    "OverduePutBack": a_lost_message,
    "ProviderKeyRefused": lambda w: a_finished_task(w, prompt="fail:provider_auth"),
    "ProviderUnavailable": lambda w: a_finished_task(w, prompt="fail:provider_unavailable"),
    "SubmitOutcomeUnknown": a_silent_submit,
    "TaskDollars": a_paid_task,
    "TaskDuration": a_paid_task,
    "TasksEnded": a_paid_task,
    "UnexpectedErrors": a_defect,
    "WriteConflictRetries": a_contended_write,
}
"""What has each metric written."""


def test_every_metric_has_a_situation() -> None:
    assert set(SITUATIONS) == set(get_args(Metric))


@pytest.mark.parametrize("metric", SITUATIONS)
def test_every_metric_is_written(w: Harness, metrics: Callable[[], list[Line]], metric: Metric) -> None:
    SITUATIONS[metric](w)
    assert metric in set().union(*map(names, metrics()))
