"""The tiny bundle with its experts and its fusion as graphs of their own."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.synthetic import raised_hand_weights, tiny_manifest, tiny_model
from bharnet_ros.bundle import Bundle
from training.export import write_split


def write_tiny_split_bundle(
    folder: str | Path, hand_share: float = 0.0, **changes: Any
) -> Bundle:
    """As `write_tiny_bundle`, split. hand_share: see `GraphFile.min_share`."""
    manifest = tiny_manifest(**changes)
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model.onnx"
        model.write_bytes(tiny_model(*raised_hand_weights(), manifest.num_steps))
        return write_split(Path(folder), manifest, model, {}, {"hand": hand_share})
