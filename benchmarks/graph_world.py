"""A world to try the graph in: the real processes on a ROS domain of their own, a camera that
obeys, and a listener that notes when everything arrived.

    with GraphWorld(folder, domain=100) as world:
        world.start_camera(film(FilmScript("held"), folder))
        world.start_nodes("pose_estimator")
        world.start_nodes("action_recognizer")
        world.wait(lambda: world.heard.actions, "actions")
        world.kill("pose_estimator")   # it is started again at once, as respawn does
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image as ImageMessage

from benchmarks.heard import Heard
from benchmarks.process_meter import children, command_line
from bharnet_ros import msg
from bharnet_ros.nodes.environment import prepare_middleware
from bharnet_ros.nodes.graph import NodeSpec, ProcessSpec, Value
from bharnet_ros.nodes.qos import IMAGE_SUBSCRIBER, RESULTS

CAMERA, GRAPH = "camera", "graph"
DOMAIN = 100
"""A world says if somebody is there already; 101 is the last one that Linux has ports for."""
_ROOT = Path(__file__).resolve().parents[1]
_VARIABLES = ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")
_POLL_S = 0.01
_LOOK_AROUND_S = 0.7
_END_S = 10.0


class WorldError(RuntimeError):
    """Something that was waited for did not happen; the sentence says what the processes said."""


@dataclass
class Member:
    """A process of the world.

    respawn: started again whenever it ends unasked. starts, ends: of all its lives, in
    nanoseconds of the system clock, and exit statuses.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    respawn: bool
    process: subprocess.Popen[str] | None = None
    killed: bool = False
    starts: list[int] = field(default_factory=list)
    ends: list[tuple[int, int, bool]] = field(default_factory=list)

    def said(self) -> str:
        """Everything it printed in all its lives."""
        return self.log.read_text("utf-8", errors="replace") if self.log.is_file() else ""


class GraphWorld:
    """Starts, watches and ends processes. Use as a context manager.

    folder: for logs. domain: ROS_DOMAIN_ID of everybody here. environment: for all processes.
    """

    def __init__(
        self, folder: Path, domain: int = DOMAIN, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.heard = Heard()
        self.sent: dict[int, int] = {}
        """Stamp of every image sent -> when it was sent, nanoseconds of the system clock."""
        self.members: dict[str, Member] = {}
        self.kills: list[tuple[int, str]] = []
        """When which process was killed on purpose, nanoseconds of the system clock."""
        self._domain = domain
        self._environment = dict(environment or {})
        self._listening: list[Any] = []

    def __enter__(self) -> GraphWorld:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Read by this process' own node, and inherited by all others.
        self._before = {name: os.environ.get(name) for name in _VARIABLES}
        os.environ.update(zip(_VARIABLES, (str(self._domain), "LOCALHOST"), strict=True))
        prepare_middleware()
        self._context = rclpy.Context()
        rclpy.init(
            args=[], context=self._context, domain_id=self._domain,
            signal_handler_options=SignalHandlerOptions.NO,
        )  # fmt: skip
        self.node = rclpy.create_node("world", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        heard = self.heard
        self.listen(msg.RecognizedActionArray, "actions", heard.on_actions, RESULTS)
        self.listen(msg.SkeletonArray, "skeletons", heard.on_skeletons, RESULTS)
        self.listen(DiagnosticArray, "/diagnostics", heard.on_diagnostics, RESULTS)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()
        self.run_for(_LOOK_AROUND_S)
        others = sorted(set(self.node.get_node_names()) - {self.node.get_name()})
        if others:
            self.__exit__()
            raise WorldError(
                f"Somebody else uses ROS_DOMAIN_ID {self._domain} ({', '.join(others)}); choose "
                "another one with --domain."
            )
        return self

    def _spin(self) -> None:
        while not self._over.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def __exit__(self, *_: object) -> None:
        self.stop(*self.members)
        # Nothing may be torn down under a thread that still spins.
        self._over.set()
        self._thread.join()
        self._executor.shutdown(timeout_sec=2.0)
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    # listening and speaking

    def listen(self, kind: Any, topic: str, callback: Any, quality: Any, **options: Any) -> Any:
        """A subscription of the world's own node."""
        subscription = self.node.create_subscription(kind, topic, callback, quality, **options)
        self._listening.append(subscription)
        return subscription

    def look(self) -> Any:
        """Subscribe to image_annotated; the subscription, for `look_away`."""
        return self.listen(
            ImageMessage, "image_annotated", self.heard.on_picture, IMAGE_SUBSCRIBER
        )

    def look_away(self, subscription: Any) -> None:
        """End a subscription of `look` or `listen`."""
        self._listening.remove(subscription)
        self.node.destroy_subscription(subscription)

    # processes

    def start_nodes(
        self,
        *nodes: str,
        parameters: Mapping[str, Value] | None = None,
        remaps: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        respawn: bool = True,
        wrapper: Sequence[str] = (),
    ) -> Member:
        """Nodes of the package in one process; its name is the first node's, `composed` for
        several. wrapper: a command that runs the command."""
        specs = tuple(NodeSpec(node, parameters or {}, remaps or {}) for node in nodes)
        name = nodes[0] if len(nodes) == 1 else "composed"
        command = [*wrapper, *ProcessSpec(specs, log_level="warn").command()]
        return self.start(name, command, respawn, environment)

    def start_graph(self, *arguments: str) -> Member:
        """`python -m bharnet_ros recognize --respawn true`: its supervisor starts the processes
        and starts them again; they are known here by their nodes' names."""
        command = [sys.executable, "-m", "bharnet_ros", "recognize", "--respawn", "true"]
        return self.start(GRAPH, [*command, "--log_level", "warn", *arguments])

    def pid(self, name: str) -> int | None:
        """The process of this name, or the one that runs this node in a `start_graph`; None while
        it is not running."""
        if name in self.members:
            process = self.members[name].process
            return process.pid if process is not None and process.poll() is None else None
        for member in self.members.values():
            for pid in children(member.process.pid) if member.process is not None else ():
                if name in command_line(pid):
                    return pid
        return None

    def start_camera(self, film: Path, name: str = CAMERA, **options: Any) -> Member:
        """The obedient camera (benchmarks/film_camera.py); options: its command line's."""
        command = [sys.executable, "-m", "benchmarks.film_camera", str(film), "--name", name]
        for option, value in options.items():
            command += [f"--{option}", str(value)]
        return self.start(name, command, respawn=True)

    def start(
        self,
        name: str,
        command: Sequence[str],
        respawn: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Member:
        """Any command; its standard output, line by line, is read for stamps of images."""
        log = self.folder / f"{name}.log"
        log.unlink(missing_ok=True)
        member = Member(
            name, command, {**self._environment, **(environment or {})}, log, respawn
        )
        self.members[name] = member
        self._launch(member)
        return member

    def _launch(self, member: Member) -> None:
        with member.log.open("ab") as log:
            member.process = subprocess.Popen(
                member.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, **member.environment}, text=True, cwd=_ROOT,
            )  # fmt: skip
        member.starts.append(time.time_ns())
        threading.Thread(target=self._read, args=(member.process, member.log), daemon=True).start()

    def _read(self, process: subprocess.Popen[str], path: Path) -> None:
        with path.open("a", encoding="utf-8") as log:
            for line in process.stdout or ():
                words = line.split()
                if len(words) == 3 and words[0].isdigit():
                    self.sent.setdefault(int(words[1]), int(words[2]))
                else:
                    log.write(line)

    def order(self, name: str = CAMERA, **behaviour: Any) -> None:
        """Tell a camera how to behave from now on (fields of film_camera.Behaviour)."""
        process = self.members[name].process
        if process is None or process.stdin is None:
            raise WorldError(f"{name} is not running.")
        process.stdin.write(json.dumps(behaviour) + "\n")
        process.stdin.flush()

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Signal a process; nanoseconds of the system clock when it was done."""
        pid = self.pid(name)
        if pid is None:
            raise WorldError(f"{name} is not running.")
        if number == signal.SIGKILL:
            self.kills.append((time.time_ns(), name))
            if name in self.members:
                self.members[name].killed = True
        os.kill(pid, number)
        return time.time_ns()

    def tend(self) -> None:
        """Notice processes that ended, and start again those that are to be."""
        for member in self.members.values():
            process = member.process
            if process is None or process.poll() is None:
                continue
            member.ends.append((time.time_ns(), process.returncode, member.killed))
            member.killed, member.process = False, None
            if member.respawn:
                self._launch(member)

    def stop(self, *names: str) -> list[float]:
        """SIGTERM (a camera: end of its orders) to each; seconds until each was gone."""
        began, ending = time.monotonic(), []
        for name in names:
            member = self.members.pop(name)
            process, member.process = member.process, None
            if process is None:
                continue
            if process.stdin is not None:
                process.stdin.close()
            process.send_signal(signal.SIGCONT)
            process.terminate()
            ending.append(process)
        seconds = []
        for process in ending:
            try:
                process.wait(timeout=_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            seconds.append(time.monotonic() - began)
        return seconds

    def crashes(self) -> list[str]:
        """Every end that nobody asked for, and every traceback, in words."""
        found = []
        for member in self.members.values():
            for _, status, killed in member.ends:
                if not killed:
                    found.append(f"{member.name} ended with status {status}")
            said = member.said()
            if "Traceback" in said:
                found.append(f"{member.name} printed a traceback")
            asked = sum(name not in self.members for _, name in self.kills)
            if member.name == GRAPH and said.count("ended with status") > asked:
                found.append("a process of the graph ended unasked")
        return found

    # time

    def wait(self, condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> float:
        """Until it is true; the seconds that took. Raises WorldError."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > timeout_s:
                said = "\n".join(f"{m.name}: {m.said()[-2000:]}" for m in self.members.values())
                raise WorldError(f"{what} did not happen within {timeout_s:.0f} s.\n{said}")
            self.tend()
            time.sleep(_POLL_S)
        return time.monotonic() - began

    def run_for(self, seconds: float) -> None:
        """Let the world go on."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            time.sleep(min(_POLL_S, max(deadline - time.monotonic(), 0.0)))
