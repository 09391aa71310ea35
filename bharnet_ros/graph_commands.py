"""python -m bharnet_ros recognize, simulate, node: the graph, a part of it, single nodes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bharnet_ros.nodes.graph import ProcessSpec

BUNDLE_HELP = "model bundles: folders or shipped names, separated by commas; they run at once"
LEVELS = ("debug", "info", "warn", "error", "fatal")

_Commands = argparse._SubParsersAction


def boolean(text: str) -> bool:
    """Launch's way of writing a bool. Raises argparse.ArgumentTypeError."""
    lowered = text.lower()
    if lowered in ("true", "1"):
        return True
    if lowered in ("false", "0"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def add_launch_arguments(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, autostart: bool = True
) -> None:
    """The arguments that everything has that starts nodes; names as in nav2's launch files.

    autostart: whether to offer that too.
    """
    parser.add_argument("--namespace", default="", help="namespace of all nodes")
    parser.add_argument("--params_file", default="", help="YAML file with parameters")
    # Not bare options: the commands with positional arguments have these too.
    parser.add_argument(
        "--use_sim_time", type=boolean, default=False, metavar="BOOL", help="follow /clock"
    )
    if autostart:
        parser.add_argument(
            "--autostart", type=boolean, default=True, metavar="BOOL",
            help="configure and activate the nodes (default true)",
        )  # fmt: skip
    parser.add_argument("--log_level", choices=LEVELS, default="info")


def _add_switch(
    parser: argparse.ArgumentParser, name: str, default: bool, text: str
) -> None:
    """A bool as launch writes it; the bare option means true."""
    parser.add_argument(
        f"--{name}", type=boolean, nargs="?", const=True, default=default, metavar="BOOL",
        help=f"{text} (default {str(default).lower()})",
    )  # fmt: skip


def _add_recognize(commands: _Commands[argparse.ArgumentParser]) -> None:
    recognize = commands.add_parser(
        "recognize",
        help="pose estimation, action recognition and pictures",
        description="The graph of launch/recognize.launch.py, with the same arguments. "
        "Runs until Ctrl-C.",
    )
    add_launch_arguments(recognize)
    recognize.add_argument(
        "--input", default="none",
        help='"none" (a camera publishes image_topic), "simulated", a video file, '
        "or a camera device: its number, or its path below /dev; with cameras one for all or one "
        "each, separated by commas (default none)",
    )  # fmt: skip
    recognize.add_argument(
        "--cameras", default="",
        help="names of several cameras, separated by commas: left means left/image_raw",
    )  # fmt: skip
    recognize.add_argument("--image_topic", default="image_raw", help="topic of the images")
    recognize.add_argument(
        "--image_transport", choices=("", "raw", "compressed"), default="",
        help="how the images come; empty = as the parameters",
    )  # fmt: skip
    recognize.add_argument(
        "--depth_topic", default="",
        help="depth images registered to the images: keypoints in space on skeletons_3d",
    )
    recognize.add_argument(
        "--depth_transport", choices=("", "raw", "compressedDepth"), default="",
        help="how the depth images come; empty = as the parameters",
    )
    recognize.add_argument(
        "--pose_backend", default="", help="pose estimator: mediapipe, rtmpose or mmpose"
    )
    recognize.add_argument(
        "--pose_options", default="",
        help="its options, name=value separated by commas, e.g. model=rtmw_m,engine=tensorrt",
    )  # fmt: skip
    recognize.add_argument("--bundle", default="", help=BUNDLE_HELP)
    recognize.add_argument(
        "--engine", default="", help="what runs the networks, e.g. onnxruntime or tensorrt"
    )
    for name, default, text in (
        ("rgb", False, "look at pixels too, with a bundle that has an RGB expert"),
        ("composed", False, "estimator, recogniser and visualizer in one process"),
        ("visualizer", True, "offer image_annotated and markers"),
        ("web_viewer", False, "a page for browsers on this machine"),
        ("ros4hri", False, "ROS4HRI topics, where hri_msgs is installed"),
        ("vision_msgs", False, "vision_msgs topics, where that package is installed"),
        ("build_only", False, "build the engine files, then end"),
        ("respawn", False, "start processes that end again"),
    ):
        _add_switch(recognize, name, default, text)


def register(commands: _Commands[argparse.ArgumentParser]) -> None:
    """Add the sub-commands `recognize`, `simulate` and `node`."""
    _add_recognize(commands)
    simulate = commands.add_parser(
        "simulate",
        help="only the built-in camera",
        description="Publishes image_raw, ground_truth/skeletons and ground_truth/actions. "
        "Runs until Ctrl-C.",
    )
    add_launch_arguments(simulate)
    # What nobody gives is as the params_file says.
    simulate.add_argument("--num_people", type=int, help="default 2")
    simulate.add_argument("--duration_s", type=float, help="length of the scene (default 60)")
    simulate.add_argument("--rate_hz", type=float, help="images per second (default 12)")
    simulate.add_argument("--seed", type=int, help="other people, other order (default 1)")
    simulate.add_argument(
        "--vocabulary", help="what they play: a bundle or a gesture file, by path or shipped name"
    )
    simulate.add_argument("--classes", help="gestures to play, separated by commas")
    simulate.add_argument(
        "--loop", type=boolean, nargs="?", const=True, metavar="BOOL",
        help="begin the scene anew at its end (default true)",
    )  # fmt: skip

    node = commands.add_parser(
        "node",
        help="single nodes in one process, as ros2 run does",
        description="python -m bharnet_ros node pose_estimator [more nodes] --ros-args ...",
    )
    node.add_argument("names", nargs="+", help="nodes to run in this process")


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    if options.command == "node":
        from bharnet_ros.nodes.run_nodes import run_named

        return run_named(options.names, options.ros_args)
    from bharnet_ros.nodes import graph
    from bharnet_ros.nodes.supervisor import supervise

    if options.command == "simulate":
        return supervise([simulation(options)])
    return supervise(
        graph.recognize_graph(
            input_source=options.input,
            image_topic=options.image_topic,
            image_transport=options.image_transport,
            cameras=options.cameras,
            depth_topic=options.depth_topic,
            depth_transport=options.depth_transport,
            pose_backend=options.pose_backend,
            pose_options=options.pose_options,
            bundle=options.bundle,
            engine=options.engine,
            rgb=options.rgb,
            composed=options.composed,
            visualizer=options.visualizer,
            web_viewer=options.web_viewer,
            ros4hri=options.ros4hri,
            vision_msgs=options.vision_msgs,
            build_only=options.build_only,
            autostart=options.autostart,
            namespace=options.namespace,
            params_file=options.params_file,
            use_sim_time=options.use_sim_time,
            log_level=options.log_level,
        ),
        respawn=options.respawn and not options.build_only,
    )


def simulation(options: argparse.Namespace) -> ProcessSpec:
    """The process of `simulate`. Raises BharnetError for what the camera would refuse."""
    from bharnet_ros.nodes import graph
    from bharnet_ros.nodes.given import params_path
    from bharnet_ros.nodes.names import check_namespace
    from bharnet_ros.nodes.scene_limits import check_scene
    from bharnet_ros.simulation.repertoire import chosen_classes, load_repertoire

    check_namespace(options.namespace)
    params_file = params_path(options.params_file)
    names = ("num_people", "duration_s", "rate_hz", "seed", "loop", "vocabulary", "classes")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    check_scene(given)
    if "classes" in given:
        given["classes"] = given["classes"].split(",")
    if "vocabulary" in given or not params_file:  # else the file's is not known here
        chosen_classes(load_repertoire(given.get("vocabulary", "")), given.get("classes", ()))
    if not options.autostart:  # true: as the file says
        given["autostart"] = False
    camera = graph.NodeSpec("simulated_camera", given)
    return graph.ProcessSpec(
        (camera,), options.namespace, params_file, options.use_sim_time, options.log_level,
        {"loop": True},
    )  # fmt: skip
