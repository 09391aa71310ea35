"""What every node of this package shares: lifecycle, autostart, parameters, clean endings."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import State
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from bharnet_ros.errors import BharnetError
from bharnet_ros.nodes.diagnostics import INTERNAL_ERROR, Reporter
from bharnet_ros.nodes.memory import return_memory
from bharnet_ros.nodes.parameters import Param, Parameters
from bharnet_ros.nodes.qos import OVERRIDES, unused_overrides
from bharnet_ros.nodes.running import StopSignals, run
from bharnet_ros.nodes.statistics import Period, Statistics

__all__ = ["COMMON", "ERROR", "OK", "WARN", "ManagedNode", "StopSignals", "run"]

COMMON = (
    Param("autostart", True, "Configure and activate by itself when started.", fixed=True),
    Param(
        "diagnostics_period_s", 1.0, "Seconds between messages on /diagnostics.", 0.1, 60.0,
        dynamic=True,
    ),
)  # fmt: skip

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class ManagedNode(LifecycleNode):
    """A lifecycle node whose subclasses say what to do and never how to fail.

    Subclasses override `configure` (load; raise BharnetError when it cannot), `activate`
    (subscribe), `deactivate` (also give large memory back), `cleanup` (must work however far
    configure came, also twice) and `diagnose`; with dynamic parameters `check_parameters` and
    `parameters_changed` too.
    """

    def __init__(self, name: str, params: Sequence[Param], **options: Any) -> None:
        self._topic_aliases: dict[str, tuple[str, ...]] = {}
        """Of the topics of its own, by full name: how else users may call them."""
        self._fixed_topics: set[str] = set()
        """Those of them whose quality of service no parameter overrides."""
        self._has_its_topics = False
        self._told_overrides: set[str] = set()
        super().__init__(name, **options)
        if changes := getattr(self, "_service_change_state", None):
            changes.callback = partial(self._change_if_it_can, changes.callback)
        self.stats = Statistics()
        self.stop_requested: Callable[[], bool] = lambda: False
        self.exit_status: int | None = None
        self._problem = ""
        self._ending = False
        self.params = Parameters(
            self, (*COMMON, *params), lambda: self.state_label, self.check_parameters, self._changed
        )
        self._reporter = Reporter(self, self.stats)
        # With use_sim_time the node's own clock may stand still until somebody plays a bag.
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._report_timer = self.create_timer(
            self.params["diagnostics_period_s"], self._report, clock=self._steady
        )
        self._start_timer: Any = None
        if self.params["autostart"]:
            self._start_timer = self.create_timer(0.0, self._autostart, clock=self._steady)

    # what subclasses fill in

    def configure(self) -> None:
        """Load and check everything; raise BharnetError with a sentence when it cannot work."""

    def activate(self) -> None:
        """Subscribe, start timers."""

    def deactivate(self) -> None:
        """Undo activate."""

    def cleanup(self) -> None:
        """Undo configure, also half of it."""

    def check_parameters(self, values: Mapping[str, Any]) -> None:
        """All parameters as somebody wants them; raise ValueError or BharnetError to refuse."""

    def parameters_changed(self, names: frozenset[str]) -> None:
        """These have changed; apply those that are dynamic."""

    def diagnose(self, period: Period) -> tuple[bytes, str, dict[str, str]]:
        """Level, message and values for /diagnostics while the node is configured."""
        return OK, "working", {}

    def diagnose_parts(self) -> Mapping[str, tuple[bytes, str, dict[str, str]]]:
        """The same of each part of the node that may fail by itself; called after `diagnose`, and
        for the parts' names alone while the node cannot work at all."""
        return {}

    # lifecycle

    @property
    def state_label(self) -> str:
        """The lifecycle state: unconfigured, inactive, active, finalized, or one in between."""
        return str(self._state_machine.current_state[1])

    def is_active(self) -> bool:
        """Whether the lifecycle state is active."""
        return bool(self._state_machine.current_state[0] == State.PRIMARY_STATE_ACTIVE)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load; a failure is told in words and leads back to unconfigured."""
        return self._attempt("configure", self.configure, undo=self.cleanup)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe; a failure is told in words and leads back to inactive."""
        super().on_activate(state)
        result = self._attempt("activate", self.activate, undo=self.deactivate)
        self._has_its_topics = True  # but for those that wait until somebody looks
        self._tell_unused_overrides()
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe; a node that cannot starts over, see `on_error`."""
        super().on_deactivate(state)
        return self._attempt("deactivate", self.deactivate, TransitionCallbackReturn.ERROR)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything that was loaded; a node that cannot starts over, see `on_error`."""
        return self._attempt("clean up", self.cleanup, TransitionCallbackReturn.ERROR)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop from whatever state."""
        return self._release()

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Back to unconfigured, so that a corrected parameter and configure can follow."""
        return self._release()

    def finish(self) -> None:
        """Shut down in order, from whatever state; for the end of a process."""
        self._ending = True
        if self.state_label in ("unconfigured", "inactive", "active"):
            self.trigger_shutdown()

    def _release(self) -> TransitionCallbackReturn:
        """Deactivate and clean up, each also when the other fails; keeps what went wrong before."""
        before = self._problem
        for what, action in (("deactivate", self.deactivate), ("clean up", self.cleanup)):
            self._attempt(what, action)
            before = before or self._problem
        self._problem = before
        return TransitionCallbackReturn.SUCCESS

    def _attempt(
        self,
        what: str,
        action: Callable[[], None],
        failure: TransitionCallbackReturn = TransitionCallbackReturn.FAILURE,
        undo: Callable[[], None] | None = None,
    ) -> TransitionCallbackReturn:
        self._problem = ""
        result = TransitionCallbackReturn.SUCCESS
        try:
            action()
        except Exception as error:
            self._problem = f"Could not {what}: {_sentence(error)}"
            self.get_logger().error(self._problem)
            result = failure
        if result != TransitionCallbackReturn.SUCCESS and undo is not None:
            try:
                undo()
            except Exception as error:
                self.get_logger().error(f"Could not undo it: {_sentence(error)}")
        let_go = undo is None or result != TransitionCallbackReturn.SUCCESS
        if let_go and not self._ending:
            return_memory()
        return result

    def _change_if_it_can(
        self, change: Callable[[Any, Any], Any], request: Any, response: Any
    ) -> Any:
        """Answers also who asks for a transition that the state does not have: rclpy of Jazzy
        raises then, and leaves them waiting."""
        wanted = request.transition
        possible = {each[0]: each[1] for each in self._state_machine.available_transitions}
        if wanted.label or wanted.id in possible:
            return change(request, response)
        self.get_logger().warning(
            f"There is no transition {wanted.id} from the state '{self.state_label}'; there are "
            f"{', '.join(f'{label} ({number})' for number, label in possible.items()) or 'none'}."
        )
        response.success = False
        return response

    def _autostart(self) -> None:
        self.destroy_timer(self._start_timer)
        if self.state_label != "unconfigured":
            return  # somebody was quicker
        if self.trigger_configure() != TransitionCallbackReturn.SUCCESS:
            return
        if self.exit_status is None and not self.stop_requested():
            self.trigger_activate()

    # what goes on

    def create_publisher(self, kind: Any, topic: str, qos: Any, **options: Any) -> Any:
        """With a profile of its own: rclpy writes `qos_overrides` of one topic into the profile,
        and so into every other topic that has the same."""
        self._note_topic(topic, options)
        return super().create_publisher(kind, topic, copy.copy(qos), **options)

    def create_subscription(
        self, kind: Any, topic: str, callback: Any, qos: Any, **options: Any
    ) -> Any:
        """Likewise."""
        self._note_topic(topic, options)
        made = super().create_subscription(kind, topic, callback, copy.copy(qos), **options)
        self._tell_unused_overrides()
        return made

    def _note_topic(self, topic: str, options: Mapping[str, Any]) -> None:
        fixed = options.get("qos_overriding_options") is None
        if fixed and topic.startswith("/"):
            return  # many nodes have it, and a file may be for those; or there is one per person
        name = self.resolve_topic_name(topic)
        before = self.resolve_topic_name(topic, only_expand=True)  # nobody's remapping yet
        self._topic_aliases[name] = (before, topic)
        if fixed:
            self._fixed_topics.add(name)

    def _tell_unused_overrides(self) -> None:
        if not self._has_its_topics:
            return
        given = set(getattr(self, "_parameter_overrides", {})) - self._told_overrides
        declared = [f"{OVERRIDES}{name}" for name in self.get_parameters_by_prefix(OVERRIDES[:-1])]
        topics, fixed = self._topic_aliases, self._fixed_topics
        for name, told in unused_overrides(given, declared, topics, fixed).items():
            self._told_overrides.add(name)
            self.get_logger().warning(told)

    def survive(self, error: Exception) -> None:
        """A callback failed in a way nobody foresaw: told with its place, counted, and over."""
        self.stats.drop(INTERNAL_ERROR)
        self.get_logger().error(
            f"Internal error, please report it: {_sentence(error)}", throttle_duration_sec=5.0
        )

    def _changed(self, names: frozenset[str]) -> None:
        if "diagnostics_period_s" in names:
            self._report_timer.timer_period_ns = round(self.params["diagnostics_period_s"] * 1e9)
        self.parameters_changed(names)

    def _report(self) -> None:
        self._reporter.publish(self.state_label, self._problem, self.diagnose, self.diagnose_parts)


def _sentence(error: Exception) -> str:
    """Errors raised on purpose explain themselves; others need their type and place."""
    if isinstance(error, BharnetError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({where.filename}:{where.lineno})"
