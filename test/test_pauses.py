"""Slow cameras and machines: time in which nobody looked is no time in which nobody was there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.synthetic import frame
from bharnet_ros.resampling import step_stamps

from .test_windows import MS, SECOND, buffer, expected, moving


def test_nobody_is_forgotten_in_a_pause_in_which_nobody_looked() -> None:
    windows = buffer(forget_after_s=0.3)
    for number in range(4):
        windows.push(moving(number * 600 * MS))
    assert windows.forgotten == () and windows.window(7, 1800 * MS).num_frames == 2
    # A frame without the person, then a pause: away since the last frame with it.
    windows.push(frame(2000 * MS))
    windows.push(moving(2200 * MS))
    assert windows.forgotten == (7,)


@pytest.mark.parametrize("rate_hz", [1.7, 2.0, 2.5, 3.3])
def test_slow_cameras_have_whole_windows(rate_hz: float) -> None:
    windows = buffer()
    stamps = np.rint(np.arange(0.0, 5.0, 1.0 / rate_hz) * SECOND).astype(np.int64)
    for stamp in stamps:
        windows.push(moving(int(stamp)))
    end = int(stamps[-1])
    window = windows.window(7, end)
    wanted = step_stamps(end - SECOND, end, 20)
    assert (window.scores > 0).all()
    assert np.allclose(window.keypoints, expected(wanted), atol=1e-2)
    assert np.array_equal(windows.windows({7: end})[7].keypoints, window.keypoints)
    assert np.array_equal(windows.at(7, wanted)[0], window.keypoints)


@given(data=st.data())
def test_a_pause_is_bridged_only_if_no_frame_without_it_lies_in_it(data: st.DataObject) -> None:
    gap = data.draw(st.integers(100, 600), label="gap_ms")
    windows = buffer(num_steps=41, forget_after_s=1.0)
    windows.push(moving(0))
    looked = data.draw(st.none() | st.integers(1, gap - 1), label="looked_ms")
    if looked is not None:
        windows.push(frame(looked * MS))
    windows.push(moving(gap * MS))
    middle = np.array([gap * MS // 2], np.int64)
    _, scores = windows.at(7, middle)
    assert bool(scores.any()) == (gap <= 250 or looked is None)
    # One keypoint lost in a frame between is missing, the others are joined frame by frame.
    windows.push(moving((gap + 1) * MS))
    lost = moving((gap + 301) * MS).skeletons[0]
    weights = lost.scores.copy()
    weights[3] = 0.0
    windows.push(frame((gap + 301) * MS, replace(lost, scores=weights)))
    windows.push(moving((gap + 601) * MS))
    _, scores = windows.at(7, np.array([gap + 150, gap + 450], np.int64) * MS)
    assert not scores[:, 3].any() and np.delete(scores, 3, axis=1).all()


def test_thinned_frames_follow_on_each_other() -> None:
    # 340 ms takes the place of 320, and 640 that of 340: both came too soon after 300.
    for missed_ms, joined in ((None, True), (310, False)):
        windows = buffer(max_frames=8)
        for stamp_ms in (0, 300, 310, 340, 640):
            seen = stamp_ms != missed_ms
            windows.push(moving(stamp_ms * MS) if seen else frame(stamp_ms * MS))
        _, scores = windows.at(7, np.array([150, 500], np.int64) * MS)
        assert scores[0].all() and scores[1].any() == joined
