"""Things to test with; what a test does not name does not matter to it."""

from datetime import UTC, datetime
from typing import Any, Final

from atelier.domain.campaigns import Campaign
from atelier.domain.catalog import Model
from atelier.domain.clients import Client
from atelier.domain.ids import new_id
from atelier.domain.input_files import InputFile, InputRole
from atelier.domain.provider import JobRequest
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import Provenance, Task, TaskType

NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
MADE: Final = Provenance(provider="fal", model="fal-ai/flux-2-pro", at=format_timestamp(NOON))


def an_id(number: int = 0, *, at: datetime = NOON) -> str:
    """An id; the same number and moment give the same one."""
    return new_id(at, number)


def a_client(**fields: Any) -> Client:
    """A client of user 1."""
    known = {
        "id": an_id(1),
        "user_id": 1,
        "created_by": 1,
        "updated_by": 1,
        "name": "Acme",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Client(**written(known | fields))


def a_campaign(**fields: Any) -> Campaign:
    """A campaign of `a_client()`."""
    known = {
        "id": an_id(2),
        "client_id": an_id(1),
        "user_id": 1,
        "created_by": 1,
        "updated_by": 1,
        "name": "Launch",
        "goal": "Sell",
        "status": "draft",
    }
    return Campaign(**written(known | {"created_at": NOON, "updated_at": NOON} | fields))


def written(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with moments as clients and campaigns keep them."""
    return {name: format_timestamp(each) if isinstance(each, datetime) else each for name, each in fields.items()}


def a_task(**fields: Any) -> Task:
    """A pending image task of user 1, served by the provider `fake`."""
    known = {
        "id": an_id(3),
        "type": "image",
        "status": "pending",
        "provider": "fake",
        "served_by": "fake",
        "model": "fake-image",
        "user_id": 1,
        "created_by": 1,
        "updated_by": 1,
        "prompt": "A red barn",
        "effective_prompt": "A red barn",
        "created_at": NOON,
        "updated_at": NOON,
    }
    return Task(**known | fields)


def needed_inputs(model: Model) -> list[dict[str, Any]]:
    """As many inputs in a request as a model needs: outputs of a task."""
    roles = [spec.role for spec in model.inputs for _ in range(spec.least)]
    return [{"role": role, "task_id": an_id(50), "output": number} for number, role in enumerate(roles)]


def a_file(role: InputRole = InputRole.REFERENCE, **fields: Any) -> InputFile:
    """A file that models take in a role."""
    sides = {} if role is InputRole.AUDIO else {"width": 1024, "height": 1024}
    known = {"image": "image/png", "video": "video/mp4", "audio": "audio/wav"}
    usual: dict[str, Any] = {"key": "media/1/made/0", "content_type": known[role.medium], "size": 1000, **sides}
    return InputFile(**usual | fields)


def a_job_request(**fields: Any) -> JobRequest:
    """What `a_task()` asks of its provider."""
    known: dict[str, Any] = {"reference": an_id(3), "type": TaskType.IMAGE, "model": "sandbox-image", "options": {}}
    known |= {"created_at": NOON}
    return JobRequest(**known | {"prompt": "A red barn", "effective_prompt": "A red barn"} | fields)
