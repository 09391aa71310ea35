"""How far a motion takes the wrist: refused by the file exactly when it is played too far."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import (
    GesturePlayer,
    Style,
    Vocabulary,
    load_vocabulary,
    parse_vocabulary,
    shipped_vocabularies,
)
from bharnet_ros.gestures.posture import WRIST, arm_slice

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_gestures.yaml"
HANGING = "palm: inward, fingers: {down: 1, forward: 0.1}, elbow: backward"
LOW = f"wrist: {{forward: 0.2, inward: -0.1, up: -0.9}}, {HANGING}"
ASIDE = f"wrist: {{forward: 0.2, inward: -0.8, up: -0.4}}, {HANGING}"
BACK = f"wrist: {{forward: -0.5, inward: -0.1, up: -0.75}}, {HANGING}"
HELD_OUT = "palm: inward, fingers: forward, elbow: down"
AHEAD = f"wrist: {{forward: 0.9, inward: -0.1, up: -0.2}}, {HELD_OUT}"


def loaded(motion: str, posture: str, which: str = "one") -> Vocabulary:
    return parse_vocabulary(
        "format: 2\nextends: gestures\ngestures:\n  g:\n    meaning: x\n    hand: open\n"
        f"    which: {which}\n    posture: {{{posture}}}\n"
        f"    motion: {motion}\n    duration_s: 6\n",
        "mine.yaml",
    )


@pytest.mark.parametrize(
    ("motion", "posture"),
    [
        ("{circle: {length: 0.4, rate_hz: 0.5}}", LOW),
        ("{circle: {length: 0.4, rate_hz: 0.5}}", ASIDE),
        ("{roll: {length: 0.4, rate_hz: 0.5}}", LOW),
        ("{roll: {length: 0.4, rate_hz: 0.5}}", AHEAD),
        ("{stir: {length: 0.4, rate_hz: 0.5}}", BACK),
        ("{stir: {length: 0.4, rate_hz: 0.5}}", ASIDE),
        ("{swipe: {toward: left, length: 1.2}}", ASIDE),
        ("{swipe: {toward: right, length: 1.2}}", ASIDE),
        ("{push: {length: 0.4, rate_hz: 0.5}}", AHEAD),
        ("{raise: {toward: down, length: 0.4}}", LOW),
        ("{bounce: {toward: down, length: 0.4, rate_hz: 0.5}}", LOW),
    ],
)
def test_a_motion_out_of_reach_is_refused_in_every_direction(motion: str, posture: str) -> None:
    with pytest.raises(GestureError, match=r"mine\.yaml:9: gestures\.g\.motion: .*out of an arm"):
        loaded(motion, posture)


@pytest.mark.parametrize(
    ("motion", "posture"),
    [
        ("{raise: {toward: up, length: 0.7}}", "wrist: {forward: 0.1, inward: 0, up: -0.45}"),
        ("{swipe: {toward: left, length: 0.8}}", "wrist: {forward: 0.1, inward: 0.33, up: -0.1}"),
    ],
)
def test_a_motion_through_the_shoulder_is_refused(motion: str, posture: str) -> None:
    arm = f"{posture}, palm: forward, fingers: {{forward: 1, down: 1}}, elbow: backward"
    with pytest.raises(GestureError, match=r"mine\.yaml:9: .*nearer than an arm folds; make `len"):
        loaded(motion, arm)


def test_hands_that_clap_part_within_reach() -> None:
    with pytest.raises(GestureError, match="'clap' takes the wrist"):
        loaded("{clap: {length: 1.2, rate_hz: 0.5}}", ASIDE, "both")


@pytest.mark.parametrize(
    ("motion", "posture"),
    [
        ("{raise: {toward: up, length: 0.4}}", LOW),
        ("{push: {length: 0.4, rate_hz: 0.5}}", BACK),
        ("{circle: {length: 0.1, rate_hz: 0.5}}", LOW),
        # An arc about the shoulder: its ends are nearer than those of a straight line.
        ("{swipe: {toward: left, length: 0.9}}", AHEAD),
    ],
)
def test_what_stays_within_reach_is_accepted_and_played_so(motion: str, posture: str) -> None:
    player = GesturePlayer(loaded(motion, posture), style=Style(tremor=0, fidget=0))
    performance = player.plan([("g", 1.0, 6.0)], np.random.default_rng(0))
    segment = performance.segments[0]
    channels = performance.channels(np.linspace(segment.arrived_s, segment.released_s, 200))
    for side in (0, 1):
        wrists = channels[:, arm_slice(side)][:, WRIST]
        assert np.linalg.norm(wrists, axis=1).max() < 1.1


def idling(motion: str, part: str) -> Vocabulary:
    return parse_vocabulary(
        f"format: 2\nextends: gestures\nalso: all\nidle:\n  {part}:\n    fidget:\n"
        f"      hand: open\n      weight: 1\n      posture: {{{LOW}}}\n      motion: {motion}\n",
        "mine.yaml",
    )


@pytest.mark.parametrize("part", ["rests", "habits"])
def test_idle_hands_stay_within_reach_too(part: str) -> None:
    with pytest.raises(GestureError) as told:
        idling("{circle: {length: 0.4, rate_hz: 0.5}}", part)
    assert str(told.value).startswith(
        f"mine.yaml:10: idle.{part}.fidget.motion: 'circle' takes the wrist of posture "
        "'fidget_posture' 1."
    )
    assert str(told.value).endswith("make `length` smaller, or let the posture begin nearer.")
    found = getattr(idling("{circle: {length: 0.1, rate_hz: 0.5}}", part), part)
    assert found[-1].gesture.name == "fidget"


@pytest.mark.parametrize("name", [*shipped_vocabularies(), EXAMPLE])
def test_shipped_motions_are_within_reach(name: str | Path) -> None:
    assert load_vocabulary(name).actions
