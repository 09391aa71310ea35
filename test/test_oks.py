"""OKS against its definition, number by number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bharnet_ros.oks import body_sigmas, oks, variances
from bharnet_ros.skeleton import available_layouts, get_layout


def test_coco_sigmas_by_the_joints_names() -> None:
    wanted = [0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107,
              0.107, 0.087, 0.087, 0.089, 0.089]  # fmt: skip
    assert body_sigmas("coco_wholebody_133").tolist() == wanted
    for name in available_layouts():
        sigmas = body_sigmas(name)
        assert sigmas.shape == get_layout(name).body_indices.shape and (sigmas > 0.0).all()


def test_the_formula() -> None:
    box = np.array([[10.0, 20.0, 100.0, 400.0]])
    variance = variances("coco_17", box)
    area = 0.53 * 100.0 * 400.0
    assert variance[0, 0] == pytest.approx(area * (2 * 0.026) ** 2)
    gaps = np.zeros(17)
    gaps[5] = 30.0
    common = np.zeros(17, np.bool_)
    common[[0, 5]] = True
    own = math.exp(-(30.0**2) / (2 * area * (2 * 0.079) ** 2))
    assert oks(gaps, variance[0], common) == pytest.approx((1.0 + own) / 2)
    assert oks(gaps, variance[0], np.zeros(17, np.bool_)) == 0.0
