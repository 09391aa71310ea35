from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation import Episode
from bharnet_ros.evaluation.truth import LabelledSegment, Labels, attribute
from bharnet_ros.evaluation.truth.segments import Region
from bharnet_ros.types import Skeleton, SkeletonFrame

SECOND = 1_000_000_000
LEFT, RIGHT = (100.0, 100.0, 200.0, 500.0), (600.0, 100.0, 180.0, 500.0)
_NONE = np.zeros((133, 2), np.float32), np.zeros(133, np.float32)


def frames(seconds: float, *people: tuple[int, Region, float, float]) -> Iterator[SkeletonFrame]:
    """Ten a second; people: (track id, box, seen from, seen until)."""
    for i in range(round(seconds * 10)):
        yield SkeletonFrame(i * SECOND // 10, (720, 1280), "coco_wholebody_133", tuple(
            Skeleton(track, np.asarray(box, np.float32), 1.0, *_NONE)
            for track, box, begin, end in people
            if begin <= i / 10 < end
        ))  # fmt: skip


def label(
    start: float, end: float, person: int | None = None, region: Region | None = None
) -> LabelledSegment:
    return LabelledSegment(int(start * SECOND), int(end * SECOND), "wave", person, region)


def report(track: int, start: float, end: float) -> Episode:
    return Episode(track, "wave", int(start * SECOND), int(end * SECOND))


def test_one_person_needs_no_name() -> None:
    found = attribute(
        Labels((label(1, 2), label(5, 6))), frames(10, (3, LEFT, 0, 4), (8, LEFT, 4.5, 10))
    )
    assert [e.person_id for e in found.truth] == [1, 1]
    named = found.attribute([report(3, 1, 2), report(8, 5, 6), report(9, 5, 6)])
    assert [e.person_id for e in named] == [1, 1, -1]
    assert found.problems == ()


def test_among_several_the_largest_is_the_one_that_is_labelled_and_that_is_said() -> None:
    found = attribute(Labels((label(1, 2),)), frames(4, (3, LEFT, 0, 4), (4, RIGHT, 2, 4)))
    assert (found.person(3, 0, SECOND), found.person(4, 0, 4 * SECOND)) == (1, None)
    assert found.problems == (
        "20 of 40 images show several people and the labels have no region: the largest was taken "
        "for the one who is labelled.",
    )


def test_numbers_are_tracks_where_there_is_no_region() -> None:
    labels = Labels((label(1, 2, 7), label(1, 3, 8)))
    found = attribute(labels, frames(4, (7, LEFT, 0, 4), (8, RIGHT, 0, 4), (9, LEFT, 0, 1)))
    assert [e.person_id for e in found.truth] == [7, 8]
    assert [found.person(t, 0, 4 * SECOND) for t in (7, 8, 9)] == [7, 8, None]


def test_a_lone_number_is_not_a_track_that_was_hardly_there() -> None:
    labels = Labels((label(1, 2, 1), label(3, 4, 1)))
    ghost = (1, (900.0, 0.0, 20.0, 20.0), 0.0, 0.3)
    found = attribute(labels, frames(5, ghost, (2, LEFT, 0, 5)))
    assert [found.person(t, SECOND, 2 * SECOND) for t in (1, 2)] == [None, 1]
    both = attribute(labels, frames(5, (1, RIGHT, 0, 4), (2, LEFT, 0, 5)))  # 2 is larger
    assert [both.person(t, SECOND, 2 * SECOND) for t in (1, 2)] == [1, None]


def test_a_region_is_stronger_than_a_number() -> None:
    # The recording called the left one 8; now the left one is track 1 and 8 is the right one.
    labels = Labels((label(1, 2, 8, LEFT),))
    found = attribute(labels, frames(4, (1, LEFT, 0, 4), (8, RIGHT, 0, 4)))
    assert (found.person(1, SECOND, 2 * SECOND), found.person(8, SECOND, 2 * SECOND)) == (8, None)


@pytest.mark.parametrize(
    "region",
    [
        LEFT,
        (150.0, 110.0, 90.0, 100.0),  # only the head
        (0.0, 0.0, 640.0, 720.0),  # the left half of the image
    ],
)
def test_regions_may_be_drawn_roughly(region: Region) -> None:
    found = attribute(
        Labels((label(1, 2, 1, region), label(1, 2, 2, RIGHT))),
        frames(3, (5, LEFT, 0, 3), (6, RIGHT, 0, 3)),
    )
    assert [found.person(t, 0, SECOND) for t in (5, 6)] == [1, 2]


def test_regions_without_numbers_are_the_same_person_if_the_track_is() -> None:
    labels = Labels((
        label(0, 1, None, LEFT), label(0, 1, None, RIGHT), label(2, 3, None, LEFT),
        label(2, 3, None, (1000.0, 0.0, 50.0, 50.0)),
    ))  # fmt: skip
    found = attribute(labels, frames(4, (5, LEFT, 0, 4), (6, RIGHT, 0, 4)))
    assert [e.person_id for e in found.truth] == [1, 2, 1, 3]
    assert [found.person(t, 0, SECOND) for t in (5, 6)] == [1, 2]
    assert found.problems == (
        "Nobody was tracked in the region of the label 'wave' at stamp 2.000 s.",
    )


def test_a_region_without_number_is_the_numbered_person_of_the_same_track() -> None:
    labels = Labels((label(0, 1, None, LEFT), label(2, 3, 6, LEFT), label(2, 3, None, RIGHT)))
    found = attribute(labels, frames(4, (5, LEFT, 0, 4), (9, RIGHT, 0, 4)))
    assert [e.person_id for e in found.truth] == [6, 6, 7]


def test_a_track_that_jumps_to_somebody_else_is_who_it_was_then_or_next_to_it() -> None:
    labels = Labels((label(0, 1, 1, LEFT), label(6, 7, 2, RIGHT)))
    found = attribute(labels, frames(8, (5, LEFT, 0, 4), (5, RIGHT, 4, 8)))
    assert found.person(5, 0, SECOND) == 1
    assert found.person(5, 2 * SECOND, 3 * SECOND) == 1
    assert found.person(5, 5 * SECOND, 5 * SECOND) == 2
    assert found.person(5, 7 * SECOND, 9 * SECOND) == 2


def test_one_track_is_one_of_two_overlapping_regions() -> None:
    near = (130.0, 100.0, 200.0, 500.0)
    labels = Labels((label(0, 1, 1, LEFT), label(0, 1, 2, near)))
    found = attribute(labels, frames(2, (5, LEFT, 0, 2), (6, near, 0, 2)))
    assert [found.person(t, 0, SECOND) for t in (5, 6)] == [1, 2]


def test_labels_that_do_not_say_who() -> None:
    both = [(5, LEFT, 0.0, 4.0), (6, RIGHT, 0.0, 4.0)]
    with pytest.raises(LabelError, match=r"Person 1 of the labels is no track \(there are 5, 6\)"):
        attribute(Labels((label(0, 1, 1), label(0, 1, 2))), frames(4, *both))
    for others in ((label(2, 3, 5), label(2, 3, 6)), (label(2, 3, None, RIGHT),)):
        with pytest.raises(LabelError, match="names neither person nor region, but other labels"):
            attribute(Labels((label(0, 1), *others)), frames(4, *both))


def test_problems_of_reading_are_handed_on_and_what_was_not_reached_is_none() -> None:
    labels = Labels((label(5, 6, 1, LEFT),), None, ("It was cut.",))
    assert attribute(labels, frames(2, (5, LEFT, 0, 2))).problems == ("It was cut.",)
    assert len(attribute(labels, frames(7, (5, RIGHT, 0, 7))).problems) == 2


def test_nobody_was_seen_and_nothing_was_labelled() -> None:
    found = attribute(Labels((label(0, 1, 4), label(0, 1, 5))), frames(2))
    assert [e.person_id for e in found.truth] == [4, 5]
    assert found.person(1, 0, 1) is None
    empty = attribute(Labels(), frames(2, (5, LEFT, 0, 2)))
    assert empty.truth == () and empty.person(5, 0, SECOND) is None
