"""Results and depth images by stamp: early, late, missing, and time that begins anew."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.nodes.pairing import StampPairs

MS = 1_000_000


def stamps(pairs: list) -> list[tuple[int, int]]:
    return [(pair.result, pair.depth) for pair in pairs]


def test_a_depth_image_that_waits_is_paired_at_once() -> None:
    pairs: StampPairs[int, int] = StampPairs(20 * MS, 10)
    for stamp in (0, 33 * MS, 66 * MS, 100 * MS):
        assert pairs.add_depth(stamp, stamp) == []
    (pair,) = pairs.add_result(40 * MS, 40)
    assert (pair.result, pair.depth, pair.offset_ns) == (40, 33 * MS, -7 * MS)


def test_a_result_waits_for_the_next_depth_image_which_may_be_nearer() -> None:
    pairs: StampPairs[int, int] = StampPairs(20 * MS, 10)
    pairs.add_depth(0, 0)
    assert pairs.add_result(18 * MS, 18) == []
    assert stamps(pairs.add_depth(20 * MS, 20)) == [(18, 20)]


def test_what_has_no_depth_image_is_given_up_and_counted() -> None:
    pairs: StampPairs[int, int] = StampPairs(5 * MS, 10)
    assert pairs.add_result(10 * MS, 10) == []
    assert pairs.add_depth(100 * MS, 100) == [] and pairs.unpaired == 1
    for index in range(40):  # and nobody waits without end
        pairs.add_result((200 + index) * MS, index)
    assert pairs.unpaired == 1 + 40 - 16


def test_one_depth_image_serves_results_of_a_faster_camera() -> None:
    pairs: StampPairs[int, int] = StampPairs(20 * MS, 10)
    pairs.add_result(90 * MS, 90)
    pairs.add_result(100 * MS, 100)
    assert stamps(pairs.add_depth(100 * MS, 7)) == [(90, 7), (100, 7)]


def test_old_depth_images_go() -> None:
    pairs: StampPairs[int, int] = StampPairs(5 * MS, 3)
    for index in range(10):
        pairs.add_depth(index * 100 * MS, index)
    assert pairs.add_result(600 * MS, 6) == [] and pairs.unpaired == 1
    assert stamps(pairs.add_result(700 * MS, 7)) == [(7, 7)]


def test_time_that_begins_anew_by_either() -> None:
    by_depth: StampPairs[int, int] = StampPairs(5 * MS, 10)
    by_depth.add_depth(10_000 * MS, 1)
    by_depth.add_result(11_000 * MS, 1)
    by_depth.add_depth(100 * MS, 2)
    assert stamps(by_depth.add_result(100 * MS, 3)) == [(3, 2)]
    by_result: StampPairs[int, int] = StampPairs(5 * MS, 10)
    by_result.add_depth(10_000 * MS, 1)
    assert by_result.add_result(100 * MS, 3) == [] and by_result.unpaired == 0
    assert stamps(by_result.add_depth(101 * MS, 2)) == [(3, 2)]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4_000)), max_size=60), st.integers(0, 100)
)
def test_pairs_are_always_near_and_each_result_comes_once(
    events: list[tuple[bool, int]], within_ms: int
) -> None:
    pairs: StampPairs[int, tuple[int, int]] = StampPairs(within_ms * MS, 5)
    seen = []
    for number, (is_depth, at) in enumerate(events):
        if is_depth:
            found = pairs.add_depth(at * MS, (number, at))
        else:
            found = pairs.add_result(at * MS, number)
        for pair in found:
            assert abs(pair.offset_ns) <= within_ms * MS
            assert pair.depth[1] * MS - events[pair.result][1] * MS == pair.offset_ns
            seen.append(pair.result)
    assert len(seen) == len(set(seen))


def test_results_later_than_two_seconds_find_their_depth_images() -> None:
    pairs: StampPairs[int, int] = StampPairs(20 * MS, 120)
    found = []
    for index in range(120):
        pairs.add_depth(index * 66 * MS, index)
        if index >= 45:  # the estimator is three seconds behind
            found += stamps(pairs.add_result((index - 45) * 66 * MS, index - 45))
    assert found == [(index, index) for index in range(75)] and pairs.unpaired == 0
