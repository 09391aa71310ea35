"""`python -m training extract`: videos become a store of keypoints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import yaml

from training.commands.convert import add_output_options, report


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "read keypoints from videos, into a store to train on"
    command = commands.add_parser(
        "extract",
        help=summary,
        description=f"extract: {summary}. Interrupted, the same command goes on with the next "
        "video; run again later, it adds new ones. A video's class is the name of its folder, or "
        "what --labels says.",
    )
    command.add_argument("--input", type=Path, required=True, help="a video, or a folder of them")
    add_output_options(command, parallel=True)
    command.add_argument(
        "--labels", type=Path, default=None, metavar="CSV",
        help="columns file (below --input), class, and any of subject, camera, setup, "
        "replication, group",
    )  # fmt: skip
    command.add_argument(
        "--backend", default="mediapipe", help="pose estimator (default: %(default)s)"
    )
    command.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="option of the pose estimator, for example max_people=3; may be given several times",
    )  # fmt: skip
    command.add_argument(
        "--people", type=int, default=2,
        help="people of a video that are kept at most (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--min-frames", type=int, default=5,
        help="frames in which a person must have been seen (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--dataset", default="videos", help="short name of the data set (default: %(default)s)"
    )
    command.add_argument(
        "--license", default="your own recordings", help="of the videos (default: %(default)s)"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Extract and say what came of it."""
    from training.data.converters import VideoConverter
    from training.data.converting import convert

    converter = VideoConverter(
        options.input, options.labels, options.backend, parse_options(options.option),
        options.people, options.min_frames, options.license, options.dataset,
    )  # fmt: skip
    report(convert(converter, options.output, options.workers, options.limit), options.output)


def parse_options(texts: list[str]) -> dict[str, Any]:
    """["a=1", "b=x"] -> {"a": 1, "b": "x"}, values as YAML reads them."""
    from bharnet_ros.errors import ConfigurationError

    parsed = {}
    for text in texts:
        name, found, value = text.partition("=")
        if not found or not name:
            raise ConfigurationError(f"--option {text!r} is not of the form NAME=VALUE.")
        try:
            parsed[name] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"--option {text!r} has no readable value.") from error
    return parsed
