"""The check of lines of the catalog against what their providers publish: when they are added, and once a day.

A new line becomes a model, or is rejected with the reason. Of one that is offered nothing changes by itself: that it is
deprecated, gone, changed or repriced is reported until an operator has dealt with it.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from atelier.domain.catalog import Lifecycle, Model
from atelier.domain.model_lines import (
    ConfiguredModel,
    Line,
    LineStatus,
    Report,
    ReportKind,
    UnknownModel,
    Unusable,
    line_name,
)
from atelier.domain.provider import Unavailable
from atelier.domain.schema import format_timestamp
from atelier.providers.catalogs import ProviderCatalog
from atelier.providers.derived import derived
from atelier.providers.schemas import Snapshot, changes_between, deprecated_by, hash_of, repriced

log: Final = logging.getLogger(__name__)

AGAIN: Final = timedelta(days=1)
_MOST_MINUTES: Final = 60
_LONGEST: Final = 500

Schema = tuple[str, str]
"""The hash of a snapshot, and its text."""


def derived_of_text(record: ConfiguredModel, text: str) -> Model:
    """The model of a line and a kept snapshot. Raises Unusable."""
    return derived(record, Snapshot.of_text(text))


class Lines(Protocol):
    """The lines of the catalog, as they are kept."""

    def due(self, now: datetime) -> Iterator[Line]:
        """The lines that are to be checked by now."""

    def schema(self, id_: str, hash_: str) -> str:
        """The text of a snapshot that is kept for a line."""

    def save_check(self, before: Line, after: Line, schema: Schema | None) -> bool:
        """Record what a check has found, with a snapshot that is not kept; False if the line has changed meanwhile."""


class ModelChecks:
    """Checks of lines. `catalogs` are those of the providers that are configured."""

    def __init__(self, lines: Lines, catalogs: Mapping[str, ProviderCatalog]) -> None:
        self._lines = lines
        self._catalogs = catalogs

    def run(self, *, now: datetime) -> Iterator[ConfiguredModel]:
        """Check every line that is due; each as it is then."""
        for line in self._lines.due(now):
            try:
                after, schema = self._look(line, now=now)
            except Exception:
                # Whatever somebody publishes of one model, the other lines are checked.
                log.exception("model cannot be checked", extra={"line": line.record.id})
                after, schema = _waiting(line, "What the provider publishes of it could not be read.", now=now), None
            if self._lines.save_check(line, after, schema):
                yield after.record

    def _look(self, line: Line, *, now: datetime) -> tuple[Line, Schema | None]:
        catalog = self._catalogs.get(line.record.provider)
        if catalog is None:
            return _waiting(line, f"{line.record.provider} is not configured here.", now=now), None
        try:
            snapshot = catalog.snapshot(line.record.model)
            schema = hash_of(snapshot.text), snapshot.text
            if line.record.status is LineStatus.ACTIVE:
                return self._compared(line, snapshot, schema, now=now)
            return _offered(line, snapshot, schema, now=now), schema
        except Unavailable as failure:
            return _waiting(line, str(failure), now=now), None
        except (UnknownModel, Unusable) as unfit:
            if line.record.status is not LineStatus.ACTIVE:
                return _changed(line, check_at=None, status=LineStatus.REJECTED, reason=str(unfit)), None
            gone = {ReportKind.GONE: str(unfit)}
            return _changed(line, check_at=now + AGAIN, reports=_reports(line.record, gone, now=now)), None

    def _compared(self, line: Line, snapshot: Snapshot, schema: Schema, *, now: datetime) -> tuple[Line, Schema | None]:
        record = line.record
        found: dict[ReportKind, str] = {}
        if snapshot.deprecated and record.lifecycle is Lifecycle.ACTIVE:
            found[ReportKind.DEPRECATED] = deprecated_by(record.provider)
        if schema[0] != record.schema_hash:
            found[ReportKind.CHANGED] = self._difference(record, snapshot)
        if snapshot.listed_price != line.accepted_price:
            found[ReportKind.REPRICED] = repriced(line.accepted_price, snapshot.listed_price)
        after = _changed(
            line,
            check_at=now + AGAIN,
            reports=_reports(record, found, now=now),
            latest_schema_hash=schema[0],
            listed_price=snapshot.listed_price,
        )
        return after, schema if schema[0] not in (record.schema_hash, record.latest_schema_hash) else None

    def _difference(self, record: ConfiguredModel, snapshot: Snapshot) -> str:
        before = Snapshot.of_text(self._lines.schema(record.id, record.schema_hash or ""))
        said = changes_between(before, snapshot)
        try:
            derived(record, snapshot)
        except Unusable as unfit:
            said += f". It would not be usable: {unfit}"
        return said[:_LONGEST]


def _offered(line: Line, snapshot: Snapshot, schema: Schema, *, now: datetime) -> Line:
    """A new line as a model. Raises Unusable."""
    model = derived(line.record, snapshot)
    found = {ReportKind.DEPRECATED: "It is deprecated."} if snapshot.deprecated else {}
    after = _changed(
        line,
        check_at=now + AGAIN,
        status=LineStatus.ACTIVE,
        reason=None,
        schema_hash=schema[0],
        latest_schema_hash=schema[0],
        listed_price=snapshot.listed_price,
        reports=_reports(line.record, found, now=now) if line.record.lifecycle is Lifecycle.ACTIVE else [],
    )
    named = replace(model, line=line_name(after.record.id, after.record.version))
    return replace(after, model=named, accepted_price=snapshot.listed_price)


def _waiting(line: Line, reason: str, *, now: datetime) -> Line:
    """The line, to be checked again: after a minute, then later and later."""
    pause = timedelta(minutes=min(2**line.tries, _MOST_MINUTES))
    change: dict[str, Any] = {"reason": reason} if line.record.status is LineStatus.PENDING else {}
    return replace(_changed(line, check_at=now + pause, **change), tries=min(line.tries + 1, 10))


def _changed(line: Line, *, check_at: datetime | None, **change: Any) -> Line:
    """The line after a check, in its next version if anything differs that operators see."""
    at = format_timestamp(check_at) if check_at else None
    news = {name: value for name, value in change.items() if getattr(line.record, name) != value}
    if news:
        news["version"] = line.record.version + 1
    return replace(line, record=line.record.model_copy(update=news), check_at=at, tries=0)


def _reports(record: ConfiguredModel, found: Mapping[ReportKind, str], *, now: datetime) -> list[Report]:
    """What is to be reported, each since when."""
    since = {each.kind: each.since for each in record.reports}
    at = format_timestamp(now)
    return [Report(kind=kind, detail=detail, since=since.get(kind, at)) for kind, detail in found.items()]
