"""python -m bharnet_ros: the graph on machines without `ros2 launch` and `ros2 run`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bharnet_ros.errors import BharnetError
from bharnet_ros.models_store import command as models

_BUNDLE_HELP = "model bundles: folders or shipped names, separated by commas; they run at once"
_LEVELS = ("debug", "info", "warn", "error", "fatal")


def _boolean(text: str) -> bool:
    """Launch's way of writing a bool."""
    lowered = text.lower()
    if lowered in ("true", "1"):
        return True
    if lowered in ("false", "0"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--namespace", default="", help="namespace of all nodes")
    parser.add_argument("--params_file", default="", help="YAML file with parameters")
    parser.add_argument(
        "--use_sim_time", type=_boolean, default=False, metavar="BOOL", help="follow /clock"
    )
    parser.add_argument(
        "--autostart", type=_boolean, default=True, metavar="BOOL",
        help="configure and activate the nodes (default true)",
    )  # fmt: skip
    parser.add_argument("--log_level", choices=_LEVELS, default="info")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bharnet_ros",
        description="Recognise what people do, from camera images, on ROS 2.",
    )
    commands = parser.add_subparsers(dest="command", required=True)

    recognize = commands.add_parser(
        "recognize",
        help="pose estimation, action recognition and pictures",
        description="The graph of launch/recognize.launch.py, with the same arguments. "
        "Runs until Ctrl-C.",
    )
    _common(recognize)
    recognize.add_argument(
        "--input", default="none",
        help='"none" (a camera publishes image_topic), "simulated", a video file, '
        "or the number of a camera device (default none)",
    )  # fmt: skip
    recognize.add_argument("--image_topic", default="image_raw", help="topic of the images")
    recognize.add_argument("--pose_backend", default="", help="pose estimator, e.g. mediapipe")
    recognize.add_argument("--bundle", default="", help=_BUNDLE_HELP)
    recognize.add_argument(
        "--composed", type=_boolean, nargs="?", const=True, default=False, metavar="BOOL",
        help="all nodes but the camera in one process",
    )  # fmt: skip
    recognize.add_argument(
        "--visualizer", type=_boolean, default=True, metavar="BOOL",
        help="offer image_annotated (default true)",
    )  # fmt: skip

    simulate = commands.add_parser(
        "simulate",
        help="only the built-in camera",
        description="Publishes image_raw, ground_truth/skeletons and ground_truth/actions. "
        "Runs until Ctrl-C.",
    )
    _common(simulate)
    simulate.add_argument("--num_people", type=int, default=2)
    simulate.add_argument("--duration_s", type=float, default=60.0)
    simulate.add_argument("--rate_hz", type=float, default=12.0)
    simulate.add_argument("--seed", type=int, default=1)
    simulate.add_argument(
        "--vocabulary", default="",
        help="what they play: a bundle or a gesture file, by path or shipped name",
    )  # fmt: skip
    simulate.add_argument("--classes", default="", help="gestures to play, separated by commas")
    simulate.add_argument("--loop", type=_boolean, default=True, metavar="BOOL")

    demo = commands.add_parser(
        "demo",
        help="watch the whole product work for about a minute",
        description="Starts camera, estimator and recognisers as separate processes, prints the "
        "actions beside the truth, and a summary with a picture at the end.",
    )
    source = demo.add_mutually_exclusive_group()
    source.add_argument("--video", default="", help="a video file instead of the built-in camera")
    source.add_argument("--camera", default="", help="number of a camera device instead")
    demo.add_argument(
        "--bundle", default="", help=f"{_BUNDLE_HELP}; the built-in camera plays the first one's"
    )
    demo.add_argument(
        "--classes", default="", help="gestures to play before the built-in camera, with commas"
    )
    demo.add_argument("--seconds", type=float, default=0.0, help="how long (default: about 60)")
    demo.add_argument("--people", type=int, default=2, help="people before the built-in camera")
    demo.add_argument("--rate", type=float, default=12.0, help="images per second, built-in camera")
    demo.add_argument("--seed", type=int, default=1, help="other people, other order of gestures")
    demo.add_argument("--output", default="output", help="folder for pictures and the summary")

    models.add_parser(commands)

    node = commands.add_parser(
        "node",
        help="single nodes in one process, as ros2 run does",
        description="python -m bharnet_ros node pose_estimator [more nodes] --ros-args ...",
    )
    node.add_argument("names", nargs="+", help="nodes to run in this process")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 with a sentence on stderr, or 2 for wrong arguments."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    ros: list[str] = []
    if "--ros-args" in given:
        at = given.index("--ros-args")
        given, ros = given[:at], given[at:]
    options = _parser().parse_args(given)
    if options.command == "models":  # works without ROS
        try:
            return models.run(options)
        except BharnetError as error:
            print(f"bharnet_ros: {error}", file=sys.stderr)
            return 1
    try:
        import rclpy  # noqa: F401

        import bharnet_ros.msg  # noqa: F401
    except ImportError as error:
        print(
            f"bharnet_ros: ROS 2 or the built messages are not on the path ({error}); run "
            "`make build`, then `source .venv/bin/activate` (or your ROS 2) and "
            "`source install/setup.bash`.",
            file=sys.stderr,
        )
        return 1
    try:
        return _run(options, ros)
    except BharnetError as error:
        print(f"bharnet_ros: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace, ros: list[str]) -> int:
    from bharnet_ros.nodes import graph

    if options.command == "node":
        from bharnet_ros.nodes.run_nodes import run_named

        return run_named(options.names, ros)
    if options.command == "demo":
        from bharnet_ros.demo.runner import run_demo

        return run_demo(options)
    if options.command == "simulate":
        camera = graph.NodeSpec(
            "simulated_camera",
            {
                "autostart": options.autostart,
                "num_people": options.num_people,
                "duration_s": options.duration_s,
                "rate_hz": options.rate_hz,
                "seed": options.seed,
                "loop": options.loop,
                "vocabulary": options.vocabulary,
                "classes": options.classes.split(","),
            },
        )
        return graph.supervise(
            [
                graph.ProcessSpec(
                    (camera,), options.namespace, options.params_file, options.use_sim_time,
                    options.log_level,
                )
            ]
        )  # fmt: skip
    return graph.supervise(
        graph.recognize_graph(
            input_source=options.input,
            image_topic=options.image_topic,
            pose_backend=options.pose_backend,
            bundle=options.bundle,
            composed=options.composed,
            visualizer=options.visualizer,
            autostart=options.autostart,
            namespace=options.namespace,
            params_file=options.params_file,
            use_sim_time=options.use_sim_time,
            log_level=options.log_level,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
