"""`python -m training export-rgb`: a skeleton run and its RGB run as one bundle."""

from __future__ import annotations

import argparse
from pathlib import Path


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "write the bundle of a skeleton run and its RGB run"
    command = commands.add_parser(
        "export-rgb",
        help=summary,
        description=f"export-rgb: {summary}. Without the robot's parameter rgb it is the "
        "skeleton's bundle.",
    )
    command.add_argument(
        "--run", "--run-folder", type=Path, required=True, dest="run_folder",
        help="folder of the run that `fit-rgb` wrote",
    )  # fmt: skip
    command.add_argument(
        "--skeleton", type=Path, required=True, help="folder of the skeleton run it was made on"
    )
    command.add_argument(
        "--store", type=Path, default=None, help="the store, if it moved since the training"
    )
    command.add_argument("--bundle", type=Path, required=True, help="folder to write to")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Export and report."""
    from training.engine.rgb_exporting import export_rgb

    export_rgb(
        options.run_folder, options.skeleton, options.bundle,
        f"python -m training export-rgb --skeleton {options.skeleton.name} "
        f"--run {options.run_folder.name}",
        "" if options.store is None else str(options.store),
    )  # fmt: skip
