"""docs/teach_your_own.md, from bags to a bundle: its own commands, with less of everything."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import bharnet_ros.__main__ as robot
from bharnet_ros.bundle import load_bundle
from bharnet_ros.gestures import load_vocabulary
from training import cli
from training.describing.streams import streams
from training.labels import OUTSIDER
from training.measuring.sessions import record_session
from training.measuring.taught_films import GESTURES_FILE

pytest.importorskip("rosbags", reason="the library rosbags is not installed")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "teach_your_own.md"
SHORT = {
    "teach": ["--steps", "2", "--acted", "12", "--folds", "2", "--threads", "1"],
    "evaluate": ["--pictures", "false"],
}
"""What is added to a command so that it ends before one is bored."""


def commands():
    """Every `python -m` line of the page, as words."""
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[2:] for line in lines if line.startswith("python -m ")]


@pytest.fixture
def bags(tmp_path, monkeypatch):
    """What steps 1 and 2 of the page leave: three people in `bags`, one in `bags_of_others`."""
    names = ["bags/anna_1", "bags/ben_1", "bags/carla_1", "bags_of_others/dora_1"]
    acted = streams(load_vocabulary(str(GESTURES_FILE)), len(names), seed=5)
    for number, (name, film) in enumerate(zip(names, acted, strict=True)):
        spans = tuple(span for span in film.spans if span.class_name != OUTSIDER)
        bag = tmp_path / name
        bag.parent.mkdir(exist_ok=True)
        sequence = film.__class__(**{**film.__dict__, "spans": spans})
        record_session(sequence, bag, np.random.default_rng(number))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_names_commands_that_exist():
    assert [words[1] for words in commands()] == ["label", "convert", "teach", "evaluate"]
    for module, *words in commands():
        parsers = {"training": cli._parser, "bharnet_ros": lambda: robot._parser()[0]}
        options = parsers[module]().parse_args(words)
        assert isinstance(options, argparse.Namespace)


@pytest.mark.timeout(900)  # less than a minute on a core of its own
def test_the_pages_commands_make_a_bundle_that_runs(bags, capsys):
    for module, *words in commands():
        if words[0] == "label":
            continue  # a page in the browser; the labels are there
        main = {"training": cli.main, "bharnet_ros": robot.main}[module]
        assert main([*words, *SHORT.get(words[0], [])]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "3 labels" in said and "3 people" in said
    assert "Gestures of people that the judging network never saw" in said
    bundle = load_bundle(bags / "output/my_bundle")
    names = bundle.manifest.class_names
    assert names == ("idle", "hurry", "time_out", "wipe", "other")
    assert bundle.manifest.unknown_class == "other"
    held = bundle.manifest.training["held_out"]
    assert sorted(name for group in held for name in group) == ["anna", "ben", "carla"]
    report = json.loads(next((bags / "output/my_report").glob("*.json")).read_text("utf-8"))
    assert report
