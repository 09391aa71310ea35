"""`python -m training fit-rgb`: stage two, the branch that looks at pixels."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.store_runs import add_machine_options, machine


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "train the RGB branch on top of a finished skeleton run"
    command = commands.add_parser(
        "fit-rgb",
        help=summary,
        description=f"fit-rgb: {summary}. The skeleton's networks stay as they are; what is "
        "learned is which of the classes they take for each other the pixels show (docs/rgb.md).",
    )
    command.add_argument(
        "--config", default="held_objects_rgb",
        help="YAML file, or the name of one in training/configs (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--skeleton", type=Path, required=True, help="folder of the run that `fit` wrote"
    )
    command.add_argument(
        "--store", type=Path, default=None, help="its store, if it moved since the training"
    )
    command.add_argument(
        "--rois", type=Path, required=True, help="folder of the store's tiles (extract-rois)"
    )
    command.add_argument(
        "--run", "--run-folder", type=Path, default=None, dest="run_folder",
        help="folder for the weights (default: output/<config name>_run)",
    )  # fmt: skip
    command.add_argument("--seed", type=int, default=None, help="another than the configuration's")
    command.add_argument(
        "--resume", action="store_true", help="go on after the last finished epoch"
    )
    command.add_argument(
        "--threads", type=int, default=1,
        help="CPU threads; results repeat exactly only with the same number (default: %(default)s)",
    )  # fmt: skip
    add_machine_options(command.add_argument_group("where to train"))
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train and report."""
    from dataclasses import replace

    from training.cli import config_path
    from training.config_kinds import check_kind
    from training.engine.rgb_config import load_rgb_config
    from training.engine.rgb_fitting import fit_rgb

    path = config_path(options.config)
    check_kind(path, options.command)
    config = load_rgb_config(path)
    if options.seed is not None:
        config = replace(config, seed=options.seed)
    fit_rgb(
        config, options.skeleton, options.rois,
        options.run_folder or Path("output") / f"{config.name}_run",
        "" if options.store is None else str(options.store), machine(options), options.resume,
    )  # fmt: skip
