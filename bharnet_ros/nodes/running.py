"""Nodes in this process until a signal: threads, stopping in order, and an end in time."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import remove_ros_args

from bharnet_ros.errors import BharnetError
from bharnet_ros.nodes.environment import init_ros, prepare_middleware

if TYPE_CHECKING:
    from bharnet_ros.nodes.base import ManagedNode

_GRACE_S = 1.0
"""For running callbacks and endings in order after a signal; `ros2 launch` and systemd wait
longer, but whoever presses Ctrl-C expects the end at once."""
_LOOK_S = 0.25
"""How often a wait looks up. Python runs handlers in the main thread only, and whoever sleeps there
is not woken where the kernel hands the signal to another thread, as it does now and then on a busy
machine while that one is making threads."""
_TIDY_S = 3.0
"""For taking down nodes and middleware after that, which takes far less when nothing hangs."""


class StopSignals:
    """Turns SIGINT and SIGTERM into a flag, so that endings run in order.

    A second signal changes nothing: `ros2 launch` passes on the Ctrl-C that the terminal has
    already sent to everybody.
    """

    def __init__(self) -> None:
        self.stopped = False
        # Unlike an Event this queue may be filled by a handler that interrupts its reader.
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Any) -> None:
        self.stop()

    def stop(self) -> None:
        """As a signal does."""
        self.stopped = True
        self.wake()

    def wake(self) -> None:
        """End a `wait` without stopping."""
        self._wake.put(None)

    def wait(self, timeout_s: float | None = None) -> None:
        """Sleep until a signal, `stop` or `wake`, or so long."""
        end_s = math.inf if timeout_s is None else time.monotonic() + timeout_s
        left_s = end_s - time.monotonic()
        while not self.stopped and left_s > 0.0:
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=min(left_s, _LOOK_S))
                return
            left_s = end_s - time.monotonic()


def run(factories: Sequence[Callable[[], ManagedNode]], args: Sequence[str] | None = None) -> int:
    """Run nodes in this process until a signal, or until all have done their work.

    Each node has a thread and an executor of its own, so that a slow network in one never delays
    the others more than Python itself does, and the main thread is free for signals. A node that
    cannot stop in time (a driver call that hangs, an engine being built) does not hold up the end.
    Returns the exit status: 1 with a sentence if ROS cannot use its arguments, a node could not
    be made or reports a failure, else 0.
    """
    prepare_middleware()
    try:
        # Signals are ours: rclpy's handlers would invalidate the context under running callbacks.
        init_ros(args, signal_handler_options=SignalHandlerOptions.NO)
    except BharnetError as error:
        print(f"bharnet_ros: {error}", file=sys.stderr)
        return 1
    stop = StopSignals()
    _tell_stray(sys.argv if args is None else args)
    nodes: list[ManagedNode] = []
    ended: list[ManagedNode] = []
    threads: list[threading.Thread] = []
    try:
        for factory in factories:
            node = factory()
            node.stop_requested = lambda: stop.stopped
            nodes.append(node)
        for node in nodes:
            thread = threading.Thread(
                target=_spin, args=(node, stop, ended), name=node.get_name(), daemon=True
            )
            thread.start()
            threads.append(thread)
        while not stop.stopped and len(ended) < len(nodes):
            stop.wait()
    except (BharnetError, ValueError, ParameterException) as error:
        print(f"bharnet_ros: {error}", file=sys.stderr)
        return 1
    finally:
        stop.stop()
        _end(nodes, threads)
        # While Python ends it has no handlers any more; Ctrl-C pressed again would be a crash.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return max((node.exit_status or 0 for node in nodes), default=0)


def _tell_stray(args: Sequence[str]) -> None:
    """Name what was written beside the ROS arguments: nothing reads it, and a parameter file that
    is not used looks like one that is."""
    stray = remove_ros_args(args)[1:]
    if stray:
        print(
            f"bharnet_ros: not used: {' '.join(stray)}; parameters, files and remappings follow "
            "--ros-args, like --ros-args --params-file FILE (docs/parameters.md).",
            file=sys.stderr,
        )


def _end(nodes: Sequence[ManagedNode], threads: Sequence[threading.Thread]) -> None:
    """Wait for the threads as long as there is patience, then tidy up or leave at once."""
    deadline = time.monotonic() + _GRACE_S
    for thread in threads:
        thread.join(timeout=max(0.0, deadline - time.monotonic()))
    busy = [thread.name for thread in threads if thread.is_alive()]
    if busy:
        print(
            f"bharnet_ros: {', '.join(busy)} did not stop within {_GRACE_S:g} s; ended anyway.",
            file=sys.stderr,
        )
        _leave()  # Tidying up under a running callback would crash in native code.
    late = threading.Timer(_TIDY_S, _leave_untidied)
    late.daemon = True
    late.start()
    for node in nodes:
        node.destroy_node()
    rclpy.try_shutdown()
    late.cancel()


def _leave_untidied() -> None:
    """The middleware hangs now and then when it is taken down: nothing of value is left then."""
    print(
        f"bharnet_ros: the middleware did not end within {_TIDY_S:g} s; ended anyway.",
        file=sys.stderr,
    )
    _leave()


def _leave() -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _spin(node: ManagedNode, stop: StopSignals, ended: list[ManagedNode]) -> None:
    """The life of one node; what its callbacks raise is told and survived."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while rclpy.ok() and not stop.stopped and node.exit_status is None:
            try:
                executor.spin_once(timeout_sec=0.2)
            except ExternalShutdownException:
                return
            except Exception as error:
                node.survive(error)
        node.finish()
    finally:
        executor.shutdown(timeout_sec=1.0)
        ended.append(node)  # not the thread's end, which comes after whoever waits has woken
        stop.wake()
