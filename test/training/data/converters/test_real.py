"""Real files of three data sets come over as they are."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout
from training.data import open_store
from training.data.converters import CocoWholeBodyConverter, HolisticConverter, NwUclaConverter
from training.data.converting import convert

FEW = 40


def test_northwestern_ucla(shared_data, tmp_path):
    path = shared_data / "nw_ucla" / "all_sqe.zip"
    convert(NwUclaConverter(path), tmp_path / "store", limit=FEW, report=str)
    store = open_store(tmp_path / "store")
    store.verify()
    with zipfile.ZipFile(path) as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".json"))[:FEW]
        for number, name in enumerate(names):
            data, sample = json.loads(archive.read(name)), store.sample(number)
            np.testing.assert_array_equal(
                sample.people[0].keypoints, np.array(data["skeletons"], np.float32)
            )
            assert sample.source == data["file_name"]
            assert store.samples["label"][number] == data["label"] - 1
            assert sample.fields["camera"] == sample.source[-1]


def test_bad_json_is_skipped(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    good = {"file_name": "", "skeletons": np.ones((3, 20, 3)).tolist(), "label": 4}
    (folder / "a01_s01_e00_v01.json").write_text(json.dumps(good))
    (folder / "b.json").write_text(json.dumps(good))
    for number, text in enumerate(
        ("{", "[]", json.dumps({**good, "label": 11}), json.dumps({**good, "skeletons": [[1]]}))
    ):
        (folder / f"a01_s02_e0{number}_v01.json").write_text(text)
    done = convert(NwUclaConverter(folder), tmp_path / "store", report=str)
    assert (done.added, done.skipped) == (1, 5)


@pytest.mark.parametrize("layout", ["coco_body_hands_59", "mediapipe_holistic"])
def test_traduttore(shared_data, tmp_path, layout):
    path = shared_data / "traduttore_asl" / "mp_data_4693x20x258.npz"
    depth = layout == "mediapipe_holistic"
    converter = HolisticConverter(path, layout, depth)
    convert(converter, tmp_path / "store", limit=FEW, report=str)
    store = open_store(tmp_path / "store")
    with np.load(path) as data:
        values, meta = data["x"][:FEW], data["meta"]
    spec = get_layout(layout)
    right = values[:, :, 195:].reshape(FEW, 20, 21, 3)
    hand = store.scores.reshape(FEW, 20, -1)[..., spec.right_hand_indices]
    np.testing.assert_array_equal(hand[..., 0] > 0, right.any(axis=(2, 3)))
    points = store.keypoints.reshape(FEW, 20, -1, 3 if depth else 2)
    found = points[..., spec.right_hand_indices, :]
    expected = right * np.array([640, 480, 640], np.float32)
    np.testing.assert_allclose(found, expected[..., : found.shape[-1]], rtol=1e-5)
    shoulder = values[:, :, 11 * 4 : 11 * 4 + 4]
    index = spec.index("left_shoulder")
    np.testing.assert_allclose(
        points[..., index, :2], shoulder[..., :2] * np.array([640, 480], np.float32), rtol=1e-5
    )
    np.testing.assert_allclose(
        store.scores.reshape(FEW, 20, -1)[..., index], shoulder[..., 3], rtol=1e-6
    )
    assert len(store.sheet.class_names) == 33
    assert set(store.values("subject")) <= set(meta[:, 2])


def test_names_kept_as_bytes_are_read_as_text(tmp_path):
    meta = np.array([["größe", "1", "anna", "c1", "d"], ["wave", "1", "ben", "c1", "d"]])
    np.savez(tmp_path / "in.npz", x=np.ones((2, 3, 258)), meta=np.char.encode(meta, "utf-8"))
    convert(HolisticConverter(tmp_path / "in.npz"), tmp_path / "store", report=str)
    store = open_store(tmp_path / "store")
    assert store.sheet.class_names == ("größe", "wave")
    assert store.values("subject").tolist() == ["anna", "ben"]
    np.savez(tmp_path / "odd.npz", x=np.ones((1, 3, 258)), meta=np.full((1, 5), b"\xff"))
    with pytest.raises(ConfigurationError, match=r"no \.npz file with x and meta"):
        HolisticConverter(tmp_path / "odd.npz").sheet()


def test_other_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros((2, 3, 99)), meta=np.zeros((2, 5)))
    with pytest.raises(ConfigurationError, match="expected"):
        HolisticConverter(tmp_path / "other.npz").sheet()
    with pytest.raises(ConfigurationError, match=r"no \.npz file"):
        HolisticConverter(tmp_path / "none.npz").sheet()
    with pytest.raises(ConfigurationError, match="--depth only"):
        HolisticConverter(tmp_path / "none.npz", depth=True).sheet()


def test_coco_wholebody(shared_data, tmp_path):
    path = shared_data / "coco_wholebody" / "test_coco_wholebody.json"
    convert(CocoWholeBodyConverter(path), tmp_path / "store", report=str)
    store = open_store(tmp_path / "store")
    data = json.loads(path.read_text())
    assert len(store) == len(data["images"]) == 4
    by_name = {store.source(n): store.sample(n) for n in range(len(store))}
    annotated = sum(any(a["keypoints"][2::3]) for a in data["annotations"] if not a["iscrowd"])
    assert sum(len(sample.people) for sample in by_name.values()) >= annotated >= 10
    image = data["images"][0]
    sample = by_name[image["file_name"]]
    assert sample.image_size == (image["height"], image["width"])
    mine = [a for a in data["annotations"] if a["image_id"] == image["id"]]
    body = np.array(mine[0]["keypoints"], np.float32).reshape(17, 3)
    seen = body[:, 2] > 0
    np.testing.assert_array_equal(sample.people[0].keypoints[0, :17][seen], body[seen, :2])
    np.testing.assert_array_equal(sample.people[0].scores[0, :17] > 0, seen)
    hand = np.array(mine[0]["righthand_kpts"], np.float32).reshape(21, 3)
    np.testing.assert_array_equal(sample.people[0].scores[0, 112:] > 0, hand[:, 2] > 0)


def test_other_json_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"images": [{}], "annotations": []}')
    with pytest.raises(ConfigurationError, match="no COCO-WholeBody"):
        list(CocoWholeBodyConverter(tmp_path / "a.json").items())
