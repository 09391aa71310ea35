from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import LAYOUT, frame, person_keypoints, skeleton
from bharnet_ros.errors import ConfigurationError, LayoutError
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.resampling import resample, resample_together, step_stamps
from bharnet_ros.skeleton import get_layout, read_layout, sources
from bharnet_ros.types import SkeletonFrame
from bharnet_ros.windows import WindowBuffer

MS = 1_000_000
SECOND = 1000 * MS
BASE = person_keypoints()


def moving(stamp_ns: int, track_id: int = 7, **extra: object) -> SkeletonFrame:
    """A person that drifts 100 px/s to the right and 40 px/s up."""
    seconds = stamp_ns / SECOND
    shift = np.array([100.0 * seconds, -40.0 * seconds], np.float32)
    return frame(stamp_ns, skeleton(track_id, BASE + shift, **extra))


def expected(stamps_ns: np.ndarray) -> np.ndarray:
    seconds = (stamps_ns / SECOND)[:, None, None]
    return BASE + seconds * np.array([100.0, -40.0])


def buffer(**options: object) -> WindowBuffer:
    return WindowBuffer(LAYOUT, **{"window_s": 1.0, "num_steps": 20, **options})


@given(
    gaps_ms=st.lists(st.integers(5, 200), min_size=25, max_size=60),
    steps=st.integers(2, 40),
)
@settings(max_examples=40, deadline=None)
def test_linear_motion_comes_back_exactly_wherever_observed(gaps_ms: list[int], steps: int) -> None:
    windows = buffer(num_steps=steps)
    stamps = np.cumsum(gaps_ms) * MS
    for stamp in stamps:
        windows.push(moving(int(stamp)))
    end = int(stamps[-1])
    window = windows.window(7, end)
    wanted = step_stamps(end - SECOND, end, steps)
    seen = window.scores[:, 0] > 0
    # Every gap is below max_gap_s, so all steps from the first frame on are observed.
    assert np.array_equal(seen, wanted >= stamps[0])
    assert np.allclose(window.keypoints[seen], expected(wanted[seen]), atol=1e-2)
    assert not window.keypoints[~seen].any()
    assert window.num_frames == ((stamps >= end - SECOND) & (stamps <= end)).sum()


@given(data=st.data(), people=st.integers(1, 5), frames=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_windows_of_everybody_are_those_of_each(
    data: st.DataObject, people: int, frames: int
) -> None:
    windows = buffer(num_steps=12)
    rng = np.random.default_rng(data.draw(st.integers(0, 999), label="seed"))
    # Some are seen whole in every frame, some lack points, some come later or are away at times.
    lacking, late = rng.random(people) < 0.4, rng.random(people) < 0.3
    stamp = 0
    for number in range(frames):
        stamp += int(rng.integers(10, 120)) * MS
        seen = []
        for person in range(people):
            if late[person] and (number < frames // 3 or rng.random() < 0.2):
                continue
            one = skeleton(person, BASE + rng.normal(0, 5, BASE.shape))
            scores = one.scores.copy()
            scores[5 * person : 5 * person + 3] = 0.0  # never
            if lacking[person]:
                scores[rng.random(len(scores)) < 0.1] = 0.0
            seen.append(replace(one, scores=scores))
        windows.push(frame(stamp, *seen))
    ends = {
        track: stamp - int(rng.integers(2)) * 30 * MS for track in reversed(windows.track_ids)
    }
    found = windows.windows(ends)
    assert list(found) == list(ends)
    for track, end in ends.items():
        alone = windows.window(track, end)
        assert np.array_equal(found[track].keypoints, alone.keypoints)
        assert np.array_equal(found[track].scores, alone.scores)
        for name in ("num_frames", "start_ns", "end_ns", "image_size", "coverage"):
            assert getattr(found[track], name) == getattr(alone, name)
    with pytest.raises(KeyError):
        windows.windows({99: stamp})
    assert windows.windows({}) == {}


@pytest.mark.parametrize("rate_hz", [6, 10, 29.97, 60])
def test_frame_rate_does_not_change_the_window(rate_hz: float) -> None:
    windows = buffer()
    for stamp in np.arange(0.0, 2.0, 1.0 / rate_hz):
        windows.push(moving(round(stamp * SECOND)))
    windows.push(moving(2 * SECOND))
    window = windows.window(7, 2 * SECOND)
    wanted = step_stamps(SECOND, 2 * SECOND, 20)
    assert (window.scores > 0).all()
    assert np.allclose(window.keypoints, expected(wanted), atol=1e-2)
    assert window.coverage == 1.0


def test_scores_are_interpolated_and_gaps_are_missing() -> None:
    stamps = np.array([0, 100, 600], np.int64) * MS
    points = np.zeros((3, 1, 2), np.float32)
    points[:, 0, 0] = [0.0, 10.0, 60.0]
    scores = np.array([[0.2], [0.6], [0.6]], np.float32)
    steps = np.array([0, 50, 100, 300, 600, 700], np.int64) * MS
    out, weights = resample(stamps, points, scores, steps, 250 * MS)
    assert np.allclose(weights[:, 0], [0.2, 0.4, 0.6, 0.0, 0.6, 0.0])
    assert np.allclose(out[:, 0, 0], [0.0, 5.0, 10.0, 0.0, 60.0, 0.0])


def test_a_keypoint_missing_in_one_frame_is_bridged_by_its_own_neighbours() -> None:
    stamps = np.arange(4, dtype=np.int64) * 100 * MS
    points = np.zeros((4, 2, 2), np.float32)
    points[:, 0, 0] = [0.0, 999.0, 20.0, 30.0]
    points[:, 1, 0] = [5.0, 6.0, 7.0, 8.0]
    scores = np.ones((4, 2), np.float32)
    scores[1, 0] = 0.0
    out, weights = resample(stamps, points, scores, stamps, 250 * MS)
    assert np.allclose(out[:, 0, 0], [0.0, 10.0, 20.0, 30.0])
    assert np.allclose(out[:, 1, 0], [5.0, 6.0, 7.0, 8.0])
    assert (weights == 1.0).all()


@given(
    bad=st.lists(st.tuples(st.integers(0, 132), st.sampled_from([np.nan, np.inf, -np.inf])),
                 min_size=1, max_size=20, unique_by=lambda b: b[0]),
    in_scores=st.booleans(),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_not_finite_values_are_missing_and_counted(
    bad: list[tuple[int, float]], in_scores: bool
) -> None:
    points, scores = BASE.copy(), np.full(133, 0.9, np.float32)
    for index, value in bad:
        if in_scores:
            scores[index] = value
        else:
            points[index, index % 2] = value
    windows = buffer()
    for number in range(11):
        person = skeleton(7, points, scores)
        windows.push(frame(number * 100 * MS, person))
    window = windows.window(7, SECOND)
    indices = [index for index, _ in bad]
    assert np.isfinite(window.keypoints).all() and np.isfinite(window.scores).all()
    assert not window.scores[:, indices].any()
    assert (np.delete(window.scores, indices, axis=1) > 0).all()
    assert windows.drops == {"nonfinite_keypoint": 11 * len(bad)}


def test_duplicates_and_small_disorder_are_dropped_and_counted() -> None:
    windows = buffer()
    assert windows.push(moving(SECOND))
    assert not windows.push(moving(SECOND))
    assert not windows.push(moving(SECOND - 100 * MS))
    assert windows.push(moving(SECOND + 1))
    assert windows.drops == {"duplicate_stamp": 1, "out_of_order": 1}
    assert windows.resets == 0
    assert windows.window(7, SECOND + 1).num_frames == 2


def test_a_bag_that_loops_starts_afresh() -> None:
    windows = buffer()
    for number in range(20):
        windows.push(moving(10 * SECOND + number * 100 * MS))
    assert windows.push(moving(10 * SECOND))
    assert windows.resets == 1
    assert windows.newest_ns == 10 * SECOND
    assert windows.window(7, 10 * SECOND).num_frames == 1
    assert windows.push(frame(2 * SECOND))
    assert windows.track_ids == () and windows.resets == 2


def test_a_stamp_far_in_the_future_does_not_stop_the_stream() -> None:
    windows = buffer()
    windows.push(moving(SECOND))
    windows.push(moving(10**18))
    assert windows.push(moving(SECOND + 100 * MS))
    assert windows.resets == 1


def test_people_that_cannot_be_used_are_dropped_alone() -> None:
    windows = buffer()
    untracked, short = skeleton(-1, BASE), skeleton(8, BASE[:17])
    few_scores = skeleton(9, BASE, np.ones(17, np.float32))
    windows.push(frame(0, untracked, short, few_scores, skeleton(7, BASE), skeleton(7, BASE)))
    assert windows.track_ids == (7,)
    assert windows.drops == {"untracked": 1, "wrong_shape": 2, "duplicate_track": 1}


def test_it_knows_whom_it_took_up_of_the_newest_frame() -> None:
    windows = buffer(max_tracks=2)
    first, again, other, late = (skeleton(i, BASE) for i in (7, 7, 3, 4))
    assert windows.taken == ()
    windows.push(frame(0, skeleton(-1, BASE), first, again, other, late))
    assert [id(each) for each in windows.taken] == [id(first), id(other)]
    windows.push(frame(0, late))  # dropped as a whole
    assert len(windows.taken) == 2
    windows.push(frame(SECOND // 10, again))
    assert windows.taken == (again,) and windows.taken[0] is again
    windows.clear()
    assert windows.taken == ()


def test_another_layout_is_refused_and_changes_nothing() -> None:
    windows = buffer()
    windows.push(moving(SECOND))
    other = SkeletonFrame(2 * SECOND, (720, 1280), "ntu25", ())
    with pytest.raises(LayoutError, match=r"ntu25.*coco_wholebody_133"):
        windows.push(other)
    assert windows.newest_ns == SECOND


def test_tracks_are_forgotten_after_a_time_and_return_afresh() -> None:
    windows = buffer(forget_after_s=0.5)
    for number in range(10):
        windows.push(moving(number * 100 * MS))
    windows.push(frame(1400 * MS))
    assert windows.track_ids == (7,)  # exactly 0.5 s is not too long
    windows.push(frame(1401 * MS))
    assert windows.track_ids == ()
    with pytest.raises(KeyError):
        windows.window(7, 1401 * MS)

    windows.push(moving(1500 * MS))
    windows.push(moving(2101 * MS))  # no frame between, but away for longer than anybody may be
    assert windows.forgotten == (7,)
    assert windows.window(7, 2101 * MS).num_frames == 1


@given(rate_hz=st.sampled_from([30, 200, 2000]), frames=st.integers(400, 900))
@settings(max_examples=6, deadline=None)
def test_memory_is_bounded_and_still_spans_the_window(rate_hz: int, frames: int) -> None:
    windows = buffer(max_frames=64)
    for number in range(frames):
        windows.push(moving(number * SECOND // rate_hz))
    end = windows.newest_ns
    assert end is not None
    window = windows.window(7, end)
    assert window.num_frames <= 68
    wanted = step_stamps(end - SECOND, end, 20)
    assert np.array_equal(window.scores[:, 0] > 0, wanted >= 0)
    seen = wanted >= 0
    assert np.allclose(window.keypoints[seen], expected(wanted[seen]), atol=1e-2)


def test_a_window_before_anything_was_seen_is_empty() -> None:
    windows = buffer()
    windows.push(moving(10 * SECOND))
    window = windows.window(7, 9 * SECOND)
    assert window.num_frames == 0 and window.coverage == 0.0
    assert not window.keypoints.any()


def test_people_who_were_seen_together_are_resampled_as_each_alone() -> None:
    rng = np.random.default_rng(3)
    stamps = np.cumsum(rng.integers(20, 400, 30)) * MS
    points = rng.normal(0, 100, (4, 30, 6, 2)).astype(np.float32)
    scores = rng.uniform(0.2, 1.0, (4, 30, 6)).astype(np.float32)
    scores[1, :, 2] = 0.0  # a point that person never shows
    scores[2:][rng.random((2, 30, 6)) < 0.3] = 0.0
    steps = np.arange(0, int(stamps[-1]) + 200 * MS, 33 * MS)
    found, weights = resample_together(stamps, points, scores, steps, 250 * MS)
    for person in range(4):
        for joint in range(6):
            seen = scores[person, :, joint] > 0
            at = stamps[seen]
            after = np.searchsorted(at, steps, "left")
            before = np.searchsorted(at, steps, "right") - 1
            inside = (before >= 0) & (after < len(at))
            if seen.any():
                span = at[np.minimum(after, len(at) - 1)] - at[np.maximum(before, 0)]
                inside &= span <= 250 * MS
            assert np.array_equal(weights[person, :, joint] > 0, inside)
            for axis in range(2):
                values = found[person, :, joint, axis]
                assert not values[~inside].any()
                if inside.any():
                    wanted = np.interp(steps[inside], at, points[person, seen, joint, axis])
                    assert np.allclose(values[inside], wanted, atol=1e-2)


def test_resample_without_any_observation() -> None:
    steps = step_stamps(0, SECOND, 5)
    none = np.zeros(0, np.int64)
    points, scores = resample(none, np.zeros((0, 3, 2), np.float32), np.zeros((0, 3)), steps, MS)
    assert points.shape == (5, 3, 2) and scores.shape == (5, 3)


@pytest.mark.parametrize(
    "options", [{"window_s": 0.0}, {"max_gap_s": float("nan")}, {"num_steps": 1},
                {"max_frames": 1}, {"forget_after_s": -1.0}],
)  # fmt: skip
def test_bad_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        buffer(**options)


def test_a_window_knows_the_size_of_the_newest_frame() -> None:
    windows = buffer()
    windows.push(moving(0))
    windows.push(replace(moving(100 * MS), image_size=(480, 640)))
    assert windows.window(7, 100 * MS).image_size == (480, 640)


def test_only_the_keypoints_asked_for_are_kept() -> None:
    part = read_layout(LAYOUT)
    whole, fewer = buffer(), buffer(keep=part)
    blind = get_layout(LAYOUT).index("left_big_toe")
    for index in range(40):
        seen = moving(index * 33 * MS)
        scores = seen.skeletons[0].scores.copy()
        scores[blind] = index % 2  # comes and goes, and nobody reads it
        seen = replace(seen, skeletons=(replace(seen.skeletons[0], scores=scores),))
        assert whole.push(seen) and fewer.push(seen)
    kept = sources(LAYOUT, part)
    end = 39 * 33 * MS
    for a, b in (
        (whole.window(7, end), fewer.window(7, end)),
        (whole.windows({7: end})[7], fewer.windows({7: end})[7]),
    ):
        assert (a.layout, b.layout) == (LAYOUT, part)
        assert np.array_equal(a.keypoints[:, kept], b.keypoints)
        assert np.array_equal(a.scores[:, kept], b.scores)
        for features in (body_features, hand_features):
            assert np.array_equal(
                features(a.keypoints, a.scores, a.layout), features(b.keypoints, b.scores, b.layout)
            )
    # Frames are still of the whole layout.
    with pytest.raises(LayoutError):
        fewer.push(replace(moving(end + SECOND), layout=part))
