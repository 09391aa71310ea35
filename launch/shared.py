"""What the launch files of this package share: arguments, their checks, the recognising nodes.

Not a launch file. The launch files load it by its path, because they must not depend on anything
but the launch packages and the standard library. Nothing here does anything when it is loaded.
"""

import atexit
import json
import os
import re
import shutil
import sys
import tempfile
from difflib import get_close_matches

from launch.actions import DeclareLaunchArgument
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackagePrefix, FindPackageShare

BOOLEAN = ["true", "false"]
RESPAWN_S = 1.0

ARGUMENTS = {
    "namespace": {
        "default_value": "",
        "description": "Namespace of all nodes, one per robot or camera.",
    },
    "params_file": {
        "default_value": "",
        "description": "YAML file with parameters; arguments given here win over it.",
    },
    "use_sim_time": {
        "default_value": "false", "choices": BOOLEAN, "description": "Follow /clock."
    },
    "autostart": {
        "default_value": "true", "choices": BOOLEAN,
        "description": "Configure and activate the nodes; false leaves that to you.",
    },
    "log_level": {
        "default_value": "info", "choices": ["debug", "info", "warn", "error", "fatal"],
        "description": "Level of the nodes' logs.",
    },
    "respawn": {
        "default_value": "false", "choices": BOOLEAN,
        "description": f"Start a process that ends again after {RESPAWN_S:g} s.",
    },
    "input": {
        "default_value": "none",
        "description": 'Where images come from: "none" (a camera publishes image_topic), '
        '"simulated" (drawn people), a video file, or a camera device: its number, or its path '
        "below /dev; with cameras one for all or one each, separated by commas.",
    },
    "cameras": {
        "default_value": "",
        "description": "Names of several cameras, separated by commas, for one estimator: left "
        "means left/image_raw, and everything else of it in the namespace left.",
    },
    "image_topic": {
        "default_value": "image_raw",
        "description": "Topic of the images; relative names lie in the namespace.",
    },
    "image_transport": {
        "default_value": "", "choices": ["", "raw", "compressed"],
        "description": "How the images come: raw on image_topic, or compressed on "
        "image_topic/compressed; empty = as the parameters.",
    },
    "pose_backend": {
        "default_value": "", "choices": ["", "mediapipe", "mmpose", "rtmpose"],
        "description": "What estimates keypoints; empty = as the parameters.",
    },
    "pose_options": {
        "default_value": "",
        "description": "Options of the pose backend, name=value separated by commas, like "
        "model=rtmw_m,engine=tensorrt; empty = as the parameters.",
    },
    "depth_topic": {
        "default_value": "",
        "description": "Topic of depth images registered to the images: keypoints in space then "
        "come on skeletons_3d; empty = none.",
    },
    "depth_transport": {
        "default_value": "", "choices": ["", "raw", "compressedDepth"],
        "description": "How the depth images come; empty = as the parameters.",
    },
    "bundle": {
        "default_value": "",
        "description": "Model bundles: folders or shipped names, separated by commas; empty = as "
        "the parameters. The simulated camera plays the gestures of the first.",
    },
    "engine": {
        "default_value": "",
        "choices": ["", "onnxruntime", "tensorrt", "tensorrt_rtx", "torch"],
        "description": "What runs the bundles' networks; empty = as the parameters.",
    },
    "rgb": {
        "default_value": "false", "choices": BOOLEAN,
        "description": "Look at pixels too, with a bundle that has an RGB expert; with one camera "
        "estimator and recogniser then share a process, as with composed.",
    },
    "composed": {
        "default_value": "false", "choices": BOOLEAN,
        "description": "Estimator, recogniser and visualizer in one process, not one each.",
    },
    "build_only": {
        "default_value": "false", "choices": BOOLEAN,
        "description": "Build the engine files for these bundles and end; nothing else starts.",
    },
    "visualizer": {
        "default_value": "true", "choices": BOOLEAN,
        "description": "Offer image_annotated and markers; they cost nothing until somebody looks.",
    },
    "web_viewer": {
        "default_value": "false", "choices": BOOLEAN,
        "description": "A page for browsers, on this machine only unless its parameters say more.",
    },
    "ros4hri": {
        "default_value": "false", "choices": BOOLEAN,
        "description": "The ROS4HRI topics (REP 155); needs the package hri_msgs.",
    },
    "vision_msgs": {
        "default_value": "false", "choices": BOOLEAN,
        "description": "Detections as vision_msgs; needs that package.",
    },
    "rviz": {
        "default_value": "false", "choices": BOOLEAN,
        "description": "Open rviz2 with the pictures and markers.",
    },
}  # fmt: skip
"""Everything that more than one file could want, by name."""

_ALIKE = 0.8
"""Of two names, 0..1: `inputt` and `input` have 0.91, `bundles` and `bundle` 0.92."""
_SPACE = re.compile(r"/?[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*", re.ASCII)
_TOPIC = re.compile(r"(?:~/|/)?[A-Za-z_{]\w*\}?(?:/[A-Za-z_{]\w*\}?)*", re.ASCII)


def declare(*names, **defaults):
    """The arguments of these names; defaults replace the usual ones."""
    declared = []
    for name in names:
        options = dict(ARGUMENTS[name])
        if name in defaults:
            options["default_value"] = defaults[name]
        declared.append(DeclareLaunchArgument(name, **options))
    return declared


def given(context, names):
    """What the user gave, by name; true and false as bool. Raises RuntimeError for what cannot be.

    Checked here, before any process starts, because a wrong namespace or a missing file shows
    late and far away otherwise.
    """
    values = texts(context, names)
    for name, value in values.items():
        if ARGUMENTS[name].get("choices") == BOOLEAN:
            values[name] = value == "true"
    _check(values)
    if values.get("rviz"):
        _check_rviz(context)
    return values


def tell_misspelt(file, names):
    """A warning for each argument on the command line of `file` that it does not have, but nearly.

    `ros2 launch` ignores those. A launch file around this one may have arguments of its own: only
    what was typed for this one counts.
    """
    if not any(os.path.basename(word) == os.path.basename(file) for word in sys.argv):
        return
    typed = {word.partition(":=")[0] for word in sys.argv if ":=" in word}
    for name in sorted(typed - set(names)):
        near = get_close_matches(name, names, n=1, cutoff=_ALIKE)
        if near:
            get_logger("bharnet_ros").warning(
                f"There is no argument '{name}', so that is ignored; did you mean '{near[0]}'?"
            )


def texts(context, names):
    """What the user gave for arguments that are a file's own."""
    return {name: LaunchConfiguration(name).perform(context) for name in names}


def _check(values):
    namespace = values.get("namespace", "")
    if namespace not in ("", "/") and not _SPACE.fullmatch(namespace):
        raise RuntimeError(
            f"namespace is '{namespace}'; it consists of letters, digits, _ and /, none of its "
            "parts is empty or begins with a digit, like robot_1 or /fleet/robot_1."
        )
    names = parts(values.get("cameras", ""))
    for name in names:
        if not _SPACE.fullmatch(name) or names.count(name) > 1:
            raise RuntimeError(
                f"cameras is '{values['cameras']}'; each name consists of letters, digits, _ and "
                "/, none of its parts is empty or begins with a digit, and none is there twice."
            )
    for what in ("image_topic", "depth_topic"):
        topic = values.get(what, "image_raw")
        if (topic or what == "image_topic") and not _TOPIC.fullmatch(topic):
            raise RuntimeError(
                f"{what} is '{topic}'; a topic consists of letters, digits, _ and single /, and "
                "none of its parts begins with a digit."
            )
        if names and topic.startswith("/"):
            raise RuntimeError(
                f"{what} is '{topic}'; with several cameras it is relative, like image_raw: that "
                f"of {names[0]} is then {names[0]}/image_raw."
            )
    params_file = values.get("params_file", "")
    if params_file and not os.path.isfile(os.path.expanduser(params_file)):
        raise RuntimeError(f"The params_file {params_file} does not exist.")
    for bundle in bundles(values.get("bundle", "")):
        if os.sep in bundle and not os.path.isdir(bundle):
            raise RuntimeError(f"The bundle {bundle} does not exist; give a folder or a name.")


def _check_rviz(context):
    """Or launch finds out when our processes run, and leaves them behind."""
    try:
        FindPackagePrefix("rviz2").perform(context)
    except Exception as error:  # the package index has an error of its own, another one by version
        raise RuntimeError(
            "rviz is true, but the package rviz2 is not found here; install it, or leave rviz out."
        ) from error


def parts(text):
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def is_device(source):
    """Whether a source of images is a camera device: a number, or a path below /dev. What lies in
    /dev/shm are files."""
    below = source.startswith("/dev/") and not source.startswith("/dev/shm/")  # noqa: S108
    return source.isdecimal() or below


def device_file(source):
    """What a device is however it is called: by number, or by one of its paths."""
    return os.path.realpath(f"/dev/video{int(source)}" if source.isdecimal() else source)


def bundles(text):
    """The bundles of a text like "a, folder/b"; folders become absolute paths."""
    names = [os.path.expanduser(name) for name in parts(text)]
    return [os.path.abspath(name) if os.path.isdir(name) else name for name in names]


def process(values, executable, parameters, remappings=(), name=None, **options):
    """One process of this package.

    values: what was given. parameters: on top of the params_file. name: of its node; None where
    there are several.
    """
    file = values.get("params_file", "")
    files = [os.path.abspath(os.path.expanduser(file))] if file else []
    if values.get("respawn"):
        options = {**options, "respawn": True, "respawn_delay": RESPAWN_S}
    if name is not None:
        options["name"] = name
    # Only if it is so: the default, which nobody gave, must not win over the file.
    parameters = {**({"use_sim_time": True} if values.get("use_sim_time") else {}), **parameters}
    return Node(
        package="bharnet_ros",
        executable=executable,
        namespace=values.get("namespace", ""),
        parameters=[*files, *([_winning_file(parameters)] if parameters else [])],
        remappings=list(remappings),
        ros_arguments=["--log-level", values.get("log_level", "info")],
        output="screen",
        emulate_tty=True,
        **options,
    )


def _winning_file(parameters):
    """A file with parameters that win over those of the files before it.

    launch_ros would put them under `/**` where there are several nodes, and keys count in the
    order in which they first appear: with `/**` at the top of a file the rest of it wins. This
    key means any node too and nobody writes it, so it is the last.
    """
    folder = tempfile.mkdtemp(prefix="bharnet_ros_given_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path, content = os.path.join(folder, "given.yaml"), {"/**/**": {"ros__parameters": parameters}}
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
        json.dump(content, stream, ensure_ascii=False)  # YAML with quotes around texts
    return path


def joined_namespace(namespace, name):
    """robot, left -> robot/left; an absolute name stays as it is."""
    if not name or name.startswith("/"):
        return name or namespace
    return f"{namespace.rstrip('/')}/{name}" if namespace else name


def remapped(values, what, topic, prefix=""):
    """The remapping of a topic to the one that was given, if it is another."""
    given_topic = values.get(what) or topic
    return [(prefix + topic, prefix + given_topic)] if given_topic != topic else []


def estimator(values, **more):
    """The node that finds people, as (name, parameters, remappings). more: further parameters."""
    names = parts(values.get("cameras", ""))
    wanted = {"cameras": names, "pose_options": parts(values.get("pose_options", ""))}
    for name in ("pose_backend", "image_transport"):
        wanted[name] = values.get(name)
    images = []
    for space in [f"{name}/" for name in names] or [""]:
        images += remapped(values, "image_topic", "image_raw", space)
    return "pose_estimator", {**more, **{k: v for k, v in wanted.items() if v}}, images


def recogniser(values, **more):
    """The node that recognises, likewise."""
    wanted = {
        "engine": values.get("engine"), "bundles": bundles(values.get("bundle", "")),
        "rgb": values.get("rgb"),
    }  # fmt: skip
    return "action_recognizer", {**more, **{k: v for k, v in wanted.items() if v}}, []


def processes(values, nodes, common=None):
    """The processes of these nodes: one if composed, else one per node.

    nodes: (name, parameters, remappings). common: parameters of all.
    """
    common = dict(common or {})
    if not values.get("composed"):
        return [
            process(values, name, {**common, **parameters}, remappings, name)
            for name, parameters, remappings in nodes
        ]
    # One Python process for several nodes: what is given holds for all of them.
    merged = {key: value for _, parameters, _ in nodes for key, value in parameters.items()}
    remappings = dict(pair for _, _, pairs in nodes for pair in pairs)
    return [
        process(
            values, "composed", {**common, **merged}, remappings.items(),
            arguments=[name for name, _, _ in nodes],
        )
    ]  # fmt: skip


def rviz(values):
    """rviz2 in the namespace of the nodes, so that the topics of its configuration are theirs."""
    config = PathJoinSubstitution([FindPackageShare("bharnet_ros"), "config", "bharnet_ros.rviz"])
    return Node(
        package="rviz2", executable="rviz2", namespace=values.get("namespace", ""),
        arguments=["-d", config],
        parameters=[{"use_sim_time": True}] if values.get("use_sim_time") else [],
    )  # fmt: skip
