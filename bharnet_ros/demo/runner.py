"""`python -m bharnet_ros demo`: start the graph, watch it, end it, sum up."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import rclpy
from lifecycle_msgs.msg import Transition
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from bharnet_ros.demo.cast import choose_cast, demo_graph, pictures_hz
from bharnet_ros.demo.monitor import DemoError, Monitor, Watched, wait_until
from bharnet_ros.demo.pictures import Pictures
from bharnet_ros.demo.record import Record, summary
from bharnet_ros.nodes.base import StopSignals
from bharnet_ros.nodes.environment import prepare_middleware
from bharnet_ros.nodes.supervisor import Supervisor

_STARTUP_S = 240.0
"""For loading networks and drawing the scene, also on a slow and busy machine."""
_AFTERGLOW_S = 1.5
"""After the last image: time for the last judgements and the last ENDED to arrive."""


def run_demo(options: argparse.Namespace) -> int:
    """The exit status: 0 when the graph ran to its end, 1 with a sentence when not."""
    options.video = os.path.expanduser(options.video)  # no shell does in --video=~/x.mp4
    cast = choose_cast(options.bundle, options.classes, options.rgb)
    processes, camera = demo_graph(options, cast)
    with_truth = camera == "simulated_camera"
    # Other machines in the network are none of the demo's business.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    prepare_middleware()
    folder = Path(options.output) / time.strftime("demo_%Y%m%d_%H%M%S")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(
            f"The folder {folder} cannot be made ({error.strerror}); choose another --output."
        ) from None
    record = Record(cast.scored, cast.comparison)
    pictures = Pictures(folder, pictures_hz(camera))
    stop = StopSignals()
    rclpy.init(args=[], signal_handler_options=SignalHandlerOptions.NO)
    alone = cast.comparison.namespace if cast.comparison is not None else ""
    watched = Watched(camera, with_truth, alone, len(cast.bundles) > 1)
    monitor = Monitor(watched, record, pictures, _say)
    executor = SingleThreadedExecutor()
    executor.add_node(monitor)
    try:
        _check_alone(monitor, executor)
        _say(f"Starting {len(processes)} processes: " + ", ".join(p.title for p in processes))
        with Supervisor(processes) as supervisor:
            watch = _Watch(monitor, executor, supervisor, stop)
            watch.start_camera()
            limit_s = options.seconds if not with_truth else 0.0
            watch.until_end(limit_s)
            if not with_truth:
                record.published = monitor.camera_images()
            drops = monitor.drops()
    finally:
        files = pictures.close()
        executor.shutdown(timeout_sec=1.0)
        monitor.destroy_node()
        rclpy.try_shutdown()
    text, data = summary(record, cast.pairs, drops, with_truth)
    written = json.dumps(data, indent=2, allow_nan=False)
    (folder / "summary.json").write_text(f"{written}\n", encoding="utf-8")
    _say(f"\n{'-' * 78}\n{text}")
    for path in files:
        _say(f"Pictures: {path}")
    _say(f"Summary:  {folder / 'summary.json'}")
    return 0


def _check_alone(monitor: Monitor, executor: SingleThreadedExecutor) -> None:
    """Refuse to mix with a graph that already runs: its skeletons would be judged as ours."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    others = monitor.others()
    if others:
        raise DemoError(
            f"Another graph is already running ({', '.join(others)}); stop it, or choose another "
            "ROS_DOMAIN_ID for the demo."
        )


def _say(text: str) -> None:
    print(text, flush=True)


class _Watch:
    """Steps through the demo: the graph stands, the camera plays, the camera has ended."""

    def __init__(
        self,
        monitor: Monitor,
        executor: SingleThreadedExecutor,
        supervisor: Supervisor,
        stop: StopSignals,
    ) -> None:
        self._monitor = monitor
        self._executor = executor
        self._supervisor = supervisor
        self._stop = stop

    def _step(self) -> None:
        self._executor.spin_once(timeout_sec=0.1)
        ended = self._supervisor.ended()
        if ended is not None and not self._stop.stopped:
            raise DemoError(f"{ended[0]} ended with status {ended[1]}; see its message above.")
        trouble = self._monitor.trouble()
        if trouble:
            raise DemoError(trouble)

    def start_camera(self) -> None:
        """Raises DemoError naming what is missing when the graph does not stand in time."""
        monitor, stop = self._monitor, self._stop
        if not wait_until(
            lambda: stop.stopped or not monitor.missing(), self._step, _STARTUP_S
        ):
            raise DemoError(
                f"After {_STARTUP_S:.0f} s the graph still lacks: {monitor.missing()}."
            )
        for transition, state in (
            (Transition.TRANSITION_CONFIGURE, "inactive"),
            (Transition.TRANSITION_ACTIVATE, "active"),
        ):
            if stop.stopped:
                return
            self._await(monitor.request(transition), state)
        _say("The graph stands; the camera plays.\n")

    def _await(self, answer: Any, state: str) -> None:
        """The answer, or the state itself: answers can get lost while DDS discovers us."""

        def settled() -> bool:
            return self._stop.stopped or answer.done() or self._monitor.camera_state == state

        if not wait_until(settled, self._step, _STARTUP_S):
            raise DemoError("The camera did not answer; see its messages above.")
        if answer.done() and not answer.result().success:
            raise DemoError("The camera could not start; see its message above.")

    def until_end(self, limit_s: float) -> None:
        """Until the camera has no more images, the limit is over (0 = none) or a signal."""
        began = time.monotonic()
        while not self._stop.stopped and not self._monitor.camera_ended:
            if limit_s and time.monotonic() - began > limit_s:
                break
            self._step()
        deadline = time.monotonic() + _AFTERGLOW_S
        while not self._stop.stopped and time.monotonic() < deadline:
            self._step()

