"""python -m bharnet_ros evaluate: how good is it on our robot."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.graph_commands import add_launch_arguments, boolean
from bharnet_ros.interrupts import INTERRUPTED


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the sub-command `evaluate`."""
    parser = commands.add_parser(
        "evaluate",
        help="how good it is on recorded bags: figures, confusion matrix, timeline",
        description="Recognises what people do in bags and compares it with what is labelled. "
        "Writes report.html and evaluation.json. Ctrl-C leaves a report of what was done; the "
        "same command again goes on there.",
    )
    parser.add_argument(
        "bags", nargs="+", type=Path, metavar="BAG",
        help="bags of `ros2 bag record` (folder, .mcap, .db3), or folders of bags",
    )  # fmt: skip
    parser.add_argument(
        "--labels", action="append", type=Path, default=[], metavar="FILE",
        help="what truly happens (CSV, YAML, ELAN .eaf, VIA); one for each bag in their order, or "
        "one for all with a column `recording`. Default: where `label` keeps them, else the "
        "ground_truth topics",
    )  # fmt: skip
    parser.add_argument(
        "--truth", choices=("auto", "labels", "simulated"), default="auto",
        help="which truth, where a bag has labels and ground_truth topics (default auto: labels)",
    )  # fmt: skip
    parser.add_argument(
        "--input", choices=("auto", "images", "skeletons"), default="auto",
        help="what to start from (default auto: images, or recorded skeletons if there are none)",
    )  # fmt: skip
    parser.add_argument("--image_topic", default="", help="topic of the images in the bags")
    parser.add_argument("--skeleton_topic", default="", help="topic of recorded skeletons")
    parser.add_argument(
        "--bundle", default="", help="model bundle: folder or shipped name (default gestures)"
    )
    parser.add_argument("--pose_backend", default="", help="pose estimator, e.g. mediapipe")
    parser.add_argument(
        "--rgb", type=boolean, nargs="?", const=True, default=False, metavar="BOOL",
        help="look at pixels too, with a bundle that has an RGB expert (default: as params_file)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="DIR",
        help="folder of the report (default output/evaluate_BAG, live output/evaluate_BAG_live)",
    )  # fmt: skip
    parser.add_argument(
        "--against", type=Path, metavar="JSON",
        help="evaluation.json of another run: what got better and worse",
    )  # fmt: skip
    parser.add_argument(
        "--again", action="store_true", help="estimate skeletons anew; forget those kept"
    )
    parser.add_argument(
        "--pictures", type=boolean, default=True, metavar="BOOL",
        help="strips of pictures of the worst mistakes in the report (default true)",
    )  # fmt: skip
    live = parser.add_argument_group(
        "live", "through the running graph in real time, where drops and latency count"
    )
    live.add_argument("--live", action="store_true", help="play the bags to the graph")
    live.add_argument(
        "--rate", type=float, default=1.0, help="speed of the playback (default 1)"
    )
    live.add_argument(
        "--attach", action="store_true",
        help="use the graph that already runs in --namespace instead of starting one",
    )  # fmt: skip
    live.add_argument(
        "--graph_topic", default="",
        help="topic on which an attached graph takes its input (default: the one in the bag)",
    )  # fmt: skip
    live.add_argument(
        "--composed", type=boolean, nargs="?", const=True, default=False, metavar="BOOL",
        help="the graph in one process",
    )  # fmt: skip
    add_launch_arguments(live, autostart=False)


def run(options: argparse.Namespace) -> int:
    """The exit status. Raises BharnetError."""
    from bharnet_ros.evaluation.running import Order, run_evaluation
    from bharnet_ros.evaluation.subject import subject_from_parameters

    _check_together(options)
    mode = "live" if options.live else "offline"
    order = Order(
        subject_from_parameters(
            options.bundle, options.pose_backend, options.params_file, options.rgb
        ),
        options.bags,
        options.output or _default_output(options.bags[0], mode),
        options.labels,
        options.input,
        options.image_topic,
        options.skeleton_topic,
        options.truth,
        options.against,
        options.again,
        options.pictures,
        ["python", "-m", "bharnet_ros", *sys.argv[1:]],
    )
    if mode == "offline":
        return 0 if run_evaluation(order, mode) else INTERRUPTED
    from bharnet_ros.evaluation.finished import forget_finished
    from bharnet_ros.nodes.environment import require_ros

    require_ros()
    from bharnet_ros.nodes.live_evaluation import LiveEvaluation, LiveOptions

    how = LiveOptions(
        options.rate, options.attach, options.composed, options.namespace, options.params_file,
        options.use_sim_time, options.log_level, options.graph_topic,
    )  # fmt: skip
    if not run_evaluation(order, mode, LiveEvaluation(how)):
        return INTERRUPTED
    forget_finished(order.output)
    return 0


def _check_together(options: argparse.Namespace) -> None:
    """Raises ConfigurationError for what would go nowhere."""
    for name, usual in (("attach", False), ("rate", 1.0), ("composed", False), ("graph_topic", "")):
        if not options.live and getattr(options, name) != usual:
            raise ConfigurationError(f"--{name} needs --live; offline there is no graph.")
    if options.graph_topic and not options.attach:
        raise ConfigurationError(
            "--graph_topic needs --attach; a graph that is started listens where the bag is played."
        )
    if options.labels and options.truth == "simulated":
        raise ConfigurationError("--labels and --truth simulated are two truths; choose one.")


def _default_output(bag: Path, mode: str) -> Path:
    from bharnet_ros.bags.find import bare_name

    name = bare_name(bag)
    return Path("output") / (f"evaluate_{name}_live" if mode == "live" else f"evaluate_{name}")
