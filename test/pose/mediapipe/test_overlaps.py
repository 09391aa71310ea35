"""Telling apart people who overlap in the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import standing

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.overlaps import FACE, Head, in_the_way, told_apart, without
from bharnet_ros.pose.mediapipe.people import same_body, same_place
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
