"""Which known gestures the new ones look like: those must not be taught as something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.inference import Engine
from training.config import WindowConfig
from training.teaching.examples import LabelRule, Take
from training.windowing import cut_window

ALIKE = 0.4
"""A known gesture that is seen in this share of a label's examples is like it."""


def likenesses(
    takes: Sequence[Take], bundle: Bundle, engine: Engine
) -> dict[str, dict[str, float]]:
    """For each label, the bundle's actions that it sees in `ALIKE` of the examples or more.

    Of each example the window in its middle is judged; an action is seen if it is the most
    probable class.
    """
    manifest, rule = bundle.manifest, LabelRule()
    config = WindowConfig(manifest.window_s, manifest.num_steps, max_gap_s=manifest.max_gap_s)
    silent = {manifest.background_class, manifest.unknown_class}
    seen: dict[str, Counter[str]] = {}
    for take in takes:
        for span in take.sequence.spans:
            first, last = rule.core(span)
            keypoints, scores = cut_window(take.sequence, (first + last) // 2, config)
            layout = take.sequence.layout
            outputs = engine.run(
                {
                    "body": body_features(keypoints[None], scores[None], layout, manifest.features),
                    "hand": hand_features(keypoints[None], scores[None], layout, manifest.features),
                }
            )
            best = manifest.class_names[int(np.argmax(outputs["probabilities"][0]))]
            seen.setdefault(span.class_name, Counter())[best] += 1
    return {
        label: {
            name: count / counts.total()
            for name, count in counts.most_common()
            if name not in silent and count >= ALIKE * counts.total()
        }
        for label, counts in seen.items()
    }
