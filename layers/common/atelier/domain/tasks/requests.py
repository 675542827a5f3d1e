"""The request bodies of generation."""

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue

from atelier.domain.input_files import MOST_INPUTS, NewTaskInput, not_too_many
from atelier.domain.schema import (
    KIB,
    Dollars,
    GivenId,
    NewIn,
    OptionalPrompt,
    Prompt,
    RequestModel,
    Tag,
    as_json,
    distinct,
    in_form,
    whole,
    without_defaults,
)
from atelier.domain.text import comparison_key
from atelier.domain.webhook_targets import ascii_url

METADATA_BYTES: Final = 16 * KIB
PARAMS_BYTES: Final = 32 * KIB
MOST_PROVIDERS: Final = 4
MOST_OUTPUTS: Final = 4
MOST_TAGS: Final = 20


FreeForm = TypeVar("FreeForm", bound=dict[str, JsonValue] | None)


def _at_most(limit: int) -> AfterValidator:
    def fits(value: FreeForm) -> FreeForm:
        if len(as_json(value).encode()) > limit:
            raise ValueError(f"must be at most {limit} bytes as JSON")
        return value

    return AfterValidator(fits)


_SIDE = r"(6[4-9]|[7-9][0-9]|[1-9][0-9]{2}|1[0-9]{3}|20[0-3][0-9]|204[0-8])"
AspectRatio = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "4:5", "5:4"]
Size = Annotated[
    str,
    *in_form(f"^{_SIDE}x{_SIDE}$", "must be width x height in pixels, 64 to 2048 each, such as 1024x768"),
    Field(description="Width x height in pixels, 64 to 2048 each."),
]
Seconds = Annotated[float, Field(strict=True, ge=1, le=60)]
SecondsOfSound = Annotated[float, Field(strict=True, ge=0.5, le=600)]


def _not_too_many(values: Any) -> Any:
    # Before its items are looked at: each of a hundred thousand would be an error.
    if isinstance(values, list) and len(values) > MOST_PROVIDERS:
        raise ValueError(f"must have at most {MOST_PROVIDERS} items")
    return values


ProviderName = Annotated[str, Field(max_length=64)]
ProviderNames = Annotated[
    list[ProviderName], BeforeValidator(_not_too_many), *distinct("must not name a provider twice")
]
ModelName = Annotated[str, Field(max_length=255)]
NegativePrompt = Annotated[str, Field(max_length=5000)]
NumOutputs = Annotated[int, Field(ge=1, le=MOST_OUTPUTS), BeforeValidator(whole)]
Voice = Annotated[str, Field(max_length=255)]
UpscaleFactor = Annotated[Literal[2, 4], BeforeValidator(whole)]
Inputs = Annotated[
    list[NewTaskInput],
    BeforeValidator(not_too_many),
    Field(max_length=MOST_INPUTS),
    *distinct("must not name an input twice"),
]


class NewTask(RequestModel):
    """The fields of every generation request."""

    prompt: Prompt
    client_id: GivenId | None = None
    campaign_id: Annotated[GivenId | None, Field(description="Alone, it implies its client.")] = None
    user_id: NewIn = None
    provider: ProviderName | None = None
    providers: Annotated[
        ProviderNames | None,
        Field(
            min_length=1,
            max_length=MOST_PROVIDERS,
            description="Instead of `provider`, in this order: the next only if one has not accepted the job.",
        ),
    ] = None
    model: Annotated[
        str | None, Field(max_length=255, description="GET /api/v3/providers says what each one takes.")
    ] = None
    negative_prompt: NegativePrompt | None = None
    num_outputs: NumOutputs = 1
    seed: Annotated[int | None, Field(ge=0, le=4294967295), BeforeValidator(whole)] = None
    params: Annotated[dict[str, JsonValue], _at_most(PARAMS_BYTES)] = Field(
        default_factory=dict,
        description="The model's own parameters; GET /api/v3/providers lists them, and any other is a 400.",
    )
    inputs: Annotated[
        Inputs, Field(description="Files for the model; GET /api/v3/providers says which roles it takes.")
    ] = Field(default_factory=list)
    apply_brand_guidelines: Annotated[bool, Field(strict=True)] = True
    metadata: Annotated[
        dict[str, JsonValue] | None,
        _at_most(METADATA_BYTES),
        Field(description="Your own object, kept as it is; at most 16 KiB as JSON."),
    ] = None
    webhook_url: Annotated[
        Annotated[str, AfterValidator(ascii_url), Field(max_length=2048)] | None,
        Field(description="Where the finished task is sent, signed by your webhook secret."),
    ] = None

    max_cost: Annotated[
        Dollars | None,
        Field(description="US dollars: what it may cost at most. A budget reserves it for a model without a price."),
    ] = None

    def typed_options(self) -> dict[str, JsonValue]:
        """The options that were given as fields of the request."""
        return self.model_dump(exclude=set(NOT_OPTIONS), exclude_none=True, mode="json")

    def options(self) -> dict[str, JsonValue]:
        """All options of the model: the typed ones that were given, and `params`."""
        return {**self.typed_options(), **self.params}

    def clashes(self) -> list[str]:
        """The keys of `params` that are fields of their own."""
        return sorted(set(self.params) & set(type(self).model_fields))


class TaskRetry(RequestModel):
    """What a retry changes: an absent field is as in the task, null as if it had never been given."""

    prompt: Prompt = ""
    provider: ProviderName = ""
    providers: Annotated[ProviderNames, Field(min_length=1, max_length=MOST_PROVIDERS)] = Field(default_factory=list)
    model: Annotated[ModelName, Field(description="Without a provider, of the first that has it.")] = ""
    negative_prompt: NegativePrompt | None = None
    num_outputs: NumOutputs | None = None
    seed: Annotated[int | None, Field(ge=0, le=4294967295), BeforeValidator(whole)] = None
    aspect_ratio: AspectRatio | None = None
    size: Size | None = None
    duration: Annotated[SecondsOfSound | None, Field(description="Seconds.")] = None
    voice: Voice | None = None
    upscale_factor: UpscaleFactor | None = None
    inputs: Annotated[Inputs | None, Field(description="Instead of the task's.")] = None
    params: Annotated[
        dict[str, JsonValue] | None,
        _at_most(PARAMS_BYTES),
        Field(description="Merged into the task's `params` as RFC 7396 says."),
    ] = None
    max_cost: Annotated[Dollars | None, Field(description="US dollars: what it may cost at most.")] = None

    model_config = ConfigDict(json_schema_extra=without_defaults)


class CorrectedCost(RequestModel):
    """The body that corrects what a task cost."""

    model_config = ConfigDict(json_schema_extra={"example": {"actual": 0.04}})

    actual: Annotated[Dollars, Field(description="US dollars.")]


NOT_OPTIONS: Final = frozenset(
    {
        "prompt",
        "client_id",
        "campaign_id",
        "user_id",
        "provider",
        "providers",
        "model",
        "params",
        "inputs",
        "apply_brand_guidelines",
        "metadata",
        "webhook_url",
        "max_cost",
    }
)


class NewImage(NewTask):
    """The body that generates images."""

    aspect_ratio: AspectRatio | None = None
    size: Size | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"prompt": "A futuristic cityscape", "provider": "fal", "model": "fal-ai/flux-pro"},
            "not": {
                "anyOf": [
                    {
                        "properties": {"aspect_ratio": {"type": "string"}, "size": {"type": "string"}},
                        "required": ["aspect_ratio", "size"],
                    }
                ]
            },
        }
    )


class NewVideo(NewTask):
    """The body that generates videos."""

    aspect_ratio: AspectRatio | None = None
    duration: Annotated[Seconds | None, Field(description="Seconds.")] = None

    model_config = ConfigDict(
        json_schema_extra={"example": {"prompt": "Waves at dawn, slow drone shot", "duration": 4}}
    )


class NewAudio(NewTask):
    """The body that generates audio: sound or speech."""

    duration: Annotated[SecondsOfSound | None, Field(description="Seconds.")] = None
    voice: Voice | None = None

    model_config = ConfigDict(json_schema_extra={"example": {"prompt": "A warm, hopeful jingle", "duration": 5}})


_INPUT: Final[Any] = {"role": "reference", "task_id": "019c13ee-72c0-7000-8d9b-8c7a6f5e4d3c", "output": 0}


class NewEdit(NewTask):
    """The body that edits images: it makes images from a prompt and the images that are among `inputs`."""

    aspect_ratio: AspectRatio | None = None
    size: Size | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"prompt": "The same boat, in a storm", "inputs": [_INPUT]},
            "not": NewImage.model_config["json_schema_extra"]["not"],  # type: ignore[index] # it is a dict, above
        }
    )


class NewUpscale(NewTask):
    """The body that enlarges an image."""

    prompt: OptionalPrompt = ""
    upscale_factor: Annotated[
        UpscaleFactor | None,
        Field(description="By how much width and height grow; 2 otherwise, if the model takes one."),
    ] = None

    model_config = ConfigDict(json_schema_extra={"example": {"inputs": [_INPUT], "upscale_factor": 2}})


class NewBackgroundRemoval(NewTask):
    """The body that cuts out what an image shows: the background becomes transparent."""

    prompt: OptionalPrompt = ""

    model_config = ConfigDict(json_schema_extra={"example": {"inputs": [_INPUT]}})


def _few_tags(values: Any) -> Any:
    if isinstance(values, list) and len(values) > MOST_TAGS:
        raise ValueError(f"must have at most {MOST_TAGS} items")
    return values


def _distinct_tags(values: list[str]) -> list[str]:
    if len({comparison_key(each) for each in values}) < len(values):
        raise ValueError("must not have a tag twice")
    return values


class TaskPatch(RequestModel):
    """A merge patch: an absent field stays, null clears it. `client_id` and `campaign_id` move the task."""

    client_id: Annotated[
        GivenId | None,
        Field(description="Moves the task to this client, or to none. A campaign of another client is left."),
    ] = None
    campaign_id: Annotated[
        GivenId | None, Field(description="Moves the task to this campaign and its client, or out of its campaign.")
    ] = None
    rating: Annotated[Annotated[int, Field(ge=1, le=5), BeforeValidator(whole)] | None, Field()] = None
    tags: Annotated[
        Annotated[list[Tag], BeforeValidator(_few_tags), AfterValidator(_distinct_tags)] | None,
        Field(max_length=MOST_TAGS, description="All tags of the task, in any order; case does not tell tags apart."),
    ] = None
    metadata: Annotated[
        dict[str, JsonValue] | None,
        Field(description="Merged into the task's metadata as RFC 7396 says; at most 16 KiB as JSON then."),
    ] = None

    model_config = ConfigDict(json_schema_extra=without_defaults)


TYPED_OPTIONS: Final = frozenset(
    name
    for shape in (NewImage, NewVideo, NewAudio, NewEdit, NewUpscale, NewBackgroundRemoval)
    for name in shape.model_fields
    if name not in NOT_OPTIONS
)
"""The options that are fields of a request. Whatever else is among the options of a task has come in `params`."""
