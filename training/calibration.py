"""Temperatures: one number that turns a network's logits into honest probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import FloatArray
from training.labels import OTHER

LOWEST, HIGHEST = 0.1, 10.0
_GOLDEN = (5.0**0.5 - 1.0) / 2.0


def negative_log_likelihood(
    logits: FloatArray, labels: npt.NDArray[np.int64], temperature: float
) -> float:
    """Mean over windows (N,) of -log softmax(logits / temperature)[label].

    For `OTHER` windows, which are of no class: the mean of that over all classes, least when no
    class is preferred.
    """
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(scaled).sum(axis=1))
    named = scaled[np.arange(len(labels)), labels.clip(min=0)]
    return float((log_sum - np.where(labels == OTHER, scaled.mean(axis=1), named)).mean())


def fit_temperature(logits: FloatArray, labels: npt.NDArray[np.int64]) -> float:
    """The temperature (0.1 to 10) of least negative log-likelihood (Guo et al., ICML 2017).

    Golden-section search over its logarithm, in which the loss has one minimum. 1 if there are
    no windows to fit.
    """
    if not len(labels):
        return 1.0
    low, high = np.log(LOWEST), np.log(HIGHEST)
    while high - low > 1e-3:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if negative_log_likelihood(logits, labels, float(np.exp(left))) < negative_log_likelihood(
            logits, labels, float(np.exp(right))
        ):
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2.0)), 4)


def expected_calibration_error(
    logits: FloatArray, labels: npt.NDArray[np.int64], temperature: float, bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equally wide bins of confidence."""
    scaled = logits.astype(np.float64) / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities = scaled / scaled.sum(axis=1, keepdims=True)
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = number == b
        if inside.any():
            error += abs(right[inside].mean() - confidence[inside].mean()) * inside.mean()
    return float(error)
