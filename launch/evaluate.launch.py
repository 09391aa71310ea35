"""A recorded bag played to the recognising graph, and a report on how good it was.

ros2 launch bharnet_ros evaluate.launch.py bag:=/path/to/bag labels:=labels.csv
"""

import os

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

CHOICES = ["true", "false"]

ARGUMENTS = (
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
    DeclareLaunchArgument("rate", default_value="1.0", description="Speed of the playback."),
    DeclareLaunchArgument(
        "namespace", default_value="evaluation", description="Namespace of all nodes."
    ),
    DeclareLaunchArgument("params_file", default_value="", description="YAML with parameters."),
    DeclareLaunchArgument(
        "use_sim_time", default_value="false", choices=CHOICES,
        description="Follow the /clock of the playback.",
    ),
    DeclareLaunchArgument(
        "log_level", default_value="info", choices=["debug", "info", "warn", "error", "fatal"],
        description="Level of the nodes' logs.",
    ),
    DeclareLaunchArgument(
        "image_topic", default_value="",
        description="Topic of the images in the bag; empty = the only one.",
    ),
    DeclareLaunchArgument(
        "pose_backend", default_value="", description="Pose estimator; empty = as the parameters."
    ),
    DeclareLaunchArgument(
        "bundle", default_value="",
        description="Model bundle: a folder or a shipped name; empty = as the parameters.",
    ),
    DeclareLaunchArgument(
        "composed", default_value="false", choices=CHOICES,
        description="Estimator and recogniser in one process.",
    ),
)  # fmt: skip
_PASSED_ON = ("output", "against", "params_file", "image_topic", "pose_backend", "bundle")


def _place(bundle):
    """A folder as an absolute path, a name as it is."""
    folder = os.path.expanduser(bundle)
    return os.path.abspath(folder) if os.path.isdir(folder) else bundle


def _nodes(context):
    """The graph, and the command that plays the bag to it and listens."""

    def value(name):
        return LaunchConfiguration(name).perform(context)

    pose = {"pose_backend": value("pose_backend")} if value("pose_backend") else {}
    bundle = {"bundles": [_place(value("bundle"))]} if value("bundle") else {}
    common = {"use_sim_time": value("use_sim_time") == "true", "input_timeout_s": 600.0}
    shared = {
        "package": "bharnet_ros",
        "namespace": value("namespace"),
        "output": "screen",
        "emulate_tty": True,
    }
    files = [value("params_file")] if value("params_file") else []
    level = ["--log-level", value("log_level")]
    nodes = [("pose_estimator", pose), ("action_recognizer", bundle)]
    if value("composed") == "true":
        # One Python process for several nodes: what is given holds for all of them.
        graph = [
            Node(
                executable="composed", arguments=[name for name, _ in nodes], ros_arguments=level,
                parameters=[*files, {**common, **pose, **bundle}], **shared,
            )
        ]  # fmt: skip
    else:
        graph = [
            Node(
                executable=name, name=name, ros_arguments=level,
                parameters=[*files, {**common, **parameters}], **shared,
            )
            for name, parameters in nodes
        ]  # fmt: skip
    arguments = [value("bag"), "--live", "--attach", "--graph_topic", "image_raw"]
    for name in ("rate", "namespace", "use_sim_time", "log_level"):
        arguments += [f"--{name}", value(name)]
    for name in (*_PASSED_ON, "labels"):
        if value(name):
            arguments += [f"--{name}", value(name)]
    evaluate = Node(
        executable="evaluate", arguments=arguments,
        on_exit=Shutdown(reason="the evaluation has ended"), **shared,
    )  # fmt: skip
    return [*graph, evaluate]


def generate_launch_description():
    """Arguments, room for images in Fast DDS (unless already chosen), and the nodes."""
    actions = [*ARGUMENTS]
    chosen = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS")
    if not any(os.environ.get(name) for name in chosen):
        profile = PathJoinSubstitution([FindPackageShare("bharnet_ros"), "config", "fastdds.xml"])
        actions.append(SetEnvironmentVariable(chosen[0], profile))
    return LaunchDescription([*actions, OpaqueFunction(function=_nodes)])
