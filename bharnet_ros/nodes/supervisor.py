"""Runs the processes of a graph: starts them, starts them again, ends all of them together."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bharnet_ros.nodes.environment import prepare_middleware
from bharnet_ros.nodes.graph import ProcessSpec
from bharnet_ros.nodes.running import StopSignals

RESPAWN_S = 1.0
"""Pause before a process that ended is started again."""
_MAX_RESPAWN_S = 30.0
"""The pause doubles up to this while a process keeps ending soon."""
_SOON_S = 10.0
_GRACE_S = 5.0
_PR_SET_PDEATHSIG = 1


@dataclass
class _Child:
    """A process, when it was started, and how long to wait before it may be started again."""

    spec: ProcessSpec
    process: subprocess.Popen[bytes]
    began_s: float
    pause_s: float = RESPAWN_S / 2.0
    due_s: float | None = None


class Supervisor:
    """Starts processes, notices when one ends, and ends all of them together.

    quiet: their standard output goes nowhere. respawn: `tend` starts those that ended again.
    Children die with this process even if it is killed without warning.
    """

    def __init__(
        self, specs: Sequence[ProcessSpec], quiet: bool = False, respawn: bool = False
    ) -> None:
        self._specs = specs
        self._quiet = quiet
        self._respawn = respawn
        self._children: list[_Child] = []

    def __enter__(self) -> Supervisor:
        try:
            for spec in self._specs:
                self._children.append(_Child(spec, self._start(spec), time.monotonic()))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, spec: ProcessSpec) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            spec.command(),
            stdout=subprocess.DEVNULL if self._quiet else None,
            preexec_fn=_die_with_parent,
        )

    def ended(self) -> tuple[str, int] | None:
        """Title and exit status of the first process that has ended for good, if any."""
        for child in self._children:
            status = child.process.poll()
            if status is not None and not self._respawn:
                return child.spec.title, status
        return None

    def tend(self) -> None:
        """With respawn: start again what has ended, after a pause. To be called often."""
        if not self._respawn:
            return
        now = time.monotonic()
        for child in self._children:
            status = child.process.poll()
            if status is None:
                continue
            if child.due_s is None:
                soon = now - child.began_s < _SOON_S
                child.pause_s = min(2.0 * child.pause_s, _MAX_RESPAWN_S) if soon else RESPAWN_S
                child.due_s = now + child.pause_s
                print(
                    f"bharnet_ros: {child.spec.title} ended with status {status}; it is started "
                    f"again in {child.pause_s:g} s.",
                    file=sys.stderr,
                    flush=True,
                )
            elif now >= child.due_s:
                child.process, child.began_s, child.due_s = self._start(child.spec), now, None

    def stop(self) -> None:
        """SIGTERM to all, five seconds of patience, then SIGKILL; returns when all are gone."""
        running = [c.process for c in self._children if c.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _GRACE_S
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
        for process in running:
            if process.poll() is None:
                process.kill()
                process.wait()


def _die_with_parent() -> None:
    """Runs in the child before exec: Linux sends it SIGTERM when the parent dies."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def supervise(specs: Sequence[ProcessSpec], respawn: bool = False) -> int:
    """Run the graph until a signal; the exit status.

    Without respawn the first process that ends for good ends the others too: with status 0 when
    it has done its work, else with 1, so that whoever watches this process knows.
    """
    prepare_middleware()
    stop = StopSignals()
    with Supervisor(specs, respawn=respawn) as supervisor:
        while not stop.stopped:
            supervisor.tend()
            ended = supervisor.ended()
            if ended is not None and not stop.stopped:
                title, status = ended
                if status == 0:
                    return 0
                print(
                    f"bharnet_ros: {title} ended with status {status}; stopping the others.",
                    file=sys.stderr,
                )
                return 1
            stop.wait(0.1)
    return 0
