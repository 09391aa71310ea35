"""The benchmark of pixels: both ways on the same frames, everybody looked at, honest figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import rgb_tick
from benchmarks.synthetic import write_tiny_bundle
from benchmarks.synthetic_rgb import write_tiny_rgb_bundle
from bharnet_ros.bundle import load_bundle
from bharnet_ros.errors import ConfigurationError

pytest.importorskip("onnx", reason="the tiny graphs are built with onnx")


def test_the_table_and_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tiny_rgb_bundle(tmp_path / "objects").path
    file = tmp_path / "results" / "rgb.json"
    rgb_tick.main(
        ["--bundle", str(folder), "--people", "1", "3", "--rounds", "4", "--json", str(file)]
    )
    text = capsys.readouterr().out
    assert "| 1 |" in text and "| 3 |" in text and "1.88 MiB (64 people)" in text
    stated = json.loads(file.read_text("utf-8"))
    assert [cost["people"] for cost in stated["costs"]] == [1, 3]
    for cost in stated["costs"]:
        assert len(cost["rgb_ms"]) == len(cost["skeleton_ms"]) == 4
        assert 0 < cost["nbytes"] <= cost["max_nbytes"] == 64 * 10 * 4 * 16 * 16 * 3
        assert min(cost["rgb_ms"] + cost["skeleton_ms"]) > 0.0


def test_figures_are_of_the_rounds() -> None:
    cost = rgb_tick.Cost(1, (1.0, 2.0, 4.0), (2.0, 5.0, 8.0), (1.0,) * 3, (3.0,) * 3,
                         (0.5, 1.5), 10, 20)  # fmt: skip
    assert cost.ratios == [2.0, 2.5, 2.0] and cost.cpu_ratio == 3.0
    assert cost.with_crops(2.0) == pytest.approx(3.5)


def test_a_bundle_without_pixels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no RGB graph"):
        rgb_tick.everybody(load_bundle(write_tiny_bundle(tmp_path).path))
