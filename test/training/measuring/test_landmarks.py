"""Hands as landmarks: turning, stretching, counting."""

from __future__ import annotations

import numpy as np
import pytest

from training.measuring.landmarks import in_aspect, measure, turned

from .conftest import hand


def test_a_turn_is_a_turn():
    points = np.stack([hand(1.0)])
    there = turned(points, 45.0)
    np.testing.assert_allclose(
        np.linalg.norm(there[:, 9] - there[:, 0]), np.linalg.norm(points[:, 9] - points[:, 0]),
        rtol=1e-5,
    )  # fmt: skip
    # Fingers that point up (y negative) point to the right after a quarter clockwise.
    quarter = turned(points, 90.0)[0]
    up = points[0, 9] - points[0, 0]
    right = quarter[9] - quarter[0]
    np.testing.assert_allclose(right, [-up[1], up[0]], atol=1e-6)
    np.testing.assert_allclose(turned(turned(points, 90.0), -90.0), points, atol=1e-3)


def test_a_portrait_is_narrower_than_its_shares_say():
    points = np.stack([hand(1.0)])
    np.testing.assert_allclose(in_aspect(points, 0.75)[..., 0], points[..., 0] * 0.75, rtol=1e-6)
    np.testing.assert_allclose(in_aspect(points, 0.75)[..., 1], points[..., 1])
    wide = in_aspect(points, 4 / 3)
    np.testing.assert_allclose(wide[..., 1], points[..., 1] * 0.75, rtol=1e-6)


def test_measured_by_turn_and_class(judge, fists):
    figures = measure(fists, {"tiny": judge}).figures["tiny"]
    upright = figures["turned"]["0"]
    assert upright["count"] == 8
    assert figures["turned"]["45"]["count"] == 16
    assert upright["classes"]["fist"]["accuracy"] == 1.0
    assert upright["accuracy"] == pytest.approx(upright["right"] / 8)
    assert set(figures["turned"]["30"]["each_sense"]) == {"30", "-30"}
    assert figures["covers"] == ["fist", "palm"]


def test_the_report_names_every_bundle_and_turn(judge, fists):
    body = measure(fists, {"tiny": judge}).body
    assert "| tiny | ±60° |" in body
    assert "tiny has 2 of the 2 shapes" in body
