"""Mutants of imports: rows once, nothing after a cancel, files that stay the same."""

from typing import Final

from tests.mutants import DOMAIN, STORE, WEB, Mutant

IMPORTS: Final = "tests/integration/test_imports.py"
CRASHES: Final = "tests/integration/test_import_crashes.py"

MUTANTS: Final = (
    Mutant(
        "a row that was imported is not noted",
        f"{STORE}/imports.py",
        'return [replace(noted, add={**noted.add, "version": 1})]',
        "return []",
        CRASHES,
    ),
    Mutant(
        "rows are imported after a cancel",
        f"{STORE}/imports.py",
        'return Attr("status").eq(ImportStatus.PROCESSING) & Attr("offset")',
        'return Attr("offset")',
        CRASHES,
    ),
    Mutant(
        "failed rows are counted and not reported",
        f"{STORE}/imports.py",
        "self._table.transact(advance, *self._report(failures))",
        "self._table.transact(advance)",
        IMPORTS,
    ),
    Mutant(
        "every repeated start of an import sends a message",
        "functions/imports/app.py",
        " and record.started_at == format_timestamp(now):",
        ":",
        IMPORTS,
    ),
    Mutant(
        "an import is seen by other users",
        f"{STORE}/imports.py",
        "keys.imported(access.account, id_)) if is_id",
        "keys.imported(1, id_)) if is_id",
        IMPORTS,
    ),
    Mutant(
        "everybody's imports are listed",
        f"{STORE}/imports.py",
        "keys.imports_of(access.account)",
        "keys.imports_of(1)",
        IMPORTS,
    ),
    Mutant(
        "an import is read after its month",
        f"{STORE}/imports.py",
        'if item is None or item["expires_at"] <= access.at.timestamp():',
        "if item is None:",
        IMPORTS,
    ),
    Mutant(
        "an import is listed after its month",
        f"{STORE}/imports.py",
        "gt(int(access.at.timestamp()))",
        "gt(0)",
        IMPORTS,
    ),
    Mutant(
        "an import that has ended stays due",
        f"{STORE}/imports.py",
        "*(keys.DUE if ends else ()))",
        ")",
        IMPORTS,
    ),
    Mutant(
        "a turn that is over is carried out again",
        f"{STORE}/importing.py",
        "if running is None or message.turn < running.turn:",
        "if running is None:",
        IMPORTS,
    ),
    Mutant(
        "a file may be exchanged while it is imported",
        f"{STORE}/import_bucket.py",
        "Range=wanted, IfMatch=etag",
        "Range=wanted",
        IMPORTS,
    ),
    Mutant(
        "the sweep leaves an import whose message was lost",
        f"{STORE}/sweep.py",
        "lambda: self._imports.send(message)",
        "lambda: None",
        IMPORTS,
    ),
    Mutant(
        "a file has as many rows as it likes",
        f"{DOMAIN}/import_files.py",
        "if count > MOST_ROWS:",
        "if False:",
        "tests/unit/test_import_files.py",
    ),
    Mutant(
        "a file has as many lines as it likes",
        f"{DOMAIN}/import_files.py",
        "if self.place.line > MOST_LINES:",
        "if False:",
        "tests/unit/test_import_files.py",
    ),
    Mutant(
        "a workbook is taken for a text",
        f"{DOMAIN}/import_files.py",
        "    if head.startswith(_WORKBOOKS):\n",
        "    if False:\n",
        "tests/unit/test_import_files.py",
    ),
    Mutant(
        "a report of failed rows is larger than an item",
        f"{WEB}/import_rows.py",
        "len(json.dumps(kept, ensure_ascii=False).encode())",
        "len(kept)",
        IMPORTS,
    ),
    Mutant(
        "rows that are shown change no version",
        f"{STORE}/imports.py",
        '{**noted.add, "version": 1}',
        "noted.add",
        CRASHES,
    ),
)
