"""Refusals that look like successes, and answers that no job may have: they end the job, and nothing else."""

import base64
import json
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from atelier.domain.provider import (
    Content,
    Done,
    LookupInconclusive,
    Provider,
    Refused,
    Remote,
    SubmitOutcomeUnknown,
    SubmitRefused,
    Unavailable,
    UnreadableAnswer,
    Waiting,
)
from atelier.domain.tasks.record import Outcome, TaskError, TaskType
from atelier.providers import aws, http
from atelier.providers.bedrock import Bedrock
from atelier.providers.fal import Fal
from atelier.providers.http import accepted_content, file_at, raise_if_unavailable
from atelier.providers.refusals import is_about_content
from atelier.providers.replicate import Replicate
from tests.providers.job_requests import a_job_request, always, made, states
from tests.providers.test_http import an_answer
from tests.support.fal_server import FalServer
from tests.support.provider_server import Reply, Request, real_file
from tests.support.replicate_server import ReplicateServer

FLUX: Final = "fal-ai/flux-pro/v1.1"
PRO: Final = "black-forest-labs/flux-1.1-pro"
SCHNELL: Final = "black-forest-labs/flux-schnell"


def refusal(provider: Provider, model: str, prompt: str, **options: Any) -> Refused:
    ended = made(provider, a_job_request(model, prompt, options=options))
    assert isinstance(ended, Refused), ended
    return ended


def fal_answers(server: FalServer, result: Reply) -> None:
    """Have every request be completed, with this result."""
    completed = Reply(200, {"status": "COMPLETED"})
    server.instead = lambda request: completed if request.path.endswith("/status") else result


# --------------------------------------------------------------------------------------------- content that is refused


def test_a_blackened_image_is_refused_with_its_cost(fal: Fal) -> None:
    refused = refusal(fal, FLUX, "end:nsfw", num_outputs=2)
    assert (refused.error.code, refused.error.retryable) == ("content_policy_violation", False)
    assert (refused.cost, refused.charged) == (Decimal("0.08"), True)


def test_some_of_several_images_are_kept_and_flagged(fal: Fal) -> None:
    done = made(fal, a_job_request(FLUX, "end:nsfw_first", options={"num_outputs": 3}))
    assert isinstance(done, Done)
    assert (len(done.files), done.flagged, done.cost) == (3, frozenset({0}), Decimal("0.12"))


IMAGE: Final = {"url": "https://v3.fal.media/a.png"}


@pytest.mark.parametrize(
    ("result", "flagged"),
    [
        ({"images": [IMAGE], "has_nsfw_concepts": True}, None),
        ({"image": IMAGE, "has_nsfw_concepts": [True]}, None),
        ({"video": IMAGE, "has_nsfw_concepts": [True]}, None),
        ({"images": [{"url": None}, IMAGE], "has_nsfw_concepts": [False, True]}, None),
        ({"images": [IMAGE, IMAGE], "has_nsfw_concepts": [False, True]}, {1}),
        ({"images": [IMAGE, IMAGE], "has_nsfw_concepts": [True]}, {0}),
        ({"images": [IMAGE], "has_nsfw_concepts": [False, True]}, set()),
        ({"images": [IMAGE], "has_nsfw_concepts": ["no"]}, set()),
        ({"images": [IMAGE], "has_nsfw_concepts": None}, set()),
        ({"images": [IMAGE], "nsfw_content_detected": [True]}, None),
        ({"image": IMAGE, "has_nsfw_concept": True}, None),
        ({"images": [IMAGE], "nsfw": [True]}, None),
        ({"images": [IMAGE, IMAGE], "nsfw_content": [0, 1]}, {1}),
        ({"images": [IMAGE, IMAGE], "has_nsfw_concepts": ["false", "true"]}, {1}),
        ({"images": [IMAGE], "nsfw": [0.03]}, set()),
        ({"images": [{**IMAGE, "is_nsfw": True}, IMAGE]}, {0}),
        ({"images": [IMAGE, IMAGE], "has_nsfw_concepts": [False], "nsfw_detected": [False, True]}, {1}),
        ({"images": [], "description": "This would be against our usage policy."}, None),
        ({"images": [IMAGE], "description": "It has no sensitive content."}, set()),
        ({"images": [IMAGE], "nsfw_filter": True, "prompt": "nsfw_detected"}, set()),
        ({"images": [IMAGE]}, set()),
    ],
    ids=repr,
)
def test_flags_belong_to_files_by_their_place(
    result: Any, flagged: set[int] | None, fal: Fal, fal_server: FalServer
) -> None:
    fal_answers(fal_server, Reply(200, result))
    state = fal.poll("job", a_job_request(FLUX))
    if flagged is None:
        assert isinstance(state, Refused)
        assert state.error.code == "content_policy_violation"
    else:
        assert isinstance(state, Done)
        assert state.flagged == flagged


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"detail": [{"type": "no_media_generated", "msg": "Nothing came."}]}, "no_media_generated"),
        ({"detail": [{"type": "face_detection_error", "msg": "No face."}], "images": []}, "face_detection_error"),
        ({"detail": "The prompt was flagged by our content checker."}, "content_policy_violation"),
        ({"error": "Content policy violation", "images": []}, "content_policy_violation"),
        ({"error": "It broke."}, "provider_refused"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("status", [200, 422])
def test_a_result_that_explains_its_emptiness_is_a_refusal(
    status: int, result: Any, code: str, fal: Fal, fal_server: FalServer
) -> None:
    fal_answers(fal_server, Reply(status, result))
    state = fal.poll("job", a_job_request(FLUX))
    assert isinstance(state, Refused)
    assert state.error.code == code


@pytest.mark.parametrize("what", ["nsfw", "withheld", "blackened", "declined"])
def test_replicate_refuses_by_error_or_only_by_log(what: str, replicate: Replicate) -> None:
    refused = refusal(replicate, SCHNELL, f"end:{what}")
    assert (refused.error.code, refused.error.retryable) == ("content_policy_violation", False)


def test_a_prediction_stopped_before_it_began_is_canceled(replicate: Replicate) -> None:
    assert refusal(replicate, SCHNELL, "end:aborted").outcome is Outcome.CANCELED


@pytest.mark.parametrize(("what", "flagged"), [("blackened", {0, 1, 2}), ("checked", set())])
def test_replicate_does_not_say_which_file_is_black(what: str, flagged: set[int], replicate: Replicate) -> None:
    state = made(replicate, a_job_request(SCHNELL, f"end:{what}", options={"num_outputs": 3}))
    assert isinstance(state, Done)
    assert len(state.files) == 3
    assert state.flagged == flagged


@pytest.mark.parametrize(
    "text",
    [
        "NSFW content detected. Try running it again, or try a different prompt.",
        "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
        "Your request was rejected by the safety system.",
        "This request has been blocked by our content filters.",
        "The prompt violates our usage policies.",
        "prompt did not pass content moderation",
    ],
)
def test_content_refusals_are_recognised_by_their_text(text: str) -> None:
    assert is_about_content(text)


@pytest.mark.parametrize(
    "text", ["CUDA out of memory.", "Segmentation fault: access violation", "The model broke.", "Invalid duration.", ""]
)
def test_other_failures_are_not_content_refusals(text: str) -> None:
    assert not is_about_content(text)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ({"images": ["QQ==", "Qg=="], "finish_reasons": [None, "Filter reason: output image"]}, ["A"]),
        ({"images": ["QQ=="], "finish_reasons": [None, "Filter reason: output image"]}, ["A"]),
        ({"images": ["QQ=="], "finish_reasons": ["SUCCESS"]}, ["A"]),
        ({"images": ["QQ==", "Qg==", "Qw=="], "finish_reasons": []}, ["A", "B"]),
        ({"images": ["QQ=="], "finish_reasons": ["Filter reason: output image"]}, None),
        ({"images": [], "finish_reasons": ["Filter reason: prompt"]}, None),
    ],
    ids=repr,
)
def test_stability_says_for_each_image_whether_it_was_made(answer: Any, kept: list[str] | None) -> None:
    stored: list[str] = []
    s3 = SimpleNamespace(put_object=lambda **sent: stored.append(sent["Body"].decode()))
    runtime = SimpleNamespace(invoke_model=lambda **_: {"body": BytesIO(json.dumps(answer).encode())})
    bedrock = Bedrock(runtime, s3, "bucket")  # type: ignore[arg-type]
    job_request = a_job_request("stability.stable-image-core-v1:1", options={"num_outputs": 2})
    if kept is None:
        with pytest.raises(SubmitRefused):
            bedrock.submit(job_request)
    else:
        bedrock.submit(job_request)
    assert stored == (kept or [])


def test_a_video_luma_refuses_is_not_requested_again() -> None:
    failed = {"status": "Failed", "failureMessage": "The prompt was flagged by content moderation."}
    runtime = SimpleNamespace(get_async_invoke=lambda **_: failed)
    job_request = a_job_request("luma.ray-v2:0", type=TaskType.VIDEO)
    state = Bedrock(runtime, SimpleNamespace(), "bucket").poll("arn", job_request)  # type: ignore[arg-type]
    assert isinstance(state, Refused)
    assert (state.error.code, state.error.retryable) == ("content_policy_violation", False)


# --------------------------------------------------------------------------------------- answers that no job may have


def test_an_oversized_result_ends_its_job_with_cost(fal: Fal) -> None:
    refused = refusal(fal, FLUX, "end:long")
    assert (refused.error.code, refused.error.retryable) == ("provider_answer_too_long", False)
    assert (refused.cost, refused.charged) == (Decimal("0.04"), True)


def test_an_oversized_prediction_is_canceled(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    replicate_server.queued = 60
    refused = refusal(replicate, PRO, "end:long")
    assert refused.error.code == "provider_answer_too_long"
    assert [each["over"] for each in replicate_server.books.of("cancel")] == [False]


def test_files_that_are_in_the_answer_are_here_already(fal: Fal) -> None:
    done = made(fal, a_job_request(FLUX, "end:inline", options={"num_outputs": 2}))
    assert isinstance(done, Done)
    assert done.files == (Content(real_file("out.png")[0]),) * 2


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,%%%", "data:image/png,abc", "data:,x", "data:image/png;base64", "data:"]
)
def test_doubtful_addresses_are_left_to_the_downloader(url: str) -> None:
    assert file_at(url, hosts=("fal.media",), api="https://queue.fal.run") == Remote(url, ("fal.media",))


def test_an_address_may_name_its_type_and_more() -> None:
    encoded = base64.b64encode(b"\x89PNG").decode()
    for head in ("data:image/png;base64,", "data:image/svg+xml;charset=utf-8;base64,"):
        assert file_at(head + encoded, hosts=(), api="") == Content(b"\x89PNG")


@pytest.mark.parametrize("depth", [3, 100, 900])
def test_files_are_searched_only_as_deep_as_models_nest(
    depth: int, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    output: Any = "https://replicate.delivery/a"
    for _ in range(depth):
        output = [output]
    always(replicate_server, Reply(200, {"status": "succeeded", "output": output}))
    state = replicate.poll("job", a_job_request(PRO))
    assert isinstance(state, Done)
    assert len(state.files) == (1 if depth == 3 else 0)


def test_invalid_text_can_be_stored() -> None:
    error = TaskError(code="x", message="half \ud83d of a pair", retryable=False)
    assert error.message.encode() == b"half ? of a pair"


@pytest.mark.parametrize("units", ["1e-999", "0.00000000001", "1.23456789123456789123456789"])
def test_a_cost_is_kept_to_the_millionth_dollar(units: str, fal: Fal, fal_server: FalServer) -> None:
    fal_answers(fal_server, Reply(200, {"images": [IMAGE]}, {"X-Fal-Billable-Units": units}))
    state = fal.poll("job", a_job_request(FLUX))
    assert isinstance(state, Done)
    assert state.cost in (Decimal(0), Decimal("0.049383"))


# ----------------------------------------------------------------------------------------- what is whose ill health


@pytest.mark.parametrize("content", [b"", b"<html>", b"[" * 50_000, b'{"a": ' + b"9" * 5000 + b"}"])
def test_an_answer_that_cannot_be_read_has_reached_us(content: bytes, fal: Fal, fal_server: FalServer) -> None:
    always(fal_server, Reply(200, content))
    with pytest.raises(Unavailable) as failed:
        fal.poll("job", a_job_request(FLUX))
    assert failed.value.reached


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_wrong_result_is_the_models_fault_not_fals(status: int, fal: Fal, fal_server: FalServer) -> None:
    fal_answers(fal_server, Reply(status, b"<html>"))
    with pytest.raises(UnreadableAnswer) as failed:
        fal.poll("job", a_job_request(FLUX))
    assert failed.value.reached


@pytest.mark.parametrize(
    ("status", "reached"),
    [(500, True), (501, True), (401, False), (429, False), (502, False), (520, False)],
)
def test_only_an_unreachable_provider_counts_as_unhealthy(status: int, reached: bool) -> None:
    with pytest.raises(Unavailable) as failed:
        raise_if_unavailable(an_answer(status))
    assert failed.value.reached is reached


@pytest.mark.parametrize(("status", "reached"), [(500, True), (408, True), (301, True), (502, False), (522, False)])
def test_an_unclear_submit_says_whether_it_was_reached(status: int, reached: bool) -> None:
    with pytest.raises(SubmitOutcomeUnknown) as failed:
        accepted_content(an_answer(status), lambda _: TaskError(code="x", message="y", retryable=False))
    assert failed.value.reached is reached


@pytest.mark.parametrize(
    ("code", "status", "reached"),
    [
        ("ValidationException", 400, True),
        ("InternalServerException", 500, True),
        ("ThrottlingException", 400, False),
        ("AccessDeniedException", 403, False),
        ("ServiceUnavailableException", 503, False),
    ],
)
def test_an_aws_error_says_whether_it_was_reached(code: str, status: int, reached: bool) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(Unavailable) as failed, aws.asking():
        raise ClientError(answer, "GetAsyncInvoke")
    assert failed.value.reached is reached


# ------------------------------------------------------------------------------------------------ looking for lost jobs


def test_a_history_of_long_requests_is_paged_smaller(
    fal: Fal, fal_server: FalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty requests of another account whose records are so long that only six fit into an answer that is read."""
    monkeypatch.setattr(http, "LARGEST_ANSWER", 100_000)
    fal_server.queued = fal_server.working = 0
    job = fal.submit(a_job_request(FLUX, reference="mine"))
    for number in range(60):
        fal.submit(a_job_request(FLUX, "x" * 15_000, reference=f"theirs-{number}"))
    assert fal.find(a_job_request(FLUX, reference="mine")) == job
    limits = [each["limit"] for each in fal_server.books.of("history")]
    assert limits[:3] == [25, 12, 6]
    assert set(limits[3:]) == {6}


def test_a_history_with_no_readable_request_is_inconclusive(fal: Fal, fal_server: FalServer) -> None:
    asked = always(fal_server, Reply(200, b"x" * 11_000_000))
    with pytest.raises(LookupInconclusive):
        fal.find(a_job_request(FLUX))
    assert [each.query["limit"] for each in asked] == ["25", "12", "6", "3", "1"]


@pytest.mark.parametrize("lists_inputs", [True, False])
def test_predictions_too_long_to_be_read_rule_nothing_out(
    lists_inputs: bool, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    replicate_server.lists_inputs = lists_inputs
    listed = {"results": [{"id": "abc", "model": PRO}], "next": None}

    def answer(request: Request) -> Reply:
        is_list = request.path.endswith("/predictions")
        return Reply(200, listed if is_list and not lists_inputs else b"x" * 11_000_000)

    replicate_server.instead = answer
    with pytest.raises(LookupInconclusive):
        replicate.find(a_job_request(PRO))


# --------------------------------------------------------------------------------------------------------- cancels


@pytest.mark.parametrize("what", ["", "cancel:forget"])
def test_a_request_canceled_in_fals_queue_ends_as_canceled(what: str, fal: Fal, fal_server: FalServer) -> None:
    fal_server.queued = 60
    job_request = a_job_request(FLUX, what)
    job = fal.submit(job_request)
    assert fal.cancel(job, model=FLUX) is False
    state = fal.poll(job, job_request)
    assert isinstance(state, Refused)
    assert state.outcome is Outcome.CANCELED or state.error.code == "job_not_found"


def test_a_prediction_canceled_at_replicate_ends_as_canceled(
    replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    replicate_server.queued = 60
    job_request = a_job_request(PRO)
    job = replicate.submit(job_request)
    assert isinstance(replicate.poll(job, job_request), Waiting)
    assert replicate.cancel(job, model=PRO)
    state = states(replicate, job, job_request)[-1]
    assert isinstance(state, Refused)
    assert state.outcome is Outcome.CANCELED
