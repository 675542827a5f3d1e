"""Mutants of the ledger and of its reports: what was spent adds up, whatever happens to what it was spent on."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

READER: Final = f"{STORE}/ledger_reader.py"
REPORT: Final = f"{DOMAIN}/usage_report.py"
CSV: Final = f"{DOMAIN}/csv_text.py"
OVER_HTTP: Final = "tests/integration/test_usage_reports.py"
SUMS: Final = "tests/property/test_usage_report.py"

MUTANTS: Final = (
    Mutant(
        "a late charge is in no report",
        f"{STORE}/tasks.py",
        "counters.settling(before, after)]\n        self._table.transact(*writes, *ledger.booking(before, after))",
        "counters.settling(before, after)]\n        self._table.transact(*writes)",
        OVER_HTTP,
    ),
    Mutant(
        "a task that is moved stays where it was as well",
        f"{DOMAIN}/ledger.py",
        "((before, -1), (after, 1))",
        "((after, 1),)",
        OVER_HTTP,
    ),
    Mutant(
        "a report has the day after its range as well",
        READER,
        'f"DAY#{end}")',
        'f"DAY#{end}~")',
        OVER_HTTP,
    ),
    Mutant(
        "a report is of another account",
        READER,
        "keys.ledger(account)",
        "keys.ledger(1)",
        OVER_HTTP,
    ),
    Mutant(
        "a campaign whose client is deleted is shown as if it were there",
        READER,
        "deleted=pending.hides(kind, item))",
        "deleted=False)",
        OVER_HTTP,
    ),
    Mutant(
        "what was deleted has no name in reports",
        READER,
        'kept.get(key, {}).get("name")',
        "None",
        OVER_HTTP,
    ),
    Mutant(
        "days on which nothing ended are left out",
        REPORT,
        "for start in empty]",
        "for start in ()]",
        OVER_HTTP,
    ),
    Mutant(
        "rows of one group are not added up",
        REPORT,
        "_added(sums.get(key, [0] * len(AMOUNTS)), amounts)",
        "_added([0] * len(AMOUNTS), amounts)",
        OVER_HTTP,
    ),
    Mutant(
        "a model and its alias are two models",
        REPORT,
        "row._replace(model=model_id(row.provider, row.model))",
        "row",
        SUMS,
    ),
    Mutant(
        "a name in a file is taken for a formula",
        CSV,
        """return _FORMULA.sub("'", text)""",
        "return text",
        "tests/unit/test_usage_csv.py",
    ),
)
