"""python -m bharnet_ros record: a bag of running topics, or of the drawn actor."""

from __future__ import annotations

import argparse
from pathlib import Path

from bharnet_ros.errors import ConfigurationError

TOPICS = ("image_raw", "skeletons", "actions", "skeleton_layout", "action_labels")


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
        "--topics", nargs="+", default=list(TOPICS), metavar="TOPIC",
        help=f"what to record (default {' '.join(TOPICS)})",
    )  # fmt: skip
    parser.add_argument("--storage", choices=("mcap", "sqlite3"), default="mcap")
    parser.add_argument(
        "--duration_s", type=float, default=0.0,
        help="end after so long (default: with Ctrl-C; simulated: 60)",
    )  # fmt: skip
    film = parser.add_argument_group("simulated", "drawn people before the built-in camera")
    film.add_argument("--simulated", action="store_true", help="record these")
    film.add_argument("--num_people", type=int, default=2)
    film.add_argument("--rate_hz", type=float, default=12.0, help="images per second")
    film.add_argument("--seed", type=int, default=1, help="other people, other order of gestures")
    film.add_argument("--bundle", default="", help="whose gestures they play, and what recognises")
    film.add_argument("--classes", default="", help="gestures to play, separated by commas")


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    from bharnet_ros.nodes import recording

    if options.duration_s < 0:
        raise ConfigurationError(f"--duration_s is {options.duration_s}; it must not be negative.")
    if not options.simulated:
        return recording.record_topics(
            options.bag, options.topics, options.storage, options.duration_s, options.ros_args
        )
    names = tuple(name.strip() for name in options.classes.split(",") if name.strip())
    film = recording.Film(
        options.num_people, options.duration_s or 60.0, options.rate_hz, options.seed,
        options.bundle, names,
    )  # fmt: skip
    return recording.record_film(options.bag, film, options.storage)
