"""A second opinion on people: does the detector, too, see a person where a body was found?

The body network, put on a foot or a swimming pool's edge, soon sees a body there and stays sure
of it (presence above 0.9). The detector, shown the same place, does not.
"""

from __future__ import annotations

import numpy as np

from bharnet_ros.pose.mediapipe.body import Body
from bharnet_ros.pose.mediapipe.detector import PersonDetector
from bharnet_ros.pose.mediapipe.people import known
from bharnet_ros.pose.mediapipe.regions import Region
from bharnet_ros.types import Image


def confirms(detector: PersonDetector, image: Image, body: Body) -> bool:
    """Whether the detector finds the body's person. image: (H, W, 3) uint8 BGR."""
    for region in views(body, image.shape[0], image.shape[1]):
        if any(known(detection, body) for detection in detector.detect(image, [region])):
            return True
    return False


def views(body: Body, height: int, width: int) -> list[Region]:
    """The squares to ask the detector about, upright: the whole body, then its visible part.

    The second one serves people close to the camera, of whom the image shows little; it is
    left out when it would be nearly the first again.
    """
    whole = body.next_region
    found = [Region(whole.x, whole.y, whole.size, 0.0)]
    visible = visible_square(whole, height, width)
    if visible.usable() and visible.size < 0.8 * whole.size:
        found.append(visible)
    return [region for region in found if region.usable()]


def visible_square(whole: Region, height: int, width: int) -> Region:
    """The upright square around the part of a body's square that the image shows.

    Its size is not positive when the image shows nothing of it.
    """
    half = 0.5 * whole.size
    low = np.maximum((whole.x - half, whole.y - half), 0.0)
    high = np.minimum((whole.x + half, whole.y + half), (width, height))
    centre = 0.5 * (low + high)
    return Region(float(centre[0]), float(centre[1]), float((high - low).max()), 0.0)
