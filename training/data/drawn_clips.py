"""Clips of drawn people, each the same whenever it is asked for: as keypoints or as pictures."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError, GestureError
from bharnet_ros.gestures import Vocabulary, load_vocabulary
from bharnet_ros.gestures.dumping import dump_vocabulary
from bharnet_ros.simulation import Scene
from training.config import DataConfig, Range
from training.data.drawn_plans import DrawnPart, DrawnPlan
from training.filming import build_scene
from training.labels import label_times
from training.plan import FilmPlan, frame_times
from training.sequences import GestureSpan

Times = np.ndarray[tuple[int], np.dtype[np.float64]]
_LEAD_S = (0.3, 1.0)
_SHORTEST_S = 1.2
_TAIL_S = 0.6
_IDLE_SPAN_S = 1.2
_IDLE_MODES = (0.5, 0.25, 0.25)  # nothing at all, after a gesture, before one


@dataclass(frozen=True)
class DrawnClip:
    """One clip: what is filmed, and which of its frames the window holds.

    source: names it. background: kind. times_s: (F,) when the frames are taken; the last one is
    judged.
    """

    source: str
    part: str
    actor: int
    class_name: str
    seed: int
    background: str
    film: FilmPlan
    data: DataConfig
    times_s: Times

    @property
    def stamps_ns(self) -> npt.NDArray[np.int64]:
        """(F,) the same in nanoseconds."""
        stamps: npt.NDArray[np.int64] = np.rint(self.times_s * 1e9).astype(np.int64)
        return stamps


class DrawnClips:
    """All clips of a plan.

    Raises ConfigurationError or GestureError for a vocabulary that cannot be had, and for a
    vocabulary without what the plan asks for.
    """

    def __init__(self, plan: DrawnPlan) -> None:
        self.plan = plan
        self.vocabulary: Vocabulary = load_vocabulary(plan.vocabulary)
        pairs = self.vocabulary.object_pairs
        self.paired = frozenset(name for pair in pairs for name in pair)

    def digest(self) -> str:
        """SHA-256 of the vocabulary: another one would draw other people."""
        return hashlib.sha256(dump_vocabulary(self.vocabulary).encode()).hexdigest()

    def sources(self) -> Iterator[str]:
        """Names of all clips, the same for the same plan on any machine."""
        for name, part in self.plan.parts.items():
            for class_name in self.vocabulary.class_names:
                salt = [self.plan.seed, zlib.crc32(f"{name}/{class_name}".encode())]
                rng = np.random.default_rng(salt)
                first, last = part.actors
                everybody = rng.permutation(np.arange(first, last + 1))
                for number in range(self._count(part, class_name)):
                    actor = int(everybody[number % len(everybody)])
                    yield f"{name}/actor_{actor}/{class_name}/{int(rng.integers(2**31))}"

    def _count(self, part: DrawnPart, class_name: str) -> int:
        if class_name == self.vocabulary.background:
            return part.background
        return part.paired if class_name in self.paired else part.other

    def clip(self, source: str) -> DrawnClip:
        """A clip by its name. Raises ConfigurationError for a name no plan of this kind gives."""
        try:
            name, who, class_name, number = source.split("/")
            part, actor, seed = self.plan.parts[name], int(who.removeprefix("actor_")), int(number)
            self.vocabulary.class_id(class_name)
        except (ValueError, KeyError, GestureError) as error:
            raise ConfigurationError(
                f"'{source}' names no clip of the plan '{self.plan.name}'."
            ) from error
        plan = self.plan
        rng = np.random.default_rng([seed, 31])
        camera = plan.cameras[int(rng.integers(len(plan.cameras)))]
        background = part.backgrounds[int(rng.integers(len(part.backgrounds)))]
        speed = float(rng.uniform(*plan.speed))
        band = plan.yaw_deg[int(rng.integers(len(plan.yaw_deg)))]
        yaw = float(rng.uniform(*band)) * float(rng.choice([-1.0, 1.0]))
        window_s = float(rng.uniform(*plan.window_s))
        schedule, judged = self._script(class_name, window_s, speed, rng)
        film = FilmPlan(
            split=name, number=0, seed=seed, actor=actor, yaw_deg=yaw,
            camera_height_m=float(rng.uniform(*plan.camera_height_m)),
            distance_m=float(rng.uniform(*plan.distance_m)),
            speed=speed, fps=float(rng.choice(plan.fps)), schedule=schedule,
            duration_s=max(judged[1], *(s + d for _, s, d in schedule), 0.0) + _TAIL_S,
        )  # fmt: skip
        data = DataConfig(
            scene_s=film.duration_s, gesture_s=(0.0, 0.0), idle_s=(0.0, 0.0), fps=plan.fps,
            stamp_jitter=plan.stamp_jitter, image_size=(camera.height, camera.width),
            focal_px=camera.focal_px, splits={},
        )  # fmt: skip
        times = self._window(film, data, class_name, judged, window_s, rng)
        return DrawnClip(source, name, actor, class_name, seed, background, film, data, times)

    def scene(self, clip: DrawnClip, drawn: bool = True) -> Scene:
        """The scene of a clip. drawn: False is quicker and good for its poses only."""
        return build_scene(clip.film, clip.data, self.vocabulary, drawn, clip.background)

    def _script(
        self, class_name: str, window_s: float, speed: float, rng: np.random.Generator
    ) -> tuple[tuple[tuple[str, float, float], ...], Range]:
        """What happens, and the time in which the judged moment lies."""
        begin = window_s + float(rng.uniform(*_LEAD_S))
        mode = int(rng.choice(3, p=_IDLE_MODES))
        idle = class_name == self.vocabulary.background
        if idle and mode == 0:
            return (), (begin, begin + _IDLE_SPAN_S)
        actions = self.vocabulary.actions
        shown = actions[int(rng.integers(len(actions)))] if idle else class_name
        low, high = self.vocabulary[shown].duration_s
        length = max(float(rng.uniform(low, high)) / speed, _SHORTEST_S)
        if not idle:
            judged = (begin, begin + length)
        elif mode == 1:
            after = begin + length + self.plan.ignore_after_s
            judged = (after, after + _IDLE_SPAN_S)
        else:
            judged = (begin, begin + _IDLE_SPAN_S)
            begin = judged[1]
        return ((shown, begin, length),), judged

    def _window(
        self, film: FilmPlan, data: DataConfig, class_name: str, judged: Range, window_s: float,
        rng: np.random.Generator,
    ) -> Times:  # fmt: skip
        """(F,) the frames from just before the window's start to its end."""
        times = frame_times(film, data)
        spans = tuple(
            GestureSpan(name, round(start * 1e9), round((start + length) * 1e9))
            for name, start, length in film.schedule
        )
        ids = {name: number for number, name in enumerate(self.vocabulary.class_names)}
        labels = label_times(
            np.rint(times * 1e9).astype(np.int64), spans, ids, 0,
            self.plan.min_visible_s, self.plan.ignore_after_s,
        )  # fmt: skip
        fitting = (times >= judged[0]) & (times <= judged[1]) & (labels == ids[class_name])
        ends = np.flatnonzero(fitting)
        if not len(ends):
            raise ConfigurationError(
                f"No frame of {len(times)} shows '{class_name}' for {self.plan.min_visible_s} s; "
                "give the plan a higher fps or a lower min_visible_s."
            )
        end = int(rng.choice(ends))
        first = max(int(np.searchsorted(times, times[end] - window_s, side="right")) - 1, 0)
        return times[first : end + 1]
