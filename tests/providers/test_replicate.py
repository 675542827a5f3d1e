"""The adapter of Replicate against a Replicate that follows its documents, and goes wrong where the prompt says so."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
import standardwebhooks
from replicate.client import Client
from replicate.webhook import Webhooks, WebhookSigningSecret

from atelier.domain.catalog import Catalog
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
from atelier.providers.http import Http
from atelier.providers.replicate import MODELS, Replicate
from atelier.providers.replicate_models import INPUT_NAMES
from tests.providers.job_requests import a_job_request, always, as_callback, eventually, failure, made, states
from tests.support.provider_server import Reply, receiver
from tests.support.replicate_server import ReplicateServer

PRO: Final = "black-forest-labs/flux-1.1-pro"
SCHNELL: Final = "black-forest-labs/flux-schnell"
VIDEO: Final = "minimax/video-01"
MUSIC: Final = "google/lyria-2"


def submits(server: ReplicateServer) -> list[dict[str, Any]]:
    """What was asked for, in order."""
    return server.books.of("submit")


# ---------------------------------------------------------------------------------------------------- what is made


@pytest.mark.parametrize(
    ("model", "name", "content_type"),
    [
        (PRO, "out.png", "image/png"),
        (SCHNELL, "out.png", "image/png"),
        (VIDEO, "out.mp4", "video/mp4"),
        (MUSIC, "out.wav", "audio/wav"),
    ],
)
def test_every_model_brings_its_file(
    model: str, name: str, content_type: str, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    done = made(replicate, a_job_request(model))
    assert isinstance(done, Done)
    assert done.cost is None
    [file] = done.files
    assert isinstance(file, Remote)
    assert file.url.rpartition("/")[2] == name
    assert (file.hosts, file.plain_http) == (("replicate.delivery", "127.0.0.1"), True)
    assert httpx.get(file.url).headers["content-type"] == content_type
    assert replicate_server.books.of("fetch")[-1]["with_key"] is False


def test_the_seed_is_the_one_of_the_prediction(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    def seed(model: str, prompt: str = "A lighthouse", **options: Any) -> int | None:
        done = made(replicate, a_job_request(model, prompt, options=options))
        assert isinstance(done, Done)
        return done.seed

    assert seed(PRO) == submits(replicate_server)[-1]["input"]["seed"]
    assert seed(PRO, seed=7) == seed(PRO, "end:removed", seed=7) == 7
    assert seed(VIDEO) is None


def test_several_outputs_are_several_files(replicate: Replicate) -> None:
    done = made(replicate, a_job_request(SCHNELL, options={"num_outputs": 3}))
    assert isinstance(done, Done)
    assert len(done.files) == 3


def test_a_prediction_starts_and_processes_before_it_ends(
    replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    replicate_server.queued = replicate_server.working = 0.3
    job_request = a_job_request(PRO)
    seen = states(replicate, replicate.submit(job_request), job_request)
    assert [type(each) for each in seen] == [Waiting, Working, Done]


def test_replicates_files_come_by_https_from_its_hosts(http: Http) -> None:
    file = Replicate(http, token=lambda: "t")._file("https://replicate.delivery/a.png")
    assert file == Remote("https://replicate.delivery/a.png", ("replicate.delivery",))


@pytest.mark.parametrize(
    ("output", "urls"),
    [
        ("https://replicate.delivery/a", ["https://replicate.delivery/a"]),
        (["https://replicate.delivery/a", "https://replicate.delivery/b"], None),
        ({"audio": "https://replicate.delivery/a", "lyrics": "la la", "more": [{"x": "https://replicate.delivery/b"}]},
         ["https://replicate.delivery/a", "https://replicate.delivery/b"]),
        ("a text about https://x", []),
        (None, []),
        (5, []),
        ([None, 5, "x", {}], []),
    ],
)  # fmt: skip
def test_files_are_found_wherever_the_output_has_them(
    output: Any, urls: list[str] | None, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    always(replicate_server, Reply(200, {"status": "succeeded", "output": output}))
    done = replicate.poll("job", a_job_request(PRO))
    assert isinstance(done, Done)
    assert [file.url for file in done.files if isinstance(file, Remote)] == (output if urls is None else urls)


# ------------------------------------------------------------------------------------------------------ what is sent


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        (PRO, {"num_outputs": 1, "aspect_ratio": "16:9", "seed": 7}, {"aspect_ratio": "16:9", "seed": 7}),
        (SCHNELL, {"num_outputs": 4, "seed": 7, "go_fast": False}, {"num_outputs": 4, "seed": 7, "go_fast": False}),
        (VIDEO, {"num_outputs": 1, "prompt_optimizer": False}, {"prompt_optimizer": False}),
        (MUSIC, {"num_outputs": 1, "negative_prompt": "drums", "seed": 1}, {"negative_prompt": "drums", "seed": 1}),
        ("someone/else", {"num_outputs": 1, "anything": [1]}, {"anything": [1]}),
    ],
)
def test_options_are_sent_in_the_models_own_words(
    model: str,
    options: dict[str, Any],
    expected: dict[str, Any],
    replicate: Replicate,
    replicate_server: ReplicateServer,
) -> None:
    replicate.submit(a_job_request(model, "A barn", effective_prompt="A barn, on brand", options=options))
    [asked] = submits(replicate_server)
    assert asked["model"] == model
    assert asked["input"] == {"prompt": "A barn, on brand", **expected}


def test_a_versioned_model_is_requested_by_its_version(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    model = "meta/musicgen:" + "a" * 64
    job_request = a_job_request(model)
    job = replicate.submit(job_request)
    [asked] = submits(replicate_server)
    assert (asked["model"], asked["version"]) == ("meta/musicgen", model)
    assert isinstance(states(replicate, job, job_request)[-1], Done)


def test_every_option_that_a_model_takes_has_a_word() -> None:
    for model in MODELS:
        words = INPUT_NAMES.get(model.id, {})
        assert model.takes <= set(words)
        assert model.max_outputs == 1 or "num_outputs" in words


def test_there_is_a_model_for_every_type() -> None:
    for kind in TaskType:
        choice = Catalog(MODELS).resolve(kind, provider="replicate", model=None, configured=("replicate",))
        assert choice.model.default


# --------------------------------------------------------------------------------------------- submits that go wrong


@pytest.mark.parametrize("status", [400, 402, 404, 422])
def test_a_refusal_is_passed_on(status: int, replicate: Replicate) -> None:
    with pytest.raises(SubmitRefused) as refusal:
        replicate.submit(a_job_request(PRO, f"submit:{status}"))
    assert (refusal.value.error.code, refusal.value.error.message) == ("provider_refused", f"Fake answer {status}")


def test_an_unknown_token_is_reported_without_the_token(http: Http, replicate_server: ReplicateServer) -> None:
    replicate = Replicate(http, token=lambda: "stolen", api_url=replicate_server.api_url)
    with pytest.raises(SubmitRefused) as refusal:
        replicate.submit(a_job_request(PRO))
    assert refusal.value.error.code == "provider_auth"
    with pytest.raises(Unavailable) as failed:
        replicate.poll("job", a_job_request(PRO))
    assert "stolen" not in f"{refusal.value} {failed.value}"


@pytest.mark.parametrize(("status", "after"), [(429, 7), (503, None)])
def test_an_overloaded_replicate_has_not_accepted(status: int, after: float | None, replicate: Replicate) -> None:
    with pytest.raises(Unavailable) as failed:
        replicate.submit(a_job_request(PRO, f"submit:{status}"))
    assert failed.value.after == after


@pytest.mark.parametrize("what", ["slow", "hang_up", "nameless", "500", "502", "504", "408"])
def test_an_unclear_submit_is_unknown_and_sent_once(
    what: str, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    with pytest.raises(SubmitOutcomeUnknown):
        replicate.submit(a_job_request(PRO, f"submit:{what}"))
    assert len(submits(replicate_server)) == 1


@pytest.mark.parametrize("what", ["slow", "hang_up", "nameless"])
@pytest.mark.parametrize("lists_inputs", [True, False])
def test_an_unknown_submit_is_found_while_it_runs(
    what: str, lists_inputs: bool, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    replicate_server.queued, replicate_server.lists_inputs = 60, lists_inputs
    job_request = a_job_request(PRO, f"submit:{what}")
    replicate.submit(a_job_request(PRO))
    replicate.submit(a_job_request(SCHNELL))
    with pytest.raises(SubmitOutcomeUnknown):
        replicate.submit(job_request)
    replicate.submit(a_job_request(PRO, reference="task-2"))
    assert replicate.find(job_request) == submits(replicate_server)[2]["job"]
    assert len(submits(replicate_server)) == 4


@pytest.mark.parametrize("what", ["500", "504"])
def test_a_refused_submit_is_certainly_not_there(what: str, replicate: Replicate) -> None:
    job_request = a_job_request(PRO, f"submit:{what}")
    replicate.submit(a_job_request(PRO, reference="task-2"))
    with pytest.raises(SubmitOutcomeUnknown):
        replicate.submit(job_request)
    assert replicate.find(job_request) is None


def test_a_prediction_is_found_behind_a_hundred_others(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    """And without reading all of them."""
    replicate_server.queued = replicate_server.working = 0
    for number in range(210):
        replicate.submit(a_job_request(PRO, reference=f"task-{number}"))
    job = submits(replicate_server)[100]["job"]
    assert replicate.find(a_job_request(PRO, reference="task-100")) == job
    assert [each["cursor"] for each in replicate_server.books.of("list")] == [0, 100]


@pytest.mark.parametrize(
    "job_request",
    [a_job_request(VIDEO), a_job_request(PRO, options={"seed": 7})],
    ids=["a model without a seed", "a seed of the caller"],
)
def test_ambiguous_matches_prove_nothing(job_request: Any, replicate: Replicate) -> None:
    """Where others may have asked for the same."""
    assert replicate.find(job_request) is None
    replicate.submit(job_request)
    with pytest.raises(LookupInconclusive):
        replicate.find(job_request)


def test_a_prediction_whose_input_is_gone_rules_nothing_out(replicate: Replicate) -> None:
    assert isinstance(made(replicate, a_job_request(PRO, "end:removed")), Done)
    with pytest.raises(LookupInconclusive):
        replicate.find(a_job_request(PRO))


@pytest.mark.parametrize(
    "following", ["https://evil.example/v1/predictions", "http://127.0.0.1:9/v1/predictions", 5, ""]
)
def test_the_token_is_sent_to_the_api_only(
    following: object, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    asked = always(replicate_server, Reply(200, {"next": following, "results": []}))
    with pytest.raises(LookupInconclusive):
        replicate.find(a_job_request(PRO))
    assert len(asked) == 1


def test_a_list_without_end_is_given_up(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    endless: dict[str, Any] = {"next": f"{replicate_server.api_url}/predictions?cursor=1", "results": [None, 5, {}]}
    asked = always(replicate_server, Reply(200, endless))
    with pytest.raises(LookupInconclusive):
        replicate.find(a_job_request(PRO))
    assert len(asked) == 10


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply(404, {}), LookupInconclusive), (Reply(200, b"<html>"), LookupInconclusive), (Reply(502, b""), Unavailable)],
)
def test_an_unreadable_list_never_means_not_submitted(
    reply: Reply, error: type[Exception], replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    always(replicate_server, reply)
    with pytest.raises(error):
        replicate.find(a_job_request(PRO))


# ------------------------------------------------------------------------------------- predictions that go wrong


@pytest.mark.parametrize(
    ("what", "code", "retryable"),
    [
        ("failed", "provider_failed", True),
        ("nsfw", "content_policy_violation", False),
        ("aborted", "provider_aborted", True),
    ],
)
def test_a_failed_prediction_says_why(what: str, code: str, retryable: bool, replicate: Replicate) -> None:
    error = failure(replicate, a_job_request(PRO, f"end:{what}"))
    assert (error.code, error.retryable) == (code, retryable)


@pytest.mark.parametrize("what", ["removed", "empty"])
def test_a_success_without_output_is_done_with_no_files(what: str, replicate: Replicate) -> None:
    assert made(replicate, a_job_request(VIDEO, f"end:{what}")) == Done(())


@pytest.mark.parametrize("content", [b"", b"<html>", []])
def test_an_invalid_answer_says_nothing_about_the_prediction(
    content: Any, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    always(replicate_server, Reply(200, content))
    with pytest.raises(Unavailable):
        replicate.poll("job", a_job_request(PRO))


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_an_unavailable_status_says_nothing_about_the_prediction(status: int, replicate: Replicate) -> None:
    job_request = a_job_request(PRO, f"status:{status}")
    job = replicate.submit(job_request)
    for _ in range(3):
        with pytest.raises(Unavailable):
            replicate.poll(job, job_request)
    assert isinstance(states(replicate, job, job_request)[-1], Done)


def test_an_unknown_status_is_polled_again_and_logged(
    replicate: Replicate, replicate_server: ReplicateServer, caplog: pytest.LogCaptureFixture
) -> None:
    replicate_server.working = 0.3
    assert isinstance(made(replicate, a_job_request(PRO, "status:odd")), Done)
    assert "melting" in caplog.text


def test_a_prediction_that_replicate_does_not_know_has_failed(replicate: Replicate) -> None:
    state = replicate.poll("unknown", a_job_request(PRO))
    assert isinstance(state, Refused)
    assert state.error.code == "job_not_found"


def test_an_unreachable_replicate_is_retried_later(http: Http) -> None:
    replicate = Replicate(http, token=lambda: "t", api_url="http://127.0.0.1:9/v1")
    for ask in (
        lambda: replicate.submit(a_job_request(PRO)),
        lambda: replicate.find(a_job_request(PRO)),
        lambda: replicate.poll("job", a_job_request(PRO)),
        lambda: replicate.cancel("job", model=PRO),
    ):
        with pytest.raises(Unavailable):
            ask()


@pytest.mark.parametrize("job", ["", "../account", "a/b", "a?b", "a b", "ä", "x" * 129, "a\n"])
def test_an_invalid_job_id_never_reaches_a_url(
    job: str, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    for ask in (lambda: replicate.poll(job, a_job_request(PRO)), lambda: replicate.cancel(job, model=PRO)):
        with pytest.raises(ValueError, match="id"):
            ask()
    assert replicate_server.books.entries == []


# ---------------------------------------------------------------------------------------------------------- cancels


def test_a_canceled_prediction_is_certainly_stopped(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    replicate_server.working = 60
    job_request = a_job_request(PRO)
    job = replicate.submit(job_request)
    assert replicate.cancel(job, model=PRO) is True
    state = replicate.poll(job, job_request)
    assert isinstance(state, Refused)
    assert (state.error.code, state.error.retryable) == ("canceled", False)
    assert replicate.cancel(job, model=PRO) is True


def test_canceling_ended_or_unknown_predictions_is_harmless(replicate: Replicate) -> None:
    job_request = a_job_request(PRO)
    job = replicate.submit(job_request)
    states(replicate, job, job_request)
    assert replicate.cancel(job, model=PRO) is False
    assert replicate.cancel("unknown", model=PRO) is True


# -------------------------------------------------------------------------------------------------------- callbacks


@pytest.mark.parametrize("what", ["", "end:failed", "end:nsfw", "end:removed"])
def test_callbacks_report_the_start_and_every_end(
    what: str, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    replicate_server.working = 0.3
    with receiver() as (address, received):
        job = replicate.submit(a_job_request(PRO, what, callback=f"{address}/hooks?task=1&token=t"))
        eventually(lambda: len(received) == 2)
    assert received[0].json()["status"] == "processing"
    assert {replicate.verified_job(as_callback(each), now=datetime.now(UTC)) for each in received} == {job}
    assert {each.query["token"] for each in received} == {"t"}


def test_an_aborted_prediction_reports_too(replicate: Replicate) -> None:
    with receiver() as (address, received):
        job = replicate.submit(a_job_request(PRO, "end:aborted", callback=address))
        [callback] = eventually(lambda: list(received))
    assert replicate.verified_job(as_callback(callback), now=datetime.now(UTC)) == job


def test_a_callback_after_a_cancel_is_genuine(replicate: Replicate) -> None:
    with receiver() as (address, received):
        job = replicate.submit(a_job_request(PRO, "hook:late", callback=address))
        assert replicate.cancel(job, model=PRO) is True
        [callback] = eventually(lambda: list(received))
    assert callback.json()["status"] == "succeeded"
    assert replicate.verified_job(as_callback(callback), now=datetime.now(UTC)) == job


@pytest.mark.parametrize("what", ["forged", "old"])
def test_a_callback_that_is_not_replicates_is_not_genuine(
    what: str, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    replicate_server.working = 0.3
    with receiver() as (address, received):
        replicate.submit(a_job_request(PRO, f"hook:{what}", callback=address))
        eventually(lambda: len(received) == 2)
    for callback in received:
        with pytest.raises(InvalidSignature):
            replicate.verified_job(as_callback(callback), now=datetime.now(UTC))


BODY: Final = json.dumps({"id": "job-1", "status": "succeeded", "output": None}).encode()


def signed_callback(server: ReplicateServer, body: bytes = BODY, **options: Any) -> Callback:
    """A callback that Replicate has signed."""
    return Callback(server.signed(body, **options), body)


def test_a_signature_covers_body_and_id(replicate: Replicate, replicate_server: ReplicateServer) -> None:
    callback = signed_callback(replicate_server)
    assert replicate.verified_job(callback, now=datetime.now(UTC)) == "job-1"
    for altered in (
        Callback(callback.headers, BODY.replace(b"job-1", b"job-2")),
        Callback({**callback.headers, "webhook-id": "msg_other"}, BODY),
        Callback({**callback.headers, "webhook-timestamp": callback.headers["webhook-timestamp"] + "0"}, BODY),
        Callback({}, BODY),
    ):
        with pytest.raises(InvalidSignature):
            replicate.verified_job(altered, now=datetime.now(UTC))


@pytest.mark.parametrize(
    "body", [b"", b"no json", b"[]", b"{}", b'{"id": 5}', b'{"id": "../x"}', b"\xff", b"[" * 99_999]
)
def test_a_signed_body_without_a_prediction_is_invalid(
    body: bytes, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    with pytest.raises(InvalidSignature):
        replicate.verified_job(signed_callback(replicate_server, body), now=datetime.now(UTC))


def test_new_secrets_are_found_and_forgeries_refresh_rarely(
    replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    """Forgeries make us ask once a minute."""
    now = datetime.now(UTC)
    assert replicate.verified_job(signed_callback(replicate_server), now=now) == "job-1"
    before = replicate_server.secret
    replicate_server.rotate()
    later = now + timedelta(seconds=61)
    assert replicate.verified_job(signed_callback(replicate_server), now=later) == "job-1"
    for second in range(0, 60, 5):
        with pytest.raises(InvalidSignature):
            replicate.verified_job(
                signed_callback(replicate_server, secret=before), now=later + timedelta(seconds=second)
            )
    assert len(replicate_server.books.of("secret")) == 2


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b""),
        Reply(401, {}),
        Reply(200, {}),
        Reply(200, {"key": "whsec_"}),
        Reply(200, {"key": "é"}),
        Reply(200, {"key": None}),
        Reply(200, {"key": 1234}),
    ],
)
def test_without_the_secret_a_callback_can_not_be_judged(
    reply: Reply, replicate: Replicate, replicate_server: ReplicateServer
) -> None:
    asked = always(replicate_server, reply)
    now = datetime.now(UTC)
    for second in (0, 10, 59, 60):
        with pytest.raises(Unavailable):
            replicate.verified_job(signed_callback(replicate_server), now=now + timedelta(seconds=second))
    assert len(asked) == 2


# ----------------------------------------------------------- the fake is as Replicate's own package expects


def test_replicates_own_package_takes_the_fake_for_replicate(replicate_server: ReplicateServer) -> None:
    client = Client(api_token=replicate_server.token, base_url=replicate_server.url)
    prediction = client.models.predictions.create(model=SCHNELL, input={"prompt": "A red barn", "num_outputs": 2})
    assert prediction.status == "starting"
    eventually(lambda: client.predictions.get(prediction.id).status == "succeeded")
    prediction.reload()
    assert isinstance(prediction.output, list)
    assert len(prediction.output) == 2
    assert [each.id for each in client.predictions.list().results] == [prediction.id]
    assert client.webhooks.default.secret().key == replicate_server.secret
    client._client.close()


def test_others_accept_the_signatures_of_the_fake(replicate_server: ReplicateServer) -> None:
    headers = replicate_server.signed(BODY)
    standardwebhooks.Webhook(replicate_server.secret).verify(BODY, headers)
    secret = WebhookSigningSecret(key=replicate_server.secret)
    Webhooks.validate(headers=headers, body=BODY.decode(), secret=secret, tolerance=300)
