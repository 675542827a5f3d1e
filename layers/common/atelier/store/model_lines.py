"""The lines of the catalog that operators have added: of the whole deployment, few, and read together.

What a change of a name or a default must not collide with is read with it, and the head counts such changes: each is
made on top of all others. Each version that was ever offered is kept, because tasks are priced by the one that they
were made with; so are the schemas that a line is made of, or could be.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

from atelier.domain.access import Access
from atelier.domain.catalog import Catalog, Lifecycle, Model
from atelier.domain.errors import FieldError, Invalid, NotFound
from atelier.domain.model_lines import (
    ConfiguredModel,
    Line,
    LineStatus,
    ListedPrice,
    ModelPatch,
    NewModel,
    ReportKind,
    Unusable,
    check_names,
    line_name,
    patched_fields,
)
from atelier.domain.schema import format_timestamp, utcnow
from atelier.store import idempotency, keys
from atelier.store.deadline import remaining
from atelier.store.expressions import Attr
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.table import MISSING, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.versions import Versions, check
from atelier.store.wire import Item

BELIEVED: Final = timedelta(minutes=1)
"""How long a process goes by the lines that it has read."""
RESERVE: Final = 12.0
"""Seconds before the invocation's deadline from which on no further check is begun."""

Derive = Callable[[ConfiguredModel, str | None], Model]
"""Makes a model of a line and the text of its schema; None for one that is like a built-in model. Raises Unusable."""


class ModelLines:
    """See the module. `derive` makes models of lines, `adjusted` gives each what the deployment allows."""

    def __init__(self, table: Table, derive: Derive, adjusted: Callable[[Model], Model]) -> None:
        self._table = table
        self._derive = derive
        self._adjusted = adjusted
        self._models: tuple[datetime, Sequence[Model]] | None = None
        self._versions: dict[str, Model] = {}

    # ------------------------------------------------------------------------------------------------- generation

    def models(self) -> Sequence[Model]:
        """The models that are offered, as they were within the last minute."""
        now = utcnow()
        if self._models is None or not timedelta(0) <= now - self._models[0] < BELIEVED:
            lines, _ = self._read()
            self._models = now, [self._adjusted(each.model) for each in lines if each.model is not None]
        return self._models[1]

    def version(self, name: str) -> Model | None:
        """The model of a version of a line."""
        if name not in self._versions:
            item = self._table.get(keys.model_version(name))
            if item is None:
                return None
            self._versions[name] = self._adjusted(_adapter().validate_json(item["model"]))
        return self._versions[name]

    # -------------------------------------------------------------------------------------------------- operators

    def all(self) -> list[Line]:
        """Every line."""
        return self._read()[0]

    def get(self, id_: str) -> ConfiguredModel:
        """The line. Raises NotFound."""
        return self._kept(id_).record

    def create(
        self,
        new: NewModel,
        catalog: Catalog,
        *,
        configured: Collection[str],
        id_: str,
        access: Access,
        idempotent: IdempotentRequest | None,
        now: datetime,
    ) -> CreateResult[ConfiguredModel]:
        """Add a line that waits for the provider's schema, or is like a built-in model and can be used at once.

        `configured` are the providers with access. Raises Invalid, IdempotencyKeyReused and RequestInProgress.
        """
        at = format_timestamp(now)
        who = {"created_by": access.actor, "changed_by": access.actor, "created_at": at, "changed_at": at}
        status = LineStatus.PENDING if new.like is None else LineStatus.ACTIVE
        record = ConfiguredModel(id=id_, **dict(new), status=status, **who)

        options: Any = {"access": access, "idempotent": idempotent, "load": self.get, "now": now}

        def attempt() -> CreateResult[ConfiguredModel]:
            if replay := idempotency.find_replay(self._table, **options):
                return replay
            if new.provider not in configured:
                raise Invalid([FieldError(f"{new.provider} is not configured here", pointer="/provider")])
            lines, head = self._read()
            check_names(new, (each.record for each in lines), catalog)
            line = Line(record, check_at=at) if new.like is None else Line(record, self.derived(record, None))
            writes = [_counted(head), *_writes(None, line)]
            return idempotency.create(self._table, record, writes, id_=id_, **options)

        return self._table.retry_on_conflict(attempt)

    def patch(
        self,
        id_: str,
        patch: ModelPatch,
        validated: Callable[[dict[str, Any]], NewModel],
        catalog: Catalog,
        *,
        access: Access,
        accepted: Versions,
        now: datetime,
    ) -> ConfiguredModel:
        """The line with the patch applied, which is in force at once if it has a schema, or is looked at again.

        Raises NotFound, PreconditionFailed and Invalid.
        """

        def attempt() -> ConfiguredModel:
            lines, head = self._read()
            line = _of_id(lines, id_)
            record = line.record
            check(record.version, accepted)
            new = validated(patched_fields(record, patch))
            takes_schema = patch.schema_hash not in ("", record.schema_hash)
            if new.model_dump() == record.asked() and not takes_schema:
                return record
            if takes_schema and patch.schema_hash != record.latest_schema_hash:
                raise Invalid([FieldError("is not the line's latest_schema_hash", pointer="/schema_hash")])
            check_names(new, (each.record for each in lines if each is not line), catalog)
            after = self._changed(line, new, patch.schema_hash or record.schema_hash, now=now)
            changed = {"changed_by": access.actor, "changed_at": format_timestamp(now)}
            after = replace(after, record=after.record.model_copy(update=changed))
            self._table.transact(_counted(head), *_writes(line, after))
            self._models = None
            return after.record

        return self._table.retry_on_conflict(attempt)

    def _changed(self, line: Line, new: NewModel, hash_: str | None, *, now: datetime) -> Line:
        before = line.record
        record = before.model_copy(update={**dict(new), "version": before.version + 1})
        if new.like is not None:
            return Line(record, self.derived(record, None))
        if before.status is not LineStatus.ACTIVE or hash_ is None:
            record = record.model_copy(update={"status": LineStatus.PENDING, "reason": None})
            return Line(record, check_at=format_timestamp(now))
        settled = {ReportKind.CHANGED} if hash_ == before.latest_schema_hash else set()
        accepted_price = line.accepted_price
        if new.price != before.price:
            settled, accepted_price = settled | {ReportKind.REPRICED}, before.listed_price
        if new.lifecycle is not Lifecycle.ACTIVE:
            settled = settled | {ReportKind.DEPRECATED}
        reports = [each for each in before.reports if each.kind not in settled]
        record = record.model_copy(update={"schema_hash": hash_, "reports": reports})
        check_at = line.check_at or format_timestamp(now)
        return Line(record, self.derived(record, self.schema(record.id, hash_)), check_at, 0, accepted_price)

    def derived(self, record: ConfiguredModel, text: str | None) -> Model:
        """The model of a line under the name of its version. Raises Invalid if it does not fit what it is made of."""
        try:
            return replace(self._derive(record, text), line=line_name(record.id, record.version))
        except Unusable as unfit:
            raise Invalid([FieldError(str(unfit), pointer="")]) from unfit

    def retire(self, id_: str, *, access: Access, accepted: Versions, now: datetime) -> None:
        """Refuse the model from now on, naming its successor; a line that was never active is removed.

        Raises NotFound and PreconditionFailed.
        """

        def attempt() -> None:
            lines, head = self._read()
            line = _of_id(lines, id_)
            record = line.record
            check(record.version, accepted)
            if line.model is None:
                unchanged = Attr("version").eq(record.version)
                gone = Write(
                    keys.model_line(id_), delete=True, condition=unchanged, on_condition_failure=concurrent_update
                )
                self._table.transact(_counted(head), gone)
            elif record.lifecycle is not Lifecycle.RETIRED:
                change = {"lifecycle": Lifecycle.RETIRED, "default": False, "reports": []}
                who = {"changed_by": access.actor, "changed_at": format_timestamp(now), "version": record.version + 1}
                retired = record.model_copy(update=change | who)
                model = replace(
                    line.model,
                    lifecycle=Lifecycle.RETIRED,
                    default=False,
                    line=line_name(id_, retired.version),
                )
                self._table.transact(_counted(head), *_writes(line, replace(line, record=retired, model=model)))
            self._models = None

        self._table.retry_on_conflict(attempt)

    # ----------------------------------------------------------------------------------------------------- checks

    def due(self, now: datetime) -> Iterator[Line]:
        """The lines that are to be checked by now, those that have waited for longest first, while there is time."""
        at = format_timestamp(now)
        every = self.all() if remaining() > RESERVE else []
        due = [each for each in every if each.check_at and each.check_at <= at]
        for line in sorted(due, key=lambda each: (each.check_at, each.record.id)):
            if remaining() > RESERVE:
                yield line

    def schema(self, id_: str, hash_: str) -> str:
        """The text of a schema that is kept for a line."""
        item = self._table.get(keys.model_schema(id_, hash_))
        if item is None:
            raise NotFound("schema", hash_)
        return str(item["text"])

    def save_check(self, before: Line, after: Line, schema: tuple[str, str] | None) -> bool:
        """Record what a check has found, with the hash and text of a schema that is not kept.

        False if the line has changed meanwhile: then nothing is recorded.
        """
        writes = _writes(before, after)
        if schema is not None:
            hash_, text = schema
            writes.append(Write(keys.model_schema(before.record.id, hash_), put={"text": text}))
        try:
            self._table.transact(*writes)
        except ConcurrentUpdate:
            return False
        return True

    # ---------------------------------------------------------------------------------------------------- reading

    def _read(self) -> tuple[list[Line], int]:
        """Every line, and how many changes there were."""
        items = list(self._table.iterate(keys.model_lines()))
        head = next((int(each["changes"]) for each in items if each["SK"] == keys.model_head().sk), 0)
        return [_line(each) for each in items if "record" in each], head

    def _kept(self, id_: str) -> Line:
        item = self._table.get(keys.model_line(id_))
        if item is None:
            raise NotFound("model", id_)
        return _line(item)


@cache
def _adapter() -> TypeAdapter[Model]:
    return TypeAdapter(Model)


def _of_id(lines: Iterable[Line], id_: str) -> Line:
    found = next((each for each in lines if each.record.id == id_), None)
    if found is None:
        raise NotFound("model", id_)
    return found


def _line(item: Item) -> Line:
    record = ConfiguredModel.model_validate_json(item["record"])
    model = _adapter().validate_json(item["model"]) if "model" in item else None
    price = ListedPrice.model_validate_json(item["accepted_price"]) if "accepted_price" in item else None
    record = record.model_copy(update={"version": int(item["version"])})
    return Line(record, model, item.get("check_at"), int(item.get("tries", 0)), price)


def _writes(before: Line | None, after: Line) -> list[Write]:
    """The writes of a change: the line, and its version if that offers another model than before."""
    writes = [_put(after, before=before)]
    offered = before.model if before else None
    if after.model is not None and after.model != offered and after.model.line is not None:
        put = {"model": _adapter().dump_json(after.model).decode()}
        writes.append(Write(keys.model_version(after.model.line), put=put))
    return writes


def _put(line: Line, *, before: Line | None) -> Write:
    item: Item = {"record": line.record.model_dump_json(), "version": line.record.version, "tries": line.tries}
    if line.model is not None:
        item["model"] = _adapter().dump_json(line.model).decode()
    if line.check_at is not None and line.record.lifecycle is not Lifecycle.RETIRED:
        item["check_at"] = line.check_at
    if line.accepted_price is not None:
        item["accepted_price"] = line.accepted_price.model_dump_json()
    unchanged = MISSING if before is None else Attr("version").eq(before.record.version)
    if before is not None and before.check_at is not None:
        unchanged = unchanged & Attr("check_at").eq(before.check_at)
    return Write(keys.model_line(line.record.id), put=item, condition=unchanged, on_condition_failure=concurrent_update)


def _counted(head: int) -> Write:
    """One change more of all lines, if there was none since they were read."""
    unchanged = Attr("changes").eq(head) if head else MISSING
    return Write(keys.model_head(), add={"changes": 1}, condition=unchanged, on_condition_failure=concurrent_update)
