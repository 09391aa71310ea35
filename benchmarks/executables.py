"""How every executable takes SIGINT and SIGTERM: seconds, status, traceback or not.

python -m benchmarks.executables [--output benchmarks/results/signals.json]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import tiny_world
from benchmarks.ros_domains import claim
from benchmarks.synthetic import write_tiny_bundle

NAMES = (
    "pose_estimator", "action_recognizer", "visualizer", "simulated_camera", "video_camera",
    "web_viewer", "composed", "record", "replay", "recognize", "evaluate", "demo",
)  # fmt: skip
QUICK = NAMES[:9]
"""Those that are one process."""
_WAIT_S = 90.0


@dataclass(frozen=True)
class Case:
    """An executable at work.

    is_up: whether it stands, as a node in the same ROS graph sees it. statuses: exit statuses
    that a signal may lead to (an evaluation says that it was stopped).
    """

    name: str
    command: list[str]
    is_up: Callable[[Any], bool]
    statuses: tuple[int, ...] = (0,)


def executable(name: str) -> list[str]:
    """The command line of `ros2 run bharnet_ros NAME`, as installed."""
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        path = Path(prefix) / "lib" / "bharnet_ros" / name
        if path.is_file():
            return [sys.executable, str(path)]
    return [sys.executable, str(Path(__file__).resolve().parents[1] / "scripts" / name)]


def cases(bundle: Path, folder: Path) -> list[Case]:
    """All executables, each in a namespace of its own, so that they do not work for each other."""
    bag = tiny_world.write_bag(folder / "bag", images=False, skeletons=True)
    silent = tiny_world.write_bag(folder / "played", images=False, skeletons=True)
    video = tiny_video(folder / "video.avi")
    parameters = {
        "action_recognizer": [f"bundles:=[{bundle}]"],
        "video_camera": [f"source:='{video}'", "loop:=true"],
        "simulated_camera": ["loop:=true"],
        "web_viewer": ["port:=0"],
    }
    nodes = []
    for name in NAMES[:6]:
        rules = [text for rule in parameters.get(name, []) for text in ("-p", rule)]
        space = f"signals_{name}"
        line = [*executable(name), "--ros-args", "-r", f"__ns:=/{space}", *rules]
        nodes.append(Case(name, line, _serves(f"/{space}/{name}")))
    return [
        *nodes,
        Case(
            "composed",
            [*executable("composed"), "visualizer", "action_recognizer", "--ros-args", "-r",
             "__ns:=/signals_composed", "-p", f"bundles:=[{bundle}]"],
            _serves("/signals_composed/action_recognizer"),
        ),
        Case(
            "record",
            [*executable("record"), str(folder / "recorded"), "--topics", "/signals/image_raw"],
            _serves("/bag_recorder"),
        ),
        Case(
            "replay",
            [*executable("replay"), str(silent), "--loop", "--topics", "/skeletons", "--remap",
             "/skeletons:=/signals_replay/skeletons"],
            _publishes("/signals_replay/skeletons"),
        ),
        Case(
            "recognize",
            [*executable("recognize"), "--namespace", "signals_recognize", "--bundle",
             str(bundle), "--composed", "--respawn"],
            _serves("/signals_recognize/action_recognizer"),
        ),
        Case(
            "evaluate",
            [*executable("evaluate"), str(bag), "--live", "--bundle", str(bundle), "--rate",
             "0.05", "--namespace", "signals_evaluate", "--output", str(folder / "report")],
            _publishes("/signals_evaluate/skeletons"),
            (0, 1, 130),
        ),
        Case(
            "demo",
            [*executable("demo"), "--video", str(video), "--bundle", str(bundle), "--seconds",
             "60", "--output", str(folder / "demo")],
            _publishes("/image_raw"),
        ),
    ]  # fmt: skip


def tiny_video(path: Path) -> Path:
    """Half a minute of grey pictures."""
    import cv2
    import numpy as np

    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (160, 120))
    for index in range(300):
        writer.write(np.full((120, 160, 3), 100 + index % 50, np.uint8))
    writer.release()
    return path


def _serves(node: str) -> Callable[[Any], bool]:
    space, _, name = node.rpartition("/")
    return lambda here: (name, space or "/") in here.get_node_names_and_namespaces()


def _publishes(topic: str) -> Callable[[Any], bool]:
    return lambda here: here.count_publishers(topic) > 0


def children_of(pid: int) -> list[int]:
    """Processes that a process has started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(text) for text in path.read_text("ascii").split()]


def measure(case: Case, number: int, node: Any, spin: Callable[[], None]) -> dict[str, Any]:
    """Start it, wait until it stands, signal it; what became of it."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(case.command, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + _WAIT_S
        while not case.is_up(node) and process.poll() is None and time.monotonic() < deadline:
            spin()
        stood = process.poll() is None
        began = time.monotonic()
        process.send_signal(number)
        process.wait(timeout=_WAIT_S)
        took_s = time.monotonic() - began
        while case.is_up(node) and time.monotonic() < deadline:
            spin()  # until it has left the graph, so that the next one is not taken for it
        log.seek(0)
        said = log.read().decode("utf-8", "replace")
    good = (
        stood and took_s < 2.0 and process.returncode in case.statuses and "Traceback" not in said
    )
    if not good:
        print(said[-3000:], file=sys.stderr)
    return {
        "executable": case.name,
        "signal": signal.Signals(number).name,
        "seconds": round(took_s, 2),
        "status": process.returncode,
        "traceback": "Traceback" in said,
        "good": good,
    }


def main() -> int:
    """All executables, both signals, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks.executables")
    parser.add_argument("--output", type=Path, help="JSON file for the results")
    parser.add_argument("--only", default="", help="these executables, separated by commas")
    options = parser.parse_args()
    os.environ["ROS_DOMAIN_ID"] = str(claim())
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    import rclpy

    rclpy.init(args=[])
    node = rclpy.create_node("signals")
    rows = []
    print(f"{'executable':20} {'signal':8} {'seconds':>8} {'status':>7}  traceback")
    for number in (signal.SIGINT, signal.SIGTERM):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            bundle = write_tiny_bundle(folder / "tiny").path
            for case in cases(bundle, folder):
                if options.only and case.name not in options.only.split(","):
                    continue
                row = measure(case, number, node, lambda: rclpy.spin_once(node, timeout_sec=0.05))
                rows.append(row)
                print(
                    f"{row['executable']:20} {row['signal']:8} {row['seconds']:8.2f} "
                    f"{row['status']:7d}  {row['traceback']}{'' if row['good'] else '   BAD'}",
                    flush=True,
                )
    node.destroy_node()
    rclpy.try_shutdown()
    worst = max(row["seconds"] for row in rows)
    print(f"slowest {worst:.2f} s; {sum(not row['good'] for row in rows)} of {len(rows)} bad")
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        machine = "2 shared cores, no GPU"
        text = json.dumps({"machine": machine, "runs": rows}, indent=1)
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0 if all(row["good"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
