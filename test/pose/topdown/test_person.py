from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from world import LAYOUT, SIZE, STEP_NS, person

from bharnet_ros.pose.topdown.person import Followed, Sight, sight

ANY = st.floats(width=32, allow_nan=True, allow_infinity=True)
BODY = LAYOUT.body_indices


def seen(points: np.ndarray, score: float = 0.9) -> Sight:
    found = sight(points, np.full(133, score), BODY, SIZE)
    assert found is not None
    return found


@given(hnp.arrays(np.float32, (133, 2), elements=ANY), hnp.arrays(np.float32, 133, elements=ANY))
def test_whatever_a_network_says_a_sight_is_sound(points: np.ndarray, scores: np.ndarray) -> None:
    found = sight(points, scores, BODY, SIZE)
    if found is None:
        return
    assert found.keypoints.shape == (133, 2) and found.keypoints.dtype == np.float32
    assert np.isfinite(found.keypoints).all()
    assert ((found.scores >= 0.0) & (found.scores <= 1.0)).all()
    shown = found.keypoints[found.scores > 0.0]
    assert (shown >= 0.0).all() and (shown < (SIZE[1], SIZE[0])).all()
    assert (found.box >= 0.0).all() and (found.box <= (640, 480, 640, 480)).all()
    assert 0.0 < found.sureness <= 1.0


def test_hidden_legs_do_not_lower_the_sureness_a_guess_everywhere_does() -> None:
    scores = np.full(133, 0.8)
    scores[11:23] = 0.05
    behind_a_desk = sight(person(300), scores, BODY, SIZE)
    assert behind_a_desk is not None and behind_a_desk.sureness == pytest.approx(0.8)
    assert behind_a_desk.box[3] < person(300)[13, 1], "the box ends at the desk"
    assert seen(person(300), 0.1).sureness == pytest.approx(0.1)
    assert sight(person(300), np.zeros(133), BODY, SIZE) is None


def test_a_walk_goes_on_and_a_gap_ends_it() -> None:
    followed = Followed(seen(person(100)), 0)
    for i in range(1, 31):
        followed.update(seen(person(100 + 5 * i)), i * STEP_NS)
    assert followed.shift(31 * STEP_NS)[0] == pytest.approx(5.0, abs=0.5)
    assert followed.shift(33 * STEP_NS)[0] == pytest.approx(15.0, abs=1.5)
    assert followed.shift(10_000 * STEP_NS)[0] < 100.0


def test_waving_arms_are_no_walk() -> None:
    followed = Followed(seen(person(300)), 0)
    for i in range(1, 31):
        waving = person(300)
        for part in (slice(7, 9), slice(9, 11), slice(91, 133)):
            waving[part, 1] -= 60.0 * np.sin(0.4 * i)
        followed.update(seen(waving), i * STEP_NS)
        assert np.abs(followed.shift((i + 1) * STEP_NS)).max() < 1.0


def test_doubt_asks_for_more_and_a_sight_of_the_detector_ends_it() -> None:
    followed = Followed(seen(person(300), 0.5), 0)
    weak, strong = seen(person(300), 0.5), seen(person(300), 0.9)
    assert followed.believable(weak, STEP_NS, 0.3)
    followed.confirm(False, 0)
    assert followed.believable(weak, STEP_NS, 0.3)
    assert not followed.believable(weak, 3_000_000_000, 0.3)
    followed.confirm(True, 3_000_000_000)
    assert followed.believable(weak, 3_000_000_000, 0.3)
    sure = Followed(strong, 0)
    sure.confirm(False, 0)
    assert sure.believable(strong, 600_000_000_000, 0.3)
