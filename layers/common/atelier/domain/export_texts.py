"""The texts in an archive: a table of the tasks, a table of what they cost, and the manifest of all files."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from atelier.domain.csv_text import csv_line
from atelier.domain.exports import Export
from atelier.domain.file_names import file_name, folder_name
from atelier.domain.ledger import is_unpriced
from atelier.domain.money import from_millionths, in_millionths
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import Output, Task

TASKS: Final = "tasks.csv"
SPEND: Final = "spend.csv"
MANIFEST: Final = "manifest.json"
_COLUMNS: Final = (
    *("id", "type", "status", "provider", "model", "prompt", "seed", "client_id", "campaign_id", "campaign"),
    *("rating", "tags", "created_by", "created_at", "completed_at", "cost_estimated", "cost_actual", "currency"),
    *("error", "files"),
)
_SPEND: Final = (
    *("ChargePeriodStart", "x_TaskType", "ServiceProviderName", "SkuId", "x_TaskStatus", "BillingCurrency"),
    *("BilledCost", "x_Tasks", "x_Outputs", "x_Bytes", "x_UnpricedTasks"),
)
_SUMS: Final = ("cost", "tasks", "outputs", "bytes", "unpriced")

Row = dict[str, Any]
"""What is written down of a task: its cells in the tables, and its files by their keys."""


def row_of(task: Task, *, model: str, campaign: str | None) -> Row:
    """What an export needs of a task, as JSON. `model` is the id of its model, `campaign` its campaign's name."""
    actual, estimated = task.cost.actual, task.cost.estimated
    return {
        "id": task.id,
        "type": task.type,
        "status": task.status,
        "provider": task.provider,
        "model": model,
        "prompt": task.prompt,
        "seed": task.seed,
        "client_id": task.client_id,
        "campaign_id": task.campaign_id,
        "campaign": campaign,
        "rating": task.rating,
        "tags": ", ".join(task.tags),
        "created_by": task.created_by,
        "created_at": format_timestamp(task.created_at),
        "completed_at": task.completed_at and format_timestamp(task.completed_at),
        "cost_estimated": None if estimated is None else format(estimated, "f"),
        "cost_actual": None if actual is None else format(actual, "f"),
        "currency": task.cost.currency,
        "error": task.error and task.error.code,
        "over": task.over,
        "unpriced": task.over and is_unpriced(task),
        "cost": in_millionths(actual),
        "day": format_timestamp(task.completed_at or task.updated_at)[:10],
        "outputs": [_file_of(each) for each in task.outputs],
    }


def _file_of(output: Output) -> dict[str, Any]:
    made = output.provenance and output.provenance.model_dump(mode="json")
    return {"key": output.key, "bytes": output.bytes, "content_type": output.content_type, "provenance": made}


def names_of(row: Row) -> Iterator[str]:
    """The name of each file of a task within its campaign's folder: its prompt's first words and its number."""
    for number, output in enumerate(row["outputs"], 1):
        yield file_name([row["prompt"]], number, output["key"].rpartition(".")[2])


def folder_of(row: Row) -> str:
    """The folder of a task's campaign."""
    return folder_name(row["campaign"] or "No campaign")


def tasks_csv(rows: Iterable[Row], names: Iterator[str]) -> Iterator[bytes]:
    """The table of the tasks. `names` are those of all files, in the order of the tasks."""
    yield csv_line(_COLUMNS).encode()
    for row in rows:
        files = "\n".join(next(names, "") for _ in row["outputs"])
        yield csv_line({**row, "files": files}[column] for column in _COLUMNS).encode()


def spend_csv(rows: Iterable[Row]) -> Iterator[bytes]:
    """What the tasks that have ended cost, by the day of their end, provider and model, in the columns of reports."""
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for row in rows:
        if row["over"]:
            of = tuple(row[each] for each in ("day", "type", "provider", "model", "status", "currency"))
            sums.setdefault(of, Counter()).update(_amounts(row))
    yield csv_line(_SPEND).encode()
    for of, amounts in sorted(sums.items()):
        day, *group = of
        cost, *rest = (amounts[name] for name in _SUMS)
        yield csv_line([f"{day}T00:00:00Z", *group, from_millionths(cost), *rest]).encode()


def _amounts(row: Row) -> Mapping[str, int]:
    outputs = row["outputs"]
    return {
        "cost": row["cost"],
        "tasks": 1,
        "outputs": len(outputs),
        "bytes": sum(each["bytes"] for each in outputs),
        "unpriced": int(row["unpriced"]),
    }


def manifest(
    export: Export, rows: Iterable[Row], files: Iterator[tuple[str, str | None, int | None]]
) -> Iterator[bytes]:
    """What is in the archives, as JSON. `files` are name, SHA-256 and volume of each; one that was gone has none."""
    about = {
        "export_id": export.id,
        "created_at": format_timestamp(export.created_at),
        "client_id": export.client_id,
        "campaign_id": export.campaign_id,
        "tasks": export.tasks,
        "missing": export.missing,
    }
    yield json.dumps(about, ensure_ascii=False)[:-1].encode() + b',"files":['
    separator = b"\n"
    for row in rows:
        shown = {name: row[name] for name in ("type", "provider", "model", "prompt", "seed", "campaign_id", "campaign")}
        costs = {name: row[f"cost_{name}"] for name in ("estimated", "actual")} | {"currency": row["currency"]}
        for number, output in enumerate(row["outputs"]):
            found = next(files, None)
            if found is None:
                break  # files are not included
            name, sha256, volume = found
            entry = {"name": name, "task_id": row["id"], "output": number, "content_type": output["content_type"]}
            stored = {"bytes": output["bytes"], "sha256": sha256, "missing": sha256 is None, "volume": volume}
            made = {"provenance": output.get("provenance")}  # plans from before have none
            line = json.dumps({**entry, **stored, **shown, "cost": costs, **made}, ensure_ascii=False)
            yield separator + line.encode()
            separator = b",\n"
    yield b"\n]}\n"
