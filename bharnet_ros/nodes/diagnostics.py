"""How a node reports: /diagnostics in words and values, ~/statistics as numbers to plot."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.qos import QoSProfile

from bharnet_ros import msg
from bharnet_ros.nodes.findings import Level
from bharnet_ros.nodes.input_watch import INPUT_AGE, STAMP_AGE
from bharnet_ros.nodes.stamps import StandingTime
from bharnet_ros.nodes.statistics import WORK, Period, Statistics

Status = tuple[bytes, str, dict[str, str]]
"""Level, message and values."""
Diagnose = Callable[[Period], Status]
_LOADED = ("active", "inactive")
_FINALIZED = "shut down for good; start the process again to use it"
INTERNAL_ERROR = "internal error"
"""Why something was dropped when a callback failed in a way nobody foresaw."""


class Reporter:
    """Sums up the statistics of a node and publishes them, once per call.

    node: any rclpy node; stats: what it counted.
    """

    def __init__(self, node: Any, stats: Statistics) -> None:
        self._node = node
        self._stats = stats
        self._usage = ProcessUsage()
        self._standing = StandingTime()
        self._diagnostics = node.create_publisher(
            DiagnosticArray, "/diagnostics", QoSProfile(depth=10)
        )
        self._statistics = node.create_publisher(
            msg.NodeStatistics, "~/statistics", QoSProfile(depth=10)
        )

    def publish(
        self,
        state: str,
        problem: str,
        diagnose: Diagnose,
        parts: Callable[[], Mapping[str, Status]] = dict,
    ) -> None:
        """One report.

        state: the lifecycle state. problem: why the last transition failed, "" if it did not;
        it outweighs everything. diagnose: asked while the node is configured. parts: asked after
        it for the statuses of the node's parts, such as cameras, by their names; what stops the
        whole node stops them too.
        """
        period = self._stats.close_period()
        message = _FINALIZED if state == "finalized" else "not configured"
        level, values = Level.OK.byte(), {"state": state}
        statuses: dict[str, Status] = {}
        if state in _LOADED:
            try:
                level, message, more = diagnose(period)
                values.update(more)
                statuses.update(parts())
            except Exception as error:  # what tells of faults must not fall silent by one
                level, message = Level.ERROR.byte(), f"cannot diagnose: {error!r}"
            errors = period.drops.get(INTERNAL_ERROR, 0)
            if errors and INTERNAL_ERROR not in message:
                told = f"{errors} times {INTERNAL_ERROR}, see the log"
                message = told if level == Level.OK.byte() else f"{message}; {told}"
                level = max(level, Level.WARN.byte())
            values.update(describe(period))
            standing = self._standing_time()
            if standing:  # the cause of whatever else is wrong
                message = standing if level == Level.OK.byte() else f"{standing}; {message}"
                level = max(level, Level.WARN.byte())
            if state == "inactive":
                level, message = Level.OK.byte(), "configured, not active"
                statuses = {part: (level, message, status[2]) for part, status in statuses.items()}
        if problem:
            level, message = Level.ERROR.byte(), problem
        if problem or state not in _LOADED:
            statuses = {part: (level, message, {"state": state}) for part in parts()}
        self._publish_statuses((level, message, values), statuses)
        cpu_share, memory_mib = self._usage.take()
        if self._statistics.get_subscription_count() > 0:
            self._statistics.publish(
                statistics_to_msg(
                    period,
                    stamp=self._node.get_clock().now().to_msg(),
                    node=self._node.get_fully_qualified_name(),
                    level=level[0],
                    cpu_share=cpu_share,
                    memory_mib=memory_mib,
                )
            )

    def _standing_time(self) -> str:
        """That a simulated time does not move, in words; said in the log now and then, too."""
        clock = self._node.get_clock()
        told = self._standing.sentence(clock.now().nanoseconds) if clock.ros_time_is_active else ""
        if told:
            self._node.get_logger().warning(
                f"{told[0].upper()}{told[1:]}.", throttle_duration_sec=10.0
            )
        return told

    def _publish_statuses(self, whole: Status, parts: Mapping[str, Status]) -> None:
        """That of the node, under its name, and those of its parts, as diagnostic_updater names
        several of one node."""
        name = self._node.get_fully_qualified_name().lstrip("/")
        named = {name: whole, **{f"{name}: {part}": status for part, status in parts.items()}}
        array = DiagnosticArray(
            status=[
                DiagnosticStatus(
                    level=level, name=each, message=message, hardware_id="bharnet_ros",
                    values=[KeyValue(key=key, value=value) for key, value in values.items()],
                )
                for each, (level, message, values) in named.items()
            ]
        )  # fmt: skip
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def describe(period: Period) -> dict[str, str]:
    """A period as the key-value pairs of a diagnostic status."""
    values = {f"{name} [Hz]": f"{rate:.1f}" for name, rate in period.rates_hz.items()}
    if WORK in period.durations_ms:
        values["busy [%]"] = f"{100 * period.busy_share:.0f}"
    for name, (median, high) in period.durations_ms.items():
        values[f"{name} [ms] p50"] = f"{median:.1f}"
        values[f"{name} [ms] p95"] = f"{high:.1f}"
    for reason, count in period.total_missed.items():
        values[f"missed: {reason}"] = str(count)
    for reason, count in period.total_drops.items():
        values[f"dropped: {reason}"] = str(count)
    return values


def statistics_to_msg(
    period: Period, *, stamp: Any, node: str, level: int, cpu_share: float, memory_mib: float
) -> Any:
    """Period -> bharnet_ros/NodeStatistics; NaN for what the node does not have."""
    durations = dict(period.durations_ms)
    age, age_high = durations.pop(STAMP_AGE, (math.nan, math.nan))
    work, work_high = durations.pop(WORK, (math.nan, math.nan))
    durations.pop(INPUT_AGE, None)
    taken, published = period.rate_hz("in"), period.rate_hz("out")
    has_input = taken is not None
    message = msg.NodeStatistics(
        node=node,
        level=level,
        period_s=period.elapsed_s,
        input_hz=_or_nan(taken),
        missed_hz=sum(period.missed.values()) / period.elapsed_s if has_input else math.nan,
        dropped_hz=sum(period.drops.values()) / period.elapsed_s,
        output_hz=_or_nan(published),
        stamp_age_ms=age,
        stamp_age_p95_ms=age_high,
        work_ms=work,
        work_p95_ms=work_high,
        busy_share=period.busy_share if has_input else math.nan,
        people=_or_nan(period.gauges.get("people")),
        cpu_share=cpu_share,
        memory_mib=memory_mib,
        stages=list(durations),
        stage_ms=[median for median, _ in durations.values()],
        stage_p95_ms=[high for _, high in durations.values()],
        drop_reasons=list(period.total_drops),
        drops=list(period.total_drops.values()),
    )
    message.header.stamp = stamp
    return message


class ProcessUsage:
    """What the whole process took of the machine between two calls."""

    def __init__(self) -> None:
        self._wall_s, self._cpu_s = time.monotonic(), time.process_time()

    def take(self) -> tuple[float, float]:
        """CPU seconds per second since the last call (1 = one core), and resident MiB.

        NaN for the memory where /proc does not tell.
        """
        wall_s, cpu_s = time.monotonic(), time.process_time()
        share = (cpu_s - self._cpu_s) / max(wall_s - self._wall_s, 1e-6)
        self._wall_s, self._cpu_s = wall_s, cpu_s
        return share, _resident_mib()


def _resident_mib() -> float:
    try:
        with open("/proc/self/statm", encoding="ascii") as stream:
            pages = int(stream.read().split()[1])
    except (OSError, ValueError, IndexError):
        return math.nan
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
