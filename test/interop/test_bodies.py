"""Joints, boxes and ids as ROS4HRI counts them."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.interop.bodies import OPENPOSE_18, BodyIds, openpose_joints, visible_box
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Skeleton

SIZE = (480, 640)


def person(
    layout: str = "coco_17", box: tuple[float, ...] = (64, 48, 128, 240), score: float = 0.9,
    track: int = 1,
) -> Skeleton:  # fmt: skip
    """Keypoint k at (10 k, 5 k)."""
    count = get_layout(layout).num_keypoints
    ladder = np.arange(count, dtype=np.float32)[:, None] * np.array([10, 5], np.float32)
    return Skeleton(
        track, np.array(box, np.float32), score, ladder, np.full(count, 0.8, np.float32)
    )


@pytest.mark.parametrize("layout", ["coco_17", "coco_wholebody_133", "mediapipe_holistic"])
def test_every_joint_has_its_place(layout: str) -> None:
    names = get_layout(layout).keypoint_names
    joints = openpose_joints(person(layout), layout, SIZE)
    assert joints.shape == (18, 3)
    for place, name in enumerate(OPENPOSE_18):
        if name in names:
            k = names.index(name)
            expected = [10 * k / 640, 5 * k / 480, 0.8]
        else:
            assert name == "neck"
            k = (names.index("left_shoulder") + names.index("right_shoulder")) / 2
            expected = [10 * k / 640, 5 * k / 480, 0.8]
        assert joints[place] == pytest.approx(expected, abs=1e-6), name


def test_what_was_not_seen_is_zero() -> None:
    someone = person()
    someone.scores[10] = 0.0  # the right wrist
    someone.keypoints[9] = (700.0, 10.0)  # the left one, outside of the image
    joints = openpose_joints(someone, "coco_17", SIZE)
    assert joints[OPENPOSE_18.index("right_wrist")].tolist() == [0, 0, 0]
    assert joints[OPENPOSE_18.index("left_wrist")].tolist() == [0, 0, 0]
    assert joints[OPENPOSE_18.index("nose")][2] > 0


@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=34, max_size=34),
    st.lists(st.floats(0, 2, width=32), min_size=17, max_size=17),
    st.tuples(st.integers(0, 4000), st.integers(0, 4000)),
)
def test_shares_are_shares_whatever_comes(
    points: list[float], scores: list[float], size: tuple[int, int]
) -> None:
    someone = Skeleton(
        1, np.zeros(4, np.float32), 1.0, np.array(points, np.float32).reshape(17, 2),
        np.array(scores, np.float32),
    )  # fmt: skip
    joints = openpose_joints(someone, "coco_17", size)
    assert ((joints >= 0) & (joints <= 1)).all()


@given(
    st.tuples(*[st.floats(-1e6, 1e6, width=32)] * 4),
    st.tuples(st.integers(0, 4000), st.integers(0, 4000)),
)
def test_boxes_stay_within_the_image(box: tuple[float, ...], size: tuple[int, int]) -> None:
    found = visible_box(person(box=box), size)
    if found is not None:
        left, top, right, bottom = found
        assert 0 <= left < right <= 1 and 0 <= top < bottom <= 1


def test_the_visible_part_of_a_box() -> None:
    assert visible_box(person(), SIZE) == pytest.approx((0.1, 0.1, 0.3, 0.6))
    assert visible_box(person(box=(-64, 240, 128, 480)), SIZE) == pytest.approx((0, 0.5, 0.1, 1))
    assert visible_box(person(box=(700, 0, 10, 10)), SIZE) is None


def test_ids_are_never_given_twice() -> None:
    ids = BodyIds("cam")
    assert ids.see([3, 1, -1], 0) == ({1: "cam1", 3: "cam2"}, ())
    assert ids.see([3, 4], 1) == ({3: "cam2", 4: "cam3"}, ("cam1",))
    assert ids.body_of(1) is None and ids.body_of(4) == "cam3"
    assert ids.see([1], 2) == ({1: "cam4"}, ("cam2", "cam3")) or ids.body_of(1) == "cam4"


def test_who_is_unseen_for_a_moment_is_still_there() -> None:
    ids = BodyIds("b", lost_after_s=0.5)
    ids.see([1, 2], 0)
    assert ids.see([2], 500_000_000) == ({2: "b2"}, ()) and ids.bodies == ("b1", "b2")
    assert ids.see([1, 2], 600_000_000) == ({1: "b1", 2: "b2"}, ())
    assert ids.see([2], 1_200_000_000) == ({2: "b2"}, ("b1",)) and ids.bodies == ("b2",)
    assert ids.see([1, 2], 1_300_000_000)[0] == {1: "b3", 2: "b2"}
    assert ids.see([2], 0) == ({2: "b2"}, ("b3",)), "the time jumped back"
    assert ids.forget() == ("b2",) and ids.bodies == ()
    assert ids.see([2], 1)[0] == {2: "b4"}


def test_cameras_share_the_numbers_of_a_prefix() -> None:
    numbers = count(1)
    left, right = BodyIds("b", numbers), BodyIds("b", numbers)
    left.see([4], 0)
    right.see([4, 5], 0)
    assert (left.bodies, right.bodies) == (("b1",), ("b2", "b3"))
    left.see([], 1)
    assert left.bodies == ()


@given(st.lists(st.lists(st.integers(-1, 6), max_size=5), max_size=30))
def test_a_body_that_is_gone_stays_gone(frames: list[list[int]]) -> None:
    ids, buried = BodyIds("b", lost_after_s=2e-9), set()
    for stamp, tracks in enumerate(frames):
        bodies, gone = ids.see(tracks, stamp)
        buried.update(gone)
        assert set(bodies) == {track for track in tracks if track >= 0}
        assert len(set(bodies.values())) == len(bodies) and not buried & set(bodies.values())
