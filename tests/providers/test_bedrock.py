"""Bedrock as AWS describes it: images that are paid with one call, videos that are asked after, and lost answers."""

import base64
import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ReadTimeoutError
from PIL import Image

from atelier.domain.catalog import Catalog, Lifecycle
from atelier.domain.errors import Invalid
from atelier.domain.input_files import InputRole, TaskInput
from atelier.domain.provider import (
    Done,
    JobRequest,
    LookupInconclusive,
    Refused,
    Staged,
    SubmitOutcomeUnknown,
    SubmitRefused,
    Unavailable,
    Working,
)
from atelier.domain.tasks.record import TaskType
from atelier.providers import aws
from atelier.providers.bedrock import MODELS, Bedrock
from tests.providers import job_requests
from tests.support.aws_harness import BUCKET, AwsHarness, client_of
from tests.support.aws_media import AwsMedia
from tests.support.builders import an_id

CORE = "stability.stable-image-core-v1:1"
RAY = "luma.ray-v2:0"


@pytest.fixture(scope="module")
def client(harness: AwsHarness) -> Iterator[Any]:
    with client_of("bedrock-runtime", harness.server.url) as made:
        yield made


@pytest.fixture(scope="module")
def nobody(harness: AwsHarness) -> Iterator[Any]:
    """A client with nobody at the other end."""
    with client_of("bedrock-runtime", "http://127.0.0.1:1") as made:
        yield made


@pytest.fixture
def bedrock(client: Any, harness: AwsHarness, books: AwsMedia) -> Bedrock:
    return Bedrock(client, harness.s3, BUCKET)


def an_image(prompt: str = "A lighthouse", *, reference: str = "t1", **options: Any) -> JobRequest:
    return branded(CORE, prompt, reference=reference, options=options)


def a_video(prompt: str = "Waves at dawn", *, reference: str = "t1", **options: Any) -> JobRequest:
    return branded(RAY, prompt, reference=reference, options=options, type=TaskType.VIDEO)


def branded(model: str, prompt: str, *, options: dict[str, Any], **fields: Any) -> JobRequest:
    effective = f"{prompt}\n\nBrand guidelines: Teal."
    return job_requests.a_job_request(
        model, prompt, effective_prompt=effective, options={"num_outputs": 1, **options}, **fields
    )


BOTH_KINDS = pytest.mark.parametrize("a_job_request", [an_image, a_video])
AnOrder = Callable[..., JobRequest]


# ---------------------------------------------------------------------------------------------------- images


def test_an_image_is_made_and_stored_by_one_call(bedrock: Bedrock, books: AwsMedia, harness: AwsHarness) -> None:
    job = bedrock.submit(an_image())
    done = bedrock.poll(job, an_image())
    assert isinstance(done, Done)
    assert (done.files, done.seed) == ((Staged("incoming/t1/0.png"),), books.paid[0].sent["seed"])
    assert Image.open(io.BytesIO(harness.read("incoming/t1/0.png"))).format == "PNG"
    assert len(books.paid) == 1


def test_image_options_use_the_models_own_words(bedrock: Bedrock, books: AwsMedia) -> None:
    bedrock.submit(an_image(aspect_ratio="21:9", seed=4294967295, negative_prompt="fog", output_format="jpeg"))
    assert books.paid[0].sent == {
        "prompt": "A lighthouse\n\nBrand guidelines: Teal.",
        "aspect_ratio": "21:9",
        "seed": 4294967295,
        "negative_prompt": "fog",
        "output_format": "jpeg",
    }


def test_a_filtered_image_is_refused_for_good(bedrock: Bedrock, books: AwsMedia) -> None:
    with pytest.raises(SubmitRefused) as refused:
        bedrock.submit(an_image("submit:filtered"))
    assert (refused.value.error.code, refused.value.error.retryable) == ("content_policy_violation", False)
    assert "Filter reason: prompt" in refused.value.error.message
    assert books.paid == []


@pytest.mark.parametrize("fault", ["inference_error", "model_error", "model_timeout", "internal"])
def test_a_model_that_failed_is_not_run_again_unasked(bedrock: Bedrock, fault: str) -> None:
    with pytest.raises(SubmitRefused) as refused:
        bedrock.submit(an_image(f"submit:{fault}"))
    assert (refused.value.error.code, refused.value.error.retryable) == ("provider_failed", True)


@pytest.mark.parametrize("fault", ["hang_up", "slow"])
def test_an_image_with_lost_answer_is_not_requested_again(bedrock: Bedrock, books: AwsMedia, fault: str) -> None:
    with pytest.raises(SubmitOutcomeUnknown):
        bedrock.submit(an_image(f"submit:{fault}"))
    with pytest.raises(LookupInconclusive):
        bedrock.find(an_image(f"submit:{fault}"))
    assert len(books.paid) == 1


def test_an_image_stored_before_a_crash_is_found(bedrock: Bedrock, books: AwsMedia) -> None:
    job = bedrock.submit(an_image())
    assert bedrock.find(an_image()) == job
    assert len(books.paid) == 1


def test_an_image_that_failed_to_store_stays_inconclusive(client: Any, harness: AwsHarness, books: AwsMedia) -> None:
    """It may yet be there."""
    with pytest.raises(SubmitOutcomeUnknown):
        Bedrock(client, harness.s3, "no-such-bucket").submit(an_image())
    assert len(books.paid) == 1


def test_an_image_of_another_request_is_not_taken(bedrock: Bedrock) -> None:
    bedrock.submit(an_image(reference="t11"))
    with pytest.raises(LookupInconclusive):
        bedrock.find(an_image(reference="t1"))


@pytest.mark.parametrize("answer", [b"", b"[]", b'{"images":["a"]}', b'{"images":[7]}'])
def test_an_unreadable_answer_is_the_providers_failure(harness: AwsHarness, answer: bytes) -> None:
    with pytest.raises(SubmitRefused) as refused:
        Bedrock(_answering(answer), harness.s3, BUCKET).submit(an_image())
    assert refused.value.error.code == "provider_failed"


def test_an_answer_without_images_is_a_job_without_files(harness: AwsHarness) -> None:
    bedrock = Bedrock(_answering(b'{"images":[],"finish_reasons":[null]}'), harness.s3, BUCKET)
    done = bedrock.poll(bedrock.submit(an_image()), an_image())
    assert isinstance(done, Done)
    assert done.files == ()


def _answering(answer: bytes) -> Any:
    """A Bedrock whose every image is this."""
    return SimpleNamespace(invoke_model=lambda **_: {"body": io.BytesIO(answer)})


# ------------------------------------------------------------------------------------------------------- videos


def test_a_video_is_polled_until_it_is_stored(bedrock: Bedrock, books: AwsMedia, harness: AwsHarness) -> None:
    job = bedrock.submit(a_video())
    seen = [bedrock.poll(job, a_video()) for _ in range(3)]
    assert seen == [Working(), Working(), Done((Staged("incoming/t1/output.mp4"),))]
    assert harness.read("incoming/t1/output.mp4")[4:8] == b"ftyp"
    assert len(books.paid) == 1


def test_video_options_use_the_models_own_words(bedrock: Bedrock, books: AwsMedia) -> None:
    bedrock.submit(a_video(aspect_ratio="9:16", duration=9.0, resolution="540p", loop=True))
    assert books.paid[0].sent["modelInput"] == {
        "prompt": "Waves at dawn\n\nBrand guidelines: Teal.",
        "aspect_ratio": "9:16",
        "duration": "9s",
        "resolution": "540p",
        "loop": True,
    }


@pytest.mark.parametrize("fault", ["hang_up", "slow"])
def test_a_video_whose_answer_was_lost_is_found_again(bedrock: Bedrock, books: AwsMedia, fault: str) -> None:
    books.page_size = 1
    for other in ("t0", "t2"):
        bedrock.submit(a_video(reference=other))
    with pytest.raises(SubmitOutcomeUnknown):
        bedrock.submit(a_video(f"submit:{fault}"))
    job = bedrock.find(a_video(f"submit:{fault}"))
    assert job == books.paid[2].id
    assert len(books.paid) == 3


def test_a_video_is_found_by_its_output_location(bedrock: Bedrock, books: AwsMedia) -> None:
    """When its client token is not listed."""
    job = bedrock.submit(a_video())
    books.paid[0].token = "another"
    assert bedrock.find(a_video()) == job


def test_an_unknown_video_was_certainly_not_submitted(bedrock: Bedrock) -> None:
    assert bedrock.find(a_video()) is None


def test_a_video_that_is_started_twice_is_one_video(bedrock: Bedrock, books: AwsMedia) -> None:
    assert bedrock.submit(a_video()) == bedrock.submit(a_video())
    assert len(books.paid) == 1


def test_a_used_token_means_its_existing_job(bedrock: Bedrock, books: AwsMedia) -> None:
    job = bedrock.submit(a_video("Waves"))
    assert bedrock.submit(a_video("Other words, same order")) == job
    assert len(books.paid) == 1


def test_a_used_token_without_a_job_is_inconclusive(
    bedrock: Bedrock, books: AwsMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    bedrock.submit(a_video("Waves"))
    monkeypatch.setattr(books, "_page", lambda *_: ([], None))
    with pytest.raises(SubmitOutcomeUnknown):
        bedrock.submit(a_video("Other words, same order"))


def test_among_too_many_videos_a_lookup_is_inconclusive(
    bedrock: Bedrock, books: AwsMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "MOST_PAGES", 2)
    books.page_size = 1
    for other in ("t2", "t3", "t4"):
        bedrock.submit(a_video(reference=other))
    with pytest.raises(LookupInconclusive):
        bedrock.find(a_video())


def test_a_video_that_fails_says_why(bedrock: Bedrock) -> None:
    job = bedrock.submit(a_video("end:failed"))
    state = [bedrock.poll(job, a_video()) for _ in range(3)][-1]
    assert isinstance(state, Refused)
    assert state.error.message == "It could not be made."


def test_an_undocumented_status_counts_as_waiting(bedrock: Bedrock, caplog: pytest.LogCaptureFixture) -> None:
    job = bedrock.submit(a_video("status:odd"))
    assert bedrock.poll(job, a_video()) == Working()
    assert "Pondering" in caplog.text


def test_a_video_that_cannot_be_polled_is_polled_later(bedrock: Bedrock) -> None:
    with pytest.raises(Unavailable):
        bedrock.poll("arn:aws:bedrock:us-west-2:123456789012:async-invoke/abcdefghijkl", a_video())


def test_an_internal_error_at_submit_is_inconclusive(bedrock: Bedrock) -> None:
    with pytest.raises(SubmitOutcomeUnknown):
        bedrock.submit(a_video("submit:internal"))


# ---------------------------------------------------------------------------------------------------- both kinds


@BOTH_KINDS
@pytest.mark.parametrize("fault", ["throttled", "unavailable", "quota"])
def test_a_provider_that_is_too_busy_has_done_nothing(
    bedrock: Bedrock, books: AwsMedia, a_job_request: AnOrder, fault: str
) -> None:
    with pytest.raises(Unavailable):
        bedrock.submit(a_job_request(f"submit:{fault}_once"))
    bedrock.submit(a_job_request(f"submit:{fault}_once"))
    assert len(books.paid) == 1


def test_a_model_that_is_not_ready_has_done_nothing(bedrock: Bedrock) -> None:
    with pytest.raises(Unavailable):
        bedrock.submit(an_image("submit:not_ready"))


@BOTH_KINDS
def test_a_denied_role_is_reported_without_its_name(
    bedrock: Bedrock, a_job_request: AnOrder, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(SubmitRefused) as refused:
        bedrock.submit(a_job_request("submit:denied"))
    assert refused.value.error.code == "provider_auth"
    assert "The prompt asked for denied." not in refused.value.error.message
    assert "The prompt asked for denied." in caplog.text


@BOTH_KINDS
def test_the_models_refusal_keeps_its_own_words(bedrock: Bedrock, a_job_request: AnOrder) -> None:
    with pytest.raises(SubmitRefused) as refused:
        bedrock.submit(a_job_request(aspect_ratio="7:1"))
    assert (refused.value.error.code, refused.value.error.retryable) == ("provider_refused", False)
    assert "aspect_ratio" in refused.value.error.message


@BOTH_KINDS
def test_a_refused_connection_is_certainly_no_submit(nobody: Any, harness: AwsHarness, a_job_request: AnOrder) -> None:
    with pytest.raises(Unavailable):
        Bedrock(nobody, harness.s3, BUCKET).submit(a_job_request())


@BOTH_KINDS
def test_a_bucket_that_does_not_answer_now_may_later(client: Any, books: AwsMedia, a_job_request: AnOrder) -> None:
    job = Bedrock(client, books.s3, BUCKET).submit(a_job_request())
    books.over()
    with pytest.raises(Unavailable):
        Bedrock(client, _deaf(), BUCKET).poll(job, a_job_request())


def _deaf() -> Any:
    """An S3 that never answers."""
    failure = ReadTimeoutError(endpoint_url="s3")
    return Mock(list_objects_v2=Mock(side_effect=failure))


@BOTH_KINDS
def test_nothing_can_be_stopped(bedrock: Bedrock, a_job_request: AnOrder) -> None:
    assert bedrock.cancel(bedrock.submit(a_job_request()), model=a_job_request().model) is False


# ------------------------------------------------------------------------------------------------------- models


def test_each_kind_has_one_default_that_is_alive() -> None:
    defaults = {model.type: model for model in MODELS if model.default}
    assert {kind: model.id for kind, model in defaults.items()} == {
        TaskType.IMAGE: CORE,
        TaskType.VIDEO: RAY,
        TaskType.EDIT: "us.stability.stable-image-inpaint-v1:0",
        TaskType.UPSCALE: "us.stability.stable-fast-upscale-v1:0",
        TaskType.REMOVE_BACKGROUND: "us.stability.stable-image-remove-background-v1:0",
    }
    assert len(defaults) == sum(model.default for model in MODELS)
    assert all(model.lifecycle is Lifecycle.ACTIVE for model in defaults.values())


def test_a_retired_model_names_one_that_is_alive() -> None:
    alive = {model.id for model in MODELS if model.lifecycle is Lifecycle.ACTIVE}
    retired = [model for model in MODELS if model.lifecycle is Lifecycle.RETIRED]
    assert {model.replacement for model in retired} <= alive
    with pytest.raises(Invalid, match="retired"):
        Catalog(MODELS).resolve(TaskType.VIDEO, provider="bedrock", model=retired[-1].id, configured=["bedrock"])


# ---------------------------------------------------------------------------------------------------------------- files


def with_files(model: str, kind: TaskType, *roles: InputRole, **asked: Any) -> JobRequest:
    known = next(each for each in MODELS if each.answers_to(model))
    named = [TaskInput(role=role, task_id=an_id(50), output=0) for role in roles]
    inputs = job_requests.as_job_inputs(known, named, "https://media.test/0.png")
    more = {"type": kind, "options": known.sent({}), "inputs": inputs}
    return job_requests.a_job_request(known.id, **more | asked)


def test_files_are_sent_in_base64(bedrock: Bedrock, books: AwsMedia) -> None:
    """Bedrock fetches nothing."""
    order = with_files("stable-image-inpaint", TaskType.EDIT, InputRole.REFERENCE, InputRole.MASK)
    assert isinstance(job_requests.made(bedrock, order), Done)
    given = books.paid[-1].sent
    assert base64.b64decode(given["image"]) == base64.b64decode(given["mask"]) == b"a picture"


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("stable-fast-upscale", TaskType.UPSCALE),
        ("stable-image-remove-background", TaskType.REMOVE_BACKGROUND),
    ],
)
def test_a_model_without_a_prompt_is_sent_none(bedrock: Bedrock, books: AwsMedia, model: str, kind: TaskType) -> None:
    order = with_files(model, kind, InputRole.REFERENCE, prompt="", effective_prompt="")
    assert isinstance(job_requests.made(bedrock, order), Done)
    assert books.paid[-1].sent.keys() == {"image", "output_format"}


def test_a_video_begins_with_its_picture(bedrock: Bedrock, books: AwsMedia) -> None:
    bedrock.submit(with_files(RAY, TaskType.VIDEO, InputRole.START_IMAGE))
    (frame,) = books.paid[-1].sent["modelInput"]["keyframes"].items()
    data = base64.b64encode(b"a picture").decode()
    assert frame == ("frame0", {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
