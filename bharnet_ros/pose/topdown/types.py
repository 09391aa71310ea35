"""The two networks of a top-down estimator, as the estimator sees them.

Boxes are (4,) x0, y0, x1, y1 in pixels of the source image, float32, x1 and y1 exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bharnet_ros.types import FloatArray, Image

Crop = tuple[Image, FloatArray]
"""An image (H, W, 3) uint8 BGR and the box (4,) of one person, or one hand, in it."""


class PersonDetector(Protocol):
    """Finds people in whole images."""

    @property
    def identity(self) -> str:
        """One line for diagnostics: network, engine, precision."""

    def detect(self, images: Sequence[Image]) -> list[tuple[FloatArray, FloatArray]]:
        """For each image (H, W, 3) uint8 BGR: boxes (M, 4) and scores (M,) 0..1, in any order.

        The images may differ in size. Raises EngineError if the network fails.
        """

    def close(self) -> None:
        """Free the network; a second time does nothing."""


class KeypointModel(Protocol):
    """Finds the keypoints of the one person, or hand, that a box shows."""

    @property
    def identity(self) -> str:
        """One line for diagnostics: network, engine, precision."""

    @property
    def num_keypoints(self) -> int:
        """K."""

    def estimate(self, crops: Sequence[Crop]) -> tuple[FloatArray, FloatArray]:
        """(N, K, 2) pixels of the source image and (N, K) scores 0..1, for N >= 1 crops.

        The boxes are tight; the model adds the room it was trained with. The crops may come
        from several images. Raises EngineError if the network fails.
        """

    def close(self) -> None:
        """Free the network; a second time does nothing."""
