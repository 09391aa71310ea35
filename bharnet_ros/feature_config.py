"""The options that decide the numbers of the features; stored in a bundle's manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from bharnet_ros.errors import ConfigurationError

MODALITIES = ("joint", "bone", "joint_motion", "bone_motion")
HAND_ORIGINS = ("per_frame", "first_frame")
BODY_ORIGINS = ("first_frame", "median")
BODY_SPACES = ("torso", "image")
HAND_SPACES = ("palm", "image")
_LATER = ("upper_body", "per_frame", "estimate_wrist")  # switches that old bundles do not name


@dataclass(frozen=True)
class FeatureConfig:
    """Everything that decides the numbers of the features.

    modality: joint, bone, joint_motion or bone_motion.
    hand_origin: "per_frame" keeps the hand's shape only (each frame's own wrist is the origin;
        where the hand is and goes is the body expert's business), "first_frame" keeps its
        motion too (the wrist of the window's first frame that shows it).
    body_origin: "first_frame" (mid-hip of the first frame that shows it) or "median" of the
        window.
    mirror_left: negate x of the left hand, so that one hand network serves both.
    min_score: keypoints scored below count as missing (0..1).
    min_torso_px, min_palm_px: a person or hand smaller than that cannot be read: zeros.
    max_abs: coordinates are cut to this many torso or palm lengths, so one stray keypoint
        cannot dominate.
    hand_space, body_space: "palm" and "torso" are the units above. "image" is for networks
        trained elsewhere on raw coordinates: x by the image's width and y by its height, 0..1
        from the top left corner; origins do not apply, a mirrored left hand is 1 - x.
    upper_body: hips and legs count as missing, so that unit and origin always come from the
        shoulders; for people at a desk, whose hips are guessed in one frame and not in the next.
    per_frame: every frame is a window of its own, so unit and origin are that frame's and its
        numbers never change when later frames come; what networks that run frame by frame need.
        Where the person goes is lost. Not with joint_motion and bone_motion, which look one
        frame ahead.
    estimate_wrist: a hand whose wrist is not seen, because the picture ends before it, gets the
        wrist that its other knuckles tell (`palm.with_wrist`); otherwise such a hand counts as
        unseen.
    """

    modality: str = "joint"
    hand_origin: str = "per_frame"
    body_origin: str = "first_frame"
    mirror_left: bool = True
    min_score: float = 0.05
    min_torso_px: float = 8.0
    min_palm_px: float = 4.0
    max_abs: float = 8.0
    hand_space: str = "palm"
    body_space: str = "torso"
    upper_body: bool = False
    per_frame: bool = False
    estimate_wrist: bool = False

    def __post_init__(self) -> None:
        for name, allowed in (
            ("modality", MODALITIES),
            ("hand_origin", HAND_ORIGINS),
            ("body_origin", BODY_ORIGINS),
            ("hand_space", HAND_SPACES),
            ("body_space", BODY_SPACES),
        ):
            if getattr(self, name) not in allowed:
                raise ConfigurationError(
                    f"Feature option {name} is {getattr(self, name)!r}; "
                    f"it must be one of {', '.join(allowed)}."
                )
        for name in ("mirror_left", *_LATER):
            if not isinstance(getattr(self, name), bool):
                raise ConfigurationError(
                    f"Feature option {name} is {getattr(self, name)!r}; it must be true or false."
                )
        if self.per_frame and self.modality.endswith("motion"):
            raise ConfigurationError(
                f"Feature option modality is '{self.modality}', the change to the next frame, "
                "which per_frame cannot know; use joint or bone (networks compute motion "
                "themselves: model.body.modalities)."
            )
        for name, low in (
            ("min_score", 0.0),
            ("min_torso_px", 0.0),
            ("min_palm_px", 0.0),
            ("max_abs", 0.5),
        ):
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and np.isfinite(value) and value >= low):
                raise ConfigurationError(
                    f"Feature option {name} is {value!r}; it must be a number of at least {low}."
                )

    def needs_image_size(self, streams: Collection[str]) -> bool:
        """Whether the features of these streams, of "body" and "hand", are shares of the image."""
        spaces = {"body": self.body_space, "hand": self.hand_space}
        return any(spaces[stream] == "image" for stream in streams)

    def to_dict(self) -> dict[str, Any]:
        """For JSON. Options that came later are left out while they are false, so that earlier
        versions of this package can read every bundle that does not need them."""
        content = asdict(self)
        for name in _LATER:
            if not content[name]:
                del content[name]
        return content

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FeatureConfig:
        """Inverse of `to_dict`; raises ConfigurationError for options it does not know."""
        unknown = sorted(set(data) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigurationError(
                f"Unknown feature option {', '.join(unknown)}; they were written by a newer "
                "version of this package, which is needed to read them."
            )
        return cls(**data)
