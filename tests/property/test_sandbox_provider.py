"""The sandbox as a provider: it keeps nothing, takes its time, and nothing that callers send can break it."""

from typing import Final
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atelier.domain.provider import Content, Done, JobRequest, Refused, Working
from atelier.domain.task_creation import BODIES
from atelier.domain.tasks.record import TaskType
from atelier.domain.tasks.requests import NOT_OPTIONS
from atelier.providers.sandbox import MODELS, Sandbox
from atelier_sandbox import audio, image, video
from tests.support.builders import a_job_request, an_id

REFERENCES = st.integers(min_value=0, max_value=2**62 - 1).map(an_id)
STARTS = st.integers(min_value=0, max_value=2**42)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
NASTY = JSON | st.sampled_from(
    [10**400, -(10**400), 1e308, -1e308, "99999x99999", "0x0", "00x00", "٦٤x٦٤", "1:1", "", True]
)
OPTIONS = st.dictionaries(
    st.sampled_from(["size", "aspect_ratio", "duration", "num_outputs", "seed", "voice", "fps"]) | st.text(max_size=5),
    NASTY,
)


class Clock:
    """Milliseconds, as the test says."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        """The present moment."""
        return self.now


def ended_at(order: JobRequest, start: int) -> int:
    """How many milliseconds a job takes, by asking after every one of them that could be the last."""
    clock = Clock(start)
    sandbox = Sandbox(clock)
    job = sandbox.submit(order)
    low, high = 0, 10_000_000
    while low < high:
        middle = (low + high) // 2
        clock.now = start + middle
        low, high = (middle + 1, high) if isinstance(sandbox.poll(job, order), Working) else (low, middle)
    return low


@settings(max_examples=50)
@given(REFERENCES, STARTS, STARTS)
def test_a_jobs_one_to_three_seconds_follow_its_request(reference: str, start: int, other: int) -> None:
    """They depend on the request only."""
    order = a_job_request(reference=reference, prompt="fail:soon")
    assert 1000 <= ended_at(order, start) < 3000
    assert ended_at(order, start) == ended_at(order, other)


SMALL: Final = {"size": "64x64"}
"""Options of an image that is drawn at once: it is drawn again for each look at a job that is over."""


@pytest.mark.parametrize(("prompt", "takes_ms"), [("take:600", 600_000), (" take:5\n", 5000), ("take:0", 1000)])
def test_a_prompt_says_how_long_a_job_takes(prompt: str, takes_ms: int) -> None:
    assert ended_at(a_job_request(prompt=prompt, options=SMALL), 0) == takes_ms


@pytest.mark.parametrize("prompt", ["take:", "take:5 images", "It will take:600", "take:99999", "take:-5"])
def test_other_prompts_do_not_fail(prompt: str) -> None:
    assert ended_at(a_job_request(prompt=prompt, options=SMALL), 0) < 3000


@settings(max_examples=50)
@given(REFERENCES, STARTS, st.lists(st.integers(min_value=-500, max_value=4000), min_size=2))
def test_progress_never_decreases_in_any_worker(reference: str, start: int, looks: list[int]) -> None:
    order = a_job_request(reference=reference, prompt="fail:soon")
    job = Sandbox(Clock(start)).submit(order)
    seen = [Sandbox(Clock(start + look)).poll(job, order) for look in sorted(looks)]
    shown = [state.progress if isinstance(state, Working) else 2.0 for state in seen]
    progress = [each for each in shown if each is not None]
    assert progress == sorted(progress)
    assert len(progress) == len(looks)
    assert all(0 <= each <= 1 for each in progress if each != 2.0)


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("fail:nsfw", "nsfw"),
        (" fail:out_of_money\n", "out_of_money"),
        ("fail:x1", "x1"),
    ],
)
def test_a_prompt_can_tell_it_to_fail(prompt: str, code: str) -> None:
    assert end_of(a_job_request(prompt=prompt)) == code


@pytest.mark.parametrize(
    "prompt",
    [
        *("fail", "fail:", "fail: nsfw", "fail:NSFW", "prefail:x"),
        "Don't let the campaign fail:badly!",
        *("(fail:x1)", "fail:a fail:b", "fail:a, and a barn", "A barn\nfail:a", "fail:a."),
    ],
)
def test_only_these_words_make_it_fail(prompt: str) -> None:
    assert end_of(a_job_request(prompt=prompt, options={"size": "64x64"})) == "done"


def test_words_of_the_brand_do_not_make_it_fail() -> None:
    assert end_of(a_job_request(effective_prompt="A red barn. fail:brand", options={"size": "64x64"})) == "done"


def end_of(order: JobRequest) -> str:
    clock = Clock(0)
    sandbox = Sandbox(clock)
    job = sandbox.submit(order)
    clock.now = 3000
    match sandbox.poll(job, order):
        case Refused(error):
            return error.code
        case Done():
            return "done"
        case other:
            return str(other)


def test_the_seed_told_makes_the_same_file_again() -> None:
    def made(reference: str, **options: object) -> Done:
        clock, order = Clock(0), a_job_request(reference=reference, options={**SMALL, **options})
        sandbox = Sandbox(clock)
        job = sandbox.submit(order)
        clock.now = 3000
        done = sandbox.poll(job, order)
        assert isinstance(done, Done)
        return done

    first, other = made(an_id(1), steps=3), made(an_id(2), steps=3)
    assert made(an_id(2), steps=3, seed=first.seed) == first != other
    assert made(an_id(1), seed=7).seed == 7


@settings(max_examples=150)
@given(st.sampled_from(TaskType), OPTIONS)
@example(TaskType.IMAGE, {"num_outputs": 0, "size": "00x00"})
@example(TaskType.VIDEO, {"num_outputs": -7, "duration": 10**400})
@example(TaskType.AUDIO, {"num_outputs": 10**400, "duration": -1e308})
def test_any_options_make_a_file_within_bounds(kind: TaskType, options: dict[str, object]) -> None:
    def sides(*_: object, width: int, height: int, seconds: float = 1.0, **__: object) -> bytes:
        assert 16 <= width <= 2048
        assert 16 <= height <= 2048
        assert type(seconds) is float
        assert 0.5 <= seconds <= 10
        return b"made"

    def lasting(*_: object, seconds: float, **__: object) -> bytes:
        assert type(seconds) is float
        assert 0.5 <= seconds <= 30
        return b"made"

    # The encoders have tests of their own, and take their time.
    with (
        mock.patch.object(image, "png", sides),
        mock.patch.object(video, "mp4", sides),
        mock.patch.object(audio, "wav", lasting),
    ):
        clock = Clock(0)
        sandbox = Sandbox(clock)
        order = a_job_request(type=kind, options=options)
        job = sandbox.submit(order)
        clock.now = 3000
        done = sandbox.poll(job, order)
    assert isinstance(done, Done)
    assert done.files == (Content(b"made"),) * len(done.files)
    assert 1 <= len(done.files) <= 4


def test_equal_requests_make_equal_files_in_any_worker() -> None:
    """The same seed gives the same files, another seed others."""

    def files(seed: int, number: int) -> list[bytes]:
        order = a_job_request(options={"seed": seed, "size": "64x64", "num_outputs": 2}, reference=an_id(number))
        clock = Clock(number)
        sandbox = Sandbox(clock)
        job = sandbox.submit(order)
        clock.now += 3000
        done = sandbox.poll(job, order)
        assert isinstance(done, Done)
        return [file.content for file in done.files if isinstance(file, Content)]

    assert files(7, 1) == files(7, 2)
    assert files(7, 1) != files(8, 1)
    first, second = files(7, 1)
    assert first != second


def test_lookups_find_nothing_and_cancels_always_succeed() -> None:
    """No job runs."""
    sandbox = Sandbox(Clock(0))
    order = a_job_request()
    assert sandbox.cancel(sandbox.submit(order), model=order.model)
    assert sandbox.find(order) is None


@pytest.mark.parametrize("kind", TaskType)
def test_its_model_takes_every_option_for_free(kind: TaskType) -> None:
    [model] = [each for each in MODELS if each.type is kind]
    assert model.takes == BODIES[kind].model_fields.keys() - NOT_OPTIONS
    assert model.estimate("A red barn", {"num_outputs": 4}) == 0
    assert model.default
