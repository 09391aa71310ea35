"""People who overlap in the image: looking at one without the head of another.

The body network, shown two people in one square, soon makes one of both: the head and shoulders
of one on the legs of the other, and stays sure of it. With the other's head painted over it sees
the one that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.people import MAX_WANDER, mere_arm, same_place
from bharnet_ros.pose.mediapipe.regions import distance
from bharnet_ros.types import Image

FACE = np.arange(11)
BELOW_HEAD = np.array((13, 14, 15, 16, 23, 24, 25, 26, 27, 28))
"""Elbows, wrists, hips, knees, ankles."""
HEAD_RADIUS = 0.75
"""Of the circle that holds a head with its hair or hat, neck and shoulders, in torso lengths:
adults' is 0.35 m, and a torso 0.5 m, which looks shorter in those who bend."""
HEADS_APART = 0.5
"""Two heads are nearer than this, in torso lengths of the smaller person, only if they are one."""
NEAR = 1.5
"""Heads within so many torso lengths can be taken for one another."""
RING_PX = 5
SEEN_FACE = 0.5
"""Mean score of the face's points from which a head is there, not guessed."""

Look = Callable[[Image, Body], "Body | None"]
"""The body that two looks agree on, starting where a body says; None when they do not."""
Confirm = Callable[[Image, Body], bool]


@dataclass(frozen=True, eq=False)
class Head:
    """A circle in pixels. centre: (2,)."""

    centre: npt.NDArray[np.float64]
    radius: float

    @classmethod
    def of(cls, body: Body) -> Head:
        """The head of a body."""
        return cls(body.points[FACE].mean(axis=0), HEAD_RADIUS * body.torso_length)

    def gap(self, other: Head) -> float:
        """Pixels between the middles of two faces."""
        return distance(other.centre.tolist(), self.centre.tolist())


def in_the_way(body: Body, others: Sequence[Body]) -> list[Head]:
    """The heads of smaller people that could be taken for this body's.

    Of two people the larger is looked at without the other's head; the smaller fill their square.
    """
    mine, torso = Head.of(body), body.torso_length
    return [
        Head.of(other)
        for other in others
        if other.torso_length < torso
        and mine.gap(Head.of(other)) < NEAR * torso
        and _heads_apart(body, other)
    ]


def without(image: Image, heads: Sequence[Head]) -> Image:
    """The image with these heads painted over, each in the mean colour around it."""
    painted = image.copy() if heads else image
    for head in heads:
        x, y, radius = (round(float(v)) for v in (*head.centre, head.radius))
        outer = radius + RING_PX
        rows = slice(max(y - outer, 0), max(y + outer + 1, 0))
        columns = slice(max(x - outer, 0), max(x + outer + 1, 0))
        part = painted[rows, columns]
        if radius < 1 or part.size == 0:
            continue
        down = np.arange(part.shape[0])[:, None] + rows.start - y
        right = np.arange(part.shape[1])[None] + columns.start - x
        gaps = np.hypot(down, right)
        ring = (gaps > radius) & (gaps <= outer)
        if ring.any():
            part[gaps <= radius] = np.round(part[ring].mean(axis=0)).astype(np.uint8)
    return painted


def told_apart(
    image: Image, one: Body, other: Body, look: Look, confirm: Confirm
) -> tuple[Body, Body] | None:
    """Both bodies, looked at again, when they are two people who overlap; else None.

    One of them may be a mixture of both people, with the head of the smaller. The larger is
    looked at with the smaller's head painted over. Both must then have a head in plain view of
    their own, the rest of the larger must stay where it was, and the detector must see both. A
    part of a person taken for another person does not stand this: without the only head none is
    left. The hand of a raised arm does, and the detector believes in it, so it is refused at once.
    look, confirm: of the estimator.
    """
    small, large = sorted((one, other), key=lambda body: body.torso_length)
    if mere_arm(small, large) or not (_face_seen(small) and confirm(image, small)):
        return None
    hidden = without(image, [Head.of(small)])
    again = look(hidden, large)
    if again is None or not (_face_seen(again) and _heads_apart(small, again)):
        return None
    if same_place(small, again) or not _rest_stays(large, again) or not confirm(hidden, again):
        return None
    return (small, again) if small is one else (again, small)


def _heads_apart(a: Body, b: Body) -> bool:
    least = HEADS_APART * min(a.torso_length, b.torso_length)
    return Head.of(a).gap(Head.of(b)) > least


def _rest_stays(before: Body, after: Body) -> bool:
    gaps = np.hypot(*(before.points[BELOW_HEAD] - after.points[BELOW_HEAD]).T)
    return float(np.median(gaps)) < MAX_WANDER * after.torso_length


def _face_seen(body: Body) -> bool:
    return float(body.scores[FACE].mean()) >= SEEN_FACE
