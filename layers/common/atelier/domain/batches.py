"""Batches: many requests in one, each answered as it would be alone."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.schema import Amount, GivenId, RequestModel, StoredModel

MOST_ITEMS: Final = 100
MOST_ATOMIC: Final = 20


def _not_too_many(values: Any) -> Any:
    # Before they are looked at: each of a hundred thousand would be an error.
    if isinstance(values, list) and len(values) > MOST_ITEMS:
        raise ValueError(f"must have at most {MOST_ITEMS} items")
    return values


Items = Annotated[list[dict[str, JsonValue]], BeforeValidator(_not_too_many)]


def _items(says: str) -> ConfigDict:
    # A bad item is answered in its place, so the schema of the whole batch refuses none.
    item = {"type": "object", "additionalProperties": True, "description": says}
    return ConfigDict(json_schema_extra=lambda schema: schema["properties"]["items"].update(items=item))


_ATOMIC: Final = (
    f"All items or none, in one transaction, so at most {MOST_ATOMIC} items and 100 writes:"
    " a delete of a task whose job may still be charged takes five."
)


class Batch(RequestModel):
    """Up to 100 items, each carried out by itself, in their order."""

    items: Annotated[Items, Field(min_length=1, max_length=MOST_ITEMS)]
    atomic: Annotated[bool, Field(strict=True, description=_ATOMIC)] = False
    dry_run: Annotated[bool, Field(strict=True, description="The same answers, and nothing is written.")] = False


class ResourceBatch(Batch):
    """A batch of clients or campaigns. `body` is that of the single request, `id` names what is updated or deleted."""

    model_config = _items("`op` (create, update or delete), and what it takes of `id`, `if_match` and `body`.")


class TaskBatch(Batch):
    """A batch of tasks. `body` is that of the single request, `id` names the task."""

    model_config = _items("`op` (update, cancel, retry or delete), `id`, and what it takes of `if_match` and `body`.")


class GenerationBatch(Batch):
    """A batch of generations. An item is the body of the single request, with `type` beside it."""

    model_config = _items("`type` (image, video or audio), and the body of the single request.")


class ResourceItem(RequestModel):
    """One item of a batch of clients or campaigns."""

    op: Literal["create", "update", "delete"]
    id: GivenId | None = None
    if_match: Annotated[str | None, Field(max_length=1024)] = None
    body: dict[str, JsonValue] | None = None


class TaskItem(RequestModel):
    """One item of a batch of tasks."""

    op: Literal["update", "cancel", "retry", "delete"]
    id: GivenId | None = None
    if_match: Annotated[str | None, Field(max_length=1024)] = None
    body: dict[str, JsonValue] | None = None


_TAKES: Final = {
    "create": {"body"},
    "update": {"id", "body", "if_match"},
    "delete": {"id", "if_match"},
    "cancel": {"id"},
    "retry": {"id", "body"},
}
_NEEDS: Final = {"create": {"body"}, "update": {"id", "body"}, "delete": {"id"}, "cancel": {"id"}, "retry": {"id"}}


def check_item(item: ResourceItem | TaskItem) -> None:
    """Raises Invalid for an item that has what its operation does not take, or lacks what it needs."""
    given = {name for name in ("id", "if_match", "body") if getattr(item, name) is not None}
    missing = [FieldError(f"{item.op} needs it", pointer=f"/{name}") for name in sorted(_NEEDS[item.op] - given)]
    unknown = [
        FieldError(f"{item.op} does not take it", pointer=f"/{name}") for name in sorted(given - _TAKES[item.op])
    ]
    if errors := missing + unknown:
        raise Invalid(errors)


class BatchSummary(BaseModel):
    """How many items were carried out, or would be."""

    succeeded: int
    failed: int


class BatchEstimate(BaseModel):
    """What the tasks of a dry run would cost. `unpriced` counts those whose price is not known."""

    amount: Amount
    currency: str = "USD"
    unpriced: int


class BatchResult(BaseModel):
    """What one item is answered: `body` or `problem` is what the single request would have been answered."""

    index: int
    status: int
    id: str | None = None
    body: Annotated[
        dict[str, JsonValue] | None, Field(description="Left out of answers above 6 MB, and of those of a matrix.")
    ] = None
    problem: dict[str, JsonValue] | None = None


class BatchAnswer(StoredModel):
    """The results, in the order of the items."""

    results: list[BatchResult]
    summary: BatchSummary
    estimate: Annotated[BatchEstimate | None, Field(description="Of a dry run of generations.")] = None
