"""From a request to a task: limits with their places, the brand, and asking again."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.catalog import SANDBOX, Catalog, Lifecycle, Model
from atelier.domain.errors import IllegalTransition, Invalid
from atelier.domain.task_creation import (
    BODIES,
    GenerationContext,
    Parents,
    TaskIdentity,
    new_retry,
    new_task,
    task_type_of,
)
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Task, TaskError, TaskStatus, TaskType
from atelier.domain.tasks.requests import NewAudio, NewImage, NewTask, NewVideo
from tests.support.builders import NOON, a_campaign, a_client, a_file, a_task, an_id, needed_inputs

BRAND = Parents(a_client(brand_guidelines="Be red."), a_campaign(brief="Sell."))
LATER = NOON + timedelta(hours=1)
REGISTRY = wiring.catalog()
DESK = GenerationContext(REGISTRY, (SANDBOX,))
TIMED = [each for each in REGISTRY.models if each.seconds and each.lifecycle is not Lifecycle.RETIRED]


def order(new: NewTask, parents: Parents = BRAND, generation_context: GenerationContext = DESK) -> Task:
    files = [a_file(each.role) for each in new.inputs]
    return new_task(
        new, parents, generation_context, files, identity=TaskIdentity(an_id(7), "secret", NOON), access=Access.own(1)
    )


def places(new: NewTask, generation_context: GenerationContext = DESK) -> list[str | None]:
    with pytest.raises(Invalid) as refused:
        order(new, generation_context=generation_context)
    return [fault.pointer for fault in refused.value.field_errors]


@pytest.mark.parametrize(("shape", "kind"), [(NewImage, "image"), (NewVideo, "video"), (NewAudio, "audio")])
def test_a_request_becomes_a_pending_task_of_its_type(shape: type[NewTask], kind: str) -> None:
    new = shape(prompt="A barn", seed=7, params={"steps": 3}, metadata={"mine": [1]})
    task = order(new)
    assert (task_type_of(new), task.type, task.status) == (kind, kind, TaskStatus.PENDING)
    assert (task.id, task.user_id, task.client_id, task.campaign_id) == (an_id(7), 1, an_id(1), an_id(2))
    assert task.params == {"num_outputs": 1, "seed": 7, "steps": 3}
    assert task.metadata == {"mine": [1]}
    assert task.created_at == task.updated_at == NOON
    assert task.cost.estimated == Decimal(0)


def test_every_shape_of_request_has_a_type() -> None:
    assert {task_type_of(shape(prompt="x")): shape for shape in BODIES.values()} == BODIES
    assert BODIES.keys() == set(TaskType)


def test_the_brand_is_applied_unless_the_caller_says_no() -> None:
    plain = order(NewImage(prompt="A barn", apply_brand_guidelines=False))
    branded = order(NewImage(prompt="A barn"))
    assert plain.effective_prompt == plain.prompt == branded.prompt == "A barn"
    assert branded.effective_prompt == "A barn\n\nBrand guidelines: Be red.\n\nCampaign brief: Sell."
    assert order(NewImage(prompt="A barn"), Parents()).effective_prompt == "A barn"
    assert (branded.file_prefix, order(NewImage(prompt="A barn"), Parents()).file_prefix) == ("Launch", "")


def test_the_model_is_kept_as_the_caller_named_it() -> None:
    task = order(NewImage(prompt="A barn", provider="fal", model="fal-ai/flux-pro"))
    assert (task.provider, task.model, task.served_by) == ("fal", "fal-ai/flux-pro", SANDBOX)
    paid = order(NewImage(prompt="A barn", provider="fal"), generation_context=GenerationContext(REGISTRY, ("fal",)))
    assert (paid.served_by, bool(paid.cost.estimated)) == ("fal", True)


def test_everything_that_does_not_fit_is_named_at_once() -> None:
    new = NewImage(prompt="A barn", size="64x64", aspect_ratio="1:1", params={"seed": 1, "size": "x", "steps": 3})
    assert places(new) == ["/params/seed", "/params/size", "/size"]


@pytest.mark.parametrize("model", TIMED, ids=lambda model: model.id)
def test_a_duration_is_within_what_the_model_makes(model: Any) -> None:
    shape, inputs = NewVideo if model.type is TaskType.VIDEO else NewAudio, needed_inputs(model)
    for good in (model.seconds.shortest, model.seconds.longest):
        order(shape(prompt="Waves", provider=model.provider, model=model.id, duration=good, inputs=inputs))
    wrong = {model.seconds.longest + 0.01} | ({model.seconds.shortest - 0.01} if model.seconds.shortest > 1 else set())
    for bad in wrong:
        asked = shape(prompt="Waves", provider=model.provider, model=model.id, duration=bad, inputs=inputs)
        assert places(asked) == ["/duration"]


@pytest.mark.parametrize("duration", [1.5, 29.99])
def test_no_part_of_a_second_is_rounded(duration: float) -> None:
    asked = NewAudio(prompt="Waves", provider="fal", model="fal-ai/stable-audio-25/text-to-audio", duration=duration)
    assert places(asked) == ["/duration"]


def test_a_duration_between_the_models_steps_is_refused() -> None:
    model = next(each for each in TIMED if each.seconds and each.seconds.only)
    assert model.seconds
    between = (model.seconds.only[0] + model.seconds.only[1]) / 2
    assert places(NewVideo(prompt="Waves", model=model.id, duration=between)) == ["/duration"]


def a_desk(**limits: Any) -> GenerationContext:
    return GenerationContext(Catalog([Model("small", "fal", TaskType.IMAGE, default=True, **limits)]), ("fal",))


def test_a_prompt_is_within_what_the_model_takes() -> None:
    order(NewImage(prompt="a" * 9), Parents(), a_desk(prompt_limit=9))
    assert places(NewImage(prompt="a" * 10), a_desk(prompt_limit=9)) == ["/prompt"]


def test_an_option_meaningless_to_the_model_is_refused() -> None:
    new = NewImage(prompt="A barn", seed=1, negative_prompt="rain", num_outputs=2, aspect_ratio="1:1")
    generation_context = a_desk(takes=frozenset({"seed", "aspect_ratio"}), aspect_ratios=("16:9",))
    assert sorted(map(str, places(new, generation_context))) == ["/aspect_ratio", "/negative_prompt", "/num_outputs"]


def test_what_is_left_out_of_the_brand_is_said() -> None:
    task = order(NewImage(prompt="A barn"), generation_context=a_desk(prompt_limit=40))
    assert (task.effective_prompt, task.guidelines_truncated) == ("A barn\n\nBrand guidelines: Be red.", True)
    assert not order(NewImage(prompt="A barn")).guidelines_truncated


def test_nothing_is_added_to_what_is_read_aloud() -> None:
    spoken = [each for each in REGISTRY.models if each.spoken]
    assert spoken
    for model in spoken:
        task = order(NewAudio(prompt="Welcome.", provider=model.provider, model=model.id))
        assert task.effective_prompt == "Welcome."


# ------------------------------------------------------------------------------------------------ several providers


def test_several_providers_keep_their_order_and_joint_limits() -> None:
    small = Model("small", "fal", TaskType.IMAGE, prompt_limit=40, default=True)
    large = Model("large", "replicate", TaskType.IMAGE, default=True)
    generation_context = GenerationContext(Catalog([small, large]), ("fal", "replicate"))
    task = order(NewImage(prompt="A barn", providers=["replicate", "fal"]), generation_context=generation_context)
    assert (task.provider, task.model) == ("replicate", "large")
    assert [(each.provider, each.model) for each in task.fallbacks] == [("fal", "small")]
    assert task.effective_prompt == "A barn\n\nBrand guidelines: Be red."
    assert places(NewImage(prompt="a" * 41, providers=["replicate", "fal"]), generation_context) == ["/prompt"]
    assert places(NewImage(prompt="A barn", provider="fal", providers=["fal"]), generation_context) == ["/providers"]


def test_each_provider_is_sent_a_model_of_its_own() -> None:
    task = order(NewImage(prompt="A barn", providers=["fal", "replicate"], model="black-forest-labs/flux-schnell"))
    asked = [(task.provider, task.model), *((each.provider, each.model) for each in task.fallbacks)]
    assert asked == [("fal", "fal-ai/flux-2-pro"), ("replicate", "black-forest-labs/flux-schnell")]


def test_a_retry_begins_with_the_first_provider() -> None:
    task = order(NewImage(prompt="A barn", providers=["replicate", "fal"]))
    error = TaskError(code="x", message="y", retryable=True)
    failed = life_cycle.failed(life_cycle.rerouted(task, error, now=NOON), error, now=NOON)
    again = _again(failed)
    assert (again.provider, [each.provider for each in again.fallbacks]) == ("replicate", ["fal"])
    assert again.attempts == []


# ------------------------------------------------------------------------------------------------------ asking again


@pytest.mark.parametrize("status", TaskStatus)
def test_only_failed_or_canceled_tasks_are_retried(status: TaskStatus) -> None:
    task = a_task(status=status, provider="fal", model="fal-ai/flux-pro")
    if status in ("failed", "canceled"):
        assert _again(task).retry_of == task.id
    else:
        with pytest.raises(IllegalTransition, match=status.value):
            _again(task)


def test_a_retry_repeats_the_request_with_todays_brand() -> None:
    """And nothing of the first outcome."""
    failed = a_task(
        status="failed",
        provider="fal",
        model="fal-ai/flux-pro",
        params={"seed": 7},
        metadata={"mine": 1},
        effective_prompt="A red barn\n\nBrand guidelines: Be blue.",
        provider_task_id="job",
        error={"code": "x", "message": "y", "retryable": True},
        progress=0.5,
        step=9,
        lease_until=NOON,
        version=12,
        started_at=NOON,
        completed_at=NOON,
    )
    again = _again(failed)
    assert (again.prompt, again.params, again.metadata) == (failed.prompt, failed.params, failed.metadata)
    assert (again.provider, again.model, again.served_by) == ("fal", "fal-ai/flux-pro", SANDBOX)
    assert again.effective_prompt == "A red barn\n\nBrand guidelines: Be red.\n\nCampaign brief: Sell."
    assert (again.id, again.status, again.created_at, again.updated_at) == (an_id(8), "pending", LATER, LATER)
    fresh = (again.provider_task_id, again.error, again.progress, again.lease_until, again.started_at)
    assert fresh == (None, None, None, None, None)
    assert (again.step, again.version, again.completed_at, again.outputs) == (0, 1, None, [])


def test_a_retry_without_brand_stays_without_brand() -> None:
    task = a_task(status="failed", provider="fal", model="fal-ai/flux-pro", apply_brand_guidelines=False)
    assert _again(task).effective_prompt == task.prompt


def _again(task: Task) -> Task:
    return new_retry(task, BRAND, DESK, identity=TaskIdentity(an_id(8), "other", LATER), access=Access.own(1))
