"""The adapter of fal against a fal that follows its documents, and goes wrong where the prompt says so."""

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from unittest import mock

import fal_client
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.catalog import Catalog, Lifecycle
from atelier.domain.provider import (
    Callback,
    Done,
    InvalidSignature,
    LookupInconclusive,
    Refused,
    Remote,
    SubmitOutcomeUnknown,
    SubmitRefused,
    Unavailable,
    Waiting,
    Working,
)
from atelier.domain.tasks.record import TaskType
from atelier.providers.fal import MODELS, Fal
from atelier.providers.fal_models import INPUT_NAMES
from atelier.providers.fal_signatures import Signatures
from atelier.providers.http import Http
from tests.providers.job_requests import a_job_request, always, as_callback, eventually, failure, made, states
from tests.support.fal_server import FalServer
from tests.support.provider_server import Reply, receiver

FLUX: Final = "fal-ai/flux-pro/v1.1"
KLING: Final = "fal-ai/kling-video/v1.6/standard/text-to-video"
HAILUO: Final = "fal-ai/minimax/hailuo-02/standard/text-to-video"
STABLE: Final = "fal-ai/stable-audio"
SPEECH: Final = "fal-ai/elevenlabs/tts/turbo-v2.5"
VEO: Final = "fal-ai/veo3.1"
SEEDED: Final = (FLUX, "fal-ai/flux/dev")


def sent(server: FalServer) -> dict[str, Any]:
    """What the last submit asked for."""
    content: dict[str, Any] = server.books.of("submit")[-1]["input"]
    return content


# ---------------------------------------------------------------------------------------------------- what is made


@pytest.mark.parametrize(
    ("model", "name", "content_type"),
    [
        (FLUX, "out.png", "image/png"),
        ("fal-ai/flux/dev", "out.png", "image/png"),
        (KLING, "out.mp4", "video/mp4"),
        (HAILUO, "out.mp4", "video/mp4"),
        (STABLE, "out.wav", "audio/wav"),
        (SPEECH, "out.wav", "audio/wav"),
        ("openai/gpt-image-2", "out.png", "image/png"),
        (VEO, "out.mp4", "video/mp4"),
        ("fal-ai/stable-audio-25/text-to-audio", "out.wav", "audio/wav"),
    ],
)
def test_every_models_file_is_found_in_its_result(
    model: str, name: str, content_type: str, fal: Fal, fal_server: FalServer
) -> None:
    done = made(fal, a_job_request(model))
    assert isinstance(done, Done)
    [file] = done.files
    assert isinstance(file, Remote)
    assert (file.url.rpartition("/")[2], file.hosts, file.plain_http) == (name, ("fal.media", "127.0.0.1"), True)
    fetched = httpx.get(file.url)
    assert (fetched.status_code, fetched.headers["content-type"]) == (200, content_type)
    assert fal_server.books.of("fetch")[-1]["with_key"] is False


def test_a_job_is_queued_and_processed_before_it_ends(fal: Fal, fal_server: FalServer) -> None:
    fal_server.queued = fal_server.working = 0.3
    job_request = a_job_request(FLUX)
    seen = states(fal, fal.submit(job_request), job_request)
    assert [type(each) for each in seen[-3:]] == [Waiting, Working, Done]
    assert isinstance(seen[0], Waiting)
    assert seen[0].position is not None


def test_a_job_may_go_back_into_the_queue(fal: Fal, fal_server: FalServer) -> None:
    fal_server.queued, fal_server.working = 0.3, 0.6
    job_request = a_job_request(FLUX, "status:requeue")
    seen = [type(each) for each in states(fal, fal.submit(job_request), job_request)]
    assert seen[-4:] == [Waiting, Working, Waiting, Done]


def test_the_cost_is_what_fal_bills(fal: Fal) -> None:
    done = made(fal, a_job_request(FLUX, options={"num_outputs": 3}))
    assert isinstance(done, Done)
    assert (len(done.files), done.cost) == (3, Decimal("0.12"))
    done = made(fal, a_job_request(KLING, options={"duration": 10.0}))
    assert isinstance(done, Done)
    assert done.cost == Decimal("0.45")


def test_fals_files_come_by_https_from_its_hosts(http: Http) -> None:
    assert Fal(http, key=lambda: "k")._file("https://v3.fal.media/a.png") == Remote(
        "https://v3.fal.media/a.png", ("fal.media",)
    )


# ------------------------------------------------------------------------------------------------------ what is sent


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        (FLUX, {"num_outputs": 2, "aspect_ratio": "4:3", "seed": 7}, {"num_images": 2, "image_size": "landscape_4_3"}),
        (FLUX, {"size": "640x480"}, {"image_size": {"width": 640, "height": 480}}),
        (FLUX, {"aspect_ratio": "21:9"}, {"image_size": {"width": 1344, "height": 576}}),
        (FLUX, {"aspect_ratio": "1:1", "image_size": "portrait_4_3"}, {"image_size": "portrait_4_3"}),
        (FLUX, {"safety_tolerance": "5", "nested": {"a": [1]}}, {"safety_tolerance": "5", "nested": {"a": [1]}}),
        (KLING, {"num_outputs": 1, "duration": 10.0, "aspect_ratio": "9:16", "negative_prompt": "blur"},
         {"duration": "10", "aspect_ratio": "9:16", "negative_prompt": "blur"}),
        (HAILUO, {"num_outputs": 1, "duration": 6.0}, {"duration": "6"}),
        (STABLE, {"num_outputs": 1, "duration": 12.0}, {"seconds_total": 12}),
        (SPEECH, {"num_outputs": 1, "voice": "Rachel", "speed": 1.1}, {"voice": "Rachel", "speed": 1.1}),
    ],
)  # fmt: skip
def test_options_are_sent_in_the_models_own_words(
    model: str, options: dict[str, Any], expected: dict[str, Any], fal: Fal, fal_server: FalServer
) -> None:
    fal.submit(a_job_request(model, "A barn", effective_prompt="A barn, on brand", options=options))
    prompt = {"text" if model == SPEECH else "prompt": "A barn, on brand"}
    seed = {"seed": options.get("seed", sent(fal_server).get("seed"))} if "flux" in model else {}
    assert sent(fal_server) == prompt | seed | expected


def test_every_option_of_a_model_is_translated() -> None:
    """Into the model's word, with a value for all that is allowed."""
    for model in MODELS:
        if model.lifecycle is Lifecycle.RETIRED:
            continue
        words = INPUT_NAMES[model.id]
        assert model.takes <= set(words)
        assert model.max_outputs == 1 or "num_outputs" in words
        for ratio in model.aspect_ratios:
            assert words["aspect_ratio"][1](ratio)


def test_a_price_that_varies_is_not_taken_from_units(fal: Fal) -> None:
    done = made(fal, a_job_request(VEO, options={"duration": 8.0, "generate_audio": True}))
    assert isinstance(done, Done)
    assert done.cost is None


def test_a_lost_job_without_a_seed_stays_lost(fal: Fal, fal_server: FalServer) -> None:
    """Another request may have the same input: it is neither taken for ours nor sent again."""
    job_request = a_job_request("openai/gpt-image-2", "submit:hang_up")
    with pytest.raises(SubmitOutcomeUnknown):
        fal.submit(job_request)
    with pytest.raises(LookupInconclusive):
        fal.find(job_request)
    assert len(fal_server.books.of("submit")) == 1


@pytest.mark.parametrize(("word", "code"), [("face", "face_detection_error"), ("nothing", "no_media_generated")])
def test_a_models_own_refusal_is_the_tasks_code(word: str, code: str, fal: Fal) -> None:
    refused = made(fal, a_job_request(FLUX, f"end:{word}"))
    assert isinstance(refused, Refused)
    assert (refused.error.code, refused.error.retryable) == (code, False)


def test_the_guides_example_means_a_model_that_is_alive() -> None:
    catalog = Catalog(MODELS)
    choice = catalog.resolve(TaskType.IMAGE, provider="fal", model="fal-ai/flux-pro", configured=("fal",))
    assert (choice.model.id, choice.served_by) == (FLUX, "fal")
    for kind in TaskType:
        assert catalog.resolve(kind, provider="fal", model=None, configured=("fal",)).model.default


def test_the_callback_address_goes_along(fal: Fal, fal_server: FalServer) -> None:
    address = "http://127.0.0.1:9/hooks/fal?task=1&token=a+b%26"
    fal.submit(a_job_request(FLUX, callback=address))
    assert fal_server.books.of("submit")[-1]["webhook"] == address
    fal.submit(a_job_request(FLUX))
    assert fal_server.books.of("submit")[-1]["webhook"] is None


def test_a_request_without_seed_always_gets_the_same(fal: Fal, fal_server: FalServer) -> None:
    seeds = []
    for reference in ("task-1", "task-1", "task-2"):
        fal.submit(a_job_request(FLUX, reference=reference))
        seeds.append(sent(fal_server)["seed"])
    assert seeds[0] == seeds[1] != seeds[2]
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_the_seed_is_the_one_that_fal_tells(fal: Fal, fal_server: FalServer) -> None:
    def seed(model: str, **options: Any) -> int | None:
        done = made(fal, a_job_request(model, options=options))
        assert isinstance(done, Done)
        return done.seed

    assert seed(FLUX) == sent(fal_server)["seed"]
    assert seed(FLUX, seed=7) == 7
    assert seed(KLING) is None
    for told, used in ((9, 9), (2**63, 2**63), (-1, 7), (True, 7), ("9", 7), (None, 7)):
        with mock.patch.object(FalServer, "_output", return_value={"images": [], "seed": told}):
            assert seed(FLUX, seed=7) == used


# --------------------------------------------------------------------------------------------- submits that go wrong


def test_the_models_refusal_keeps_its_own_words(fal: Fal) -> None:
    with pytest.raises(SubmitRefused) as refusal:
        fal.submit(a_job_request(FLUX, "submit:422"))
    error = refusal.value.error
    assert (error.code, error.retryable) == ("content_policy_violation", False)
    assert "content checker" in error.message


def test_a_refusal_in_plain_text_is_passed_on(fal: Fal) -> None:
    with pytest.raises(SubmitRefused) as refusal:
        fal.submit(a_job_request(FLUX, "submit:404"))
    assert (refusal.value.error.code, refusal.value.error.message) == ("provider_refused", "Fake answer 404")


def test_an_unknown_key_is_reported_without_the_key(http: Http, fal_server: FalServer) -> None:
    fal = Fal(http, key=lambda: "stolen", queue_url=fal_server.url)
    with pytest.raises(SubmitRefused) as refusal:
        fal.submit(a_job_request(FLUX))
    assert refusal.value.error.code == "provider_auth"
    assert "stolen" not in str(refusal.value)
    with pytest.raises(Unavailable) as failed:
        fal.poll("some-job", a_job_request(FLUX))
    assert "stolen" not in str(failed.value)


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_fal_says_when_to_come_again(status: int, fal: Fal, fal_server: FalServer) -> None:
    with pytest.raises(Unavailable) as failed:
        fal.submit(a_job_request(FLUX, f"submit:{status}"))
    assert failed.value.after == 7
    assert len(fal_server.books.of("submit")) == 1


@pytest.mark.parametrize("what", ["slow", "hang_up", "nameless", "500", "502", "504", "408"])
def test_an_unclear_submit_is_unknown_and_sent_once(what: str, fal: Fal, fal_server: FalServer) -> None:
    with pytest.raises(SubmitOutcomeUnknown):
        fal.submit(a_job_request(FLUX, f"submit:{what}"))
    assert len(fal_server.books.of("submit")) == 1


@pytest.mark.parametrize("what", ["slow", "hang_up", "nameless"])
def test_an_unknown_submit_is_found_after_its_job_ends(what: str, fal: Fal, fal_server: FalServer) -> None:
    job_request = a_job_request(FLUX, f"submit:{what}")
    fal.submit(a_job_request(FLUX, "Another barn"))
    fal.submit(a_job_request(FLUX, reference="task-2"))
    with pytest.raises(SubmitOutcomeUnknown):
        fal.submit(job_request)
    job = eventually(lambda: _found(fal, job_request))
    assert job == fal_server.books.of("submit")[-1]["job"]
    assert isinstance(fal.poll(job, job_request), Done)
    assert len(fal_server.books.of("submit")) == 3


def _found(fal: Fal, job_request: Any) -> str | None:
    try:
        return fal.find(job_request)
    except LookupInconclusive:
        return None


def test_a_job_that_may_run_is_inconclusive(fal: Fal) -> None:
    with pytest.raises(LookupInconclusive):
        fal.find(a_job_request(FLUX))


def test_a_job_is_found_behind_a_hundred_others(fal: Fal, fal_server: FalServer) -> None:
    fal_server.queued = fal_server.working = 0
    job = fal.submit(a_job_request(FLUX, reference="task-0"))
    for number in range(1, 110):
        fal.submit(a_job_request(FLUX, reference=f"task-{number}"))
    assert fal.find(a_job_request(FLUX, reference="task-0")) == job
    assert [each["cursor"] for each in fal_server.books.of("history")] == [0, 25, 50, 75, 100]


@pytest.mark.parametrize(
    "job_request",
    [a_job_request(KLING), a_job_request(FLUX, options={"seed": 7})],
    ids=["a model without a seed", "a seed of the caller"],
)
def test_ambiguous_matches_count_as_not_found(job_request: Any, fal: Fal, fal_server: FalServer) -> None:
    """Where others may have asked for the same."""
    assert isinstance(made(fal, job_request), Done)
    with pytest.raises(LookupInconclusive):
        fal.find(job_request)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_an_inaccessible_history_is_inconclusive(status: int, http: Http, fal_server: FalServer) -> None:
    fal = Fal(http, key=lambda: fal_server.key, api_url=f"{fal_server.url}/nowhere")
    always(fal_server, Reply(status, {}))
    with pytest.raises(LookupInconclusive):
        fal.find(a_job_request(FLUX))


def test_a_history_out_of_order_is_asked_again_later(fal: Fal, fal_server: FalServer) -> None:
    always(fal_server, Reply(502, b"<html>"))
    with pytest.raises(Unavailable):
        fal.find(a_job_request(FLUX))


# ------------------------------------------------------------------------------------------------ jobs that go wrong


@pytest.mark.parametrize(
    ("what", "code", "retryable"),
    [
        ("422", "content_policy_violation", False),
        ("500", "internal_server_error", True),
        ("runner_disconnected", "runner_disconnected", True),
        ("request_timeout", "request_timeout", True),
    ],
)
def test_a_failed_job_says_why_and_whether_to_retry(what: str, code: str, retryable: bool, fal: Fal) -> None:
    error = failure(fal, a_job_request(FLUX, f"end:{what}"))
    assert (error.code, error.retryable) == (code, retryable)


def test_a_result_without_media_is_done_with_no_files(fal: Fal) -> None:
    for model in (FLUX, KLING, STABLE):
        done = made(fal, a_job_request(model, "end:empty"))
        assert isinstance(done, Done)
        assert done.files == ()


def test_a_web_page_as_result_is_fetched_again(fal: Fal) -> None:
    job_request = a_job_request(FLUX, "end:page")
    with pytest.raises(Unavailable):
        made(fal, job_request)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_an_unavailable_status_says_nothing_about_the_job(status: int, fal: Fal) -> None:
    job_request = a_job_request(FLUX, f"status:{status}")
    job = fal.submit(job_request)
    for _ in range(3):
        with pytest.raises(Unavailable) as failed:
            fal.poll(job, job_request)
    assert failed.value.after == (7 if status in (429, 503) else None)
    assert isinstance(states(fal, job, job_request)[-1], Done)


def test_an_unknown_status_is_polled_again_and_logged(
    fal: Fal, fal_server: FalServer, caplog: pytest.LogCaptureFixture
) -> None:
    fal_server.working = 0.3
    job_request = a_job_request(FLUX, "status:odd")
    assert isinstance(made(fal, job_request), Done)
    assert "MELTING" in caplog.text


def test_a_job_that_fal_does_not_know_has_failed(fal: Fal) -> None:
    state = fal.poll("0192-unknown", a_job_request(FLUX))
    assert isinstance(state, Refused)
    assert state.error.code == "job_not_found"


def test_an_unreachable_fal_is_retried_later(http: Http) -> None:
    fal = Fal(http, key=lambda: "k", queue_url="http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        fal.submit(a_job_request(FLUX))
    with pytest.raises(Unavailable):
        fal.poll("job", a_job_request(FLUX))
    with pytest.raises(Unavailable):
        fal.cancel("job", model=FLUX)


@pytest.mark.parametrize("job", ["", "../../other/requests/1", "a/b", "a?b", "a#b", "a b", "ä", "x" * 129, "a\n"])
def test_an_invalid_job_id_never_reaches_a_url(job: str, fal: Fal, fal_server: FalServer) -> None:
    for ask in (lambda: fal.poll(job, a_job_request(FLUX)), lambda: fal.cancel(job, model=FLUX)):
        with pytest.raises(ValueError, match="id"):
            ask()
    assert fal_server.books.entries == []


ODD_RESULTS: Final[tuple[Any, ...]] = (
    {"images": None, "video": 5, "audio": [], "other": {"url": "https://x"}},
    {"images": {"url": "https://x"}},
    {"images": ["https://v3.fal.media/a.png", None, {"url": 5}, {"url": ""}]},
    {},
)


@pytest.mark.parametrize("content", ODD_RESULTS, ids=repr)
def test_an_odd_result_brings_the_files_that_it_has(content: Any, fal: Fal, fal_server: FalServer) -> None:
    fal_server.instead = lambda request: Reply(
        200, {"status": "COMPLETED"} if request.path.endswith("/status") else content
    )
    done = fal.poll("job", a_job_request(FLUX))
    assert isinstance(done, Done)
    expected = ["https://v3.fal.media/a.png"] if content == ODD_RESULTS[2] else []
    assert [file.url for file in done.files if isinstance(file, Remote)] == expected


@pytest.mark.parametrize("content", [b"", b"\xff", b"<html>", []], ids=repr)
def test_an_invalid_answer_is_no_result(content: Any, fal: Fal, fal_server: FalServer) -> None:
    fal_server.instead = lambda request: Reply(
        200, {"status": "COMPLETED"} if request.path.endswith("/status") else content
    )
    with pytest.raises(Unavailable):
        fal.poll("job", a_job_request(FLUX))
    always(fal_server, Reply(200, content))
    with pytest.raises(Unavailable):
        fal.poll("job", a_job_request(FLUX))


@pytest.mark.parametrize("units", ["many", "NaN", "-1", "1e999999", "", "Infinity"])
def test_invalid_billable_units_mean_no_cost(units: str, fal: Fal, fal_server: FalServer) -> None:
    always(fal_server, Reply(200, {"status": "COMPLETED"}, {"X-Fal-Billable-Units": units}))
    assert fal.poll("job", a_job_request(KLING)) == Done(())


@pytest.mark.parametrize(
    ("said", "code", "retryable"),
    [
        ({"error": "It broke.", "error_type": "runner_disconnected"}, "runner_disconnected", True),
        ({"error": "It broke."}, "provider_refused", False),
        ({"error_type": "startup_timeout"}, "startup_timeout", True),
        ({"error": "It broke.", "error_type": "bad_request"}, "bad_request", False),
        ({"error": "It broke.", "error_type": "Größe <b>"}, "provider_refused", True),
    ],
)
def test_an_error_status_outweighs_the_result(
    said: dict[str, Any], code: str, retryable: bool, fal: Fal, fal_server: FalServer
) -> None:
    for result in (Reply(200, {"images": []}), Reply(404, {"status": "NOT_FOUND"})):
        fal_server.instead = lambda request, result=result: (
            Reply(200, {"status": "COMPLETED", **said}) if request.path.endswith("/status") else result
        )
        state = fal.poll("job", a_job_request(FLUX))
        assert isinstance(state, Refused)
        assert (state.error.code, state.error.retryable) == (code, retryable)
        assert said.get("error", code) in state.error.message


def test_a_result_behind_its_status_is_polled_again(fal: Fal, fal_server: FalServer) -> None:
    fal_server.instead = lambda request: (
        Reply(200, {"status": "COMPLETED"})
        if request.path.endswith("/status")
        else Reply(400, {"detail": "Request is still in progress"})
    )
    assert fal.poll("job", a_job_request(FLUX)) == Waiting()


# ---------------------------------------------------------------------------------------------------------- cancels


def test_a_job_canceled_in_the_queue_ends_as_canceled(fal: Fal, fal_server: FalServer) -> None:
    fal_server.queued = 60
    job_request = a_job_request(FLUX)
    job = fal.submit(job_request)
    assert fal.cancel(job, model=FLUX) is False  # only a signal, as far as fal says
    state = fal.poll(job, job_request)
    assert isinstance(state, Refused)
    assert (state.error.code, state.error.retryable) == ("canceled", False)


def test_a_job_canceled_while_running_may_still_finish(fal: Fal, fal_server: FalServer) -> None:
    fal_server.queued, fal_server.working = 0, 0.3
    job_request = a_job_request(FLUX)
    job = fal.submit(job_request)
    assert fal.cancel(job, model=FLUX) is False
    assert isinstance(states(fal, job, job_request)[-1], Done)


def test_a_callback_after_a_cancel_is_genuine(fal: Fal, fal_server: FalServer) -> None:
    fal_server.queued, fal_server.working = 0, 0.3
    with receiver() as (address, received):
        job = fal.submit(a_job_request(FLUX, callback=address))
        fal.cancel(job, model=FLUX)
        [callback] = eventually(lambda: list(received))
    assert callback.json()["status"] == "OK"
    assert fal.verified_job(as_callback(callback), now=datetime.now(UTC)) == job


def test_canceling_ended_or_unknown_jobs_is_harmless(fal: Fal) -> None:
    job_request = a_job_request(FLUX)
    job = fal.submit(job_request)
    states(fal, job, job_request)
    assert fal.cancel(job, model=FLUX) is False
    assert fal.cancel("0192-unknown", model=FLUX) is True


# -------------------------------------------------------------------------------------------------------- callbacks


@pytest.mark.parametrize("what", ["", "end:422", "end:page", "end:runner_disconnected"])
def test_a_callback_names_the_job_however_it_ended(what: str, fal: Fal) -> None:
    with receiver() as (address, received):
        job = fal.submit(a_job_request(FLUX, what, callback=f"{address}/hooks?task=1&token=t"))
        [callback] = eventually(lambda: list(received))
    assert callback.query == {"task": "1", "token": "t"}
    assert fal.verified_job(as_callback(callback), now=datetime.now(UTC)) == job


def test_a_callback_that_comes_twice_is_genuine_twice(fal: Fal, fal_server: FalServer) -> None:
    with receiver() as (address, received):
        job = fal.submit(a_job_request(FLUX, "hook:twice", callback=address))
        eventually(lambda: len(received) == 2)
    assert {fal.verified_job(as_callback(each), now=datetime.now(UTC)) for each in received} == {job}
    assert len(fal_server.books.of("jwks")) == 1


@pytest.mark.parametrize("what", ["forged", "old", "swapped"])
def test_a_callback_that_is_not_fals_is_not_genuine(what: str, fal: Fal) -> None:
    with receiver() as (address, received):
        fal.submit(a_job_request(FLUX, f"hook:{what}", callback=address))
        [callback] = eventually(lambda: list(received))
    with pytest.raises(InvalidSignature):
        fal.verified_job(as_callback(callback), now=datetime.now(UTC))


JOB: Final = "0192f0c1-0000-7000-8000-000000000001"
REPORT: Final = json.dumps({"request_id": JOB, "status": "OK", "payload": {"images": []}}).encode()


def signed_callback(server: FalServer, body: bytes = REPORT, **options: Any) -> Callback:
    """A callback about JOB that fal has signed."""
    headers = server.signed(JOB, body, **options)
    return Callback({name.lower(): value for name, value in headers.items()}, body)


def altered(callback: Callback, **headers: str) -> Callback:
    """The callback with other headers under its signature."""
    named = {f"x-fal-webhook-{name.replace('_', '-')}": value for name, value in headers.items()}
    return Callback({**callback.headers, **named}, callback.body)


@pytest.mark.parametrize(
    "headers",
    [
        {"request_id": "0192f0c1-0000-7000-8000-000000000002"},
        {"request_id": ""},
        {"request_id": "../x"},
        {"request_id": "\udce4"},
        {"user_id": "user-2"},
        {"user_id": ""},
        {"user_id": "\udce4"},
        {"timestamp": str(int(time.time()) + 5)},
        {"timestamp": ""},
        {"timestamp": "9" * 5000},
        {"timestamp": "-1"},
        {"timestamp": "now"},
        {"timestamp": "١٧٣٢٢٨٠٠٠٠"},
        {"signature": ""},
        {"signature": "00" * 64},
        {"signature": "0" * 127},
        {"signature": "zz" * 64},
        {"signature": "é" * 128},
    ],
    ids=lambda headers: next(iter(headers)),  # not the values: one of them is the time
)
def test_an_altered_header_is_not_genuine(headers: dict[str, str], fal: Fal, fal_server: FalServer) -> None:
    callback = signed_callback(fal_server)
    assert fal.verified_job(callback, now=datetime.now(UTC)) == JOB
    with pytest.raises(InvalidSignature):
        fal.verified_job(altered(callback, **headers), now=datetime.now(UTC))


@pytest.mark.parametrize("name", ["request-id", "user-id", "timestamp", "signature"])
def test_a_missing_header_is_not_genuine(name: str, fal: Fal, fal_server: FalServer) -> None:
    callback = signed_callback(fal_server)
    left = {each: value for each, value in callback.headers.items() if each != f"x-fal-webhook-{name}"}
    with pytest.raises(InvalidSignature):
        fal.verified_job(Callback(left, callback.body), now=datetime.now(UTC))


def test_another_body_under_the_same_signature_is_not_genuine(fal: Fal, fal_server: FalServer) -> None:
    callback = signed_callback(fal_server)
    for body in (REPORT.replace(b"OK", b"ERROR"), REPORT + b" ", b""):
        with pytest.raises(InvalidSignature):
            fal.verified_job(Callback(callback.headers, body), now=datetime.now(UTC))


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'{"request_id": 5}', b"\xff", b"[" * 100_000])
def test_a_signed_body_without_a_job_is_invalid(body: bytes, fal: Fal, fal_server: FalServer) -> None:
    with pytest.raises(InvalidSignature):
        fal.verified_job(signed_callback(fal_server, body), now=datetime.now(UTC))


@pytest.mark.parametrize(("seconds", "genuine"), [(-299, True), (299, True), (-302, False), (302, False)])
def test_a_callback_holds_for_five_minutes(seconds: int, genuine: bool, fal: Fal, fal_server: FalServer) -> None:
    callback, then = signed_callback(fal_server), datetime.now(UTC) + timedelta(seconds=seconds)
    if genuine:
        assert fal.verified_job(callback, now=then) == JOB
    else:
        with pytest.raises(InvalidSignature):
            fal.verified_job(callback, now=then)


def test_a_new_key_of_fal_is_found_at_once(fal: Fal, fal_server: FalServer) -> None:
    now = datetime.now(UTC)
    before = signed_callback(fal_server)
    assert fal.verified_job(before, now=now) == JOB
    fal_server.rotate()
    assert fal.verified_job(signed_callback(fal_server), now=now + timedelta(seconds=61)) == JOB
    assert fal.verified_job(before, now=now + timedelta(seconds=62)) == JOB  # the key before is still published
    assert len(fal_server.books.of("jwks")) == 2


def test_forged_callbacks_refresh_keys_once_a_minute(fal: Fal, fal_server: FalServer) -> None:
    now, forger = datetime.now(UTC), Ed25519PrivateKey.generate()
    for second in range(0, 120, 2):
        with pytest.raises(InvalidSignature):
            fal.verified_job(signed_callback(fal_server, signer=forger), now=now + timedelta(seconds=second))
    assert len(fal_server.books.of("jwks")) == 2


def test_keys_are_kept_for_a_day_and_no_longer(fal: Fal, fal_server: FalServer) -> None:
    now = datetime.now(UTC)
    for hours in (0, 1, 23):
        then = now + timedelta(hours=hours)
        assert fal.verified_job(signed_callback(fal_server, age=-hours * 3600), now=then) == JOB
    assert len(fal_server.books.of("jwks")) == 1
    fal_server.published = [Ed25519PrivateKey.generate()]  # withdrawn
    with pytest.raises(InvalidSignature):
        fal.verified_job(signed_callback(fal_server, age=-24 * 3600), now=now + timedelta(hours=24))


@pytest.mark.parametrize("reply", [Reply(500, b""), Reply(200, b"<html>"), Reply(404, {}), Reply(200, {})])
def test_without_keys_callbacks_are_inconclusive_and_fal_is_spared(
    reply: Reply, fal: Fal, fal_server: FalServer
) -> None:
    """fal is not asked all the time."""
    asked = always(fal_server, reply)
    now = datetime.now(UTC)
    for second in (0, 10, 59, 60):
        with pytest.raises(Unavailable):
            fal.verified_job(signed_callback(fal_server), now=now + timedelta(seconds=second))
    assert len(asked) == 2


@pytest.mark.parametrize(
    "keys",
    [None, "x", [None, 5, "x"], [{"kty": "OKP"}], [{"kty": "OKP", "crv": "Ed25519", "x": "é"}],
     [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}], [{"kty": "RSA", "n": "AAAA"}]],
)  # fmt: skip
def test_keys_that_are_none_leave_a_callback_unjudged(keys: Any, fal: Fal, fal_server: FalServer) -> None:
    always(fal_server, Reply(200, {"keys": keys}))
    with pytest.raises(Unavailable):
        fal.verified_job(signed_callback(fal_server), now=datetime.now(UTC))


@pytest.mark.parametrize("x", ["A" * 43, "_" * 43, "B" + "A" * 42])
def test_an_invalid_curve_point_verifies_nothing(x: str, fal: Fal, fal_server: FalServer) -> None:
    always(fal_server, Reply(200, {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}))
    for signature in ("00" * 64, "01" + "00" * 63):
        with pytest.raises(InvalidSignature):
            fal.verified_job(altered(signed_callback(fal_server), signature=signature), now=datetime.now(UTC))


HEADER: Final = st.sampled_from(["request-id", "user-id", "timestamp", "signature"]).map("x-fal-webhook-{}".format)
ODD: Final = st.text(st.characters()) | st.sampled_from([JOB, "user-1", "1735689600", "ab" * 64])


@given(headers=st.dictionaries(HEADER, ODD), body=st.binary() | st.just(REPORT))
def test_random_callbacks_are_never_genuine(headers: dict[str, str], body: bytes) -> None:
    signatures = Signatures(lambda: {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "B" + "A" * 42}]})
    with pytest.raises(InvalidSignature):
        signatures.verified_job(Callback(headers, body), now=datetime.fromtimestamp(1735689600, UTC))


# ------------------------------------------------------------------------- the fake is as fal's own client expects


@pytest.fixture
def client(fal_server: FalServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[fal_client.SyncClient]:
    """fal's own client, pointed at the fake."""
    monkeypatch.setattr(fal_client.client, "QUEUE_URL_FORMAT", f"{fal_server.url}/")
    made = fal_client.SyncClient(key=fal_server.key)
    yield made
    made._client.close()


def test_fals_own_client_takes_the_fake_for_fal(client: fal_client.SyncClient, fal_server: FalServer) -> None:
    fal_server.working = 0.3
    handle = client.submit(FLUX, {"prompt": "A red barn", "num_images": 2})
    seen = {type(event) for event in handle.iter_events(interval=0.01)}
    assert seen <= {fal_client.Queued, fal_client.InProgress, fal_client.Completed}
    assert {fal_client.InProgress, fal_client.Completed} <= seen
    result = handle.get()
    assert [image["content_type"] for image in result["images"]] == ["image/png"] * 2


def test_fals_own_client_edits_three_references(client: fal_client.SyncClient, fal_server: FalServer) -> None:
    urls = [fal_server.media("image", number, "") for number in range(3)]
    result = client.submit("fal-ai/nano-banana-2/edit", {"prompt": "A red barn", "image_urls": urls}).get()
    assert [each["url"] for each in fal_server.books.of("input")] == urls
    assert len(result["images"]) == 1


def test_fals_own_client_sees_the_fakes_failures_as_fals(client: fal_client.SyncClient) -> None:
    handle = client.submit(FLUX, {"prompt": "end:422"})
    with pytest.raises(fal_client.client.FalClientHTTPError, match="flagged"):
        handle.get()
    with pytest.raises(fal_client.client.FalClientHTTPError) as failed:
        handle.cancel()
    assert failed.value.status_code == 400


def test_fals_own_client_and_the_adapter_agree(client: fal_client.SyncClient, fal: Fal) -> None:
    job_request = a_job_request(FLUX)
    job = fal.submit(job_request)
    assert isinstance(states(fal, job, job_request)[-1], Done)
    assert client.result(FLUX, job)["images"]
    assert isinstance(client.status(FLUX, job), fal_client.Completed)


def test_the_signed_message_is_the_documented_one(fal_server: FalServer) -> None:
    headers = fal_server.signed(JOB, REPORT)
    message = "\n".join([JOB, "user-1", headers["X-Fal-Webhook-Timestamp"], hashlib.sha256(REPORT).hexdigest()])
    signature = bytes.fromhex(headers["X-Fal-Webhook-Signature"])
    fal_server.signer.public_key().verify(signature, message.encode())


@pytest.mark.parametrize(("fault", "status"), [("404", 404), ("html", 200), ("huge", 200), ("moved", 302)])
def test_the_fakes_media_go_wrong_as_they_are_told(fault: str, status: int, fal: Fal) -> None:
    done = made(fal, a_job_request(FLUX, f"media:{fault}"))
    assert isinstance(done, Done)
    assert isinstance(done.files[0], Remote)
    with httpx.stream("GET", done.files[0].url) as answer:
        assert answer.status_code == status
        assert (fault == "html") == ("text/html" in answer.headers["content-type"])
        assert (fault == "huge") == (int(answer.headers["content-length"]) > 2**30)


@pytest.mark.parametrize("fake", ["fal_server", "replicate_server"])
def test_the_fake_runs_standalone_and_shows_its_journal(fake: str) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", f"tests.support.{fake}", "--port", "0", "--working", "0.1"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert httpx.get(f"{url}/_books").json() == {"entries": []}
            assert httpx.get(f"{url}/_files/good/0/out.png").content.startswith(b"\x89PNG")
            assert [each["kind"] for each in httpx.get(f"{url}/_books").json()["entries"]] == ["fetch"]
        finally:
            process.terminate()
