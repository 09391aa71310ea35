"""Errors of the estimator on drawn bodies, from films whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.drawn_bodies import body_errors
from bharnet_ros.errors import ConfigurationError
from training.sequences import KeypointSequence


def _film(offset: float, wobble: float, frames: int = 400) -> KeypointSequence:
    rng = np.random.default_rng(3)
    truth = np.zeros((frames, 133, 2), np.float32)
    truth[:, 5] = (0.0, 0.0)
    truth[:, 12] = (0.0, 100.0)  # the unit: 100 px
    noise = np.zeros((frames, 133, 2))
    for i in range(1, frames):
        noise[i] = 0.8 * noise[i - 1] + 0.6 * rng.standard_normal((133, 2))
    seen = truth + 100.0 * (offset + wobble * noise)
    return KeypointSequence(
        "coco_wholebody_133", np.arange(frames, dtype=np.int64) * 10**8, seen.astype(np.float32),
        np.ones((frames, 133), np.float32), truth, (), {},
    )  # fmt: skip


def test_what_stays_and_what_wanders_are_told_apart():
    found = body_errors([_film(0.05, 0.02), _film(-0.05, 0.02)])
    np.testing.assert_allclose(found.bias, 0.05, atol=0.012)
    np.testing.assert_allclose(found.wander, 0.02, atol=0.006)
    assert found.correlation == pytest.approx(0.8, abs=0.06)
    assert found.films == 2


def test_points_nobody_saw_do_not_count():
    film = _film(0.05, 0.02)
    film.scores[:, 3] = 0.0
    film.truth[:, 4] = np.nan
    found = body_errors([film])
    assert np.isnan(found.bias[[3, 4]]).all() and np.isfinite(found.bias[5])


def test_films_without_a_body_are_named():
    film = _film(0.0, 0.0)
    film.scores[:] = 0.0
    with pytest.raises(ConfigurationError, match="training generate"):
        body_errors([film])
