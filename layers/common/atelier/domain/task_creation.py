"""Creates tasks from requests: resolves the model, checks its limits, applies the brand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from pydantic import JsonValue

from atelier.domain.access import Access
from atelier.domain.campaigns import Campaign
from atelier.domain.catalog import Catalog, Model, ResolvedModel
from atelier.domain.clients import Client
from atelier.domain.errors import FieldError, IllegalTransition, Invalid
from atelier.domain.file_names import part_of_name
from atelier.domain.input_files import (
    FoundInput,
    InputRole,
    TaskInput,
    errors_of_counts,
    errors_of_files,
    picture_of,
)
from atelier.domain.params import checked, errors_of, pointer_to
from atelier.domain.prompts import effective_prompt
from atelier.domain.reservations import to_reserve
from atelier.domain.tasks.organising import merged
from atelier.domain.tasks.record import Cost, Fallback, Task, TaskStatus, TaskType
from atelier.domain.tasks.requests import (
    TYPED_OPTIONS,
    NewAudio,
    NewBackgroundRemoval,
    NewEdit,
    NewImage,
    NewTask,
    NewUpscale,
    NewVideo,
    TaskRetry,
)
from atelier.domain.webhook_targets import webhook_url_error


@dataclass(frozen=True)
class Parents:
    """The client and campaign of a task. A campaign always comes with its client."""

    client: Client | None = None
    campaign: Campaign | None = None


@dataclass(frozen=True)
class GenerationContext:
    """What task creation depends on: the catalog, the configured providers, and allowed webhook targets."""

    catalog: Catalog
    configured: tuple[str, ...]
    private_webhooks: bool = False


@dataclass(frozen=True)
class TaskIdentity:
    """The identity of a new task: its id, the token of its callbacks, and its creation time."""

    id: str
    callback_token: str
    now: datetime


BODIES: Final[Mapping[TaskType, type[NewTask]]] = {
    TaskType.IMAGE: NewImage,
    TaskType.VIDEO: NewVideo,
    TaskType.AUDIO: NewAudio,
    TaskType.EDIT: NewEdit,
    TaskType.UPSCALE: NewUpscale,
    TaskType.REMOVE_BACKGROUND: NewBackgroundRemoval,
}
"""The request bodies by the type of task that they create."""


def task_type_of(new: NewTask) -> TaskType:
    """The type of task that a request creates."""
    return next(kind for kind, body in BODIES.items() if isinstance(new, body))


def new_task(
    new: NewTask,
    parents: Parents,
    generation_context: GenerationContext,
    files: Sequence[FoundInput] = (),
    *,
    identity: TaskIdentity,
    access: Access,
) -> Task:
    """The task that a request creates. `files` are those of its inputs. Raises Invalid with every error."""
    choices = _resolve(new, task_type_of(new), generation_context)
    name = _name_of(new, choices[0].model)
    by: dict[str, Any] = {"identity": identity, "access": access}
    return _requested(new, choices, parents, generation_context, files, model=name, **by)


def _name_of(new: NewTask, model: Model) -> str:
    # Of several providers, it may be the model of another one than the first. What was added goes by its id, so that
    # reports need not ask for it.
    if model.line is not None:
        return model.id
    return new.model if new.model and model.answers_to(new.model) else model.id


def _requested(
    new: NewTask,
    choices: Sequence[ResolvedModel],
    parents: Parents,
    generation_context: GenerationContext,
    files: Sequence[FoundInput],
    *,
    model: str,
    identity: TaskIdentity,
    access: Access,
    retry_of: str | None = None,
) -> Task:
    found = [(each.role, file) for each, file in zip(new.inputs, files, strict=True)]
    of_models = (
        error
        for choice in choices
        for error in (*_model_errors(new, choice.model), *_input_errors(found, choice.model))
    )
    if errors := [
        *_clash_errors(new),
        *_webhook_url_errors(new, generation_context),
        *(file for file in files if isinstance(file, FieldError)),
        *_unique(of_models),
    ]:
        raise Invalid(errors)
    return _task(
        choices,
        parents,
        generation_context,
        identity,
        access,
        files=found,
        type=task_type_of(new),
        model=model,
        prompt=new.prompt,
        params={**new.typed_options(), **checked(new.params, choices[0].model.params)},
        inputs=[TaskInput(**dict(each)) for each in new.inputs],
        apply_brand_guidelines=new.apply_brand_guidelines,
        metadata=new.metadata,
        webhook_url=new.webhook_url,
        max_cost=new.max_cost,
        retry_of=retry_of,
    )


def _resolve(new: NewTask, kind: TaskType, generation_context: GenerationContext) -> list[ResolvedModel]:
    """The model of the request, followed by those of its fallback providers. Raises Invalid."""
    catalog, configured = generation_context.catalog, generation_context.configured
    if new.provider is not None and new.providers is not None:
        raise Invalid([FieldError("give either provider or providers, not both", pointer="/providers")])
    if new.providers is None:
        return [catalog.resolve(kind, provider=new.provider, model=new.model, configured=configured)]
    return catalog.fallbacks(kind, providers=new.providers, model=new.model, configured=configured)


def fields_of_retry(task: Task, changes: TaskRetry) -> dict[str, Any]:
    """The fields of a request that asks for the same as a task, with these changes. No model, unless they name one.

    Raises IllegalTransition as `new_retry` does.
    """
    _check_retryable(task)
    if "inputs" not in changes.model_fields_set and not all(each.asset_id or each.task_id for each in task.inputs):
        raise IllegalTransition(_INPUT_GONE)
    options = {name: value for name, value in task.params.items() if name in TYPED_OPTIONS}
    asked: dict[str, Any] = {
        **options,
        "prompt": task.prompt,
        "params": {name: value for name, value in task.params.items() if name not in TYPED_OPTIONS},
        "inputs": [each.model_dump(exclude_none=True) for each in task.inputs],
        "apply_brand_guidelines": task.apply_brand_guidelines,
        "metadata": task.metadata,
        "webhook_url": task.webhook_url,
        "max_cost": task.max_cost,
    }
    changed = merged(asked, changes.model_dump(exclude_unset=True))
    return cast("dict[str, Any]", changed)


def new_retry(
    task: Task,
    parents: Parents,
    generation_context: GenerationContext,
    files: Sequence[FoundInput] = (),
    *,
    identity: TaskIdentity,
    access: Access,
    new: NewTask | None = None,
) -> Task:
    """A new task that repeats a failed or canceled one, with the current brand.

    `new` is what it asks for if that changes, and `files` are those of its inputs. Unless it names another provider or
    model, the retry begins with the provider that was asked first. Raises IllegalTransition unless the task failed or
    was canceled, and Invalid.
    """
    _check_retryable(task)
    if new is None or [TaskInput(**dict(each)) for each in new.inputs] == task.inputs:
        _check_inputs_there(files)
    if new is not None and new.model_fields_set & {"provider", "providers", "model"}:
        choices = _resolve(new, task.type, generation_context)
        name = _name_of(new, choices[0].model)
    else:
        asked = _asked(task)
        choices, name = _resolved(task.type, asked, generation_context), asked[0][1]
    if new is not None:
        by: dict[str, Any] = {"identity": identity, "access": access}
        return _requested(new, choices, parents, generation_context, files, model=name, retry_of=task.id, **by)
    kept = {name: value for name, value in task.params.items() if name not in TYPED_OPTIONS}
    found = [(each.role, file) for each, file in zip(task.inputs, files, strict=True)]
    if errors := _unique(
        error
        for choice in choices
        for error in (*_param_errors(kept, choice.model), *_input_errors(found, choice.model))
    ):
        raise Invalid(errors)
    return _task(
        choices,
        parents,
        generation_context,
        identity,
        access,
        files=found,
        type=task.type,
        model=name,
        prompt=task.prompt,
        params=task.params,
        inputs=task.inputs,
        apply_brand_guidelines=task.apply_brand_guidelines,
        metadata=task.metadata,
        webhook_url=task.webhook_url,
        max_cost=task.max_cost,
        retry_of=task.id,
    )


_INPUT_GONE: Final = "An input of the task was deleted, or is not shared with you; send `inputs` to retry with others."


def _check_inputs_there(files: Iterable[FoundInput]) -> None:
    if any(isinstance(file, FieldError) for file in files):
        raise IllegalTransition(_INPUT_GONE)


def _input_errors(found: Sequence[tuple[InputRole, FoundInput]], model: Model) -> list[FieldError]:
    roles = [role for role, _ in found]
    return [
        *errors_of_counts(roles, model.inputs, model=model.id),
        *errors_of_files(found, model.inputs, model=model.id),
    ]


def _check_retryable(task: Task) -> None:
    if task.status not in (TaskStatus.FAILED, TaskStatus.CANCELED):
        raise IllegalTransition(f"The task is {task.status}; only a failed or canceled one can be retried.")


def _asked(task: Task) -> list[tuple[str, str]]:
    """The providers that a task was for, each with its model, the first one first."""
    attempts = [(each.provider, each.model) for each in task.attempts]
    others = [(each.provider, each.model) for each in task.fallbacks]
    return [*attempts, (task.provider, task.model), *others]


def _resolved(
    kind: TaskType, asked: Iterable[tuple[str, str]], generation_context: GenerationContext
) -> list[ResolvedModel]:
    catalog, configured = generation_context.catalog, generation_context.configured
    return [catalog.resolve(kind, provider=provider, model=model, configured=configured) for provider, model in asked]


def _task(
    choices: Sequence[ResolvedModel],
    parents: Parents,
    generation_context: GenerationContext,
    identity: TaskIdentity,
    access: Access,
    *,
    files: Sequence[tuple[InputRole, FoundInput]],
    **asked: Any,
) -> Task:
    first, picture = choices[0], picture_of(files)
    # Nothing is added to what is read aloud, nor to no prompt at all.
    applied = asked["apply_brand_guidelines"] and asked["prompt"] and not any(choice.model.spoken for choice in choices)
    composed = effective_prompt(
        asked["prompt"],
        guidelines=parents.client.brand_guidelines if parents.client and applied else None,
        brief=parents.campaign.brief if parents.campaign and applied else None,
        # Every provider that may get the job is sent the same prompt.
        limit=min(choice.model.prompt_limit for choice in choices),
    )
    catalog = generation_context.catalog
    estimates = [catalog.estimate(choice, composed.text, asked["params"], picture) for choice in choices]
    if errors := _above(asked["max_cost"], estimates):
        raise Invalid(errors)
    return Task(
        **asked,
        id=identity.id,
        user_id=access.account,
        created_by=access.actor,
        updated_by=access.actor,
        status=TaskStatus.PENDING,
        provider=first.provider,
        served_by=first.served_by,
        model_line=first.model.line,
        client_id=parents.client and parents.client.id,
        campaign_id=parents.campaign and parents.campaign.id,
        effective_prompt=composed.text,
        guidelines_truncated=composed.truncated,
        guidelines_omitted_characters=composed.omitted,
        seed=_seed_in(asked["params"]),
        cost=Cost(estimated=estimates[0]),
        reserved=to_reserve(estimates, asked["max_cost"]),
        fallbacks=[_fallback(choice, cost) for choice, cost in zip(choices[1:], estimates[1:], strict=True)],
        callback_token=identity.callback_token,
        file_prefix=part_of_name(parents.campaign.name) if parents.campaign else "",
        booked_client_id=parents.client and parents.client.id,
        booked_campaign_id=parents.campaign and parents.campaign.id,
        created_at=identity.now,
        updated_at=identity.now,
    )


def _seed_in(params: Mapping[str, JsonValue]) -> int | None:
    # Tasks from before parameters were checked may have anything here.
    seed = params.get("seed")
    return seed if isinstance(seed, int) and not isinstance(seed, bool) else None


def _fallback(choice: ResolvedModel, estimated: Decimal | None) -> Fallback:
    return Fallback(
        provider=choice.provider,
        model=choice.model.id,
        served_by=choice.served_by,
        estimated=estimated,
        model_line=choice.model.line,
    )


def _above(max_cost: Decimal | None, estimates: Iterable[Decimal | None]) -> list[FieldError]:
    dearest = max((each for each in estimates if each is not None), default=Decimal(0))
    if max_cost is None or dearest <= max_cost:
        return []
    return [FieldError(f"is less than the estimate, {dearest:f} USD", pointer="/max_cost")]


# -------------------------------------------------------------------------------------------------------- limits


def _unique(errors: Iterable[FieldError]) -> list[FieldError]:
    return list(dict.fromkeys(errors))


def _clash_errors(new: NewTask) -> list[FieldError]:
    return [FieldError(f"send this as the top-level field {name}", pointer=pointer_to(name)) for name in new.clashes()]


def _param_errors(params: Mapping[str, JsonValue], model: Model) -> list[FieldError]:
    return errors_of(params, model.params, model.stands_for, model=model.id)


def _webhook_url_errors(new: NewTask, generation_context: GenerationContext) -> list[FieldError]:
    if new.webhook_url is None:
        return []
    error = webhook_url_error(new.webhook_url, private=generation_context.private_webhooks)
    return [FieldError(error, pointer="/webhook_url")] if error else []


def _model_errors(new: NewTask, model: Model) -> list[FieldError]:
    errors = []
    if len(new.prompt) > model.prompt_limit == 0:
        errors.append(FieldError(f"{model.id} does not take it", pointer="/prompt"))
    elif len(new.prompt) > model.prompt_limit:
        errors.append(FieldError(f"{model.id} takes at most {model.prompt_limit} characters", pointer="/prompt"))
    if new.num_outputs > model.max_outputs:
        errors.append(FieldError(f"{model.id} makes at most {model.max_outputs}", pointer="/num_outputs"))
    errors += [
        FieldError(f"{model.id} does not take it", pointer=f"/{name}")
        for name in sorted(new.typed_options())
        if name not in model.takes and name != "num_outputs"
    ]
    if isinstance(new, NewImage) and new.size and new.aspect_ratio:
        errors.append(FieldError("give either size or aspect_ratio, not both", pointer="/size"))
    words = {name: value for name, value in new.params.items() if name not in new.clashes()}
    return [*errors, *_value_errors(new, model), *_param_errors(words, model)]


def _value_errors(new: NewTask, model: Model) -> list[FieldError]:
    errors = []
    duration = getattr(new, "duration", None)
    if duration is not None and model.seconds and not model.seconds.take(duration):
        errors.append(FieldError(f"{model.id} makes {model.seconds}", pointer="/duration"))
    for name, known in (("aspect_ratio", model.aspect_ratios), ("voice", model.voices)):
        value = getattr(new, name, None)
        if value is not None and known and value not in known:
            errors.append(FieldError(f"{model.id} takes {', '.join(known)}", pointer=f"/{name}"))
    return errors
