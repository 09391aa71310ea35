"""Format 2: alternatives, both kinds of hands, the body alone, and files that extend others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import (
    GesturePlayer,
    Style,
    Vocabulary,
    dump_vocabulary,
    load_vocabulary,
    parse_vocabulary,
)
from bharnet_ros.gestures.fingers import FINGER_STATES, THUMB_STATES

SMALL = """\
format: 2
background: idle
hands:
  open: {fingers: extended, thumb: out}
  fist: {fingers: curled, thumb: folded}
postures:
  raised:
    wrist: {forward: 0.4, inward: -0.2, up: -0.1}
    palm: forward
    fingers: up
    elbow: down
    vary: {position: 0.05, turn: [30, 20, 100], elbow: 40}
  high:
    wrist: {forward: 0.2, inward: -0.3, up: 0.5}
    palm: forward
    fingers: up
    elbow: {down: 1, outward: 1}
  hang:
    wrist: {forward: 0.1, inward: -0.1, up: -0.95}
    palm: inward
    fingers: down
    elbow: backward
gestures:
  stop: {meaning: stop, hand: [open, fist], posture: [raised, high]}
  go: {meaning: go, hand: open, posture: raised, which: both, second: {hand: fist, posture: hang}}
  yes: {meaning: "yes", which: none, motion: {nod: {degrees: 15, rate_hz: 2}}}
idle:
  rests:
    hang: {hand: [open, fist], posture: hang, weight: 1}
"""
MINE = """\
format: 2
extends: gestures
gestures:
  crossed_fingers:
    meaning: good luck
    hand: {fingers: {index: extended, middle: half, others: curled}, thumb: folded}
    posture: [beside, chest]
"""


def load(folder: Path, text: str, name: str = "mine.yaml") -> Vocabulary:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return load_vocabulary(path)


def same(first: Vocabulary, second: Vocabulary) -> bool:
    """Whether both play alike; a dump gives names to parts that were written out in place."""
    known = (first.hands.items() <= second.hands.items()) and (
        first.postures.items() <= second.postures.items()
    )
    parts = ("class_names", "gestures", "others", "everyday", "rests", "habits", "pairs")
    return known and all(getattr(first, p) == getattr(second, p) for p in parts)


def test_alternatives_second_hands_and_bodies_are_read() -> None:
    vocabulary = parse_vocabulary(SMALL)
    stop, go, yes = vocabulary
    assert [h.name for h in stop.hands] == ["open", "fist"]
    assert [p.name for p in stop.postures] == ["raised", "high"]
    assert (stop.hand, stop.posture) == (stop.hands[0], stop.postures[0])
    assert stop.posture.vary_turn_deg == (30, 20, 100)
    assert stop.posture.vary_elbow_deg == 40
    assert go.both
    assert go.second is not None
    assert go.second.hand.name == "fist"
    assert go.second.posture.name == "hang"
    assert yes.body_only
    assert yes.sides("right") == ()
    assert stop.sides("left") == (0,)
    with pytest.raises(GestureError, match="'yes' is made without hands"):
        _ = yes.posture


def test_all_alternatives_are_played() -> None:
    player = GesturePlayer(parse_vocabulary(SMALL), style=Style(fidget=0.0, tremor=0.0))
    seen = set()
    for seed in range(30):
        performance = player.plan([("stop", 1.0, 2.0)], np.random.default_rng(seed))
        pose = performance.pose(2.0)
        straight = np.linalg.norm(pose[112 + 12] - pose[112 + 9]) > 0.05
        seen.add((bool(straight), bool(pose[10, 2] > pose[0, 2])))
    assert len(seen) == 4


def test_the_second_hand_does_its_own_and_only_the_first_moves() -> None:
    text = SMALL.replace(
        "which: both, second", "which: both, motion: {wave: {degrees: 25, rate_hz: 2}}, second"
    )
    for handedness, strong, weak in (("right", 10, 9), ("left", 9, 10)):
        style = Style(handedness=handedness, fidget=0.0, tremor=0.0)
        player = GesturePlayer(parse_vocabulary(text), style=style)
        performance = player.plan([("go", 1.0, 3.0)], np.random.default_rng(0))
        poses = performance.poses(np.arange(2.0, 3.0, 0.02))
        assert poses[0, strong, 2] > poses[0, weak, 2] + 0.3
        assert np.ptp(poses[:, strong], axis=0).max() > 0.05
        assert np.ptp(poses[:, weak], axis=0).max() < 0.02


def test_parts_can_be_written_out_in_place() -> None:
    vocabulary = parse_vocabulary(
        SMALL.replace("hand: open, posture: raised", "hand: {fingers: half, thumb: out}, "
                      "posture: {wrist: {forward: 0.4, inward: 0.1, up: -0.2}, palm: forward, "
                      "fingers: up, elbow: down}")
    )  # fmt: skip
    assert vocabulary["go"].hand.fingers == ("half",) * 4
    assert vocabulary["go"].posture.wrist == (0.4, 0.1, -0.2)
    assert parse_vocabulary(dump_vocabulary(vocabulary))["go"] == vocabulary["go"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("hand: [open, fist], posture: [", "hand: [open, open], posture: [", 24, "given twice"),
        ("hand: [open, fist], posture: [", "hand: [], posture: [", 24, "nothing to choose from"),
        ("hand: [open, fist], posture: [", "hand: [open, palm], posture: [", 24, "'palm' is not"),
        ("which: both, second", "which: left, second", 25, "not made with both; add `which: both`"),
        ("which: both, second", "second", 25, "not made with both"),
        ("which: both", "which: three", 25, "'three' is not known; use one of one, both, left"),
        ("which: none", "hand: open, which: none", 26, "without hands, so it has no hand"),
        ("which: none", "posture: high, which: none", 26, "no posture; leave `posture` away"),
        ("which: none, ", "", 26, "'hand' is missing; add `hand:`, or `which: none`"),
        (", motion: {nod: {degrees: 15, rate_hz: 2}}", "", 26, "nothing to see; add `motion:`"),
        ("nod: {degrees: 15", "wave: {degrees: 15", 26, "moves a hand, and the gesture is made"),
        ("nod: {degrees: 15", "nod: {degrees: 80", 26, "keep it within 1 to 45"),
        ("nod: {degrees: 15", "dance: {degrees: 15", 26, "is no motion; use one of .*nod.*shrug"),
        ("elbow: 40", "elbow: 120", 12, "keep it within 0 to 90"),
        ("turn: [30, 20, 100]", "turn: [30, 20, 130]", 12, "keep it within 0 to 120"),
        ("thumb: out}", "thumb: up, touch: [thumb, index]}", 4, "cannot touch .* while extended"),
        (
            "fingers: extended, thumb: out}", "fingers: half, thumb: up, touch: [thumb, index]}", 4,
            "the thumb cannot touch the index while it is up",
        ),
        (
            "posture: [raised, high]}",
            "posture: high, motion: {raise: {toward: up, length: 0.8}}}",
            24, "'raise' takes the wrist of posture 'high' 1.35 arm lengths",
        ),
        (
            "posture: [raised, high]}", "posture: high, motion: {wag: {degrees: 60, rate_hz: 2}}}",
            24, "60 is out of range; keep it within 1 to 38",
        ),
        (
            "  go: {", "  halt: {meaning: halt, hand: fist, posture: [hang, high]}\n  go: {",
            25, "'halt' and 'stop' are the same gesture when the hand is 'fist' and .*'high'",
        ),
        (
            "  go: {", "  halt: {meaning: halt, which: left, hand: open, posture: high}\n"
            "  go: {", 25, "'halt' and 'stop' are the same gesture",
        ),
        (
            "idle:\n", "  aye: {meaning: aye, which: none, motion: {nod: {degrees: 15, "
            "rate_hz: 2}}}\nidle:\n", 27, "'aye' and 'yes' are the same gesture",
        ),
        ("hand: [open, fist], posture: hang", "motion: {nod: {degrees: 5, rate_hz: 1}}, hand: "
         "open, posture: hang", 29, "idle hands cannot nod"),
        ("weight: 1}", "weight: 1}\nothers:\n  stop: {meaning: s, hand: open, posture: hang}", 31,
         "'stop' is one of the gestures, too"),
        ("format: 2\n", "format: 2\nalso: all\n", 2, "'also' is not known here"),
    ],
)  # fmt: skip
def test_errors_name_line_and_remedy(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in SMALL
    with pytest.raises(GestureError, match=rf"mine\.yaml:{line}: .*{words}"):
        load(tmp_path, SMALL.replace(old, new, 1))


def test_an_extension_takes_hands_postures_and_idle_and_knows_the_rest() -> None:
    base, mine = load_vocabulary("gestures"), parse_vocabulary(MINE)
    assert mine.class_names == ("idle", "crossed_fingers")
    assert mine["crossed_fingers"].posture == base.postures["beside"]
    assert (mine.rests, mine.habits) == (base.rests, base.habits)
    assert dict(mine.others) == dict(base.gestures)
    assert mine.everyday == base.everyday
    assert mine.pairs == ()


def test_an_extension_can_take_gestures_too() -> None:
    base = load_vocabulary("gestures")
    some = parse_vocabulary(MINE.replace("gestures:\n", "also: [rock, ily]\ngestures:\n", 1))
    assert some.class_names == ("idle", "rock", "ily", "crossed_fingers")
    assert some["rock"] == base["rock"]
    assert set(some.others) == set(base.actions) - {"rock", "ily"}
    assert some.pairs == (("rock", "ily"),)
    every = parse_vocabulary(MINE.replace("gestures:\n", "also: all\ngestures:\n", 1))
    assert every.class_names == (*base.class_names, "crossed_fingers")
    assert not every.others
    alone = parse_vocabulary("format: 2\nextends: gestures\nalso: [stop]\n")
    assert alone.class_names == ("idle", "stop")


def test_own_gestures_replace_those_not_taken() -> None:
    text = MINE.replace("crossed_fingers", "rock")
    mine = parse_vocabulary(text)
    assert mine["rock"].meaning == "good luck"
    assert "rock" not in mine.others
    twin = parse_vocabulary(
        "format: 2\nextends: first_light\ngestures:\n"
        "  halt: {meaning: halt, hand: open, posture: raised_palm}\n"
    )
    assert "stop" not in twin.others, "the same gesture under another name"


def test_extensions_of_extensions_and_files_beside(tmp_path: Path) -> None:
    load(tmp_path, MINE, "first.yaml")
    second = load(tmp_path, "format: 2\nextends: first.yaml\nalso: [crossed_fingers, stop]\n")
    assert second.actions == ("crossed_fingers", "stop")
    assert len(second.others) == 34
    assert same(second, parse_vocabulary(dump_vocabulary(second)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("extends: gestures", "extends: gesture", r"mine.yaml:2: .*no gesture file .*first_light"),
        ("extends: gestures", "extends: absent.yaml", "absent.yaml: cannot be read"),
        ("extends: gestures", "extends: mine.yaml", r"mine.yaml:2: .*extends itself"),
        ("extends: gestures", "extends: gestures\nalso: [hello]", r"'hello' is not known; use"),
        ("extends: gestures", "extends: gestures\nalso: some", "write `also: all` or a list"),
        ("extends: gestures", "extends: gestures\nalso: [rock, rock]", "'rock' is named twice"),
        ("extends: gestures", "extends: gestures\nbackground: none", "leave `background` away"),
        (
            "extends: gestures\ngestures:\n  crossed_fingers:",
            "extends: gestures\nalso: [rock]\ngestures:\n  rock:", "taken from the extended file",
        ),
        (
            "gestures:\n  c", "hands:\n  open: {fingers: half, thumb: out}\ngestures:\n  c",
            "hands.open: 'open' is already described",
        ),
    ],
)  # fmt: skip
def test_wrong_extensions_are_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in MINE
    with pytest.raises(GestureError, match=words):
        load(tmp_path, MINE.replace(old, new, 1))


def test_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("format: 2\nextends: b.yaml\nalso: all\n")
    (tmp_path / "b.yaml").write_text("format: 2\nextends: a.yaml\nalso: all\n")
    with pytest.raises(GestureError, match=r"extends itself \(a.yaml -> b.yaml -> a.yaml\)"):
        load_vocabulary(tmp_path / "a.yaml")


def test_unknown_names_and_empty_files_are_refused() -> None:
    with pytest.raises(GestureError, match=r"no gesture file 'first_lihgt'; use one of .*gestures"):
        load_vocabulary("first_lihgt")
    with pytest.raises(GestureError, match=r"there is no gesture"):
        parse_vocabulary("format: 2\nextends: gestures\n")


hands = st.builds(
    lambda fingers, thumb, spread: (
        f"{{fingers: {{index: {fingers[0]}, middle: {fingers[1]}, ring: {fingers[2]}, "
        f"pinky: {fingers[3]}}}, thumb: {thumb}, spread: [{spread[0]}, {spread[1]}]}}"
    ),
    st.tuples(*[st.sampled_from(sorted(FINGER_STATES))] * 4),
    st.sampled_from(sorted(THUMB_STATES)),
    st.tuples(st.floats(-12, 28), st.floats(-12, 28)).map(sorted),
)
places = st.tuples(st.floats(0.35, 0.6), st.floats(-0.4, 0.3), st.floats(-0.3, 0.3))


@given(
    drawn=st.lists(hands, min_size=1, max_size=3, unique=True),
    place=places,
    turn=st.tuples(st.floats(0, 180), st.floats(0, 90), st.floats(0, 120)),
    count=st.floats(1, 9),
)
@settings(max_examples=30, deadline=None)
def test_any_description_survives_being_dumped(
    drawn: list[str], place: tuple[float, ...], turn: tuple[float, ...], count: float
) -> None:
    posture = (
        f"{{wrist: {{forward: {place[0]}, inward: {place[1]}, up: {place[2]}}}, palm: {{forward: "
        f"0.7, inward: 0.2}}, fingers: {{up: 0.8, forward: 0.3}}, elbow: {{down: 1, outward: "
        f"0.4}}, vary: {{turn: {list(turn)}, elbow: 30}}}}"
    )
    text = (
        f"format: 2\nextends: first_light\nalso: [ok]\ngestures:\n  drawn:\n    meaning: drawn\n"
        f"    hand: [{', '.join(drawn)}]\n    posture: {posture}\n"
        f"    motion: {{wag: {{degrees: [3, 20], rate_hz: 2, count: {count}}}}}\n"
    )
    try:
        vocabulary = parse_vocabulary(text)
    except GestureError as error:
        assert "limit is" in str(error) or "same" in str(error), "only joints may say no"
        return
    again = parse_vocabulary(dump_vocabulary(vocabulary))
    assert same(vocabulary, again)
    plans = [
        GesturePlayer(v).plan([("drawn", 1.0, 2.0)], np.random.default_rng(1)).poses(np.arange(3.0))
        for v in (vocabulary, again)
    ]
    np.testing.assert_array_equal(*plans)
