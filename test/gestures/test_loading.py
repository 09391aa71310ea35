from __future__ import annotations

from pathlib import Path

import pytest

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures import load_vocabulary, parse_vocabulary, shipped_vocabularies
from bharnet_ros.gestures.loading import SHIPPED

SMALL = """\
format: 1
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
  hang:
    wrist: {forward: 0.1, inward: -0.1, up: -0.95}
    palm: inward
    fingers: down
    elbow: backward
gestures:
  stop: {meaning: stop, hand: open, posture: raised}
  grip: {meaning: grip, hand: fist, posture: raised}
idle:
  rests:
    hang: {hand: open, posture: hang, weight: 1}
pairs:
  - [stop, grip]
"""


def load(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_vocabulary(path)


def test_shipped_vocabulary_is_rich_enough() -> None:
    vocabulary = load_vocabulary()
    assert vocabulary.class_names[0] == vocabulary.background == "idle"
    assert len(vocabulary.actions) >= 15
    assert len(vocabulary) == len(vocabulary.actions) + 1
    assert len(vocabulary.pairs) >= 4
    for first, second in vocabulary.pairs:
        assert vocabulary[first].arm_signature() == vocabulary[second].arm_signature()
        assert vocabulary[first].hand != vocabulary[second].hand
    for gesture in vocabulary:
        assert gesture.meaning
        assert gesture.vary
        assert vocabulary.class_names[vocabulary.class_id(gesture.name)] == gesture.name


def test_a_small_file_of_ones_own_loads(tmp_path: Path) -> None:
    vocabulary = load(tmp_path, SMALL)
    assert vocabulary.class_names == ("idle", "stop", "grip")
    assert vocabulary.pairs == (("stop", "grip"),)
    assert vocabulary["stop"].posture.fingers == (0.0, 0.0, 1.0)


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    vocabulary = load_vocabulary()
    with pytest.raises(GestureError, match=r"no gesture 'salute'.*victory"):
        vocabulary["salute"]
    with pytest.raises(GestureError, match=r"no class 'salute'.*idle"):
        vocabulary.class_id("salute")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("format: 1", "format: 7", 1, "format is not known"),
        ("fingers: extended", "fingers: stretched", 4, r"'stretched' is not known; use .*curled"),
        ("thumb: out", "thumb: missing", 4, r"hands.open.thumb: 'missing'"),
        ("{fingers: curled, thumb", "{fingers: {index: curled}, thumb", 5, "not every finger"),
        ("fingers: extended, ", "fingers: extended, touch: [thumb, index], ", 4, "cannot touch"),
        ("fingers: extended, ", "fingers: extended, touch: [index, ring], ", 4, "cannot be made"),
        ("fingers: extended, ", "fingers: extended, touch: [thumb], ", 4, "cannot be made"),
        ("fingers: extended, ", "fingers: half, touch: [thumb, ring, ring], ", 4, "cannot be made"),
        ("fingers: extended, ", "fingers: half, touch: [thumb, index, thumb], ", 4, "cannot be"),
        (
            "fingers: extended, ",
            "fingers: {index: half, others: extended}, touch: [thumb, index, middle], ",
            4,
            "the middle cannot touch the thumb while extended",
        ),
        ("fingers: extended, ", "fingers: extended, spread: [9, 2], ", 4, "upside down"),
        ("forward: 0.4,", "forward: 0.99,", 8, "out of an arm's reach"),
        ("forward: 0.4,", "forward: far,", 8, "'far' is not a number"),
        ("forward: 0.4,", "forward: nan,", 8, "out of range"),
        ("forward: 0.4, ", "", 8, "'forward' is missing; add `forward:`"),
        ("palm: forward", "palm: up", 9, "same line"),
        ("palm: forward", "palm: {up: 1, down: 1}", 9, "cancel out"),
        ("fingers: up", "fingers: backward\n    vary: {turn: [1, 2]}", 9, "same line"),
        ("fingers: up", "fingers: up\n    vary: {turn: [1, 2]}", 11, "three tolerances"),
        ("palm: forward", "palm: outward", 8, "forearm would be twisted by"),
        ("elbow: down", "elbow: down\n    angle: 3", 12, "'angle' is not known here"),
        ("hand: open, posture: raised", "hand: palm, posture: raised", 18, "'palm' is not known"),
        ("hand: fist, posture: raised", "hand: open, posture: raised", 19, "are the same gesture"),
        ("grip: {", "stop: {", 19, "given twice"),
        ("grip: {", "idle: {", 19, "background class"),
        ("grip: {", '" ": {', 19, "cannot be the name"),
        ("grip: {", '"a\\tb": {', 19, "cannot be the name"),
        ("grip: {", '"../grip": {', 19, "cannot be the name"),
        ("stop: {", "stop: {motion: {dance: {}}, ", 18, r"'dance' is no motion; use .*wave"),
        ("stop: {", "stop: {motion: {wave: {degrees: 20}}, ", 18, "'rate_hz' is missing"),
        ("stop: {", "stop: {motion: {push: {length: 9, rate_hz: 1}}, ", 18, "out of range"),
        ("stop: {", "stop: {motion: {clap: {length: 1, rate_hz: 1}}, ", 18, "takes both hands"),
        ("grip: {", "grip: {which: both, ", 24, "differ in more than the fingers"),
        ("[stop, grip]", "[stop, stop]", 24, "two different gestures"),
        ("[stop, grip]", "[stop, wave]", 24, "'wave' is not known"),
        ("  rests:", "  habits:", 21, "nowhere for idle hands to rest"),
        ("weight: 1", "weight: -1", 22, "out of range"),
        ("wrist: {forward", "wrist: [forward", 8, "broken"),
    ],
)
def test_errors_name_file_line_and_remedy(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in SMALL
    with pytest.raises(GestureError, match=rf"mine\.yaml:{line}: .*{words}"):
        load(tmp_path, SMALL.replace(old, new, 1))


def test_a_limit_that_is_passed_by_a_little_is_passed_in_words_too() -> None:
    text = """
format: 2
extends: gestures
gestures:
  weight:
    meaning: m
    hand: flat
    posture:
      wrist: {forward: 0.3, inward: 0.1, up: -0.14}
      palm: forward
      fingers: {up: 1}
      elbow: {down: 1, outward: 0.6}
"""
    with pytest.raises(GestureError, match="twisted by -106 degrees, its limit is -105"):
        parse_vocabulary(text)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(GestureError, match="cannot be read as a gesture file"):
        load_vocabulary(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(GestureError, match="UTF-8"):
        load_vocabulary(tmp_path / "binary.yaml")
    with pytest.raises(GestureError, match="empty"):
        load(tmp_path, "")
    with pytest.raises(GestureError, match="mapping is expected"):
        load(tmp_path, "- 1\n")


def test_objects_in_yaml_are_never_built(tmp_path: Path) -> None:
    with pytest.raises(GestureError):
        load(tmp_path, SMALL.replace("format: 1", "format: !!python/object/apply:os.getcwd []"))


def test_shipped_files_are_beside_the_code() -> None:
    assert SHIPPED.is_dir()
    assert {"first_light", "gestures"} <= set(shipped_vocabularies())
