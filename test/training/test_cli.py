"""The command line: help for everything, a sentence for every mistake."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from training.cli import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("command", ["generate", "fit", "export", "evaluate", "first-light"])
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for option in re.findall(r"^  (--[a-z]+)", text, re.MULTILINE):
        described = re.search(rf"{option}.*?(?:\n  --|\Z)", text, re.DOTALL)
        assert described is not None and len(described.group()) > len(option) + 20


def test_the_module_runs_and_lists_its_commands():
    done = subprocess.run(
        [sys.executable, "-m", "training", "--help"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    for word in ("generate", "fit", "export", "evaluate", "first-light", "step by step"):
        assert word in done.stdout


def _error(capsys, *arguments: str) -> str:
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ") and "Traceback" not in captured.err
    return captured.err


def test_mistakes_get_sentences(capsys, tmp_path):
    data = str(tmp_path / "data")
    told = _error(capsys, "fit", "--config", "no_such")
    assert "does not exist" in told and ", gestures, held_objects, " in told
    assert "generate" in _error(capsys, "fit", "--data", data)
    assert "generate" in _error(capsys, "evaluate", "--data", data)
    assert "threads" in _error(capsys, "fit", "--data", data, "--threads", "0")
    assert "no split" in _error(capsys, "generate", "--data", data, "--split", "exam")
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: [")
    assert "valid YAML" in _error(capsys, "generate", "--config", str(broken))


@pytest.mark.parametrize(
    "option", [["--seed", "0"], ["--modality", "bone"], ["--resume"], ["--part", "validation"]]
)
def test_options_that_a_training_on_films_would_not_heed_are_refused(capsys, tmp_path, option):
    command = "evaluate" if option[0] == "--part" else "fit"
    told = _error(capsys, command, "--data", str(tmp_path), *option)
    assert f"{option[0]} is for configurations that name a store; 'first_light' is" in told


def test_export_before_fit_says_so(capsys, tmp_path, monkeypatch, data_folder, tiny_config):
    monkeypatch.setattr("training.cli.load_config", lambda path: tiny_config)
    text = _error(capsys, "export", "--data", str(data_folder), "--run", str(tmp_path / "no_run"))
    assert "python -m training fit" in text


def test_unknown_command_is_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["learn"])
    assert stop.value.code == 2
    assert "first-light" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["torch", "pytorch_lightning.callbacks"])
def test_a_package_that_is_missing_is_told_in_a_sentence(capsys, monkeypatch, missing):
    def load(path):
        raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)

    monkeypatch.setattr("training.cli.load_config", load)
    told = _error(capsys, "generate")
    assert f"the package {missing.partition('.')[0]}, which" in told and "pip install" in told


def test_a_module_of_ours_that_is_missing_is_a_fault(monkeypatch):
    def load(path):
        raise ModuleNotFoundError("No module named 'training.gone'", name="training.gone")

    monkeypatch.setattr("training.cli.load_config", load)
    with pytest.raises(ModuleNotFoundError):
        main(["generate"])
