"""`python -m training ablate`: what each part of the method earns."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.store_runs import RESULTS, add_machine_options, load, machine


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "train and measure variants of a network over several seeds, as one table"
    command = commands.add_parser(
        "ablate",
        help=summary,
        description=f"ablate: {summary}. Finished runs are kept: interrupted, the same command "
        "goes on. The table is written anew after each run. Commands for different protocols may "
        "run side by side with one --output.",
    )
    command.add_argument(
        "--config", required=True,
        help="YAML file that names a store, or the name of one in training/configs",
    )  # fmt: skip
    command.add_argument(
        "--variants", nargs="+", default=None, metavar="NAME",
        help="body_only hand_only unified dual_stream joint_loss pooling_attention expertized "
        "noisy_or balanced noisy_or_balanced (default: all that the experts allow)",
    )  # fmt: skip
    command.add_argument(
        "--protocols", nargs="+", default=None, metavar="NAME",
        help="protocols to run (default: the configuration's)",
    )  # fmt: skip
    command.add_argument("--seeds", type=int, default=3, help="how many (default: %(default)s)")
    command.add_argument(
        "--data", type=Path, default=None, help="the store (default: the configuration's)"
    )
    command.add_argument(
        "--output", type=Path, default=None,
        help="folder of the runs (default: output/<config name>_ablation)",
    )  # fmt: skip
    command.add_argument(
        "--results", type=Path, default=RESULTS,
        help="folder of the table (default: training/results)",
    )  # fmt: skip
    command.add_argument(
        "--threads", type=int, default=1, help="CPU threads (default: %(default)s)"
    )
    add_machine_options(command.add_argument_group("machine"))
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Train, measure, write the table."""
    from training.cli import config_path
    from training.config_kinds import check_kind
    from training.engine.ablation import ablate, possible_variants

    path = config_path(options.config)
    check_kind(path, options.command)
    config = load(path, options.data, None)
    protocols = options.protocols or [config.data.protocol]
    try:
        ablate(
            config,
            options.variants or possible_variants(config),
            protocols,
            options.seeds,
            options.output or Path("output") / f"{config.name}_ablation",
            options.results,
            f"python -m training ablate --config {Path(options.config).stem} "
            + (f"--variants {' '.join(options.variants)} " if options.variants else "")
            + f"--protocols {' '.join(protocols)} --seeds {options.seeds}",
            machine(options),
        )
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(
            "stopped; finished runs are kept, the same command goes on with the others."
        ) from stop
