from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from bharnet_ros.evaluation import Episode
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson, Recording

SECOND = 1_000_000_000
NAMES = ("idle", "wave", "ok", "stop", "other")


@pytest.fixture
def episode() -> Callable[..., Episode]:
    """(person, name, start in seconds, end in seconds, score)"""

    def make(person: int, name: str, start: float, end: float, score: float = 1.0) -> Episode:
        return Episode(person, name, round(start * SECOND), round(end * SECOND), score)

    return make


@pytest.fixture
def judged() -> Callable[..., JudgedPerson]:
    """Judgements every 0.1 s from 0: ids, their probabilities, what was reported, hands."""

    def make(
        person: int,
        ids: Sequence[int],
        probabilities: Sequence[float] | float = 0.9,
        reported: Sequence[int] | None = None,
        hands: Sequence[bool] | bool = True,
        step_s: float = 0.1,
    ) -> JudgedPerson:
        count = len(ids)
        return JudgedPerson(
            person,
            np.arange(count, dtype=np.int64) * round(step_s * SECOND),
            np.asarray(ids, np.int64),
            np.broadcast_to(np.asarray(probabilities, np.float32), count).copy(),
            np.asarray([-1] * count if reported is None else reported, np.int64),
            np.broadcast_to(np.asarray(hands, np.bool_), count).copy(),
        )

    return make


@pytest.fixture
def recording() -> Callable[..., Recording]:
    def make(
        truth: Sequence[Episode] = (),
        recognised: Sequence[Episode] = (),
        people: Sequence[JudgedPerson] = (),
        seconds: float = 60.0,
        name: str = "bag",
        **more: Any,
    ) -> Recording:
        return Recording(
            name, 0, round(seconds * SECOND), tuple(truth), tuple(recognised), tuple(people),
            more.pop("images", 600), more.pop("estimated", 600), **more,
        )  # fmt: skip

    return make


@pytest.fixture
def evaluation() -> Callable[..., Evaluation]:
    def make(*recordings: Recording, **more: Any) -> Evaluation:
        return Evaluation(
            "offline", "mine", "ff", "drawn", more.pop("names", NAMES),
            more.pop("background", "idle"), more.pop("unknown", "other"), recordings, **more,
        )  # fmt: skip

    return make
