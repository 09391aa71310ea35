"""`fit`, `evaluate` and `export` for configurations that name a store."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.feature_config import MODALITIES

if TYPE_CHECKING:
    from training.engine.config import StoreConfig
    from training.engine.fitting import Machine

COMMANDS = ("fit", "export", "evaluate")
RESULTS = Path(__file__).resolve().parents[1] / "results"


def add_options(command: argparse.ArgumentParser, name: str) -> None:
    """What these commands take beside the options of films."""
    if name not in COMMANDS:
        return
    group = command.add_argument_group(
        "for a configuration that names a store (docs/training.md); --data is then the store"
    )
    group.add_argument(
        "--seed", type=int, default=None, help="another seed than the configuration's"
    )
    group.add_argument(
        "--modality", default=None, choices=MODALITIES,
        help="what the experts read instead of the configuration's modalities; train one of each, "
        "then `ensemble`",
    )  # fmt: skip
    if name == "fit":
        group.add_argument(
            "--resume", action="store_true", help="go on after the last finished epoch"
        )
        add_machine_options(group)
    if name == "evaluate":
        group.add_argument(
            "--part", default="test", choices=("validation", "test"),
            help="part of the data to judge (default: %(default)s)",
        )  # fmt: skip


def add_machine_options(group: argparse._ArgumentGroup) -> None:
    """Where to train; under torchrun the same on every node."""
    group.add_argument(
        "--accelerator", default="auto", choices=("auto", "cpu", "gpu"),
        help="(default: %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--devices", type=int, default=1, help="devices of each node (default: %(default)s)"
    )
    group.add_argument("--nodes", type=int, default=1, help="(default: %(default)s)")
    group.add_argument(
        "--loaders", type=int, default=0,
        help="processes that prepare batches, for each training process; 0 prepares in it "
        "(default: %(default)s)",
    )  # fmt: skip


def refuse_for_films(options: argparse.Namespace) -> None:
    """Raise ConfigurationError if a training on films was given what only one on a store heeds."""
    usual = {"seed": None, "modality": None, "resume": False, "part": "test"}
    given = [name for name, value in usual.items() if getattr(options, name, value) != value]
    if given:
        raise ConfigurationError(
            f"--{given[0]} is for configurations that name a store; '{options.config}' is about "
            "films. Leave it out"
            + ("; a copy of the file may have another seed." if given[0] == "seed" else ".")
        )


def machine(options: argparse.Namespace) -> Machine:
    """From the options of `add_machine_options`."""
    from training.engine.fitting import Machine

    for name in ("devices", "nodes", "threads"):
        if getattr(options, name) < 1:
            raise ConfigurationError(f"--{name} is {getattr(options, name)}; it must be 1 or more.")
    if options.loaders < 0:
        raise ConfigurationError(f"--loaders is {options.loaders}; it must be 0 or more.")
    several = options.devices * options.nodes > 1
    return Machine(
        options.accelerator, options.devices, options.nodes, "ddp" if several else "auto",
        options.loaders, options.threads,
    )  # fmt: skip


def load(
    path: Path, data: Path | None, seed: int | None, modality: str | None = None
) -> StoreConfig:
    """The configuration with what the command line changes; seed and modality are in its name."""
    from training.engine.config_file import check, load_store_config
    from training.model_config import POSE_BLOCK

    config = load_store_config(path)
    if data is not None:
        config = replace(config, data=replace(config.data, store=str(data)))
    if seed is not None:
        config = replace(config, seed=seed, name=f"{config.name}_seed{seed}")
        check(config, "--seed")
    if modality is not None:
        if any(getattr(config.model, stream).block == POSE_BLOCK for stream in config.streams):
            raise ConfigurationError(
                f"--modality is '{modality}', but experts of block '{POSE_BLOCK}' always read "
                "joints, bones and their motion together; leave it out, or choose a graph block."
            )
        body, hand = (
            replace(expert, modalities=(modality,))
            for expert in (config.model.body, config.model.hand)
        )
        model = replace(config.model, body=body, hand=hand)
        config = replace(config, model=model, name=f"{config.name}_{modality}")
        check(config, "--modality")
    return config


def run(path: Path, options: argparse.Namespace) -> None:
    """One of `COMMANDS` as the options say."""
    config = load(path, options.data, options.seed, options.modality)
    folder = options.run_folder or Path("output") / f"{config.name}_run"
    command = f"python -m training {options.command} --config {path.stem}"
    for name in ("seed", "modality"):
        if getattr(options, name) is not None:
            command += f" --{name} {getattr(options, name)}"
    if options.command == "fit":
        from training.engine.fitting import fit_store

        if options.init is not None:
            config = replace(config, init=replace(config.init, bundle=options.init))
        fit_store(config, folder, machine(options), options.resume)
    elif options.command == "evaluate":
        from training.engine.evaluating import evaluate_run

        evaluate_run(folder, options.results or RESULTS, command, options.part, config.data.store)
    else:
        from training.engine.exporting import export_run

        export_run(
            folder, options.bundle or Path("output") / f"{config.name}_bundle", config.bundle,
            command, config.data.store,
        )  # fmt: skip
