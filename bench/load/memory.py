"""How much memory every process of the local run has, whether that grows, and how busy the machine is."""

import os
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from local.emulator import Emulator
from local.forking import function_processes
from local.logs import short_name

SERVER: Final = "server"
"""The emulator's own process, with our edge in it."""
TOLERANCE: Final = 0.05
KIB_PER_MB: Final = 1024
THIRDS: Final = 3

_COLUMNS: Final = ("pgid", "ppid", "pid", "rss", "time")
_PS: Final = ("ps", "-ax", *(option for name in _COLUMNS for option in ("-o", f"{name}=")))


@dataclass(frozen=True, slots=True)
class Sample:
    """One moment: resident memory in MB by role and process, and the processor time of all since they started."""

    at: float
    megabytes: dict[tuple[str, int], float]
    seconds: float

    def of(self, role: str) -> dict[int, float]:
        """What the processes of this role have."""
        return {pid: megabytes for (of, pid), megabytes in self.megabytes.items() if of == role}


@dataclass(frozen=True, slots=True)
class Trend:
    """How the memory of the processes of one role went: how many there were at most, and MB of one on average."""

    role: str
    processes: int
    start: float
    end: float
    per_minute: float
    growth: float

    @property
    def leaks(self) -> bool:
        """Whether it is ours and grows."""
        return self.role != SERVER and self.growth > TOLERANCE


@dataclass(slots=True)
class Memory:
    """Samples of the local run's processes, which are one group, named by its first."""

    emulator: Emulator
    samples: list[Sample] = field(default_factory=list)

    def sample(self) -> None:
        """Look once."""
        listed = subprocess.run(_PS, capture_output=True, text=True, check=True)  # noqa: S603 - nothing from outside
        megabytes, seconds, own = {}, 0.0, self.emulator.process.pid
        roles = {pid: short_name(name) for pid, name in function_processes(self.emulator.home).items()} | {own: SERVER}
        for line in listed.stdout.splitlines():
            group, parent, pid, kib, clock = line.split()
            if int(group) == own or os.getpid() in (int(parent), int(pid)):
                seconds += _seconds(clock)
            if int(group) == own and (role := roles.get(int(pid))):  # what others are forked from has none
                megabytes[role, int(pid)] = int(kib) / KIB_PER_MB
        self.samples.append(Sample(time.monotonic(), megabytes, seconds))

    def busy(self) -> float:
        """The share of all cores that the local run and its callers took."""
        first, last = self.samples[0], self.samples[-1]
        return (last.seconds - first.seconds) / (last.at - first.at) / (os.cpu_count() or 1)

    def trends(self) -> list[Trend]:
        """One for each role, the server's first."""
        roles = {role for each in self.samples for role, _ in each.megabytes}
        return [self._trend(role) for role in sorted(roles, key=lambda role: (role != SERVER, role))]

    def _trend(self, role: str) -> Trend:
        seen = [(each.at / 60, of_role) for each in self.samples if (of_role := each.of(role))]
        minutes, means = [at for at, _ in seen], [statistics.mean(of_role.values()) for _, of_role in seen]
        return Trend(
            role=role,
            processes=max(len(of_role) for _, of_role in seen),
            start=means[0],
            end=means[-1],
            per_minute=statistics.linear_regression(minutes, means).slope if len(seen) > 1 else 0.0,
            growth=self._growth(role),
        )

    def _growth(self, role: str) -> float:
        """By how much, from the middle third to the last, the processes that were there in both have grown."""
        third = len(self.samples) // THIRDS
        middle, last = (_by_process(part, role) for part in (self.samples[third:-third], self.samples[-third:]))
        both = middle.keys() & last.keys()
        if not both:
            return 0.0
        return sum(last[pid] for pid in both) / sum(middle[pid] for pid in both) - 1


def _seconds(clock: str) -> float:
    """`1-02:03:04`, `02:03:04` or `3:04.50` in seconds."""
    days, _, rest = clock.rpartition("-")
    return int(days or 0) * 86_400 + reduce(lambda total, part: total * 60 + float(part), rest.split(":"), 0.0)


def _by_process(samples: Iterable[Sample], role: str) -> dict[int, float]:
    """The median of each process."""
    by_process: defaultdict[int, list[float]] = defaultdict(list)
    for sample in samples:
        for pid, megabytes in sample.of(role).items():
            by_process[pid].append(megabytes)
    return {pid: statistics.median(values) for pid, values in by_process.items()}
