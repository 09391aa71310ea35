"""A subscription that knows how it fares: silent, mismatched, doubled, too fast for the node."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bharnet_ros.nodes.conversions import stamp_to_ns
from bharnet_ros.nodes.endpoints import WRONG_TYPE, publishers_of
from bharnet_ros.nodes.findings import Finding, Level
from bharnet_ros.nodes.freshness import Waiting
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import overridable
from bharnet_ros.nodes.sequence import LOST, REPLACED, KeepingUp, SequenceGaps, Speakers, Voices
from bharnet_ros.nodes.statistics import Period, Statistics

STAMP_AGE = "stamp age"
"""The duration nodes note when a result goes out: now minus the stamp of its image."""
INPUT_AGE = "input age"
"""The same when the input comes in; noted here."""

INPUT_PARAMS = (
    Param(
        "max_stamp_age_s", 1.0,
        "Age of the image at which a result that goes out is too late and the node warns; "
        "0 = never.", 0.0, 3600.0, dynamic=True,
    ),
    Param(
        "max_missed_share", 0.1,
        "Share of the input that may be replaced while the node is busy, or lost, before it "
        "warns; 1 = never.", 0.0, 1.0, dynamic=True,
    ),
)  # fmt: skip

_REPEAT_S = 10.0
_MAX_BACKLOG = 64
_OTHER_CLOCK_S = 86400.0
_FUTURE_S = 0.1
_NOT_SIMULATED = (
    "use_sim_time is on here, but whoever sets them does not follow this /clock (switch it on "
    "there, or off here)"
)
_SILENT = "is it active, has it input itself, do large messages get lost on the way?"
"""What keeps one who matches from being heard."""
_RETYPE = "take a topic of that type; for images see image_transport"


class WatchedSubscription:
    """Subscribes, counts what comes and what does not, times the callback.

    node: a ManagedNode. what: the plural of the input, as "images"; counted as the event
    "images in". timeout_s: silence up to this long is normal. stats: where to count; None = with
    the node.
    """

    def __init__(
        self,
        node: Any,
        kind: Any,
        topic: str,
        callback: Callable[[Any], None],
        qos: Any,
        *,
        what: str,
        timeout_s: float,
        stats: Statistics | None = None,
    ) -> None:
        self._node = node
        self._stats: Statistics = node.stats if stats is None else stats
        self._callback = callback
        self._what = what
        self.timeout_s = timeout_s
        self.waited_s = 0.0
        """How long the newest message taken had waited, see `Waiting`."""
        self._waiting = Waiting()
        self._voices = Voices()
        self._speakers = Speakers(time.monotonic)
        self._gaps = SequenceGaps()
        self._keeping_up = KeepingUp(time.monotonic)
        self._taken = 0
        self._last = time.monotonic()
        self._idle_since_ns = 0
        self._warned: tuple[str, float] = ("", 0.0)
        self.subscription = node.create_subscription(
            kind, topic, self._take, qos, qos_overriding_options=overridable()
        )

    def destroy(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self.subscription)

    @property
    def silence_s(self) -> float:
        """Seconds since the last message, or since the subscription was made."""
        return time.monotonic() - self._last

    @property
    def is_silent(self) -> bool:
        """Whether nothing came for longer than is normal."""
        return self.silence_s > self.timeout_s

    def backlog(self) -> list[Any]:
        """Take every further message that waits already, oldest first; counted as the others.

        To be called from the callback.
        """
        waiting: list[Any] = []
        while len(waiting) < _MAX_BACKLOG:
            message = self.take_waiting()
            if message is None:
                break
            waiting.append(message)
        return waiting

    def take_waiting(self) -> Any | None:
        """The next message that waits already, None if none does; counted as the others.

        To be called from the callback of this or another subscription of the same node.
        """
        handle = self.subscription.handle
        with handle:
            taken = handle.take_message(self.subscription.msg_type, self.subscription.raw)
        if taken is None:
            return None
        message, info = taken
        self._count(message, info)
        return message

    def worked(self) -> None:
        """The node has just worked: what came in meanwhile had to wait."""
        self._idle_since_ns = time.time_ns()

    def _take(self, message: Any, info: Any) -> None:
        self._count(message, info)
        begin = time.perf_counter()
        try:
            self._callback(message)
        finally:
            self._node.stats.work(1e3 * (time.perf_counter() - begin))
            self.worked()

    def _count(self, message: Any, info: Any) -> None:
        self._last = time.monotonic()
        self._taken += 1
        self._stats.event(f"{self._what} in")
        header = getattr(message, "header", None)
        if header is not None:
            age_ns = self._node.get_clock().now().nanoseconds - stamp_to_ns(header.stamp)
            self._stats.duration(INPUT_AGE, age_ns * 1e-6)
        # Jazzy does not name the publisher. Without numbers, too, nothing is missed.
        number = info.get("publication_sequence_number")
        publisher = (info.get("publisher_gid") or {}).get("data")
        if publisher is None and self.subscription.get_publisher_count() > 1:
            publisher = self._voices.of(number)
        self.waited_s = self._waiting.seconds(
            publisher, info.get("source_timestamp", 0), time.time_ns()
        )
        self._speakers.heard(publisher)
        missing = self._gaps.missing(publisher, number)
        if missing:
            waited = info.get("received_timestamp", 0) <= self._idle_since_ns
            self._stats.miss(REPLACED if waited else LOST, missing)

    def findings(self, period: Period) -> list[Finding]:
        """What is wrong with the input. Once per period, while the node is active."""
        params = self._node.params
        self._keeping_up.note(
            period.elapsed_s,
            self._taken,
            period.missed.get(REPLACED, 0),
            period.missed.get(LOST, 0),
            period.busy_share,
        )
        self._taken = 0
        found = self._silence()
        found += self._others(silent=bool(found))
        found += self._keeping_up.findings(self._what, params["max_missed_share"])
        simulated = self._node.get_clock().ros_time_is_active
        return found + stamp_findings(period, params["max_stamp_age_s"], simulated)

    def _silence(self) -> list[Finding]:
        silence_s = self.silence_s
        if silence_s <= self.timeout_s:
            self._warned = ("", 0.0)
            return []
        topic = self.subscription.topic_name
        reason = self._reason()
        now = time.monotonic()
        # Logged when it begins, when the reason changes, and now and then.
        if reason != self._warned[0] or now - self._warned[1] > _REPEAT_S:
            self._warned = (reason, now)
            self._node.get_logger().warning(
                f"No {self._what} on {topic} for {silence_s:.0f} s: {reason}."
            )
        return [Finding(Level.WARN, f"no {self._what} on {topic} for {silence_s:.0f} s: {reason}")]

    def _reason(self) -> str:
        matching, others = publishers_of(self._node, self.subscription)
        told = [f"{name} matches but sends nothing that arrives" for name in matching]
        told += [f"does not match {other}" for other in others]
        if not told:
            return (
                "nobody publishes there; remap the topic or start the camera "
                "(and check ROS_DOMAIN_ID)"
            )
        typed = [other for other in others if WRONG_TYPE in other]
        remedies = [_SILENT] if matching else []
        remedies += [_RETYPE] if typed else []
        if len(others) > len(typed):
            topic = self.subscription.topic_name
            remedies += [f"qos_overrides.{topic}.subscription here, or the publisher"]
        return f"{', '.join(told)} ({'; '.join(remedies)})"

    def _others(self, silent: bool) -> list[Finding]:
        """Further publishers: some that we cannot hear, or several at once."""
        topic = self.subscription.topic_name
        found = []
        heard = self.subscription.get_publisher_count()
        if heard > 1 and self._speakers.alternate():  # of two, one may have gone meanwhile
            matching, _ = publishers_of(self._node, self.subscription)
            found.append(Finding(Level.WARN, _mixing(topic, sorted(matching))))
        count = self._node.count_publishers(topic)
        if not silent and count > heard:
            _, others = publishers_of(self._node, self.subscription)
            if others:
                text = f"cannot hear on {topic}: {', '.join(sorted(others))}"
                found.append(Finding(Level.WARN, text))
        return found


def _mixing(topic: str, senders: list[str]) -> str:
    """That several send on a topic, and what helps; senders: the names of their nodes."""
    if len(senders) == 1:
        return (
            f"several publishers send on {topic}, all of them named {senders[0]}: their messages "
            "mix; end the one that was started twice or left over, or give it a namespace"
        )
    named = ", ".join(senders)
    return f"several publishers send on {topic} ({named}): their messages mix; remap one of them"


def stamp_findings(period: Period, max_age_s: float, simulated: bool = False) -> list[Finding]:
    """WARN for results that are late, and for stamps that cannot be of this clock.

    max_age_s: 0 = say nothing. simulated: whether this clock is that of /clock.
    """
    ages_ms = period.durations_ms.get(STAMP_AGE)
    if ages_ms is None or max_age_s <= 0.0:
        return []
    age_s = ages_ms[0] / 1e3
    if abs(age_s) > _OTHER_CLOCK_S:
        days = f"{abs(age_s) / _OTHER_CLOCK_S:.0f} days {'old' if age_s > 0 else 'in the future'}"
        why = "a recording without use_sim_time and /clock, or a camera that does not set them"
        text = f"stamps are of another clock ({days}): {_NOT_SIMULATED if simulated else why}"
    elif age_s < -_FUTURE_S:
        why = _NOT_SIMULATED if simulated else "the clocks of the machines differ"
        text = f"stamps lie {-age_s:.1f} s in the future: {why}"
    elif age_s > max_age_s:
        text = f"results are {age_s:.1f} s old when they go out, more than {max_age_s:g} s"
        before_ms = period.durations_ms.get(INPUT_AGE)
        if before_ms is not None:
            text += f" ({before_ms[0] / 1e3:.1f} s old already when the input comes in)"
    else:
        return []
    return [Finding(Level.WARN, text)]
