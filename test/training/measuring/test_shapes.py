"""The table that says which label and which class mean the same."""

from __future__ import annotations

import pytest

from bharnet_ros.errors import ConfigurationError
from training.measuring.shapes import plain, shape_table

GESTURES = (
    "thumbs_up", "thumbs_down", "stop", "fist", "point_up", "victory", "two_up", "ok", "call",
    "rock", "ily", "three", "three_thumb", "four",
)  # fmt: skip
PUBLIC = (
    "Stop Sign", "Dislike", "Like", "Call", "Fist", "Four", "Mute", "OK", "One", "Palm", "Peace",
    "Rock", "Three-Middle", "Three-Left", "Two Up",
)  # fmt: skip


def test_all_hand_shapes_of_the_shipped_vocabulary_are_known():
    shapes = shape_table().class_shapes(GESTURES)
    assert None not in shapes
    assert len(set(shapes)) == len(GESTURES) == len(shape_table().names)


def test_all_shapes_of_the_public_network_are_known_and_merged():
    shapes = dict(zip(PUBLIC, shape_table().class_shapes(PUBLIC), strict=True))
    assert shapes["Stop Sign"] == shapes["Palm"] == "palm"
    assert shapes["Mute"] == shapes["One"] == "one"
    assert shapes["Three-Left"] == "three2"
    assert None not in shapes.values()


def test_thirteen_shapes_in_nineteen_labels():
    table = shape_table()
    hagrid = set(table.of_label) - {"ily"}
    assert len(hagrid) + len(table.nothing) == 19
    assert len({table.of_label[label] for label in hagrid}) == 13


def test_a_moving_gesture_is_no_shape():
    assert shape_table().shape_of_class("wave") is None
    assert plain("Three-Middle") == "three_middle"


def test_a_name_for_two_shapes_is_refused(tmp_path):
    path = tmp_path / "shapes.yaml"
    path.write_text("shapes:\n  a: {labels: [x], classes: []}\n  b: {labels: [x], classes: []}\n")
    with pytest.raises(ConfigurationError, match="'x' is among the labels of 'a' and of 'b'"):
        shape_table(path)
