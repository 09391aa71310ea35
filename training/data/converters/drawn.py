"""Drawn people -> clips of projected keypoints, whose pictures can be drawn again.

The keypoints are the exact ones made as unsure as an estimator's (`training.projecting`): what
somebody holds does not touch them, so actions that differ in the object alone look the same to a
skeleton expert.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.data.converters.base import Item
from training.data.drawn_clips import DrawnClip, DrawnClips
from training.data.drawn_plans import DrawnPlan
from training.data.sample import Person, Sample
from training.data.sheet import DataSheet
from training.projecting import LAYOUT, unsure_keypoints

CONVERTER = "drawn"
TRACK_ID = 0


@dataclass(frozen=True)
class DrawnConverter:
    """plan: see `DrawnPlan`."""

    lazy: ClassVar[bool] = False
    plan: DrawnPlan

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        return DataSheet(
            dataset=self.plan.name,
            layout=LAYOUT,
            dims=2,
            unit="px",
            stamps="measured",
            class_names=self._clips.vocabulary.class_names,
            license="drawn by this package, free to use",
            provenance="drawn people; keypoints projected, with an estimator's errors",
            converter=CONVERTER,
            options={"plan": self.plan.to_dict(), "vocabulary_sha256": self._clips.digest()},
            notes=("A clip is one window; its class is what is done at its last frame.",),
        )

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        yield from map(Item, self._clips.sources())

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        clip = self._clips.clip(item.source)
        keypoints, scores = clip_keypoints(self._clips, clip)
        return Sample(
            source=clip.source,
            stamps_ns=clip.stamps_ns,
            people=(Person(keypoints, scores, 0, TRACK_ID),),
            class_name=clip.class_name,
            fields={"subject": str(clip.actor), "setup": clip.background, "group": clip.part},
            image_size=clip.data.image_size,
        )

    @cached_property
    def _clips(self) -> DrawnClips:
        return DrawnClips(self.plan)


def clip_keypoints(clips: DrawnClips, clip: DrawnClip) -> tuple[FloatArray, FloatArray]:
    """Keypoints (F, 133, 2) px and scores (F, 133) of a clip's person."""
    scene = clips.scene(clip, drawn=False)
    keypoints, scores = unsure_keypoints(scene, clip.times_s, clip.seed, at_once=True)
    spec, rng = get_layout(LAYOUT), np.random.default_rng([clip.seed, 37])
    for indices in (spec.left_hand_indices, spec.right_hand_indices):
        if rng.random() < clips.plan.hand_loss:
            keypoints[:, indices], scores[:, indices] = 0.0, 0.0
    return keypoints, scores
