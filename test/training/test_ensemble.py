"""Scores of several networks added."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from training.ensemble import ensemble

JOINT = np.array([[1.0, 0.0], [0.2, 0.8]], np.float32)
BONE = np.array([[0.0, 3.0], [0.6, 0.4]], np.float32)


def test_equal_weights_add_up():
    np.testing.assert_allclose(ensemble([JOINT, BONE]), [[1.0, 3.0], [0.8, 1.2]], atol=1e-6)


def test_weights_scale_each_network():
    found = ensemble([JOINT, BONE], [0.5, 2.0])
    np.testing.assert_allclose(found, [[0.5, 6.0], [1.3, 1.2]], atol=1e-6)
    assert found.dtype == np.float32


def test_one_network_stays_as_it_is():
    np.testing.assert_array_equal(ensemble([BONE]), BONE)


@pytest.mark.parametrize(
    ("scores", "weights", "words"),
    [
        ([], None, "at least one"),
        ([JOINT, BONE[:1]], None, "shape"),
        ([JOINT[0]], None, "shape"),
        ([JOINT, BONE], [1.0], "as many"),
        ([JOINT, BONE], [1.0, np.nan], "finite weights"),
        ([np.full_like(JOINT, np.inf)], None, "not all finite"),
    ],
)
def test_what_does_not_fit_is_refused(scores, weights, words):
    with pytest.raises(ConfigurationError, match=words):
        ensemble(scores, weights)
