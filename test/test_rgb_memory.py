"""What is counted of images and skeletons that should meet."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.synthetic import LAYOUT, frame, person_keypoints, skeleton
from bharnet_ros.rgb_memory import RgbMemory
from bharnet_ros.roi import RoiConfig
from bharnet_ros.types import SkeletonFrame

SECOND = 1_000_000_000
IMAGE = np.zeros((720, 1280, 3), np.uint8)
PERSON = skeleton(1, person_keypoints())


def at(number: int) -> SkeletonFrame:
    """The frame with that number, at 15 Hz."""
    return frame((number + 1) * SECOND // 15, PERSON)


def memory() -> RgbMemory:
    return RgbMemory(LAYOUT, [(RoiConfig(), 1.6)], 64, 0.5)


@pytest.mark.parametrize("queued", [0, 3])
def test_nothing_is_late_or_missing_in_a_recording_that_loops(queued: int) -> None:
    """queued: so many frames later than its image a skeleton is taken in."""
    pixels = memory()
    numbers = [*range(45)] * 3
    for index, number in enumerate(numbers):
        assert pixels.see(IMAGE, at(number), at(number).stamp_ns)
        if index >= queued:
            pixels.push(at(numbers[index - queued]))
    assert pixels.drops == {}


def test_in_the_second_round_images_are_late_and_missing_as_in_the_first() -> None:
    pixels = memory()
    for _ in range(2):
        for number in range(30):
            if number != 10:
                pixels.push(at(number))
            if number not in (10, 20):
                pixels.see(IMAGE, at(number), at(number).stamp_ns)
    # Every image came after its skeletons, but those of 20, which never came.
    assert pixels.drops == {"missing": 58, "late": 56}
    pixels = memory()
    for rounds in range(2):
        for number in range(30):
            if number != 20 + rounds:
                pixels.see(IMAGE, at(number), at(number).stamp_ns)
            pixels.push(at(number))
    assert pixels.drops == {"missing": 2}
