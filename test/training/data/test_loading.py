"""Batches show what is in the store, at the right times, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import SHEET, make_sample, untrimmed

from bharnet_ros.errors import ConfigurationError
from training.data import (
    BatchLoader,
    LoaderConfig,
    Person,
    StoreWriter,
    open_store,
    sample_clips,
    span_clips,
)
from training.data.sample import nominal_stamps

LINE = LoaderConfig(num_steps=9, batch_size=4, centre_share=1.0)


def moving(number: int, frames: int = 21, **changes):
    """Every keypoint k of frame f at x = f + 100 k, y = -f; all there."""
    frame = np.arange(frames, dtype=np.float32)[:, None]
    x = frame + 100.0 * np.arange(17, dtype=np.float32)
    keypoints = np.stack([x, np.broadcast_to(-frame, x.shape)], axis=-1)
    person = Person(keypoints, np.full(x.shape, 0.5, np.float32))
    return replace(make_sample(number, frames), people=(person,), **changes)


def loader(store, config=LINE, training=False, seed=0):
    return BatchLoader(store, sample_clips(store), config, training, seed)


def test_steps_lie_evenly_between_the_first_and_the_last_frame(write_store):
    batch = loader(write_store([moving(0), moving(1, frames=5)])).batch(0)
    assert batch.keypoints.shape == (2, 1, 9, 17, 2) and batch.scores.shape == (2, 1, 9, 17)
    np.testing.assert_allclose(batch.keypoints[0, 0, :, 0, 0], np.linspace(0, 20, 9), atol=1e-5)
    np.testing.assert_allclose(batch.keypoints[1, 0, :, 3, 0], 300 + np.linspace(0, 4, 9))
    np.testing.assert_allclose(batch.duration_s, [20 / 30, 4 / 30])
    assert batch.label.tolist() == [0, 1] and (batch.scores == 0.5).all()


def test_the_middle_is_tested(write_store):
    store = write_store([moving(0)])
    batch = loader(store, replace(LINE, centre_share=0.5)).batch(0)
    np.testing.assert_allclose(batch.keypoints[0, 0, [0, -1], 0, 0], [5.0, 15.0], atol=1e-5)
    assert batch.duration_s[0] == pytest.approx(10 / 30)


@pytest.mark.parametrize("training", [False, True])
def test_windows_may_end_with_the_clip(write_store, training):
    store = write_store([untrimmed(4), moving(0)])
    clips = sample_clips(store)[1:]
    config = replace(LINE, centre_share=0.75, crop=(0.5, 0.9), anchor="end")
    batch = BatchLoader(store, clips, config, training).batch(0)
    x = batch.keypoints[0, 0, :, 0, 0]
    assert x[-1] == pytest.approx(20.0, abs=1e-4)
    if not training:
        assert x[0] == pytest.approx(5.0, abs=1e-4)
    # Whose window it is and when, for what else was recorded at that time.
    stamps = store.sample(1).stamps_ns
    assert (batch.sample.tolist(), batch.track_id.tolist()) == ([1], [-1])
    assert batch.end_ns[0] == stamps[-1]
    start = np.interp(x[0], np.arange(21), stamps.astype(float))
    assert batch.start_ns[0] == pytest.approx(start, abs=1e4)


def test_an_unknown_anchor_is_named():
    with pytest.raises(ConfigurationError, match="anchor is 'middle'"):
        LoaderConfig(anchor="middle")


@given(low=st.floats(0.1, 1.0), more=st.floats(0.0, 1.0), seed=st.integers(0, 99))
@settings(max_examples=20)
def test_training_windows_span_what_was_asked(low, more, seed, crop_store):
    high = low + (1.0 - low) * more
    batch = loader(crop_store, replace(LINE, crop=(low, high)), True, seed).batch(0)
    x = batch.keypoints[:, 0, :, 0, 0]
    length = (x[:, -1] - x[:, 0]) / 20
    assert (x >= -1e-4).all() and (x <= 20 + 1e-4).all()
    assert (length >= low - 1e-4).all() and (length <= high + 1e-4).all()
    np.testing.assert_allclose(np.diff(x, 2, axis=1), 0.0, atol=1e-3)


@pytest.fixture(scope="module")
def crop_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crop") / "store"
    with StoreWriter(folder, SHEET) as writer:
        for number in range(8):
            writer.add(moving(number))
        writer.finish()
    return open_store(folder)


def test_random_and_warped_times_stay_in_order(crop_store):
    for config in (replace(LINE, sampling="random"), replace(LINE, warp=0.8, crop=(1.0, 1.0))):
        x = loader(crop_store, config, True).batch(0).keypoints[:, 0, :, 0, 0]
        assert (np.diff(x, axis=1) >= 0).all() and np.abs(np.diff(x, 2, axis=1)).max() > 0.1


def test_real_stamps_decide_not_frame_numbers(write_store):
    """Half of the frames come in the first tenth of the time."""
    times = np.concatenate([np.linspace(0, 0.1, 11), np.linspace(0.2, 1.0, 10)])
    stamps = np.rint(times * 1e9).astype(np.int64)
    store = write_store([moving(0, stamps_ns=stamps)], replace(SHEET, stamps="measured"))
    batch = loader(store, replace(LINE, num_steps=11)).batch(0)
    expected = np.interp(np.linspace(0, 1, 11), times, np.arange(21))
    np.testing.assert_allclose(batch.keypoints[0, 0, :, 0, 0], expected, atol=1e-4)
    assert batch.duration_s[0] == pytest.approx(1.0)


def test_missing_keypoints_stay_missing_and_never_pull_others(write_store):
    sample = moving(0)
    keypoints, scores = sample.people[0].keypoints.copy(), sample.people[0].scores.copy()
    keypoints[10:, 3], scores[10:, 3] = 0.0, 0.0
    store = write_store([replace(sample, people=(Person(keypoints, scores),))])
    batch = loader(store, replace(LINE, num_steps=201)).batch(0)
    x, seen = batch.keypoints[0, 0, :, 3, 0], batch.scores[0, 0, :, 3] > 0
    position = np.linspace(0, 20, 201)
    np.testing.assert_array_equal(seen, position <= 9.5)
    assert (x[seen] >= 300).all() and not x[~seen].any()
    assert (batch.scores[0, 0, :, 4] > 0).all()


def test_several_people_are_there_when_they_were(write_store):
    first = moving(0)
    late = Person(first.people[0].keypoints[5:11] + 7.0, first.people[0].scores[5:11], 5, 1)
    store = write_store([replace(first, people=(first.people[0], late)), moving(1)])
    batch = loader(store, replace(LINE, num_steps=21, people=3)).batch(0)
    assert batch.keypoints.shape == (2, 3, 21, 17, 2)
    there = (batch.scores[0, 1] > 0).all(axis=1)
    assert np.flatnonzero(there).tolist() == list(range(5, 11))
    np.testing.assert_allclose(batch.keypoints[0, 1, 5:11, 0, 0], np.arange(5, 11) + 7.0, atol=1e-4)
    assert not batch.scores[0, 2].any() and not batch.scores[1, 1:].any()
    assert not batch.keypoints[1, 1:].any()


def test_spans_show_their_stretch_and_their_person(write_store):
    whole = untrimmed()
    two = make_sample(5, frames=20, people=2).people
    one = Person(two[0].keypoints, two[0].scores, 0, 4)
    spans = (replace(whole.spans[0], track_id=4), whole.spans[1])
    other = Person(two[0].keypoints + 1000.0 * (two[0].scores[..., None] > 0), two[0].scores, 0, 0)
    store = write_store([replace(whole, people=(other, one), spans=spans)])
    clips = span_clips(store)
    batch = BatchLoader(store, clips, replace(LINE, num_steps=6), False).batch(0)
    np.testing.assert_allclose(batch.keypoints[0, 0], one.keypoints[2:8], atol=1e-3)
    assert batch.label.tolist() == [1, 2]
    # The second span is of track 0.
    np.testing.assert_allclose(batch.keypoints[1, 0, [0, -1]], other.keypoints[[10, 19]], atol=1e-3)


def test_every_clip_comes_once_an_epoch_in_another_order(crop_store):
    training = loader(crop_store, replace(LINE, batch_size=3), True, seed=5)
    assert len(training) == 3 and training.num_clips == 8
    orders = [np.concatenate([b.clip for b in training.epoch(n)]).tolist() for n in range(2)]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(8))
    assert orders[0] != orders[1]
    tested = loader(crop_store, replace(LINE, batch_size=3))
    assert np.concatenate([b.clip for b in tested]).tolist() == list(range(8))


def test_a_batch_depends_on_seed_and_number_alone(crop_store):
    batches = [
        loader(crop_store, LINE, True, seed).batch(number)
        for seed, number in ((1, 7), (1, 7), (2, 7), (1, 8))
    ]
    for name in ("keypoints", "scores", "label", "clip", "duration_s"):
        np.testing.assert_array_equal(getattr(batches[0], name), getattr(batches[1], name))
    assert not np.array_equal(batches[0].keypoints, batches[2].keypoints)
    assert not np.array_equal(batches[0].keypoints, batches[3].keypoints)


def test_clips_of_one_frame_are_held(write_store):
    batch = loader(write_store([moving(0, frames=1)])).batch(0)
    assert (batch.scores == 0.5).all() and not np.ptp(batch.keypoints, axis=2).any()


def test_a_batch_of_many_is_the_clips_one_by_one(write_store):
    store = write_store([make_sample(n, frames=3 + n, people=1 + n % 3) for n in range(12)])
    config = replace(LINE, people=2, batch_size=12)
    together = loader(store, config).batch(0)
    for number, batch in enumerate(loader(store, replace(config, batch_size=1))):
        np.testing.assert_array_equal(batch.keypoints[0], together.keypoints[number])
        np.testing.assert_array_equal(batch.scores[0], together.scores[number])


@pytest.mark.parametrize(
    "change",
    [
        {"num_steps": 0}, {"batch_size": 0}, {"people": 0}, {"crop": (0.0, 1.0)},
        {"crop": (0.9, 0.5)}, {"centre_share": 1.2}, {"sampling": "odd"}, {"warp": 1.0},
    ],
)  # fmt: skip
def test_wrong_settings_are_sentences(change):
    with pytest.raises(ConfigurationError, match=str(next(iter(change)))):
        replace(LINE, **change)


def test_nothing_to_load_is_said(write_store):
    store = write_store([moving(0)])
    clips = sample_clips(store)
    with pytest.raises(ConfigurationError, match="no clip"):
        BatchLoader(store, clips[:0], LINE, False)
    with pytest.raises(ConfigurationError, match="without a frame"):
        BatchLoader(store, replace(clips, stop=clips.first), LINE, False)
    assert nominal_stamps(3, 10.0).tolist() == [0, 100_000_000, 200_000_000]
