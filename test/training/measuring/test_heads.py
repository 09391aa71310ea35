"""Nods: counted, with heads as they were estimated and with exact ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.measuring import heads
from training.measuring.heads import EXACT, SEEN, motion_seen, with_exact_heads

from .conftest import S


@pytest.fixture
def nodding(raising):
    """The film of a raised arm in which the nose swings too, of which 0.6 is seen."""
    truth = raising.keypoints.copy()
    seconds = raising.stamps_ns / S
    truth[:, 0, 1] += 20.0 * np.sin(2.0 * np.pi * seconds)
    seen = raising.keypoints.copy()
    seen[:, 0] += 0.6 * (truth[:, 0] - seen[:, 0])
    return replace(raising, keypoints=seen, truth=truth)


def test_the_share_of_motion_that_is_seen(nodding):
    assert motion_seen([nodding]) == pytest.approx(0.6, abs=0.01)
    walking = nodding.keypoints + np.linspace(0.0, 300.0, len(nodding.keypoints))[:, None, None]
    moved = replace(
        nodding, keypoints=walking.astype(np.float32),
        truth=(nodding.truth - nodding.keypoints + walking).astype(np.float32),
    )  # fmt: skip
    assert motion_seen([moved]) == pytest.approx(0.6, abs=0.01)


def test_gestures_whose_nose_is_out_of_view_do_not_count(nodding):
    hidden = replace(nodding, truth=nodding.truth.copy(), scores=nodding.scores.copy())
    hidden.truth[60, 0] = np.nan
    assert np.isnan(motion_seen([hidden]))
    hidden.truth[60, 0] = nodding.truth[60, 0]
    hidden.scores[60, 5] = 0.0
    assert np.isnan(motion_seen([hidden]))


def test_exact_heads_replace_what_is_known_and_seen(nodding):
    nodding.truth[3, 0] = np.nan
    nodding.scores[4, 0] = 0.0
    exact = with_exact_heads(nodding)
    np.testing.assert_array_equal(exact.keypoints[5:, :5], nodding.truth[5:, :5])
    np.testing.assert_array_equal(exact.keypoints[3:5, 0], nodding.keypoints[3:5, 0])
    np.testing.assert_array_equal(exact.keypoints[:, 5:], nodding.keypoints[:, 5:])


def test_both_views_are_reported(judge, nodding):
    turned = replace(nodding, info={**nodding.info, "yaw_deg": -40.0})
    result = heads.measure([nodding, turned], {"tiny": judge})
    for view in (SEEN, EXACT):
        groups = result.figures["tiny"][view]["groups"]
        assert groups["all"]["gestures"] == groups["stop"]["gestures"] == 2
        assert groups["all"]["right"] == 2 and groups["turned beyond 30°"]["gestures"] == 1
    assert result.figures["motion_seen"] == pytest.approx(0.6, abs=0.01)
    assert "| tiny | exact | stop | 2 | 2 |" in result.body
