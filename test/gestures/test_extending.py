"""Files that extend others: what they describe again, and that bundles can hold what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import (
    Vocabulary,
    dump_vocabulary,
    load_vocabulary,
    parse_vocabulary,
)

EXTENDED = "format: 2\nextends: gestures\nalso: [stop]\n"
# In part the shipped `fist`: known beside it, this is nobody's class.
FIST = "  my_fist: {meaning: x, hand: fist, posture: [beside, chest]}\n"


def dumped(vocabulary: Vocabulary) -> Vocabulary:
    """As it comes out of a bundle."""
    return parse_vocabulary(dump_vocabulary(vocabulary), "bundle/gestures.yaml")


def test_others_that_are_alike_can_be_read_from_a_bundle() -> None:
    mine = parse_vocabulary(EXTENDED + "others:\n" + FIST)
    assert {"my_fist", "fist"} <= set(mine.others)
    again = dumped(mine)
    assert again.others == mine.others and again.gestures == mine.gestures


def test_others_of_two_files_that_are_alike_can_be_read_from_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(EXTENDED + "gestures:\n" + FIST, encoding="utf-8")
    second = tmp_path / "second.yaml"
    second.write_text("format: 2\nextends: base.yaml\nalso: [stop]\n", encoding="utf-8")
    vocabulary = load_vocabulary(second)
    assert {"my_fist", "fist"} <= set(vocabulary.others)
    assert dumped(vocabulary).others == vocabulary.others
    # As classes the two could not be told apart.
    second.write_text("format: 2\nextends: base.yaml\nalso: [my_fist, fist]\n", encoding="utf-8")
    with pytest.raises(GestureError, match=r"second\.yaml:3: also\[1\]: 'fist' and 'my_fist' are"):
        load_vocabulary(second)


def test_everyday_doings_that_are_alike_can_be_read_from_a_bundle() -> None:
    base = load_vocabulary("gestures")
    doing = base.everyday["phone_at_ear"]
    mine = parse_vocabulary(
        f"{EXTENDED}everyday:\n  ringing: {{meaning: x, hand: {doing.hands[0].name}, "
        f"posture: {doing.postures[0].name}, which: {doing.which}}}\n"
    )
    assert {"phone_at_ear", "ringing"} <= set(mine.everyday)
    assert dumped(mine).everyday == mine.everyday


def test_classes_that_are_alike_are_still_refused() -> None:
    with pytest.raises(GestureError, match="'my_fist' and 'fist' are the same gesture"):
        parse_vocabulary(EXTENDED.replace("[stop]", "[fist]") + "gestures:\n" + FIST)


def test_everyday_doings_and_idle_hands_cannot_be_described_again() -> None:
    base = load_vocabulary("gestures")
    doing = next(iter(base.everyday))
    rest, habit = base.rests[0].gesture, base.habits[0].gesture
    place = base.postures[rest.posture.name].name
    with pytest.raises(GestureError, match=rf"everyday\.{doing}: '{doing}' is already described"):
        parse_vocabulary(
            f"{EXTENDED}everyday:\n  {doing}: {{meaning: x, hand: fist, posture: {place}}}\n"
        )
    for part, name in (("rests", rest.name), ("habits", habit.name)):
        with pytest.raises(GestureError, match=rf"idle\.{part}\.{name}: '{name}' is already"):
            parse_vocabulary(
                f"{EXTENDED}idle:\n  {part}:\n"
                f"    {name}: {{hand: fist, posture: {place}, weight: 2}}\n"
            )


def test_idle_hands_of_ones_own_come_beside_those_of_the_extended_file() -> None:
    base = load_vocabulary("gestures")
    place = base.rests[0].gesture.posture.name
    mine = parse_vocabulary(
        f"{EXTENDED}idle:\n  rests:\n    mine: {{hand: fist, posture: {place}, weight: 2}}\n"
    )
    assert [r.gesture.name for r in mine.rests] == [*(r.gesture.name for r in base.rests), "mine"]
    assert dumped(mine).rests == mine.rests
