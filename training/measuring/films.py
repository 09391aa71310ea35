"""Films of drawn people made to measure with: idle ones, and ones who gesture.

Nobody in them was trained on: the actors' seeds are of their own. Each film is a file that is
made once; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import (
    Vocabulary,
    dump_vocabulary,
    load_vocabulary,
    parse_vocabulary,
)
from training.config import DataConfig, Range
from training.filming import build_scene, film
from training.measuring.extraction import estimator_digest, make_estimator
from training.plan import LEAD_S, FilmPlan
from training.sequences import KeypointSequence, load_sequence, save_sequence

Report = Callable[[str], None]

GESTURE_FACTOR = (0.9, 1.25)
"""Gestures take the middle of what their description says, times this."""


@dataclass(frozen=True)
class FilmSet:
    """What a set of films shows.

    scenes: how many films of scene_s seconds at fps. first_actor: seed of the first person; each
    film has its own. yaw_deg: bands of turning away, either side, drawn with the weights. idle:
    nobody does anything; else gestures with idle_s between them. classes: those shown; all if ().
    """

    name: str
    scenes: int
    scene_s: float
    fps: float
    first_actor: int
    idle: bool
    yaw_deg: tuple[Range, ...] = ((0.0, 30.0), (30.0, 45.0))
    yaw_weights: tuple[float, ...] = (0.8, 0.2)
    distance_m: Range = (1.75, 2.9)
    camera_height_m: Range = (1.0, 1.5)
    speed: Range = (0.85, 1.2)
    idle_s: Range = (0.9, 2.0)
    classes: tuple[str, ...] = ()

    def data(self) -> DataConfig:
        """The camera: the demo's, cut to a square around the person."""
        return DataConfig(
            self.scene_s, (1.0, 1.0), self.idle_s, (self.fps,), 0.15, (720, 720), 1050.0, {}
        )


IDLE = FilmSet("idle", 60, 60.0, 8.0, 710_000, True)
DRAWN = FilmSet("drawn", 24, 30.0, 10.0, 720_000, False, speed=(0.8, 1.3))


def plan_set(films: FilmSet, vocabulary: Vocabulary, seed: int) -> list[FilmPlan]:
    """All films of a set; gestures are dealt like cards, so that all come equally often."""
    classes = list(films.classes or vocabulary.actions)
    unknown = [name for name in classes if name not in vocabulary.actions]
    if unknown and not films.idle:
        raise ConfigurationError(
            f"The vocabulary has no gesture {', '.join(unknown)}; it has "
            f"{', '.join(vocabulary.actions)}."
        )
    deck = np.random.default_rng([seed, films.first_actor])
    cards: list[str] = []
    plans = []
    for number in range(films.scenes):
        rng = np.random.default_rng([seed, films.first_actor, number])
        speed = float(rng.uniform(*films.speed))
        schedule: list[tuple[str, float, float]] = []
        clock = LEAD_S
        while not films.idle:
            cards = cards or [str(name) for name in deck.permutation(classes)]
            low, high = vocabulary[cards[-1]].duration_s
            length = 0.5 * (low + high) * float(rng.uniform(*GESTURE_FACTOR)) / min(speed, 1.0)
            if clock + length > films.scene_s - 0.5:
                break
            schedule.append((cards.pop(), round(clock, 3), round(length, 3)))
            clock += length + float(rng.uniform(*films.idle_s))
        band = films.yaw_deg[int(rng.choice(len(films.yaw_deg), p=films.yaw_weights))]
        plans.append(
            FilmPlan(
                films.name, number, int(rng.integers(2**31)), films.first_actor + number,
                float(rng.uniform(*band)) * float(rng.choice([-1.0, 1.0])),
                float(rng.uniform(*films.camera_height_m)), float(rng.uniform(*films.distance_m)),
                speed, films.fps, tuple(schedule), films.scene_s,
            )
        )  # fmt: skip
    return plans


def set_folder(films: FilmSet, vocabulary: Vocabulary, seed: int, cache: Path) -> Path:
    """Where the films of a set lie: other settings, other descriptions or another estimator have
    another folder.

    Of idle people only what they do when idle counts.
    """
    shown = (
        repr((vocabulary.rests, vocabulary.habits)) if films.idle else dump_vocabulary(vocabulary)
    )
    parts = {
        **asdict(films), "scenes": 0, "shown": shown, "seed": seed,
        "estimator": estimator_digest(),
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    return cache / "films" / f"{films.name}_{digest}"


def make_set(
    films: FilmSet, name_or_path: str, seed: int, cache: Path, workers: int = 1,
    report: Report = print,
) -> list[KeypointSequence]:  # fmt: skip
    """All films of a set; those that are not there yet are made first.

    name_or_path: of the vocabulary. workers: processes; 1 = this one.
    """
    vocabulary = load_vocabulary(name_or_path)
    folder = set_folder(films, vocabulary, seed, cache)
    plans = plan_set(films, vocabulary, seed)
    missing = [plan for plan in plans if not (folder / plan.file_name).exists()]
    if missing:
        report(f"{films.name}: {len(plans)} films, {len(missing)} to make in {folder}")
    text = dump_vocabulary(vocabulary)
    jobs = [(films, plan, text, folder) for plan in missing]
    for done, number in enumerate(_made(jobs, workers), 1):
        report(f"{films.name}: film {number} made, {done} of {len(missing)}")
    return [load_sequence(folder / plan.file_name) for plan in plans]


Job = tuple[FilmSet, FilmPlan, str, Path]


def make_film(job: Job) -> int:
    """Draw one film, show it to the estimator, write its keypoints; returns its number."""
    films, plan, text, folder = job
    import cv2

    cv2.setNumThreads(1)
    data = films.data()
    scene = build_scene(plan, data, parse_vocabulary(text, "the dumped vocabulary"))
    estimator = make_estimator(max_people=1)
    sequence = film(scene, plan, data, estimator)
    estimator.close()
    info = {**sequence.info, "estimator": estimator_digest()}
    save_sequence(folder / plan.file_name, replace(sequence, info=info))
    return plan.number


def _made(jobs: Sequence[Job], workers: int) -> Iterator[int]:
    if workers <= 1 or len(jobs) < 2:
        yield from map(make_film, jobs)
        return
    # spawn: a forked child of a process that holds threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(make_film, jobs)
