"""The inputs of a request: each is checked against what the model takes in its role, and every error is named."""

from typing import Any, Final

import pytest

from atelier.domain.access import Access
from atelier.domain.catalog import Catalog, Model
from atelier.domain.errors import FieldError, IllegalTransition, Invalid
from atelier.domain.input_files import FoundInput, InputFile, InputRole, InputSpec, TaskInput
from atelier.domain.task_creation import GenerationContext, Parents, TaskIdentity, new_retry, new_task
from atelier.domain.tasks.record import Task, TaskType
from atelier.domain.tasks.requests import NewEdit, NewImage, NewUpscale
from tests.support.builders import NOON, a_client, a_file, a_task, an_id

REFERENCES: Final = InputSpec(
    InputRole.REFERENCE,
    "image_urls",
    many=True,
    least=1,
    most=2,
    formats=("image/png", "image/jpeg"),
    max_bytes=5000,
    min_side=300,
    max_side=2000,
    min_ratio=0.5,
    max_ratio=2.0,
)
MASK: Final = InputSpec(InputRole.MASK, "mask_url")
VIDEO: Final = InputSpec(InputRole.VIDEO, "video_url", max_seconds=10)
REFERENCE, A_MASK, A_VIDEO = InputRole.REFERENCE, InputRole.MASK, InputRole.VIDEO
TASK: Final = an_id(50)


def a_context(*specs: InputSpec, **limits: Any) -> GenerationContext:
    model = Model("m", "fal", TaskType.EDIT, inputs=specs or (REFERENCES, MASK, VIDEO), default=True, **limits)
    return GenerationContext(Catalog([model]), ("fal",))


def edit(*files: tuple[InputRole, FoundInput], context: GenerationContext | None = None) -> Task:
    inputs = [{"role": role, "task_id": TASK, "output": number} for number, (role, _) in enumerate(files)]
    new = NewEdit.model_validate({"prompt": "In a storm", "inputs": inputs})
    identity = TaskIdentity(an_id(7), "s", NOON)
    found = [file for _, file in files]
    return new_task(new, Parents(), context or a_context(), found, identity=identity, access=Access.own(1))


def errors(*files: tuple[InputRole, FoundInput]) -> dict[str | None, str]:
    with pytest.raises(Invalid) as refused:
        edit(*files)
    return {error.pointer: error.detail for error in refused.value.field_errors}


def test_a_task_keeps_which_outputs_it_was_given() -> None:
    task = edit((REFERENCE, a_file()), (A_MASK, a_file()))
    assert task.inputs == [
        TaskInput(role=REFERENCE, task_id=TASK, output=0),
        TaskInput(role=A_MASK, task_id=TASK, output=1),
    ]
    assert "inputs" not in task.params


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (a_file(content_type="image/webp"), "m takes image/png, image/jpeg as reference, not image/webp"),
        (a_file(A_VIDEO), "m takes image/png, image/jpeg as reference, not video/mp4"),
        (a_file(size=5001), "m takes at most 5000 bytes as reference, not 5001"),
        (a_file(height=299, width=400), "m takes at least 300 pixels a side as reference, not 400 x 299"),
        (a_file(width=2001), "m takes at most 2000 pixels a side as reference, not 2001 x 1024"),
        (a_file(width=500, height=1001), "m takes a width of at least 0.5 times the height as reference, not 500 x 1"),
        (a_file(width=1001, height=500), "m takes a width of at most 2 times the height as reference, not 1001 x 500"),
    ],
)
def test_a_file_the_model_does_not_take_is_refused(file: InputFile, said: str) -> None:
    told = errors((REFERENCE, file))
    assert told.keys() == {"/inputs/0"}
    assert told["/inputs/0"].startswith(said)


def test_a_file_at_every_limit_is_taken() -> None:
    for file in (a_file(size=5000), a_file(width=300, height=600), a_file(width=2000, height=1000)):
        edit((REFERENCE, file))
    edit((REFERENCE, a_file()), (A_VIDEO, a_file(A_VIDEO, duration=10)))


def test_a_video_that_is_too_long_is_refused() -> None:
    told = errors((REFERENCE, a_file()), (A_VIDEO, a_file(A_VIDEO, duration=10.5)))
    assert told == {"/inputs/1": "m takes at most 10 seconds as video, not 10.5"}


def test_roles_and_counts_are_those_of_the_model() -> None:
    assert errors() == {"/inputs": "m takes 1 to 2 reference, not 0"}
    assert errors(*[(REFERENCE, a_file())] * 3) == {"/inputs": "m takes 1 to 2 reference, not 3"}
    told = errors((REFERENCE, a_file()), (InputRole.START_IMAGE, a_file()))
    takes = "1 to 2 reference, 0 to 1 mask, 0 to 1 video"
    assert told == {"/inputs/1/role": f"m takes no start_image; inputs that it takes: {takes}"}


def test_a_model_without_inputs_takes_none() -> None:
    catalog = Catalog([Model("m", "fal", TaskType.IMAGE, default=True)])
    new = NewImage.model_validate({"prompt": "A boat", "inputs": [{"role": "reference", "task_id": TASK, "output": 0}]})
    with pytest.raises(Invalid, match="takes no reference; inputs that it takes: none"):
        new_task(
            new,
            Parents(),
            GenerationContext(catalog, ("fal",)),
            [a_file()],
            identity=TaskIdentity(an_id(7), "s", NOON),
            access=Access.own(1),
        )


def test_a_mask_is_as_large_as_the_picture() -> None:
    edit((A_MASK, a_file()), (REFERENCE, a_file()))
    told = errors((REFERENCE, a_file()), (A_MASK, a_file(width=512)))
    assert told == {"/inputs/1": "m takes a mask of the same size as the picture, 1024 x 1024, not 512 x 1024"}


def test_every_problem_is_named_at_once() -> None:
    missing = FieldError("There is no task x.", pointer="/inputs/1/task_id")
    told = errors((REFERENCE, a_file(size=9999)), (REFERENCE, missing), (REFERENCE, a_file(width=20)))
    assert told.keys() == {"/inputs/0", "/inputs", "/inputs/1/task_id", "/inputs/2"}


def test_every_fallback_must_take_the_inputs() -> None:
    takes = {"a": REFERENCES, "b": MASK}
    rows = [Model(name, name, TaskType.EDIT, inputs=(spec,), default=True) for name, spec in takes.items()]
    inputs = [{"role": "reference", "task_id": TASK, "output": 0}]
    new = NewEdit.model_validate({"prompt": "x", "providers": ["a", "b"], "inputs": inputs})
    by: dict[str, Any] = {"identity": TaskIdentity(an_id(7), "s", NOON), "access": Access.own(1)}
    with pytest.raises(Invalid, match="b takes no reference"):
        new_task(new, Parents(), GenerationContext(Catalog(rows), ("a", "b")), [a_file()], **by)


# ------------------------------------------------------------------------------------------------------------ requests


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"task_id": TASK},
        {"output": 0},
        {"asset_id": TASK, "task_id": TASK, "output": 0},
        {"asset_id": TASK, "output": 0},
        {"url": "https://169.254.169.254/"},
        {"task_id": TASK, "output": -1},
        {"task_id": TASK, "output": 0, "role": "logo"},
        {"task_id": TASK, "output": 0, "url": "https://example.com/a.png"},
    ],
)
def test_an_input_names_one_file_of_ours(named: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        NewEdit.model_validate({"prompt": "x", "inputs": [{"role": "reference", **named}]})


def test_a_model_without_a_prompt_refuses_one() -> None:
    spec = InputSpec(REFERENCE, "image_url", least=1)
    catalog = Catalog([Model("m", "fal", TaskType.UPSCALE, prompt_limit=0, inputs=(spec,), default=True)])
    inputs = [{"role": "reference", "task_id": TASK, "output": 0}]

    def upscaled(**fields: Any) -> Task:
        new = NewUpscale.model_validate({"inputs": inputs, **fields})
        by: dict[str, Any] = {"identity": TaskIdentity(an_id(7), "s", NOON), "access": Access.own(1)}
        parents = Parents(a_client(brand_guidelines="Be red."))
        return new_task(new, parents, GenerationContext(catalog, ("fal",)), [a_file()], **by)

    plain = upscaled()
    assert (plain.prompt, plain.effective_prompt, plain.guidelines_truncated) == ("", "", False)
    with pytest.raises(Invalid, match="prompt: m does not take it"):
        upscaled(prompt="Sharper")


def test_a_retry_without_its_input_is_a_conflict() -> None:
    gone = FieldError("There is no task x.", pointer="/inputs/0/task_id")
    inputs = [TaskInput(role=REFERENCE, task_id=TASK, output=0)]
    task = a_task(type="edit", status="failed", provider="fal", model="m", inputs=inputs)
    by: dict[str, Any] = {"identity": TaskIdentity(an_id(7), "s", NOON), "access": Access.own(1)}
    with pytest.raises(IllegalTransition, match="An input of the task was deleted"):
        new_retry(task, Parents(), a_context(), [gone], **by)
    assert new_retry(task, Parents(), a_context(), [a_file()], **by).inputs == inputs
