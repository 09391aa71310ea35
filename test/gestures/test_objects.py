"""What is held in a gesture: reading, refusing, writing; pairs that only the object tells apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import (
    BodyShape,
    GesturePlayer,
    Style,
    Vocabulary,
    dump_vocabulary,
    load_vocabulary,
    parse_vocabulary,
)
from bharnet_ros.gestures.objects import OBJECTS
from bharnet_ros.simulation.props import PROP_KINDS

HELD = load_vocabulary("held_objects")
HEAD = """
format: 2
background: idle
hands:
  grip: {fingers: half, thumb: relaxed}
  open: {fingers: extended, thumb: out}
postures:
  low: {wrist: {forward: 0.4, inward: -0.1, up: -0.3}, palm: inward, fingers: forward, elbow: down}
idle: {rests: {low: {hand: open, posture: low, weight: 1}}}
gestures:
  one: {meaning: m, hand: grip, posture: low, holds: {object: cup}}
  both: {meaning: m, hand: grip, posture: low, which: both, holds: {object: book, hand: both}}
  empty: {meaning: m, hand: grip, posture: low}
"""


def test_every_object_can_be_drawn() -> None:
    assert OBJECTS == PROP_KINDS


def test_the_two_of_a_pair_are_one_description_but_for_the_object() -> None:
    assert len(HELD.object_pairs) == 4
    for names in HELD.object_pairs:
        first, second = (HELD[name] for name in names)
        for part in ("hands", "postures", "which", "motion", "duration_s", "second", "vary"):
            assert getattr(first, part) == getattr(second, part), part
        assert first.holds is not None and second.holds is not None
        assert first.holds.hand == second.holds.hand
        assert not set(first.holds.objects) & set(second.holds.objects)
    paired = {name for pair in HELD.object_pairs for name in pair}
    alone = [g for g in HELD if g.name not in paired]
    assert len(paired) == 8 and len(alone) == 6 and all(g.holds is None for g in alone)


@pytest.mark.parametrize("names", HELD.object_pairs)
def test_the_two_of_a_pair_move_alike(names: tuple[str, str]) -> None:
    times = np.arange(0.0, 4.0, 0.1)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        player = GesturePlayer(HELD, BodyShape.sample(rng), Style.sample(rng))
        first, second = (
            player.plan([(name, 0.6, 2.5)], np.random.default_rng(seed)).poses(times)
            for name in names
        )
        assert np.array_equal(first, second)


def test_what_is_read_and_what_same_as_takes_over() -> None:
    found = parse_vocabulary(
        HEAD + "  other: {meaning: another, same_as: one, holds: {object: [phone, card]}}\n"
        "object_pairs: [[one, other], [one, empty]]\n"
    )
    assert found["one"].holds is not None and found["one"].holds.hand == "which"
    assert found["both"].holds is not None and found["both"].holds.hand == "both"
    assert found["empty"].holds is None
    assert found["other"].holds is not None
    assert found["other"].holds.objects == ("phone", "card") and found["other"].meaning == "another"
    assert found["other"].motion_signature() == found["one"].motion_signature()
    assert found.object_pairs == (("one", "other"), ("one", "empty"))


def test_written_out_and_read_again_it_is_the_same() -> None:
    again = parse_vocabulary(dump_vocabulary(HELD))
    assert again.object_pairs == HELD.object_pairs
    for name in HELD.actions:
        assert again[name].holds == HELD[name].holds
        assert again[name].arm_signature() == HELD[name].arm_signature()
    assert "holds" not in dump_vocabulary(load_vocabulary("first_light"))


def test_what_extends_takes_pairs_of_what_it_takes() -> None:
    own = "format: 2\nextends: held_objects\nalso: [drink, speak_into_phone, show_card]\n"
    assert parse_vocabulary(own).object_pairs == (("drink", "speak_into_phone"),)


def _more(text: str) -> Callable[[], Vocabulary]:
    return lambda: parse_vocabulary(HEAD + text, "own.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  x: {meaning: m, hand: open, posture: low, holds: {object: sword}}", "'sword'"),
        ("  x: {meaning: m, hand: open, posture: low, holds: {object: []}}", "nothing to hold"),
        ("  x: {meaning: m, hand: open, posture: low, holds: {object: [cup, cup]}}", "twice"),
        ("  x: {meaning: m, hand: open, posture: low, holds: {object: cup, hand: left}}", "'left'"),
        ("  x: {meaning: m, hand: open, posture: low, holds: cup}", "mapping"),
        ("  x: {meaning: m, which: none, motion: {shrug: {length: 0.1}}, holds: {object: cup}}",
         "without hands"),
        ("  x: {meaning: m, hand: open, posture: low, which: both, holds: {object: cup}}",
         "hand: both"),
        ("  x: {meaning: m, hand: open, posture: low, holds: {object: cup, hand: both}}",
         "which: both"),
        ("  x: {meaning: m, same_as: nobody, holds: {object: cup}}", "'nobody'"),
        ("  x: {meaning: m, same_as: one}", "'holds' is missing"),
        ("  x: {meaning: m, same_as: one, posture: low, holds: {object: ball}}", "'posture'"),
        ("  x: {meaning: m, same_as: one, holds: {object: cup}}", "same gesture"),
        ("object_pairs: [[one, both]]", "more than what is held"),
        ("object_pairs: [[one, one]]", "two different"),
        ("  x: {meaning: m, hand: grip, posture: low, holds: {object: [ball, cup]}}",
         "same gesture"),
        ("pairs: [[one, empty]]", "more than the fingers"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_with_place_and_remedy(text: str, problem: str) -> None:
    with pytest.raises(GestureError, match=r"^own\.yaml:\d+: ") as caught:
        _more(text + "\n")()
    assert problem in str(caught.value)
