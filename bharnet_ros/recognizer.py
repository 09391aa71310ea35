"""Tracked skeletons in, actions out: windows, one batched run of the experts, events.

Driven by data alone: `push` judges whenever the stamps say that the next moment has come, so a
bag played at any speed, a simulation clock and a live camera give the same events.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.events import Event, EventConfig, EventMachine, Smoother
from bharnet_ros.experts import FUSIONS, Experts, Opinion
from bharnet_ros.inference import Engine
from bharnet_ros.types import (
    ActionFrame,
    FloatArray,
    Hypothesis,
    RecognizedAction,
    SkeletonFrame,
)
from bharnet_ros.windows import Window, WindowBuffer

_NS = 1_000_000_000


@dataclass(frozen=True)
class RecognizerConfig:
    """Options of the recogniser; None takes what the bundle says.

    rate_hz: judgements per second of stamp time, at most one per frame.
    fusion: "fused" as the bundle does it, or "body" or "hand" alone, for comparison.
    top_k: hypotheses per person.
    smoothing_s: time constant of the average over judgements; 0 switches it off.
    min_coverage: share of the window in which a person must have been seen to be judged.
    lost_after_s: a person not seen for this long has left.
    start, end, unknown, confirm_s, end_hold_s, min_duration_s: see EventConfig.
    """

    rate_hz: float = 10.0
    fusion: str = "fused"
    top_k: int = 3
    smoothing_s: float = 0.2
    min_coverage: float = 0.5
    lost_after_s: float = 0.5
    start: float | None = None
    end: float | None = None
    unknown: float | None = None
    confirm_s: float = 0.1
    end_hold_s: float = 0.2
    min_duration_s: float = 0.3

    def __post_init__(self) -> None:
        if self.fusion not in FUSIONS:
            raise ConfigurationError(
                f"fusion is '{self.fusion}'; it must be one of {', '.join(FUSIONS)}."
            )
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0.0):
            raise ConfigurationError(f"rate_hz is {self.rate_hz}; it must be above 0.")
        if self.top_k < 1:
            raise ConfigurationError(f"top_k is {self.top_k}; it must be 1 or more.")
        if not 0.0 <= self.min_coverage <= 1.0:
            raise ConfigurationError(f"min_coverage is {self.min_coverage}; it is a share, 0 to 1.")


@dataclass
class _Person:
    """What is remembered of a person between judgements."""

    machine: EventMachine
    smoother: Smoother
    bbox: FloatArray
    seen_ns: int
    last: RecognizedAction | None = None


class Recognizer:
    """Recognises what every tracked person does.

    bundle, engine: from `load_bundle` and `create_engine`.
    Raises ConfigurationError for options that contradict each other or the bundle.
    """

    def __init__(
        self, bundle: Bundle, engine: Engine, config: RecognizerConfig | None = None
    ) -> None:
        self.config = config = config or RecognizerConfig()
        self.manifest = manifest = bundle.manifest
        self._experts = Experts(bundle, engine, config.fusion)
        given = manifest.thresholds
        self._events = EventConfig(
            background_id=manifest.background_id,
            start=given.start if config.start is None else config.start,
            end=given.end if config.end is None else config.end,
            unknown=given.unknown if config.unknown is None else config.unknown,
            confirm_s=config.confirm_s,
            end_hold_s=config.end_hold_s,
            min_duration_s=config.min_duration_s,
        )
        Smoother(config.smoothing_s)  # refuses a bad value now and not with the first person
        self._buffer = WindowBuffer(
            manifest.layout,
            manifest.window_s,
            manifest.num_steps,
            manifest.max_gap_s,
            forget_after_s=config.lost_after_s,
        )
        self._lost_ns = round(config.lost_after_s * _NS)
        self._period_ns = round(_NS / config.rate_hz)
        self._due_ns: int | None = None
        self._people: dict[int, _Person] = {}
        self._leaving: list[RecognizedAction] = []
        self._timings: dict[str, float] = {}

    @property
    def drops(self) -> Mapping[str, int]:
        """Input that was not used so far, by reason (see `WindowBuffer.drops`)."""
        return self._buffer.drops

    @property
    def resets(self) -> int:
        """How often the stamps jumped back and everything was forgotten."""
        return self._buffer.resets

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Of the last judgement: windows, features, inference, events."""
        return dict(self._timings)

    def push(self, frame: SkeletonFrame) -> ActionFrame | None:
        """Take a frame; the state of everybody if it is time for a judgement, else None.

        One entry per person present (seen within `lost_after_s`); when one action turns into
        another there are two, ENDED then STARTED. A person who left with an action in progress
        gets a last entry, ENDED. Raises LayoutError if the frame's layout is not the bundle's.
        """
        resets = self._buffer.resets
        if not self._buffer.push(frame):
            return None
        anew = self._buffer.resets > resets
        self._part_with(
            [
                track_id
                for track_id, person in self._people.items()
                if anew or frame.stamp_ns - person.seen_ns > self._lost_ns
            ]
        )
        self._meet(frame)
        if anew:
            self._due_ns = None
        if not self._is_due(frame.stamp_ns):
            return None
        return self._judge(frame.stamp_ns)

    def flush(self) -> ActionFrame | None:
        """End whatever is in progress and forget everybody; None if there is nothing to say."""
        stamp_ns = self._buffer.newest_ns
        self._part_with(list(self._people))
        leaving, self._leaving = self._leaving, []
        self._buffer.clear()
        self._due_ns = None
        if stamp_ns is None or not leaving:
            return None
        return ActionFrame(stamp_ns, tuple(leaving))

    def _is_due(self, stamp_ns: int) -> bool:
        """Ticks lie on a grid, so that the rate is right on average whatever the frame rate."""
        # A camera's jitter must not cost a whole frame.
        if self._due_ns is not None and stamp_ns < self._due_ns - self._period_ns // 10:
            return False
        following = stamp_ns if self._due_ns is None else self._due_ns
        following += self._period_ns
        self._due_ns = following if following > stamp_ns else stamp_ns + self._period_ns
        return True

    def _meet(self, frame: SkeletonFrame) -> None:
        known = set(self._buffer.track_ids)
        for skeleton in frame.skeletons:
            track_id = skeleton.track_id
            if track_id not in known or self._buffer.last_seen_ns(track_id) != frame.stamp_ns:
                continue  # dropped and counted by the buffer
            person = self._people.get(track_id)
            if person is None:
                person = self._people[track_id] = _Person(
                    EventMachine(self._events),
                    Smoother(self.config.smoothing_s),
                    skeleton.bbox,
                    frame.stamp_ns,
                )
            person.bbox, person.seen_ns = skeleton.bbox, frame.stamp_ns

    def _part_with(self, track_ids: list[int]) -> None:
        for track_id in track_ids:
            person = self._people.pop(track_id)
            event = person.machine.close()
            if event is not None and person.last is not None:
                hypotheses = self._hypotheses(event, None)
                self._leaving.append(
                    replace(person.last, state=event.state, hypotheses=hypotheses, bbox=person.bbox)
                )

    def _judge(self, stamp_ns: int) -> ActionFrame:
        begin = time.perf_counter()
        # Up to when each was last seen: somebody hidden for a moment is judged by what was seen.
        windows = {t: self._buffer.window(t, p.seen_ns) for t, p in self._people.items()}
        cut = time.perf_counter()
        opinions = self._experts.judge(
            {t: w for t, w in windows.items() if w.coverage >= self.config.min_coverage}
        )
        judged = time.perf_counter()
        actions, self._leaving = self._leaving, []
        for track_id, window in windows.items():
            actions.extend(self._advance(stamp_ns, track_id, window, opinions.get(track_id)))
        self._timings = {
            "windows": (cut - begin) * 1e3,
            **self._experts.timings_ms,
            "events": (time.perf_counter() - judged) * 1e3,
        }
        return ActionFrame(stamp_ns, tuple(actions))

    def _advance(
        self, stamp_ns: int, track_id: int, window: Window, opinion: Opinion | None
    ) -> list[RecognizedAction]:
        person = self._people[track_id]
        smooth: FloatArray | None = None
        if opinion is None:
            person.smoother.reset()
        else:
            smooth = person.smoother.update(stamp_ns, opinion.probabilities)
        entries = []
        for event in person.machine.update(stamp_ns, smooth):
            body_score = hand_score = 0.0
            if opinion is not None and event.class_id is not None:
                body_score = float(opinion.body[event.class_id])
                hand_score = float(opinion.hand[event.class_id])
            entries.append(
                RecognizedAction(
                    event.state,
                    track_id,
                    self._hypotheses(event, smooth),
                    window.start_ns,
                    window.end_ns,
                    window.num_frames,
                    body_score,
                    hand_score,
                    person.bbox,
                )
            )
        person.last = entries[-1]
        return entries

    def _hypotheses(self, event: Event, smooth: FloatArray | None) -> tuple[Hypothesis, ...]:
        """The event's own class first, then the other likely ones; empty if it is unknown."""
        if event.class_id is None:
            return ()
        names = self.manifest.class_names
        found = [Hypothesis(event.class_id, names[event.class_id], event.score)]
        if smooth is not None:
            for index in np.argsort(-smooth)[: self.config.top_k]:
                if index != event.class_id and len(found) < self.config.top_k:
                    found.append(Hypothesis(int(index), names[index], float(smooth[index])))
        return tuple(found)
