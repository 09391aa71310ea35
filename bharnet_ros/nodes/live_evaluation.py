"""One bag played in real time to the graph: what the robot would have said, and how late."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from bharnet_ros.bags.images import COMPRESSED
from bharnet_ros.errors import ConfigurationError, EvaluationError
from bharnet_ros.evaluation.bag_input import stamped
from bharnet_ros.evaluation.checkpoints import bag_identity
from bharnet_ros.evaluation.finished import Finished
from bharnet_ros.evaluation.heard import record_heard, restored
from bharnet_ros.evaluation.offline import Job
from bharnet_ros.evaluation.records import Recording
from bharnet_ros.evaluation.stamp_order import usable_stamps
from bharnet_ros.evaluation.tracked import TrackedFrames
from bharnet_ros.node_parameters import read_params_file
from bharnet_ros.nodes.environment import prepare_middleware
from bharnet_ros.nodes.evaluation_collector import EvaluationCollector
from bharnet_ros.nodes.graph import ProcessSpec, recognize_graph
from bharnet_ros.nodes.names import check_namespace, check_topic
from bharnet_ros.nodes.supervisor import Supervisor

NAMESPACE = "/evaluation"
"""Of the graph that is started for the evaluation, so that it mixes with no other."""
_NODES = ("pose_estimator", "action_recognizer")
_STARTUP_S = 240.0
"""For loading networks, also on a slow and busy machine."""
_HINT_S = 8.0
"""After which it is told what the graph lacks: perhaps another namespace or topic was meant."""
_SETTLE_S = 1.0
"""Discovery between two other processes cannot be seen from here."""
_QUIET_S = 1.5
"""Silence after the end of the bag after which nothing more is expected."""
_LEAD_S = 0.1
_PATIENCE_S = 600.0


@dataclass(frozen=True)
class LiveOptions:
    """How to play and to what.

    rate: bag seconds per second. attach: use the running graph of the namespace, which listens
    on `graph_topic` ("" = where the images were recorded; compressed ones are played to
    `graph_topic`/compressed), instead of starting one. The others: see recognize_graph.
    """

    rate: float = 1.0
    attach: bool = False
    composed: bool = False
    namespace: str = ""
    params_file: str = ""
    use_sim_time: bool = False
    log_level: str = "warn"
    graph_topic: str = ""

    def __post_init__(self) -> None:
        if not 0.01 <= self.rate <= 100.0:
            raise ConfigurationError(f"--rate is {self.rate}; it must lie between 0.01 and 100.")
        check_namespace(self.namespace)
        if self.graph_topic:
            check_topic("--graph_topic", self.graph_topic)

    @property
    def space(self) -> str:
        """The namespace with its slash; "" = the root."""
        bare = self.namespace.strip("/")
        return f"/{bare}" if bare else ("" if self.attach else NAMESPACE)


class LiveEvaluation:
    """Evaluates a `Job` through the running graph, one after the other.

    Raises EvaluationError when the graph does not come up or breaks.
    """

    def __init__(self, options: LiveOptions) -> None:
        self._options = options

    def __call__(self, job: Job) -> tuple[Recording, TrackedFrames]:
        """The recording, and the frames that the graph published."""
        finished = self._finished(job)
        before = finished.load()
        if before is not None:
            return before, restored(job)
        log_times = usable_stamps(stamped(job.bag, job.given.topic))
        if not self._options.attach:
            os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        prepare_middleware()
        context = rclpy.Context()
        # Signals are the command's: a stop ends the playback and leaves a report.
        rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
        with ExitStack() as closing:
            closing.callback(rclpy.try_shutdown, context=context)
            play = _Playback(job, self._options, min(log_times.values()), context)
            closing.callback(play.close)
            play.run()
            heard = play.collector.heard(self._options.rate)
        recording, frames = record_heard(job, heard, log_times)
        if recording.complete:
            finished.save(recording, job.subject, "live")
        return recording, frames

    def _finished(self, job: Job) -> Finished:
        """Where a recording is kept while others of the same run are played."""
        labels = job.labels.read_bytes() if job.labels is not None else b""
        return Finished(
            job.output,
            {
                "name": job.name, "bag": bag_identity(job.path), "topic": job.given.topic,
                "labels": hashlib.sha256(labels).hexdigest(), "how": asdict(self._options),
                "bundle": job.subject.sha256, "rules": asdict(job.subject.config),
                "pose": job.subject.pose_identity(), "engine": job.subject.engine_identity(),
                # Other parameters of the nodes count live too.
                "parameters": _node_parameters(self._options.params_file),
                **({"rgb": True} if job.subject.rgb else {}),
            },
        )  # fmt: skip


class _Playback:
    """The graph, the player and the listener of one bag."""

    def __init__(self, job: Job, options: LiveOptions, first_log_ns: int, context: Any) -> None:
        self._job, self._options = job, options
        self._first_log_ns = first_log_ns
        self._images = job.given.kind == "images"
        self._compressed = self._images and job.bag.topics[job.given.topic].type == COMPRESSED
        self.collector = EvaluationCollector(
            self._target(), self._clock(), namespace=options.space or None, context=context
        )
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.collector)
        self._closing = ExitStack()
        self._graph: Supervisor | None = None
        self._player: subprocess.Popen[bytes] | None = None

    def _target(self) -> str:
        if self._options.attach and self._images and not self._options.graph_topic:
            return self._job.given.topic
        topic = self._options.graph_topic or ("image_raw" if self._images else "skeletons")
        # As image_transport names it.
        return f"{topic}/compressed" if self._compressed else topic

    def _clock(self) -> str:
        """Nobody else may follow this time, unless the graph is to."""
        return "/clock" if self._options.use_sim_time else f"{self._options.space}/playback_clock"

    def run(self) -> None:
        """Start everything, play to the end or until stopped. Raises EvaluationError."""
        self._check_alone()
        if not self._options.attach:
            self._graph = self._closing.enter_context(Supervisor(self._processes()))
        lacking = self.collector.missing
        if not self._wait(lambda: not lacking(self._images), _HINT_S):
            self.collector.get_logger().warning(
                f"Waiting, {_STARTUP_S:.0f} s at most, for what the graph in namespace "
                f"'{self._options.space or '/'}' lacks: {lacking(self._images)}."
            )
        if not self._wait(lambda: not lacking(self._images), _STARTUP_S):
            raise EvaluationError(
                f"After {_STARTUP_S:.0f} s the graph still lacks: {lacking(self._images)}."
            )
        if self._job.stopped():
            return
        self._check_bundle()
        self._start_player()
        if not self._wait(lambda: not self.collector.player_missing(), _STARTUP_S):
            raise EvaluationError("The playback did not start; see its message above.")
        self._wait(lambda: False, _SETTLE_S)
        answer = self.collector.resume()
        self._wait(answer.done, _STARTUP_S)
        self._until_end()

    def close(self) -> None:
        """End all that was started."""
        if self._player is not None and self._player.poll() is None:
            self._player.terminate()
            try:
                self._player.wait(timeout=5.0)
            except subprocess.TimeoutExpired:
                self._player.kill()
                self._player.wait()
        self._closing.close()
        self._executor.shutdown(timeout_sec=1.0)
        self.collector.destroy_node()

    def _processes(self) -> list[ProcessSpec]:
        options, subject = self._options, self._job.subject
        folder = self._closing.enter_context(tempfile.TemporaryDirectory(prefix="bharnet_ros_"))
        specs = recognize_graph(
            pose_backend=subject.pose_backend, bundle=subject.bundle, composed=options.composed,
            rgb=subject.rgb and self._images, visualizer=False,
            namespace=options.space,
            params_file=parameters_for(options.params_file, options.space, Path(folder)),
            use_sim_time=options.use_sim_time, log_level=options.log_level,
            image_transport="compressed" if self._compressed else "raw" if self._images else "",
        )  # fmt: skip
        # Whatever a robot's file says: this graph starts by itself, with the clock asked for here.
        ours = {
            "input_timeout_s": _PATIENCE_S, "autostart": True, "use_sim_time": options.use_sim_time,
        }  # fmt: skip
        kept = []
        for spec in specs:
            nodes = tuple(
                type(node)(node.node, {**node.parameters, **ours}, node.remaps)
                for node in spec.nodes
                if self._images or node.node != "pose_estimator"
            )  # fmt: skip
            if nodes:
                kept.append(
                    ProcessSpec(
                        nodes, spec.namespace, spec.params_file, spec.use_sim_time, spec.log_level
                    )
                )
        return kept

    def _start_player(self) -> None:
        options, given = self._options, self._job.given
        remaps = []
        if given.topic != self.collector.played:
            remaps.append(f"{given.topic}:={self.collector.played}")
        # Other topics may have begun long before.
        before_s = (self._first_log_ns - self._job.bag.start_ns) / 1e9 - _LEAD_S
        if not options.use_sim_time:
            remaps.append(f"/clock:={self._clock()}")
        line = [
            sys.executable, "-m", "bharnet_ros", "replay", str(self._job.path),
            "--topics", given.topic, "--start-paused", "--rate", str(options.rate),
            # The playback itself must have met them: what it plays before is lost to them.
            "--min-subscribers", str(self.collector.listeners(self._images)),
            "--start-offset", repr(max(0.0, before_s)),
            "--clock-topics", given.topic, *(["--remap", *remaps] if remaps else []),
            "--ros-args", "--log-level", options.log_level,
        ]  # fmt: skip
        if options.space:
            line += ["-r", f"__ns:={options.space}"]
        self._player = subprocess.Popen(line)

    def _check_alone(self) -> None:
        self._wait(lambda: False, _SETTLE_S)
        others = self.collector.others()
        if others:
            raise EvaluationError(
                f"{', '.join(others)} already publishes {self.collector.played}, where the bag "
                "would be played; stop it, or choose another --namespace."
            )

    def _check_bundle(self) -> None:
        """Raise EvaluationError if a graph that was already there runs something else."""
        manifest = self._job.subject.loaded.manifest
        running = {each.bundle: tuple(each.class_names) for each in self.collector.labels.bundles}
        if running.get(manifest.name) != manifest.class_names:
            raise EvaluationError(
                f"The graph runs {', '.join(sorted(running))} and not the bundle "
                f"'{manifest.name}' with its classes; give --bundle as the graph has it."
            )

    def _until_end(self) -> None:
        collector, player = self.collector, self._player
        while not self._job.stopped() and player is not None and player.poll() is None:
            self._step()
            played_ns = collector.played_until_ns - self._first_log_ns
            self._job.progress(int(max(0, played_ns) / 1e9))
        if player is not None and player.poll() not in (None, 0) and not self._job.stopped():
            raise EvaluationError(
                f"The playback ended with status {player.returncode}; see its message above."
            )
        begin = time.monotonic_ns()
        while not self._job.stopped():
            self._step()
            if time.monotonic_ns() - max(begin, collector.heard_ns) > _QUIET_S * 1e9:
                break

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > deadline:
                return False
            if self._job.stopped():
                return True
            self._step()
        return True

    def _step(self) -> None:
        self._executor.spin_once(timeout_sec=0.05)
        ended = self._graph.ended() if self._graph is not None else None
        if ended is not None and not self._job.stopped():
            raise EvaluationError(
                f"{ended[0]} ended with status {ended[1]}; see its message above."
            )
        trouble = self.collector.trouble()
        if trouble and not self._job.stopped():
            raise EvaluationError(trouble)


def parameters_for(params_file: str, space: str, folder: Path) -> str:
    """What a file says of the nodes that are started, as a file in the folder for those of a
    namespace; "" = nothing. Raises ConfigurationError."""
    nodes = {
        f"{space}/{name}": {"ros__parameters": values}
        for name, values in _node_parameters(params_file).items()
    }
    if not nodes:
        return ""
    path = folder / "parameters.yaml"
    path.write_text(yaml.safe_dump(nodes, allow_unicode=True), "utf-8")
    return str(path)


def _node_parameters(params_file: str) -> dict[str, dict[str, Any]]:
    """By node, whatever the namespaces: the robot's are not ours, and rcl looks at them. Offline
    the file is read in this way too."""
    if not params_file:
        return {}
    given = {name: read_params_file(params_file, name) for name in _NODES}
    return {name: values for name, values in given.items() if values}
