"""Telling apart people who overlap in the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import standing

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.crowd import Crowd, CrowdOptions
from bharnet_ros.pose.mediapipe.models import Models
from bharnet_ros.pose.mediapipe.overlaps import FACE, Head, in_the_way, told_apart, without
from bharnet_ros.pose.mediapipe.people import mere_arm, same_body, same_place
from bharnet_ros.pose.mediapipe.person import Person
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.types import Image

IMAGE = np.full((480, 640, 3), 60, np.uint8)


def person(x: float, y: float, size: float = 1.0) -> Body:
    """Somebody whose face is at (x, y), with a torso of 100 * size pixels."""
    body = standing((390.0, 260.0), (250.0, 260.0))
    points = (body.points - (320.0, 100.0)) * size + (x, y)
    points[FACE] = (x, y)
    return replace(body, points=points)


def with_head(body: Body, x: float, y: float) -> Body:
    points = body.points.copy()
    points[FACE] = (x, y)
    return replace(body, points=points)


BEHIND = person(350.0, 85.0, 0.5)
FRONT = person(325.0, 100.0)
MIXTURE = with_head(FRONT, 350.0, 85.0)


def scene() -> Image:
    """Something at the head of the one behind, so that painting it over shows."""
    image = IMAGE.copy()
    image[85, 350] = 200
    return image


class Eyes:
    """Sees the one in front as they are once the other's head is painted over."""

    def __init__(self, behind_is_real: bool = True) -> None:
        self.behind_is_real = behind_is_real

    def look(self, image: Image, start: Body) -> Body | None:
        return MIXTURE if image[85, 350, 0] == 200 else FRONT

    def confirm(self, image: Image, body: Body) -> bool:
        return body is not BEHIND or self.behind_is_real


@pytest.mark.parametrize("swapped", [False, True])
def test_a_mixture_of_two_people_becomes_two(swapped: bool) -> None:
    eyes = Eyes()
    assert same_body(BEHIND, MIXTURE) and not same_place(BEHIND, MIXTURE)
    pair = (MIXTURE, BEHIND) if swapped else (BEHIND, MIXTURE)
    expected = (FRONT, BEHIND) if swapped else (BEHIND, FRONT)
    assert told_apart(scene(), *pair, eyes.look, eyes.confirm) == expected


def test_a_part_of_somebody_is_nobody_else() -> None:
    eyes = Eyes()
    # The detector does not see them.
    assert told_apart(scene(), BEHIND, MIXTURE, eyes.look, Eyes(False).confirm) is None
    # Without that head there is none.
    assert told_apart(scene(), BEHIND, MIXTURE, lambda i, b: None, eyes.confirm) is None
    assert told_apart(scene(), BEHIND, MIXTURE, lambda i, b: MIXTURE, eyes.confirm) is None
    # The head that is left was guessed.
    guessed = replace(FRONT, scores=np.where(np.arange(33) < 11, 0.2, 1.0))
    assert told_apart(scene(), BEHIND, MIXTURE, lambda i, b: guessed, eyes.confirm) is None
    # With the head the rest went elsewhere.
    other = replace(FRONT, points=FRONT.points + np.array([90.0, 0.0]))
    assert told_apart(scene(), BEHIND, MIXTURE, lambda i, b: other, eyes.confirm) is None
    # Both are one and the same.
    assert told_apart(scene(), BEHIND, MIXTURE, lambda i, b: BEHIND, eyes.confirm) is None


def test_only_heads_of_smaller_people_nearby_are_in_the_way() -> None:
    assert [head.gap(Head.of(BEHIND)) for head in in_the_way(FRONT, [BEHIND])] == [0.0]
    assert in_the_way(BEHIND, [FRONT]) == []
    assert in_the_way(FRONT, [person(600.0, 60.0, 0.5)]) == []
    assert in_the_way(FRONT, [person(330.0, 100.0, 0.5)]) == []


@given(
    x=st.floats(-900, 1500), y=st.floats(-900, 1500), radius=st.floats(0, 900),
    value=st.integers(0, 255),
)  # fmt: skip
def test_painting_stays_within_the_circle(x: float, y: float, radius: float, value: int) -> None:
    image = np.full((48, 64, 3), value, np.uint8)
    image[10:20, 20:30] = 255 - value
    before = image.copy()
    painted = without(image, [Head(np.array([x, y]), radius)])
    np.testing.assert_array_equal(image, before)
    rows, columns = np.mgrid[:48, :64]
    outside = np.hypot(rows - y, columns - x) > radius + 2.0
    np.testing.assert_array_equal(painted[outside], image[outside])


def test_a_head_is_painted_in_the_colour_around_it() -> None:
    image = IMAGE.copy()
    image[50:70, 335:355] = 255
    painted = without(image, [Head(np.array([345.0, 60.0]), 20.0)])
    np.testing.assert_array_equal(painted, IMAGE)
    assert without(image, []) is image


def with_wrist(body: Body, elbow: tuple[float, float], wrist: tuple[float, float]) -> Body:
    """The same with the right arm bent, fingers away from the elbow."""
    points = body.points.copy()
    points[14], points[16] = elbow, wrist
    points[[18, 20]] = points[16] + 0.3 * (points[16] - points[14])
    return replace(body, points=points)


def on_limb(head: tuple[float, float], hips: tuple[float, float], breadth: float) -> Body:
    """Somebody with the head at one place and the hips at another, `breadth` pixels broad."""
    top, bottom = np.array(head), np.array(hips)
    along = (bottom - top) / float(np.hypot(*(bottom - top)))
    aside = 0.5 * breadth * np.array([-along[1], along[0]])
    points = np.tile(top, (33, 1))
    for side, sign in ((0, 1.0), (1, -1.0)):
        for joint, share in ((11, 0.3), (13, 0.5), (15, 0.6), (23, 1.0), (25, 1.2), (27, 1.4)):
            points[joint + side] = top + share * (bottom - top) + sign * aside
    return replace(FRONT, points=points)


WAGGING = with_wrist(person(320.0, 100.0, 2.0), (180.0, 310.0), (215.0, 210.0))
ITS_HAND = on_limb((225.0, 170.0), (180.0, 305.0), 30.0)


class Believer:
    """A network and a detector that take a hand for a person of its own, as the real ones do."""

    def look(self, image: Image, start: Body) -> Body | None:
        return start

    def confirm(self, image: Image, body: Body) -> bool:
        return True


@pytest.mark.parametrize("swapped", [False, True])
def test_a_raised_hand_is_nobody_else(swapped: bool) -> None:
    eyes = Believer()
    assert same_body(ITS_HAND, WAGGING) and not same_place(ITS_HAND, WAGGING)
    pair = (WAGGING, ITS_HAND) if swapped else (ITS_HAND, WAGGING)
    assert told_apart(IMAGE, *pair, eyes.look, eyes.confirm) is None


def test_only_a_body_within_an_arm_is_one() -> None:
    assert mere_arm(ITS_HAND, WAGGING)
    assert not mere_arm(WAGGING, ITS_HAND)
    assert not mere_arm(WAGGING, WAGGING)
    # Somebody behind the arm, head above the hand, is broader than it.
    assert not mere_arm(on_limb((225.0, 120.0), (180.0, 305.0), 130.0), WAGGING)
    # Somebody small beside it.
    assert not mere_arm(on_limb((90.0, 170.0), (90.0, 305.0), 30.0), WAGGING)
    # Somebody where the pose only guesses an arm.
    guessed = replace(WAGGING, scores=np.where(np.arange(33) == 16, 0.2, 1.0))
    assert not mere_arm(ITS_HAND, guessed)
    # Of whom too little is seen.
    assert not mere_arm(replace(ITS_HAND, scores=np.zeros(33)), WAGGING)


@given(x=st.floats(-300, 300), y=st.floats(-300, 300), size=st.floats(0.2, 5.0))
def test_an_arm_is_one_wherever_and_however_large(x: float, y: float, size: float) -> None:
    def moved(body: Body) -> Body:
        return replace(body, points=body.points * size + (x, y))

    assert mere_arm(moved(ITS_HAND), moved(WAGGING))
    assert not mere_arm(moved(BEHIND), moved(FRONT))


class Seen:
    """The networks of an image with these bodies; nobody else is found in it."""

    def __init__(self, *bodies: Body) -> None:
        self.bodies = {body.next_region: body for body in bodies}

    def look(self, image: Image, region: Region) -> Body:
        return self.bodies[region]

    def detect(self, image: Image, regions: object) -> list[object]:
        return []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("small", "large", "left"), [(BEHIND, FRONT, 2), (ITS_HAND, WAGGING, 1)], ids=["two", "hand"]
)
def test_somebody_told_apart_who_becomes_an_arm_is_followed_no_more(
    small: Body, large: Body, left: int, order: tuple[int, int]
) -> None:
    small = replace(small, next_region=Region(1.0, 1.0, 50.0, 0.0))
    networks = Seen(small, large)
    models = Models(networks, networks, None, None)  # type: ignore[arg-type]
    crowd = Crowd(models, CrowdOptions(4, 0.5, False, None, 1.0), is_hand=lambda body: False)
    pair = [Person(body, False, 0) for body in (small, large)]
    for somebody in pair:
        somebody.overlapping = somebody.confirmed = True
    crowd.people = [pair[i] for i in order]
    assert crowd.follow(IMAGE, 50_000_000) is (left < 2)
    assert len(crowd.people) == left and pair[1] in crowd.people
