"""`convert` and `extract` from the command line: help, sentences, what is printed."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from training.cli import main
from training.commands.convert import SOURCES
from training.data import open_store

GOOD = {"file_name": "a", "skeletons": np.ones((3, 20, 3)).tolist(), "label": 4}


@pytest.mark.parametrize("command", [["extract"], *[["convert", name] for name in SOURCES]])
def test_every_option_is_explained(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert "--input" in text and "--output" in text
    for option in re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE):
        described = re.search(rf"{option}\b.*?(?:\n  --|\Z)", text, re.DOTALL)
        assert described is not None and len(described.group()) > len(option) + 20


def test_a_folder_becomes_a_store(tmp_path, capsys):
    folder = tmp_path / "in"
    folder.mkdir()
    for view in (1, 2):
        (folder / f"a04_s01_e00_v0{view}.json").write_text(json.dumps(GOOD))
    (folder / "a04_s01_e00_v03.json").write_text("{")
    command = ["convert", "nw_ucla", "--input", str(folder), "--output", str(tmp_path / "store")]
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "2 samples (2 new, 0 were there)" in text
    assert "1 skipped: corrupt (for example a04_s01_e00_v03" in text
    assert "licence" in text
    assert open_store(tmp_path / "store").values("class").tolist() == ["walk_around"] * 2
    assert main(command) == 0
    assert "(0 new, 2 were there)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convert", "ntu", "--input", "nowhere"], "neither a folder nor a zip"),
        (["convert", "pyskl", "--input", "nowhere.pkl"], "no readable pickle"),
        (["convert", "pku_mmd", "--input", "here", "--labels", "here"], "neither a folder"),
        (["convert", "mediapipe_holistic", "--input", "a.npz"], "no .npz file"),
        (["convert", "coco_wholebody", "--input", "a.json"], "no COCO-WholeBody"),
        (["convert", "ntu", "--input", "nowhere", "--workers", "-1"], "--workers is -1"),
        (["extract", "--input", "nowhere"], "holds no video"),
        (["extract", "--input", "nowhere", "--backend", "eyes"], "no pose backend 'eyes'"),
        (["extract", "--input", "nowhere", "--option", "fast"], "NAME=VALUE"),
        (["extract", "--input", "nowhere", "--people", "0"], "--people is 0"),
    ],
)
def test_mistakes_get_sentences(arguments, message, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--output", str(tmp_path / "store")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and "Traceback" not in error
