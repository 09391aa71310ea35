"""False alarms, right and wrong gestures, delays: counted on films that are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.rules import RecognizerConfig, rules_for
from training.measuring import drawn, idle, rates, reaction
from training.measuring.following import judgements
from training.replay import Judgement
from training.sequences import GestureSpan

from .conftest import S

NAMES = ("idle", "stop", "fist")


def test_every_start_in_an_idle_film_is_false(judge, raising):
    quiet = replace(
        raising, keypoints=np.stack([raising.keypoints[0]] * len(raising.keypoints)), spans=()
    )
    figures = idle.measure([raising, quiet], [quiet], {"tiny": judge}).figures["tiny"]
    assert figures["drawn"]["events"] == 1
    assert figures["drawn"]["classes"] == {"stop": 1}
    hours = 2 * raising.duration_s / 3600.0
    assert figures["drawn"]["per_hour"] == pytest.approx(1 / hours)
    assert figures["clips"]["events"] == 0
    assert figures["together"]["per_hour"] == pytest.approx(1 / (1.5 * hours))


def test_gestures_are_right_wrong_or_missed(judge, raising):
    wrong = replace(raising, spans=(GestureSpan("fist", 3 * S, 6 * S),))
    missed = replace(raising, spans=(GestureSpan("stop", 7 * S, 9 * S),))
    turned = replace(raising, info={**raising.info, "yaw_deg": -40.0})
    strange = replace(raising, spans=(*raising.spans, GestureSpan("shrug", 8 * S, 9 * S)))
    films = [raising, wrong, missed, turned, strange]
    found = drawn.measure(films, {"tiny": judge}).figures["tiny"]
    every = found["groups"]["all"]
    assert (every["gestures"], every["right"], every["wrong"], every["missed"]) == (5, 3, 1, 1)
    assert found["classes"]["fist"]["taken_for"] == {"stop": 1}
    assert found["classes"]["stop"] == {
        "count": 4, "right": 3, "taken_for": {"(missed)": 1}, "accuracy": 0.75
    }  # fmt: skip
    assert found["false_alarms_of"] == {"stop": 1}
    assert found["groups"]["turned beyond 30°"]["gestures"] == 1
    assert found["groups"]["hand shapes"]["gestures"] == 5
    assert found["not_covered"] == ["shrug"]


def test_delays_by_hand(judge):
    """Sure of the stop from 1.3 s to 2 s; the second film never is, the third says fist first."""
    times = np.arange(0, 40) * S // 10
    idle_row, stop_row, fist_row = np.eye(3, dtype=np.float32) * 0.9 + np.float32(0.03)

    def tape(*parts):
        rows = [idle_row] * len(times)
        for row, begin, end in parts:
            rows = [
                row if begin <= t / S < end else old for t, old in zip(times, rows, strict=True)
            ]
        return [Judgement(int(t), row) for t, row in zip(times, rows, strict=True)]

    tapes = [tape((stop_row, 1.3, 2.5)), tape(), tape((fist_row, 1.2, 1.8), (stop_row, 1.8, 3.0))]
    stops = [reaction.Stop(film, 0.6, 1.0, 2.5) for film in range(3)]
    rules = rules_for(
        judge.bundle.manifest, RecognizerConfig(confirm_s=0.1, smoothing_s=0.0, start=0.6)
    )
    found = reaction.delays(stops, tapes, rules, NAMES, "stop")
    assert (found["reported"], found["missed"], found["with_wrong"]) == (2, 1, 1)
    # 1.4 - 1.0 and 1.9 - 1.0: both one tick of confirmation after they are sure.
    assert found["from_hold_p50_s"] == pytest.approx(0.65)
    assert found["from_movement_p50_s"] == pytest.approx(1.05)
    assert found["from_hold_p95_s"] is None  # a missed stop is infinitely late
    assert reaction.false_alarms(tapes, rules, NAMES) == 3


def test_the_front_has_nothing_that_is_beaten():
    def point(delay, alarms):
        return {"from_hold_p95_s": delay, "per_hour": alarms}

    curve = [point(0.3, 9.0), point(0.5, 2.0), point(0.4, 9.0), point(0.6, 3.0), point(None, 0.0)]
    assert reaction.front(curve) == [point(0.3, 9.0), point(0.5, 2.0)]


def test_longer_confirmation_is_never_sooner(judge, raising):
    tape = judgements(raising, judge)
    stop = [reaction.Stop(0, 3.0, 3.0, 6.0)]
    delays = [
        reaction.delays(
            stop, [tape],
            rules_for(judge.bundle.manifest, RecognizerConfig(confirm_s=confirm)), NAMES, "stop",
        )["from_hold_p50_s"]
        for confirm in (0.0, 0.2, 0.4)
    ]  # fmt: skip
    assert delays == sorted(delays)
    assert delays[0] < delays[-1]


def test_what_a_bundle_calls_the_stop(judge):
    assert reaction.class_of(judge) == "stop"
    blind = type(judge)(judge.bundle, judge.engine, judge.experts, (None,) * 3, judge.known)
    assert reaction.class_of(blind) == "stop"


def test_films_with_fewer_images(judge, raising):
    """`raising` has 15 images a second."""
    for rate_hz, expected_hz in ((3.0, 3.0), (2.5, 2.5), (10.0, 10.0), (30.0, 15.0)):
        film = rates.thinned(raising, rate_hz)
        assert np.isin(film.stamps_ns, raising.stamps_ns).all()
        steps = np.diff(film.stamps_ns) / S
        assert steps.mean() == pytest.approx(1.0 / expected_hz, rel=0.05)
        assert abs(steps - 1.0 / expected_hz).max() < 0.1
    found = rates.measure([raising], [raising], {"tiny": judge}).figures["tiny"]
    assert [found[rate]["right"] for rate in ("10.0", "5.0", "3.3", "2.5", "2.0")] == [1] * 5
    assert found["1.5"]["missed"] == 1, "further apart than windows join"
    assert found["2.0"]["idle_per_hour"] == pytest.approx(3600.0 / raising.duration_s)
