"""What every node of this package shares: lifecycle, autostart, diagnostics, clean endings."""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from lifecycle_msgs.msg import State
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile
from rclpy.signals import SignalHandlerOptions

from bharnet_ros.errors import BharnetError
from bharnet_ros.nodes.environment import prepare_middleware
from bharnet_ros.nodes.parameters import Param, Parameters
from bharnet_ros.nodes.statistics import Period, Statistics

COMMON = (
    Param("autostart", True, "Configure and activate by itself when started."),
    Param("diagnostics_period_s", 1.0, "Seconds between messages on /diagnostics.", 0.1, 60.0),
)

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class ManagedNode(LifecycleNode):
    """A lifecycle node whose subclasses say what to do and never how to fail.

    Subclasses override `configure` (load; raise BharnetError when it cannot), `activate`
    (subscribe), `deactivate`, `cleanup` (must work however far configure came) and `diagnose`.
    """

    def __init__(self, name: str, params: Sequence[Param], **options: Any) -> None:
        super().__init__(name, **options)
        self.stats = Statistics()
        self.params = Parameters(self, (*COMMON, *params), self.is_active, self.parameter_changed)
        self.stop_requested: Callable[[], bool] = lambda: False
        self._problem = ""
        self._diagnostics = self.create_publisher(
            DiagnosticArray, "/diagnostics", QoSProfile(depth=10)
        )
        self.create_timer(self.params["diagnostics_period_s"], self._publish_diagnostics)
        self._start_timer: Any = None
        if self.params["autostart"]:
            self._start_timer = self.create_timer(0.0, self._autostart)

    # what subclasses fill in

    def configure(self) -> None:
        """Load and check everything; raise BharnetError with a sentence when it cannot work."""

    def activate(self) -> None:
        """Subscribe, start timers."""

    def deactivate(self) -> None:
        """Undo activate."""

    def cleanup(self) -> None:
        """Undo configure, also half of it."""

    def parameter_changed(self, name: str, value: Any) -> None:
        """A dynamic parameter is about to change while active; raise ValueError to refuse."""

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Level, message and values for /diagnostics while the node is configured."""
        return OK, "working", {}

    # lifecycle

    def is_active(self) -> bool:
        """Whether the lifecycle state is active."""
        return bool(self._state_machine.current_state[0] == State.PRIMARY_STATE_ACTIVE)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load; a failure is told in words and leads back to unconfigured."""
        return self._attempt("configure", self.configure, undo=self.cleanup)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe."""
        super().on_activate(state)
        return self._attempt("activate", self.activate, undo=self.deactivate)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe."""
        super().on_deactivate(state)
        return self._attempt("deactivate", self.deactivate)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything that was loaded."""
        return self._attempt("clean up", self.cleanup)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop from whatever state."""
        self._attempt("deactivate", self.deactivate)
        return self._attempt("clean up", self.cleanup)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Back to unconfigured, so that a corrected parameter and configure can follow."""
        self._attempt("deactivate", self.deactivate)
        return self._attempt("clean up", self.cleanup)

    def _attempt(
        self, what: str, action: Callable[[], None], undo: Callable[[], None] | None = None
    ) -> TransitionCallbackReturn:
        try:
            action()
        except Exception as error:
            self._problem = f"Could not {what}: {_sentence(error)}"
            self.get_logger().error(self._problem)
            if undo is not None:
                undo()
            return TransitionCallbackReturn.FAILURE
        self._problem = ""
        return TransitionCallbackReturn.SUCCESS

    def _autostart(self) -> None:
        self.destroy_timer(self._start_timer)
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    # diagnostics

    def _publish_diagnostics(self) -> None:
        label = self._state_machine.current_state[1]
        period = self.stats.close_period()
        values: dict[str, str] = {"state": label}
        if label in ("active", "inactive"):
            level, message, more = self.diagnose(period)
            values.update(more)
            values.update(_describe(period))
            if label == "inactive":
                level, message = OK, "configured, not active"
        else:
            level, message = OK, "not configured"
        if self._problem:
            level, message = ERROR, self._problem
        status = DiagnosticStatus(
            level=level,
            name=f"{self.get_fully_qualified_name().lstrip('/')}",
            message=message,
            hardware_id="bharnet_ros",
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def _sentence(error: Exception) -> str:
    """Errors raised on purpose explain themselves; others need their type and place."""
    if isinstance(error, BharnetError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"


def _describe(period: Period) -> dict[str, str]:
    values = {f"{name} [Hz]": f"{rate:.1f}" for name, rate in period.rates_hz.items()}
    for name, (median, high) in period.durations_ms.items():
        values[f"{name} [ms] p50"] = f"{median:.1f}"
        values[f"{name} [ms] p95"] = f"{high:.1f}"
    for reason, count in period.total_drops.items():
        values[f"dropped: {reason}"] = str(count)
    return values


class StopSignals:
    """Turns the first SIGINT or SIGTERM into a flag, so that endings run in order."""

    def __init__(self) -> None:
        self.stopped = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)

    def _stop(self, number: int, frame: Any) -> None:
        self.stopped = True


def run(factories: Sequence[Callable[[], ManagedNode]], args: Sequence[str] | None = None) -> int:
    """Run nodes in this process until a signal or shutdown; the exit status.

    One node spins in the main thread. Each further one gets a thread and an executor of its own,
    so that a slow network in one never delays the others more than Python itself does.
    """
    prepare_middleware()
    # Signals are ours: rclpy's handlers would invalidate the context under running callbacks.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    stop = StopSignals()
    nodes: list[ManagedNode] = []
    threads: list[threading.Thread] = []
    try:
        for factory in factories:
            node = factory()
            node.stop_requested = lambda: stop.stopped
            nodes.append(node)
        for node in nodes[1:]:
            thread = threading.Thread(target=_spin, args=(node, stop), daemon=True)
            thread.start()
            threads.append(thread)
        _spin(nodes[0], stop)
    except (BharnetError, ValueError, ParameterException) as error:
        print(f"bharnet_ros: {error}", file=sys.stderr)
        return 1
    finally:
        stop.stopped = True
        for thread in threads:
            thread.join(timeout=2.0)
        for node in nodes:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _spin(node: ManagedNode, stop: StopSignals) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while rclpy.ok() and not stop.stopped:
            executor.spin_once(timeout_sec=0.2)
        if node.is_active():
            node.trigger_deactivate()
    except ExternalShutdownException:
        return
    finally:
        executor.shutdown(timeout_sec=1.0)

