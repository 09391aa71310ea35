from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="graphs are changed with onnx")

from benchmarks import engines
from benchmarks.synthetic_split import write_tiny_split_bundle
from bharnet_ros.inference import available_engines


def test_every_engine_is_measured_or_says_why_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_tiny_split_bundle(tmp_path / "tiny")
    rng = np.random.default_rng(0)
    windows = {k: rng.normal(size=(20, *s[1:])) for k, s in bundle.manifest.inputs.items()}
    inputs = {k: value.astype(np.float32) for k, value in windows.items()}
    monkeypatch.setattr(engines, "sample_inputs", lambda *_: inputs)
    choices = {"onnxruntime": ({},), "tensorrt": ({},), "tensorrt_rtx": ({},)}
    monkeypatch.setattr(engines, "CHOICES", choices)
    output = tmp_path / "results" / "engines.json"
    arguments = ["--bundle", str(bundle.path), "--count", "20", "--runs", "1"]
    monkeypatch.setattr("sys.argv", ["engines", *arguments, "--output", str(output)])
    engines.main()
    found = json.loads(output.read_text())["tiny"]
    types = found["number_types"]
    assert list(types) == ["body fp16", "body int8", "hand fp16", "hand int8"]
    assert all(row["windows"] == 20 and row["finite"] for row in types.values())
    assert types["body fp16"]["largest_difference"] > 0.0
    measured = found["engines"]["onnxruntime"]
    assert measured["largest_difference"] == 0.0
    assert set(measured["ms"]) == {"1", "4", "16"}
    for label, row in found["engines"].items():
        assert "ms" in row or row["unavailable"]
        if label.split()[0] not in available_engines():
            assert row["unavailable"] == "its package is not installed"
    assert "cannot run here" in capsys.readouterr().out
