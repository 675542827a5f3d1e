"""What callers organise their tasks by: a rating, tags, metadata."""

from typing import Any

from pydantic import JsonValue

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.schema import as_json
from atelier.domain.tasks.record import Task
from atelier.domain.tasks.requests import METADATA_BYTES, TaskPatch


def organised(task: Task, patch: TaskPatch) -> dict[str, Any]:
    """What a patch changes of a task, but for its links. Raises Invalid."""
    sent = patch.model_fields_set
    wanted: dict[str, Any] = {}
    if "rating" in sent:
        wanted["rating"] = patch.rating
    if "tags" in sent:
        wanted["tags"] = patch.tags or []
    if "metadata" in sent:
        wanted["metadata"] = _metadata(task, patch)
    return {name: value for name, value in wanted.items() if getattr(task, name) != value}


def _metadata(task: Task, patch: TaskPatch) -> JsonValue:
    found = merged(task.metadata, patch.metadata)
    if len(as_json(found).encode()) > METADATA_BYTES:
        detail = f"must be at most {METADATA_BYTES} bytes as JSON, merged with what is there"
        raise Invalid([FieldError(detail, pointer="/metadata")])
    return found


def merged(target: JsonValue, patch: JsonValue) -> JsonValue:
    """The target with a merge patch applied (RFC 7396): objects are merged, null removes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
