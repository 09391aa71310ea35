"""Altered inputs by the thousand for every parser of something that comes from outside.

    python -m benchmarks.fuzz [--cases 2000] [--only NAME ...] [--seed N] [--output FILE]

Each case alters a valid input as damage and malice do. A case is fine if the input is used, or
refused with the typed error of its kind, within a second. The first fault of a target is made as
small as possible, shown and counted; the exit status is then 1. With --output a table is written
as JSON; targets that were left out stay in it as they are. What was found this way stays found: see
test/security.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.fuzzing.targets import Target, file_targets
from benchmarks.fuzzing.web_targets import web_targets

SLOW_S = 1.0
"""A case that takes longer (CPU time of this process) is a fault: a small input must be cheap."""


@dataclass
class Outcome:
    """Of one target. cases: inputs tried; used, refused: how many of them; slowest_ms: CPU time."""

    target: str
    what: str
    cases: int = 0
    used: int = 0
    refused: int = 0
    faults: int = 0
    slowest_ms: float = 0.0
    seconds: float = 0.0


def fuzz(target: Target, cases: int, start: int | None = None) -> tuple[Outcome, str]:
    """Run one target; the outcome, and the first fault as text ("" if there was none)."""
    outcome = Outcome(target.name, target.what)

    def timed(given_input: Any) -> tuple[bool, float]:
        begin = time.process_time()
        used = target.use(given_input)
        return used, time.process_time() - begin

    def case(given_input: Any) -> None:
        outcome.cases += 1
        try:
            used, spent = timed(given_input)
            if spent > SLOW_S:  # other threads of this process count, too: slow is what stays slow
                spent = min(spent, timed(given_input)[1])
        except Exception:
            outcome.faults += 1
            raise
        outcome.slowest_ms = max(outcome.slowest_ms, round(1e3 * spent, 1))
        if spent > SLOW_S:
            outcome.faults += 1
            raise AssertionError(f"it took {spent:.1f} s")
        outcome.used += used
        outcome.refused += not used

    run = settings(
        max_examples=cases, deadline=None, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck), derandomize=start is None,
        phases=[Phase.generate, Phase.shrink],
    )(given(target.inputs())(case))  # fmt: skip
    if start is not None:
        run = seed(start)(run)
    begin = time.monotonic()
    fault, told = "", StringIO()
    try:
        with redirect_stderr(told):
            run()
    except Exception:
        fault = traceback.format_exc(limit=-6)
    outcome.seconds = round(time.monotonic() - begin, 1)
    return outcome, fault


def write(path: Path, outcomes: Sequence[Outcome], peak_mb: int) -> None:
    """The table as JSON; targets that were not run now stay as they are in the file."""
    rows = {each.target: asdict(each) for each in outcomes}
    if path.is_file():
        before = json.loads(path.read_text("utf-8"))
        peak_mb = max(peak_mb, before["peak_memory_mb"])
        for row in before["targets"]:
            rows.setdefault(row["target"], row)
    targets = sorted(rows.values(), key=lambda row: str(row["target"]))
    data = {
        "command": "python -m benchmarks.fuzz",
        "machine": "2 shared, busy cores, no GPU",
        "cases": sum(row["cases"] for row in targets),
        "faults": sum(row["faults"] for row in targets),
        "peak_memory_mb": peak_mb,
        "targets": targets,
    }
    path.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if anything was at fault."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=2000, help="per target (default 2000)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these targets")
    parser.add_argument("--seed", type=int, help="other cases than the same ones every time")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table as JSON")
    options = parser.parse_args(arguments)
    outcomes = []
    with web_targets() as pages:
        for target in (*file_targets(), *pages):
            if options.only and target.name not in options.only:
                continue
            outcome, fault = fuzz(target, options.cases, options.seed)
            outcomes.append(outcome)
            print(
                f"{outcome.target:18} {outcome.cases:6} cases  {outcome.used:6} used  "
                f"{outcome.refused:6} refused  {outcome.faults:3} faults  slowest "
                f"{outcome.slowest_ms:6.1f} ms  {outcome.seconds:6.1f} s",
                flush=True,
            )
            if fault:
                print(fault, file=sys.stderr)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{sum(each.cases for each in outcomes)} cases, peak memory {peak_mb} MB")
    if options.output:
        write(options.output, outcomes, peak_mb)
    return int(any(each.faults for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
