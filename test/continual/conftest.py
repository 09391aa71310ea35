"""The shipped bundle that runs frame by frame, and a moving person."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.continual import open_engine
from bharnet_ros.inference import Engine, create_engine
from bharnet_ros.types import FloatArray, SkeletonFrame


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """asl_words_continual."""
    return load_bundle("asl_words_continual")


@pytest.fixture(scope="session")
def step_engine(bundle: Bundle) -> Iterator[Engine]:
    """Of its step graph."""
    engine = open_engine(bundle)
    assert engine is not None
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def window_engine(bundle: Bundle) -> Iterator[Engine]:
    """Of its graphs for whole windows."""
    engine = create_engine(bundle)
    yield engine
    engine.close()


def moving(track_id: int, at_s: float) -> tuple[FloatArray, FloatArray]:
    """Keypoints and scores of somebody who waves, opens and closes the hand and sways."""
    angle = 2.0 * np.pi * at_s * (0.9 + 0.2 * track_id) + track_id
    points = person_keypoints(
        (300.0 + 200.0 * track_id + 5.0 * np.sin(angle / 3.0), 360.0),
        100.0,
        (-0.5 + 0.2 * float(np.sin(angle)), -0.6 + 0.5 * float(np.cos(angle))),
        0.6 + 0.4 * float(np.sin(angle / 2.0)),
    )
    return points, np.full(len(points), 0.9, np.float32)


@pytest.fixture(scope="session")
def film() -> Callable[..., list[SkeletonFrame]]:
    """film(seconds, people, rate_hz, hidden, jitter): frames of people who are all seen, but for
    those that hidden(track_id, at_s) hides."""

    def make(
        seconds: float,
        people: int = 2,
        rate_hz: float = 30.0,
        hidden: Callable[[int, float], bool] = lambda track_id, at_s: False,
        jitter: float = 0.2,
    ) -> list[SkeletonFrame]:
        rng = np.random.default_rng(0)
        frames = []
        for index in range(round(seconds * rate_hz)):
            at_s = (index + rng.uniform(0.0, jitter)) / rate_hz
            seen = [t for t in range(people) if not hidden(t, at_s)]
            everybody = [skeleton(t, *moving(t, at_s)) for t in seen]
            frames.append(frame(round((100.0 + at_s) * 1e9), *everybody))
        return frames

    return make
