"""`python -m bharnet_ros replay`: publish a bag, with the options of `ros2 bag play`."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from bharnet_ros.bags.playback import MAX_RATE, MIN_RATE, PlayOptions
from bharnet_ros.bags.qos_text import qos_overrides
from bharnet_ros.bags.records import TopicQos
from bharnet_ros.errors import ConfigurationError

_NS = 1_000_000_000


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `replay`."""
    parser = commands.add_parser(
        "replay",
        help="publish what a bag recorded, as ros2 bag play does",
        description="Publishes the topics of a bag in time. The options are those of "
        "`ros2 bag play`. Ends with the bag, or with Ctrl-C.",
    )
    parser.add_argument("bag", help="a bag's folder, or a .mcap or .db3 file")
    add = parser.add_argument
    add("-r", "--rate", type=_rate, default=1.0,
        help=f"bag seconds per second, {MIN_RATE:g} to {MAX_RATE:g} (default 1)")  # fmt: skip
    add("-l", "--loop", action="store_true", help="begin anew at the end")
    add("-p", "--start-paused", action="store_true", help="wait for the service replay/resume")
    add("-d", "--delay", type=_not_negative, default=0.0, metavar="SECONDS",
        help="wait before the beginning (of each loop)")  # fmt: skip
    add("--start-offset", type=_not_negative, default=0.0, metavar="SECONDS",
        help="leave out the bag's beginning")  # fmt: skip
    add("--playback-duration", type=float, default=-1.0, metavar="SECONDS",
        help="end after so many seconds of the bag (negative: at its end)")  # fmt: skip
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--playback-until-sec", type=float, default=-1.0, metavar="STAMP",
        help="end at this log time in seconds")  # fmt: skip
    until.add_argument("--playback-until-nsec", type=int, default=-1, metavar="STAMP",
        help="the same in nanoseconds")  # fmt: skip
    add("--topics", nargs="+", default=[], metavar="TOPIC", help="play only these")
    add("-e", "--regex", default="", help="play the topics that match (and those of --topics)")
    add("--exclude-topics", nargs="+", default=[], metavar="TOPIC", help="do not play these")
    add("-x", "--exclude-regex", default="", metavar="REGEX", help="nor those that match")
    add("-m", "--remap", nargs="+", default=[], metavar="FROM:=TO", help="rename topics")
    add("--qos-profile-overrides-path", default="", metavar="FILE",
        help="YAML file: quality of service by topic")  # fmt: skip
    clock = parser.add_mutually_exclusive_group()
    clock.add_argument("--clock", type=_positive, nargs="?", const=40.0, default=0.0, metavar="HZ",
        help="publish /clock, so often (40 without a number)")  # fmt: skip
    clock.add_argument("--clock-topics", nargs="+", default=[], metavar="TOPIC",
        help="publish /clock before each message of these")  # fmt: skip
    clock.add_argument("--clock-topics-all", action="store_true",
        help="publish /clock before each message")  # fmt: skip
    add("--read-ahead-queue-size", type=_count, default=1000, metavar="MESSAGES",
        help="read at most so many in advance, and never more than 64 MB (default 1000)",
        )  # fmt: skip
    add("--wait-for-all-acked", type=int, default=1000, metavar="MILLISECONDS",
        help="at the end, wait until reliable subscribers have everything; 0 = for ever, "
        "negative = not at all (default 1000)")  # fmt: skip
    add("--wait-for-subscribers", action="store_true",
        help="begin when every topic that is played has a subscriber")  # fmt: skip
    add("--min-subscribers", type=_count, default=0, metavar="NUMBER",
        help="begin when every topic that is played has so many")  # fmt: skip
    add("--disable-keyboard-controls", action="store_true",
        help="accepted and ignored; there are none")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Play the bag; the exit status. Raises BagError or ConfigurationError."""
    from bharnet_ros.bags import open_bag
    from bharnet_ros.nodes.replay import replay

    play = play_options(options)
    with open_bag(options.bag) as bag:
        return replay(bag, play, getattr(options, "ros_args", ()))


def play_options(options: argparse.Namespace) -> PlayOptions:
    """The options of a command line. Raises ConfigurationError for an unreadable file."""
    until_ns = options.playback_until_nsec
    if until_ns < 0 and 0 <= options.playback_until_sec < math.inf:  # inf: to the end
        until_ns = round(options.playback_until_sec * _NS)
    duration_s = options.playback_duration
    return PlayOptions(
        rate=options.rate,
        loop=options.loop,
        start_paused=options.start_paused,
        start_offset_s=options.start_offset,
        playback_duration_s=duration_s if duration_s >= 0 else None,
        playback_until_ns=until_ns if until_ns >= 0 else None,
        topics=tuple(options.topics),
        regex=options.regex,
        exclude_topics=tuple(options.exclude_topics),
        exclude_regex=options.exclude_regex,
        remap=tuple(options.remap),
        clock_hz=options.clock,
        clock_topics=tuple(options.clock_topics),
        clock_topics_all=options.clock_topics_all,
        delay_s=options.delay,
        wait_for_all_acked_ms=options.wait_for_all_acked,
        min_subscribers=max(options.min_subscribers, int(options.wait_for_subscribers)),
        read_ahead=options.read_ahead_queue_size,
        qos_overrides=_overrides(options.qos_profile_overrides_path),
    )


def _overrides(path: str) -> dict[str, TopicQos]:
    if not path:
        return {}
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The file {path} cannot be read: {error}.") from error
    return qos_overrides(text, path)


def _positive(text: str) -> float:
    value = _not_negative(text)
    if value == 0:
        raise argparse.ArgumentTypeError(f"{text!r} must be more than 0")
    return value


def _rate(text: str) -> float:
    value = _positive(text)
    if not MIN_RATE <= value <= MAX_RATE:
        raise argparse.ArgumentTypeError(f"{text!r} must lie between {MIN_RATE:g} and {MAX_RATE:g}")
    return value


def _not_negative(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} must not be negative")
    return value


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 on")
    return int(text)
