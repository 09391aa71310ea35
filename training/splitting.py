"""A bundle of one graph -> the same bundle of three."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx

from bharnet_ros.bundle import MODEL_FILE, Bundle, extra_files, load_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.inference import create_engine
from training.export import write_split
from training.splitting_graph import split_graph

EXACT = 1e-5
"""Batches of other sizes are added up in another order, and that is all that may differ."""


def split_bundle(
    name_or_path: str | Path, folder: Path, least_shares: Mapping[str, float]
) -> tuple[Bundle, float]:
    """Write the bundle split into `folder`, which may be its own.

    least_shares: by stream, below which share of the steps the network itself says nothing.
    Returns the new bundle and the largest difference of any output. Raises BundleError if it is
    split already, cannot be split, or gives other numbers: also where a share is larger than the
    network's own.
    """
    whole = load_bundle(name_or_path)
    if whole.manifest.graphs:
        raise BundleError(f"The bundle {whole.path} is split already.")
    split_graph(onnx.load(whole.onnx_path))  # refuses with its own sentence
    with tempfile.TemporaryDirectory() as scratch:
        trial = write_split(
            Path(scratch), whole.manifest, whole.onnx_path, extra_files(whole), least_shares
        )
        difference = _difference(whole, trial)
        if not difference <= EXACT:
            raise BundleError(
                f"The split bundle differs from {whole.path} by {difference:.2g}; give the "
                "network's own --min-body-share and --min-hand-share, or leave them out."
            )
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(trial.path.iterdir(), key=lambda path: path.suffix == ".json"):
            shutil.copyfile(path, folder / path.name)
    if folder.resolve() == whole.path.resolve():
        (folder / MODEL_FILE).unlink()
    return load_bundle(folder), difference


def _difference(whole: Bundle, split: Bundle) -> float:
    """Largest of any output, over windows in which body or hands are seen in 0, 1 ... T steps."""
    steps = whole.manifest.num_steps
    rng = np.random.default_rng(0)
    inputs = {}
    for name, (_, *rest) in whole.manifest.inputs.items():
        values = rng.normal(size=(2 * (steps + 1), *map(int, rest))).astype(np.float32)
        values[:, 2] = np.abs(values[:, 2]).clip(0.05, 1.0)
        for seen in range(steps + 1):
            row = seen if name == "body" else steps + 1 + seen
            values[row, :, seen:] = 0.0
        inputs[name] = values
    expected, found = create_engine(whole).run(inputs), create_engine(split).run(inputs)
    return max(float(np.abs(found[name] - expected[name]).max()) for name in expected)
