"""Batches over HTTP: items are read one by one, and each is answered as the single request would have been."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from pydantic import BaseModel

from atelier.domain.access import Access
from atelier.domain.batches import MOST_ATOMIC, Batch, ResourceItem, check_item
from atelier.domain.errors import DomainError, FieldError, Invalid
from atelier.domain.schema import KIB, RequestModel
from atelier.store import batches
from atelier.store.batches import CarriedOut, KeptProgress, Operation, Progress
from atelier.store.idempotency import IdempotentRequest
from atelier.store.resources import Resources
from atelier.store.table import Table
from atelier.web.api import JSON, LARGEST_ANSWER, Reply
from atelier.web.conditional import accepted_versions
from atelier.web.problems import problem_of, status_of
from atelier.web.validation import model_of

Record = Any
_MOST_KEPT: Final = 300_000
_MOST_TOLD: Final = 64 * KIB
"""Characters of all problems of an answer: each of a hundred short items may have a list of all models."""
_ALWAYS_THERE: Final = ("type", "title", "status", "instance", "request_id")


@dataclass(frozen=True)
class Read:
    """An item that was read: its operation, the status of its success, and what follows that."""

    operation: Operation
    status: int
    done: Callable[[Record], object] = lambda _: None


@dataclass(frozen=True)
class Kind:
    """What batches of one resource are made of.

    `read` makes an operation of an item, given the id of what it may create and the moment of the batch; it raises
    Invalid. `load` gives a record as it is now, `show` its body. `forget` drops what was read for several items. With
    `gone`, results have ids only; it says which of those of earlier requests are not there any more.
    """

    read: Callable[[Mapping[str, Any], str, datetime], Read]
    load: Callable[[str], Record]
    show: Callable[[Record], BaseModel] = lambda record: record
    forget: Callable[[], object] = lambda: None
    gone: Callable[[Collection[str]], Mapping[str, DomainError]] | None = None


def of_resources(
    store: Resources[Any], new: type[RequestModel], patch: type[RequestModel], access: Access, now: datetime
) -> Kind:
    """Batches of clients or campaigns."""

    def read(fields: Mapping[str, Any], new_id: str, moment: datetime) -> Read:
        item = model_of(ResourceItem, fields)
        check_item(item)
        id_, accepted = item.id or "", accepted_versions(item.if_match)
        match item.op:
            case "create":
                body = model_of(new, item.body)
                creation = partial(store.creating, body, id_=new_id, access=access, now=moment)
                made = Operation(lambda as_guest: creation(as_guest=as_guest), new_id, creates=True)
                return Read(made, HTTPStatus.CREATED)
            case "update":
                change = partial(store.patching, id_, model_of(patch, item.body), access=access, accepted=accepted)
                return Read(Operation(lambda _: change(now=now), id_), HTTPStatus.OK)
            case "delete":
                deletion = partial(store.deleting, id_, access=access, accepted=accepted)
                return Read(Operation(lambda _: deletion(now=now), id_), HTTPStatus.NO_CONTENT)

    return Kind(read, lambda id_: store.get(id_, access=access))


def carry_out(
    app: APIGatewayHttpResolver,
    batch: Batch,
    kind: Kind,
    *,
    table: Table,
    access: Access,
    idempotent: IdempotentRequest | None,
    now: datetime,
) -> Reply:
    """Carry out a batch and answer it. Raises Invalid and IdempotencyKeyReused."""
    if batch.atomic and len(batch.items) > MOST_ATOMIC:
        raise Invalid([FieldError(f"an atomic batch has at most {MOST_ATOMIC} items", pointer="/items")])
    # A dry run does nothing that would have to be done once.
    progress = batches.begin(table, access, None if batch.dry_run else idempotent, now=now)
    read, invalid = _read(batch, kind, progress)
    replayed = progress.refused is not None
    outcomes: dict[int, Any] = dict(invalid)
    operations = {index: each.operation for index, each in read.items()}
    if not (batch.atomic and invalid):
        running = batches.Batch(
            table, operations, progress, access, kind.forget, atomic=batch.atomic, dry_run=batch.dry_run
        )
        outcomes |= running.run()
    else:
        outcomes |= {index: batches.called_off() for index in operations}
    if not batch.dry_run:
        for index, outcome in outcomes.items():
            if isinstance(outcome, CarriedOut) and outcome.change:
                read[index].done(outcome.change.record)
    answered = _Answers(app, kind, read, progress)
    if isinstance(progress, KeptProgress):
        answered.finish(progress, outcomes)
    outcomes |= _gone(kind, outcomes)
    results = [answered.result(index, outcomes.get(index)) for index in range(len(batch.items))]
    return _response(results, outcomes, batch, replayed=replayed)


def _read(batch: Batch, kind: Kind, progress: Progress) -> tuple[dict[int, Read], dict[int, Invalid]]:
    read, invalid = {}, {}
    for index, item in enumerate(batch.items):
        try:
            read[index] = kind.read(item, progress.id_of(index), progress.moment)
        except Invalid as error:
            invalid[index] = error
    return read, invalid


def _gone(kind: Kind, outcomes: Mapping[int, Any]) -> dict[int, DomainError]:
    """What earlier requests have carried out and is not there any more, of a kind whose results have ids only."""
    earlier = {index: each.id for index, each in outcomes.items() if isinstance(each, CarriedOut) and not each.change}
    gone = kind.gone(earlier.values()) if kind.gone and earlier else {}
    return {index: gone[id_] for index, id_ in earlier.items() if id_ in gone}


@dataclass(frozen=True)
class _Answers:
    app: APIGatewayHttpResolver
    kind: Kind
    read: Mapping[int, Read]
    progress: Progress

    def finish(self, progress: KeptProgress, outcomes: dict[int, Any]) -> None:
        """Keep the refusals, unless one of them may be over at any moment; and take over what others carried out."""

        def failed() -> dict[int, DomainError]:
            others = {index: CarriedOut(self.read[index].operation.id) for index in progress.done}
            outcomes.update({index: done for index, done in others.items() if _is_refused(outcomes.get(index))})
            return {index: outcomes[index] for index in self.read if _is_refused(outcomes.get(index))}

        if not any(status_of(error) == HTTPStatus.SERVICE_UNAVAILABLE for error in failed().values()):
            progress.finish(
                lambda: _bounded({index: self._problem(error) for index, error in failed().items()}),
                items=len(self.read),
            )
            failed()

    def result(self, index: int, outcome: Any) -> dict[str, Any]:
        """The answer to one item."""
        kept = (self.progress.refused or {}).get(index)
        if kept and not isinstance(outcome, CarriedOut):
            return {"index": index, "status": kept["status"], "problem": self._told(kept)}
        if isinstance(outcome, CarriedOut):
            return self._success(index, outcome)
        return self._failure(index, outcome)

    def _success(self, index: int, outcome: CarriedOut) -> dict[str, Any]:
        status = self.read[index].status
        found: dict[str, Any] = {"index": index, "status": status, "id": outcome.id}
        if status == HTTPStatus.NO_CONTENT or self.kind.gone:
            return found
        try:
            record = outcome.change.record if outcome.change else self.kind.load(outcome.id)
        except DomainError as error:
            return self._failure(index, error)
        return {**found, "body": json.loads(self.kind.show(record).model_dump_json())}

    def _failure(self, index: int, error: Exception) -> dict[str, Any]:
        problem = self._problem(error)
        return {"index": index, "status": problem["status"], "problem": self._told(problem)}

    def _problem(self, error: Exception) -> dict[str, Any]:
        found = json.loads(problem_of(error, instance="", request_id="").model_dump_json(exclude_none=True))
        return {name: value for name, value in found.items() if name not in ("instance", "request_id")}

    def _told(self, problem: Mapping[str, Any]) -> dict[str, Any]:
        event = self.app.current_event
        return {**problem, "instance": event.path, "request_id": event.request_context.request_id}


def _is_refused(outcome: Any) -> bool:
    return isinstance(outcome, DomainError)


def _response(
    results: list[dict[str, Any]], outcomes: Mapping[int, Any], batch: Batch, *, replayed: bool
) -> Response[Any]:
    results = list(_bounded_in_all(results))
    succeeded = sum("problem" not in each for each in results)
    answer: dict[str, Any] = {
        "results": results,
        "summary": {"succeeded": succeeded, "failed": len(results) - succeeded},
    }
    if batch.dry_run:
        records = [each.change.record for each in outcomes.values() if isinstance(each, CarriedOut) and each.change]
        if estimate := _estimate(records):
            answer["estimate"] = estimate
    body = _written(answer)
    if len(body) * 2 > LARGEST_ANSWER:
        # A GET of each has it.
        results = [{n: v for n, v in each.items() if n != "body"} for each in results]
        body = _written({**answer, "results": results})
    headers: dict[str, str | list[str]] = {"Idempotent-Replayed": "true"} if replayed else {}
    return Response(HTTPStatus.OK, JSON, body, headers=headers)


def _bounded(problems: Mapping[int, dict[str, Any]]) -> Mapping[int, dict[str, Any]]:
    """The problems as they are kept in the record of the key, which takes 400 KB."""
    distinct = {json.dumps(problem) for problem in problems.values()}
    if sum(map(len, distinct)) <= _MOST_KEPT:
        return problems
    return {index: _shortened(problem) for index, problem in problems.items()}


def _bounded_in_all(results: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The results, of whose problems those are told in full that come first."""
    left = _MOST_TOLD
    for each in results:
        if "problem" in each:
            left -= len(_written(each["problem"]))
        yield each if left >= 0 or "problem" not in each else {**each, "problem": _shortened(each["problem"])}


def _shortened(problem: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: problem[name] for name in _ALWAYS_THERE if name in problem}
    return {**kept, "detail": "Too long to be listed with so many others; the single request has it."}


def _written(answer: Mapping[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":"))


def _estimate(records: Iterable[Any]) -> dict[str, Any] | None:
    costs = [record.cost.estimated for record in records if hasattr(record, "cost")]
    if not costs:
        return None
    known = [cost for cost in costs if cost is not None]
    return {"amount": float(sum(known)), "currency": "USD", "unpriced": len(costs) - len(known)}
