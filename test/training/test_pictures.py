"""Pictures of gestures: one for a held one, a strip for a moving one, and the command."""

from __future__ import annotations

import resource
from pathlib import Path

import cv2
import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, GestureError
from bharnet_ros.gestures import Segment, load_vocabulary, parse_vocabulary
from training.cli import main
from training.pictures import STRIP_PICTURES, contact_sheet, picture_strip, picture_times, save

VOCABULARY = load_vocabulary("gestures")


def test_held_gestures_are_one_picture_and_moving_ones_a_strip_that_changes():
    held = picture_strip(VOCABULARY, "victory", 96)
    moving = picture_strip(VOCABULARY, "no", 96)
    assert held.shape[0] == moving.shape[0] == 96 and held.dtype == np.uint8
    assert held.shape[1] < 200 < moving.shape[1]
    width = (moving.shape[1] + 2) // STRIP_PICTURES
    first, third = moving[:, : width - 2], moving[:, 2 * width : 3 * width - 2]
    assert np.abs(first.astype(int) - third).max() > 60, "the head has turned"


def test_pictures_repeat_and_seeds_draw_other_ways():
    plain = picture_strip(VOCABULARY, "stop", 96)
    np.testing.assert_array_equal(plain, picture_strip(VOCABULARY, "stop", 96))
    drawn = {picture_strip(VOCABULARY, "stop", 96, seed).tobytes() for seed in range(4)}
    assert len(drawn) == 4


def test_times_lie_within_the_gesture():
    segment = Segment("x", 1.0, 3.0, 1.5, 2.5)
    for gesture in VOCABULARY:
        times = picture_times(gesture, segment)
        assert len(times) == (STRIP_PICTURES if gesture.motion else 1)
        assert times.min() >= 1.0 and times.max() <= 3.0


def test_a_sheet_has_every_gesture_in_rows():
    sheet = contact_sheet(VOCABULARY, ["stop", "wave", "yes"], width_px=600, height_px=64)
    assert sheet.shape[1] == 600 and sheet.shape[0] >= 2 * 64


def test_a_name_that_is_wider_than_the_sheet_is_cut():
    name = "whoever_makes_this_" * 20
    long = parse_vocabulary(
        "format: 2\nextends: gestures\ngestures:\n"
        f"  {name}: {{meaning: x, hand: flat, posture: chest}}\n"
    )
    assert contact_sheet(long, width_px=600, height_px=96).shape == (96 + 22, 600, 3)


def test_wrong_names_and_sizes_are_refused():
    with pytest.raises(GestureError, match="no gesture 'salute'"):
        picture_strip(VOCABULARY, "salute")
    with pytest.raises(ConfigurationError, match="48 pixels or more"):
        picture_strip(VOCABULARY, "stop", 10)


def test_saving_names_the_file_and_the_remedy_where_there_is_no_folder(tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    for path in (file / "a.jpg", file / "folder" / "a.png", Path("/proc/nowhere/a.jpg")):
        with pytest.raises(ConfigurationError) as told:
            save(np.zeros((20, 20, 3), np.uint8), path)
        assert str(told.value).startswith(f"{path} cannot be written (")
        assert str(told.value).endswith("make room or give another --output.")
    assert file.read_text() == "mine"


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_a_picture_that_there_is_no_room_for_is_no_success(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    save(noise[:50], tmp_path / name)
    before = (tmp_path / name).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # as a disk that is nearly full
    try:
        with pytest.raises(ConfigurationError, match=rf"{name} cannot be written .*make room or"):
            save(noise, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / name).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_picture_too_large_for_a_jpeg_says_so(tmp_path):
    with pytest.raises(ConfigurationError, match="20 x 70000 pixels; make --height smaller"):
        save(np.zeros((70_000, 20, 3), np.uint8), tmp_path / "a.jpg")


def test_the_command_writes_a_sheet_or_each(tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    mine.write_text("format: 2\nextends: gestures\nalso: [ok, shrug]\n")
    options = ["picture", str(mine), "--output", str(tmp_path / "out"), "--height", "64"]
    assert main(options) == 0
    assert cv2.imread(str(tmp_path / "out" / "sheet.jpg")) is not None
    assert main([*options, "--each"]) == 0
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"sheet.jpg", "ok.jpg", "shrug.jpg"}
    assert main(["picture", "no_such"]) == 2
    assert "There is no gesture file 'no_such'" in capsys.readouterr().err
