"""Playing a bag in time: what is played, and when it is due. Free of ROS."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bharnet_ros.bags.bag import Bag
from bharnet_ros.bags.records import RawMessage, TopicQos
from bharnet_ros.errors import BagError, ConfigurationError

_NS = 1_000_000_000
_LATCHED_DEPTH = 10
_ENDLESS_S = 9e9
"""Longer than from 1970, where the clock of a robot without a battery begins, to any today."""
MIN_RATE, MAX_RATE = 0.001, 1000.0
"""Bag seconds per second."""
_SLACK_S = 0.5
"""Sleeping no longer than this at a time; a change of rate or a pause wakes anyway."""


@dataclass(frozen=True)
class PlayOptions:
    """What `ros2 bag play` calls the same.

    rate: bag seconds per second. start_offset_s: seconds of the bag that are skipped.
    playback_duration_s, playback_until_ns: where to end, in bag time after the start or as a log
    time; the later of both counts, None = the bag's end. topics: only these; regex: or those that
    match it; exclude_topics, exclude_regex: not these. remap: "/from:=/to". clock_hz: of /clock; 0
    = none. clock_topics: /clock also with each message of these; all with clock_topics_all.
    delay_s: before each beginning. wait_for_all_acked_ms: at the end; 0 = for ever, -1 = not at
    all. min_subscribers: begin when every topic has so many. read_ahead: messages at most in
    memory. qos_overrides: by topic.
    """

    rate: float = 1.0
    loop: bool = False
    start_paused: bool = False
    start_offset_s: float = 0.0
    playback_duration_s: float | None = None
    playback_until_ns: int | None = None
    topics: tuple[str, ...] = ()
    regex: str = ""
    exclude_topics: tuple[str, ...] = ()
    exclude_regex: str = ""
    remap: tuple[str, ...] = ()
    clock_hz: float = 0.0
    clock_topics: tuple[str, ...] = ()
    clock_topics_all: bool = False
    delay_s: float = 0.0
    wait_for_all_acked_ms: int = 1000
    min_subscribers: int = 0
    read_ahead: int = 1000
    qos_overrides: Mapping[str, TopicQos] = field(default_factory=dict)


def chosen_topics(bag: Bag, options: PlayOptions) -> tuple[str, ...]:
    """The topics of a bag to play. Raises BagError for names it does not have, or if none is
    left, ConfigurationError for a malformed pattern."""
    chosen = [bag.topic_named(name, "--topics") for name in options.topics]
    pattern, excluded = _pattern(options.regex), _pattern(options.exclude_regex)
    if pattern is not None:
        chosen += [name for name in bag.topics if pattern.search(name) and name not in chosen]
    elif not options.topics:
        chosen = list(bag.topics)
    without = {bag.topic_named(name, "--exclude-topics") for name in options.exclude_topics}
    kept = [
        name
        for name in chosen
        if name not in without and not (excluded is not None and excluded.search(name))
    ]
    if options.clock_hz or options.clock_topics or options.clock_topics_all:
        kept = [name for name in kept if name != "/clock"]  # two clocks would fight
    if not kept:
        raise BagError(
            f"Nothing of the bag {bag.name} is left to play; its topics are "
            f"{', '.join(bag.topics) or 'none'}."
        )
    return tuple(kept)


def span(bag: Bag, options: PlayOptions) -> tuple[int, int]:
    """Log times of the beginning and, excluded, the end. ConfigurationError if nothing lies
    between them."""
    start = bag.start_ns + _ns(options.start_offset_s)
    ends = [options.playback_until_ns] if options.playback_until_ns is not None else []
    if options.playback_duration_s is not None:
        ends.append(start + _ns(options.playback_duration_s))
    stop = min([max(ends) if ends else bag.end_ns, bag.end_ns]) + 1
    if start >= stop:
        seconds = (bag.end_ns - bag.start_ns) / _NS
        raise ConfigurationError(
            f"Nothing lies between the beginning ({options.start_offset_s:g} s) and the end; the "
            f"bag {bag.name} lasts {seconds:.1f} s."
        )
    return start, stop


def latched_before(bag: Bag, topics: Iterable[str], start_ns: int) -> list[RawMessage]:
    """What late listeners of latched topics would have got at a log time: their last messages."""
    latched = [
        name
        for name in topics
        if any(qos.durability == "transient_local" for qos in bag.topics[name].qos)
    ]
    last: dict[str, deque[RawMessage]] = {name: deque(maxlen=_LATCHED_DEPTH) for name in latched}
    if latched and start_ns > bag.start_ns:
        for message in bag.raw_messages(latched, None, start_ns):
            last[message.topic].append(message)
    return sorted((m for each in last.values() for m in each), key=lambda m: m.log_ns)


class PlaybackClock:
    """Bag time, which passes at a rate, and stands still while paused or held. Thread-safe.

    monotonic_ns: the time it follows.
    """

    def __init__(
        self, rate: float, paused: bool, monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._changed = threading.Condition()
        self._monotonic_ns = monotonic_ns
        self._rate, self._paused, self._stopped = rate, paused, False
        self._held = False
        self._bag_ns, self._since_ns = 0, monotonic_ns()
        self._steps = 0

    def now(self) -> int:
        """The log time that is played now."""
        with self._changed:
            return self._now()

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def hold(self, bag_ns: int) -> None:
        """Stand at a time, paused or not, until `run`."""
        with self._changed:
            self._bag_ns, self._held = bag_ns, True
            self._changed.notify_all()

    def run(self) -> None:
        """Go on after `hold`."""
        with self._changed:
            self._since_ns, self._held = self._monotonic_ns(), False
            self._changed.notify_all()

    def set_paused(self, paused: bool) -> None:
        """Stand still or go on."""
        with self._changed:
            self._bag_ns, self._since_ns = self._now(), self._monotonic_ns()
            self._paused, self._steps = paused, 0
            self._changed.notify_all()

    def set_rate(self, rate: float) -> None:
        """Bag seconds per second from now on."""
        with self._changed:
            self._bag_ns, self._since_ns = self._now(), self._monotonic_ns()
            self._rate = rate
            self._changed.notify_all()

    def step(self) -> bool:
        """Let the next message pass although time stands still; False if it does not."""
        with self._changed:
            if not self._paused:
                return False
            self._steps += 1
            self._changed.notify_all()
            return True

    def stop(self) -> None:
        """Wake and end all waiting."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def wait_until(self, bag_ns: int) -> bool:
        """Return when it is that time: True; False once stopped."""
        with self._changed:
            while not self._stopped:
                if self._paused and self._steps:
                    self._steps -= 1
                    self._bag_ns = max(self._bag_ns, bag_ns)
                    return True
                missing_s = (bag_ns - self._now()) / _NS / self._rate
                if not self._paused and missing_s <= 0:
                    return True
                still = self._paused or self._held
                self._changed.wait(_SLACK_S if still else min(missing_s, _SLACK_S))
            return False

    def pass_real(self, seconds: float) -> bool:
        """Return after real seconds: True; False once stopped."""
        until = self._monotonic_ns() + _ns(seconds)
        with self._changed:
            while not self._stopped and (left := (until - self._monotonic_ns()) / _NS) > 0:
                self._changed.wait(left)
            return not self._stopped

    def _now(self) -> int:
        if self._paused or self._held:
            return self._bag_ns
        return self._bag_ns + round((self._monotonic_ns() - self._since_ns) * self._rate)


def check_remaps(remaps: Sequence[str]) -> None:
    """Raises ConfigurationError for what is not `from:=to`."""
    for remap in remaps:
        source, middle, target = remap.partition(":=")
        if not (source.strip() and middle and target.strip()):
            raise ConfigurationError(f"--remap {remap!r} is not of the form /from:=/to.")


def _ns(seconds: float) -> int:
    """Nanoseconds; what has no end is still a number."""
    return round(min(seconds, _ENDLESS_S) * _NS)


def _pattern(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text) if text else None
    except re.error as error:
        raise ConfigurationError(f"{text!r} is no regular expression: {error}.") from error
