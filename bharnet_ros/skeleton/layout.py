"""Keypoint layouts: which number is which joint. Data in `layouts/*.yaml`, read once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from bharnet_ros.errors import InvalidSkeletonError, LayoutError
from bharnet_ros.types import SkeletonFrame

IndexArray = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Layout:
    """A named order of K keypoints.

    edges: (E, 2) pairs of keypoints joined by a bone (for drawing and for graphs).
    body_indices, left_hand_indices, right_hand_indices: where each part lies; the hands are
        empty for layouts without fingers, else 21 in MediaPipe's order, wrist first.
    flip_indices: (K,) mirrored[i] = original[flip_indices[i]].
    """

    name: str
    keypoint_names: tuple[str, ...]
    edges: IndexArray
    body_indices: IndexArray
    left_hand_indices: IndexArray
    right_hand_indices: IndexArray
    flip_indices: IndexArray

    @property
    def num_keypoints(self) -> int:
        """K."""
        return len(self.keypoint_names)

    @property
    def has_hands(self) -> bool:
        """Whether the layout carries 21 points for each hand."""
        return len(self.left_hand_indices) == 21 and len(self.right_hand_indices) == 21

    def index(self, keypoint_name: str) -> int:
        """Position of a keypoint; `LayoutError` if the layout has none of that name."""
        try:
            return self.keypoint_names.index(keypoint_name)
        except ValueError:
            raise LayoutError(
                f"Layout '{self.name}' has no keypoint '{keypoint_name}'; "
                f"it has: {', '.join(self.keypoint_names[:40])}."
            ) from None


def available_layouts() -> tuple[str, ...]:
    """Names that `get_layout` takes."""
    folder = resources.files(__package__) / "layouts"
    names = (entry.name for entry in folder.iterdir())
    return tuple(sorted(name[:-5] for name in names if name.endswith(".yaml")))


@cache
def get_layout(name: str) -> Layout:
    """The layout of that name; `LayoutError` with the known names otherwise."""
    if name not in available_layouts():
        raise LayoutError(
            f"Keypoint layout '{name}' is not known; use one of {', '.join(available_layouts())}."
        )
    text = (resources.files(__package__) / "layouts" / f"{name}.yaml").read_text("utf-8")
    return _from_data(yaml.safe_load(text))


def layout_of(frame: SkeletonFrame) -> Layout:
    """The layout of a frame in which everybody has all of its keypoints.

    Raises LayoutError for one that is not known, InvalidSkeletonError for people who have another
    number of keypoints.
    """
    layout = get_layout(frame.layout)
    for index, person in enumerate(frame.skeletons):
        if len(person.scores) != layout.num_keypoints:
            raise InvalidSkeletonError(
                f"Skeleton {index} has {len(person.scores)} keypoints, but the layout "
                f"'{layout.name}' has {layout.num_keypoints}; whoever publishes the skeletons must "
                "give all of them (score 0 = missing), or name another layout."
            )
    return layout


def _from_data(data: dict[str, Any]) -> Layout:
    def indices(key: str) -> IndexArray:
        array = np.asarray(data[key], dtype=np.intp)
        array.setflags(write=False)  # one instance is shared by everybody
        return array

    return Layout(
        name=data["name"],
        keypoint_names=tuple(data["keypoint_names"]),
        edges=indices("edges").reshape(-1, 2),
        body_indices=indices("body_indices"),
        left_hand_indices=indices("left_hand_indices"),
        right_hand_indices=indices("right_hand_indices"),
        flip_indices=indices("flip_indices"),
    )
