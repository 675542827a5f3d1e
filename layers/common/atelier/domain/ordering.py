"""From what a caller asks to a task: the model is chosen, its limits are checked, the brand is applied."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from atelier.domain import models
from atelier.domain.campaigns import Campaign
from atelier.domain.clients import Client
from atelier.domain.errors import Fault, IllegalTransition, Invalid
from atelier.domain.models import SANDBOX, Choice, Model
from atelier.domain.prompts import effective_prompt
from atelier.domain.tasks import Cost, NewImage, NewTask, NewVideo, Task, TaskStatus, TaskType


@dataclass(frozen=True)
class Parents:
    """Whom a task is made for. A campaign always comes with its client."""

    client: Client | None = None
    campaign: Campaign | None = None


def kind_of(new: NewTask) -> TaskType:
    """What a request generates."""
    if isinstance(new, NewImage):
        return TaskType.IMAGE
    return TaskType.VIDEO if isinstance(new, NewVideo) else TaskType.AUDIO


def ordered(
    new: NewTask, parents: Parents, *, id_: str, user_id: int, configured: tuple[str, ...], now: datetime
) -> Task:
    """The task that a request means. Raises Invalid with everything that does not fit the model."""
    kind = kind_of(new)
    choice = models.choose(kind, provider=new.provider, model=new.model, configured=configured)
    if faults := [*_clashes(new), *_over_limits(new, choice.model)]:
        raise Invalid(faults)
    return Task(
        id=id_,
        type=kind,
        status=TaskStatus.PENDING,
        provider=choice.provider,
        served_by=choice.served_by,
        model=new.model or choice.model.id,
        user_id=user_id,
        client_id=parents.client and parents.client.id,
        campaign_id=parents.campaign and parents.campaign.id,
        prompt=new.prompt,
        effective_prompt=_branded(new.prompt, parents, choice.model, applied=new.apply_brand_guidelines),
        params=new.options(),
        apply_brand_guidelines=new.apply_brand_guidelines,
        metadata=new.metadata,
        cost=_estimate(choice),
        created_at=now,
        updated_at=now,
    )


def retried(task: Task, parents: Parents, *, id_: str, configured: tuple[str, ...], now: datetime) -> Task:
    """A new task that asks again for what `task` did not bring, with the brand as it is now.

    Raises IllegalTransition unless the task failed or was canceled.
    """
    if task.status not in (TaskStatus.FAILED, TaskStatus.CANCELED):
        raise IllegalTransition(f"The task is {task.status}; only a failed or canceled one can be retried.")
    choice = models.choose(task.type, provider=task.provider, model=task.model, configured=configured)
    return Task(
        id=id_,
        type=task.type,
        status=TaskStatus.PENDING,
        provider=task.provider,
        served_by=choice.served_by,
        model=task.model,
        user_id=task.user_id,
        client_id=parents.client and parents.client.id,
        campaign_id=parents.campaign and parents.campaign.id,
        prompt=task.prompt,
        effective_prompt=_branded(task.prompt, parents, choice.model, applied=task.apply_brand_guidelines),
        params=task.params,
        apply_brand_guidelines=task.apply_brand_guidelines,
        metadata=task.metadata,
        cost=_estimate(choice),
        retry_of=task.id,
        created_at=now,
        updated_at=now,
    )


def _branded(prompt: str, parents: Parents, model: Model, *, applied: bool) -> str:
    guidelines = parents.client.brand_guidelines if parents.client and applied else None
    brief = parents.campaign.brief if parents.campaign and applied else None
    return effective_prompt(prompt, guidelines=guidelines, brief=brief, limit=model.prompt_limit)


def _clashes(new: NewTask) -> list[Fault]:
    return [Fault("is a field of its own", pointer=f"/params/{name}") for name in new.clashes()]


def _over_limits(new: NewTask, model: Model) -> list[Fault]:
    faults = []
    if len(new.prompt) > model.prompt_limit:
        faults.append(Fault(f"{model.id} takes at most {model.prompt_limit} characters", pointer="/prompt"))
    duration = getattr(new, "duration", None)
    if duration is not None and model.seconds and not model.seconds[0] <= duration <= model.seconds[2]:
        shortest, _, longest = model.seconds
        faults.append(Fault(f"{model.id} makes {shortest:g} to {longest:g} seconds", pointer="/duration"))
    if isinstance(new, NewImage) and new.size and new.aspect_ratio:
        faults.append(Fault("give either size or aspect_ratio, not both", pointer="/size"))
    return faults


def _estimate(choice: Choice) -> Cost:
    free = choice.served_by == SANDBOX
    return Cost(estimated=Decimal(0) if free else None)
