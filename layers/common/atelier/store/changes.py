"""A change that is about to be made: its writes, and what is there afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from atelier.store.table import Write


@dataclass(frozen=True)
class Change:
    """The writes of a change, none if there is nothing to change; and the record as it is then, None if it is gone."""

    writes: Sequence[Write]
    record: Any
