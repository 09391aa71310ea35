from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError
from bharnet_ros.skeleton import get_layout
from bharnet_ros.tracking import Tracker, assign
from bharnet_ros.types import Skeleton, SkeletonFrame

LAYOUT = "coco_wholebody_133"
STEP_NS = 33_333_333
RATE_HZ = 30.0


def person(x: float, y: float = 240.0, size: float = 200.0, score: float = 0.9) -> Skeleton:
    """Somebody about `size` pixels tall around (x, y)."""
    spread = np.random.default_rng(7).uniform(-0.5, 0.5, (133, 2)) * (0.4 * size, size)
    keypoints = (spread + np.array([x, y])).astype(np.float32)
    box = np.array([x - 0.2 * size, y - 0.5 * size, 0.4 * size, size], dtype=np.float32)
    return Skeleton(-1, box, 0.9, keypoints, np.full(133, score, dtype=np.float32))


def frame(people: Sequence[Skeleton], stamp_ns: int) -> SkeletonFrame:
    return SkeletonFrame(stamp_ns, (480, 1280), LAYOUT, tuple(people))


def ids(found: SkeletonFrame) -> list[int]:
    return [s.track_id for s in found.skeletons]


def test_people_without_all_their_keypoints_are_refused_and_nobody_is_lost() -> None:
    tracker = Tracker()
    tracker.update(frame([person(100), person(600)], 0))
    bare = replace(person(300), keypoints=np.zeros((0, 2), np.float32), scores=np.zeros(0))
    with pytest.raises(InvalidSkeletonError, match="Skeleton 1 has 0 keypoints"):
        tracker.update(frame([person(100), bare], STEP_NS))
    assert ids(tracker.update(frame([person(100), person(600)], 2 * STEP_NS))) == [0, 1]


def test_a_person_keeps_the_id_and_everything_else_is_untouched() -> None:
    tracker = Tracker()
    for i in range(10):
        given_frame = frame([person(100 + 5 * i), person(600 - 4 * i)], i * STEP_NS)
        found = tracker.update(given_frame)
        assert ids(found) == [0, 1]
        assert (found.stamp_ns, found.image_size, found.layout) == (
            i * STEP_NS,
            (480, 1280),
            LAYOUT,
        )
        for a, b in zip(given_frame.skeletons, found.skeletons, strict=True):
            assert a.keypoints is b.keypoints and a.scores is b.scores and a.bbox is b.bbox
            assert a.track_id == -1


@pytest.mark.parametrize("gap_frames", [0, 3, 8])
def test_people_who_cross_keep_their_ids_by_motion(gap_frames: int) -> None:
    """Two walkers pass each other; around the crossing only one, or none, is seen."""
    tracker = Tracker()
    first: dict[str, int] = {}
    for i in range(60):
        walkers = {"right": person(200 + 12 * i), "left": person(908 - 12 * i)}
        hidden = abs(i - 29.5) < gap_frames / 2
        shown = {} if hidden else walkers
        found = tracker.update(frame(list(shown.values()), i * STEP_NS))
        for name, track_id in zip(shown, ids(found), strict=True):
            assert first.setdefault(name, track_id) == track_id
    assert sorted(first.values()) == [0, 1]


def test_memory_of_lost_people_is_in_seconds_not_frames() -> None:
    for lost_s, same in ((0.9, True), (1.1, False)):
        tracker = Tracker(max_lost_s=1.0)
        tracker.update(frame([person(300)], 0))
        again = tracker.update(frame([person(300)], int(lost_s * 1e9)))
        assert (ids(again) == [0]) is same
    tracker = Tracker(max_lost_s=1.0)
    tracker.update(frame([person(300)], 0))
    for i in range(1, 100):
        tracker.update(frame([], i * 9_000_000))
    assert ids(tracker.update(frame([person(300)], 900_000_000))) == [0]


def test_somebody_else_elsewhere_is_somebody_new() -> None:
    tracker = Tracker()
    tracker.update(frame([person(100)], 0))
    assert ids(tracker.update(frame([person(900)], STEP_NS))) == [1]


def test_time_going_back_starts_afresh_with_new_ids() -> None:
    tracker = Tracker()
    tracker.update(frame([person(100), person(500)], 10 * STEP_NS))
    assert ids(tracker.update(frame([person(100)], 0))) == [2]
    tracker.reset()
    assert ids(tracker.update(frame([person(100)], STEP_NS))) == [3]


def test_a_repeated_stamp_keeps_ids_and_does_not_spoil_the_motion() -> None:
    tracker = Tracker()
    for i in range(5):
        for _ in range(2):
            assert ids(tracker.update(frame([person(100 + 10 * i)], i * STEP_NS))) == [0]


def test_people_without_usable_keypoints_are_tracked_by_their_box() -> None:
    tracker = Tracker()
    for i in range(5):
        people = [person(100 + 5 * i, score=0.0), person(700, score=0.0)]
        assert ids(tracker.update(frame(people, i * STEP_NS))) == [0, 1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("when", [0, 6])
def test_a_box_that_is_no_finite_numbers_is_left_out_and_counted(
    bad: float, part: int, when: int
) -> None:
    tracker = Tracker()
    for i in range(12):
        walker, other = person(200 + 4 * i), person(700)
        if i == when:
            box = other.bbox.copy()
            box[part] = bad
            other = replace(other, bbox=box)
        found = tracker.update(frame([other, walker] if i % 2 else [walker, other], i * STEP_NS))
        if i == when:
            (alone,) = found.skeletons
            assert alone.keypoints is walker.keypoints and alone.track_id == 0
            continue
        by_place = sorted(found.skeletons, key=lambda s: float(s.bbox[0]))
        assert [s.track_id for s in by_place] == [0, 1]
    assert tracker.dropped == 1
    assert all(np.isfinite(t.recent.seen.bbox).all() for t in tracker._tracks)


def test_another_layout_starts_afresh() -> None:
    tracker = Tracker()
    tracker.update(frame([person(100)], 0))
    count = get_layout("ntu25").num_keypoints
    other = Skeleton(
        -1,
        person(100).bbox,
        0.9,
        np.zeros((count, 2), dtype=np.float32),
        np.zeros(count, dtype=np.float32),
    )
    found = tracker.update(SkeletonFrame(STEP_NS, (480, 1280), "ntu25", (other,)))
    assert ids(found) == [1]


def test_memory_is_bounded() -> None:
    tracker = Tracker(max_lost_s=60.0, max_tracks=3)
    for i in range(50):
        tracker.update(frame([person(50 + 300 * (i % 4), size=50.0 + i)], i * STEP_NS))
    assert len(tracker._tracks) <= 3


places = st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 480)), max_size=6)


@given(st.lists(places, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_ids_are_unique_and_do_not_depend_on_the_order(
    scenes: list[list[tuple[int, int]]], random: object
) -> None:
    straight, shuffled = Tracker(), Tracker()
    for i, scene in enumerate(scenes):
        order = list(range(len(scene)))
        random.shuffle(order)
        people = [person(float(x), float(y)) for x, y in dict.fromkeys(scene)]
        order = [k for k in order if k < len(people)]
        one = ids(straight.update(frame(people, i * STEP_NS)))
        two = ids(shuffled.update(frame([people[k] for k in order], i * STEP_NS)))
        assert len(set(one)) == len(one) and -1 not in one
        assert [one[k] for k in order] == two


@given(
    st.integers(0, 4).flatmap(
        lambda columns: st.lists(
            st.lists(st.floats(0.0, 1.0), min_size=columns, max_size=columns), max_size=4
        )
    )
)
def test_assignment_is_the_best_one(rows: list[list[float]]) -> None:
    affinity = np.array(rows, dtype=np.float64).reshape(len(rows), -1 if rows else 0)
    least = 0.3
    pairs = assign(affinity, least)
    assert len({r for r, _ in pairs}) == len({c for _, c in pairs}) == len(pairs)
    assert all(affinity[pair] >= least for pair in pairs)
    best = 0.0
    height, width = affinity.shape
    for count in range(min(height, width) + 1):
        for chosen in itertools.combinations(range(height), count):
            for columns in itertools.permutations(range(width), count):
                gains = [affinity[r, c] - least for r, c in zip(chosen, columns, strict=True)]
                if all(gain >= 0.0 for gain in gains):
                    best = max(best, float(sum(gains)))
    assert sum(affinity[pair] - least for pair in pairs) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize(
    ("option", "value"),
    [("max_lost_s", -1.0), ("max_lost_s", float("nan")), ("min_affinity", 0.0), ("max_tracks", 0)],
)
def test_bad_options_are_named(option: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=option):
        Tracker(**{option: value})


@pytest.mark.parametrize("hidden_s", [0.3, 1.0, 1.5])
def test_a_walker_keeps_the_id_through_an_occlusion(hidden_s: float) -> None:
    """At 1.3 m/s: further than any box overlaps, for longer than any velocity surely holds."""
    tracker = Tracker()
    seen = []
    for i in range(120):
        t_s = i / RATE_HZ
        walker = person(100 + 230 * t_s, size=300.0)
        hidden = 1.5 <= t_s < 1.5 + hidden_s
        seen += ids(tracker.update(frame([] if hidden else [walker], round(t_s * 1e9))))
    assert set(seen) == {0}


@pytest.mark.parametrize("front", ["walker", "stander"])
def test_one_skeleton_where_two_people_are_does_not_mix_them_up(front: str) -> None:
    """While one is behind the other only one is found, and nobody knows which of them it is."""
    tracker = Tracker()
    sizes = {"walker": 240.0, "stander": 300.0}
    first: dict[str, int] = {}
    for i in range(90):
        t_s = i / RATE_HZ
        places = {"walker": 200 + 250 * t_s, "stander": 600.0}
        people = {name: person(x, size=sizes[name]) for name, x in places.items()}
        if abs(places["walker"] - 600.0) < 80.0:
            people = {front: people[front]}
            found = tracker.update(frame(list(people.values()), round(t_s * 1e9)))
            continue
        found = tracker.update(frame(list(people.values()), round(t_s * 1e9)))
        for name, track_id in zip(people, ids(found), strict=True):
            assert first.setdefault(name, track_id) == track_id, t_s
    assert sorted(first.values()) == [0, 1]


def test_whoever_walked_out_is_forgotten_before_somebody_else_walks_in() -> None:
    tracker = Tracker(max_lost_s=3.0)
    for i in range(30):
        out = person(900 + 15 * i)
        assert ids(tracker.update(frame([out], i * STEP_NS))) == [0]
    for i in range(30, 60):
        tracker.update(frame([], i * STEP_NS))
    assert ids(tracker.update(frame([person(1240)], 60 * STEP_NS))) == [1]


@pytest.mark.parametrize("image_size", [(480, 1280), (0, 0)])
def test_who_is_hidden_is_remembered_whether_or_not_the_image_size_is_known(
    image_size: tuple[int, int],
) -> None:
    tracker = Tracker(max_lost_s=3.0)
    for seconds, expected in ((0.0, 0), (1.5, 0), (2.9, 0), (6.0, 1)):
        for people in ((), (person(400.0),)):
            stamp_ns = round(seconds * 1e9) + len(people)
            found = tracker.update(replace(frame(people, stamp_ns), image_size=image_size))
        assert ids(found) == [expected]


def test_a_jumping_skeleton_is_compared_with_the_size_of_people() -> None:
    """A child appears where an adult was lost a moment ago: somebody else."""
    tracker = Tracker()
    for i in range(20):
        tracker.update(frame([person(400, size=400.0)], i * STEP_NS))
    child = person(400, size=180.0)
    assert ids(tracker.update(frame([child], 22 * STEP_NS))) == [1]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("score", [0.0, 0.9])
def test_points_that_are_no_numbers_count_as_missing(value: float, score: float) -> None:
    tracker, clean = Tracker(), Tracker()
    for i in range(20):
        walkers = [person(100 + 10 * i), person(700 - 10 * i)]
        lacking = []
        for one, index in zip(walkers, (15, 16), strict=True):  # an ankle each
            keypoints, scores = one.keypoints.copy(), one.scores.copy()
            if i != 10:  # once it is seen again
                keypoints[index], scores[index] = value, score
            lacking.append(replace(one, keypoints=keypoints, scores=scores))
        assert ids(tracker.update(frame(lacking, i * STEP_NS))) == [0, 1]
        # As if the score said so.
        missing = [replace(s, scores=np.where(np.isfinite(s.keypoints).all(axis=1), s.scores, 0))
                   for s in lacking]  # fmt: skip
        hidden = [replace(s, keypoints=np.nan_to_num(s.keypoints, posinf=0.0)) for s in missing]
        clean.update(frame(hidden, i * STEP_NS))
        for one, other in zip(tracker._tracks, clean._tracks, strict=True):
            np.testing.assert_array_equal(one.recent.place, other.recent.place)


def test_somebody_of_whom_nothing_is_a_number_is_tracked_by_the_box() -> None:
    tracker = Tracker()
    for i in range(5):
        one = person(100 + 5 * i)
        nowhere = replace(one, keypoints=np.full_like(one.keypoints, np.nan))
        assert ids(tracker.update(frame([nowhere, person(700)], i * STEP_NS))) == [0, 1]


@pytest.mark.parametrize(("max_lost_s", "rate_hz"), [(0.0, 15.0), (0.1, 8.0), (0.2, 4.0)])
def test_who_is_in_every_frame_keeps_the_id_however_short_the_memory(
    max_lost_s: float, rate_hz: float
) -> None:
    tracker, step_ns = Tracker(max_lost_s=max_lost_s), round(1e9 / rate_hz)
    for i in range(8):
        assert ids(tracker.update(frame([person(300 + 5 * i)], i * step_ns))) == [0]
    # Out of sight in a single frame is out of sight.
    tracker.update(frame([], 8 * step_ns))
    assert ids(tracker.update(frame([person(340)], 9 * step_ns))) == [1]
