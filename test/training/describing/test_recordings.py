"""Recorded hands: what may come in, and what windows are made of them."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from training.describing.people import hand_indices
from training.describing.recordings import (
    MEANINGS,
    HandRecordings,
    RecordingSampler,
    load_recordings,
)


def _recordings(count=30):
    rng = np.random.default_rng(0)
    xy = rng.normal(size=(count, 21, 2)).astype(np.float32)
    label = np.array(["palm", "fist", "strange"])[np.arange(count) % 3]
    source = np.array(["a", "b"])[np.arange(count) % 2]
    return HandRecordings(xy, label, source)


def test_a_file_comes_back_as_it_was_written(tmp_path):
    made = _recordings()
    np.savez(tmp_path / "hands.npz", xy=made.xy, label=made.label, source=made.source)
    found = load_recordings(tmp_path / "hands.npz")
    assert np.array_equal(found.xy, made.xy)
    assert list(found.label) == list(made.label) and list(found.source) == list(made.source)


def test_rows_that_cannot_be_hands_are_left_out(tmp_path):
    made = _recordings()
    made.xy[3, 4, 1] = np.nan
    made.xy[5] = 0.25
    np.savez(tmp_path / "hands.npz", xy=made.xy, label=made.label, source=made.source)
    assert len(load_recordings(tmp_path / "hands.npz").xy) == 28


@pytest.mark.parametrize("wrong", ["text", "shape", "missing", "pickle"])
def test_other_files_are_refused_with_a_sentence(tmp_path, wrong):
    path = tmp_path / "hands.npz"
    made = _recordings()
    if wrong == "text":
        path.write_text("palm")
    elif wrong == "shape":
        np.savez(path, xy=made.xy[:, :20], label=made.label, source=made.source)
    elif wrong == "missing":
        np.savez(path, xy=made.xy, label=made.label)
    else:
        np.savez(path, xy=made.xy, label=made.label.astype(object), source=made.source)
    with pytest.raises(ConfigurationError, match=r"hands\.npz"):
        load_recordings(path)


def test_labels_become_the_vocabularys():
    found = _recordings().renamed(MEANINGS, ["stop", "fist"])
    assert set(found.label) == {"stop", "fist"} and len(found.label) == 20


def test_windows_hold_one_hand_still():
    sampler = RecordingSampler(_recordings(), turn_deg=0.0, aspect=1.0)
    keypoints, scores = sampler.windows(["fist"] * 40, 8, np.random.default_rng(1))
    assert keypoints.shape == (40, 8, 59, 2)
    assert np.array_equal(keypoints[:, 0], keypoints[:, 7])
    left, right = hand_indices()
    used = (scores[:, 0, left].all(axis=1), scores[:, 0, right].all(axis=1))
    assert (used[0] ^ used[1]).all() and used[0].any() and used[1].any()
    # Palms are as long as they should be, whatever unit the file had.
    hand = np.where(used[0][:, None, None], keypoints[:, 0, left], keypoints[:, 0, right])
    assert np.linalg.norm(hand[:, 9] - hand[:, 0], axis=-1) == pytest.approx(
        np.full(40, 80.0), rel=1e-4
    )


def test_every_source_is_as_likely_however_long_it_is():
    made = _recordings(400)
    source = np.where(np.arange(400) < 390, "long", "short")
    made = HandRecordings(made.xy, np.full(400, "fist"), source)
    made.xy[source == "short"] = made.xy[-1]
    sampler = RecordingSampler(made, turn_deg=0.0, aspect=1.0)
    keypoints, scores = sampler.windows(["fist"] * 300, 2, np.random.default_rng(0))
    left, right = hand_indices()
    hand = np.where((scores[:, 0, right[0]] > 0)[:, None, None], keypoints[:, 0, right],
                    keypoints[:, 0, left])  # fmt: skip
    wanted = np.abs((made.xy[-1] - made.xy[-1, 0])[:, 1])
    same = np.abs(np.abs(hand[:, 1:, 1]) / 80.0 * np.linalg.norm(made.xy[-1, 9] - made.xy[-1, 0])
                  - wanted[1:]).max(axis=1) < 1e-2  # fmt: skip
    assert 0.35 < same.mean() < 0.65
