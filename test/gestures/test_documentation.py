"""docs/gestures.md knows every word of the format and every shipped gesture."""

from __future__ import annotations

from pathlib import Path

from bharnet_ros.gestures import load_vocabulary, parse_vocabulary
from bharnet_ros.gestures.body_motion import BODY_PRIMITIVES
from bharnet_ros.gestures.description import WHICH
from bharnet_ros.gestures.fingers import FINGER_STATES, THUMB_STATES
from bharnet_ros.gestures.motion import PRIMITIVES

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "gestures.md").read_text(encoding="utf-8")


def test_every_word_is_explained() -> None:
    for word in (*FINGER_STATES, *THUMB_STATES, *PRIMITIVES, *BODY_PRIMITIVES, *WHICH):
        assert f"`{word}`" in TEXT, word


def test_every_gesture_has_its_picture_and_meaning() -> None:
    for gesture in load_vocabulary("gestures"):
        assert f"](gestures/{gesture.name}.jpg) | {gesture.meaning} | {gesture.vary} |" in TEXT
        assert (DOCS / "gestures" / f"{gesture.name}.jpg").is_file()
    assert sum(p.stat().st_size for p in (DOCS / "gestures").iterdir()) < 600_000


def test_the_example_loads() -> None:
    example = TEXT.split("```yaml\n")[1].split("```")[0]
    assert parse_vocabulary(example).actions == ("stop", "thumbs_up", "weight")
