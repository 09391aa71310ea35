"""Skeletons as the page draws them."""

from __future__ import annotations

from typing import Any

import numpy as np

from bharnet_ros.errors import LayoutError
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import SkeletonFrame

_FAR = 1e5  # nothing beyond is visible, and JSON knows no infinity


def layout_to_json(name: str) -> dict[str, Any]:
    """Bones by part of the body; no bones for a layout that is not known."""
    try:
        layout = get_layout(name)
    except LayoutError:
        return {"edges": [], "body": [], "left": [], "right": []}
    return {
        "edges": layout.edges.tolist(),
        "body": layout.body_indices.tolist(),
        "left": layout.left_hand_indices.tolist(),
        "right": layout.right_hand_indices.tolist(),
    }


def frame_to_json(frame: SkeletonFrame) -> dict[str, Any]:
    """Everybody in an image: track id, box (x, y, w, h), points x0, y0, s0, x1 ... in pixels."""
    people = []
    for person in frame.skeletons:
        fitting = len(person.keypoints) == len(person.scores)
        points = (
            np.column_stack([person.keypoints, person.scores]) if fitting else np.empty((0, 3))
        )
        people.append(
            {
                "id": person.track_id,
                "box": _rounded(person.bbox),
                "points": _rounded(points.reshape(-1)),
            }
        )
    height, width = frame.image_size
    return {"width": width, "height": height, "layout": frame.layout, "people": people}


def _rounded(values: Any) -> list[float]:
    """Two digits are plenty for pixels, and a third of the text."""
    kept = np.nan_to_num(np.asarray(values, np.float64), nan=0.0, posinf=_FAR, neginf=-_FAR)
    rounded: list[float] = np.round(np.clip(kept, -_FAR, _FAR), 2).tolist()
    return rounded
