"""The commands of `python -m training`."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bharnet_ros.broken_pipes import end_quietly
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.interrupts import INTERRUPTED, loaded
from training.commands import store_runs
from training.config import CONFIGS, TrainingConfig, load_config
from training.config_kinds import STORE, check_kind
from training.files import check_folder

ROOT = Path(__file__).resolve().parent
MORE_COMMANDS = (
    "describe", "gestures", "picture", "import_network", "measure", "convert", "extract", "ablate",
    "ensemble", "teach", "split", "export_pose", "extract_rois", "fit_rgb", "export_rgb",
    "evaluate_rgb", "import_encoder",
)  # fmt: skip
"""Modules of `training.commands`."""

_WRITTEN = {
    "generate": ("data",), "fit": ("run_folder",), "export": ("bundle",),
    "first-light": ("data", "run_folder", "bundle"), "fit-rgb": ("run_folder",),
    "export-rgb": ("bundle",), "measure": ("cache",), "gestures": ("films", "cache"),
}  # fmt: skip
"""By command, the options beside --output and --results that name folders it writes to."""
_WRITES_FILE = ("import-encoder",)
"""Their --output is a file."""

_FILMING = ("generate", "first-light", "gestures", "measure")
_FILLING = ("convert", "extract", "extract-rois")
"""What an interrupted command has finished is not done again."""

_EPILOG = """\
A first run, step by step:
  python -m training generate            films of drawn people -> keypoints (the long step)
  python -m training fit                 train the body and the hand expert on them
  python -m training export              calibrate and write a bundle the robot loads
  python -m training evaluate            measure the bundle on people, views and speeds held out
or all of it, as the shipped bundle was made:
  python -m training first-light
With recordings instead of films (docs/training.md):
  python -m training convert NAME ...    recordings -> a store
  python -m training fit --config CONFIG, evaluate, export, ablate, ensemble
                                         the same steps, for a configuration that names a store
With a few labelled bags of your own (docs/teach_your_own.md):
  python -m training teach BAGS --output BUNDLE
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0, or 2 after a clear sentence about what was wrong."""
    parser = _parser()
    options = parser.parse_args(arguments)
    loaded()
    begin = time.monotonic()
    try:
        _check_folders(options)
        if not hasattr(options, "run_command"):
            options.run(options)
            _took(options, begin)
            return 0
        if options.threads < 1:
            raise ConfigurationError(f"--threads is {options.threads}; it must be 1 or more.")
        path = config_path(options.config)
        if check_kind(path, options.command) is STORE:
            store_runs.run(path, options)
        else:
            config = load_config(path)
            store_runs.refuse_for_films(options)
            options.run_command(config, options)
        _took(options, begin)
    except BrokenPipeError:
        return end_quietly()
    except BharnetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "training", "bharnet_ros"):
            raise
        print(
            f"error: the package {package}, which training needs, is not installed; in the folder "
            "of the sources: pip install '.[training,mediapipe]'",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as stop:  # a training on a store says itself how to go on
        kept = str(stop) or _stopped(options.command)
        print(f"\n{kept}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _took(options: argparse.Namespace, begin: float) -> None:
    print(f"{options.command} took {time.monotonic() - begin:.0f} s", flush=True)


def _stopped(command: str) -> str:
    """What somebody who interrupted the command should know."""
    if command in _FILMING:
        return "stopped; finished films are kept, run again to go on."
    if command in _FILLING:
        return "stopped; what was written so far is kept, run again to go on."
    if command == "teach":
        return "stopped; a store made of bags is kept, run again to begin its training anew."
    return "stopped; nothing is kept, run again to begin anew."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Make a model bundle: from gesture descriptions to a network the robot runs.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, function, summary in (
        ("generate", _generate, "film drawn people and let a pose estimator read the films"),
        ("fit", _fit, "train the body and the hand expert together"),
        ("export", _export, "calibrate the trained network and write a bundle"),
        ("evaluate", _evaluate, "measure a bundle on everything that was held out"),
        ("first-light", _first_light, "all of the above: reproduces the shipped bundle"),
    ):
        command = commands.add_parser(name, help=summary, description=f"{name}: {summary}.")
        command.set_defaults(run_command=function)
        command.add_argument(
            "--config", default="first_light",
            help="YAML file, or the name of one in training/configs (default: %(default)s)",
        )  # fmt: skip
        command.add_argument(
            "--data", type=Path, default=None,
            help="folder of the keypoint films (default: output/<config name>_data)",
        )  # fmt: skip
        command.add_argument(
            "--run", "--run-folder", type=Path, default=None, dest="run_folder",
            help="folder of the trained weights (default: output/<config name>_run); torchrun "
            "takes the short form for its own",
        )  # fmt: skip
        command.add_argument(
            "--bundle", type=Path, default=None,
            help="folder of the bundle, or the name of a shipped one to evaluate it "
            "(default: output/<config name>_bundle)",
        )  # fmt: skip
        command.add_argument(
            "--threads", type=int, default=1,
            help="CPU threads for training; results repeat exactly only with the same number "
            "(default: %(default)s)",
        )  # fmt: skip
        if name in ("fit", "first-light"):
            command.add_argument(
                "--init", default=None, metavar="BUNDLE",
                help="bundle (name or folder) whose weights to start from",
            )  # fmt: skip
        if name in ("generate", "first-light"):
            command.add_argument(
                "--workers", type=int, default=2,
                help="processes that film at the same time; 0 films in this one "
                "(default: %(default)s)",
            )  # fmt: skip
            command.add_argument(
                "--split", action="append", default=None,
                help="film only this split; may be given several times",
            )  # fmt: skip
        if name in ("evaluate", "first-light"):
            command.add_argument(
                "--results", type=Path, default=None,
                help="folder for the report (default: training/results)",
            )  # fmt: skip
        if name == "evaluate":
            command.add_argument(
                "--stamp", action="store_true",
                help="write the figures into the manifest of the bundle, too",
            )  # fmt: skip
            command.add_argument(
                "--beside", type=Path, action="append", default=[], metavar="BUNDLE",
                help="another bundle whose answers to outsiders are reported beside this one's; "
                "may be given several times",
            )  # fmt: skip
        store_runs.add_options(command, name)
    for name in MORE_COMMANDS:
        if importlib.util.find_spec(f"training.commands.{name}") is not None:
            importlib.import_module(f"training.commands.{name}").register(commands)
    return parser


def _check_folders(options: argparse.Namespace) -> None:
    """Raise ConfigurationError for a folder that cannot be written, before anything takes time."""
    given = vars(options)
    wanted = [*("output", "results"), *_WRITTEN.get(options.command, ())]
    if options.command in _WRITES_FILE:
        wanted.remove("output")
    for name in wanted:
        if name in given:
            usual = store_runs.RESULTS if name == "results" else Path("output")
            check_folder(f"--{name.removesuffix('_folder')}", given[name] or usual)


def config_path(name: str) -> Path:
    """A path as it is; a bare name among the shipped configurations."""
    path = Path(name)
    return path if path.suffix else CONFIGS / f"{name}.yaml"


def _folder(chosen: Path | None, config: TrainingConfig, kind: str) -> Path:
    return chosen or Path("output") / f"{config.name}_{kind}"


def _generate(config: TrainingConfig, options: argparse.Namespace) -> None:
    from training.generate import generate

    generate(config, _folder(options.data, config, "data"), options.workers, options.split)


def _fit(config: TrainingConfig, options: argparse.Namespace) -> None:
    import torch

    from bharnet_ros.bundle import load_bundle
    from training.fit import fit
    from training.starting import starting_weights

    torch.set_num_threads(options.threads)
    initial = None if options.init is None else starting_weights(load_bundle(options.init))
    data, run = _folder(options.data, config, "data"), _folder(options.run_folder, config, "run")
    fit(config, data, run, initial=initial)


def _export(config: TrainingConfig, options: argparse.Namespace) -> None:
    from training.finish import calibrate_and_export

    calibrate_and_export(
        config,
        _folder(options.data, config, "data"),
        _folder(options.run_folder, config, "run"),
        _folder(options.bundle, config, "bundle"),
        f"python -m training {options.command} --config {options.config}",
    )


def _evaluate(config: TrainingConfig, options: argparse.Namespace) -> None:
    from training.finish import evaluate_bundle

    evaluate_bundle(
        config,
        _folder(options.data, config, "data"),
        _folder(options.bundle, config, "bundle"),
        options.results or ROOT / "results",
        f"python -m training {options.command} --config {options.config}",
        stamp=getattr(options, "stamp", True),
        beside=getattr(options, "beside", ()),
    )


def _first_light(config: TrainingConfig, options: argparse.Namespace) -> None:
    for step in (_generate, _fit, _export, _evaluate):
        begin = time.monotonic()
        step(config, options)
        print(f"  {step.__name__.strip('_')}: {time.monotonic() - begin:.0f} s", flush=True)
