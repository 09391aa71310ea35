"""Pose estimation, action recognition and pictures for one camera or several.

ros2 launch bharnet_ros recognize.launch.py --show-args
"""

import os

from launch.actions import OpaqueFunction
from launch.launch_description_sources import load_python_launch_file_as_module

from launch import LaunchDescription

shared = load_python_launch_file_as_module(os.path.join(os.path.dirname(__file__), "shared.py"))

ARGUMENTS = tuple(shared.ARGUMENTS)
_WEB_PORT = 8422
"""Of the first camera's page; each further camera has the next one."""


def _sources(values):
    """(camera, its input); the only camera has no name."""
    names = shared.parts(values["cameras"])
    if not names:
        return [("", values["input"])]
    sources = shared.parts(values["input"])
    if len(sources) == 1:
        sources *= len(names)
    if len(sources) != len(names):
        raise RuntimeError(
            f"input is '{values['input']}', which is {len(sources)} sources for {len(names)} "
            "cameras; give one for all, or one each, separated by commas."
        )
    devices = [shared.device_file(source) for source in sources if shared.is_device(source)]
    if len(set(devices)) < len(devices):
        raise RuntimeError(
            f"input is '{values['input']}': two cameras cannot share a device; give each its own, "
            "separated by commas."
        )
    return list(zip(names, sources, strict=True))


def _camera(values, source, index, remappings):
    """The camera of this package, if one is asked for."""
    if source == "none":
        return []
    if source == "simulated":
        names = shared.bundles(values["bundle"])
        play = {"vocabulary": names[0]} if names else {}
        others = {"seed": 1 + index} if index else {}
        return [("simulated_camera", {**play, **others}, remappings)]
    device = shared.is_device(source)
    path = source if device else os.path.abspath(os.path.expanduser(source))
    if not device and not os.path.isfile(path):
        raise RuntimeError(
            f"input is '{source}'; give none, simulated, an existing video file or a camera "
            "device: its number, or its path below /dev."
        )
    return [("video_camera", {"source": path}, remappings)]


def _drawing(values, source, image):
    """The visualizer, if it is wanted. Nobody publishes transforms for our own cameras."""
    if not values["visualizer"]:
        return []
    own = source != "none" and not values["params_file"]
    head, slash, _ = values["image_topic"].rpartition("/")
    camera_info = [("camera_info", f"{head}{slash}camera_info")] if image else []
    options = {"markers_frame": "camera_upright"} if own else {}
    if values["image_transport"]:
        options["image_transport"] = values["image_transport"]
    return [("visualizer", options, [*image, *camera_info])]


def _further(values, index):
    """What has a process of its own however the others are composed."""
    port = {"port": _WEB_PORT + index} if index else {}
    nodes = [("web_viewer", port, [])] if values["web_viewer"] else []
    nodes += [("vision_msgs_bridge", {}, [])] if values["vision_msgs"] else []
    if values["depth_topic"]:
        transport = {"depth_transport": values["depth_transport"]}
        lifting = transport if values["depth_transport"] else {}
        nodes.append(("skeleton_lifter", lifting, [("depth/image_raw", values["depth_topic"])]))
    return nodes


def _processes(context):
    """The processes for the values given; the same ones `python -m bharnet_ros` starts."""
    shared.tell_misspelt(__file__, ARGUMENTS)
    values = shared.given(context, ARGUMENTS)
    if values["build_only"]:
        once = {**values, "respawn": False, "composed": True}
        once.update(image_topic="", image_transport="")
        nodes = [shared.estimator(once), shared.recogniser(once)]
        return shared.processes(once, nodes, {"autostart": True, "build_only": True})
    start = {} if values["autostart"] else {"autostart": False}  # true: as the params_file says
    image = shared.remapped(values, "image_topic", "image_raw")
    pose, several = shared.estimator(values), bool(shared.parts(values["cameras"]))
    values["composed"] |= values["rgb"] and not several
    alone = several or not values["composed"]
    started = shared.processes({**values, "composed": False}, [pose], start) if alone else []
    if values["ros4hri"]:  # one for all cameras: each of its lists is taken for everybody there is
        names = shared.parts(values["cameras"])
        bridge = ("ros4hri", {"cameras": names} if names else {}, [])
        started += shared.processes({**values, "composed": False}, [bridge], start)
    for index, (name, source) in enumerate(_sources(values)):
        inside = {**values, "namespace": shared.joined_namespace(values["namespace"], name)}
        nodes = [] if alone else [pose]
        nodes += [shared.recogniser(values), *_drawing(values, source, image)]
        started += shared.processes(inside, nodes, start)
        others = [*_further(values, index), *_camera(values, source, index, image)]
        started += shared.processes({**inside, "composed": False}, others, start)
        started += [shared.rviz(inside)] if values["rviz"] else []
    return started


def generate_launch_description():
    """The arguments, and the processes they ask for."""
    return LaunchDescription([*shared.declare(*ARGUMENTS), OpaqueFunction(function=_processes)])
