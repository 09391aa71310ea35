"""The command line: help for everything, a sentence for every mistake."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from training.cli import main
from training.config import CONFIGS
from training.config_kinds import kind_of

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


SHIPPED = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
COMMANDS = ("generate", "fit", "export", "evaluate", "first-light", "ablate", "fit-rgb")


@pytest.mark.parametrize("config", SHIPPED)
def test_a_configuration_of_another_command_is_told_its_own(capsys, tmp_path, config):
    kind = kind_of(CONFIGS / f"{config}.yaml")
    assert kind is not None
    needed = {"fit-rgb": ["--skeleton", str(tmp_path), "--rois", str(tmp_path)]}
    for command in set(COMMANDS) - set(kind.commands):
        told = _error(capsys, command, "--config", config, *needed.get(command, []))
        assert f"{config}.yaml is about {kind.about}, which `{command}` does not take" in told
        assert all(name in told for name in kind.commands)


def test_what_could_be_any_configuration_is_told_by_its_reader(capsys, tmp_path):
    for number, text in enumerate(("", "[1]", "name: a", "{name: a, data: 3}")):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        assert kind_of(path) is None and f"{number}.yaml" in _error(
            capsys, "fit", "--config", str(path)
        )


@pytest.mark.parametrize(
    ("option", "arguments"),
    [
        ("--output", ["teach", "bags"]), ("--output", ["describe", "gestures.yaml"]),
        ("--output", ["gestures"]), ("--films", ["gestures"]), ("--results", ["evaluate"]),
        ("--data", ["generate"]), ("--run", ["fit"]), ("--bundle", ["export"]),
        ("--bundle", ["first-light"]), ("--output", ["measure", "drawn"]),
        ("--cache", ["measure", "drawn"]), ("--output", ["ablate", "--config", "held_objects"]),
        ("--run", ["fit-rgb", "--skeleton", "a", "--rois", "b"]),
        ("--output", ["extract-rois", "--store", "a"]),
    ],
)  # fmt: skip
def test_a_folder_that_cannot_be_written_is_told_before_the_work(
    capsys, tmp_path, monkeypatch, option, arguments
):
    file = tmp_path / "file"
    file.touch()
    told = _error(capsys, *arguments, option, str(file / "deep" / "folder"))
    assert f"{option} is" in told and f"{file} is a file; give a folder" in told
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)
    told = _error(capsys, *arguments, option, str(tmp_path / "new" / "folder"))
    assert f"nothing can be written to {tmp_path}; choose another" in told
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_cannot_be_is_told_too(capsys, tmp_path, monkeypatch):
    told = _error(capsys, "generate", "--data", str(tmp_path / ("a" * 300)))
    assert "--data is" in told and "no place for a folder (File name too long)" in told
    real = Path.stat

    def locked(path, **options):
        if path.is_relative_to(tmp_path / "locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", locked)
    told = _error(capsys, "generate", "--data", str(tmp_path / "locked" / "data"))
    assert "no place for a folder (Permission denied); choose another" in told


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gestures"], "finished films are kept"),
        (["convert", "acted", "--input", "gestures", "--output", "store"], "so far is kept"),
        (["teach", "bags", "--output", "bundle"], "store made of bags is kept"),
        (["describe", "mine.yaml"], "nothing is kept, run again to begin anew"),
    ],
)
def test_who_interrupts_a_command_is_told_what_is_kept(
    arguments, said, tmp_path, capsys, monkeypatch
):
    def interrupted(options):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(f"training.commands.{arguments[0]}.run", interrupted)
    assert main(arguments) == 130
    assert said in capsys.readouterr().err
