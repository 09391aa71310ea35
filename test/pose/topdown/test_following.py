from __future__ import annotations

import numpy as np
from world import SIZE, STEP_NS, outline, person

from bharnet_ros.pose.topdown.following import Follower, Target
from bharnet_ros.pose.topdown.options import TopDownOptions

LAYOUT = "coco_wholebody_133"


class Room:
    """A follower that is told what there is."""

    def __init__(self, max_people: int) -> None:
        self.follower = Follower(TopDownOptions(max_people=max_people), LAYOUT)
        self.stamp_ns = 0

    def detect(self, *people: np.ndarray) -> list[Target]:
        """The targets after a run of the detector."""
        boxes = np.array([outline(points) for points in people]).reshape(-1, 4)
        scores = np.linspace(0.9, 0.8, len(people))
        known = self.follower.expected(self.stamp_ns, SIZE)
        return self.follower.detected(known, boxes, scores, self.stamp_ns, SIZE)

    def look(self, targets: list[Target], *people: tuple[np.ndarray, float]) -> bool:
        """Every target shows the nearest of the people, given with the score of their keypoints;
        returns whether somebody was lost."""
        seen = []
        for target in targets:
            middle = 0.5 * (target.box[:2] + target.box[2:])
            seen.append(min(people, key=lambda p: float(np.hypot(*(p[0].mean(axis=0) - middle)))))
        points = np.stack([found for found, _ in seen]).astype(np.float32)
        scores = np.stack([np.full(133, score) for _, score in seen]).astype(np.float32)
        lost = self.follower.update(targets, points, scores, self.stamp_ns, SIZE)
        self.stamp_ns += STEP_NS
        return lost

    def places(self) -> list[int]:
        return sorted(round(float(p.seen.keypoints[:17, 0].mean())) for p in self.follower.people)


LEFT, MIDDLE, RIGHT = person(120), person(320), person(520)


def test_of_more_people_than_allowed_the_surest_are_taken() -> None:
    room = Room(2)
    targets = room.detect(LEFT, MIDDLE)
    room.look(targets, (LEFT, 0.5), (MIDDLE, 0.9))
    targets = room.detect(LEFT, MIDDLE, RIGHT)
    assert len(targets) == 3, "one more is looked at: they may be surer"
    assert room.look(targets, (LEFT, 0.5), (MIDDLE, 0.9), (RIGHT, 0.95)) is False
    assert room.places() == [320, 520]


def test_who_is_followed_does_not_give_way_for_a_trifle() -> None:
    room = Room(2)
    room.look(room.detect(LEFT, MIDDLE), (LEFT, 0.80), (MIDDLE, 0.80))
    for _ in range(5):
        room.look(room.detect(LEFT, MIDDLE, RIGHT), (LEFT, 0.8), (MIDDLE, 0.8), (RIGHT, 0.85))
        assert room.places() == [120, 320]


def test_a_detection_widens_the_box_of_whom_it_shows_and_the_order_does_not_matter() -> None:
    room = Room(4)
    room.look(room.detect(LEFT, RIGHT), (LEFT, 0.9), (RIGHT, 0.9))
    narrow = [target.box for target in room.follower.expected(room.stamp_ns, SIZE)]
    wide = room.detect(RIGHT, LEFT)
    assert [t.person for t in wide] == room.follower.people
    for target, box in zip(wide, narrow, strict=True):
        assert (target.box[:2] <= box[:2]).all() and (target.box[2:] >= box[2:]).all()


def test_a_newcomer_on_somebody_followed_is_nobody_new() -> None:
    room = Room(4)
    room.look(room.detect(LEFT), (LEFT, 0.9))
    somebody = room.follower.people[0]
    targets = [*room.follower.expected(room.stamp_ns, SIZE), Target(outline(LEFT).astype(float))]
    assert room.look(targets, (LEFT, 0.95)) is False
    assert room.follower.people == [somebody]


def test_both_boxes_on_the_one_in_front_lose_the_one_behind() -> None:
    room = Room(4)
    left, right = person(280), person(360)
    room.look(room.detect(left, right), (left, 0.9), (right, 0.9))
    first = room.follower.people[0]
    targets = room.follower.expected(room.stamp_ns, SIZE)
    assert room.look(targets, (person(285), 0.9)) is True
    assert room.follower.people == [first], "the one who was expected there stays"


def test_a_whole_person_squeezed_into_half_a_box_is_known_by_the_face() -> None:
    room = Room(4)
    squeezed = LEFT.copy()
    squeezed[5:23, 1] = 0.5 * (LEFT[5:23, 1] + LEFT[0, 1])
    squeezed[91:, 1] = 0.5 * (LEFT[91:, 1] + LEFT[0, 1])
    room.look(room.detect(LEFT), (LEFT, 0.9))
    somebody = room.follower.people[0]
    targets = [*room.follower.expected(room.stamp_ns, SIZE), Target(outline(LEFT).astype(float))]
    points = np.stack((LEFT, squeezed)).astype(np.float32)
    scores = np.full((2, 133), 0.9, np.float32)
    room.follower.update(targets, points, scores, room.stamp_ns, SIZE)
    assert room.follower.people == [somebody]
    assert np.allclose(somebody.seen.keypoints, LEFT, atol=1e-3)
    room.follower.reset()
    room.follower.update([Target(t.box) for t in targets], points[::-1], scores, 0, SIZE)
    assert np.allclose(room.follower.people[0].seen.keypoints, LEFT, atol=1e-3), "the larger one"


def test_people_side_by_side_are_two() -> None:
    room = Room(4)
    left, right = person(300), person(340)
    room.look(room.detect(left, right), (left, 0.9), (right, 0.9))
    assert room.places() == [300, 340]


def test_nobody_and_nothing() -> None:
    room = Room(4)
    assert room.follower.expected(0, SIZE) == [] and room.detect() == []
    empty = np.zeros((0, 133, 2), np.float32), np.zeros((0, 133), np.float32)
    assert room.follower.update([], *empty, 0, SIZE) is False
