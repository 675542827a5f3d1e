"""Mutants of what serves the console: where it may load from, and what stays text."""

from typing import Final

from tests.mutants import Mutant

SERVED: Final = "tests/unit/test_console.py"
FILE: Final = "layers/common/atelier/web/console.py"

MUTANTS: Final = (
    Mutant(
        "the console may load from any host",
        FILE,
        "default-src 'self';",
        "default-src *;",
        SERVED,
    ),
    Mutant(
        "a setting is markup in the console",
        FILE,
        "html.escape(json.dumps(self._about()), quote=True)",
        "json.dumps(self._about())",
        SERVED,
    ),
    Mutant(
        "a page of another version finds no script",
        FILE,
        'if own.startswith(f"{stem}-") and own != name)',
        "if own == name)",
        SERVED,
    ),
)
