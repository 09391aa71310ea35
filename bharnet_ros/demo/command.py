"""python -m bharnet_ros demo: its arguments."""

from __future__ import annotations

import argparse

from bharnet_ros.graph_commands import BUNDLE_HELP, boolean


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `demo`."""
    demo = commands.add_parser(
        "demo",
        help="watch the whole product work for about a minute",
        description="Starts camera, estimator and recognisers as separate processes, prints the "
        "actions beside the truth, and a summary with a picture at the end.",
    )
    source = demo.add_mutually_exclusive_group()
    source.add_argument("--video", default="", help="a video file instead of the built-in camera")
    source.add_argument("--camera", default="", help="a camera device instead: number or path")
    demo.add_argument(
        "--bundle", default="", help=f"{BUNDLE_HELP}; the built-in camera plays the first one's"
    )
    demo.add_argument(
        "--classes", default="", help="gestures to play before the built-in camera, with commas"
    )
    demo.add_argument(
        "--rgb", type=boolean, nargs="?", const=True, default=False, metavar="BOOL",
        help="look at pixels too (default bundle then held_objects), compared with skeletons alone",
    )  # fmt: skip
    demo.add_argument("--seconds", type=float, default=0.0, help="how long (default: about 60)")
    demo.add_argument("--people", type=int, default=2, help="people before the built-in camera")
    demo.add_argument("--rate", type=float, default=12.0, help="images per second, built-in camera")
    demo.add_argument("--seed", type=int, default=1, help="other people, other order of gestures")
    demo.add_argument("--output", default="output", help="folder for pictures and the summary")


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    from bharnet_ros.demo.runner import run_demo

    return run_demo(options)
