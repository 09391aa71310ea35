"""Tracked skeletons in, actions out: windows, one batched run of each bundle, events.

Driven by data alone: `push` judges whenever the stamps say that the next moment has come, so a
bag played at any speed, a simulation clock and a live camera give the same events.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.conflicts import settle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.events import Event, EventMachine, Smoother
from bharnet_ros.experts import Opinion
from bharnet_ros.inference import Engine
from bharnet_ros.judging import Judgement, Panel
from bharnet_ros.rules import RecognizerConfig, Rules, rules_for
from bharnet_ros.types import (
    ActionFrame,
    FloatArray,
    Hypothesis,
    RecognizedAction,
    SkeletonFrame,
)

__all__ = ["Recognizer", "RecognizerConfig", "Rules", "rules_for"]

_NS = 1_000_000_000


@dataclass
class _Person:
    """What is remembered of a person between judgements; lists have an entry per bundle."""

    machines: list[EventMachine]
    smoothers: list[Smoother]
    bbox: FloatArray
    seen_ns: int
    last: dict[int, RecognizedAction] = field(default_factory=dict)


class Recognizer:
    """Recognises what every tracked person does, with one bundle or with several at once.

    bundles: a bundle, whose engine follows, or a sequence of (bundle, engine), from `load_bundle`
    and `create_engine`.
    Raises ConfigurationError for options that contradict each other or a bundle, for two bundles
    of one name and for bundles of differing layouts.
    """

    def __init__(
        self,
        bundles: Bundle | Sequence[tuple[Bundle, Engine]],
        engine: Engine | None = None,
        config: RecognizerConfig | None = None,
    ) -> None:
        self.config = config = config or RecognizerConfig()
        self._panel = Panel(
            _pairs(bundles, engine), config.fusion, config.min_coverage, config.lost_after_s
        )
        self.manifests = self._panel.manifests
        self._rules = tuple(rules_for(manifest, config) for manifest in self.manifests)
        self._lost_ns = round(config.lost_after_s * _NS)
        self._period_ns = round(_NS / config.rate_hz)
        self._due_ns: int | None = None
        self._frame_ns: int | None = None
        self._people: dict[int, _Person] = {}
        self._leaving: list[RecognizedAction] = []
        self._timings: dict[str, float] = {}
        self._opinions: dict[int, tuple[Opinion | None, ...]] = {}

    @property
    def layout(self) -> str:
        """The keypoint layout of all bundles."""
        return self._panel.layout

    @property
    def drops(self) -> Mapping[str, int]:
        """Input that was not used so far, by reason (see `WindowBuffer.drops`)."""
        return self._panel.buffer.drops

    @property
    def resets(self) -> int:
        """How often the stamps jumped back and everything was forgotten."""
        return self._panel.buffer.resets

    @property
    def opinions(self) -> Mapping[int, Sequence[Opinion | None]]:
        """Of the last judgement, by track: what the experts of each bundle think of the person,
        before the average and the events; None where too little was seen."""
        return dict(self._opinions)

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Of the last judgement: windows, features, inference, events."""
        return dict(self._timings)

    @property
    def bundle_ms(self) -> Mapping[str, float]:
        """Of the last judgement, by the bundles' names: see `Panel.bundle_ms`."""
        return self._panel.bundle_ms

    def push(self, frame: SkeletonFrame) -> ActionFrame | None:
        """Take a frame; the state of everybody if it is time for a judgement, else None.

        One entry per person present (seen within `lost_after_s`), or one per person and bundle if
        several may speak; when one action turns into another there are two, ENDED then STARTED. A
        person who left with an action in progress gets a last entry, ENDED. Raises LayoutError if
        the frame's layout is not the bundles'.
        """
        buffer = self._panel.buffer
        resets = buffer.resets
        if not self._panel.push(frame):
            return None
        anew = buffer.resets > resets
        self._part_with(
            [
                track_id
                for track_id, person in self._people.items()
                if anew or frame.stamp_ns - person.seen_ns > self._lost_ns
            ]
        )
        self._meet(frame)
        if anew:
            self._due_ns = self._frame_ns = None
        if not self._is_due(frame.stamp_ns):
            return None
        return self._judge(frame.stamp_ns)

    def flush(self) -> ActionFrame | None:
        """End whatever is in progress and forget everybody; None if there is nothing to say."""
        stamp_ns = self._panel.buffer.newest_ns
        self._part_with(list(self._people))
        leaving, self._leaving = self._leaving, []
        self._panel.clear()
        self._due_ns = self._frame_ns = None
        if stamp_ns is None or not leaving:
            return None
        return ActionFrame(stamp_ns, tuple(leaving))

    def _is_due(self, stamp_ns: int) -> bool:
        """Ticks lie on a grid, so that the rate is right on average whatever the frame rate; the
        frame nearest to a tick is taken, so that a camera's jitter does not cost a whole frame."""
        since_ns = stamp_ns - (self._frame_ns if self._frame_ns is not None else stamp_ns)
        self._frame_ns = stamp_ns
        near_ns = min(since_ns, self._period_ns) // 2
        if self._due_ns is not None and stamp_ns < self._due_ns - near_ns:
            return False
        following = stamp_ns if self._due_ns is None else self._due_ns
        following += self._period_ns
        self._due_ns = following if following > stamp_ns else stamp_ns + self._period_ns
        return True

    def _meet(self, frame: SkeletonFrame) -> None:
        buffer = self._panel.buffer
        known = set(buffer.track_ids)
        for skeleton in frame.skeletons:
            track_id = skeleton.track_id
            if track_id not in known or buffer.last_seen_ns(track_id) != frame.stamp_ns:
                continue  # dropped and counted by the buffer
            person = self._people.get(track_id)
            if person is None:
                person = self._people[track_id] = _Person(
                    [EventMachine(rules.events) for rules in self._rules],
                    [Smoother(rules.smoothing_s) for rules in self._rules],
                    skeleton.bbox,
                    frame.stamp_ns,
                )
            person.bbox, person.seen_ns = skeleton.bbox, frame.stamp_ns

    def _part_with(self, track_ids: list[int]) -> None:
        for track_id in track_ids:
            person = self._people.pop(track_id)
            for number, machine in enumerate(person.machines):
                event = machine.close()
                if event is not None and number in person.last:
                    self._leaving.append(
                        replace(
                            person.last[number],
                            state=event.state,
                            hypotheses=self._hypotheses(number, event, None),
                            bbox=person.bbox,
                        )
                    )

    def _judge(self, stamp_ns: int) -> ActionFrame:
        # Up to when each was last seen: somebody hidden for a moment is judged by what was seen.
        judged = self._panel.judge({t: person.seen_ns for t, person in self._people.items()})
        self._opinions = {
            track_id: tuple(each[track_id][1] for each in judged) for track_id in self._people
        }
        begin = time.perf_counter()
        actions, self._leaving = self._leaving, []
        for track_id in self._people:
            actions.extend(self._advance(stamp_ns, track_id, [each[track_id] for each in judged]))
        self._timings = {
            **self._panel.stage_ms, "events": (time.perf_counter() - begin) * 1e3,
        }  # fmt: skip
        return ActionFrame(stamp_ns, tuple(actions))

    def _advance(
        self, stamp_ns: int, track_id: int, judged: Sequence[Judgement]
    ) -> list[RecognizedAction]:
        person = self._people[track_id]
        smooth: list[FloatArray | None] = []
        for (_, opinion), smoother in zip(judged, person.smoothers, strict=True):
            if opinion is None:
                smoother.reset()
                smooth.append(None)
            else:
                smooth.append(smoother.update(stamp_ns, opinion.probabilities))
        entries = []
        for number, event in settle(person.machines, stamp_ns, smooth, self.config.conflict):
            window, opinion = judged[number]
            body_score = hand_score = 0.0
            if opinion is not None and event.class_id is not None:
                body_score = float(opinion.body[event.class_id])
                hand_score = float(opinion.hand[event.class_id])
            entry = RecognizedAction(
                event.state,
                track_id,
                self._hypotheses(number, event, smooth[number]),
                window.start_ns,
                window.end_ns,
                window.num_frames,
                body_score,
                hand_score,
                person.bbox,
                self.manifests[number].name,
            )
            person.last[number] = entry
            entries.append(entry)
        return entries

    def _hypotheses(
        self, number: int, event: Event, smooth: FloatArray | None
    ) -> tuple[Hypothesis, ...]:
        """The event's own class first, then the other likely ones; empty if it is unknown."""
        if event.class_id is None:
            return ()
        manifest = self.manifests[number]
        ranked = [(event.class_id, event.score)]
        if smooth is not None:
            silent = (event.class_id, manifest.unknown_id)
            others = [int(c) for c in np.argsort(-smooth) if int(c) not in silent]
            ranked += [(c, float(smooth[c])) for c in others[: self.config.top_k - 1]]
        return tuple(
            Hypothesis(class_id, manifest.class_names[class_id], score, manifest.name)
            for class_id, score in ranked
        )


def _pairs(
    bundles: Bundle | Sequence[tuple[Bundle, Engine]], engine: Engine | None
) -> Sequence[tuple[Bundle, Engine]]:
    if isinstance(bundles, Bundle):
        if engine is None:
            raise ConfigurationError(
                f"The bundle '{bundles.manifest.name}' comes without its engine; give "
                "create_engine(bundle) too."
            )
        return [(bundles, engine)]
    if engine is not None:
        raise ConfigurationError("With several bundles each brings its engine: (bundle, engine).")
    return bundles
