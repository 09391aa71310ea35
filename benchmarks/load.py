"""CPU and memory of the running graph: nobody in view, one person, eight people.

    python -m benchmarks.load [--seconds 30] [--out benchmarks/results/load.json]

Each node is a process of its own, fed by a camera process with 30 images a second. CPU is user
and system time of the process, all its threads, in percent of one core; memory as Linux counts
it (PSS: pages shared with other processes are divided among them). The last rows feed the
recogniser alone with made-up skeletons, 30 frames a second, as an estimator on a GPU would.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.films import FilmScript, film
from benchmarks.graph_world import CAMERA, DOMAIN, GraphWorld
from benchmarks.overhead import moving_people
from benchmarks.process_meter import busy_share, cpu_clock, machine, usage
from benchmarks.soak import write
from benchmarks.synthetic import frame
from bharnet_ros.tracking import Tracker

NODES = ("pose_estimator", "action_recognizer", "visualizer")
SETTLE_S = 8.0
GOAL_PERCENT = 2.0
RATE_HZ = 30.0
VIEWS = {
    "nobody in view": FilmScript("empty"),
    "1 person": FilmScript("lively", 10.0),
    "8 people": FilmScript("lively", 10.0, 1280, 720, people=8),
}
MADE_UP = (0, 1, 8)


def measure(world: GraphWorld, what: str, seconds: float) -> dict[str, Any]:
    """Let it settle, then watch; the figures of every process of the world."""
    world.run_for(SETTLE_S)
    world.heard.clear()
    busy, began = cpu_clock(), time.monotonic()
    before = {name: usage(world.pid(name) or 0) for name in world.members}
    world.run_for(seconds)
    elapsed = time.monotonic() - began
    after = {name: usage(world.pid(name) or 0) for name in world.members}
    heard = world.heard
    found = [arrival.people for arrival in heard.skeletons]
    return {
        "view": what,
        "skeletons_hz": round(len(heard.skeletons) / elapsed, 1),
        "actions_hz": round(len(heard.actions) / elapsed, 1),
        "people_found": round(float(np.mean(found)), 1) if found else 0.0,
        "machine_busy": round(busy_share(busy, cpu_clock()), 2),
        "processes": {
            name: {
                "cpu_percent": round(100.0 * (after[name].cpu_s - before[name].cpu_s) / elapsed, 1),
                "rss_mib": round(after[name].rss_mib, 1),
                "pss_mib": round(after[name].pss_mib, 1),
                "threads": after[name].threads,
            }
            for name in after
        },
    }


@contextmanager
def made_up_people(world: GraphWorld, count: int, rate_hz: float = RATE_HZ) -> Iterator[None]:
    """Publish skeletons of so many people who move, until the block ends."""
    from bharnet_ros import msg
    from bharnet_ros.nodes.conversions import ns_to_stamp, skeletons_to_msg
    from bharnet_ros.nodes.qos import RESULTS

    tracker = Tracker()
    frames = moving_people(count, 600) if count else [frame(0)]
    ready = [skeletons_to_msg(tracker.update(people), "made_up") for people in frames]
    publisher = world.node.create_publisher(msg.SkeletonArray, "skeletons", RESULTS)
    over = threading.Event()

    def publish() -> None:
        index, due = 0, time.monotonic()
        while not over.wait(max(due - time.monotonic(), 0.0)):
            due += 1.0 / rate_hz
            now = time.time_ns()
            message = ready[index % len(ready)]
            message.header.stamp = ns_to_stamp(now)
            world.sent[now] = now
            publisher.publish(message)
            index += 1

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        world.node.destroy_publisher(publisher)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The whole measurement; its result as it is written."""
    work = Path(options.work)
    rows = []
    for what, script in VIEWS.items():
        path = film(script, work / "films")
        with GraphWorld(work / "logs", options.domain) as world:
            world.start_nodes("pose_estimator", parameters={"pose_options": ["max_people=8"]})
            world.start_nodes("action_recognizer")
            world.start_nodes("visualizer")
            world.start_camera(path, rate_hz=RATE_HZ)
            world.wait(lambda w=world: len(w.heard.actions) > 5, "actions", 120.0)
            rows.append(measure(world, what, options.seconds))
            _tell(rows[-1])
    for count in MADE_UP:
        with GraphWorld(work / "logs", options.domain) as world:
            world.start_nodes("action_recognizer")
            with made_up_people(world, count):
                world.wait(lambda w=world: len(w.heard.actions) > 5, "actions", 120.0)
                rows.append(measure(world, f"made up: {count} people", options.seconds))
                _tell(rows[-1])
    idle = rows[0]["processes"]["action_recognizer"]["cpu_percent"]
    result = {
        "command": f"python -m benchmarks.load --seconds {options.seconds:g}",
        "machine": f"{machine()}; {options.beside}",
        "rows": rows,
        "idle_recogniser": {
            "cpu_percent": idle, "goal": GOAL_PERCENT, "met": bool(idle < GOAL_PERCENT)
        },
    }  # fmt: skip
    write(result, options.out)
    return result


def _tell(row: dict[str, Any]) -> None:
    told = ", ".join(
        f"{name} {p['cpu_percent']:.1f} % {p['pss_mib']:.0f} MiB"
        for name, p in row["processes"].items()
        if name != CAMERA
    )
    print(
        f"{row['view']:<20} {row['people_found']:4.1f} found, skeletons {row['skeletons_hz']}/s, "
        f"actions {row['actions_hz']}/s: {told}; machine {100 * row['machine_busy']:.0f} % busy",
        flush=True,
    )


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each measurement")
    parser.add_argument("--domain", type=int, default=DOMAIN, help="ROS_DOMAIN_ID of the run")
    parser.add_argument("--out", type=Path, default=None, help="JSON file to write")
    parser.add_argument(
        "--beside", default="nothing else ran", help="what else ran on the machine, for the result"
    )
    with tempfile.TemporaryDirectory() as folder:
        parser.add_argument("--work", default=folder, help="folder of films and logs")
        result = run(parser.parse_args())
    print(json.dumps(result["idle_recogniser"]))


if __name__ == "__main__":
    main()
