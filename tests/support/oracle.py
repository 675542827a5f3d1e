"""What SQL would answer: the same schema in SQLite, with real foreign keys, and the questions that lists are asked."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import normalize

from testbed.harness import Harness

SCHEMA: Final = """
CREATE TABLE clients (
    id TEXT PRIMARY KEY, user_id INTEGER, name TEXT NOT NULL, description TEXT, brand_guidelines TEXT,
    created_at TEXT, updated_at TEXT
);
CREATE TABLE campaigns (
    id TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES clients ON DELETE CASCADE, user_id INTEGER,
    name TEXT NOT NULL, goal TEXT NOT NULL, status TEXT NOT NULL, brief TEXT, created_at TEXT, updated_at TEXT
);
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    client_id TEXT REFERENCES clients ON DELETE SET NULL,
    campaign_id TEXT REFERENCES campaigns ON DELETE SET NULL,
    user_id INTEGER, type TEXT, provider TEXT, prompt TEXT, retry_of TEXT, created_at TEXT, rating INTEGER,
    status TEXT, completed_at TEXT
);
CREATE TABLE assets (
    id TEXT PRIMARY KEY, client_id TEXT REFERENCES clients ON DELETE CASCADE, user_id INTEGER,
    filename TEXT NOT NULL, purpose TEXT NOT NULL, status TEXT NOT NULL, created_at TEXT, updated_at TEXT
);
CREATE TABLE task_inputs (
    of_task TEXT NOT NULL REFERENCES tasks ON DELETE CASCADE, number INTEGER, role TEXT,
    asset_id TEXT REFERENCES assets ON DELETE SET NULL,
    task_id TEXT REFERENCES tasks ON DELETE SET NULL, output INTEGER, PRIMARY KEY (of_task, number)
);
"""
_NAMES: Final = {"assets": "filename"}
"""The column of a table that is its name, where it is not called so."""
# What the pipeline decides is told to SQL, not asked of it.
TOLD: Final = ("status", "completed_at")
Row = dict[str, Any]


class Sql:
    """The database."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.create_function("sorted_as", 1, _sorted_as, deterministic=True)
        self._db.create_function("compared_as", 1, _compared_as, deterministic=True)
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Forget everything."""
        self._db.close()

    def insert(self, table: str, row: Mapping[str, Any]) -> None:
        """Add what an answer shows, as far as the table has columns for it, and the inputs of a task."""
        kept = {name: row[name] for name in self._columns(table) if name in row}
        names, marks = ", ".join(kept), ", ".join("?" * len(kept))
        self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(kept.values()))  # noqa: S608
        for number, each in enumerate(row.get("inputs", ())):
            self.insert("task_inputs", {**each, "of_task": row["id"], "number": number})

    def accepts(self, table: str, row: Mapping[str, Any]) -> bool:
        """Whether the foreign keys would let `row` in."""
        self._db.execute("BEGIN")
        try:
            self.insert(table, row)
        except sqlite3.IntegrityError:
            return False
        finally:
            self._db.execute("ROLLBACK")
        return True

    def update(self, table: str, id_: str, changes: Mapping[str, Any]) -> None:
        """Change some fields of a row."""
        assignments = ", ".join(f"{name} = ?" for name in changes)
        self._db.execute(f"UPDATE {table} SET {assignments} WHERE id = ?", [*changes.values(), id_])  # noqa: S608

    def delete(self, table: str, id_: str) -> bool:
        """Delete a row, with everything that the foreign keys make of it; whether it was there."""
        return self._db.execute(f"DELETE FROM {table} WHERE id = ?", [id_]).rowcount > 0  # noqa: S608

    def get(self, table: str, id_: str) -> Row | None:
        """The row, with the inputs of a task, or None."""
        rows = self.rows(f"SELECT * FROM {table} WHERE id = ?", [id_])  # noqa: S608
        if rows and table == "tasks":
            inputs = "SELECT role, asset_id, task_id, output FROM task_inputs WHERE of_task = ? ORDER BY number"
            rows[0]["inputs"] = self.rows(inputs, [id_])
        return rows[0] if rows else None

    def rows(self, query: str, values: Sequence[Any]) -> list[Row]:
        """The rows of any query."""
        return [dict(row) for row in self._db.execute(query, values)]

    def _columns(self, table: str) -> list[str]:
        return [row["name"] for row in self._db.execute(f"PRAGMA table_info({table})")]


def _sorted_as(name: str) -> str:
    return normalize("NFKD", normalize("NFKD", name).casefold())


def _compared_as(name: str) -> str:
    return " ".join(normalize("NFKC", normalize("NFKC", name).casefold()).split())


@dataclass(frozen=True)
class Question:
    """One list, as it is asked of the API and of SQL."""

    table: str
    filters: Mapping[str, str] = field(default_factory=dict)
    sort_by: str = "created_at"
    sort_order: str = "desc"
    page_size: int = 50
    nested: bool = False

    @property
    def path(self) -> str:
        """Where the API answers it."""
        return f"/clients/{self.filters['client_id']}/campaigns" if self.nested else f"/{self.table}"

    @property
    def parameters(self) -> dict[str, Any]:
        """How it is asked of the API."""
        in_path = {"client_id"} if self.nested else set()
        asked = {name: value for name, value in self.filters.items() if name not in in_path}
        return {**asked, "sort_by": self.sort_by, "sort_order": self.sort_order, "page_size": self.page_size}

    def asked_of(self, sql: Sql) -> list[Row]:
        """All rows, as SQL has and orders them."""
        conditions = []
        values = []
        named = _NAMES.get(self.table, "name")
        for name, value in self.filters.items():
            condition, takes_value = _condition(name, value, named)
            conditions.append(condition)
            values += [value] if takes_value else []
        where = " AND ".join(conditions) or "TRUE"
        key = f"sorted_as({named})" if self.sort_by == "name" else self.sort_by
        order = f"{key} {self.sort_order}, id {self.sort_order}"
        return sql.rows(f"SELECT * FROM {self.table} WHERE {where} ORDER BY {order}", values)  # noqa: S608


def _condition(name: str, value: str, named: str) -> tuple[str, bool]:
    match name, value:
        case "search", _:
            return f"instr(compared_as({named}), compared_as(?)) > 0", True
        case "client_id", "none":
            return "client_id IS NULL", False
        case "rating_from", _:
            return "rating >= ?", True
        case "created_from", _:
            return "created_at >= ?", True
        case "created_to", _:
            return "created_at <= ?", True
        case _:
            return f"{name} = ?", True


# ------------------------------------------------------------------------------------------------------- comparison


def compare(harness: Harness, sql: Sql, question: Question) -> None:
    """Ask both, and walk the API's answer by page and by cursor. Raises AssertionError when they differ."""
    missing = question.nested and sql.get("clients", question.filters["client_id"]) is None
    if missing:
        assert harness.call("GET", question.path, query=question.parameters).status == 404, question
        return
    expected = question.asked_of(sql)
    with _about(question):
        _compare_pages(harness, question, expected)
        _compare_walk(harness, question, expected)


def compare_one(harness: Harness, sql: Sql, table: str, id_: str) -> None:
    """Ask both for one id. Raises AssertionError when they differ."""
    answer = harness.call("GET", f"/{table}/{id_}")
    row = sql.get(table, id_)
    if row is None:
        assert answer.status == 404, f"{table}/{id_} is gone in SQL: {answer.text}"
    else:
        assert answer.status == 200, f"{table}/{id_} is there in SQL: {answer.text}"
        assert _like(answer.json, row) == row


def _compare_pages(harness: Harness, question: Question, expected: list[Row]) -> None:
    size, total = question.page_size, len(expected)
    # One page more than there are: without items to show, it has nothing but the counters for its total.
    for page in range(1, total // size + 3):
        got = harness.call("GET", question.path, query={**question.parameters, "page": page}).json
        rows = expected[(page - 1) * size : page * size]
        assert _shown(got["items"], rows) == rows
        envelope = {name: got[name] for name in ("total", "page", "page_size", "has_more")}
        assert envelope == {"total": total, "page": page, "page_size": size, "has_more": page * size < total}
        assert (got["next_cursor"] is not None) == got["has_more"]


def _compare_walk(harness: Harness, question: Question, expected: list[Row]) -> None:
    walked: list[Row] = []
    cursor: dict[str, str] = {}
    while True:
        got = harness.call("GET", question.path, query={**question.parameters, **cursor}).json
        assert got["total"] == len(expected)
        walked += got["items"]
        assert len(walked) <= len(expected), "the walk shows more than there is"
        if got["next_cursor"] is None:
            break
        cursor = {"cursor": got["next_cursor"]}
    assert _shown(walked, expected) == expected


def _shown(items: Sequence[Row], rows: Sequence[Row]) -> list[Row]:
    """The items with the fields that SQL has as well."""
    names = rows[0] if rows else ("id",)
    return [_like(item, names) for item in items]


def _like(item: Row, names: Mapping[str, Any] | Sequence[str]) -> Row:
    return {name: item[name] for name in names}


@contextmanager
def _about(question: Question) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        error.add_note(f"asked: {question}")
        raise


# ---------------------------------------------------------------------------------------------------------- outcomes


def visible(harness: Harness) -> dict[str, Any]:
    """All that a caller can see, by names instead of ids and times: the same for two runs that came to the same."""
    clients, campaigns, tasks = (_listed(harness, path) for path in ("/clients", "/campaigns", "/tasks"))
    names = {each["id"]: each["name"] for each in clients["items"] + campaigns["items"]}
    return {
        "totals": [found["total"] for found in (clients, campaigns, tasks)],
        "unassigned": _listed(harness, "/tasks", client_id="none")["total"],
        "clients": sorted(each["name"] for each in clients["items"]),
        "campaigns": sorted((each["name"], each["status"], names[each["client_id"]]) for each in campaigns["items"]),
        "tasks": sorted(_task_by_names(each, names) for each in tasks["items"]),
    }


def _listed(harness: Harness, path: str, **query: str) -> Any:
    return harness.call("GET", path, query={"page_size": 100, **query}).json


def _task_by_names(task: Row, names: Mapping[str, str]) -> tuple[str, ...]:
    linked = (names[task[link]] if task[link] else "-" for link in ("client_id", "campaign_id"))
    return (task["prompt"], task["status"], *linked)
