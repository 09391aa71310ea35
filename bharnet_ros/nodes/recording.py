"""Records a bag: of topics that are there, or of the drawn actor before the whole graph."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from bharnet_ros.bags.write import BagWriter
from bharnet_ros.bundle import DEFAULT_BUNDLE, load_bundle
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.nodes.bag_recorder import BagRecorder, check_topics, counted
from bharnet_ros.nodes.base import StopSignals
from bharnet_ros.nodes.environment import init_ros, prepare_middleware
from bharnet_ros.nodes.graph import NodeSpec, ProcessSpec, Value
from bharnet_ros.nodes.scene_limits import check_film
from bharnet_ros.nodes.supervisor import Supervisor
from bharnet_ros.simulation.repertoire import chosen_classes, load_repertoire

NAMESPACE = "/recording"
_CAMERA = "simulated_camera"
_STARTUP_S = 240.0
_DRAWING_S = 3600.0
_QUIET_S = 1.5
_TAKING_S = 5.0
_PATIENCE_S = 3600.0
_IMAGES = "image_raw"
_TRUTH = ("ground_truth/skeletons", "ground_truth/actions")
_LATCHED = ("skeleton_layout", "action_labels")
_RESULTS = ("skeletons", "actions")


class RecordingError(BharnetError):
    """The graph to record did not come up, or broke."""


@dataclass(frozen=True)
class Film:
    """What the drawn people do before the graph; see the parameters of simulated_camera."""

    duration_s: float
    num_people: int = 2
    rate_hz: float = 12.0
    seed: int = 1
    bundle: str = ""
    classes: Sequence[str] = ()


def record_topics(
    path: Path, topics: Sequence[str], storage: str, duration_s: float, ros_args: Sequence[str]
) -> int:
    """Record topics until a signal, or for a time; the exit status: 1 if one was refused.

    Raises ConfigurationError if all are.
    """
    with _Session(path, topics, storage, "", ros_args) as session:
        print(f"Recording {', '.join(topics)} to {path}; Ctrl-C ends it.", flush=True)
        begin = time.monotonic()
        while not session.stop.stopped:
            session.step()
            if duration_s and time.monotonic() - begin > duration_s:
                break
        session.finish()
        return 1 if session.refused else 0


def record_film(path: Path, film: Film, storage: str) -> int:
    """Record images, truth, skeletons and actions of a drawn scene; the exit status.

    Raises RecordingError if the graph breaks; ConfigurationError, BundleError or GestureError,
    before there is a bag, for a film that cannot be.
    """
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    topics = (_IMAGES, *_TRUTH, *_LATCHED, *_RESULTS)
    check_film(vars(film))
    load_bundle(film.bundle or DEFAULT_BUNDLE)
    chosen_classes(load_repertoire(film.bundle), film.classes)
    with _Session(path, topics, storage, NAMESPACE, ()) as session:
        supervisor = session.closing.enter_context(Supervisor(_processes(film)))
        session.supervisor = supervisor
        session.change(Transition.TRANSITION_CONFIGURE, "inactive", _DRAWING_S)
        session.wait(lambda: not session.recorder.waiting, _STARTUP_S, "topics to record")
        count = session.recorder.count_subscribers
        space = f"{NAMESPACE}/"
        session.wait(
            lambda: count(f"{space}{_IMAGES}") > 1 and count(f"{space}skeletons") > 1,
            _STARTUP_S, "the nodes that look at the images",
        )  # fmt: skip
        session.recorder.begin()
        session.change(Transition.TRANSITION_ACTIVATE, "active", _STARTUP_S)
        print("The graph stands; recording.", flush=True)
        while not session.stop.stopped and session.camera_message != "ended":
            session.step()
        while not session.stop.stopped and time.monotonic() - session.recorder.heard_at < _QUIET_S:
            session.step()
        session.finish()
        return 1 if session.stop.stopped else 0


def _processes(film: Film) -> list[ProcessSpec]:
    patience: dict[str, Value] = {"input_timeout_s": _PATIENCE_S}
    bundles: dict[str, Value] = {"bundles": [film.bundle]} if film.bundle else {}
    camera = NodeSpec(
        _CAMERA,
        {
            "autostart": False, "num_people": film.num_people, "duration_s": film.duration_s,
            "rate_hz": film.rate_hz, "seed": film.seed, "vocabulary": film.bundle,
            "classes": list(film.classes) or [""], "prerender": True,
        },
    )  # fmt: skip
    nodes = (
        NodeSpec("pose_estimator", patience),
        NodeSpec("action_recognizer", {**patience, **bundles}),
        camera,
    )
    return [ProcessSpec((node,), NAMESPACE) for node in nodes]


class _Session:
    """A recorder, its bag and its executor, closed in order."""

    def __init__(
        self, path: Path, topics: Sequence[str], storage: str, space: str, ros_args: Sequence[str]
    ) -> None:
        self.closing = ExitStack()
        self.supervisor: Supervisor | None = None
        self.camera_message = self._camera_state = ""
        self._trouble = ""
        self.refused = False
        prepare_middleware()
        with ExitStack() as undo:
            undo.callback(self.closing.close)
            # First what may be refused: the folder of a bag stands in the next try's way.
            check_topics(topics)
            init_ros(list(ros_args), signal_handler_options=SignalHandlerOptions.NO)
            self.closing.callback(rclpy.try_shutdown)
            writer = self.closing.enter_context(BagWriter(path, storage))
            self.stop = StopSignals()
            self.recorder = BagRecorder(
                writer, topics, space, hold=bool(space), namespace=space or None
            )
            self.closing.callback(self.recorder.destroy_node)
            self._executor = SingleThreadedExecutor()
            self._executor.add_node(self.recorder)
            self.closing.callback(lambda: self._executor.shutdown(timeout_sec=1.0))
            undo.pop_all()
        self.recorder.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)
        self._change = self.recorder.create_client(ChangeState, f"{_CAMERA}/change_state")
        self._looked = 0.0

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.close()

    def step(self) -> None:
        """Listen a moment. Raises RecordingError when the graph breaks, and ConfigurationError
        when no topic is left that can be recorded."""
        if self.recorder.waiting and time.monotonic() - self._looked > 0.2:
            self._looked = time.monotonic()
            for sentence in self.recorder.look():
                self._refuse(sentence)
        self._executor.spin_once(timeout_sec=0.05)
        ended = self.supervisor.ended() if self.supervisor is not None else None
        if ended is not None and not self.stop.stopped:
            raise RecordingError(f"{ended[0]} ended with status {ended[1]}; see its message above.")
        if self._trouble and not self.stop.stopped:
            raise RecordingError(self._trouble)

    def wait(self, condition: Callable[[], Any], timeout_s: float, what: str) -> None:
        """Raises RecordingError if it does not come true in time."""
        deadline = time.monotonic() + timeout_s
        while not condition() and not self.stop.stopped:
            if time.monotonic() > deadline:
                lacking = ", ".join(self.recorder.waiting) or what
                raise RecordingError(f"After {timeout_s:.0f} s there is still no {lacking}.")
            self.step()

    def change(self, transition: int, state: str, timeout_s: float) -> None:
        """Have the camera change its lifecycle state."""
        self.wait(self._change.service_is_ready, _STARTUP_S, "camera")
        request = ChangeState.Request(transition=Transition(id=transition))
        answer = self._change.call_async(request)
        # Answers can get lost while DDS still discovers us; the state then tells.
        self.wait(
            lambda: answer.done() or self._camera_state == state, timeout_s, f"{state} camera"
        )
        if answer.done() and not answer.result().success:
            raise RecordingError("The camera could not start; see its message above.")

    def finish(self) -> None:
        """Take what has arrived already, and say what was recorded."""
        self.recorder.end()
        deadline = time.monotonic() + _TAKING_S
        while self.recorder.ending and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)
        print(f"Recorded: {counted(self.recorder.counts)}", flush=True)
        for topic in self.recorder.waiting:
            print(f"Nobody published {topic}.", flush=True)

    def _refuse(self, sentence: str) -> None:
        """A topic cannot be recorded; the others are."""
        self.refused = True
        if self.supervisor is not None or not (self.recorder.waiting or self.recorder.counts):
            raise ConfigurationError(sentence)
        print(f"bharnet_ros: {sentence}", file=sys.stderr, flush=True)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.lstrip("/")
            if self.supervisor is None or not name.startswith(f"{NAMESPACE.strip('/')}/"):
                continue
            if status.level == DiagnosticStatus.ERROR:
                self._trouble = f"{name}: {status.message}"
            if name.endswith(f"/{_CAMERA}"):
                values = {item.key: item.value for item in status.values}
                self.camera_message = status.message
                self._camera_state = values.get("state", "")
