"""The recogniser over recorded sequences: its judgements taped once, its events replayed often.

Thresholds are chosen by what the robot would really report (`training.thresholds`). A tape holds
what the recogniser's own windows, features and engine say at each of its ticks; its own event
machine then runs over the tape with any thresholds, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.evaluation import Episode, Score, score_episodes
from bharnet_ros.events import Event, EventConfig, EventMachine, Smoother
from bharnet_ros.experts import FUSIONS
from bharnet_ros.inference import Engine
from bharnet_ros.manifest_parts import Shape
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.rules import RecognizerConfig, rules_for
from bharnet_ros.types import ActionState, FloatArray, Skeleton, SkeletonFrame
from training.labels import OUTSIDER
from training.sequences import KeypointSequence


class Judgement(NamedTuple):
    """One tick: its stamp, and the probabilities (C,) or None if nothing could be judged."""

    stamp_ns: int
    probabilities: FloatArray | None


class _TappedEngine:
    """An engine that keeps the inputs and outputs of its last run."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.last: tuple[Mapping[str, FloatArray], dict[str, FloatArray]] | None = None

    @property
    def identity(self) -> str:
        return self._engine.identity

    @property
    def inputs(self) -> Mapping[str, Shape]:
        return self._engine.inputs

    @property
    def outputs(self) -> Mapping[str, Shape]:
        return self._engine.outputs

    @property
    def last_ms(self) -> float:
        return self._engine.last_ms

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        outputs = self._engine.run(inputs)
        self.last = (inputs, outputs)
        return outputs

    def warm_up(self, batch_sizes: Sequence[int] = (1,)) -> None:
        self._engine.warm_up(batch_sizes)

    def close(self) -> None:
        self._engine.close()


def skeleton_frames(sequence: KeypointSequence) -> list[SkeletonFrame]:
    """The frames as a tracker would hand them on; empty where the person was not found."""
    size = sequence.info.get("image_size", (720, 1280))
    frames = []
    for stamp, points, scores in zip(
        sequence.stamps_ns, sequence.keypoints, sequence.scores, strict=True
    ):
        seen = points[scores > 0.0]
        people: tuple[Skeleton, ...] = ()
        if len(seen):
            low, high = seen.min(axis=0), seen.max(axis=0)
            box = np.concatenate([low, high - low]).astype(np.float32)
            people = (Skeleton(1, box, 1.0, points, scores),)
        frames.append(
            SkeletonFrame(int(stamp), (int(size[0]), int(size[1])), sequence.layout, people)
        )
    return frames


Tape = dict[str, list[Judgement]]
"""By fusion (fused, body, hand): what would be judged at every tick."""


def tape(
    sequence: KeypointSequence, bundle: Bundle, engine: Engine, config: RecognizerConfig
) -> Tape:
    """Every tick of the recogniser over one sequence, before smoothing and thresholds.

    The recogniser runs once, fused; what the body or the hand expert alone would have said
    follows from the same run by the recogniser's own rules: nothing, where that expert saw
    nothing.
    """
    tapped = _TappedEngine(engine)
    recognizer = Recognizer(bundle, tapped, replace(config, fusion="fused"))
    warmth = bundle.manifest.fusion
    streams = bundle.manifest.streams
    result: Tape = {fusion: [] for fusion in FUSIONS}
    for frame in skeleton_frames(sequence):
        tapped.last = None
        if recognizer.push(frame) is None:
            continue
        judged: dict[str, FloatArray | None] = dict.fromkeys(FUSIONS)
        if tapped.last is not None:
            inputs, outputs = tapped.last
            seen = [name for name in streams if (inputs[name][0, 2] > 0.0).any()]
            if seen:
                judged["fused"] = outputs["probabilities"][0]
            if "body" in seen:
                judged["body"] = _softmax(outputs["body_logits"][0] / warmth.body_temperature)
            if "hand" in seen:
                judged["hand"] = _softmax(outputs["hand_logits"][0] / warmth.hand_temperature)
        for fusion, probabilities in judged.items():
            result[fusion].append(Judgement(frame.stamp_ns, probabilities))
    return result


def follow(
    judgements: Sequence[Judgement], machine: EventMachine, smoothing_s: float
) -> Iterator[tuple[int, tuple[Event, ...]]]:
    """The stamp of every tick, and what an event machine reports then."""
    smoother = Smoother(smoothing_s)
    for stamp_ns, probabilities in judgements:
        heard = None
        if probabilities is None:
            smoother.reset()
        else:
            averaged = smoother.update(stamp_ns, probabilities)
            heard = machine.config.heard(averaged, probabilities)
        yield stamp_ns, machine.update(stamp_ns, heard)


def replay(
    judgements: Sequence[Judgement],
    events: EventConfig,
    smoothing_s: float,
    class_names: Sequence[str],
    person_id: int,
) -> list[Episode]:
    """The episodes the recogniser would report with these thresholds."""
    machine = EventMachine(events)
    episodes: list[Episode] = []
    begun = 0
    for stamp_ns, happened in follow(judgements, machine, smoothing_s):
        for event in happened:
            if event.class_id is None:
                continue
            if event.state == ActionState.STARTED:
                begun = stamp_ns
            elif event.state == ActionState.ENDED:
                name = class_names[event.class_id]
                episodes.append(Episode(person_id, name, begun, stamp_ns, event.score))
    last = machine.close()
    if last is not None and last.class_id is not None and judgements:
        name = class_names[last.class_id]
        episodes.append(Episode(person_id, name, begun, judgements[-1].stamp_ns, last.score))
    return episodes


def true_episodes(sequence: KeypointSequence, person_id: int) -> list[Episode]:
    """The gestures that the person of a sequence really made; an outsider is none."""
    return [
        Episode(person_id, s.class_name, s.start_ns, s.end_ns)
        for s in sequence.spans
        if s.class_name != OUTSIDER
    ]


def score_tapes(
    tapes: Sequence[Sequence[Judgement]],
    sequences: Sequence[KeypointSequence],
    events: EventConfig,
    smoothing_s: float,
    class_names: Sequence[str],
) -> Score:
    """Reported against true episodes, over all sequences; each counts as its own person."""
    truth: list[Episode] = []
    reported: list[Episode] = []
    for number, (judgements, sequence) in enumerate(zip(tapes, sequences, strict=True)):
        truth += true_episodes(sequence, number)
        reported += replay(judgements, events, smoothing_s, class_names, number)
    return score_episodes(truth, reported)


def event_config(bundle: Bundle, options: RecognizerConfig) -> EventConfig:
    """The event rules the recogniser would use with this bundle and these options."""
    return rules_for(bundle.manifest, options).events


def smoothing_s(bundle: Bundle, options: RecognizerConfig) -> float:
    """The time constant the recogniser would use with this bundle and these options."""
    return rules_for(bundle.manifest, options).smoothing_s


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max())
    probabilities: FloatArray = (shifted / shifted.sum()).astype(np.float32)
    return probabilities
