"""One batched run of the body and hand experts over everybody's windows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.inference import Engine
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import Window

FUSIONS = ("fused", "body", "hand")


@dataclass(frozen=True, eq=False)
class Opinion:
    """What the experts think of one window.

    probabilities: (C,) by the chosen fusion. body, hand: (C,) by one expert alone; zeros if it
    saw nothing it could use.
    """

    probabilities: FloatArray
    body: FloatArray
    hand: FloatArray


class Experts:
    """Windows -> features -> engine -> opinions.

    fusion: "fused" as the bundle's graph does it, or "body" or "hand" alone, for comparison.
    Raises ConfigurationError for another one.
    """

    def __init__(self, bundle: Bundle, engine: Engine, fusion: str = "fused") -> None:
        if fusion not in FUSIONS:
            raise ConfigurationError(
                f"fusion is '{fusion}'; it must be one of {', '.join(FUSIONS)}."
            )
        self._manifest = bundle.manifest
        self._engine = engine
        self._fusion = fusion
        self._timings = {"features": 0.0, "inference": 0.0}

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Of the last `judge`: features, inference."""
        return dict(self._timings)

    def judge(self, windows: Mapping[int, Window]) -> dict[int, Opinion]:
        """Opinions by the windows' keys, from one run for all of them.

        Windows in which the chosen expert has nothing to see, and results that are not finite,
        are left out.
        """
        self._timings = {"features": 0.0, "inference": 0.0}
        if not windows:
            return {}
        begin = time.perf_counter()
        keypoints = np.stack([w.keypoints for w in windows.values()])
        scores = np.stack([w.scores for w in windows.values()])
        layout, options = self._manifest.layout, self._manifest.features
        body_input = body_features(keypoints, scores, layout, options)
        hand_input = hand_features(keypoints, scores, layout, options)
        described = time.perf_counter()
        outputs = self._engine.run({"body": body_input, "hand": hand_input})
        end = time.perf_counter()
        self._timings = {
            "features": (described - begin) * 1e3,
            "inference": (end - described) * 1e3,
        }

        fusion = self._manifest.fusion
        body = _softmax(outputs["body_logits"] / np.float32(fusion.body_temperature))
        hand = _softmax(outputs["hand_logits"] / np.float32(fusion.hand_temperature))
        chosen = {"fused": outputs["probabilities"], "body": body, "hand": hand}[self._fusion]
        opinions = {}
        for row, key in enumerate(windows):
            sees_body = bool((body_input[row, 2] > 0.0).any())
            sees_hand = bool((hand_input[row, 2] > 0.0).any())
            sees = {"fused": sees_body or sees_hand, "body": sees_body, "hand": sees_hand}
            if sees[self._fusion] and np.isfinite(chosen[row]).all():
                opinions[key] = Opinion(
                    chosen[row],
                    body[row] if sees_body else np.zeros_like(body[row]),
                    hand[row] if sees_hand else np.zeros_like(hand[row]),
                )
        return opinions


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: FloatArray = shifted / shifted.sum(axis=-1, keepdims=True)
    return probabilities
