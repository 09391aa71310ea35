"""A recorded bag played to the recognising graph, and a report on how good it was.

ros2 launch bharnet_ros evaluate.launch.py bag:=/path/to/bag labels:=labels.csv
"""

import atexit
import os
import shutil
import tempfile

import yaml  # launch itself needs it
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.launch_description_sources import load_python_launch_file_as_module
from launch_ros.actions import Node

from launch import LaunchDescription

shared = load_python_launch_file_as_module(os.path.join(os.path.dirname(__file__), "shared.py"))

SHARED = (
    "namespace", "params_file", "use_sim_time", "log_level", "pose_backend", "bundle", "engine",
    "image_transport", "rgb", "composed",
)  # fmt: skip
OWN = (
    DeclareLaunchArgument("bag", description="Bag to evaluate: a folder, .mcap or .db3 file."),
    DeclareLaunchArgument(
        "labels", default_value="",
        description="What truly happens in it; empty = where `label` keeps it, else its "
        "ground_truth topics.",
    ),
    DeclareLaunchArgument(
        "output", default_value="",
        description="Folder of the report; empty = output/evaluate_BAG_live.",
    ),
    DeclareLaunchArgument(
        "against", default_value="", description="evaluation.json of another run, to compare with."
    ),
    DeclareLaunchArgument(
        "rate", default_value="1.0", description="Speed of the playback, 0.01 to 100."
    ),
    DeclareLaunchArgument(
        "image_topic", default_value="",
        description="Topic of the images in the bag; empty = the only one.",
    ),
)  # fmt: skip
_PASSED_ON = ("output", "against", "params_file", "image_topic", "pose_backend", "bundle", "labels")
_SILENCE_S = 600.0
"""Silence is normal until the bag is read and plays."""


def _check(values):
    for name in ("bag", "labels", "against"):
        path = os.path.expanduser(values[name])
        if (path or name == "bag") and not os.path.exists(path):
            raise RuntimeError(f"{name} is '{values[name]}'; there is no such file or folder.")
    try:
        fits = 0.01 <= float(values["rate"]) <= 100.0
    except ValueError:
        fits = False
    if not fits:
        raise RuntimeError(f"rate is '{values['rate']}'; it must be a number from 0.01 to 100.")


_NODES = ("pose_estimator", "action_recognizer")


def _ours(path, namespace):
    """The same parameters for the nodes of our namespace, in a file of its own.

    The file is the robot's, and rcl would give nothing of it to nodes in another namespace; nor
    does `evaluate` look at namespaces. Raises RuntimeError.
    """
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as stream:
            content = yaml.safe_load(stream)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RuntimeError(f"The params_file {path} cannot be read: {error}") from None
    space = f"/{namespace.strip('/')}".rstrip("/")
    nodes = {}
    for node in _NODES:
        _collect(content, node, "", nodes.setdefault(f"{space}/{node}", {"ros__parameters": {}}))
    nodes = {name: part for name, part in nodes.items() if part["ros__parameters"]}
    if not nodes:
        return ""
    folder = tempfile.mkdtemp(prefix="bharnet_ros_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with open(os.path.join(folder, "parameters.yaml"), "w", encoding="utf-8") as stream:
        yaml.safe_dump(nodes, stream, allow_unicode=True)
    return stream.name


def _collect(level, node, name, found):
    """As bharnet_ros.node_parameters does: `*` and `**` are any node, later values win."""
    for key, value in level.items() if isinstance(level, dict) else ():
        if key != "ros__parameters":
            _collect(value, node, str(key).strip("/").rpartition("/")[2], found)
        elif name in (node, "*", "**") and isinstance(value, dict):
            found[key].update(value)


def _processes(context):
    """The graph, and the command that plays the bag to it and listens."""
    own = [argument.name for argument in OWN]
    shared.tell_misspelt(__file__, [*own, *SHARED])
    values = {**shared.given(context, SHARED), **shared.texts(context, own)}
    _check(values)
    values["composed"] |= values["rgb"]  # the images must be where they are looked at
    file = values["params_file"]
    graph = shared.processes(
        {**values, "params_file": _ours(file, values["namespace"]) if file else ""},
        [shared.estimator({**values, "image_topic": "image_raw"}), shared.recogniser(values)],
        common={
            "input_timeout_s": _SILENCE_S, "max_stamp_age_s": 0.0,
            # Whatever the robot's file says: this graph starts by itself.
            "autostart": True, "use_sim_time": values["use_sim_time"],
        },
    )
    arguments = [values["bag"], "--live", "--attach", "--graph_topic", "image_raw"]
    arguments += ["--use_sim_time", str(values["use_sim_time"]).lower()]
    for name in ("rate", "namespace", "log_level"):
        arguments += [f"--{name}", values[name]]
    for name in _PASSED_ON:
        if values[name]:
            arguments += [f"--{name}", values[name]]
    if values["rgb"]:
        arguments += ["--rgb", "true"]
    evaluate = Node(
        package="bharnet_ros", executable="evaluate", arguments=arguments, output="screen",
        emulate_tty=True, on_exit=Shutdown(reason="the evaluation has ended"),
    )  # fmt: skip
    return [*graph, evaluate]


def generate_launch_description():
    """The arguments, and the processes they ask for."""
    arguments = [*OWN, *shared.declare(*SHARED, namespace="evaluation")]
    return LaunchDescription([*arguments, OpaqueFunction(function=_processes)])
