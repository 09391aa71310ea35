"""Pose estimation, action recognition and pictures for one camera.

ros2 launch bharnet_ros recognize.launch.py --show-args
"""

import os

from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

CHOICES = ["true", "false"]

ARGUMENTS = (
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of all nodes."),
    DeclareLaunchArgument("params_file", default_value="", description="YAML with parameters."),
    DeclareLaunchArgument(
        "use_sim_time", default_value="false", choices=CHOICES, description="Follow /clock."
    ),
    DeclareLaunchArgument(
        "autostart", default_value="true", choices=CHOICES,
        description="Configure and activate the nodes.",
    ),
    DeclareLaunchArgument(
        "log_level", default_value="info", choices=["debug", "info", "warn", "error", "fatal"],
        description="Level of the nodes' logs.",
    ),
    DeclareLaunchArgument(
        "input", default_value="none",
        description='"none" (a camera publishes image_topic), "simulated", a video file, '
        "or the number of a camera device.",
    ),
    DeclareLaunchArgument(
        "image_topic", default_value="image_raw", description="Topic of the images."
    ),
    DeclareLaunchArgument(
        "pose_backend", default_value="", description="Pose estimator; empty = as the parameters."
    ),
    DeclareLaunchArgument(
        "bundle", default_value="",
        description="Model bundles: folders or shipped names, separated by commas; empty = as the "
        "parameters. The simulated camera plays the gestures of the first.",
    ),
    DeclareLaunchArgument(
        "composed", default_value="false", choices=CHOICES,
        description="All nodes but the camera in one process.",
    ),
    DeclareLaunchArgument(
        "visualizer", default_value="true", choices=CHOICES, description="Offer image_annotated."
    ),
)  # fmt: skip


def _place(bundle):
    """A folder as an absolute path, a name as it is."""
    folder = os.path.expanduser(bundle)
    return os.path.abspath(folder) if os.path.isdir(folder) else bundle


def _nodes(context):
    """The processes for the values given; the same ones `python -m bharnet_ros` starts."""

    def value(name):
        return LaunchConfiguration(name).perform(context)

    def on(name):
        return value(name) == "true"

    source = value("input")
    remap = [("image_raw", value("image_topic"))]
    bundles = [_place(name.strip()) for name in value("bundle").split(",") if name.strip()]
    cameras = []
    if source == "simulated":
        play = {"vocabulary": bundles[0]} if bundles else {}
        cameras = [("simulated_camera", play, remap)]
    elif source != "none":
        path = source if source.isdecimal() else os.path.abspath(os.path.expanduser(source))
        cameras = [("video_camera", {"source": path}, remap)]
    pose = {"pose_backend": value("pose_backend")} if value("pose_backend") else {}
    bundle = {"bundles": bundles} if bundles else {}
    nodes = [("pose_estimator", pose, remap), ("action_recognizer", bundle, [])]
    if on("visualizer"):
        nodes.append(("visualizer", {}, remap))

    common = {"use_sim_time": on("use_sim_time"), "autostart": on("autostart")}
    shared = {
        "package": "bharnet_ros",
        "namespace": value("namespace"),
        "output": "screen",
        "emulate_tty": True,
    }
    files = [value("params_file")] if value("params_file") else []
    level = ["--log-level", value("log_level")]
    if not on("composed"):
        return [
            Node(
                executable=name, name=name, remappings=remaps, ros_arguments=level,
                parameters=[*files, {**common, **parameters}], **shared,
            )
            for name, parameters, remaps in (*nodes, *cameras)
        ]  # fmt: skip
    # One Python process for several nodes: what is given holds for all of them.
    return [
        Node(
            executable="composed", arguments=[name for name, _, _ in nodes],
            remappings=remap, ros_arguments=level,
            parameters=[*files, {**common, **pose, **bundle}],
            on_exit=Shutdown(reason="the recognising process ended"), **shared,
        ),
        *(
            Node(
                executable=name, name=name, remappings=remaps, ros_arguments=level,
                parameters=[*files, {**common, **parameters}], **shared,
            )
            for name, parameters, remaps in cameras
        ),
    ]  # fmt: skip


def generate_launch_description():
    """Arguments, room for images in Fast DDS (unless already chosen), and the nodes."""
    actions = [*ARGUMENTS]
    chosen = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS")
    if not any(os.environ.get(name) for name in chosen):
        profile = PathJoinSubstitution([FindPackageShare("bharnet_ros"), "config", "fastdds.xml"])
        actions.append(SetEnvironmentVariable(chosen[0], profile))
    return LaunchDescription([*actions, OpaqueFunction(function=_nodes)])
