"""Several trained networks as one: their scores, weighted and added."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray


def ensemble(scores: Sequence[FloatArray], weights: Sequence[float] | None = None) -> FloatArray:
    """Weighted sum of the scores of several networks for the same windows: (N, C) float32.

    scores: (N, C) of each network, all logits or all probabilities; usually one network for each
    modality (joint, bone, joint motion, bone motion). weights: one each, 1 if not given; choose
    them on validation data, never on a test split.
    Raises ConfigurationError if shapes differ, a weight is missing or a number is not finite.
    """
    if not scores:
        raise ConfigurationError("An ensemble needs the scores of at least one network.")
    arrays = [np.asarray(each, dtype=np.float64) for each in scores]
    shape = arrays[0].shape
    for number, array in enumerate(arrays):
        if array.ndim != 2 or array.shape != shape:
            raise ConfigurationError(
                f"Scores {number} of the ensemble have shape {array.shape}, the first {shape}; all "
                "must be (windows, classes) of the same windows and classes."
            )
        if not np.isfinite(array).all():
            raise ConfigurationError(
                f"Scores {number} of the ensemble are not all finite; predict them again."
            )
    factors = np.ones(len(arrays)) if weights is None else np.asarray(weights, dtype=np.float64)
    if factors.shape != (len(arrays),) or not np.isfinite(factors).all():
        raise ConfigurationError(
            f"An ensemble of {len(arrays)} networks needs as many finite weights, not {weights}."
        )
    total: FloatArray = np.tensordot(factors, np.stack(arrays), axes=1).astype(np.float32)
    return total
