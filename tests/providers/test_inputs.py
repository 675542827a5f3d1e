"""Inputs at fal and Replicate: each model is sent the URLs of its files, in its own words."""

from typing import Any, Final

import pytest

from atelier import wiring
from atelier.domain.catalog import Model
from atelier.domain.input_files import InputRole, TaskInput
from atelier.domain.provider import Done, InputGone, JobInput, JobRequest, LookupInconclusive, Refused
from atelier.domain.tasks.record import TaskType
from atelier.providers import fal_models
from atelier.providers.fal import Fal
from atelier.providers.inputs import is_input_of
from atelier.providers.replicate import Replicate
from tests.providers.job_requests import Served, a_job_request, as_job_inputs, failure, made, states
from tests.support.builders import an_id
from tests.support.fal_server import FalServer
from tests.support.provider_server import ProviderServer
from tests.support.replicate_server import ReplicateServer

BANANA: Final = "fal-ai/nano-banana-2/edit"
Asked = tuple[Any, ...]
REFERENCE, START, END = InputRole.REFERENCE, InputRole.START_IMAGE, InputRole.END_IMAGE


def an_order(server: ProviderServer, provider: str, model: str, kind: TaskType, *roles: InputRole, **more: Any) -> Any:
    """A job with one file for each role, all of which the provider can fetch."""
    known = the_model(provider, model, kind)
    named = [TaskInput(role=role, task_id=an_id(50), output=number) for number, role in enumerate(roles)]
    address = server.media("image", 0, more.pop("fault", ""))
    prompt = {"prompt": "A red barn" if known.prompt_limit else ""}
    inputs = as_job_inputs(known, named, address)
    return a_job_request(model, **prompt | {"type": kind, "options": known.sent({}), "inputs": inputs} | more)


def the_model(provider: str, name: str, kind: TaskType) -> Model:
    found = wiring.models().model(provider, name, kind)
    assert found, name
    return found


def sent(server: ProviderServer) -> dict[str, Any]:
    """The input of the last job, with every URL without its query."""
    content = server.books.of("submit")[-1]["input"]
    return {name: _plain(value) for name, value in content.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.partition("?")[0].rpartition("/")[2] if str(value).startswith("http") else value


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ((BANANA, TaskType.EDIT, REFERENCE, REFERENCE, REFERENCE), {"image_urls": ["out.png"] * 3}),
        (
            ("openai/gpt-image-2/edit", TaskType.EDIT, REFERENCE, InputRole.MASK),
            {"image_urls": ["out.png"], "mask_url": "out.png"},
        ),
        (
            ("fal-ai/kling-video/v3/pro/image-to-video", TaskType.VIDEO, START, END),
            {"start_image_url": "out.png", "end_image_url": "out.png"},
        ),
        (("fal-ai/topaz/upscale/image", TaskType.UPSCALE, REFERENCE), {"image_url": "out.png"}),
        (("fal-ai/bria/background/remove", TaskType.REMOVE_BACKGROUND, REFERENCE), {"image_url": "out.png"}),
    ],
)
def test_fal_is_sent_urls_in_the_models_words(
    fal: Fal, fal_server: FalServer, asked: Asked, fields: dict[str, Any]
) -> None:
    """And finds the file of an answer, whether it is under `images`, `image` or `video`."""
    model, kind, *roles = asked
    done = made(fal, an_order(fal_server, "fal", model, kind, *roles))
    assert isinstance(done, Done)
    assert len(done.files) == 1
    assert sent(fal_server).items() >= fields.items()
    assert ("prompt" in sent(fal_server)) == bool(the_model("fal", model, kind).prompt_limit)
    assert len(fal_server.books.of("input")) == len(roles)


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        (("google/nano-banana-pro", TaskType.EDIT, REFERENCE, REFERENCE, REFERENCE), {"image_input": ["out.png"] * 3}),
        (("black-forest-labs/flux-2-pro", TaskType.EDIT, REFERENCE), {"input_images": ["out.png"]}),
        (("kwaivgi/kling-v3-video", TaskType.VIDEO, START), {"start_image": "out.png"}),
        (("google/veo-3.1-fast", TaskType.VIDEO, START, END), {"image": "out.png", "last_frame": "out.png"}),
        (("topazlabs/image-upscale", TaskType.UPSCALE, REFERENCE), {"image": "out.png"}),
        (("recraft-ai/recraft-remove-background", TaskType.REMOVE_BACKGROUND, REFERENCE), {"image": "out.png"}),
    ],
)
def test_replicate_is_sent_urls_in_the_models_words(
    replicate: Replicate, replicate_server: ReplicateServer, asked: Asked, fields: dict[str, Any]
) -> None:
    model, kind, *roles = asked
    done = made(replicate, an_order(replicate_server, "replicate", model, kind, *roles))
    assert isinstance(done, Done)
    assert sent(replicate_server).items() >= fields.items()
    assert len(replicate_server.books.of("input")) == len(roles)


def test_an_upscale_factor_is_in_the_models_form(
    fal: Fal, fal_server: FalServer, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    four = {"options": {"upscale_factor": 4}}
    made(fal, an_order(fal_server, "fal", "fal-ai/topaz/upscale/image", TaskType.UPSCALE, REFERENCE, **four))
    order = an_order(replicate_server, "replicate", "topazlabs/image-upscale", TaskType.UPSCALE, REFERENCE, **four)
    made(replicate, order)
    assert (sent(fal_server)["upscale_factor"], sent(replicate_server)["upscale_factor"]) == (4, "4x")


def test_a_file_fal_cannot_fetch_fails_the_job(fal: Fal, fal_server: FalServer) -> None:
    order = an_order(fal_server, "fal", BANANA, TaskType.EDIT, REFERENCE, fault="404")
    assert failure(fal, order).code == "file_download_error"


def test_nothing_is_sent_without_its_input(fal: Fal, fal_server: FalServer) -> None:
    spec = the_model("fal", BANANA, TaskType.EDIT).inputs[0]
    gone = JobInput(spec, Served("https://media.test/0.png", is_gone=True))
    with pytest.raises(InputGone):
        fal.submit(a_job_request(BANANA, type=TaskType.EDIT, inputs=(gone,)))
    assert fal_server.books.of("submit") == []


# ------------------------------------------------------------------------------------------ jobs that were not answered


SEEDREAM: Final = "bytedance/seedream/v5/pro/edit"


def test_a_lost_job_without_a_seed_is_found(fal: Fal, fal_server: FalServer) -> None:
    """By its files, whose URLs name the task: each is signed anew, and another task's have another."""
    fal_server.queued = fal_server.working = 0
    order = an_order(fal_server, "fal", SEEDREAM, TaskType.EDIT, REFERENCE, REFERENCE)
    job = fal.submit(order)
    states(fal, job, order)
    assert fal.find(order) == job
    other = JobInput(order.inputs[0].spec, Served("https://media.test/out.png", task_id="task-2"))
    with pytest.raises(LookupInconclusive):
        fal.find(a_job_request(SEEDREAM, reference="task-2", options=order.options, inputs=(other, other)))


def test_another_tasks_urls_are_another_input() -> None:
    names, spec = fal_models.INPUT_NAMES[SEEDREAM], the_model("fal", SEEDREAM, TaskType.EDIT).inputs[0]

    def an_input(task: str) -> JobRequest:
        return a_job_request(SEEDREAM, reference=task, inputs=(JobInput(spec, Served("https://m/0.png", task)),))

    urls = [an_input(task).inputs[0].source.url() for task in ("task-1", "task-2")]
    found = {"prompt": "A red barn", "num_images": 1, "image_urls": urls[:1], "enable_x": True}
    assert is_input_of(found, an_input("task-1"), names)
    assert not is_input_of(found, an_input("task-2"), names)
    assert not is_input_of({**found, "image_urls": urls}, an_input("task-1"), names)
    assert not is_input_of({**found, "image_urls": []}, an_input("task-1"), names)
    assert not is_input_of({**found, "prompt": "Another"}, an_input("task-1"), names)


def test_replicate_finds_a_lost_job_by_its_files(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    order = an_order(replicate_server, "replicate", "google/nano-banana-pro", TaskType.EDIT, REFERENCE)
    job = replicate.submit(order)
    assert replicate.find(order) == job


def test_a_refused_edit_is_not_charged(fal: Fal, fal_server: FalServer) -> None:
    order = an_order(fal_server, "fal", BANANA, TaskType.EDIT, REFERENCE, prompt="end:422")
    ended = made(fal, order)
    assert isinstance(ended, Refused)
    assert ended.error.code == "content_policy_violation"
