"""python -m bharnet_ros record: a bag of running topics, or of the drawn actor."""

from __future__ import annotations

import argparse
from pathlib import Path

from bharnet_ros.errors import ConfigurationError

TOPICS = ("image_raw", "skeletons", "actions", "skeleton_layout", "action_labels")
_FILM = ("num_people", "rate_hz", "seed", "bundle", "classes")
"""Options that only make sense for drawn people."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `record`."""
    parser = commands.add_parser(
        "record",
        help="record a bag, where there is no ros2 bag record",
        description="Writes topics into a bag until Ctrl-C, as `ros2 bag record` does. With "
        "--simulated it starts the built-in camera and the recognising graph, and records them "
        "with the exact truth beside: a bag to try `evaluate` on.",
    )
    parser.add_argument("bag", type=Path, help="folder to make")
    parser.add_argument(
        "--topics", nargs="+", metavar="TOPIC",
        help=f"what to record (default {' '.join(TOPICS)})",
    )  # fmt: skip
    parser.add_argument("--storage", choices=("mcap", "sqlite3"), default="mcap")
    parser.add_argument(
        "--duration_s", type=float, default=0.0,
        help="end after so long (default: with Ctrl-C; simulated: 60)",
    )  # fmt: skip
    film = parser.add_argument_group("simulated", "drawn people before the built-in camera")
    film.add_argument("--simulated", action="store_true", help="record these")
    film.add_argument("--num_people", type=int, help="default 2")
    film.add_argument("--rate_hz", type=float, help="images per second (default 12)")
    film.add_argument("--seed", type=int, help="other people, other order of gestures (default 1)")
    film.add_argument("--bundle", help="whose gestures they play, and what recognises")
    film.add_argument("--classes", help="gestures to play, separated by commas")


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    from bharnet_ros.nodes import recording

    if not options.duration_s >= 0:  # so it is for NaN, too
        raise ConfigurationError(f"--duration_s is {options.duration_s}; it must not be negative.")
    given = {name: getattr(options, name) for name in _FILM if getattr(options, name) is not None}
    if not options.simulated:
        if given:
            raise ConfigurationError(f"--{next(iter(given))} needs --simulated.")
        return recording.record_topics(
            options.bag, options.topics or TOPICS, options.storage, options.duration_s,
            options.ros_args,
        )  # fmt: skip
    if options.topics:
        raise ConfigurationError(
            "--topics cannot be chosen with --simulated: images, truth and results are recorded."
        )
    if "classes" in given:
        given["classes"] = tuple(filter(None, map(str.strip, given["classes"].split(","))))
    film = recording.Film(duration_s=options.duration_s or 60.0, **given)
    return recording.record_film(options.bag, film, options.storage)
