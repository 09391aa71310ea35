"""Which hands of an image belong to whom; networks are replaced by scripted ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scripted import IMAGE, ScriptedHands, ScriptedPalms, hand, standing

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.hand_search import HandSearch
from bharnet_ros.pose.mediapipe.hands import Hand
from bharnet_ros.pose.mediapipe.lone_hands import LoneHands
from bharnet_ros.pose.mediapipe.person import Person
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.pose.mediapipe.skeletons import lone_skeleton, person_skeleton

WHOLE = Region(320.0, 240.0, 640.0, 0.0)
STEP_NS = 66_666_667
LEFT_AT, RIGHT_AT = (420.0, 240.0), (220.0, 240.0)


class Camera:
    """Feeds one image after another to a search."""

    def __init__(self, *hands: Hand, alone: bool = True) -> None:
        self.networks, self.palms = ScriptedHands(*hands), ScriptedPalms(*hands)
        self.search = HandSearch(self.networks, self.palms, alone, smoothing=False)
        self.stamp_ns = 0

    def show(self, *hands: Hand) -> None:
        self.networks.hands = self.palms.hands = hands

    def next(
        self, people: Sequence[Person] = (), scanned: Sequence[Region] = (), room: int = 4
    ) -> list[LoneHands]:
        self.stamp_ns += STEP_NS
        self.search.update(IMAGE, self.stamp_ns, people, scanned, room)
        return self.search.alone


def somebody(body: Body) -> Person:
    return Person(body, smoothing=False, checked_ns=0)


def test_a_hand_without_a_body_is_found_followed_and_lost() -> None:
    camera = Camera(hand(300, 300))
    (lone,) = camera.next()
    skeleton = lone_skeleton(lone, (480, 640), 0)
    np.testing.assert_allclose(skeleton.keypoints[112], (300, 300))
    assert (skeleton.scores[112:133] > 0.9).all() and (skeleton.scores[91:112] == 0).all()
    assert np.flatnonzero(skeleton.scores[:91]).tolist() == [10]  # the right wrist
    x, y, width, height = skeleton.bbox
    assert x < 290 and x + width > 310 and y + height > 300 and width < 40
    assert skeleton.bbox_score == pytest.approx(0.95)
    camera.show(hand(306, 300))
    (same,) = camera.next()
    assert same is lone and lone.seen()[0].points[0, 0] == 306
    camera.show()
    assert camera.next() == []


def test_a_lone_hand_moves_to_the_body_that_is_found_later() -> None:
    camera = Camera(hand(*RIGHT_AT))
    assert len(camera.next()) == 1
    person = somebody(standing(LEFT_AT, RIGHT_AT))
    assert camera.next([person]) == []
    left, right = person.hands.hands
    assert left is None and right is not None


def test_a_palm_away_from_the_poses_wrist_goes_to_the_arm() -> None:
    # The pose has the right wrist 70 pixels (0.7 torso lengths) away from the hand.
    person = somebody(standing(LEFT_AT, (220.0, 310.0)))
    camera = Camera(hand(*RIGHT_AT), hand(*LEFT_AT, right=0.02))
    assert camera.next([person]) == []
    assert [h is not None for h in person.hands.hands] == [True, True]
    assert [person.hands.free(i) for i in (0, 1)] == [False, True]
    skeleton = person_skeleton(person, (480, 640), 0)
    np.testing.assert_allclose(skeleton.keypoints[10], RIGHT_AT)
    # Followed without the palm detector from now on, until the pose's wrist has come back.
    asked = len(camera.palms.asked)
    camera.next([person])
    assert person.hands.free(1) and len(camera.palms.asked) == asked
    person.body = standing(LEFT_AT, RIGHT_AT)
    camera.next([person])
    assert not person.hands.free(1) and person.hands.hands[1] is not None


def test_the_thumb_decides_between_two_arms_and_may_refuse_one() -> None:
    body = standing((330.0, 330.0), (310.0, 330.0))
    for right, side in ((0.98, 1), (0.02, 0)):
        person = somebody(body)
        camera = Camera(hand(320, 260, right))
        camera.next([person])
        assert person.hands.hands[side] is not None and person.hands.hands[1 - side] is None


def test_a_hand_out_of_reach_or_too_large_is_somebody_elses() -> None:
    for other in (hand(600, 450), hand(420, 330, palm=90.0)):
        person = somebody(standing((340.0, 330.0), (300.0, 330.0)))
        camera = Camera(other)
        (lone,) = camera.next([person], scanned=[WHOLE])
        assert lone.seen() == [other]
        assert person.hands.hands == [None, None]


def test_the_nearer_of_two_people_gets_the_hand() -> None:
    near, far = standing((350.0, 330.0), (220.0, 300.0)), standing((350.0, 330.0), (260.0, 330.0))
    people = [somebody(far), somebody(near)]
    camera = Camera(hand(*RIGHT_AT))
    for _ in range(3):
        camera.next(people, scanned=[WHOLE])
    assert people[1].hands.hands[1] is not None and people[0].hands.hands[1] is None


@pytest.mark.parametrize("presence", [0.6, float("nan")])
def test_a_palm_that_the_landmarks_doubt_is_no_hand(presence: float) -> None:
    camera = Camera(hand(300, 300, presence=presence))
    assert camera.next() == []


def test_a_hand_is_not_found_twice() -> None:
    # The palm detector sees a smaller palm within the hand of the person.
    person = somebody(standing(LEFT_AT, RIGHT_AT))
    camera = Camera(hand(*RIGHT_AT), hand(*LEFT_AT, right=0.02))
    camera.next([person])
    camera.palms.hands = (hand(RIGHT_AT[0], RIGHT_AT[1] - 8.0, palm=9.0),)
    for _ in range(40):
        assert camera.next([person], scanned=[WHOLE]) == []


def test_nothing_is_searched_while_both_hands_are_fine() -> None:
    person = somebody(standing(LEFT_AT, RIGHT_AT))
    camera = Camera(hand(*RIGHT_AT), hand(*LEFT_AT, right=0.02))
    for _ in range(30):
        camera.next([person])
    assert camera.palms.asked == []


def test_a_search_in_vain_backs_off() -> None:
    person = somebody(standing((420.0, 330.0), (220.0, 330.0)))
    camera = Camera()
    for _ in range(150):  # ten seconds
        camera.next([person])
    assert 5 <= len(camera.palms.asked) <= 10
    last = len(camera.palms.asked)
    person.body = standing((420.0, 330.0), (220.0, 180.0))  # an arm is raised
    camera.next([person])
    assert len(camera.palms.asked) == last + 1


def test_an_empty_view_is_searched_ten_times_a_second_at_most() -> None:
    camera = Camera()
    for _ in range(30):  # two seconds
        camera.next()
    assert 10 <= len(camera.palms.asked) <= 20
    sizes = {region.size for regions in camera.palms.asked for region in regions}
    assert sizes == {640.0, 960.0}


def test_hands_alone_can_be_switched_off_and_are_limited() -> None:
    hands = [hand(100, 200), hand(300, 200), hand(500, 200)]
    assert Camera(*hands, alone=False).next() == []
    assert len(Camera(*hands).next(room=2)) == 2
    assert Camera(*hands).next(room=0) == []


def test_two_hands_of_one_person_are_one_skeleton_and_of_two_are_two() -> None:
    (both,) = Camera(hand(200, 200), hand(300, 200, right=0.02)).next()
    assert len(both.seen()) == 2
    assert len(Camera(hand(200, 200), hand(300, 200)).next()) == 2


@pytest.mark.parametrize("shift", [0.0, 4.0])
def test_a_body_that_is_a_hand_is_exposed_and_the_hand_stays(shift: float) -> None:
    points = 300.0 + 0.1 * (standing(LEFT_AT, RIGHT_AT).points - 200.0)
    scores = np.full(33, 0.05)
    phantom = somebody(Body(points, scores, 1.0, Region(312.0, 305.0, 60.0, 0.0)))
    camera = Camera(hand(313.0 + shift, 315.0, palm=14.0))
    camera.next([phantom], scanned=[WHOLE])
    assert camera.search.expose([phantom]) == [phantom]
    assert camera.search.is_hand(phantom.body)
    assert len(camera.search.alone) == 1
    assert camera.next() != []


def test_a_person_behind_a_raised_hand_is_no_hand() -> None:
    person = somebody(standing(LEFT_AT, RIGHT_AT))
    camera = Camera(hand(320, 260, palm=58.0))
    camera.next([person], scanned=[WHOLE])
    assert camera.search.expose([person]) == []


def test_reset_forgets() -> None:
    camera = Camera(hand(300, 300))
    camera.next()
    camera.search.reset()
    camera.show()
    assert camera.next() == []
