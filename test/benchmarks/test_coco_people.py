"""What counts of people on annotated photographs."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.coco_annotations import CocoPerson, read_annotations
from benchmarks.coco_people import hand_shares, judge, measure, show, similarities, summary
from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.types import Image, Skeleton, SkeletonFrame

AREA = 20_000.0


def seen(x: float = 320.0) -> Skeleton:
    return skeleton(-1, person_keypoints((x, 240.0), 100.0, (-0.5, -1.0)), np.ones(133, np.float32))


def annotated(person: Skeleton, points: int = 17, number: int = 1) -> CocoPerson:
    """The truth is what was seen; only the first `points` of the body are annotated."""
    body = np.column_stack((person.keypoints[:17], np.arange(17) < points)).astype(np.float64)
    hand = np.column_stack((person.keypoints[91:112], np.ones(21))).astype(np.float64)
    side = float(np.ptp(hand[:, :2], axis=0).max())
    x, y, width, height = (float(v) for v in person.bbox)
    return CocoPerson(number, (x, y, width, height), AREA, body, {"left": (hand, side)})


def frame(*people: Skeleton) -> SkeletonFrame:
    return SkeletonFrame(0, (480, 640), LAYOUT, people)


def moved(person: Skeleton, part: slice, dx: float) -> Skeleton:
    points = person.keypoints.copy()
    points[part, 0] += dx
    return Skeleton(-1, person.bbox, 1.0, points, person.scores)


def test_similarity_is_that_of_coco() -> None:
    person = seen()
    near = similarities(annotated(person, points=12), moved(person, slice(5, 6), 10.0))
    assert np.isnan(near[12:]).all()
    expected = np.exp(-(10.0**2) / (2.0 * AREA * (2.0 * 0.079) ** 2))  # a shoulder
    assert near[5] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(np.delete(near[:12], 5), 1.0)


def test_a_keypoint_that_is_not_given_is_wrong() -> None:
    person = seen()
    scores = person.scores.copy()
    scores[[0, 91]] = 0.0
    given = Skeleton(-1, person.bbox, 1.0, person.keypoints, scores)
    assert similarities(annotated(person), given)[0] == 0.0
    assert hand_shares(annotated(person), "left", given) == (20 / 21, 20 / 21, True)
    assert hand_shares(annotated(person), "left", None) == (0.0, 0.0, False)


def test_hands_count_within_shares_of_their_box() -> None:
    person = seen()
    truth = annotated(person)
    side = truth.hands["left"][1]
    assert hand_shares(truth, "left", moved(person, slice(91, 112), 0.15 * side)) == (0, 1, True)


def test_everybody_has_a_skeleton_of_their_own() -> None:
    left, right = seen(150.0), seen(450.0)
    rows, invented, pairs = judge(
        [annotated(left, number=1), annotated(right, number=2)], frame(right, left), "a"
    )
    assert pairs == {0: 1, 1: 0} and invented == 0
    assert [row.oks for row in rows] == pytest.approx([1.0, 1.0])
    rows, invented, _ = judge(
        [annotated(left, number=1), annotated(right, number=2)], frame(right), "a"
    )
    assert [(row.found, row.oks) for row in rows] == [(False, 0.0), (True, pytest.approx(1.0))]
    means = summary(rows, invented)
    assert means["oks"] == pytest.approx(0.5) and means["oks_found"] == pytest.approx(1.0)


def test_who_is_hardly_annotated_is_neither_missed_nor_invented() -> None:
    known, half, nobody = seen(120.0), seen(320.0), seen(540.0)
    people = [annotated(known, number=1), annotated(half, points=5, number=2)]
    assert judge(people, frame(known), "a")[1] == 0
    rows, invented, _ = judge(people, frame(known, half), "a")
    assert len(rows) == 1 and invented == 0
    assert judge(people, frame(known, nobody), "a")[1] == 1
    assert summary([], 0)["people"] == 0
    assert judge(people, frame(), "a")[0][0].found is False


class Counting:
    """Sees one person and remembers the stamps."""

    def __init__(self) -> None:
        self.stamps: list[int] = []
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        self.stamps.append(stamp_ns)
        return frame(seen())


def test_a_photograph_is_shown_for_a_while(tmp_path: Path) -> None:
    estimator = Counting()
    show(estimator, np.zeros((480, 640, 3), np.uint8), 0.2)  # type: ignore[arg-type]
    assert estimator.stamps == [0, 66_666_667, 133_333_333] and estimator.resets == 1
    write(tmp_path, seen())
    rows, invented = measure(tmp_path, estimator, 0.1, tmp_path / "pictures")  # type: ignore[arg-type]
    assert rows[0].oks == pytest.approx(1.0, abs=1e-3) and invented == 0
    assert (tmp_path / "pictures" / "a.png").is_file()


def write(folder: Path, person: Skeleton) -> None:
    truth = annotated(person)
    annotation = {
        "id": 1, "image_id": 7, "bbox": list(truth.box), "area": AREA,
        "keypoints": truth.body.ravel().tolist(),
        "lefthand_valid": True, "righthand_valid": False,
        "lefthand_box": [0, 0, 30.0, truth.hands["left"][1]], "righthand_box": [0] * 4,
        "lefthand_kpts": truth.hands["left"][0].ravel().tolist(), "righthand_kpts": [0] * 63,
    }  # fmt: skip
    document = {"images": [{"id": 7, "file_name": "a.jpg"}], "annotations": [annotation]}
    (folder / "whole_body.json").write_text(json.dumps(document))
    cv2.imwrite(str(folder / "a.jpg"), np.full((480, 640, 3), 90, np.uint8))


def test_annotations_are_found_or_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no annotations"):
        read_annotations(tmp_path)
    (tmp_path / "bodies.json").write_text('{"annotations": [{"keypoints": []}], "images": []}')
    write(tmp_path, seen())
    (person,) = read_annotations(tmp_path)["a.jpg"]
    assert person.clear and set(person.hands) == {"left"}
    (tmp_path / "a.jpg").write_bytes(b"no image")
    estimator: PoseEstimator = Counting()  # type: ignore[assignment]
    with pytest.raises(ConfigurationError, match=r"a\.jpg"):
        measure(tmp_path, estimator, 0.1, None)
    (tmp_path / "bodies.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"bodies\.json"):
        read_annotations(tmp_path)


def test_the_shared_photographs_have_twelve_clear_people(shared_data: Path) -> None:
    folder = shared_data / "coco_wholebody"
    if not folder.is_dir():
        pytest.skip("coco_wholebody is not in the shared test data")
    people = [person for each in read_annotations(folder).values() for person in each]
    assert len(people) == 14 and sum(person.clear for person in people) == 12
    assert sum(len(person.hands) for person in people) == 10
