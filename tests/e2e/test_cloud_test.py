"""The steps of `make cloud-test`, tried against the local run as far as that goes."""

import httpx
import pytest

from local.cloud import deployed, steps
from local.cloud.api import Api, Unexpected
from local.cloud.steps import Skipped, Trial
from local.stack import Stack


@pytest.fixture
def trial(stack: Stack) -> Trial:
    here = deployed.on_this_machine(int(stack.url.rpartition(":")[2]))
    return Trial(here, Api(here.output("ApiUrl")), job_seconds=5, children=20)


@pytest.mark.parametrize("step", [it for it in steps.STEPS if it not in (steps.parameter_flip, steps.failed_update)])
def test_a_step_sees_what_it_should(trial: Trial, step: steps.Step) -> None:
    assert step(trial)


@pytest.mark.parametrize("step", [steps.parameter_flip, steps.failed_update])
def test_steps_that_need_aws_are_skipped_and_reported(trial: Trial, step: steps.Step) -> None:
    with pytest.raises(Skipped, match="the local run has no updates"):
        step(trial)


def test_a_step_leaves_nothing_behind(trial: Trial, api: httpx.Client) -> None:
    before = api.get("/clients").json()["total"], api.get("/tasks").json()["total"]
    steps.tour(trial)
    assert (api.get("/clients").json()["total"], api.get("/tasks").json()["total"]) == before


def test_another_answer_than_promised_is_an_error(trial: Trial) -> None:
    with pytest.raises(Unexpected, match="404 instead of 200"):
        trial.api.call("GET", "/clients/nobody")
