"""Films of people who make gestures that no shipped bundle knows: what `measure teach` records.

The gestures are described in taught.yaml, for the drawn actor alone. Everybody filmed makes every
gesture equally often, so a film is a recording session of one person as a user would hold it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bharnet_ros.gestures import Vocabulary, dump_vocabulary, load_vocabulary
from training.measuring.films import (
    GESTURE_FACTOR,
    FilmSet,
    Report,
    make_film,
    set_folder,
)
from training.plan import LEAD_S, FilmPlan
from training.sequences import KeypointSequence, load_sequence

GESTURES_FILE = Path(__file__).with_name("taught.yaml")
TAUGHT = FilmSet("taught", 10, 0.0, 10.0, 740_000, False)
"""Who is recorded for training: ten people, each gesture once each."""
UNSEEN = FilmSet("taught_unseen", 15, 0.0, 10.0, 746_000, False)
"""Who is recorded for the test: fifteen others, each gesture twice each."""
REPEATS = {TAUGHT.name: 1, UNSEEN.name: 2}
_AFTER_S = 1.5


def plan_sessions(films: FilmSet, vocabulary: Vocabulary, seed: int) -> list[FilmPlan]:
    """One film for each person: all gestures, `REPEATS` times, in an order of the person's own.

    scene_s of the set does not count: a film ends shortly after its last gesture.
    """
    plans = []
    for number in range(films.scenes):
        rng = np.random.default_rng([seed, films.first_actor, number])
        speed = float(rng.uniform(*films.speed))
        schedule: list[tuple[str, float, float]] = []
        clock = LEAD_S
        for _ in range(REPEATS[films.name]):
            for name in rng.permutation(vocabulary.actions):
                low, high = vocabulary[str(name)].duration_s
                length = 0.5 * (low + high) * float(rng.uniform(*GESTURE_FACTOR)) / min(speed, 1.0)
                schedule.append((str(name), round(clock, 3), round(length, 3)))
                clock += length + float(rng.uniform(*films.idle_s))
        band = films.yaw_deg[int(rng.choice(len(films.yaw_deg), p=films.yaw_weights))]
        name, start, length = schedule[-1]
        plans.append(
            FilmPlan(
                films.name, number, int(rng.integers(2**31)), films.first_actor + number,
                float(rng.uniform(*band)) * float(rng.choice([-1.0, 1.0])),
                float(rng.uniform(*films.camera_height_m)), float(rng.uniform(*films.distance_m)),
                speed, films.fps, tuple(schedule), round(start + length + _AFTER_S, 1),
            )
        )  # fmt: skip
    return plans


def film_sessions(
    films: FilmSet, seed: int, cache: Path, report: Report = print
) -> list[KeypointSequence]:
    """The films of a set, as the estimator read them; each is made once."""
    vocabulary = load_vocabulary(str(GESTURES_FILE))
    folder = set_folder(films, vocabulary, seed, cache)
    plans = plan_sessions(films, vocabulary, seed)
    text = dump_vocabulary(vocabulary)
    for plan in plans:
        if not (folder / plan.file_name).exists():
            make_film((films, plan, text, folder))
            report(f"{films.name}: film {plan.number + 1} of {len(plans)} made")
    return [load_sequence(folder / plan.file_name) for plan in plans]
