"""What is kept comes back: records through items, and through the answers that are replayed."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import Cost, Output, Task, TaskDetail, TaskError, TaskStatus, TaskSummary
from atelier.store import keys, task_items, wire
from atelier.store.items import from_item, to_item
from atelier.store.keys import Key
from tests.support.builders import a_campaign, a_client, a_task

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=6), JSON, max_size=4)
MOMENTS = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside it
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-3))])
SHARES = st.floats(min_value=0, max_value=1).map(lambda share: round(share, 4))  # as the pipeline rounds them
MONEY = st.decimals(min_value=0, max_value=10**6, places=6)
OUTPUTS = st.builds(
    lambda size, duration, thumbnail: Output(
        content_type="image/png", bytes=size, key="media/1/x/0.png", duration=duration, thumbnail_key=thumbnail
    ),
    st.integers(min_value=0, max_value=2**40),
    st.none() | st.floats(min_value=0.001, max_value=3600),
    st.sampled_from([None, "media/1/x/0-thumbnail.webp"]),
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(TaskStatus),
        "params": OBJECTS,
        "metadata": st.none() | OBJECTS,
        "progress": st.none() | SHARES,
        "queue_position": st.none() | st.integers(min_value=0, max_value=2**40),
        "outputs": st.lists(OUTPUTS, max_size=4),
        "error": st.builds(TaskError, code=st.text(), message=st.text(), retryable=st.booleans()),
        "cost": st.builds(lambda one, other: Cost(estimated=one, actual=other), st.none() | MONEY, st.none() | MONEY),
        "created_at": MOMENTS,
        "lease_until": st.none() | MOMENTS,
        "version": st.integers(min_value=1, max_value=2**53),
        "step": st.integers(min_value=0, max_value=2**31),
        "file_prefix": st.sampled_from(["", "Summer-Launch"]),
        "detail_version": st.integers(min_value=1, max_value=2**53),
    },
)


def through_dynamodb(item: dict[str, Any]) -> dict[str, Any]:
    """An item as botocore hands it back after it was kept."""
    sent = wire.serialized(item)
    to_wire, from_wire = TypeSerializer(), TypeDeserializer()
    assert all(to_wire.serialize(from_wire.deserialize(value)) == value for value in sent.values())
    return {name: from_wire.deserialize(value) for name, value in sent.items()}


def kept_as(task: Task) -> dict[Key, dict[str, Any]]:
    """The items of a task after DynamoDB has kept them."""
    writes = task_items.created(task, "a request")
    return {write.key: through_dynamodb(write.put or {}) for write in writes}


@given(CHANGES)
def test_a_task_comes_back_as_it_was_kept(changes: dict[str, Any]) -> None:
    task = a_task(**changes)
    items = kept_as(task)
    assert all(None not in item.values() for item in items.values())
    assert task_items.task_from(items, task.id) == task


@given(CHANGES)
def test_a_list_shows_the_same_as_the_task(changes: dict[str, Any]) -> None:
    task = a_task(**changes)
    summary = from_item(TaskSummary, kept_as(task)[keys.task(task.id)])
    assert summary == TaskSummary.model_validate(task.model_dump(include=set(TaskSummary.model_fields)) | _hidden(task))


def _hidden(task: Task) -> dict[str, Any]:
    return {"version": task.version, "outputs": task.outputs}


@given(CHANGES)
def test_no_field_of_a_task_is_kept_twice(changes: dict[str, Any]) -> None:
    summary, detail = kept_as(a_task(**changes)).values()
    assert summary.keys() & detail.keys() == {"schema"}


@given(CHANGES, st.sampled_from([TaskSummary, TaskDetail]))
def test_a_task_missing_one_item_does_not_exist(changes: dict[str, Any], part: type) -> None:
    task = a_task(**changes)
    items = kept_as(task)
    del items[keys.task(task.id) if part is TaskSummary else keys.task_detail(task.id)]
    assert task_items.task_from(items, task.id) is None


@given(OBJECTS, OBJECTS)
def test_an_answer_is_replayed_to_the_letter(params: dict[str, Any], metadata: dict[str, Any]) -> None:
    text = a_task(params=params, metadata=metadata, cost=Cost(estimated=Decimal(0))).model_dump_json()
    assert Task.model_validate_json(text).model_dump_json() == text


@given(st.text(min_size=1, max_size=255).filter(str.strip), st.text(), MOMENTS)
def test_clients_and_campaigns_come_back_as_they_were_kept(name: str, text: str, at: datetime) -> None:
    client = a_client(name=name, description=text, brand_guidelines=text, updated_at=at)
    campaign = a_campaign(name=name, goal=name, brief=text, created_at=at)
    assert from_item(type(client), through_dynamodb(to_item(client))) == client
    assert from_item(type(campaign), through_dynamodb(to_item(campaign))) == campaign


@given(st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=ZONES))  # noqa: DTZ001 - the zone is beside it
def test_moments_of_all_zones_are_written_in_utc(moment: datetime) -> None:
    text = format_timestamp(moment)
    assert text == f"{datetime.fromisoformat(text).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    assert datetime.fromisoformat(text) == moment
