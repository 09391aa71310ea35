"""Evaluations as they come out of real ones: people, mistakes, unsure moments, gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording

NS = 1_000_000_000
NAMES = (
    "idle", "unknown", "wave", "stop", "ok", "victory", "thumbs_up", "fist", "come_here",
    "point_left", "clap", "yes",
)  # fmt: skip
ACTIONS = NAMES[2:]

MakeEvaluation = Callable[..., Evaluation]


@pytest.fixture(scope="session")
def acted() -> MakeEvaluation:
    """acted(seed, people=2, seconds=180, names=NAMES, bags=(...), skill=0.8) -> Evaluation."""
    return _evaluation


def _evaluation(
    seed: int = 0, people: int = 2, seconds: float = 180.0, names: tuple[str, ...] = NAMES,
    bags: tuple[str, ...] = ("kitchen_2026_11_20", "hallway"), skill: float = 0.8,
) -> Evaluation:  # fmt: skip
    recordings = tuple(
        _recording(np.random.default_rng([seed, index]), np.random.default_rng([7, index]), bag,
                   people, seconds, names, skill)
        for index, bag in enumerate(bags)
    )  # fmt: skip
    return Evaluation(
        "offline", "gestures", "3f" * 32, "mediapipe", names, names[0], names[1], recordings,
        {"command": "python -m bharnet_ros evaluate bags --labels labels.csv", "version": "0.1.0"},
    )  # fmt: skip


def _recording(
    luck: np.random.Generator, script: np.random.Generator, name: str, people: int,
    seconds: float, names: tuple[str, ...], skill: float,
) -> Recording:  # fmt: skip
    origin = 1_760_000_000 * NS
    truth: list[Episode] = []
    recognised: list[Episode] = []
    judged: list[JudgedPerson] = []
    for person in range(1, people + 1):
        own = _truth(script, person, origin, seconds, names[2:])
        truth += own
        reports = _reports(luck, own, origin, seconds, names[2:], skill)
        recognised += reports
        judged.append(_ticks(luck, person, own, reports, origin, seconds, names))
    recognised.append(Episode(-1, names[-1], origin + 9 * NS, origin + 10 * NS, 0.61, "gestures"))
    images = round(seconds * 20)
    stages = {
        "total": tuple((38 + luck.gamma(2.0, 4.0, images)).tolist()),
        "pose": tuple((31 + luck.gamma(2.0, 3.0, images)).tolist()),
        "tracking": tuple(luck.gamma(2.0, 0.1, images).tolist()),
        "recognition": tuple(luck.gamma(2.0, 1.5, images).tolist()),
    }
    problems = ("12 messages of /image_raw are damaged and were left out.",) if people else ()
    return Recording(
        name, origin, origin + round(seconds * NS), tuple(truth), tuple(recognised), tuple(judged),
        images, images - 12, stages, {"damaged": 12}, problems,
    )  # fmt: skip


def _truth(
    script: np.random.Generator, person: int, origin: int, seconds: float, actions: tuple[str, ...]
) -> list[Episode]:
    found, at = [], 2.0 + float(script.uniform(0, 2))
    while at < seconds - 4:
        length = float(script.uniform(1.2, 3.0))
        label = actions[int(script.integers(len(actions)))]
        begun, end = origin + round(at * NS), origin + round((at + length) * NS)
        found.append(Episode(person, label, begun, end))
        at += length + float(script.uniform(1.5, 4.0))
    return found


def _reports(
    luck: np.random.Generator, truth: list[Episode], origin: int, seconds: float,
    actions: tuple[str, ...], skill: float,
) -> list[Episode]:  # fmt: skip
    found = []
    for real in truth:
        begun = real.start_ns + round(float(luck.gamma(3.0, 0.15)) * NS)
        end = real.end_ns + round(float(luck.uniform(0.1, 0.5)) * NS)
        chance = luck.random()
        if chance < skill or chance > 0.92:
            wrong = chance > 0.92
            index = actions.index(real.class_name)
            label = actions[(index + 1) % len(actions)] if wrong else real.class_name
            score = float(luck.beta(4, 3) if wrong else luck.beta(9, 2))
            found.append(replace(real, class_name=label, start_ns=begun, end_ns=max(begun, end),
                                 score=score, bundle="gestures"))  # fmt: skip
        if luck.random() < 0.06:
            start = real.end_ns + NS + NS // 5
            found.append(Episode(real.person_id, actions[int(luck.integers(len(actions)))], start,
                                 start + NS // 2, float(luck.beta(3, 3)), "gestures"))  # fmt: skip
    return found


def _ticks(
    luck: np.random.Generator, person: int, truth: list[Episode], reports: list[Episode],
    origin: int, seconds: float, names: tuple[str, ...],
) -> JudgedPerson:  # fmt: skip
    stamps = origin + np.arange(0, round(seconds * 10)) * (NS // 10)
    ids = np.zeros(len(stamps), np.int64)
    reported = np.full(len(stamps), -1, np.int64)
    probabilities = luck.beta(8, 2, len(stamps)).astype(np.float32)
    for real in truth:
        inside = (stamps >= real.start_ns) & (stamps <= real.end_ns)
        chance = luck.random(len(stamps))
        ids[inside & (chance < 0.85)] = names.index(real.class_name)
        ids[inside & (chance > 0.95)] = 1
    for report in reports:
        inside = (stamps >= report.start_ns) & (stamps <= report.end_ns)
        reported[inside] = names.index(report.class_name)
        if luck.random() < 0.9:
            ids[inside] = names.index(report.class_name)
    ids[(stamps > origin + 40 * NS) & (stamps < origin + 43 * NS)] = -1
    hands = luck.random(len(stamps)) < 0.9
    return JudgedPerson(person, stamps.astype(np.int64), ids, probabilities, reported, hands)
