"""A bundle of an earlier export -> the same bundle as it is exported now."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from bharnet_ros.bundle import MODEL_FILE, Bundle, extra_files, load_bundle, write_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest_parts import STREAMS
from training.export import write_split
from training.onnx_products import as_products
from training.splitting_graph import row_bytes, split_graph

EXACT = 1e-4
"""Sums are added up in another order, and that is all that may differ; as at every export."""


def split_bundle(
    name_or_path: str | Path, folder: Path, least_shares: Mapping[str, float]
) -> tuple[Bundle, float]:
    """Write the bundle into `folder`, which may be its own: split, with convolutions over time as
    matrix products. A bundle that is split already keeps its graphs' borders and its digest.

    least_shares: by stream, below which share of the steps the network itself says nothing; for
    bundles of one graph.
    Returns the new bundle and the largest difference of any output. Raises BundleError if there is
    nothing to change, if it cannot be split, or gives other numbers: also where a share is larger
    than the network's own.
    """
    old = load_bundle(name_or_path)
    if not old.manifest.graphs:
        split_graph(onnx.load(old.onnx_path))  # refuses with its own sentence
    with tempfile.TemporaryDirectory() as scratch:
        trial = (
            _with_products(old, Path(scratch)) if old.manifest.graphs else
            write_split(
                Path(scratch), old.manifest, old.onnx_path, extra_files(old), least_shares
            )
        )  # fmt: skip
        difference = _difference(old, trial)
        if not difference <= EXACT:
            raise BundleError(
                f"The new bundle differs from {old.path} by {difference:.2g}; give the "
                "network's own --min-body-share and --min-hand-share, or leave them out."
            )
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(trial.path.iterdir(), key=lambda path: path.suffix == ".json"):
            shutil.copyfile(path, folder / path.name)
    if folder.resolve() == old.path.resolve() and not old.manifest.graphs:
        (folder / MODEL_FILE).unlink()
    return load_bundle(folder), difference


def _with_products(old: Bundle, folder: Path) -> Bundle:
    parts = {role: path.read_bytes() for role, path in old.graphs.items()}
    graphs = dict(old.manifest.graphs)
    changed = False
    for role in STREAMS:
        model = onnx.load_from_string(parts[role]) if role in parts else None
        new = None if model is None else as_products(model)
        if new is not None and new is not model:
            changed, parts[role] = True, new.SerializeToString()
            graphs[role] = replace(graphs[role], row_bytes=row_bytes(parts[role]))
    if not changed:
        raise BundleError(
            f"The bundle {old.path} is split already, and its graphs hold no convolution over time "
            "that could become a matrix product; there is nothing to change."
        )
    return write_bundle(folder, replace(old.manifest, graphs=graphs), parts, extra_files(old))


def _difference(old: Bundle, new: Bundle) -> float:
    """Largest of any output, over windows in which body or hands are seen in 0, 1 ... T steps."""
    steps = old.manifest.num_steps
    rng = np.random.default_rng(0)
    inputs = {}
    for name, (_, *rest) in old.manifest.inputs.items():
        values = rng.normal(size=(2 * (steps + 1), *map(int, rest))).astype(np.float32)
        values[:, 2] = np.abs(values[:, 2]).clip(0.05, 1.0)
        for seen in range(steps + 1):
            row = seen if name == "body" else steps + 1 + seen
            values[row, :, seen:] = 0.0
        inputs[name] = values
    expected, found = create_engine(old).run(inputs), create_engine(new).run(inputs)
    return max(float(np.abs(found[name] - expected[name]).max()) for name in expected)
