"""A store gives back what was written, survives being killed, and says what is wrong with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import SHEET, make_sample, untrimmed

from bharnet_ros.errors import ConfigurationError, LayoutError
from training.data import Person, StoreWriter, open_store
from training.data.sample import SampleSkipped
from training.data.sheet import SHEET_FILE, read_sheet


def _same(found, expected):
    assert found.source == expected.source and found.class_name == expected.class_name
    assert found.fields == expected.fields and set(found.tags) == set(expected.tags)
    assert found.spans == expected.spans and found.image_size == expected.image_size
    np.testing.assert_array_equal(found.stamps_ns, expected.stamps_ns)
    assert len(found.people) == len(expected.people)
    for one, other in zip(found.people, expected.people, strict=True):
        assert (one.first_frame, one.track_id) == (other.first_frame, other.track_id)
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        np.testing.assert_array_equal(one.scores, other.scores)


@given(
    shapes=st.lists(st.tuples(st.integers(1, 30), st.integers(1, 3)), min_size=1, max_size=6),
    dims=st.sampled_from([2, 3]),
)
@settings(max_examples=25)
def test_what_was_written_is_read(shapes, dims, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    sheet = SHEET if dims == 2 else replace(SHEET, dims=3, unit="m", layout="ntu25")
    samples = [
        make_sample(number, frames, people, dims, sheet.layout)
        for number, (frames, people) in enumerate(shapes)
    ]
    with StoreWriter(folder, sheet) as writer:
        for sample in samples:
            writer.add(sample)
        writer.finish()
    store = open_store(folder)
    store.verify()
    assert len(store) == len(samples)
    for number, sample in enumerate(samples):
        _same(store.sample(number), sample)
    assert store.values("class").tolist() == [s.class_name for s in samples]
    assert store.values("subject").tolist() == [s.fields["subject"] for s in samples]
    assert store.values("group").tolist() == [""] * len(samples)
    assert store.sources.tolist() == [s.source for s in samples]
    assert store.tagged("even").tolist() == ["even" in s.tags for s in samples]
    assert not store.tagged("no such tag").any()


def test_spans_come_back_and_are_keypoint_sequences(write_store):
    store = write_store([make_sample(0), untrimmed()])
    _same(store.sample(1), untrimmed())
    sequence = store.sequence(1)
    assert [span.class_name for span in sequence.spans] == ["clap", "bow"]
    assert sequence.keypoints.shape == (20, 17, 2)
    trimmed = store.sequence(0)
    assert trimmed.spans[0].class_name == "wave"
    assert trimmed.spans[0].end_ns == trimmed.stamps_ns[-1]


def test_a_person_who_comes_later_is_missing_before(write_store):
    sample = make_sample(1, frames=10)
    late = Person(sample.people[0].keypoints[4:], sample.people[0].scores[4:], 4, 7)
    store = write_store([replace(sample, people=(late,))])
    sequence = store.sequence(0)
    assert not sequence.scores[:4].any()
    np.testing.assert_array_equal(sequence.scores[4:], late.scores)
    assert store.samples["observed_frames"][0] == 6


def test_what_is_missing_or_no_number_is_zero(write_store):
    sample = make_sample(0, frames=4)
    keypoints, scores = sample.people[0].keypoints.copy(), sample.people[0].scores.copy()
    keypoints[1, 2, 0], scores[1, 3], scores[2, 4], scores[0, 1] = np.inf, np.nan, 3.0, -1.0
    found = write_store([replace(sample, people=(Person(keypoints, scores),))]).sample(0).people[0]
    for frame, joint in ((1, 2), (1, 3), (0, 1)):
        assert found.scores[frame, joint] == 0.0
        assert not found.keypoints[frame, joint].any()
    assert found.scores[2, 4] == 1.0
    assert np.isfinite(found.keypoints).all()


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (make_sample(0, people=0), "empty"),
        (make_sample(0, class_name="dance"), "corrupt"),
        (make_sample(0, stamps_ns=np.zeros(12, np.int64)), "corrupt"),
        (make_sample(0, stamps_ns=np.arange(3)), "corrupt"),
        (make_sample(0, layout="ntu25"), "corrupt"),
        (make_sample(0, dims=3), "corrupt"),
    ],
)
def test_an_unfit_sample_is_refused_and_leaves_no_trace(sample, reason, tmp_path):
    with StoreWriter(tmp_path / "store", SHEET) as writer:
        with pytest.raises(SampleSkipped) as refused:
            writer.add(sample)
        assert refused.value.reason == reason
        writer.add(make_sample(1))
        writer.finish()
    store = open_store(tmp_path / "store")
    store.verify()
    _same(store.sample(0), make_sample(1))


def test_a_source_counts_once(tmp_path):
    with StoreWriter(tmp_path / "store", SHEET) as writer:
        writer.add(make_sample(1))
        with pytest.raises(SampleSkipped, match="already"):
            writer.add(make_sample(1))


def test_open_classes_are_met_on_the_way(write_store):
    sheet = replace(SHEET, class_names=(), open_classes=True)
    store = write_store([make_sample(1, class_name="a"), make_sample(2, class_name="b")], sheet)
    assert store.sheet.class_names == ("a", "b")


_WRITE_FOREVER = """
import sys, time
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
from invented import SHEET, make_sample
from training.data import StoreWriter
with StoreWriter(Path(sys.argv[1]), SHEET, commit_s=0.01) as writer:
    number = len(writer.done)
    while True:
        writer.add(make_sample(number, frames=50))
        number += 1
        time.sleep(0.001)
"""


def test_killed_at_any_moment_it_goes_on(tmp_path, repository):
    """kill -9, twice; what was committed is whole, and appending continues."""
    folder = tmp_path / "store"
    here = str(Path(__file__).parent)
    script = _WRITE_FOREVER.format(root=str(repository), here=here)
    done = 0
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", script, str(folder)])
        limit = time.monotonic() + 60
        while time.monotonic() < limit and process.poll() is None:
            if (folder / SHEET_FILE).is_file() and read_sheet(folder).counts["samples"] > done + 5:
                break
            time.sleep(0.01)
        assert process.poll() is None, "the writer stopped by itself"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with pytest.raises(ConfigurationError, match="not finished"):
            open_store(folder)
        partial = open_store(folder, partial=True)
        assert len(partial) > done
        done = len(partial)
        for number in range(done):
            _same(partial.sample(number), make_sample(number, frames=50))
    with StoreWriter(folder, SHEET) as writer:
        assert writer.done == {f"clip{n}" for n in range(done)}
        writer.add(make_sample(1000))
        writer.finish()
    store = open_store(folder)
    store.verify()
    assert len(store) == done + 1


def test_the_same_samples_give_the_same_store(tmp_path):
    hashes = []
    for name in ("one", "two"):
        with StoreWriter(tmp_path / name, SHEET) as writer:
            for number in range(5):
                writer.add(make_sample(number))
                if name == "two":
                    writer.commit()
            writer.finish()
        hashes.append(open_store(tmp_path / name).content_hash())
    assert hashes[0] == hashes[1]


def test_a_finished_store_can_be_added_to(tmp_path):
    for numbers in ((0, 1), (2,)):
        with StoreWriter(tmp_path / "store", SHEET) as writer:
            for number in numbers:
                writer.add(make_sample(number))
            writer.finish()
    store = open_store(tmp_path / "store")
    store.verify()
    assert store.sources.tolist() == ["clip0", "clip1", "clip2"]


def test_one_writer_at_a_time(tmp_path):
    with (
        StoreWriter(tmp_path / "store", SHEET),
        pytest.raises(ConfigurationError, match="being written"),
    ):
        StoreWriter(tmp_path / "store", SHEET)
    StoreWriter(tmp_path / "store", SHEET).__exit__(None, None, None)


def test_other_data_in_the_folder_is_left_alone(tmp_path, write_store):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("meow")
    with pytest.raises(ConfigurationError, match=r"cat\.jpg"):
        StoreWriter(tmp_path / "photos", SHEET)
    store = write_store([make_sample(0)])
    with pytest.raises(ConfigurationError, match="made differently"):
        StoreWriter(store.folder, replace(SHEET, options={"rate": 5}))
    assert len(open_store(store.folder)) == 1


def test_a_store_without_samples_is_not_finished(tmp_path):
    with StoreWriter(tmp_path / "store", SHEET) as writer:
        writer.skip("a.txt", "corrupt", "no numbers")
        with pytest.raises(ConfigurationError, match="1 corrupt"):
            writer.finish()


def test_damage_is_named(write_store):
    store = write_store([make_sample(number) for number in range(3)])
    path = store.folder / "keypoints.bin"
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    with pytest.raises(ConfigurationError, match=r"keypoints\.bin has"):
        open_store(store.folder)
    path.write_bytes(content[:40] + b"\0\0\0\0" + content[44:])
    with pytest.raises(ConfigurationError, match=r"keypoints\.bin is not the file"):
        open_store(store.folder).verify()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "version 99"),
        ({"format": "photos"}, "photos"),
        ({"counts": {}}, "says"),
        ({"counts": {"samples": "many"}}, "damaged"),
        ({"colour": "red"}, "damaged"),
    ],
)
def test_a_wrong_sheet_is_refused(change, message, write_store):
    folder = write_store([make_sample(0)]).folder
    content = json.loads((folder / SHEET_FILE).read_text())
    (folder / SHEET_FILE).write_text(json.dumps({**content, **change}))
    with pytest.raises(ConfigurationError, match=message):
        open_store(folder)


def test_what_is_no_store_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigurationError, match="training convert"):
        open_store(tmp_path)
    with pytest.raises(LayoutError):
        replace(SHEET, layout="octopus")
    with pytest.raises(ConfigurationError, match="furlongs"):
        replace(SHEET, unit="furlongs")


def test_stored_arrays_cannot_be_written(write_store):
    store = write_store([make_sample(0)])
    with pytest.raises(ValueError, match="read-only"):
        store.keypoints[0, 0, 0] = 1.0


def test_opening_reads_no_array(write_store, monkeypatch):
    """What opening costs does not grow with the store: the arrays are mapped, not read."""
    store = write_store([make_sample(number) for number in range(20)])
    monkeypatch.setattr(np, "fromfile", None)
    reopened = open_store(store.folder)
    base = reopened.keypoints
    while not isinstance(base, np.memmap):
        base = base.base
    assert base.filename == store.folder / "keypoints.bin"
