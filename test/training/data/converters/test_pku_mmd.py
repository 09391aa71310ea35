"""PKU-MMD's text files, written by the test: untrimmed recordings become spans."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from training.data import load_protocol, open_store, split_clips
from training.data.clips import all_clips
from training.data.converters import PkuMmdConverter
from training.data.converting import convert


def write(folder, name, frames=60, second_from=None, labels="1,5,20,2\n51,30,58,1\n"):
    values = np.random.default_rng(len(name)).uniform(0.1, 2.0, (frames, 150))
    values[:, 75:] = 0.0
    if second_from is not None:
        values[second_from:, 75:] = 1.5
    (folder / "skeletons").mkdir(exist_ok=True)
    (folder / "labels").mkdir(exist_ok=True)
    np.savetxt(folder / "skeletons" / f"{name}.txt", values, fmt="%.6f")
    if labels is not None:
        (folder / "labels" / f"{name}.txt").write_text(labels)
    return values


@pytest.fixture
def make(tmp_path):
    def make():
        converter = PkuMmdConverter(tmp_path / "skeletons", tmp_path / "labels")
        done = convert(converter, tmp_path / "store", report=str)
        return open_store(tmp_path / "store"), done

    return make


def test_recordings_keep_their_spans_and_people(tmp_path, make):
    values = write(tmp_path, "0002-L", second_from=40)
    store, _ = make()
    sample = store.sample(0)
    assert sample.class_name == "" and sample.fields == {"group": "0002", "camera": "L"}
    assert [(s.class_name, s.confidence) for s in sample.spans] == [("bow", 2.0), ("write", 1.0)]
    assert sample.spans[0].start_ns == round(5e9 / 30)
    assert len(sample.people) == 2 and sample.people[1].first_frame == 40
    np.testing.assert_allclose(
        sample.people[0].keypoints, values[:, :75].reshape(-1, 25, 3), rtol=1e-5, atol=1e-6
    )
    clips = all_clips(store)
    assert (clips.first.tolist(), clips.stop.tolist()) == ([5, 30], [21, 59])
    assert clips.label.tolist() == [0, 50]


def test_protocols_divide_by_camera_and_by_recording(tmp_path, make):
    for recording in ("0002", "0260", "0291"):
        for camera in "LMR":
            write(tmp_path, f"{recording}-{camera}")
    store, _ = make()
    split = split_clips(store, load_protocol("pku_mmd_xview"))
    cameras = store.values("camera")[split.clips.sample]
    assert set(cameras[split.test]) == {"L"}
    assert set(cameras[split.train_and_validation]) == {"M", "R"}
    split = split_clips(store, load_protocol("pku_mmd_xsub"))
    groups = store.values("group")[split.clips.sample]
    assert [set(groups[p]) for p in (split.train, split.validation, split.test)] == [
        {"0002"}, {"0260"}, {"0291"},
    ]  # fmt: skip


def test_bad_files_are_skipped(tmp_path, make):
    write(tmp_path, "0001-L")
    write(tmp_path, "0002-L", labels=None)
    write(tmp_path, "0003-L", labels="99,1,5,1\n")
    write(tmp_path, "0004-L", labels="1,9,5,1\n")
    write(tmp_path, "notes")
    write(tmp_path, "0005-L")
    (tmp_path / "skeletons" / "0005-L.txt").write_text("1 2 3\n4 5 6\n")
    write(tmp_path, "0006-L")
    (tmp_path / "skeletons" / "0006-L.txt").write_text("")
    write(tmp_path, "0007-L", labels="1,five,9,1\n")
    store, done = make()
    assert store.sources.tolist() == ["0001-L"]
    assert done.sheet.skip_counts == {"corrupt": 6, "empty": 1}


def test_labels_beyond_the_end_are_cut(tmp_path, make):
    write(tmp_path, "0001-L", labels="2,50,75,1\n3,80,90,1\n")
    store, _ = make()
    spans = store.sample(0).spans
    assert len(spans) == 1 and spans[0].end_ns == store.sample(0).stamps_ns[-1]


def test_the_same_folder_for_both_is_refused(tmp_path):
    write(tmp_path, "0001-L")
    folder = tmp_path / "skeletons"
    with pytest.raises(ConfigurationError, match="are the same"):
        convert(PkuMmdConverter(folder, folder), tmp_path / "store", report=str)
