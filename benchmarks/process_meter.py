"""What a process uses, read from Linux' /proc: CPU time, memory, threads, file descriptors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """One look at a process.

    cpu_s: user and system time so far, all threads. rss_mib: resident memory. pss_mib: the same
    with shared pages divided among those who share them. anonymous_mib: what is its own and not
    backed by a file or shared memory (a leak shows here).
    """

    cpu_s: float
    rss_mib: float
    pss_mib: float
    anonymous_mib: float
    threads: int
    descriptors: int


def usage(pid: int) -> Usage:
    """Raises ProcessLookupError or FileNotFoundError if the process is gone."""
    folder = Path(f"/proc/{pid}")
    # The command's name may hold spaces and brackets; everything after the last bracket is fixed.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    memory = {}
    for line in (folder / "smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        memory[name] = int(rest.split()[0]) / 1024.0
    return Usage(
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS,
        rss_mib=memory["Rss"],
        pss_mib=memory["Pss"],
        anonymous_mib=memory["Anonymous"],
        threads=int(fields[17]),
        descriptors=len(os.listdir(folder / "fd")),
    )


def machine() -> str:
    """The machine in words, for results: cores and memory, never a name."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            gib = round(int(line.split()[1]) / 1024**2)
            return f"{os.cpu_count()} cores, {gib} GiB memory, no GPU used"
    return f"{os.cpu_count()} cores, no GPU used"


def busy_share(before: tuple[float, float], after: tuple[float, float]) -> float:
    """Share (0..1) of all cores that was busy between two `cpu_clock` readings."""
    busy, total = after[0] - before[0], after[1] - before[1]
    return busy / total if total > 0.0 else 0.0


def cpu_clock() -> tuple[float, float]:
    """Busy and total seconds of all cores since the machine started."""
    fields = [int(f) for f in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / _TICKS, sum(fields) / _TICKS


def children(pid: int) -> list[int]:
    """The processes that it started and that still run."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def command_line(pid: int) -> list[str]:
    """Its arguments; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []
