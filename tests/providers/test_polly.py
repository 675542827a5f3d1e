"""Polly as AWS describes it: the prompt alone is said, tasks are asked after, and lost answers are found again."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import botocore.session
import pytest

from atelier.domain.catalog import Model, Price, Unit
from atelier.domain.provider import (
    Done,
    JobRequest,
    LookupInconclusive,
    Refused,
    Staged,
    SubmitOutcomeUnknown,
    SubmitRefused,
    Unavailable,
    Waiting,
    Working,
)
from atelier.domain.tasks.record import TaskType
from atelier.providers import aws
from atelier.providers.polly import DEFAULT_VOICES, MODELS, VOICES, VOICES_BY_LANGUAGE, Polly
from tests.providers.job_requests import a_job_request
from tests.support.aws_harness import BUCKET, AwsHarness, client_of
from tests.support.aws_media import AwsMedia


@pytest.fixture(scope="module")
def client(harness: AwsHarness) -> Iterator[Any]:
    with client_of("polly", harness.server.url) as made:
        yield made


@pytest.fixture(scope="module")
def nobody(harness: AwsHarness) -> Iterator[Any]:
    """A client with nobody at the other end."""
    with client_of("polly", "http://127.0.0.1:1") as made:
        yield made


@pytest.fixture
def polly(client: Any, harness: AwsHarness, books: AwsMedia) -> Polly:
    return Polly(client, harness.s3, BUCKET)


def a_speech(prompt: str = "Good morning.", *, reference: str = "t1", **options: Any) -> JobRequest:
    return a_job_request(
        "polly-neural",
        prompt,
        reference=reference,
        type=TaskType.AUDIO,
        effective_prompt=f"{prompt}\n\nBrand guidelines: Never shout.",
        options={"num_outputs": 1, **options},
    )


def test_a_speech_is_polled_until_it_is_stored(polly: Polly, books: AwsMedia, harness: AwsHarness) -> None:
    job = polly.submit(a_speech())
    key = f"incoming/t1/speech.{job}.mp3"
    seen = [polly.poll(job, a_speech()) for _ in range(3)]
    assert seen == [Waiting(), Working(), Done((Staged(key),), cost=Decimal("0.000208"))]
    assert harness.read(key).startswith((b"ID3", b"\xff\xfb"))
    assert len(books.paid) == 1


def test_only_the_prompt_is_said(polly: Polly, books: AwsMedia) -> None:
    polly.submit(a_speech("Good morning."))
    assert books.paid[0].sent["Text"] == "Good morning."


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_engine_has_a_voice_that_speaks_with_it(polly: Polly, books: AwsMedia, model: Any) -> None:
    polly.submit(replace(a_speech(), model=model.id))
    assert books.paid[0].sent["Engine"] == model.id.removeprefix("polly-")


def test_an_added_model_has_its_own_engine_and_price(polly: Polly, books: AwsMedia) -> None:
    price = Price(Decimal("0.5"), Unit.THOUSAND_CHARACTERS)
    added = Model("polly-ours", "polly", TaskType.AUDIO, voices=("Ruth", "Matthew"), price=price)
    order = replace(a_speech(Engine="generative"), model="polly-ours", added=added)
    job = polly.submit(order)
    assert (books.paid[0].sent["Engine"], books.paid[0].sent["VoiceId"]) == ("generative", "Ruth")
    books.over()
    assert polly.poll(job, order) == Done((Staged(f"incoming/t1/speech.{job}.mp3"),), cost=Decimal("0.0065"))
    other = replace(added, voices=("Matthew",), price=Price(Decimal(1), Unit.AUDIO))
    assert polly.poll(job, replace(order, added=other)) == Done((Staged(f"incoming/t1/speech.{job}.mp3"),))
    for voices in (("Matthew",), ()):
        polly.submit(replace(order, added=replace(other, voices=voices)))
    assert [each.sent["VoiceId"] for each in books.paid[1:]] == ["Matthew", "Ruth"]


def test_what_is_passed_through_wins(polly: Polly, books: AwsMedia) -> None:
    polly.submit(a_speech(voice="Joanna", VoiceId="Matthew", SampleRate="24000"))
    assert (books.paid[0].sent["VoiceId"], books.paid[0].sent["SampleRate"]) == ("Matthew", "24000")


@pytest.mark.parametrize("name", ["OutputS3BucketName", "OutputS3KeyPrefix", "SnsTopicArn", "Engine", "Text", "tempo"])
def test_what_is_not_the_callers_to_say_is_refused(polly: Polly, books: AwsMedia, name: str) -> None:
    with pytest.raises(SubmitRefused) as refused:
        polly.submit(a_speech(**{name: "elsewhere"}))
    assert name in refused.value.error.message
    assert books.paid == []


def test_a_voice_unfit_for_its_engine_is_refused(polly: Polly) -> None:
    """With the names of both."""
    with pytest.raises(SubmitRefused) as refused:
        polly.submit(replace(a_speech(voice="Joanna"), model="polly-long-form"))
    assert refused.value.error.message == "The voice Joanna does not speak with the engine long-form."


@pytest.mark.parametrize("voice", ["Nobody", 7])
def test_a_voice_that_there_is_not_is_refused(polly: Polly, voice: Any) -> None:
    with pytest.raises(SubmitRefused) as refused:
        polly.submit(a_speech(VoiceId=voice))
    assert (refused.value.error.code, refused.value.error.retryable) == ("provider_refused", False)


@pytest.mark.parametrize("fault", ["throttled", "unavailable"])
def test_a_provider_that_is_too_busy_has_done_nothing(polly: Polly, books: AwsMedia, fault: str) -> None:
    with pytest.raises(Unavailable):
        polly.submit(a_speech(f"submit:{fault}_once"))
    polly.submit(a_speech(f"submit:{fault}_once"))
    assert len(books.paid) == 1


def test_a_refused_connection_is_certainly_no_submit(nobody: Any, harness: AwsHarness) -> None:
    with pytest.raises(Unavailable):
        Polly(nobody, harness.s3, BUCKET).submit(a_speech())


def test_a_denied_role_is_reported_without_its_name(polly: Polly) -> None:
    with pytest.raises(SubmitRefused) as refused:
        polly.submit(a_speech("submit:denied"))
    assert refused.value.error.code == "provider_auth"
    assert "prompt" not in refused.value.error.message


def test_a_failure_of_the_service_leaves_it_open(polly: Polly) -> None:
    with pytest.raises(SubmitOutcomeUnknown):
        polly.submit(a_speech("submit:service_failure"))
    assert polly.find(a_speech("submit:service_failure")) is None


@pytest.mark.parametrize("fault", ["hang_up", "slow"])
def test_a_speech_whose_answer_was_lost_is_found_again(polly: Polly, books: AwsMedia, fault: str) -> None:
    books.page_size = 1
    for other in ("t11", "t2"):
        polly.submit(a_speech(reference=other))
    with pytest.raises(SubmitOutcomeUnknown):
        polly.submit(a_speech(f"submit:{fault}"))
    assert polly.find(a_speech(f"submit:{fault}")) == books.paid[2].id
    assert len(books.paid) == 3


def test_a_stored_speech_is_found_among_many(polly: Polly, books: AwsMedia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "MOST_PAGES", 0)
    job = polly.submit(a_speech())
    books.over()
    assert polly.find(a_speech()) == job


def test_among_too_many_speeches_a_lookup_is_inconclusive(
    polly: Polly, books: AwsMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aws, "MOST_PAGES", 2)
    books.page_size = 1
    for other in ("t2", "t3", "t4"):
        polly.submit(a_speech(reference=other))
    with pytest.raises(LookupInconclusive):
        polly.find(a_speech())


def test_an_unknown_speech_was_certainly_not_submitted(polly: Polly) -> None:
    polly.submit(a_speech(reference="t11"))
    assert polly.find(a_speech(reference="t1")) is None


def test_a_speech_that_fails_says_why_and_costs_nothing(polly: Polly) -> None:
    job = polly.submit(a_speech("end:failed"))
    state = [polly.poll(job, a_speech()) for _ in range(3)][-1]
    assert isinstance(state, Refused)
    assert (state.error.message, state.cost) == ("It could not be said.", None)


def test_a_speech_that_polly_has_forgotten_has_failed(polly: Polly) -> None:
    assert isinstance(polly.poll("no-such-task", a_speech()), Refused)


def test_a_speech_that_cannot_be_polled_is_polled_later(nobody: Any, harness: AwsHarness) -> None:
    with pytest.raises(Unavailable):
        Polly(nobody, harness.s3, BUCKET).poll("a-task", a_speech())


def test_an_undocumented_status_counts_as_waiting(polly: Polly, caplog: pytest.LogCaptureFixture) -> None:
    job = polly.submit(a_speech("status:odd"))
    assert polly.poll(job, a_speech()) == Working()
    assert "Pondering" in caplog.text


def test_nothing_can_be_stopped(polly: Polly) -> None:
    assert polly.cancel(polly.submit(a_speech()), model="polly-neural") is False


def test_the_models_are_the_engines_at_their_list_prices() -> None:
    assert {model.id: model.estimate("x" * 1_000_000, {}) for model in MODELS} == {
        "polly-standard": Decimal(4),
        "polly-neural": Decimal(16),
        "polly-long-form": Decimal(100),
        "polly-generative": Decimal(30),
    }
    assert [model.id for model in MODELS if model.default] == ["polly-neural"]
    assert all(model.spoken for model in MODELS)


def test_exactly_the_apis_voices_are_listed() -> None:
    service = botocore.session.get_session().get_service_model("polly")
    assert set(VOICES) == set(service.shape_for("VoiceId").metadata["enum"])
    assert all(model.voices == VOICES for model in MODELS)
    assert set(VOICES_BY_LANGUAGE) == set(service.shape_for("LanguageCode").metadata["enum"])
    assert set(DEFAULT_VOICES.values()) <= set(VOICES)
