"""Experts that read each new frame once, batched over people, with a memory for everybody."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle
from bharnet_ros.continual.stepping import Stepper
from bharnet_ros.experts import Experts, Opinion
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.inference import Engine
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import WindowBuffer

_NS = 1_000_000_000
_EARLY_NS = 1_000_000
"""Steps lie this much before the frames they were anchored at, so that a camera of the same rate
whose frames jitter a little has each step's frame in time."""
_FEATURES = {"body": body_features, "hand": hand_features}


@dataclass(frozen=True)
class Span:
    """The time a judgement rests on, as `Window` without its keypoints.

    coverage: share of the steps at which at least one keypoint was observed (0..1).
    """

    start_ns: int
    end_ns: int
    num_frames: int
    coverage: float


@dataclass(eq=False)
class _Person:
    """row: in the stepper. anchor_ns: stamp of step number 0. step: number of the last step taken.
    seen: (T, 1 + streams) of the last T steps, by number mod T: any keypoint, any joint of each
    expert. outputs: of the last step, without a batch axis."""

    row: int
    anchor_ns: int
    step: int
    seen: npt.NDArray[np.bool_]
    outputs: dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class _Due:
    """Steps of one person that were not taken yet: numbers (P,), keypoints (P, K, 2), scores (P,
    K), and by stream its features (P, 3, 1, V, I)."""

    person: _Person
    steps: npt.NDArray[np.int64]
    keypoints: FloatArray
    scores: FloatArray


class ContinualExperts(Experts):
    """`Experts` whose engine runs the step graph: the opinions of windows for the price of frames.

    A person's steps lie on a grid of stamps, window_s / (num_steps - 1) apart from the first
    judgement on, so a window is the last num_steps of them. `follow` takes the steps since the
    last judgement; whoever was away for longer than a window starts afresh, with a new grid.

    The same as windows that end at the newest stamp of the grid, but for one thing: a keypoint
    lost in the newest frame and found in the next is bridged by later windows, while a step once
    taken stays.

    min_coverage: share of the window in which a person must have been seen to be judged.
    Raises BundleError for an engine or features that do not fit; the errors of `Experts`.
    """

    def __init__(
        self, bundle: Bundle, engine: Engine, fusion: str = "fused", min_coverage: float = 0.0
    ) -> None:
        super().__init__(bundle, engine, fusion)
        manifest = bundle.manifest
        self._num_steps = manifest.num_steps
        self._window_ns = round(manifest.window_s * _NS)
        self._step_ns = max(1, round(self._window_ns / (manifest.num_steps - 1)))
        self._min_coverage = min_coverage
        self._stepper = Stepper(bundle, engine)
        self._people: dict[int, _Person] = {}

    @property
    def step_s(self) -> float:
        """Seconds between steps."""
        return self._step_ns / _NS

    @property
    def bytes_per_person(self) -> int:
        """Memory kept of one person."""
        return self._stepper.bytes_per_person

    def forget(self, track_id: int) -> None:
        """A person left."""
        person = self._people.pop(track_id, None)
        if person is not None:
            self._stepper.remove(person.row)

    def clear(self) -> None:
        """Everybody left."""
        for track_id in list(self._people):
            self.forget(track_id)

    def follow(
        self, buffer: WindowBuffer, ends_ns: Mapping[int, int]
    ) -> dict[int, tuple[Span, Opinion | None]]:
        """Take everybody's steps up to `ends_ns` and judge; one run for each step, all together.

        buffer: the recent frames of these tracks. Opinions are None where too little was seen.
        Raises KeyError for a track the buffer does not know, EngineError if a run fails; the
        steps taken by then are not taken again.
        """
        begin = time.perf_counter()
        for track_id in [t for t in self._people if t not in buffer.track_ids]:
            self.forget(track_id)
        due = [self._due(buffer, track_id, end) for track_id, end in ends_ns.items()]
        features = self._described(due, buffer)
        described = time.perf_counter()
        self._step(due, features)
        inferred = time.perf_counter()
        self._timings = {
            "features": (described - begin) * 1e3,
            "inference": (inferred - described) * 1e3,
        }
        everybody = (len(due), len(due))
        self._rows = dict.fromkeys(self._manifest.streams, everybody)
        return self._judged(buffer, tuple(ends_ns))

    def _due(self, buffer: WindowBuffer, track_id: int, end_ns: int) -> _Due:
        """What a person's memory has not seen yet, on the grid up to `end_ns`."""
        person = self._people.get(track_id)
        if person is None:
            row = self._stepper.add()
            person = self._people[track_id] = self._newcomer(row, end_ns)
        last = (end_ns - person.anchor_ns) // self._step_ns
        if not 0 <= last - person.step <= self._num_steps:
            self._stepper.reset(person.row)
            person = self._people[track_id] = self._newcomer(person.row, end_ns)
            last = 0
        steps = np.arange(person.step + 1, last + 1)
        keypoints, scores = buffer.at(track_id, person.anchor_ns + steps * self._step_ns)
        if not person.outputs:
            # Nothing seen is what a blank memory knows already; the newest step gives outputs.
            seen = (scores > 0.0).any(axis=1)
            first = int(seen.argmax()) if seen.any() else len(steps) - 1
            person.step += first
            steps, keypoints, scores = steps[first:], keypoints[first:], scores[first:]
        return _Due(person, steps, keypoints, scores)

    def _described(self, due: list[_Due], buffer: WindowBuffer) -> dict[str, FloatArray]:
        """By stream, the features (M, 3, 1, V, I) of all steps, one person after the other."""
        if not sum(len(each.steps) for each in due):
            return {}
        keypoints = np.concatenate([each.keypoints for each in due])[:, None]
        scores = np.concatenate([each.scores for each in due])[:, None]
        layout, config = buffer.kept_layout, self._manifest.features
        streams = self._manifest.streams
        sizes = {s: buffer.image_size if config.needs_image_size([s]) else None for s in streams}
        return {
            stream: _FEATURES[stream](keypoints, scores, layout, config, sizes[stream])
            for stream in streams
        }

    def _step(self, due: list[_Due], features: Mapping[str, FloatArray]) -> None:
        """Run the graph until nobody has a step left."""
        streams = self._manifest.streams
        seen = {s: np.asarray((f[:, 2] > 0.0).any(axis=(1, 2, 3))) for s, f in features.items()}
        first = np.cumsum([0, *(len(each.steps) for each in due)])
        for number in range(max((len(each.steps) for each in due), default=0)):
            active = [i for i, each in enumerate(due) if len(each.steps) > number]
            places = first[active] + number
            rows = np.array([due[i].person.row for i in active])
            steps = np.array([due[i].steps[number] for i in active])
            frames = {stream: features[stream][places] for stream in streams}
            outputs = self._stepper.step(rows, steps, frames)
            for row, (i, place) in enumerate(zip(active, places, strict=True)):
                each = due[i]
                any_keypoint = bool((each.scores[number] > 0.0).any())
                each.person.step = int(steps[row])
                each.person.seen[each.person.step % self._num_steps] = [
                    any_keypoint, *(seen[stream][place] for stream in streams)
                ]  # fmt: skip
                each.person.outputs = {name: value[row] for name, value in outputs.items()}

    def _judged(
        self, buffer: WindowBuffer, track_ids: tuple[int, ...]
    ) -> dict[int, tuple[Span, Opinion | None]]:
        spans = {}
        for track_id in track_ids:
            person = self._people[track_id]
            end_ns = person.anchor_ns + person.step * self._step_ns
            start_ns = end_ns - self._window_ns
            frames = buffer.observed(track_id, start_ns, end_ns)
            spans[track_id] = Span(start_ns, end_ns, frames, float(person.seen[:, 0].mean()))
        covered = [t for t, span in spans.items() if span.coverage >= self._min_coverage]
        opinions: dict[int, Opinion] = {}
        if covered:
            people = [self._people[track_id] for track_id in covered]
            outputs = {
                name: np.stack([person.outputs[name] for person in people])
                for name in self._manifest.outputs
            }
            sees = {
                stream: np.array([person.seen[:, 1 + column].any() for person in people])
                for column, stream in enumerate(self._manifest.streams)
            }
            opinions = self.opinions(covered, sees, outputs)
        return {track_id: (span, opinions.get(track_id)) for track_id, span in spans.items()}

    def _newcomer(self, row: int, now_ns: int) -> _Person:
        seen = np.zeros((self._num_steps, 1 + len(self._manifest.streams)), bool)
        return _Person(row, now_ns - _EARLY_NS, -self._num_steps, seen, {})
