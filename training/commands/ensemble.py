"""`python -m training ensemble`: several trained runs as one."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.store_runs import RESULTS


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "add the scores of several runs, such as one for each modality"
    command = commands.add_parser(
        "ensemble",
        help=summary,
        description=f"ensemble: {summary}, and measure the sum. The runs must have judged the "
        "same clips. Weights must be chosen on the validation part.",
    )
    command.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders of runs")
    command.add_argument(
        "--weights", nargs="+", type=float, default=None, help="one a run (default: 1 each)"
    )
    command.add_argument(
        "--part", default="test", choices=("validation", "test"), help="(default: %(default)s)"
    )
    command.add_argument("--name", default="ensemble", help="of the report (default: %(default)s)")
    command.add_argument(
        "--data", type=Path, default=None, help="the store, if it moved since the training"
    )
    command.add_argument(
        "--results", type=Path, default=RESULTS,
        help="folder of the report (default: training/results)",
    )  # fmt: skip
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure and report."""
    from training.engine.ensembling import ensemble_runs

    weights = f" --weights {' '.join(map(str, options.weights))}" if options.weights else ""
    ensemble_runs(
        options.runs, options.weights, options.part, options.results, options.name,
        f"python -m training ensemble {' '.join(run.name for run in options.runs)}{weights} "
        f"--part {options.part}",
        "" if options.data is None else str(options.data),
    )  # fmt: skip
