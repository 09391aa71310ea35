"""Taking people up from the boxes of a general person detector.

MediaPipe's detector was made for the one person before a phone; a network trained on everyday
pictures also sees people who are small, crowded or lying, and sees the whole image in one run. It
gives boxes; the body network wants the square around a circle whose centre is the hips.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from bharnet_ros.assignment import assign
from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.detector import BODY_REGION_SCALE
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.pose.topdown.boxes import clean_boxes, keypoint_box, overlaps
from bharnet_ros.pose.topdown.schedule import DetectorSchedule
from bharnet_ros.pose.topdown.types import PersonDetector
from bharnet_ros.types import AnyFloat, Image

SAME_BOX = 0.3
"""A box that overlaps the body of somebody known so much (intersection over union) is theirs."""
OWN_BOX = 0.5
"""Somebody new must fill so much of the box they were looked for in: else the body network went
to a neighbour, or sees a person in something that is none."""
MIN_PERSON_PX = 16.0
"""Boxes whose longer side is shorter are left alone: too small for a body."""
LYING = 1.2
"""A box this much wider than high may be somebody who lies."""
AT_EDGE = 0.01
"""A box ends at the image's edge when it comes so near, in shares of the image."""

Box = npt.NDArray[np.floating]
Settle = Callable[[Region], "Body | None"]


class BoxSearch:
    """The detector's boxes of one camera's images, and when it is asked.

    detector: may be shared with other cameras; it is the caller's to close. every_s: seconds of
    stamps between two runs while everybody is in sight; 0 = every image.
    """

    def __init__(self, detector: PersonDetector, every_s: float) -> None:
        self._detector = detector
        self._schedule = DetectorSchedule(every_s)
        self._image: Image | None = None
        self._boxes: Box = np.zeros((0, 4))

    def reset(self) -> None:
        """Treat the next image as the first."""
        self._schedule.reset()
        self.forget()

    def forget(self) -> None:
        """The next image may lie in the same memory."""
        self._image = None

    def due(self, image: Image, stamp_ns: int, sure: bool, lost: bool) -> Box | None:
        """(M, 4) boxes, surest first, when it is time to look for people; else None.

        sure: whether somebody is followed and everybody is confirmed; else five times a second.
        lost: whether somebody was lost just now: at once, then less and less often for 3 s.
        """
        if lost:
            self._schedule.lost(stamp_ns)
        if not self._schedule.due(stamp_ns, sure):
            return None
        self._schedule.ran(stamp_ns)
        return self.boxes(image)

    def boxes(self, image: Image) -> Box:
        """(M, 4) x0, y0, x1, y1 in pixels, surest first; asked twice, the network runs once."""
        if image is not self._image:
            ((found, scores),) = self._detector.detect([image])
            size = (image.shape[0], image.shape[1])
            usable, scores = clean_boxes(found, scores, size, MIN_PERSON_PX)
            self._boxes = usable[np.argsort(-scores, kind="stable")]
            self._image = image
        return self._boxes

    def shows(self, image: Image, body: Body) -> bool:
        """A second opinion: whether a box lies where the body is."""
        return bool((_shares([body], self.boxes(image), image) >= SAME_BOX).any())


def whose(boxes: Box, bodies: Sequence[Body], image: Image) -> list[tuple[int, int]]:
    """Which body has which box, one to one: pairs (index of the body, index of the box)."""
    return assign(_shares(bodies, boxes, image), SAME_BOX)


def body_of(box: Box, image: Image, settle: Settle) -> Body | None:
    """The body that fills a box, or None. settle: the body two looks agree on from a square on."""
    found = [body for start in starts(box, image.shape[0], image.shape[1])
             if (body := settle(start)) is not None]  # fmt: skip
    shares = _shares(found, box[None], image)[:, 0]
    own = [(float(body.scores.mean()), i) for i, body in enumerate(found) if shares[i] >= OWN_BOX]
    return found[max(own)[1]] if own else None


def starts(box: AnyFloat, height: int, width: int) -> list[Region]:
    """The squares in which to look for a box's person, upright unless said otherwise.

    Around the box; with the head to either side when it is much wider than high; and, when it
    ends at the image's lower edge, twice as large around that edge, where the hips of somebody
    are of whom only the upper half is in view.
    """
    x0, y0, x1, y1 = (float(v) for v in box)
    x, y = 0.5 * (x0 + x1), 0.5 * (y0 + y1)
    side = BODY_REGION_SCALE * max(x1 - x0, y1 - y0)
    found = [Region(x, y, side, 0.0)]
    if x1 - x0 > LYING * (y1 - y0):
        found += [Region(x, y, side, angle) for angle in (0.5 * math.pi, -0.5 * math.pi)]
    if y1 >= (1.0 - AT_EDGE) * height:
        found.append(Region(x, y1, 2.0 * BODY_REGION_SCALE * (y1 - y0), 0.0))
    return found


def _shares(bodies: Sequence[Body], boxes: Box, image: Image) -> npt.NDArray[np.float64]:
    """(R, C) overlap of what is seen of bodies with boxes, intersection over union."""
    size = (image.shape[0], image.shape[1])
    around = [keypoint_box(body.points, body.scores, size) for body in bodies]
    empty = np.zeros(4)
    own = np.array([empty if box is None else box for box in around]).reshape(-1, 4)
    return overlaps(own, np.asarray(boxes, np.float64).reshape(-1, 4))
