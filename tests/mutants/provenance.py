"""Mutants of provenance: who made a file, and whether a manifest is in it."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

C2PA: Final = "tests/unit/test_c2pa.py"
DOWNLOADED: Final = "tests/integration/test_media.py"
READER: Final = f"{STORE}/c2pa.py"

MUTANTS: Final = (
    Mutant(
        "anything that stands where a manifest would is one",
        READER,
        " and inside[8:24] == _TYPE",
        "",
        C2PA,
    ),
    Mutant(
        "a file that ends early has no manifest",
        READER,
        '        return "unknown"\n\n\n_TYPE',
        '        return "absent"\n\n\n_TYPE',
        C2PA,
    ),
    Mutant("a file may have any number of parts", READER, "self._left -= 1", "self._left -= 0", C2PA),
    Mutant(
        "a part may be longer than its file",
        READER,
        "size < 0 or end > self.size or not self._left",
        "not self._left",
        C2PA,
    ),
    Mutant(
        "whatever the child says of a manifest is believed",
        f"{STORE}/measuring.py",
        'return C2pa(str(answer.get("c2pa")))',
        'return answer.get("c2pa") or C2pa.UNKNOWN',
        "tests/unit/test_measuring.py",
    ),
    Mutant(
        "a large file's metadata tell of no manifest",
        f"{STORE}/media.py",
        "served = {**how, **target.served_as(form, measures.c2pa)}",
        "served = {**how, **target.served_as(form)}",
        DOWNLOADED,
    ),
    Mutant(
        "what the sandbox makes is its provider's",
        f"{DOMAIN}/pipeline.py",
        "provider=task.served_by, model=",
        "provider=task.provider, model=",
        "tests/unit/test_pipeline.py",
    ),
    Mutant(
        "provenance names a model as it was asked for",
        f"{DOMAIN}/pipeline.py",
        "model=model, at=",
        "model=task.model, at=",
        "tests/unit/test_pipeline.py",
    ),
    Mutant(
        "an export names a model as it was asked for",
        f"{STORE}/export_builder.py",
        "model = self._model_id(task.provider, task.model)",
        "model = task.model",
        "tests/integration/test_exports.py",
    ),
    Mutant(
        "an admin's share shows whom things are shared with to any token",
        f"{STORE}/activity_reader.py",
        "manages = access.role is Role.ADMIN",
        "manages = True",
        "tests/integration/test_activity.py",
    ),
)
