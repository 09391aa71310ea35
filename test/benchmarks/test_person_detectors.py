from __future__ import annotations

import numpy as np
import pytest

from benchmarks.coco_annotations import CocoPerson
from benchmarks.person_detectors import judge


def person(box: tuple[float, float, float, float], points: int = 17) -> CocoPerson:
    body = np.zeros((17, 3))
    body[:points, 2] = 2
    return CocoPerson(0, box, box[2] * box[3], body, {})


def test_people_and_boxes_are_paired_one_to_one() -> None:
    people = [person((0, 0, 10, 20)), person((30, 0, 10, 20), points=5)]
    boxes = np.array([[0, 0, 10, 18], [1, 0, 11, 20], [100, 100, 120, 120]], np.float32)
    found, made_up = judge(people, boxes)
    assert found == [(True, pytest.approx(0.9)), (False, 0.0)]
    assert made_up == 1, "the second box is nobody new: it lies on somebody"


def test_nobody_found_and_nobody_there() -> None:
    assert judge([person((0, 0, 10, 20))], np.zeros((0, 4), np.float32)) == ([(True, 0.0)], 0)
    assert judge([], np.array([[0, 0, 5, 5]], np.float32)) == ([], 1)
