"""The shooting plan: who does what, when, seen from where, for every film of a split."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from bharnet_ros.gestures import Vocabulary
from training.config import OUTSIDERS, DataConfig, Range, TrainingConfig
from training.config_checks import LEAD_S as LEAD_S
from training.outsiders import outsider_script


@dataclass(frozen=True)
class FilmPlan:
    """One film of one person; everything in it follows from these numbers.

    seed: of light, noise, background and the small variations of each gesture. actor: seed of
    the person. yaw_deg: how far the person is turned away from the camera, to their left if
    positive. schedule: (class name, start, duration) in seconds.
    """

    split: str
    number: int
    seed: int
    actor: int
    yaw_deg: float
    camera_height_m: float
    distance_m: float
    speed: float
    fps: float
    schedule: tuple[tuple[str, float, float], ...]
    duration_s: float

    @property
    def file_name(self) -> str:
        """Name of the file that the film's keypoints go to."""
        return f"{self.number:05d}.npz"


def plan_films(config: TrainingConfig, split: str, vocabulary: Vocabulary) -> list[FilmPlan]:
    """All films of one split; the same for the same configuration, on any machine.

    Gestures are dealt like cards: every class once before any comes again, so a small split
    still shows them all about equally often.
    """
    settings = config.data.all_splits()[split]
    salt = zlib.crc32(split.encode())
    deck = np.random.default_rng([config.seed, salt, 0])
    cards: list[str] = []
    plans = []
    for number in range(settings.scenes):
        rng = np.random.default_rng([config.seed, salt, 1, number])
        schedule: list[tuple[str, float, float]] = []
        speed = _banded(settings.speed, rng)
        clock = LEAD_S
        if split in OUTSIDERS:
            schedule.extend(outsider_script(config.data.scene_s, LEAD_S, rng))
        while split not in OUTSIDERS and not settings.idle:
            # Slow people take longer for the same thing.
            length = float(rng.uniform(*config.data.gesture_s)) / min(speed, 1.0)
            if clock + length > config.data.scene_s:
                break
            if not cards:
                cards = [str(name) for name in deck.permutation(vocabulary.actions)]
            schedule.append((cards.pop(), round(clock, 3), round(length, 3)))
            clock += length + float(rng.uniform(*config.data.idle_s))
        first, last = settings.actors
        plans.append(
            FilmPlan(
                split=split,
                number=number,
                seed=int(rng.integers(2**31)),
                actor=first + number % (last - first + 1),
                yaw_deg=_banded(settings.yaw_deg, rng) * float(rng.choice([-1.0, 1.0])),
                camera_height_m=float(rng.uniform(*settings.camera_height_m)),
                distance_m=float(rng.uniform(*settings.distance_m)),
                speed=speed,
                fps=float(rng.choice(config.data.fps)),
                schedule=tuple(schedule),
                duration_s=config.data.scene_s,
            )
        )
    return plans


def frame_times(plan: FilmPlan, data: DataConfig) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(F,) seconds at which the camera's shutter opens: regular but for a little jitter."""
    period = 1.0 / plan.fps
    count = int(plan.duration_s * plan.fps)
    rng = np.random.default_rng([plan.seed, 7])
    jitter = rng.uniform(-data.stamp_jitter, data.stamp_jitter, count)
    times: np.ndarray[tuple[int], np.dtype[np.float64]] = (np.arange(count) + 0.5 + jitter) * period
    return times


def _banded(bands: tuple[Range, ...], rng: np.random.Generator) -> float:
    """A value from several ranges, each as likely as it is wide."""
    widths = np.array([high - low for low, high in bands])
    share = widths / widths.sum() if widths.sum() > 0 else np.full(len(bands), 1 / len(bands))
    low, high = bands[int(rng.choice(len(bands), p=share))]
    return float(rng.uniform(low, high))
