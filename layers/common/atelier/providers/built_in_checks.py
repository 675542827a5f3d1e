"""The check of built-in models of fal and Replicate against what these publish: each once a day.

Nothing changes by it. What is new since a model was last looked at is reported once: that it is deprecated, gone,
changed or repriced. Only another release deals with it, or a line for another model.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from atelier.domain.catalog import Lifecycle, Model
from atelier.domain.model_lines import ReportKind, UnknownModel, Unusable, WatchedModel
from atelier.domain.provider import Unavailable
from atelier.domain.schema import format_timestamp
from atelier.providers.catalogs import ProviderCatalog
from atelier.providers.schemas import Snapshot, changes_between, deprecated_by, hash_of, repriced

MOST: Final = 10
"""Models that one run looks at."""
_LONGEST: Final = 500

Schema = tuple[str, str]
"""The hash of a snapshot, and its text."""


@dataclass(frozen=True)
class Looked:
    """A built-in model that was looked at, and what there is to report of it."""

    provider: str
    model: str
    reports: Mapping[ReportKind, str]


class Watched(Protocol):
    """What was seen of built-in models; a name is a provider and an id."""

    def due(self, names: Iterable[str], *, now: datetime) -> Iterator[tuple[str, WatchedModel | None]]:
        """Those of these models whose turn it is, with what is known of each."""

    def schema(self, name: str, hash_: str) -> str | None:
        """The text of the schema that a model had."""

    def save(self, name: str, seen: WatchedModel, schema: Schema | None) -> None:
        """Record what was seen of a model, with a snapshot that is not kept."""


class BuiltInChecks:
    """Checks of built-in models. `catalogs` are those of the providers that are configured."""

    def __init__(self, watched: Watched, catalogs: Mapping[str, ProviderCatalog], models: Iterable[Model]) -> None:
        self._watched = watched
        self._catalogs = catalogs
        self._models: dict[str, list[Model]] = {}  # by provider and id: one may make files of two types
        for each in models:
            if each.provider in catalogs and each.lifecycle is not Lifecycle.RETIRED:
                self._models.setdefault(f"{each.provider}/{each.id}", []).append(each)

    def run(self, *, now: datetime) -> Iterator[Looked]:
        """Look at models whose turn it is. A provider that does not answer is left alone until the next run."""
        unheard: set[str] = set()
        looked_at = 0
        for name, before in self._watched.due(self._models, now=now):
            models = self._models[name]
            provider, id_ = models[0].provider, models[0].id
            if provider in unheard:
                continue
            at = format_timestamp(now)
            known = before.model_copy(update={"seen_at": at}) if before else WatchedModel(seen_at=at)
            try:
                seen, schema, reports = self._look(name, models, known)
            except Unavailable:
                unheard.add(provider)
                self._watched.save(name, known, None)  # the next run begins with another one
                continue
            yield Looked(provider, id_, reports)
            # Only now: a run that breaks off before this reports it again.
            self._watched.save(name, seen, schema)
            looked_at += 1
            if looked_at == MOST:
                return

    def _look(
        self, name: str, models: list[Model], known: WatchedModel
    ) -> tuple[WatchedModel, Schema | None, Mapping[ReportKind, str]]:
        """What there is to know of a model now, with its schema if that is another than before, and what is new."""
        model = models[0]
        try:
            snapshot = self._catalogs[model.provider].snapshot(model.id)
            text = snapshot.text
        except (UnknownModel, Unusable) as unfit:
            return known.model_copy(update={"gone": True}), None, {} if known.gone else {ReportKind.GONE: str(unfit)}
        schema = hash_of(text), text
        found: dict[ReportKind, str] = {}
        if snapshot.deprecated and not known.deprecated and model.lifecycle is Lifecycle.ACTIVE:
            found[ReportKind.DEPRECATED] = deprecated_by(model.provider)
        if schema[0] != known.schema_hash and (changed := self._changed(name, models, known, snapshot)):
            found[ReportKind.CHANGED] = changed[:_LONGEST]
        if known.schema_hash and snapshot.listed_price != known.listed_price:
            found[ReportKind.REPRICED] = repriced(known.listed_price, snapshot.listed_price)
        seen = WatchedModel(
            seen_at=known.seen_at,
            schema_hash=schema[0],
            listed_price=snapshot.listed_price,
            deprecated=snapshot.deprecated,
        )
        return seen, schema if schema[0] != known.schema_hash else None, found

    def _changed(self, name: str, models: list[Model], known: WatchedModel, snapshot: Snapshot) -> str:
        """What is different from the schema that was seen, and what of ours is not in the schema."""
        before = self._watched.schema(name, known.schema_hash) if known.schema_hash else None
        said = [changes_between(Snapshot.of_text(before), snapshot)] if before else []
        words = {each.name for model in models for each in model.params}
        words |= {each.name for model in models for each in model.inputs}
        said += [f"input has no {word}, which is offered" for word in sorted(words - snapshot.fields)]
        return "; ".join(said)
