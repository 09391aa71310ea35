"""Ctrl-C while the modules of a command load: the end, with one status and without a word."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from bharnet_ros.interrupts import INTERRUPTED, loaded, quiet_while_loading

ROOT = Path(__file__).resolve().parents[1]
NEEDS_ROS = pytest.mark.skipif(importlib.util.find_spec("rclpy") is None, reason="needs ROS 2")

AT_IMPORT = """
    import os, runpy, signal, sys

    class CtrlC:
        def __init__(self, library):
            self.wanted = library

        def find_spec(self, name, path=None, target=None):
            if name == self.wanted:
                self.wanted = None
                os.kill(os.getpid(), signal.SIGINT)

    # Shells have it ignored in what they start in the background, as the tests may be.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _, library, program, *arguments = sys.argv
    sys.meta_path.insert(0, CtrlC(library))
    sys.argv = [program, *arguments]
    if os.path.isfile(program):
        runpy.run_path(program, run_name="__main__")
    else:
        runpy.run_module(program, run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("library", "command"),
    [
        ("numpy", ["bharnet_ros", "demo"]),
        ("bharnet_ros.bags", ["bharnet_ros", "evaluate", "bag"]),
        ("yaml", ["bharnet_ros", "label", "bag"]),
        *(
            pytest.param(library, ["bharnet_ros", *words], marks=NEEDS_ROS)
            for library, *words in (
                ("rclpy.impl.implementation_singleton", "record", "bag"),
                ("bharnet_ros.msg", "node", "visualizer"),
                ("bharnet_ros.nodes.supervisor", "recognize"),
            )
        ),
        *(
            ("numpy", [str(ROOT / "scripts" / name)])
            for name in ("demo", "evaluate", "recognize", "record", "replay")
        ),
        ("numpy", ["training", "fit"]),
        ("training.commands.teach", ["training", "fit"]),
    ],
    ids=lambda value: value if isinstance(value, str) else Path(" ".join(value)).name,
)
def test_the_process_ends_quietly(library: str, command: list[str], tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(AT_IMPORT), library, *command],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.stdout + ended.stderr == ""
    assert ended.returncode == INTERRUPTED


@pytest.fixture
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("handler")
def test_afterwards_it_is_an_exception_again() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    quiet_while_loading()
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    loaded()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("handler")
def test_where_it_is_ignored_or_handled_it_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # as of what shells start in the background
    quiet_while_loading()
    loaded()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
