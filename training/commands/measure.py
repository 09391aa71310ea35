"""`python -m training measure`: what a bundle is worth, beside a peer."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from bharnet_ros.errors import ConfigurationError

if TYPE_CHECKING:
    from training.measuring.training_hook import Trainer

_WHAT = (
    "landmarks", "photographs", "hand_shapes", "unknown", "digits", "idle", "reaction",
    "untrimmed", "drawn", "heads", "rates", "bystanders", "fewshot", "teach",
)  # fmt: skip


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    command = commands.add_parser(
        "measure",
        help="measure a bundle on real hands, drawn people and clips",
        description="Measure a bundle, beside a peer, and write gestures_<what>.json and .md.",
    )
    command.add_argument("what", choices=(*_WHAT, "all"), help="what to measure")
    command.add_argument("--bundle", default="gestures", help="name or folder (%(default)s)")
    command.add_argument("--peer", default=None, help="bundle to stand beside it")
    command.add_argument(
        "--data", type=Path, default=Path("../shared/data"),
        help="folder of the real data (%(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--output", type=Path, default=Path("training/results"),
        help="folder for the reports (%(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--cache", type=Path, default=Path("output/measuring"),
        help="folder for keypoints and films, made once (%(default)s)",
    )  # fmt: skip
    command.add_argument("--workers", type=int, default=1, help="processes for films (%(default)s)")
    command.add_argument("--threads", type=int, default=1, help="of the networks (%(default)s)")
    command.add_argument(
        "--vocabulary", default="gestures",
        help="what drawn people do: a shipped vocabulary or a YAML file (%(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--films", type=int, default=None,
        help="how many films of people who gesture, or scripts (24; 3)",
    )  # fmt: skip
    command.add_argument(
        "--init", default=None,
        help="bundle made of descriptions alone, which trainings with recordings start from",
    )  # fmt: skip
    command.add_argument(
        "--shots", type=int, nargs="+", default=[],
        help="teach: so many examples of a gesture, too, beside all ten",
    )  # fmt: skip
    command.add_argument("--tag", default="", help="added to the names of the reports")
    command.add_argument("--seed", type=int, default=7, help="of what is drawn (%(default)s)")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from training.measuring.catalogue import MEASUREMENTS, Request, run

    for name in ("workers", "threads", "films"):
        given = getattr(options, name)
        if given is not None and given < 1:
            raise ConfigurationError(f"--{name} is {given}; give 1 or more.")
    words = ["python", "-m", "training", "measure", options.what, "--bundle", options.bundle]
    if options.peer:
        words += ["--peer", options.peer]
    if options.vocabulary != "gestures":
        words += ["--vocabulary", options.vocabulary]
    if options.seed != 7:
        words += ["--seed", str(options.seed)]
    if options.films:
        words += ["--films", str(options.films)]
    if options.init:
        words += ["--init", options.init]
    if options.shots:
        words += ["--shots", *map(str, options.shots)]
    if options.tag:
        words += ["--tag", options.tag]
    request = Request(
        options.bundle, options.peer, options.data, options.cache, options.output,
        shlex.join(words), options.workers, options.seed, options.threads, options.vocabulary,
        _trainer(options), options.films, options.tag, tuple(options.shots),
    )  # fmt: skip
    run(request, list(MEASUREMENTS) if options.what == "all" else [options.what])


def _trainer(options: argparse.Namespace) -> Trainer | None:
    """Whoever trains from descriptions and recordings; None where that part is not there."""
    name = "training.describing.measured"
    if options.what not in ("hand_shapes", "fewshot", "all") or not importlib.util.find_spec(name):
        return None
    trainer: Trainer = importlib.import_module(name).make_trainer(options)
    return trainer
