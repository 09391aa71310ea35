"""The whole product at work: a camera, and what is recognised printed beside what is true.

ros2 launch bharnet_ros demo.launch.py rviz:=true
"""

import os

from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.launch_description_sources import load_python_launch_file_as_module
from launch_ros.actions import Node

from launch import LaunchDescription

shared = load_python_launch_file_as_module(os.path.join(os.path.dirname(__file__), "shared.py"))

SHARED = ("bundle", "rgb", "rviz", "web_viewer")
OWN = (
    DeclareLaunchArgument(
        "video", default_value="", description="A video file instead of the drawn people."
    ),
    DeclareLaunchArgument(
        "camera", default_value="", description="A camera device instead: number or path."
    ),
    DeclareLaunchArgument(
        "classes", default_value="",
        description="Gestures that the drawn people play, separated by commas; empty = all.",
    ),
    DeclareLaunchArgument(
        "seconds", default_value="0",
        description="How long; 0 = a scene of a minute, or all of the video.",
    ),
    DeclareLaunchArgument(
        "people", default_value="2", choices=["0", "1", "2", "3", "4"],
        description="Drawn people in the scene.",
    ),
    DeclareLaunchArgument(
        "rate", default_value="12", description="Images per second of the drawn people, 1 to 60."
    ),
    DeclareLaunchArgument(
        "seed", default_value="1", description="Another number, other people and gestures."
    ),
    DeclareLaunchArgument(
        "output", default_value="output", description="Folder for the pictures and the summary."
    ),
)  # fmt: skip
_LIMITS = {"seconds": (0.0, 3600.0), "rate": (1.0, 60.0)}


def _check(values):
    for name, (low, high) in _LIMITS.items():
        try:
            fits = low <= float(values[name]) <= high
        except ValueError:
            fits = False
        if not fits:
            raise RuntimeError(
                f"{name} is '{values[name]}'; it must be a number from {low:g} to {high:g}."
            )
    if not values["seed"].isdecimal():
        raise RuntimeError(f"seed is '{values['seed']}'; it must be a whole number.")
    if values["video"] and values["camera"]:
        raise RuntimeError("video and camera are both given; choose one.")
    if values["video"] and not os.path.isfile(os.path.expanduser(values["video"])):
        raise RuntimeError(f"The video {values['video']} does not exist.")
    if values["camera"] and not shared.is_device(values["camera"]):
        raise RuntimeError(
            f"camera is '{values['camera']}'; it must be the number of a device, or its path below "
            "/dev."
        )


def _processes(context):
    """The command that starts and watches the graph, and whoever looks at it."""
    own = [argument.name for argument in OWN]
    shared.tell_misspelt(__file__, [*own, *SHARED])
    values = {**shared.given(context, SHARED), **shared.texts(context, own)}
    _check(values)
    arguments = []
    for name in (*own, "bundle"):
        if values[name]:
            arguments += [f"--{name}", values[name]]
    if values["rgb"]:
        arguments += ["--rgb", "true"]
    demo = Node(
        package="bharnet_ros", executable="demo", arguments=arguments, output="screen",
        emulate_tty=True, on_exit=Shutdown(reason="the demo has ended"),
    )  # fmt: skip
    viewers = []
    if values["web_viewer"]:
        viewers.append(shared.process(values, "web_viewer", {}, name="web_viewer"))
    if values["rviz"]:
        viewers.append(shared.rviz(values))
    return [demo, *viewers]


def generate_launch_description():
    """The arguments, and the processes they ask for."""
    arguments = [*OWN, *shared.declare(*SHARED)]
    return LaunchDescription([*arguments, OpaqueFunction(function=_processes)])
