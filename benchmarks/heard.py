"""What a listener heard of the graph, with the time of arrival of everything. Bounded by whoever
clears it: a measurement of minutes keeps all, a soak run clears every minute."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bharnet_ros import msg
from bharnet_ros.bags.messages import stamp_to_ns

NONE, STARTED, ONGOING, ENDED = (
    msg.RecognizedAction.NONE, msg.RecognizedAction.STARTED, msg.RecognizedAction.ONGOING,
    msg.RecognizedAction.ENDED,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One person's state in an actions message. name: of the first hypothesis; "" = unknown."""

    state: int
    track_id: int
    bundle: str
    name: str


@dataclass(frozen=True)
class Arrival:
    """A message and when it arrived, in nanoseconds of the system clock.

    entries: of actions; empty for skeletons. people: how many skeletons or entries.
    """

    received_ns: int
    stamp_ns: int
    people: int
    entries: tuple[Entry, ...] = ()

    @property
    def only_ends(self) -> bool:
        """Whether it does nothing but close what was open, as after silence: no news."""
        return bool(self.entries) and all(e.state == ENDED for e in self.entries)

    def shows(self, name: str) -> bool:
        """Whether somebody is doing this, by this message."""
        return any(e.state in (STARTED, ONGOING) and e.name == name for e in self.entries)


@dataclass
class Heard:
    """Everything since the last `clear`; lists only grow in between.

    statuses: the newest diagnostics of each node. complaints: (received_ns, node, message) of
    each change to a warning or an error.
    """

    actions: list[Arrival] = field(default_factory=list)
    skeletons: list[Arrival] = field(default_factory=list)
    pictures: list[Arrival] = field(default_factory=list)
    complaints: list[tuple[int, str, str]] = field(default_factory=list)
    statuses: dict[str, Any] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget what came; the newest diagnostics stay."""
        for heard in (self.actions, self.skeletons, self.pictures, self.complaints):
            heard.clear()

    def on_actions(self, message: Any) -> None:
        """Subscription callback."""
        entries = tuple(
            Entry(
                int(a.state), int(a.track_id), a.bundle,
                a.hypotheses[0].class_name if a.hypotheses else "",
            )
            for a in message.actions
        )  # fmt: skip
        self.actions.append(_arrival(message, len(entries), entries))

    def on_skeletons(self, message: Any) -> None:
        """Subscription callback."""
        self.skeletons.append(_arrival(message, len(message.skeletons)))

    def on_picture(self, message: Any) -> None:
        """Subscription callback."""
        self.pictures.append(_arrival(message, 0))

    def on_diagnostics(self, message: Any) -> None:
        """Subscription callback."""
        now = time.time_ns()
        for status in message.status:
            before = self.statuses.get(status.name)
            self.statuses[status.name] = status
            was = before.message if before is not None else ""
            if status.level != b"\x00" and status.message != was:
                self.complaints.append((now, status.name, status.message))

    def values(self, node: str) -> dict[str, str]:
        """The newest diagnostic values of a node."""
        status = self.statuses.get(node)
        return {item.key: item.value for item in status.values} if status is not None else {}

    def level(self, node: str) -> int:
        """The newest diagnostic level of a node: 0 fine, 1 warning, 2 error; -1 = not heard."""
        status = self.statuses.get(node)
        return status.level[0] if status is not None else -1


def _arrival(message: Any, people: int, entries: tuple[Entry, ...] = ()) -> Arrival:
    return Arrival(time.time_ns(), stamp_to_ns(message.header.stamp), people, entries)


def longest_gap_s(arrivals: Sequence[Arrival], begin_ns: int, end_ns: int) -> float:
    """The longest silence between begin and end, in seconds."""
    times = [a.received_ns for a in arrivals if begin_ns <= a.received_ns <= end_ns]
    edges = [begin_ns, *times, end_ns]
    return max(b - a for a, b in itertools.pairwise(edges)) * 1e-9


Complaint = tuple[int, str, str]


def distinct(complaints: Sequence[Complaint]) -> list[Complaint]:
    """The first of each sentence of each node, whatever numbers it holds."""
    seen: dict[tuple[str, str], Complaint] = {}
    for complaint in complaints:
        _, node, text = complaint
        seen.setdefault((node, re.sub(r"\d+(\.\d+)?", "#", text)), complaint)
    return list(seen.values())


def told(complaints: Sequence[Complaint]) -> list[str]:
    """Each different sentence once (numbers apart), as "node: sentence"."""
    return [f"{node}: {text}" for _, node, text in distinct(complaints)]
