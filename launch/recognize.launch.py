"""Pose estimation, action recognition and pictures for one camera.

ros2 launch bharnet_ros recognize.launch.py --show-args
"""

import os

from launch.actions import OpaqueFunction
from launch.launch_description_sources import load_python_launch_file_as_module

from launch import LaunchDescription

shared = load_python_launch_file_as_module(os.path.join(os.path.dirname(__file__), "shared.py"))

ARGUMENTS = tuple(shared.ARGUMENTS)


def _cameras(values, remappings):
    """The camera of this package, if one is asked for."""
    source = values["input"]
    if source == "none":
        return []
    if source == "simulated":
        names = shared.bundles(values["bundle"])
        return [("simulated_camera", {"vocabulary": names[0]} if names else {}, remappings)]
    path = source if source.isdecimal() else os.path.abspath(os.path.expanduser(source))
    if not source.isdecimal() and not os.path.isfile(path):
        raise RuntimeError(
            f"input is '{source}'; give none, simulated, an existing video file or the number of "
            "a camera device."
        )
    return [("video_camera", {"source": path}, remappings)]


def _processes(context):
    """The processes for the values given; the same ones `python -m bharnet_ros` starts."""
    values = shared.given(context, ARGUMENTS)
    if values["build_only"]:
        build = {"autostart": True, "build_only": True}
        once = {**values, "respawn": False, "composed": False}
        return [shared.recognition(once, recogniser=build)[1]]
    start = {"autostart": values["autostart"]}
    topic = values["image_topic"]
    image = [("image_raw", topic)] if topic != "image_raw" else []
    head, slash, _ = topic.rpartition("/")
    camera_info = [("camera_info", f"{head}{slash}camera_info")] if image else []
    transport = values["image_transport"]
    drawing = {"image_transport": transport} if transport else {}
    pictures = [("visualizer", drawing, [*image, *camera_info])] if values["visualizer"] else []
    further = [
        (name, {}, [])
        for name, wanted in (
            ("web_viewer", values["web_viewer"]),
            ("ros4hri", values["ros4hri"]),
            ("vision_msgs_bridge", values["vision_msgs"]),
        )
        if wanted
    ]
    return [
        *shared.recognition(values, others=pictures, common=start),
        *(
            shared.process(values, name, {**start, **parameters}, remappings, name)
            for name, parameters, remappings in (*further, *_cameras(values, image))
        ),
        *([shared.rviz(values)] if values["rviz"] else []),
    ]


def generate_launch_description():
    """The arguments, and the processes they ask for."""
    return LaunchDescription([*shared.declare(*ARGUMENTS), OpaqueFunction(function=_processes)])
