"""Each model of fal and Replicate is asked in its own words: the provider's schema has whatever a request may say."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import JsonValue

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.catalog import Catalog, Lifecycle, Model
from atelier.domain.params import SafetyPolicy
from atelier.domain.task_creation import BODIES, GenerationContext, Parents, TaskIdentity, new_task
from atelier.domain.tasks.record import TaskType
from atelier.providers import fal_models, replicate_models
from atelier.providers.inputs import has_unique_input, input_of
from tests.providers.job_requests import a_job_request, as_job_inputs
from tests.support import model_schemas
from tests.support.builders import NOON, a_file, an_id, needed_inputs
from tests.support.pipeline_harness import PipelineHarness
from tests.support.provider_server import fits

LOOSEST: Final = SafetyPolicy(6, checker_may_be_off=True)
CATALOG: Final = Catalog((*fal_models.MODELS, *replicate_models.MODELS)).under(LOOSEST)
CONTEXT: Final = GenerationContext(CATALOG, ("fal", "replicate"))
ACTIVE: Final = tuple(each for each in CATALOG.models if each.lifecycle is Lifecycle.ACTIVE)
SCHEMAS: Final = {"fal": model_schemas.FAL, "replicate": model_schemas.REPLICATE}
NAMES: Final = {"fal": fal_models.INPUT_NAMES, "replicate": replicate_models.INPUT_NAMES}


def requests_of(model: Model) -> Iterator[dict[str, Any]]:
    """A request for each value of each option and parameter that the model takes, or for both ends of them."""
    needed: list[dict[str, Any]] = needed_inputs(model)
    yield {"inputs": needed}
    roles = [spec.role for spec in model.inputs for _ in range(spec.most)]
    yield {"inputs": [{"role": role, "task_id": an_id(50), "output": number} for number, role in enumerate(roles)]}
    yield from ({"inputs": needed, **each} for each in _options_of(model))


def _options_of(model: Model) -> Iterator[dict[str, Any]]:
    for name, values in {
        "aspect_ratio": model.aspect_ratios,
        "duration": _ends(model.seconds.only or (model.seconds.shortest, model.seconds.longest))
        if model.seconds
        else (),
        "num_outputs": (1, model.max_outputs),
        "seed": (0, 2**31 - 1),
        "size": ("1024x1024",),
        "negative_prompt": ("blur",),
        "upscale_factor": (2, 4),
        "voice": model.voices or ("Rachel",),
    }.items():
        if name in model.takes or name == "num_outputs":
            yield from ({name: value} for value in values)
    for param in model.params:
        own: tuple[JsonValue, ...] = param.choices
        if param.minimum is not None and param.maximum is not None:
            own = (param.minimum, param.maximum)
        elif param.pattern:
            own = ("en",)
        yield from ({"params": {param.name: value}} for value in own or (True, False))


def _ends(values: tuple[float, ...]) -> tuple[float, ...]:
    return (min(values), max(values))


@pytest.mark.parametrize("model", ACTIVE, ids=lambda model: f"{model.provider}-{model.id}")
def test_whatever_a_request_says_fits_the_models_schema(model: Model) -> None:
    """And is the whole of what is sent: nothing that the provider does not know, and nothing that it lacks."""
    schema = SCHEMAS[model.provider].get(model.id, {})
    for asked in requests_of(model):
        more = {"prompt": "A barn"} if model.prompt_limit else {}
        new = BODIES[model.type](provider=model.provider, model=model.id, **asked, **more)
        identity, files = TaskIdentity(an_id(7), "s", NOON), [a_file(each.role) for each in new.inputs]
        task = new_task(new, Parents(), CONTEXT, files, identity=identity, access=Access.own(1))
        options, inputs = model.sent(task.params), as_job_inputs(model, task.inputs, "https://media.test")
        job_request = a_job_request(model.id, task.prompt, options=options, inputs=inputs)
        sent = input_of(job_request, NAMES[model.provider][model.id])
        assert fits(sent, schema), (asked, sent)


def test_every_schema_is_that_of_a_model() -> None:
    listed = {(each.provider, each.id) for each in ACTIVE}
    assert listed >= {(provider, id_) for provider, schemas in SCHEMAS.items() for id_ in schemas}


def test_only_a_seed_of_ours_makes_an_input_unique() -> None:
    """Without one, a job whose answer was lost is neither looked for nor sent again."""
    for (provider, names), model in ((each, model) for each in NAMES.items() for model in ACTIVE):
        if model.provider == provider and model.id in SCHEMAS[provider]:
            job_request = a_job_request(model.id)
            takes_seed = "seed" in SCHEMAS[provider][model.id]["properties"]
            assert has_unique_input(job_request, names[model.id]) == takes_seed
            assert not has_unique_input(a_job_request(model.id, options={"seed": 5}), names[model.id])


@pytest.mark.parametrize("kind", TaskType)
@pytest.mark.parametrize("provider", ["fal", "replicate"])
def test_todays_default_generates_through_the_pipeline(
    request: pytest.FixtureRequest, provider: str, kind: TaskType
) -> None:
    server = request.getfixturevalue(f"{provider}_server")
    server.queued = server.working = 0.0
    works = PipelineHarness({provider: request.getfixturevalue(provider)})
    model = wiring.catalog().resolve(kind, provider=provider, model=None, configured=(provider,)).model
    works.inputs.at = server.media("image", 0, "").removesuffix("/out.png")
    for number in range(3):
        works.inputs.files[an_id(50), number] = a_file(key="out.png")
    inputs = needed_inputs(model)
    prompt = "A boat" if model.prompt_limit else ""
    id_ = works.job_request(1, provider=provider, model=model.id, kind=kind, prompt=prompt, inputs=inputs)
    works.run()
    assert (works.task(id_).status, len(works.shelf.sizes)) == ("succeeded", 1)
