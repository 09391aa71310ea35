"""Which keypoints a picture shows, from the depths of the surfaces that were drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.person import PersonLayer
from bharnet_ros.types import AnyFloat


def _depth_inside() -> npt.NDArray[np.float64]:
    """(133,) metres a keypoint may lie below the surface and still count as seen."""
    allowed = np.full(133, 0.035)
    allowed[[5, 6]] = 0.12
    allowed[[7, 8]] = 0.085
    allowed[[9, 10]] = 0.06
    allowed[[11, 12]] = 0.22
    allowed[[13, 14]] = 0.13
    allowed[[15, 16]] = 0.10
    allowed[17:23] = 0.08
    allowed[3:5] = 0.06
    # Fingers are about 2 cm thick: one finger in front of another already hides it.
    allowed[91:133] = 0.022
    for wrist in (91, 112):
        allowed[wrist] = 0.045
        allowed[[wrist + k for k in (1, 2, 5, 9, 13, 17)]] = 0.034
    return allowed


_DEPTH_INSIDE = _depth_inside()


def visible_keypoints(
    layer: PersonLayer, nearer: Sequence[PersonLayer], camera: Camera
) -> npt.NDArray[np.bool_]:
    """(133,) bool: in front of the camera, inside the image, hidden neither by the person's own
    body nor by a nearer person. The keypoint lies inside the body part, so a surface counts as
    hiding it only if it is nearer by more than the part is thick."""
    depth = layer.local[:, 2]
    seen: npt.NDArray[np.bool_] = camera.contains(layer.pixels) & (depth > 0.1)
    seen &= _surface(layer, layer.pixels) >= depth - _DEPTH_INSIDE
    for other in nearer:
        seen &= _surface(other, layer.pixels) >= depth - 0.05
    return seen


def _surface(layer: PersonLayer, pixels: AnyFloat) -> npt.NDArray[np.float32]:
    """Depth of a person's nearest surface at (N, 2) image pixels; far away outside of it.
    What they hold does not count."""
    canvas, depth = layer.canvas, layer.own_depth
    height, width = depth.shape
    found = np.full(len(pixels), np.inf, np.float32)
    place = np.rint(pixels).astype(int) - np.array(canvas.origin)
    inside = np.all((place >= 0) & (place < (width, height)), axis=1)
    x, y = place[inside].T
    found[inside] = depth[y, x]
    return found
