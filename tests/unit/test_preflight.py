"""What `make preflight` prints, and when it refuses."""

import pytest

from local.preflight import costs, quotas, report
from local.preflight.stacks import Stack
from tests.support.deployments import CDN, COMBINATIONS, PROVIDERS, few_routes


def stack(**parameters: str) -> Stack:
    return Stack(few_routes(), parameters)


def test_it_lists_creations_costs_and_quotas() -> None:
    said = "\n".join(report.lines(stack()))
    assert "every parameter at its default" in said
    assert "nothing that AWS would refuse is known" in said
    functions = len(stack().of_type("AWS::Lambda::Function"))
    assert f"  {functions}  Lambda::Function\n" in said
    assert "dollars; storage, backups and what is used come on top" in said
    assert "Lambda, concurrent executions" in said


def test_what_aws_would_refuse_is_listed_and_ends_it() -> None:
    said: list[str] = []
    with pytest.raises(report.Refused, match="1 things"):
        said += report.lines(stack(AuthMode="placeholder"))
    assert not any("Creates" in each for each in said)


def test_a_public_key_cut_by_a_shell_is_refused() -> None:
    with pytest.raises(report.Refused):
        list(report.lines(stack(**{**CDN, "CdnPublicKey": "-----BEGIN"})))


def of(what: str, **parameters: str) -> float:
    """What the bill says of something."""
    (found,) = [it.dollars for it in costs.idle(stack(**parameters)) if what in it.what]
    return found


def test_snapshots_and_secrets_cost_only_where_used() -> None:
    assert not [it for it in costs.idle(stack()) if "snapshots" in it.what or "secrets" in it.what]
    assert of("snapshots", SnapStart="on") == pytest.approx((11 + 1769 / 1024) * 2_592_000 * 0.0000015046)
    assert of("secrets", **PROVIDERS) == pytest.approx(0.80)


def test_listening_to_a_queue_costs_25_cents() -> None:
    """Five pollers, three requests a minute each, at $0.40 a million."""
    queues = {it.properties["EventSourceArn"] for it in stack().of_type("AWS::Lambda::EventSourceMapping")}
    listened_to = sum(":sqs:" in it for it in queues)
    assert of("listening to") == pytest.approx(listened_to * 5 * 3 * 60 * 24 * 30 * 0.40 / 1_000_000)


def concurrency(**parameters: str) -> quotas.Quota:
    (found,) = [it for it in quotas.met(stack(**parameters)) if it.name.startswith("Lambda")]
    return found


def test_concurrency_is_counted_with_every_queue_busy() -> None:
    assert concurrency().needed == 5 * 2 + 6 * 2
    much = concurrency(WorkerConcurrency="20", CascadeConcurrency="10", WebhookDeliveryConcurrency="20")
    assert (much.needed, much.default) == (138, 1000)
    assert "a new account may have 10" in much.note


def test_everything_at_once_has_a_report() -> None:
    said = list(report.lines(Stack(few_routes(), COMBINATIONS["everything"])))
    assert "    2  CloudFront::PublicKey" in " ".join(said)
