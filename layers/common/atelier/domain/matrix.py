"""A matrix: one prompt with placeholders, generated for every combination of values, models and aspect ratios.

A placeholder is a name in braces: {product}. Names are letters, digits and underscores, and do not begin with a digit.
Two braces stand for one: "{{" and "}}". What is put in for a placeholder is taken as it is, braces included.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from typing import Annotated, Any, Final, TypeVar
from unicodedata import normalize

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.schema import distinct
from atelier.domain.task_creation import BODIES
from atelier.domain.tasks.record import TaskType
from atelier.domain.tasks.requests import AspectRatio, ModelName, NewTask, Seconds, Size, UpscaleFactor, Voice
from atelier.domain.text import trim

MOST_TASKS: Final = 500
MOST_VARIABLES: Final = 20
LONGEST_VALUE: Final = 1000
_NAME: Final = "[A-Za-z_][A-Za-z0-9_]{0,63}"
_PIECES: Final = re.compile(rf"\{{\{{|\}}\}}|\{{({_NAME})\}}|[{{}}]")

AnyValue = TypeVar("AnyValue")


def _not_too_many(values: Any) -> Any:
    # Before they are looked at: each of a hundred thousand would be an error.
    most = MOST_VARIABLES if isinstance(values, dict) else MOST_TASKS
    if isinstance(values, dict | list) and len(values) > most:
        raise ValueError(f"must have at most {most} items")
    return values


def _names(variables: dict[str, AnyValue]) -> dict[str, AnyValue]:
    if not all(re.fullmatch(_NAME, name) for name in variables):
        raise ValueError("must be named by letters, digits and _, not beginning with a digit, at most 64 of them")
    return variables


_ONE_AXIS: Final = (*distinct("must not have a value twice"), BeforeValidator(_not_too_many))
_BOUNDS: Final = Field(min_length=1, max_length=MOST_TASKS)
Values = Annotated[list[Annotated[str, Field(max_length=LONGEST_VALUE)]], _BOUNDS, *_ONE_AXIS]


class Matrix(NewTask):
    """A generation for every combination of the variables' values, the models and the aspect ratios, 500 at most.

    All other fields are those of the single request. The results are in the order of the combinations: the values of
    the prompt's first placeholder change slowest, then those of the next ones, the models, and the aspect ratios.
    """

    type: TaskType
    variables: Annotated[
        dict[str, Values],
        AfterValidator(_names),
        BeforeValidator(_not_too_many),
        Field(
            max_length=MOST_VARIABLES,
            json_schema_extra={"propertyNames": {"pattern": f"^{_NAME}$"}},
            description="By the name of a placeholder in the prompt, such as {product}: what is put in for it.",
        ),
    ] = Field(default_factory=dict)
    models: Annotated[list[ModelName], _BOUNDS, *_ONE_AXIS, Field(description="Instead of `model`.")] = Field(
        default_factory=list
    )
    aspect_ratios: Annotated[list[AspectRatio], _BOUNDS, *_ONE_AXIS] = Field(default_factory=list)
    size: Size | None = None
    duration: Annotated[Seconds | None, Field(description="Seconds.")] = None
    voice: Voice | None = None
    upscale_factor: UpscaleFactor | None = None
    dry_run: Annotated[
        bool, Field(strict=True, description="The same answers with the estimate of all, and nothing is written.")
    ] = False

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "image",
                "prompt": "{product} on a {place}",
                "variables": {"product": ["A red shoe", "A blue shoe"], "place": ["beach", "roof"]},
                "models": ["fal-ai/flux-pro", "fal-ai/flux/dev"],
                "aspect_ratios": ["1:1", "16:9"],
                "dry_run": True,
            }
        }
    )


_OWN: Final = frozenset({"type", "variables", "models", "aspect_ratios", "dry_run"})


def tasks_of(matrix: Matrix, model_called: Callable[[str], object] = str) -> list[dict[str, JsonValue]]:
    """The items of a batch of generations: one for each combination. Raises Invalid.

    `model_called` tells whether two names are of one model. What would be the same task twice is refused: it would be
    paid twice.
    """
    names = list(dict.fromkeys(_placeholders(matrix.prompt)))
    if errors := [*_errors(matrix, names)]:
        raise Invalid(errors)
    shared = matrix.model_dump(exclude_unset=True, exclude={*_OWN, "prompt"})
    axes: list[list[tuple[str, str]]] = [[(name, value) for value in matrix.variables[name]] for name in names]
    options = [[(field, value) for value in getattr(matrix, f"{field}s")] for field in ("model", "aspect_ratio")]
    found: list[dict[str, JsonValue]] = []
    for values in product(*axes):
        prompt = _filled(matrix.prompt, dict(values))
        found += [
            {**shared, "type": matrix.type.value, "prompt": prompt, **dict(chosen)}
            for chosen in product(*filter(None, options))
        ]
    _check_distinct(matrix, found, model_called)
    return found


def _check_distinct(
    matrix: Matrix, items: Sequence[Mapping[str, JsonValue]], model_called: Callable[[str], object]
) -> None:
    if len({model_called(name) for name in matrix.models}) < len(matrix.models):
        raise Invalid([FieldError("must not name a model twice, by its id and by an alias", pointer="/models")])
    # As they are stored and read: a blank at an end is nothing, and an accent is one however it is composed.
    asked = {
        (normalize("NFC", trim(str(each["prompt"]))), each.get("model"), each.get("aspect_ratio")) for each in items
    }
    if len(asked) < len(items):
        raise Invalid([FieldError("must not make a prompt twice", pointer="/variables")])


def _errors(matrix: Matrix, names: list[str]) -> Iterator[FieldError]:
    if stray := next((each for each in _PIECES.finditer(matrix.prompt) if each[0] in ("{", "}")), None):
        text = (
            f"has a {stray[0]} that belongs to no placeholder, at character {stray.start() + 1}; write {stray[0] * 2}"
        )
        yield FieldError(text, pointer="/prompt")
    for name in names:
        if name not in matrix.variables:
            yield FieldError(f"has {{{name}}}, which is not among the variables", pointer="/prompt")
    for name in matrix.variables:
        if name not in names:
            yield FieldError(f"is not in the prompt, as {{{name}}}", pointer=f"/variables/{name}")
    takes = BODIES[matrix.type].model_fields
    for field in sorted(matrix.model_fields_set - _OWN - takes.keys()):
        yield FieldError(f"is no field of type {matrix.type}", pointer=f"/{field}")
    if matrix.aspect_ratios and "aspect_ratio" not in takes:
        yield FieldError(f"is no field of type {matrix.type}", pointer="/aspect_ratios")
    if matrix.models and matrix.model is not None:
        yield FieldError("give either model or models, not both", pointer="/models")
    sizes = [*map(len, matrix.variables.values()), len(matrix.models), len(matrix.aspect_ratios)]
    if (count := prod(filter(None, sizes))) > MOST_TASKS:
        yield FieldError(f"The matrix has {count} combinations, and takes at most {MOST_TASKS}.", pointer="")


def _placeholders(prompt: str) -> Iterator[str]:
    return (piece[1] for piece in _PIECES.finditer(prompt) if piece[1])


def _filled(prompt: str, values: Mapping[str, str]) -> str:
    return _PIECES.sub(lambda piece: values[piece[1]] if piece[1] else piece[0][0], prompt)
