"""Jitter, lag and error of smoothing, on paths whose jitter and lag are known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.person_films import Film, make_film
from benchmarks.smoothing import (
    compare,
    cost_ms,
    figures,
    recognised,
    report,
    smoothed,
    trail,
)
from benchmarks.synthetic import frame, person_keypoints, skeleton
from bharnet_ros.evaluation import Episode
from bharnet_ros.pose import available_backends
from bharnet_ros.smoothing import Smoother
from bharnet_ros.types import SkeletonFrame

FRAMES, RATE_HZ, TORSO = 150, 30.0, 100.0
BODY = slice(0, 17)


def times() -> np.ndarray:
    return np.arange(FRAMES) / RATE_HZ


def swinging(delay_s: float, noise: float = 0.0, speed: float = 3.0) -> np.ndarray:
    """(F, 133, 2) px: the right wrist swings, at most speed torso lengths a second."""
    path = np.repeat(person_keypoints(torso_px=TORSO)[None].astype(np.float64), FRAMES, axis=0)
    path[:, 10, 0] += TORSO * speed / 4.0 * np.sin(4.0 * (times() - delay_s))
    path += noise * TORSO * np.random.default_rng(0).standard_normal(path.shape)
    return path


def film(found: np.ndarray, truth: np.ndarray) -> Film:
    frames = tuple(
        frame(round(t * 1e9), skeleton(0, points.astype(np.float32)))
        for t, points in zip(times(), found, strict=True)
    )
    return Film(frames, truth)


def test_a_known_delay_is_the_lag() -> None:
    truth = swinging(0.0)
    one = film(truth, truth)
    late = figures([trail(one, swinging(0.02), truth, BODY)])
    assert late["lag_ms"] == pytest.approx(20.0, abs=1.0)
    assert late["jitter"] == pytest.approx(0.0, abs=1e-6)
    # Points faster than 2 torso lengths a second, for 20 ms.
    assert 4.0 < late["behind"] < 6.0


def test_a_constant_mistake_is_error_and_no_lag() -> None:
    truth = swinging(0.0)
    aside = truth + 0.05 * TORSO
    found = figures([trail(film(truth, truth), aside, aside, BODY)])
    assert found["error"] == pytest.approx(100.0 * 0.05 * np.sqrt(2.0), rel=1e-6)
    assert found["lag_ms"] == pytest.approx(0.0, abs=0.5)


def test_trembling_is_jitter() -> None:
    truth = swinging(0.0)
    found = figures([trail(film(truth, truth), swinging(0.0, 0.01), truth, BODY)])
    assert found["jitter"] == pytest.approx(100.0 * 0.01 * 2.0, rel=0.05)  # two draws, x and y


def test_what_is_mistaken_or_hidden_does_not_count() -> None:
    truth = swinging(0.0)
    truth[:, 3] = np.nan
    found = truth.copy()
    found[:, 4] += 0.5 * TORSO
    each = trail(film(np.nan_to_num(truth), truth), found, found, BODY)
    assert np.isnan(each.error[:, [3, 4]]).all()
    assert np.isfinite(each.error[1:-1, 5]).all() and np.isnan(each.error[[0, -1]]).all()


def test_ways_are_compared_on_the_same_keypoints() -> None:
    films = [film(swinging(0.0, 0.01), swinging(0.0))]
    found = compare(films, [1.0])
    assert set(found) == {"none", "one filter for all", "smoothing 1"}
    assert found["none"]["body"]["lag_ms"] == 0.0
    assert found["smoothing 1"]["body"]["jitter"] < 0.6 * found["none"]["body"]["jitter"]
    assert 0.0 < found["smoothing 1"]["body"]["lag_ms"] < 17.0
    assert "smoothing 1" in report(found)
    assert cost_ms(films) > 0.0


def test_somebody_not_found_is_no_number() -> None:
    nobody = Film(tuple(frame(i * 33_333_333) for i in range(3)), np.zeros((3, 133, 2)))

    def same(found: SkeletonFrame) -> SkeletonFrame:
        return found

    assert np.isnan(smoothed(nobody, same)).all()


@pytest.mark.skipif(
    not available_backends()["mediapipe"], reason="films are estimated by the backend mediapipe"
)
def test_a_person_is_filmed_and_what_is_done_is_recognised() -> None:
    made = make_film(4000, 0.4)
    assert len(made.frames) == 12 and made.truth.shape == (12, 133, 2)
    assert [frame.skeletons[0].track_id for frame in made.frames[3:]] == [0] * 9
    raw = smoothed(made, lambda frame: frame)
    gaps = np.linalg.norm(raw[3:, 5:7] - made.truth[3:, 5:7], axis=-1)
    assert np.nanmax(gaps) < 30.0
    gesture = Episode(0, "wave", 0, 400_000_000)
    counts = recognised([Film(made.frames, made.truth, (gesture,))], lambda: Smoother().update)
    assert counts == {"right": 0, "wrong": 0, "missed": 1, "false_alarms": 0}
