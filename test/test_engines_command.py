from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic import write_tiny_bundle
from benchmarks.synthetic_rgb import write_tiny_rgb_bundle
from bharnet_ros.__main__ import main

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / "tiny").path


def test_list_says_what_there_is(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tiny / "engines").mkdir()
    (tiny / "engines" / "model-tensorrt-fp16-orin.engine").write_bytes(b"x" * 1_500_000)
    assert main(["engines", "list", "--bundle", str(tiny)]) == 0
    text = capsys.readouterr().out
    assert text.startswith("GPU: ")
    assert "onnxruntime: installed" in text
    assert "1.5 MB, nobody knows what it was built from" in text


def test_build_builds_once(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    arguments = ["engines", "build", "--bundle", str(tiny), "--engine", "tensorrt_rtx"]
    arguments += ["--option", "max_batch=1", "--option", "precision=fp16"]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    assert "Building model-tensorrt_rtx-fp16-any.engine (there is none yet)" in first
    assert main(arguments) == 0
    assert "Building" not in capsys.readouterr().out
    assert main(["engines", "list", "--bundle", str(tiny)]) == 0
    assert "fp16, for any, batches of 1 to 1" in capsys.readouterr().out


def test_check_compares_and_measures(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    windows = tiny.parent / "windows.npz"
    arguments = ["--bundle", str(tiny), "--count", "20"]
    assert main(["engines", "windows", *arguments, "--output", str(windows)]) == 0
    with np.load(windows, allow_pickle=False) as data:
        assert {name: data[name].shape[0] for name in data.files} == {"body": 20, "hand": 20}
    capsys.readouterr()
    command = ["engines", "check", "--bundle", str(tiny), "--engine", "onnxruntime"]
    assert main([*command, "--windows", str(windows), "--option", "threads=2"]) == 0
    text = capsys.readouterr().out
    assert "CPU, 2 threads" in text
    assert "the same class in 100.0 % of the windows" in text
    assert " 16 people: " in text


def test_check_compares_the_graph_that_looks_at_pixels_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_tiny_rgb_bundle(tmp_path / "objects").path
    command = ["engines", "check", "--bundle", str(folder), "--engine", "onnxruntime"]
    assert main([*command, "--count", "6", "--option", "threads=2"]) == 0
    text = capsys.readouterr().out
    assert "objects, RGB graph on noise: onnxruntime" in text
    assert text.count("against onnxruntime") == 2 and "rgb_reliability: largest" in text


def test_check_fails_where_the_numbers_differ(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from bharnet_ros.inference.onnxruntime import OnnxRuntimeEngine

    plain = OnnxRuntimeEngine._execute
    calls = iter(range(10_000))

    def drifting(self: OnnxRuntimeEngine, inputs: dict, count: int) -> dict:
        found = plain(self, inputs, count)
        return {name: value + 0.01 * (next(calls) % 2) for name, value in found.items()}

    monkeypatch.setattr(OnnxRuntimeEngine, "_execute", drifting)
    command = ["engines", "check", "--bundle", str(tiny), "--engine", "onnxruntime"]
    assert main([*command, "--count", "16"]) == 1
    assert "DIFFERS" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "--engine", "tensorrt", "--option", "precision=half"], "precision is 'half'"),
        (["check", "--engine", "onnxruntime", "--count", "0"], "--count is 0"),
        (["check", "--engine", "onnxruntime", "--windows", "none.npz"], "does not exist"),
        (["build", "--engine", "onnxruntime", "--bundle", "nowhere"], "nowhere"),
        (["check", "--engine", "onnxruntime", "--bundle", ""], "--bundle is ''; name at least one"),
        (["build", "--engine", "onnxruntime", "--bundle", " , "], "name at least one bundle"),
        (["windows", "--output", "w.npz", "--seed", "-1"], "--seed is -1; give 0 or more"),
        (["windows", "--output", "w.npz", "--count", "5"], "--count is 5; int8 is calibrated"),
        (["windows", "--output", "w.npz", "--count", "5000"], "on 16 to 4096 windows"),
        (["windows", "--output", "nowhere/w.npz"], "there is no folder nowhere"),
    ],
)
def test_wrong_arguments_are_sentences(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["engines", *arguments]) == 1
    assert message in capsys.readouterr().err
