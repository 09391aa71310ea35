"""Layouts are data: these tests check the data against itself and against public facts."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import InvalidSkeletonError, LayoutError
from bharnet_ros.skeleton import available_layouts, get_layout, layout_of
from bharnet_ros.types import Skeleton, SkeletonFrame

LAYOUTS = available_layouts()


def test_the_layouts_that_the_package_promises_are_there() -> None:
    assert set(LAYOUTS) >= {"coco_wholebody_133", "mediapipe_holistic", "ntu25", "kinect20"}


@pytest.mark.parametrize("name", LAYOUTS)
def test_names_are_unique_and_indices_in_range(name: str) -> None:
    layout = get_layout(name)
    count = layout.num_keypoints
    assert layout.name == name
    assert len(set(layout.keypoint_names)) == count
    parts = (layout.body_indices, layout.left_hand_indices, layout.right_hand_indices)
    for indices in (*parts, layout.edges.ravel(), layout.flip_indices):
        assert indices.min(initial=0) >= 0
        assert indices.max(initial=0) < count
    together = np.concatenate(parts)
    assert len(np.unique(together)) == len(together)


@pytest.mark.parametrize("name", LAYOUTS)
def test_mirroring_twice_is_nothing_and_exchanges_sides_by_name(name: str) -> None:
    layout = get_layout(name)
    flip = layout.flip_indices
    assert (flip[flip] == np.arange(layout.num_keypoints)).all()
    for keypoint, other in zip(layout.keypoint_names, flip, strict=True):
        if keypoint.startswith("left_"):
            assert layout.keypoint_names[other] == "right_" + keypoint.removeprefix("left_")


@pytest.mark.parametrize("name", LAYOUTS)
def test_mirroring_maps_edges_onto_edges(name: str) -> None:
    layout = get_layout(name)
    edges = {frozenset(edge) for edge in layout.edges.tolist()}
    mirrored = {frozenset(layout.flip_indices[list(edge)].tolist()) for edge in edges}
    assert mirrored == edges


def test_coco_wholebody_has_the_published_order() -> None:
    coco = get_layout("coco_wholebody_133")
    assert coco.num_keypoints == 133
    assert coco.keypoint_names[9] == "left_wrist"
    assert coco.keypoint_names[17:23] == (
        "left_big_toe", "left_small_toe", "left_heel",
        "right_big_toe", "right_small_toe", "right_heel",
    )  # fmt: skip
    assert coco.left_hand_indices.tolist() == list(range(91, 112))
    assert coco.right_hand_indices.tolist() == list(range(112, 133))
    # iBUG 68: the chin is its own mirror image, the jaw's ends are each other's.
    assert coco.flip_indices[23 + 8] == 23 + 8
    assert coco.flip_indices[23 + 0] == 23 + 16


def test_shared_instances_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        get_layout("ntu25").edges[0, 0] = 3


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(LayoutError, match=r"'openpose'.*coco_wholebody_133"):
        get_layout("openpose")
    with pytest.raises(LayoutError, match="no keypoint 'tail'"):
        get_layout("ntu25").index("tail")


def crowd(layout: str, *keypoints: int) -> SkeletonFrame:
    """People with so many keypoints."""
    ones = np.ones((99, 2), np.float32)
    people = [Skeleton(1, ones[:2].ravel(), 1.0, ones[:k], ones[:k, 0]) for k in keypoints]
    return SkeletonFrame(0, (480, 640), layout, tuple(people))


def test_everybody_has_all_keypoints_of_the_layout() -> None:
    assert layout_of(crowd("ntu25", 25, 25)) is get_layout("ntu25") is layout_of(crowd("ntu25"))
    for number in (0, 17, 26):
        with pytest.raises(InvalidSkeletonError, match=f"Skeleton 1 has {number} .* has 25"):
            layout_of(crowd("ntu25", 25, number))
    with pytest.raises(LayoutError, match="of_elephants"):
        layout_of(crowd("of_elephants", 25))
