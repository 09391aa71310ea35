"""What the page says beside the picture: people, events, the health of the nodes. Bounded."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bharnet_ros.overlay import colour_of, present
from bharnet_ros.types import ActionFrame, ActionState, RecognizedAction
from bharnet_ros.viewer.pictures import LINGER_S, MAX_NUMBER

MAX_PEOPLE = 64
MAX_EVENTS = 40
MAX_NODES = 32
MAX_VALUES = 80
MAX_TEXT = 300
MAX_HYPOTHESES = 5
MAX_OPEN = 256
_NS = 1_000_000_000


@dataclass(frozen=True)
class NodeHealth:
    """A node's entry of /diagnostics. level: 0 fine, 1 warning, 2 error, 3 silent."""

    name: str
    level: int
    message: str
    values: Sequence[tuple[str, str]]


class ViewState:
    """The newest of everything, as JSON; safe to use from several threads.

    Texts and numbers come from other nodes and are cut and checked here, so that no message can
    make the page's data endless or unreadable.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._version = 0
        self._closed = False
        self._waiting = 0
        self._asked_s = -LINGER_S
        self.forget()

    def forget(self) -> None:
        """Back to knowing nothing."""
        with self._changed:
            self._people: list[dict[str, Any]] = []
            self._people_s: float | None = None
            self._events: deque[dict[str, Any]] = deque(maxlen=MAX_EVENTS)
            self._open: OrderedDict[tuple[int, str, str], int] = OrderedDict()
            self._nodes: OrderedDict[str, tuple[NodeHealth, float]] = OrderedDict()
            self._notice = ""
            self._bump()

    def put_actions(self, frame: ActionFrame) -> None:
        """The newest judgement of everybody."""
        shown = sorted(present(frame).values(), key=lambda a: a.track_id)[:MAX_PEOPLE]
        with self._changed:
            for action in frame.actions[: 4 * MAX_PEOPLE]:
                self._note_event(action, frame.stamp_ns)
            self._people = [_person(action) for action in shown]
            self._people_s = time.monotonic()
            self._bump()

    def put_nodes(self, nodes: Iterable[NodeHealth]) -> None:
        """Entries of a diagnostic message."""
        with self._changed:
            for node in nodes:
                name = _cut(node.name)
                values = [(_cut(key), _cut(value)) for key, value in node.values[:MAX_VALUES]]
                health = NodeHealth(name, node.level, _cut(node.message), values)
                self._nodes[name] = (health, time.monotonic())
                self._nodes.move_to_end(name)
                while len(self._nodes) > MAX_NODES:
                    self._nodes.popitem(last=False)
            self._bump()

    def notice(self, text: str) -> None:
        """What is wrong with the picture; "" if nothing is."""
        with self._changed:
            if _cut(text) != self._notice:
                self._notice = _cut(text)
                self._bump()

    def wait(self, after: int, seconds: float) -> Mapping[str, Any] | None:
        """The state as JSON with a version other than `after`; None if nothing changes in time."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: self._closed or self._version != after, seconds)
            self._waiting -= 1
            self._asked_s = time.monotonic()
            if self._closed or self._version == after:
                return None
            return self._snapshot()

    def is_watched(self) -> bool:
        """Whether anybody waits for news, or did a moment ago. Pictures alone do not tell: over a
        slow network one may be under way for longer than that."""
        with self._changed:
            return self._waiting > 0 or time.monotonic() - self._asked_s < LINGER_S

    def close(self) -> None:
        """Whoever waits gets nothing, from now on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _bump(self) -> None:
        self._version = self._version % MAX_NUMBER + 1
        self._changed.notify_all()

    def _snapshot(self) -> dict[str, Any]:
        now = time.monotonic()
        return {
            "version": self._version,
            "notice": self._notice,
            "people": self._people,
            "people_age_s": None if self._people_s is None else round(now - self._people_s, 2),
            "events": list(self._events),
            "nodes": [
                {
                    "name": health.name,
                    "level": health.level,
                    "message": health.message,
                    "values": health.values,
                    "age_s": round(now - seen_s, 1),
                }
                for health, seen_s in sorted(self._nodes.values(), key=lambda each: each[0].name)
            ],
        }

    def _note_event(self, action: RecognizedAction, stamp_ns: int) -> None:
        if action.state not in (ActionState.STARTED, ActionState.ENDED) or not action.hypotheses:
            return
        name = _cut(action.hypotheses[0].class_name)
        key = (action.track_id, action.bundle, name)
        lasted = None
        if action.state is ActionState.STARTED:
            self._open[key] = stamp_ns
            while len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)
        elif (begin_ns := self._open.pop(key, None)) is not None and stamp_ns >= begin_ns:
            lasted = round((stamp_ns - begin_ns) / _NS, 2)
        self._events.append(
            {
                "person": action.track_id,
                "colour": css_colour(action.track_id),
                "state": action.state.name.lower(),
                "label": name,
                "stamp_s": round(stamp_ns / _NS, 2),
                "lasted_s": lasted,
            }
        )


def css_colour(track_id: int) -> str:
    """The colour that a person has in the picture, as the page writes it."""
    blue, green, red = colour_of(track_id)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _person(action: RecognizedAction) -> dict[str, Any]:
    return {
        "id": action.track_id,
        "colour": css_colour(action.track_id),
        "state": action.state.name.lower(),
        "hypotheses": [
            [_cut(h.class_name), _share(h.score)] for h in action.hypotheses[:MAX_HYPOTHESES]
        ],
        "body": _share(action.body_score),
        "hand": _share(action.hand_score),
        "bundle": _cut(action.bundle),
    }


def _share(value: float) -> float:
    """0..1, whatever another node sent."""
    return round(min(max(value, 0.0), 1.0), 3) if math.isfinite(value) else 0.0


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
