"""python -m bharnet_ros: the graph on machines without `ros2 launch`, and the tools around it."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from bharnet_ros.broken_pipes import end_quietly
from bharnet_ros.errors import BharnetError
from bharnet_ros.interrupts import INTERRUPTED, loaded, quiet_while_loading

_MODULES = (
    "bharnet_ros.graph_commands",
    "bharnet_ros.demo.command",
    "bharnet_ros.record_command",
    "bharnet_ros.replay_command",
    "bharnet_ros.evaluate_command",
    "bharnet_ros.label_command",
    "bharnet_ros.models_store.command",
    "bharnet_ros.engines_command",
)
"""Each has register(commands), which adds its sub-commands, and run(options), which runs them."""

_WITHOUT_ROS = ("evaluate", "label", "models", "engines")
"""These work where there is no ROS (`evaluate` but for --live, and says so itself)."""

_ROS_ARGUMENTS = ("node", "record", "replay")
"""These give ROS arguments to the node that they run. To the others launch adds a bare
--ros-args."""


def program(arguments: Sequence[str] | None = None) -> int:
    """`main` as a process of its own, which Ctrl-C ends quietly from the beginning on."""
    quiet_while_loading()
    return main(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 1 with a sentence on stderr. Wrong arguments end in SystemExit(2)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    ros: list[str] = []
    if "--ros-args" in given:
        at = given.index("--ros-args")
        given, ros = given[:at], given[at:]
    parser, modules = _parser()
    options, unknown = parser.parse_known_args(given)
    if unknown:
        parser.error(_unknown(unknown))
    options.ros_args = ros
    if len(ros) > 1 and not _takes_ros_arguments(options):
        parser.error(_instead(options, ros))
    try:
        if options.command not in _WITHOUT_ROS:
            from bharnet_ros.nodes.environment import require_ros

            require_ros()
        if options.command != "node":  # which sets handlers of its own before it does anything
            loaded()
        status: int = modules[options.command].run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        return end_quietly()
    except BharnetError as error:
        print(f"bharnet_ros: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before a command listens to signals itself
        return INTERRUPTED
    return status


def _unknown(words: Sequence[str]) -> str:
    """What argparse says, and how to write what was written as for `ros2 launch`."""
    launch = [word.partition(":=") for word in words if word.partition(":=")[0].isidentifier()]
    remedy = " ".join(f"--{name} {value}" for name, colon, value in launch if colon)
    said = f"unrecognized arguments: {' '.join(words)}"
    return f"{said}; without `ros2 launch` write {remedy}" if remedy else said


def _takes_ros_arguments(options: argparse.Namespace) -> bool:
    # `record --simulated` starts processes, as `recognize` does.
    return options.command in _ROS_ARGUMENTS and not getattr(options, "simulated", False)


def _instead(options: argparse.Namespace, ros: Sequence[str]) -> str:
    """What to use where ROS arguments would go nowhere."""
    known = ("namespace", "params_file", "use_sim_time", "log_level")
    own = ", ".join(f"--{name}" for name in known if hasattr(options, name))
    use = f"use {own}, or run" if own else "run"
    return (
        f"{options.command} starts its nodes itself and takes no ROS arguments "
        f"({' '.join(ros)}); {use} single nodes with `node NAME --ros-args ...`"
    )


def _parser() -> tuple[argparse.ArgumentParser, dict[str, Any]]:
    """The parser, and the module of each sub-command."""
    parser = argparse.ArgumentParser(
        prog="python -m bharnet_ros",
        description="Recognise what people do, from camera images, on ROS 2.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    modules: dict[str, Any] = {}
    for path in _MODULES:
        module = importlib.import_module(path)
        module.register(commands)
        for name in commands.choices:
            modules.setdefault(name, module)
    return parser, modules


if __name__ == "__main__":
    sys.exit(program())
