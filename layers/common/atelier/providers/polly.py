"""Amazon Polly: the prompt, read aloud into our own bucket. No callbacks: tasks are asked after."""

import logging
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from atelier.domain.catalog import Model, Price, Unit
from atelier.domain.params import choice, text, texts
from atelier.domain.provider import Done, JobRequest, Refused, Staged, State, Waiting, Working
from atelier.domain.tasks.record import TaskError, TaskType
from atelier.providers.aws import Staging, asking, looked_up, refusal, submitting
from atelier.providers.inputs import OPTIONS

if TYPE_CHECKING:
    from mypy_boto3_polly import PollyClient
    from mypy_boto3_polly.type_defs import ListSpeechSynthesisTasksInputTypeDef, SynthesisTaskTypeDef
    from mypy_boto3_s3 import S3Client

POLLY: Final = "polly"
_logger = logging.getLogger(__name__)

_LARGEST_PAGE: Final = 100
_ENDING: Final = ".mp3"
# All that the API of Polly names (botocore 1.44.8), by the languages of its list of voices, 2026-11-29. Which of them
# speak with which engine changes with every month: Polly itself says no to a pair that does not fit.
VOICES_BY_LANGUAGE: Final[Mapping[str, tuple[str, ...]]] = {
    "ar-AE": ("Hala", "Zayd"),
    "arb": ("Zeina",),
    "ca-ES": ("Arlet",),
    "cmn-CN": ("Zhiyu",),
    "cs-CZ": ("Jitka",),
    "cy-GB": ("Gwyneth",),
    "da-DK": ("Mads", "Naja", "Sofie"),
    "de-AT": ("Hannah",),
    "de-CH": ("Sabrina",),
    "de-DE": ("Daniel", "Hans", "Lennart", "Marlene", "Vicki"),
    "en-AU": ("Nicole", "Olivia", "Russell"),
    "en-GB": ("Amy", "Arthur", "Brian", "Emma"),
    "en-GB-WLS": ("Geraint",),
    "en-IE": ("Niamh",),
    "en-IN": ("Aditi", "Kajal", "Raveena"),
    "en-NZ": ("Aria",),
    "en-SG": ("Jasmine",),
    "en-US": (
        *("Danielle", "Gregory", "Ivy", "Joanna", "Joey", "Justin", "Kendra", "Kevin"),
        *("Kimberly", "Matthew", "Ruth", "Salli", "Stephen", "Tiffany"),
    ),
    "en-ZA": ("Ayanda",),
    "es-ES": ("Conchita", "Enrique", "Lucia", "Sergio"),
    "es-MX": ("Andres", "Mia"),
    "es-US": ("Lupe", "Miguel", "Pedro", "Penelope"),
    "fi-FI": ("Suvi",),
    "fr-BE": ("Isabelle",),
    "fr-CA": ("Chantal", "Gabrielle", "Liam"),
    "fr-FR": ("Ambre", "Celine", "Florian", "Lea", "Mathieu", "Remi"),
    "hi-IN": ("Aditi", "Kajal"),
    "is-IS": ("Dora", "Karl"),
    "it-IT": ("Adriano", "Beatrice", "Bianca", "Carla", "Giorgio", "Lorenzo"),
    "ja-JP": ("Kazuha", "Mizuki", "Takumi", "Tomoko"),
    "ko-KR": ("Jihye", "Seoyeon"),
    "nb-NO": ("Ida", "Liv"),
    "nl-BE": ("Lisa",),
    "nl-NL": ("Laura", "Lotte", "Ruben"),
    "pl-PL": ("Ewa", "Jacek", "Jan", "Maja", "Ola"),
    "pt-BR": ("Camila", "Ricardo", "Thiago", "Vitoria"),
    "pt-PT": ("Cristiano", "Ines"),
    "ro-RO": ("Carmen",),
    "ru-RU": ("Maxim", "Tatyana"),
    "sv-SE": ("Astrid", "Elin"),
    "tr-TR": ("Burcu", "Filiz"),
    "yue-CN": ("Hiujin",),
}
VOICES: Final = tuple(sorted({voice for voices in VOICES_BY_LANGUAGE.values() for voice in voices}))
DEFAULT_VOICES: Final = {"standard": "Joanna", "neural": "Joanna", "long-form": "Ruth", "generative": "Ruth"}
# What callers may say beside the prompt. The rest is ours: the engine that is paid for, the format, where it goes.
_PARAMS: Final = (
    text("LanguageCode", 10, "[a-z]{2,3}(-[A-Z]{2})?(-[A-Z]{3})?", "a language code such as en-US"),
    texts("LexiconNames", 5, "[0-9A-Za-z]{1,20}", "a name of 1 to 20 letters and digits such as brands1"),
    choice("SampleRate", "8000", "16000", "22050", "24000", "44100", "48000"),
    choice("TextType", "text", "ssml", default="text"),
)
ENGINE: Final = "Engine"
_STANDS_FOR: Final = {"VoiceId": "voice", "Text": "prompt", ENGINE: "model"}
_PASSED_THROUGH: Final = frozenset({*(param.name for param in _PARAMS), "VoiceId"})


def _engine(name: str, dollars_per_million: str, *, default: bool = False) -> Model:
    return Model(
        id=f"polly-{name}",
        provider=POLLY,
        type=TaskType.AUDIO,
        takes=frozenset({"voice"}),
        aliases=(name,),
        prompt_limit=100_000,
        spoken=True,
        voices=VOICES,
        voices_by_language=VOICES_BY_LANGUAGE,
        params=_PARAMS,
        stands_for=_STANDS_FOR,
        price=Price(Decimal(dollars_per_million) / 1000, Unit.THOUSAND_CHARACTERS, as_of=date(2026, 11, 22)),
        default=default,
    )


# List prices of the US East region.
MODELS: Final = (
    _engine("neural", "16", default=True),
    _engine("standard", "4"),
    _engine("long-form", "100"),
    _engine("generative", "30"),
)
_BY_ID: Final = {model.id: model for model in MODELS}


def engine_of(model: str) -> str:
    """The engine of a built-in model."""
    return model.removeprefix("polly-")


class Polly:
    """Speech synthesis tasks.

    What is said is the caller's prompt and nothing else: guidelines make no sense when they are read aloud. Polly
    knows no token against doing a thing twice, but where a task writes to names the job request, so it is found again.
    """

    def __init__(self, client: "PollyClient", s3: "S3Client", bucket: str) -> None:
        self._client = client
        self._staging = Staging(s3, bucket)

    def submit(self, job_request: JobRequest) -> str:
        """Start the task."""
        request = self._request(job_request)
        with submitting():
            try:
                answer = self._client.start_speech_synthesis_task(**request)
            except self._client.exceptions.EngineNotSupportedException as failure:
                message = f"The voice {request['VoiceId']} does not speak with the engine {request['Engine']}."
                raise refusal("provider_refused", message) from failure
        return answer["SynthesisTask"]["TaskId"]

    def find(self, job_request: JobRequest) -> str | None:
        """The task that writes where the job's files go. LookupInconclusive when there are too many tasks to tell."""
        if arrived := self._files(job_request):
            return _task_of(arrived[0])

        def page(token: str | None) -> "tuple[list[SynthesisTaskTypeDef], str | None]":
            request: ListSpeechSynthesisTasksInputTypeDef = {"MaxResults": _LARGEST_PAGE}
            if token:
                request["NextToken"] = token
            answer = self._client.list_speech_synthesis_tasks(**request)
            return answer.get("SynthesisTasks", []), answer.get("NextToken")

        folder = f"/{self._staging.folder(job_request)}"
        found = looked_up(page, lambda each: folder in each.get("OutputUri", ""))
        return found["TaskId"] if found else None

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the task stands, and what its characters cost."""
        with asking():
            try:
                task = self._client.get_speech_synthesis_task(TaskId=job)["SynthesisTask"]
            except self._client.exceptions.SynthesisTaskNotFoundException:
                return _failed("The provider does not know the task any more.")
        status: str = task["TaskStatus"]
        if status == "completed":
            return Done(self._files(job_request), cost=_cost(job_request, task))
        if status == "failed":
            return _failed(task.get("TaskStatusReason") or "The provider could not say it.")
        if status == "scheduled":
            return Waiting()
        if status != "inProgress":
            _logger.warning("Task %s has the unknown status %s.", job, status)
        return Working()

    def cancel(self, job: str, *, model: str) -> bool:  # noqa: ARG002 - there is no such operation
        """Never: Polly finishes what it has accepted."""
        return False

    def _files(self, job_request: JobRequest) -> tuple[Staged, ...]:
        return self._staging.files(job_request, _ENDING)

    def _request(self, job_request: JobRequest) -> Any:
        passed = {name: value for name, value in job_request.options.items() if name not in OPTIONS}
        known = _PASSED_THROUGH | {ENGINE} if job_request.added else _PASSED_THROUGH
        if unknown := ", ".join(sorted(passed.keys() - known)):
            raise refusal("provider_refused", f"Polly is not given {unknown} here.")
        engine = str(passed.get(ENGINE, engine_of(job_request.model)))
        return {
            "VoiceId": job_request.options.get("voice", _usual_voice(engine, job_request.added)),
            **passed,
            "Text": job_request.prompt,
            ENGINE: engine,
            "OutputFormat": "mp3",
            "OutputS3BucketName": self._staging.bucket,
            "OutputS3KeyPrefix": f"{self._staging.folder(job_request)}speech",
        }


def _usual_voice(engine: str, added: Model | None) -> str | None:
    """The voice of a request that names none; of a model that was added, one of those that it has."""
    usual, offered = DEFAULT_VOICES.get(engine), added.voices if added else ()
    return usual if not offered or usual in offered else offered[0]


def _task_of(file: Staged) -> str:
    # Polly appends the task's id: `speech.<id>.mp3`.
    return PurePosixPath(file.key).stem.rpartition(".")[2]


def _failed(message: str) -> Refused:
    return Refused(TaskError(code="provider_failed", message=message, retryable=True))


def _cost(job_request: JobRequest, task: "SynthesisTaskTypeDef") -> Decimal | None:
    characters, model = task.get("RequestCharacters"), job_request.added or _BY_ID.get(job_request.model)
    if characters is None or model is None or model.price is None or model.price.per is not Unit.THOUSAND_CHARACTERS:
        return None
    return (model.price.amount * characters / 1000).normalize() + 0
