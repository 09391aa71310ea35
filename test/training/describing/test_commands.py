"""`describe` and `gestures` as a user meets them: pictures, figures in words, and mistakes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from training.cli import main
from training.commands.describe import confusions, read_recordings

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "my_gestures.yaml"
MINE = """\
format: 2
extends: first_light
gestures:
  drawn_back:
    meaning: "Back."
    hand: flat
    posture: shoo
"""


@pytest.mark.parametrize("command", ["describe", "gestures"])
def test_every_option_is_explained(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for option in re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE):
        described = re.search(rf"{option}.*?(?:\n  --|\Z)", text, re.DOTALL)
        assert described is not None and len(described.group()) > len(option) + 10


def test_checking_a_file_draws_every_gesture(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, "utf-8")
    folder = tmp_path / "bundle"
    assert main(["describe", str(file), "--check", "--output", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "drawn_back" in text and "none of them: ok, victory" in text
    picture = tmp_path / "mine_pictures.png"
    assert picture.stat().st_size > 5000 and not folder.exists()


def test_checking_says_which_gesture_another_bundle_reports_too(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    halt = "  halt: {meaning: x, hand: open, posture: [beside, chest]}\n"
    file.write_text(MINE.replace("first_light", "gestures") + halt, "utf-8")
    check = ["describe", str(file), "--check", "--no-pictures", "--output", str(tmp_path / "b")]
    assert main(check) == 0
    told = [line for line in capsys.readouterr().out.splitlines() if "same gesture" in line]
    assert len(told) == 1 and told[0].startswith("'halt' and 'stop' of the bundle gestures are")
    # Who takes it under its own name is told nothing.
    file.write_text("format: 2\nextends: gestures\nalso: [stop]\n", "utf-8")
    assert main(check) == 0
    assert "same gesture" not in capsys.readouterr().out


def test_checking_refuses_what_training_would(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE.replace("drawn_back:", "other:"), "utf-8")
    assert main(["describe", str(file), "--check", "--output", str(tmp_path / "b")]) == 2
    assert "give the gesture 'other' another name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("posture: shoo", "posture: shooo"), r"mine\.yaml:7: .*shooo"),
        (("hand: flat", "hand: {fingers: straight, thumb: out}"), r"mine\.yaml:6: .*straight"),
        (("drawn_back:", "other:"), "another name"),
    ],
)
def test_mistakes_name_the_line_and_the_remedy(tmp_path, capsys, change, said):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE.replace(*change), "utf-8")
    arguments = ["describe", str(file), "--no-pictures", "--init", "none", "--steps", "1"]
    assert main([*arguments, "--output", str(tmp_path / "b")]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error) and "Traceback" not in error


def test_other_mistakes_are_told_before_anything_is_trained(tmp_path, capsys):
    file = tmp_path / "mine.yaml"
    file.write_text(MINE, "utf-8")
    quick = ["describe", str(file), "--no-pictures"]
    assert main([*quick, "--steps", "0"]) == 2
    assert "--steps is 0" in capsys.readouterr().err
    assert main([*quick, "--init", "first_light"]) == 2
    assert "weights.npz" in capsys.readouterr().err
    assert main([*quick, "--init", "none", "--recordings", str(Path("nowhere.npz"))]) == 2
    assert "nowhere.npz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "-1"], "--seed is -1; it must be 0"),
        (["--seed", "9" * 30], "it must be 0 to 2147483648"),
        (["--output", "."], "--output is '.'; give the folder of the bundle a name"),
        (["--output", ".."], "give the folder of the bundle a name"),
        (["--output", "/"], "--output is '/'"),
        (["--output", "mine.yaml"], "--output is 'mine.yaml', which is a file"),
        (["--output", "mine.yaml/bundle", "--check"], "mine.yaml is a file; give a folder"),
        (["--name", "a/b"], "--name is 'a/b'; give one line of text without slashes"),
        (["--name", " "], "--name is ' '"),
    ],
)
def test_places_and_seeds_are_checked_first(tmp_path, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(MINE, "utf-8")
    assert main(["describe", "mine.yaml", "--init", "none", "--steps", "1", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "-1"], "--seed is -1; it must be 0"),
        (["--output", "mine.yaml"], "'mine.yaml', which is a file"),
        (["--output", "mine.yaml", "--each"], "'mine.yaml', which is a file"),
    ],
)
def test_pictures_need_a_seed_and_a_folder(tmp_path, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(MINE, "utf-8")
    assert main(["picture", "mine.yaml", "--height", "48", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_confusions_are_told_in_words_worst_first():
    figures = {
        "classes": {
            "good": {"windows": 9, "right": 0.98, "taken_for": {"bad": 0.02}},
            "bad": {"windows": 9, "right": 0.6, "taken_for": {"good": 0.3, "other": 0.1}},
        }
    }
    text = "\n".join(confusions(figures))
    assert text.index("bad ") < text.index("good ")
    assert "30 % good, 10 % other" in text and "2 %" not in text.split("good ")[-1]
    assert "Doubtful: bad." in text and "AUROC" not in text
    figures["known_against_other"] = 0.9876
    assert "none of them: AUROC 0.988" in "\n".join(confusions(figures))


def _hands(path, labels, broken=0):
    xy = np.random.default_rng(0).normal(size=(len(labels), 21, 2)).astype(np.float32)
    xy[:broken] = np.nan
    np.savez(path, xy=xy, label=np.array(labels), source=np.array(["anna"] * len(labels)))
    return path


def test_recorded_hands_that_cannot_be_used_are_told(tmp_path, capsys):
    vocabulary = load_vocabulary(str(EXAMPLE))
    labels = ["zero"] * 4 + ["sevn"] * 2 + ["thank_you"] * 3
    found = read_recordings([_hands(tmp_path / "hands.npz", labels, broken=1)], vocabulary)
    assert list(found.label) == ["zero"] * 3
    said = capsys.readouterr().out
    assert "3 recorded hands of zero\n" in said
    assert "2 of 'sevn' (no gesture of the file); 3 of 'thank_you' (not held with one hand)" in said
    assert "1 that are no hands" in said


def test_recordings_of_which_nothing_is_left_stop_the_command(tmp_path):
    vocabulary = load_vocabulary(str(EXAMPLE))
    for labels in (["sevn"] * 2, ["thank_you"]):
        with pytest.raises(ConfigurationError, match=rf"{labels[0]}.* with one hand: zero, seven"):
            read_recordings([_hands(tmp_path / "hands.npz", labels)], vocabulary)
