from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.judgements import cpu_ms
from benchmarks.synthetic import write_tiny_bundle

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


def test_judging_costs_more_than_taking_in(tmp_path: Path) -> None:
    bundles = [write_tiny_bundle(tmp_path / name, name=name) for name in ("one", "two")]
    judged, taken = cpu_ms(bundles, 2, 10)
    assert judged > taken > 0.0
