"""What is sent as writes, how often, and what is made of a refusal."""

from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import (
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain.errors import Busy, NotFound
from atelier.store.expressions import Attr
from atelier.store.keys import Key
from atelier.store.table import MISSING, ConcurrentUpdate, Retry, Table, Write, concurrent_update
from tests.support.scripted_client import HERE, THERE, Clock, Script, canceled, failure, table_of


def a_write(key: Key, *, missing: str) -> Write:
    return Write(key, put={"n": 1}, condition=MISSING, on_condition_failure=lambda _: NotFound("thing", missing))


# ------------------------------------------------------------------------------------------------------- retries


@pytest.mark.parametrize(
    "trouble",
    [
        canceled("TransactionConflict", "None"),
        canceled("None", "ThrottlingError"),
        canceled("ProvisionedThroughputExceeded", "TransactionConflict"),
        failure("TransactionInProgressException"),
        failure("ThrottlingException"),
        failure("ProvisionedThroughputExceededException"),
        failure("RequestLimitExceeded"),
    ],
    ids=str,
)
def test_transient_failures_repeat_the_very_same_request(trouble: ClientError) -> None:
    table, script, clock = table_of(trouble, trouble, {})
    table.transact(a_write(HERE, missing="one"), a_write(THERE, missing="other"))
    assert len(script.asked) == 3
    assert script.asked[0] == script.asked[1] == script.asked[2]
    assert script.asked[0][1]["ClientRequestToken"]
    assert len(clock.pauses) == 2


def test_two_transactions_have_two_tokens() -> None:
    table, script, _ = table_of()
    for _ in range(2):
        table.transact(a_write(HERE, missing="one"))
    first, second = (request["ClientRequestToken"] for _, request in script.asked)
    assert first != second


@pytest.mark.parametrize(
    "trouble",
    [
        ReadTimeoutError(endpoint_url="https://dynamodb"),
        ConnectionClosedError(endpoint_url="https://dynamodb"),
        EndpointConnectionError(endpoint_url="https://dynamodb", error="refused"),
        ChecksumError(checksum_type="crc32", expected_checksum="1", actual_checksum="2"),
        failure("InternalServerError"),
        failure("503", ResponseMetadata={"HTTPStatusCode": 503}),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
def test_a_lost_answer_is_busy_not_unwritten(trouble: Exception) -> None:
    change = a_write(HERE, missing="one")
    for name in ("transact", "write"):
        table, script, _ = table_of(trouble)
        with pytest.raises(Busy, match="unknown whether this was written"):
            getattr(table, name)(change)
        assert len(script.asked) == 1, "the client has tried it several times before"


def test_a_conflict_is_called_unwritten() -> None:
    table, _, _ = table_of(*[failure("ThrottlingException")] * 9)
    with pytest.raises(Busy) as told:
        table.transact(a_write(HERE, missing="one"))
    assert "unknown" not in str(told.value)


def test_the_last_failed_attempt_means_busy() -> None:
    table, script, _ = table_of(*[canceled("TransactionConflict")] * 9, attempts=4)
    with pytest.raises(Busy):
        table.transact(a_write(HERE, missing="one"))
    assert len(script.asked) == 4


@pytest.mark.parametrize(
    "trouble",
    [
        failure("ValidationException"),
        failure("AccessDeniedException"),
        failure("IdempotentParameterMismatchException"),
        canceled("TransactionConflict", "ValidationError"),
        canceled("ItemCollectionSizeLimitExceeded", "None"),
        canceled("Whatever"),
    ],
    ids=str,
)
def test_unknown_errors_are_raised_unchanged(trouble: ClientError) -> None:
    table, script, _ = table_of(trouble)
    with pytest.raises(ClientError) as raised:
        table.transact(a_write(HERE, missing="one"), a_write(THERE, missing="other"))
    assert raised.value is trouble
    assert len(script.asked) == 1


def test_pauses_grow_and_are_bounded() -> None:
    """One by one, and in all."""
    clock = Clock()
    retry = Retry(sleep=clock.pauses.append, chance=lambda: 1.0)
    rounds = sum(1 for _ in retry.rounds())
    assert clock.pauses[:3] == [0.025, 0.05, 0.1]
    assert clock.pauses == sorted(clock.pauses)
    assert max(clock.pauses) <= 1.2
    assert sum(clock.pauses) <= 9.0, "a request has 15 s"
    assert rounds == len(clock.pauses) + 1, "a wait is always followed by an attempt"


@settings(deadline=None)
@given(st.lists(st.floats(min_value=0, max_value=1), min_size=20, max_size=20))
def test_any_random_waiting_is_bounded_and_ends_trying(chances: list[float]) -> None:
    """It ends with an attempt."""
    clock, chance = Clock(), iter(chances)
    retry = Retry(sleep=clock.pauses.append, chance=lambda: next(chance))
    rounds = sum(1 for _ in retry.rounds())
    assert 1 <= rounds <= retry.attempts
    assert rounds == len(clock.pauses) + 1
    assert sum(clock.pauses) <= retry.budget
    assert all(0 <= pause <= retry.cap for pause in clock.pauses)


# ------------------------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("codes", "heard"),
    [
        (("ConditionalCheckFailed", "None"), "one"),
        (("None", "ConditionalCheckFailed"), "other"),
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), "one"),
        (("TransactionConflict", "ConditionalCheckFailed"), "other"),
        (("ConditionalCheckFailed", "TransactionConflict"), "one"),
        (("ValidationError", "ConditionalCheckFailed"), "other"),
    ],
)
def test_the_first_failed_condition_is_reported(codes: tuple[str, ...], heard: str) -> None:
    table, script, clock = table_of(canceled(*codes))
    with pytest.raises(NotFound, match=heard):
        table.transact(a_write(HERE, missing="one"), a_write(THERE, missing="other"))
    assert (len(script.asked), clock.pauses) == (1, [])


def test_on_condition_failure_the_blocking_item_is_returned() -> None:
    told: list[Any] = []

    def refusal(item: Any) -> Exception:
        told.append(item)
        return ConcurrentUpdate()

    write = Write(HERE, put={}, condition=MISSING, on_condition_failure=refusal)
    for answer in (
        canceled("ConditionalCheckFailed", items={0: {"n": {"N": "7"}}}),
        canceled("ConditionalCheckFailed"),
        failure("ConditionalCheckFailedException", Item={"n": {"N": "8"}}),
        failure("ConditionalCheckFailedException"),
    ):
        table, _, _ = table_of(answer)
        with pytest.raises(ConcurrentUpdate):
            table.transact(write) if "Transaction" in str(answer) else table.write(write)
    assert told == [{"n": Decimal(7)}, None, {"n": Decimal(8)}, None]


def test_a_condition_without_words_fails_as_what_it_is() -> None:
    trouble = canceled("ConditionalCheckFailed")
    table, _, _ = table_of(trouble)
    with pytest.raises(ClientError) as raised:
        table.transact(Write(HERE, put={}, condition=MISSING))
    assert raised.value is trouble


def test_a_single_write_returns_the_blocking_item_too() -> None:
    table, script, _ = table_of()
    table.write(Write(HERE, delete=True, condition=Attr("n").eq(1), on_condition_failure=concurrent_update))
    ((operation, request),) = script.asked
    assert operation == "delete_item"
    assert request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_observers_hear_of_every_retried_write() -> None:
    noticed: list[str] = []
    client: Any = Script([canceled("TransactionConflict"), failure("ThrottlingException"), {}])
    table = Table(client, "atelier", retry=Clock().retry(), on_retry=lambda: noticed.append("again"))
    table.transact(a_write(HERE, missing="one"))
    assert len(noticed) == 2
    answers = iter([ConcurrentUpdate(), "settled"])

    def attempt() -> str:
        answer = next(answers)
        if isinstance(answer, ConcurrentUpdate):
            raise answer
        return str(answer)

    assert (table.retry_on_conflict(attempt), len(noticed)) == ("settled", 3)


def test_settling_reads_again_until_nothing_changed_in_between() -> None:
    table, _, clock = table_of(attempts=3)
    outcomes = iter([ConcurrentUpdate(), ConcurrentUpdate(), None])

    def attempt() -> str:
        if outcome := next(outcomes):
            raise outcome
        return "done"

    assert table.retry_on_conflict(attempt) == "done"
    assert len(clock.pauses) == 2

    def never() -> None:
        raise ConcurrentUpdate

    with pytest.raises(Busy):
        table.retry_on_conflict(never)
