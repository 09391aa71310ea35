"""One person between judgements: averages, event machines, and what was said last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bharnet_ros.conflicts import settle, standing
from bharnet_ros.events import Event, EventMachine, Smoother
from bharnet_ros.judging import Judgement
from bharnet_ros.manifest import Manifest
from bharnet_ros.rules import Rules
from bharnet_ros.types import FloatArray, Hypothesis, RecognizedAction, Skeleton


class Person:
    """What is remembered of a tracked person; lists have an entry per bundle.

    manifests, rules: of the bundles. seen: the skeleton the person was met with, at stamp_ns.
    seen_ns: stamp of the newest skeleton.
    """

    def __init__(
        self, manifests: Sequence[Manifest], rules: Sequence[Rules], seen: Skeleton, stamp_ns: int
    ) -> None:
        self._manifests = manifests
        self._machines = [EventMachine(each.events) for each in rules]
        self._smoothers = [Smoother(each.smoothing_s) for each in rules]
        self._track_id = seen.track_id
        self._judged: Sequence[Judgement] = ()
        self._heard: list[FloatArray | None] = [None] * len(manifests)
        self._last: dict[int, RecognizedAction] = {}
        self._standing: tuple[RecognizedAction, ...] | None = None
        self.see(seen, stamp_ns)

    def see(self, seen: Skeleton, stamp_ns: int) -> None:
        """The person is in a frame."""
        self._bbox, self.seen_ns = seen.bbox, stamp_ns

    def set_rules(self, rules: Sequence[Rules]) -> None:
        """Go on by other rules; an action in progress stays in progress."""
        for machine, smoother, each in zip(self._machines, self._smoothers, rules, strict=True):
            machine.config = each.events
            smoother.set_time_constant(each.smoothing_s)
        self._standing = None

    def advance(
        self, stamp_ns: int, judged: Sequence[Judgement], conflict: str, top_k: int
    ) -> tuple[RecognizedAction, ...]:
        """What the judgements of a moment make of it. conflict, top_k: see RecognizerConfig."""
        self._judged, self._standing = judged, None
        for number, (_, opinion) in enumerate(judged):
            smoother = self._smoothers[number]
            if opinion is None:
                smoother.reset()
                self._heard[number] = None
            else:
                averaged = smoother.update(stamp_ns, opinion.probabilities)
                rules = self._machines[number].config
                self._heard[number] = rules.heard(averaged, opinion.probabilities)
        entries = []
        for number, event in settle(self._machines, stamp_ns, self._heard, conflict):
            entry = self._entry(number, event, top_k)
            self._last[number] = entry
            entries.append(entry)
        return tuple(entries)

    def standing(self, conflict: str, top_k: int) -> tuple[RecognizedAction, ...]:
        """What was made of the last moment, for those in between; nothing before the first."""
        if not self._judged:
            return ()
        if self._standing is None:
            self._standing = tuple(
                self._entry(number, event, top_k)
                for number, event in standing(self._machines, conflict)
            )
        return tuple(replace(entry, bbox=self._bbox) for entry in self._standing)

    def close(self) -> list[RecognizedAction]:
        """End what is in progress: an entry for each action that was."""
        ended = []
        for number, machine in enumerate(self._machines):
            event = machine.close()
            if event is not None and number in self._last:
                said = _hypotheses(self._manifests[number], event, None, 1)
                entry = replace(
                    self._last[number], state=event.state, hypotheses=said, bbox=self._bbox
                )
                ended.append(entry)
        return ended

    def _entry(self, number: int, event: Event, top_k: int) -> RecognizedAction:
        window, opinion = self._judged[number]
        body_score = hand_score = 0.0
        if opinion is not None and event.class_id is not None:
            body_score = float(opinion.body[event.class_id])
            hand_score = float(opinion.hand[event.class_id])
        return RecognizedAction(
            event.state,
            self._track_id,
            _hypotheses(self._manifests[number], event, self._heard[number], top_k),
            window.start_ns,
            window.end_ns,
            window.num_frames,
            body_score,
            hand_score,
            self._bbox,
            self._manifests[number].name,
        )


def _hypotheses(
    manifest: Manifest, event: Event, heard: FloatArray | None, top_k: int
) -> tuple[Hypothesis, ...]:
    """The event's own class first, then the other likely ones; empty if it is unknown."""
    if event.class_id is None:
        return ()
    ranked = [(event.class_id, event.score)]
    if heard is not None:
        silent = (event.class_id, manifest.unknown_id)
        others = [int(c) for c in np.argsort(-heard) if int(c) not in silent]
        ranked += [(c, float(heard[c])) for c in others[: top_k - 1]]
    return tuple(
        Hypothesis(class_id, manifest.class_names[class_id], score, manifest.name)
        for class_id, score in ranked
    )
