"""Bags that are not as they should be: what is left out of a store is told, the rest is used."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.types import Skeleton, SkeletonFrame
from training.data import open_store
from training.data.converters import RosbagConverter
from training.data.converting import convert

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

from bharnet_ros.bags.write import BagWriter

LAYOUT, COUNT, S = "coco_17", 17, 1_000_000_000
BEGUN = 1_000 * S
WHOLE = [BEGUN + frame * S // 10 for frame in range(40)]


def record(path, stamps, ids=(4,), odd=None):
    """Somebody 300 px beside somebody else. odd: a frame with a keypoint that is no number."""
    with BagWriter(path) as writer:
        for number, stamp in enumerate(stamps):
            people = []
            for place, track in enumerate(ids):
                keypoints = np.full((COUNT, 2), 30.0 + 300 * place, np.float32)
                if number == odd:
                    keypoints[3, 0] = np.nan
                box = np.array([5 + 300 * place, 5, 60, 90], np.float32)
                people.append(Skeleton(track, box, 1.0, keypoints, np.ones(COUNT, np.float32)))
            frame = SkeletonFrame(stamp, (480, 640), LAYOUT, tuple(people))
            writer.skeletons("/skeletons", frame, log_ns=BEGUN + number * S // 10)
    return path


@pytest.fixture
def converted(tmp_path):
    """The stamps of each sample of a bag, and what was said of it."""

    def run(bag):
        said = []
        converter = RosbagConverter(bag, layout=LAYOUT, say=said.append)
        convert(converter, tmp_path / "store", report=str)
        store = open_store(tmp_path / "store")
        return [store.sample(n).stamps_ns.tolist() for n in range(len(store))], said

    return run


def test_of_a_whole_bag_nothing_is_said(tmp_path, converted):
    assert converted(record(tmp_path / "bag", WHOLE)) == ([WHOLE], [])


def test_stamps_that_jump_back_are_told(tmp_path, converted):
    samples, said = converted(record(tmp_path / "bag", [*WHOLE, *WHOLE[:20]]))
    assert samples == [WHOLE] and len(said) == 1
    assert said[0].startswith("bag: its stamps jump back") and "split the bag there" in said[0]


def test_what_has_no_stamp_makes_no_long_sample(tmp_path, converted):
    samples, said = converted(record(tmp_path / "bag", [0, *WHOLE]))
    assert samples == [WHOLE] and said == ["bag: what has the stamp 0 is left out"]


def test_one_damaged_skeleton_costs_only_itself(tmp_path, converted):
    samples, said = converted(record(tmp_path / "bag", WHOLE, odd=7))
    assert samples == [[*WHOLE[:7], *WHOLE[8:]]]
    assert len(said) == 1 and "not finite numbers" in said[0]


def test_what_a_damaged_bag_lost_is_told(tmp_path, converted):
    bag = record(tmp_path / "bag", [BEGUN + frame * S // 10 for frame in range(400)])
    file = next(bag.glob("*.mcap"))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (samples,), said = converted(bag)
    assert 100 < len(samples) < 300 and any("cut off at byte" in each for each in said)


def test_skeletons_without_ids_are_tracked(tmp_path, converted):
    samples, said = converted(record(tmp_path / "bag", WHOLE, ids=(-1, -1)))
    assert len(samples) == 2 and said == []
    assert all(len(stamps) > 30 for stamps in samples)
