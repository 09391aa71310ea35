"""Annotation pickles as pyskl writes them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from training.data import open_store
from training.data.converters import PysklConverter
from training.data.converting import convert


def annotation(name: str, label: int, people: int = 1, frames: int = 8, **changes):
    rng = np.random.default_rng(label)
    return {
        "frame_dir": name, "total_frames": frames, "label": label, "img_shape": (1080, 1920),
        "original_shape": (1080, 1920),
        "keypoint": rng.uniform(1, 1000, (people, frames, 17, 2)).astype(np.float16),
        "keypoint_score": rng.uniform(0.1, 1, (people, frames, 17)).astype(np.float16),
        **changes,
    }  # fmt: skip


def save(path, annotations, split=None):
    path.write_bytes(pickle.dumps({"split": split or {}, "annotations": annotations}, 4))
    return path


def test_2d_annotations_come_over_whole(tmp_path):
    second = annotation("b", 2, people=2)
    second["keypoint"][1, :3] = 0.0  # comes later
    path = save(
        tmp_path / "films.pkl", [annotation("a", 0), second], {"train": ["a"], "test": ["a", "b"]}
    )
    convert(PysklConverter(path), tmp_path / "store", report=str)
    store = open_store(tmp_path / "store")
    assert store.sheet.class_names == ("class_0", "class_1", "class_2")
    assert (store.sheet.dataset, store.sheet.layout) == ("films", "coco_17")
    assert store.tagged("train").tolist() == [True, False]
    assert store.tagged("test").tolist() == [True, True]
    sample = store.sample(1)
    assert sample.image_size == (1080, 1920) and sample.class_name == "class_2"
    np.testing.assert_array_equal(sample.people[0].keypoints, second["keypoint"][0])
    np.testing.assert_array_equal(sample.people[0].scores, second["keypoint_score"][0])
    assert sample.people[1].first_frame == 3 and len(sample.people[1].scores) == 5


def test_3d_annotations_of_ntu_know_their_names(tmp_path):
    rng = np.random.default_rng(0)
    keypoint = rng.uniform(-1, 1, (2, 8, 25, 3)).astype(np.float32)
    keypoint[1] = 0.0
    whole = {"frame_dir": "S001C002P003R002A013", "total_frames": 8, "label": 12}
    path = save(tmp_path / "ntu60_3d.pkl", [{**whole, "keypoint": keypoint}])
    convert(PysklConverter(path), tmp_path / "store", report=str)
    store = open_store(tmp_path / "store")
    sample = store.sample(0)
    assert (store.sheet.dataset, store.sheet.layout, store.sheet.unit) == ("ntu_rgbd", "ntu25", "m")
    assert sample.class_name == "tear_up_paper" and len(sample.people) == 1
    assert sample.fields["subject"] == "3" and sample.fields["setup"] == "1"
    np.testing.assert_array_equal(sample.people[0].keypoints, keypoint[0])


def test_bad_annotations_are_skipped(tmp_path):
    nothing = annotation("nobody", 1)
    nothing["keypoint"][:] = 0.0
    without = annotation("without", 1)
    del without["keypoint"]
    bad = [
        annotation("many", 1, keypoint=np.zeros((1, 8, 18, 2))),
        {**annotation("text", 1), "label": "wave"}, {**annotation("minus", 1), "label": -1},
        annotation("scores", 1, keypoint_score=np.ones((1, 5, 17))), without, nothing,
    ]  # fmt: skip
    path = save(tmp_path / "films.pkl", [annotation("good", 1), *bad])
    done = convert(PysklConverter(path), tmp_path / "store", report=str)
    assert (done.added, done.skipped) == (1, 6)
    assert {s: r for s, r, _ in done.sheet.skipped}["nobody"] == "empty"


def test_class_names_may_be_given(tmp_path):
    path = save(tmp_path / "films.pkl", [annotation("a", 1)])
    (tmp_path / "names.txt").write_text("wave\nclap\n")
    convert(PysklConverter(path, str(tmp_path / "names.txt")), tmp_path / "store", report=str)
    assert open_store(tmp_path / "store").values("class").tolist() == ["clap"]
    with pytest.raises(ConfigurationError, match="neither one of"):
        PysklConverter(path, "no_such_list").sheet()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "no pyskl annotation file"),
        ({"split": {}, "annotations": []}, "no pyskl annotation file"),
        ({"split": {}, "annotations": [{"label": 1}]}, "No annotation"),
        ({"annotations": [{"keypoint": np.zeros((1, 2, 9, 2))}]}, "9 keypoints of 2"),
    ],
)
def test_other_pickles_are_refused(content, message, tmp_path):
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ConfigurationError, match=message):
        PysklConverter(path).sheet()
