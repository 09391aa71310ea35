"""Bags with several cameras, several namespaces, and topics that stayed silent."""

from __future__ import annotations

import json
from itertools import count

import numpy as np
import pytest

from bharnet_ros.types import Skeleton, SkeletonFrame
from training import cli
from training.data import open_store
from training.data.sheet import SHEET_FILE, read_sheet

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

from bharnet_ros.bags import open_bag
from bharnet_ros.bags.definitions import known_types
from bharnet_ros.bags.images import RAW
from bharnet_ros.bags.messages import SKELETONS
from bharnet_ros.bags.write import BagWriter

LAYOUT, COUNT, S = "coco_17", 17, 1_000_000_000
BEGUN = 1_000 * S


def person(left):
    keypoints = np.full((COUNT, 2), left, np.float32)
    box = np.array([left, 10, 50, 100], np.float32)
    return Skeleton(4, box, 1.0, keypoints, np.ones(COUNT, np.float32))


def record(path, people=(), cameras=(), frames=40):
    """10 frames a second. people: topic -> left edge of the box. cameras: topic -> value of the
    pixels, seconds before the skeletons."""
    with BagWriter(path) as writer:
        for topic, (value, before) in dict(cameras).items():
            for frame in range(frames):
                stamp = BEGUN + frame * S // 10 - round(before * S)
                writer.image(topic, stamp, np.full((8, 8, 3), value, np.uint8))
        for topic, left in dict(people).items():
            for frame in range(frames):
                found = SkeletonFrame(BEGUN + frame * S // 10, (480, 640), LAYOUT, (person(left),))
                writer.skeletons(topic, found)
    return path


@pytest.fixture
def convert(tmp_path, capsys):
    """Runs the command on tmp_path/bags; the store (None if it failed), what was said."""

    number = count()

    def run(*options):
        output = tmp_path / f"store_{next(number)}"
        arguments = ["--input", str(tmp_path / "bags"), "--output", str(output)]
        status = cli.main(["convert", "rosbag", *arguments, "--layout", LAYOUT, *options])
        skipped = json.dumps(read_sheet(output).skipped) if (output / SHEET_FILE).is_file() else ""
        return open_store(output) if status == 0 else None, capsys.readouterr().err + skipped

    return run


@pytest.fixture
def estimator(monkeypatch):
    """A pose backend that puts somebody where the pixels say."""

    class Estimator:
        layout = LAYOUT

        def estimate(self, image, stamp_ns):
            found = person(float(image[0, 0, 0]))
            return SkeletonFrame(stamp_ns, image.shape[:2], LAYOUT, (found,))

        def close(self):
            pass

    monkeypatch.setattr(
        "training.data.converters.bag_topics.create_pose_estimator", lambda name: Estimator()
    )


def lefts(store):
    return {float(store.sample(n).people[0].keypoints[0, 0, 0]) for n in range(len(store))}


TWO = {"/front/image_raw": (30, 1.0), "/back/image_raw": (60, 2.0)}


def test_one_of_two_cameras_is_chosen(tmp_path, convert, estimator):
    record(tmp_path / "bags" / "anna", cameras=TWO)
    store, said = convert("--backend", "invented")
    assert store is None and "choose one with --image-topic" in said
    store, _ = convert("--backend", "invented", "--image-topic", "/back/image_raw")
    assert lefts(store) == {60.0} and store.sheet.options["image_topic"] == "/back/image_raw"


@pytest.mark.parametrize(("camera", "start"), [("front", 2.0), ("back", 1.0)])
def test_labels_count_from_the_camera_they_were_made_by(tmp_path, convert, camera, start):
    bag = record(tmp_path / "bags" / "anna", {"/skeletons": 100}, TWO)
    (bag / "labels.csv").write_text("start,end,label\n3,3.5,hurry\n")
    store, said = convert()
    assert store is None and "--image-topic" in said
    store, _ = convert("--image-topic", f"/{camera}/image_raw")
    assert (store.sample(0).spans[0].start_ns - BEGUN) / S == start


def test_two_cameras_people_are_not_mixed(tmp_path, convert):
    record(tmp_path / "bags" / "anna", {"/left/skeletons": 100, "/right/skeletons": 300})
    store, said = convert()
    assert store is None and "could be /left/skeletons or /right/skeletons" in said
    store, _ = convert("--skeletons", "/right/skeletons")
    assert lefts(store) == {300.0}


def test_the_very_name_needs_no_choice(tmp_path, convert):
    record(tmp_path / "bags" / "anna", {"/skeletons": 100, "/right/skeletons": 300})
    assert lefts(convert()[0]) == {100.0}


def test_a_topic_that_stayed_silent_holds_no_skeletons(tmp_path, convert, estimator):
    from rosbags.rosbag2 import Writer

    types = known_types()
    with Writer(tmp_path / "bags" / "anna", version=9) as writer:
        writer.add_connection("/skeletons", SKELETONS, typestore=types)
        images = writer.add_connection("/image_raw", RAW, typestore=types)
        with open_bag(record(tmp_path / "images", cameras={"/image_raw": (30, 0.0)})) as made:
            for each in made.raw_messages():
                writer.write(images, each.log_ns, each.data)
    store, said = convert()
    assert store is None and "nobody on the topic skeletons" in said
    assert lefts(convert("--backend", "invented")[0]) == {30.0}
