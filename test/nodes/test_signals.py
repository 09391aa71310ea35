"""SIGINT and SIGTERM: every executable ends within two seconds, with status 0 and no traceback."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import executables

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

WITHIN_S = 2.0
TRIES = 3
"""Shared machines stand still at times; who always takes too long is found all the same."""


def end_in_time(child: Any, again: Callable[[], Any], number: int) -> Any:
    """End it, and if that took too long start another one by `again`; the one that was in time."""
    took_s = child.end(number)
    for _ in range(TRIES - 1):
        if took_s < WITHIN_S:
            break
        child = again()
        took_s = child.end(number)
    assert took_s < WITHIN_S, child.output()
    return child


@pytest.fixture(scope="module")
def started(ros: Any, arms_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Executables at their work. Each gets one signal here; `python -m benchmarks.executables`
    gives all of them both, also those that are several processes."""
    found = executables.cases(arms_bundle, tmp_path_factory.mktemp("signals"))
    cases = [case for case in found if case.name in executables.QUICK]
    children = [(case, ros.start_command(case.command)) for case in cases]
    for case, child in children:
        ros.wait(lambda c=case: c.is_up(ros.node), f"{case.name} to stand")
        assert child.process.poll() is None, child.output()
    return children


@pytest.mark.parametrize("index", range(len(executables.QUICK)), ids=executables.QUICK)
def test_a_signal_ends_it_in_time_and_without_a_traceback(
    ros: Any, started: Any, index: int
) -> None:
    case, child = started[index]

    def again() -> Any:
        fresh = ros.start_command(case.command)
        ros.wait(lambda: case.is_up(ros.node), f"{case.name} to stand")
        return fresh

    child = end_in_time(child, again, (signal.SIGINT, signal.SIGTERM)[index % 2])
    said = child.output()
    assert child.process.returncode in case.statuses, said
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("action_recognizer", "numpy"), ("action_recognizer", "rclpy"),
        ("action_recognizer", "onnxruntime"), ("composed", "numpy"),
    ],
)  # fmt: skip
def test_a_signal_while_it_starts_ends_it_quietly(
    ros: Any, name: str, library: str, number: int
) -> None:
    node = ["visualizer"] if name == "composed" else []

    def starting() -> Any:
        child = ros.start_command([*executables.executable(name), *node])
        maps = Path(f"/proc/{child.process.pid}/maps")
        ros.wait(lambda: library in maps.read_text("ascii"), f"{library} to be loaded")
        return child

    child = end_in_time(starting(), starting, number)
    assert child.process.returncode == 0, "which `ros2 launch` would call an error"
    assert "Traceback" not in child.output()


HANGING = """
    import sys, time
    from bharnet_ros.nodes.base import ManagedNode, run

    class Hanging(ManagedNode):
        def __init__(self):
            super().__init__("hanging", ())

        def configure(self):
            print("begun", flush=True)
            time.sleep(60.0)

    sys.exit(run([Hanging]))
"""


def test_work_that_cannot_be_interrupted_does_not_hold_up_the_end(ros: Any) -> None:
    def working() -> Any:
        child = ros.start_command([sys.executable, "-c", textwrap.dedent(HANGING)])
        ros.wait(lambda: "begun" in child.output(), "the work to begin")
        return child

    child = end_in_time(working(), working, signal.SIGTERM)
    assert child.process.returncode == 0
    assert "hanging did not stop within" in child.output()


IMPATIENT = """
    import os, signal, sys
    from bharnet_ros.nodes.base import ManagedNode, run

    class Quick(ManagedNode):
        def __init__(self):
            super().__init__("quick", ())

        def configure(self):
            print("begun", flush=True)

    class Again:
        def __del__(self, kill=os.kill, pid=os.getpid(), number=signal.SIGINT):
            kill(pid, number)

    again = Again()  # goes when Python has taken its handlers down
    sys.exit(run([Quick]))
"""


def test_ctrl_c_again_while_python_ends_changes_nothing(ros: Any) -> None:
    def working() -> Any:
        child = ros.start_command([sys.executable, "-c", textwrap.dedent(IMPATIENT)])
        ros.wait(lambda: "begun" in child.output(), "the work to begin")
        return child

    child = end_in_time(working(), working, signal.SIGINT)
    assert child.process.returncode == 0, child.output()


ELSEWHERE = """
    import signal, sys, threading
    from bharnet_ros.nodes.base import ManagedNode, run

    class Elsewhere(ManagedNode):
        def __init__(self):
            super().__init__("elsewhere", ())

        def activate(self):
            self.create_timer(0.2, self.hit)

        def hit(self):  # in the node's thread, as the kernel does on a busy machine
            print("hit", flush=True)
            signal.pthread_kill(threading.get_ident(), signal.{name})
            threading.Event().wait(0.3)

    sys.exit(run([Elsewhere]))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_comes_to_another_thread_ends_it_too(ros: Any, name: str) -> None:
    script = textwrap.dedent(ELSEWHERE).format(name=name)
    child = ros.start_command([sys.executable, "-c", script])
    ros.wait(lambda: child.process.poll() is not None, "its end")
    assert child.process.returncode == 0 and child.output().count("hit") <= 2, child.output()


FAILING = """
    import sys
    from bharnet_ros.nodes.base import ManagedNode, run

    class Failing(ManagedNode):
        def __init__(self):
            super().__init__("failing", ())
            self.count = 0

        def activate(self):
            self.create_timer(0.01, self.fail)

        def fail(self):
            self.count += 1
            print("call", self.count, flush=True)
            raise ZeroDivisionError("what nobody thought of")

    sys.exit(run([Failing]))
"""


def test_an_error_nobody_foresaw_is_told_with_its_place_and_survived(ros: Any) -> None:
    def failing() -> Any:
        child = ros.start_command([sys.executable, "-c", textwrap.dedent(FAILING)])
        ros.wait(lambda: "call 5" in child.output(), "the callback to go on after it failed")
        return child

    child = failing()
    assert "Internal error" in child.output() and "what nobody thought of" in child.output()
    child = end_in_time(child, failing, signal.SIGTERM)
    assert child.process.returncode == 0


def test_children_of_a_killed_supervisor_end_too(ros: Any, arms_bundle: Path) -> None:
    child = ros.start_command(
        [*executables.executable("recognize"), "--bundle", str(arms_bundle), "--namespace",
         "orphans", "--visualizer", "false", "--autostart", "false"]
    )  # fmt: skip
    here = lambda: set(ros.node.get_node_names_and_namespaces()) & {  # noqa: E731
        ("pose_estimator", "/orphans"), ("action_recognizer", "/orphans"),
    }  # fmt: skip
    ros.wait(lambda: len(here()) == 2, "both nodes")
    pids = executables.children_of(child.process.pid)
    assert len(pids) == 2
    child.end(signal.SIGKILL)
    ros.wait(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "them to end")


def test_a_middleware_that_hangs_at_the_end_does_not_hold_it_up(ros: Any, tmp_path: Path) -> None:
    script = tmp_path / "hangs.py"
    script.write_text(
        "import threading, rclpy\n"
        "from bharnet_ros.nodes import running\n"
        "from bharnet_ros.nodes.visualizer import VisualizerNode\n"
        "rclpy.try_shutdown = lambda: threading.Event().wait()\n"
        "running.run([VisualizerNode])\n"
    )
    child = ros.start_command([sys.executable, str(script)])
    ros.wait(lambda: "visualizer" in ros.node.get_node_names(), "the node")
    assert child.end(signal.SIGTERM) < 30.0
    assert child.process.returncode == 0
    assert "the middleware did not end within 3 s" in child.output()
