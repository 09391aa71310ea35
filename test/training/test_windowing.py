"""Training windows are the windows the robot sees."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.types import Skeleton, SkeletonFrame
from bharnet_ros.windows import WindowBuffer
from training.config import WindowConfig
from training.labels import IGNORE
from training.replay import skeleton_frames
from training.windowing import cut_window, index_windows

IDS = {"idle": 0, "open": 1, "closed": 2, "swipe_left": 3, "swipe_right": 4}


def test_the_same_window_as_the_buffer_of_the_robot(make_sequence):
    sequence = make_sequence(1)
    sequence.scores[30:33] = 0.0  # not found for three frames
    sequence.scores[50:58, 91:112] = 0.0  # a hand lost for longer than the gap allowed
    config = WindowConfig()
    buffer = WindowBuffer(sequence.layout, config.window_s, config.num_steps, config.max_gap_s)
    compared = 0
    for index, frame in enumerate(skeleton_frames(sequence)):
        buffer.push(frame)
        if index in (28, 31, 35, 55, 60, 70) and frame.skeletons:
            window = buffer.window(1, frame.stamp_ns)
            keypoints, scores = cut_window(sequence, frame.stamp_ns, config)
            np.testing.assert_allclose(scores, window.scores, atol=1e-6)
            np.testing.assert_allclose(keypoints, window.keypoints, atol=1e-3)
            compared += 1
    assert compared == 5


def test_every_window_ends_at_a_frame_and_has_a_label(make_sequence):
    sequences = [make_sequence(1), make_sequence(2)]
    index = index_windows(sequences, WindowConfig(), IDS, 0)
    for number, sequence in enumerate(sequences):
        assert np.isin(index.end_ns[index.sequence == number], sequence.stamps_ns).all()
    assert (index.label != IGNORE).all()
    assert set(index.label.tolist()) == set(range(5))


def test_playing_faster_looks_further_back(make_sequence):
    sequence = make_sequence(1)
    end_ns = int(sequence.stamps_ns[60])
    config = WindowConfig()
    fast, _ = cut_window(sequence, end_ns, config, speed=1.5)
    start_ns = end_ns - round(1.5 * config.window_s * 1e9)
    nearest = int(np.abs(sequence.stamps_ns - start_ns).argmin())
    seen = sequence.scores[60] > 0
    np.testing.assert_allclose(fast[0][seen], sequence.keypoints[nearest][seen], atol=6.0)
    np.testing.assert_allclose(fast[-1][seen], sequence.keypoints[60][seen], atol=1e-3)


def test_dropped_frames_are_not_used(make_sequence):
    sequence = make_sequence(1)
    end = 60
    keep = np.zeros(len(sequence.stamps_ns), bool)
    keep[end] = True
    _, scores = cut_window(sequence, int(sequence.stamps_ns[end]), WindowConfig(), keep=keep)
    assert not scores[:-1].any() and scores[-1].any()


def test_frames_of_nobody_have_no_skeleton(make_sequence):
    sequence = make_sequence(1)
    sequence.scores[5] = 0.0
    frames = skeleton_frames(sequence)
    assert len(frames) == len(sequence.stamps_ns)
    assert frames[5].skeletons == ()
    assert isinstance(frames[6], SkeletonFrame) and isinstance(frames[6].skeletons[0], Skeleton)
    assert frames[6].image_size == (480, 640)
    assert frames[6].skeletons[0].bbox[2] == pytest.approx(
        np.ptp(sequence.keypoints[6][sequence.scores[6] > 0][:, 0])
    )
