from __future__ import annotations

import numpy as np

from bharnet_ros.evaluation import Episode, PersonMatcher
from bharnet_ros.types import Skeleton, SkeletonFrame


def box(*values: float) -> np.ndarray:
    return np.asarray(values, np.float32)


def boxes(stamp: int, people: dict[int, np.ndarray]) -> SkeletonFrame:
    none, zero = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)
    skeletons = tuple(Skeleton(i, b, 1.0, none, zero) for i, b in people.items())
    return SkeletonFrame(stamp, (720, 1280), "coco_wholebody_133", skeletons)


LEFT, RIGHT = box(100, 100, 200, 500), box(600, 100, 200, 500)


def test_tracks_are_the_people_they_lie_on() -> None:
    matcher = PersonMatcher()
    for stamp in range(10):
        matcher.push(
            boxes(stamp, {7: RIGHT + 5, 8: LEFT - 5, 9: box(1000, 0, 50, 50)}),
            boxes(stamp, {1: LEFT, 2: RIGHT}),
        )
    assert [matcher.person(track, 0, 9) for track in (7, 8, 9)] == [2, 1, None]


def test_a_track_that_jumps_to_somebody_else_is_who_it_was_at_the_time() -> None:
    matcher = PersonMatcher()
    for stamp in range(10):
        where = LEFT if stamp < 4 else RIGHT
        matcher.push(boxes(stamp, {7: where}), boxes(stamp, {1: LEFT, 2: RIGHT}))
    episodes = [Episode(7, "a", 0, 3), Episode(7, "b", 4, 9), Episode(7, "c", 50, 60),
                Episode(3, "d", 0, 3)]  # fmt: skip
    assert [e.person_id for e in matcher.attribute(episodes)] == [1, 2, 2, -1]


def test_one_person_is_only_one_track_at_a_time() -> None:
    matcher = PersonMatcher()
    matcher.push(boxes(0, {7: LEFT, 8: LEFT + 20}), boxes(0, {1: LEFT}))
    assert matcher.person(7, 0, 0) == 1 and matcher.person(8, 0, 0) is None
