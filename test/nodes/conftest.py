"""Real processes over real middleware. Tests wait for conditions; nothing sleeps."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

TIMEOUT_S = 120.0
"""Far beyond what anything takes; only a test that fails waits so long."""
ASK_AGAIN_S = 5.0
"""DDS may lose the answer to a client that the service's side has not discovered yet, and images on
a machine that has no time for them."""


def _ros_reason() -> str:
    try:
        import bharnet_ros.msg  # noqa: F401
        import rclpy  # noqa: F401
    except ImportError as error:
        return f"needs ROS 2 and the built messages, run `make test` ({error})"
    return ""


collect_ignore_glob = []
if _REASON := _ros_reason():
    collect_ignore_glob = ["test_*.py"]


def pytest_report_header() -> str:
    """Says once why no node is tested, when none is."""
    return f"node tests left out: {_REASON}" if _REASON else "node tests: real rclpy"


@dataclass
class Child:
    """A started process and what it said."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """Everything it printed so far."""
        return self.log.read_text("utf-8", errors="replace")

    def is_broken(self) -> bool:
        """Whether it ended in a way that no test asks for."""
        return bool(self.process.poll()) and "Traceback" in self.output()

    def resident_mib(self) -> float:
        """Memory it holds now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def end(self, number: int = signal.SIGTERM) -> float:
        """Signal it and wait; the seconds until it was gone."""
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout=TIMEOUT_S)
        return time.monotonic() - began


@dataclass
class Ros:
    """The test's own node, and the processes it started."""

    folder: Path
    node: Any
    executor: Any
    children: list[Child] = field(default_factory=list)
    status: dict[str, Any] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)

    def start(self, *specs: Any, **options: Any) -> Child:
        """One process with these NodeSpecs, as installed (not run from the source tree)."""
        from bharnet_ros.nodes.graph import ProcessSpec

        return self.start_command(ProcessSpec(tuple(specs), **options).command())

    def start_command(self, command: list[str]) -> Child:
        """Any command, with its output in a file."""
        log = self.folder / f"{len(self.children)}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, cwd=self.folder
            )
        child = Child(process, log)
        self.children.append(child)
        return child

    def wait(
        self, condition: Callable[[], Any], what: str, again: Callable[[], Any] | None = None
    ) -> Any:
        """Spin until the condition is true; fails naming `what` and what the processes said.

        again: called now and then, to send once more what best-effort topics may lose.
        """
        deadline = time.monotonic() + TIMEOUT_S
        sent = time.monotonic()
        while True:
            found = condition()
            if found:
                return found
            if again is not None and time.monotonic() - sent > ASK_AGAIN_S:
                again()
                sent = time.monotonic()
            broken = [child for child in self.children if child.is_broken()]
            if broken or time.monotonic() > deadline:
                said = "\n".join(child.output() for child in self.children)
                told = "\n".join(f"{name}: {self.values(name)}" for name in self.status)
                pytest.fail(f"{what} did not happen within {TIMEOUT_S:.0f} s:\n{said}\n{told}")
            self.executor.spin_once(timeout_sec=0.05)

    def hear(self, kind: Any, topic: str, quality: Any) -> list[Any]:
        """A list that grows with every message."""
        heard: list[Any] = []
        self.node.create_subscription(kind, topic, heard.append, quality)
        return heard

    def publisher(self, kind: Any, topic: str, quality: Any) -> Any:
        """A publisher that somebody already listens to."""
        publisher = self.node.create_publisher(kind, topic, quality)
        self.wait(publisher.get_subscription_count, f"a subscription to {topic}")
        return publisher

    def ask(self, kind: Any, name: str, request: Any) -> Any:
        """The answer of a service, or None if none came in ASK_AGAIN_S."""
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = self.node.create_client(kind, name)
        self.wait(client.service_is_ready, f"the service {name}")
        future = client.call_async(request)
        until = time.monotonic() + ASK_AGAIN_S
        self.wait(lambda: future.done() or time.monotonic() > until, f"an answer of {name}")
        return future.result() if future.done() else None

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """The answer of a service to what may be asked twice."""
        return self.wait(lambda: self.ask(kind, name, request), f"answer of {name}")

    def activate(self, node: str, *topics: str) -> None:
        """Configure and activate a node once its publishers of these topics are known here."""
        from lifecycle_msgs.msg import Transition

        for topic in topics:
            self.wait(lambda name=topic: self.node.count_publishers(name), f"publisher of {topic}")
        for number, state in (
            (Transition.TRANSITION_CONFIGURE, "inactive"),
            (Transition.TRANSITION_ACTIVATE, "active"),
        ):
            assert self.change(node, number), f"{node} did not become {state}"

    def change(self, node: str, transition: int) -> bool:
        """Ask for a lifecycle transition; whether it succeeded."""
        from lifecycle_msgs.msg import Transition
        from lifecycle_msgs.srv import ChangeState

        request = ChangeState.Request(transition=Transition(id=transition))
        before = self.state(node)

        def answer() -> Any:
            found = self.ask(ChangeState, f"{node}/change_state", request)
            # Not to be asked for twice: where the answer got lost, the state tells.
            if found is None and self.state(node) != before:
                return ChangeState.Response(success=True)
            return found

        return bool(self.wait(answer, f"transition {transition} of {node}").success)

    def state(self, node: str) -> str:
        """The label of a node's lifecycle state."""
        from lifecycle_msgs.srv import GetState

        answer = self.call(GetState, f"{node}/get_state", GetState.Request())
        return str(answer.current_state.label)

    def set(self, node: str, **values: Any) -> Any:
        """Set parameters, all or none; the result with its reason."""
        from rcl_interfaces.srv import SetParametersAtomically
        from rclpy.parameter import Parameter

        wanted = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        request = SetParametersAtomically.Request(parameters=wanted)
        return self.call(
            SetParametersAtomically, f"{node}/set_parameters_atomically", request
        ).result

    def values(self, node: str) -> dict[str, str]:
        """The newest diagnostic values of a node."""
        status = self.status.get(node)
        return {item.key: item.value for item in status.values} if status is not None else {}

    def message(self, node: str) -> str:
        """The newest diagnostic message of a node."""
        status = self.status.get(node)
        return status.message if status is not None else ""

    def level(self, node: str) -> bytes | None:
        """The newest diagnostic level of a node."""
        status = self.status.get(node)
        return status.level if status is not None else None


@pytest.fixture(scope="session")
def ros_domain() -> Iterator[int]:
    """The domain of this session (see pytest_configure), with rclpy in it."""
    import rclpy

    from bharnet_ros.nodes.environment import prepare_middleware

    prepare_middleware()
    rclpy.init(signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)
    yield int(os.environ["ROS_DOMAIN_ID"])
    rclpy.try_shutdown()


@pytest.fixture(scope="module")
def ros(ros_domain: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ros]:
    """Processes started here end with the module: quickly, with status 0 and no traceback."""
    import rclpy
    from diagnostic_msgs.msg import DiagnosticArray
    from rclpy.executors import SingleThreadedExecutor

    node = rclpy.create_node("tester")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    world = Ros(tmp_path_factory.mktemp("ros"), node, executor)

    def note(array: Any) -> None:
        for status in array.status:
            world.status[status.name] = status

    node.create_subscription(DiagnosticArray, "/diagnostics", note, 50)
    yield world
    running = [child for child in world.children if child.process.poll() is None]
    for child in running:
        child.process.terminate()
    for child in running:
        try:
            child.process.wait(timeout=15.0)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
    executor.shutdown()
    node.destroy_node()
    for child in world.children:
        assert "Traceback" not in child.output(), child.output()
    for child in running:
        assert child.process.returncode == 0, child.output()


@pytest.fixture(scope="session")
def arms_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real graph that tells a raised right arm from a raised left one, by the body alone."""
    pytest.importorskip("onnx", reason="the graph is built with onnx")
    from benchmarks.synthetic import BODY_INPUTS, HAND_INPUTS, tiny_manifest, tiny_model
    from bharnet_ros.bundle import write_bundle

    body = np.zeros((BODY_INPUTS, 3), np.float32)
    for class_id, wrist in ((1, 10), (2, 9)):
        body[1 * 19 + wrist, class_id] = -16.0
        body[2 * 19 + wrist, class_id] = -8.0
    manifest = tiny_manifest(("idle", "right_up", "left_up"), name="arms")
    model = tiny_model(body, np.zeros((HAND_INPUTS, 3), np.float32), manifest.num_steps)
    return write_bundle(tmp_path_factory.mktemp("bundles") / "arms", manifest, model).path


@pytest.fixture(scope="session")
def fists_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second graph with classes of its own, over the same windows as `arms_bundle`."""
    pytest.importorskip("onnx", reason="the graph is built with onnx")
    from benchmarks.synthetic import write_tiny_bundle

    folder = tmp_path_factory.mktemp("bundles") / "fists"
    return write_tiny_bundle(folder, name="fists").path
