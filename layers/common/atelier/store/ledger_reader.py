"""The ledger as reports read it: the rows of some days, and the names of the clients and campaigns in them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import date

from atelier.domain.ledger import AMOUNTS, Row
from atelier.domain.usage_report import NamedResource
from atelier.store import keys
from atelier.store.account_summary import summary_from
from atelier.store.expressions import Attr
from atelier.store.ledger import row_from
from atelier.store.table import Table


class LedgerReader:
    """Reads ledgers, and writes nothing."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def rows(self, account: int, *, start: date, end: date) -> Iterator[tuple[Row, Mapping[str, int]]]:
        """The rows of the days from `start` up to and without `end`, by day, and what each adds up."""
        # `DAY#<end>` itself is before every row of that day.
        within = Attr("SK").between(f"DAY#{start}", f"DAY#{end}")
        for item in self._table.iterate(keys.ledger(account), within=within):
            yield row_from(item["SK"]), {name: int(item.get(name, 0)) for name in AMOUNTS}

    def names(self, account: int, kind: str, ids: Collection[str]) -> dict[str, NamedResource]:
        """What resources of a kind are called, deleted ones included."""
        summary = keys.summary(account)
        where = {id_: keys.resource(account, kind, id_) for id_ in ids}
        items = self._table.get_many([summary, *where.values()])
        pending = summary_from(items.get(summary)).pending
        there = {id_: items[key] for id_, key in where.items() if key in items}
        gone = {id_: keys.ledger_name(account, kind, id_) for id_ in ids if id_ not in there}
        # Asked for after the resources: a name is kept before, or with, the removal of its resource.
        kept = self._table.get_many(gone.values())
        return {
            id_: NamedResource(id=id_, name=item["name"], deleted=pending.hides(kind, item))
            for id_, item in there.items()
        } | {id_: NamedResource(id=id_, name=kept.get(key, {}).get("name"), deleted=True) for id_, key in gone.items()}
