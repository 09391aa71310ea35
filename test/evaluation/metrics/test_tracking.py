"""Identity figures by hand and against an independent count that tries everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.evaluation.metrics.tracking import IdCounts, IdFrame, count_identities


def frame(pairs: dict[int, int | None], extra: tuple[int, ...] = (), hidden: tuple[int, ...] = ()):
    """person -> the track in their place; extra: tracks in nobody's."""
    people = list(pairs)
    tracks = [t for t in pairs.values() if t is not None] + list(extra)
    likeness = np.array([[float(pairs[p] == t) for t in tracks] for p in people])
    counted = np.array([p not in hidden for p in people], np.bool_)
    return IdFrame(people, tracks, likeness.reshape(len(people), len(tracks)), counted)


def test_ids_that_stay_are_perfect() -> None:
    found = count_identities([frame({1: 7, 2: 8})] * 5)
    assert (found.idf1, found.mota) == (1.0, 1.0)
    assert (found.switches, found.fragments, found.mixed, found.missed) == (0, 0, 0, 0)


def test_a_swap_costs_two_switches_and_half_of_the_identity() -> None:
    found = count_identities([frame({1: 7, 2: 8})] * 5 + [frame({1: 8, 2: 7})] * 5)
    assert (found.switches, found.mixed, found.idf1) == (2, 2, 0.5)
    assert found.mota == pytest.approx(1 - 2 / 20)


def test_a_new_id_after_a_gap_is_a_switch_and_a_fragment() -> None:
    away = [frame({1: None})] * 2
    same = count_identities([frame({1: 7})] * 4 + away + [frame({1: 7})] * 4)
    assert (same.switches, same.fragments, same.missed) == (0, 1, 2)
    assert same.idf1 == pytest.approx(2 * 8 / (10 + 8))
    new = count_identities([frame({1: 7})] * 4 + away + [frame({1: 9})] * 4)
    assert (new.switches, new.fragments) == (1, 1)
    assert new.idf1 == pytest.approx(2 * 4 / (10 + 8))


def test_hidden_people_need_not_be_found_and_are_no_mistake_when_they_are() -> None:
    seen, hidden = frame({1: 7, 2: 8}), frame({1: 7, 2: 8}, hidden=(2,))
    found = count_identities([seen, hidden, frame({1: 7, 2: None}, hidden=(2,)), seen])
    assert (found.people, found.extra, found.fragments, found.idf1) == (6, 0, 0, 1.0)


def test_tracks_in_nobodys_place_are_extra() -> None:
    found = count_identities([frame({1: 7}, extra=(9,))] * 4)
    assert (found.extra, found.mota, found.idf1) == (4, 0.0, pytest.approx(2 * 4 / (4 + 8)))


def test_sums_over_recordings_do_not_mix_identities() -> None:
    one, two = count_identities([frame({1: 7})] * 3), count_identities([frame({1: 8})] * 3)
    assert (one + two).idf1 == 1.0 and (one + two).people == 6
    assert np.isnan(IdCounts().idf1) and np.isnan(IdCounts().mota)


PEOPLE, TRACKS = (1, 2, 3), (7, 8, 9)


@st.composite
def recordings(draw: st.DrawFn) -> list[dict[int, int | None]]:
    """Up to six frames; in each everybody has another track in their place, or none."""
    frames = []
    for _ in range(draw(st.integers(1, 6))):
        tracks = draw(st.permutations([*TRACKS, None, None]))
        frames.append(dict(zip(PEOPLE, tracks[:3], strict=True)))
    return frames


@given(recordings())
def test_against_every_possible_identity(pairs: list[dict[int, int | None]]) -> None:
    found = count_identities([frame(each) for each in pairs])
    tracked = sum(t is not None for each in pairs for t in each.values())
    best = max(
        sum(each[p] == t for each in pairs for p, t in zip(PEOPLE, tracks, strict=True))
        for tracks in itertools.permutations(TRACKS)
    )
    assert found.id_hits == best
    assert found.idf1 == pytest.approx(2 * best / (3 * len(pairs) + tracked))
    switches = fragments = 0
    for person in PEOPLE:
        row = [each[person] for each in pairs]
        sights = [t for t in row if t is not None]
        switches += sum(a != b for a, b in itertools.pairwise(sights))
        runs = [key for key, _ in itertools.groupby(t is not None for t in row)]
        fragments += max(sum(runs) - 1, 0)
    assert (found.switches, found.fragments) == (switches, fragments)
    assert (found.matched, found.extra) == (tracked, 0)
