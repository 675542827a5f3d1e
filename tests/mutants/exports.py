"""Mutants of exports: every file, safe names, nothing left behind, and for nobody who may not read it."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

BUILDER: Final = f"{STORE}/export_builder.py"
EXPORTS: Final = f"{STORE}/exports.py"
NAMES: Final = f"{DOMAIN}/file_names.py"
ARCHIVE: Final = f"{DOMAIN}/zip_archive.py"
OVER_HTTP: Final = "tests/integration/test_exports.py"
NAMED: Final = "tests/property/test_file_names.py"
ZIPPED: Final = "tests/unit/test_zip_archive.py"

MUTANTS: Final = (
    Mutant("a dot of a prompt is in a file's name", NAMES, "|?*.%", "|?*%", NAMED),
    Mutant(
        "a device of Windows is a folder",
        NAMES,
        "if _DEVICES.fullmatch(comparison_key(name)) else name",
        "if False else name",
        NAMED,
    ),
    Mutant(
        "names that differ in case are distinct", NAMES, "return comparison_key(name.upper())", "return name", NAMED
    ),
    Mutant(
        "what lies behind four GiB has no ZIP64 field",
        ARCHIVE,
        "(entry.size, entry.size, entry.offset)",
        "(entry.size, entry.size)",
        ZIPPED,
    ),
    Mutant(
        "other bytes than announced are archived",
        ARCHIVE,
        "        if (written, found) != (size, crc):\n",
        "        if False:\n",
        ZIPPED,
    ),
    Mutant(
        "a file replaced between two reads is archived",
        BUILDER,
        'self._open(file.key, IfMatch=first["ETag"])',
        "self._open(file.key)",
        "tests/unit/test_export_builder.py",
    ),
    Mutant(
        "uploads of a worker that died stay open",
        BUILDER,
        "    def _volume(self, export: Export, clock: Clock) -> Export:\n        self._abort_uploads(export.folder)\n",
        "    def _volume(self, export: Export, clock: Clock) -> Export:\n",
        OVER_HTTP,
    ),
    Mutant(
        "an export whose workers die is never over", BUILDER, "if export.attempts > ATTEMPTS:", "if False:", OVER_HTTP
    ),
    Mutant("a volume has no end", BUILDER, "self._room + room > VOLUME_BYTES or", "", OVER_HTTP),
    Mutant(
        "the files of a deleted export stay",
        BUILDER,
        "        if export.deleted_at is not None:\n            self._empty(export.folder)\n",
        "        if export.deleted_at is not None:\n",
        OVER_HTTP,
    ),
    Mutant(
        "what a step has stored of a removed export stays",
        BUILDER,
        "return self._superseded(export)  #",
        'return "superseded"  #',
        OVER_HTTP,
    ),
    Mutant(
        "an overdue export is not put back",
        f"{STORE}/sweep.py",
        "lambda: self._exports.send(message)",
        "lambda: None",
        OVER_HTTP,
    ),
    Mutant(
        "an export is everybody's",
        EXPORTS,
        "export = self.load(access.actor, id_) if is_id",
        "export = self.load(1, id_) if is_id",
        OVER_HTTP,
    ),
    Mutant("everybody's exports are listed", EXPORTS, "keys.exports_of(access.actor)", "keys.exports_of(1)", OVER_HTTP),
    Mutant(
        "an export is listed whose share was revoked",
        EXPORTS,
        "self._readable(from_items(Export, found), access)",
        "from_items(Export, found)",
        OVER_HTTP,
    ),
    Mutant(
        "a page of exports asks for shares that it has not",
        EXPORTS,
        "        if not given:\n",
        "        if False:\n",
        OVER_HTTP,
    ),
    Mutant(
        "a deleted export is listed", EXPORTS, 'Attr("deleted_at").not_exists() & Attr("exp', 'Attr("exp', OVER_HTTP
    ),
    Mutant("an export is listed after its week", EXPORTS, "gt(int(access.at.timestamp()))", "gt(0)", OVER_HTTP),
    Mutant(
        "a list ends where a filter has found nothing",
        f"{STORE}/newest.py",
        "if len(found) > query.page_size else end",
        'if len(found) > query.page_size else ""',
        OVER_HTTP,
    ),
    Mutant(
        "a share that was revoked still downloads",
        EXPORTS,
        "            or not self._readable([export], access)\n",
        "",
        OVER_HTTP,
    ),
    Mutant(
        "an export is read after its week", EXPORTS, "            or export.expires_at <= access.at\n", "", OVER_HTTP
    ),
    Mutant(
        "a stranger learns that a task is there",
        EXPORTS,
        "            if not any(_covers(grant, item) for grant in grants):\n",
        "            if False:\n",
        OVER_HTTP,
    ),
)
