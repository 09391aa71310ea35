"""The RGB branch as a graph, and the bundle of a skeleton run and its RGB run."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from bharnet_ros.bundle import GESTURES_FILE, Bundle, file_record, rewrite_bundle
from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.gestures.dumping import dump_vocabulary
from bharnet_ros.manifest_parts import OUTPUTS, Rgb
from bharnet_ros.roi import RoiConfig
from bharnet_ros.types import FloatArray
from training.engine.exporting import Report, export_run
from training.engine.rgb_fitting import load_branch
from training.engine.runs import WEIGHTS_FILE, read_run
from training.engine.tables import rounded
from training.export import PARITY, RgbGraph, apart, zero_denormals
from training.models.rgb import RgbBranch
from training.onnx_graph import save_graph

RGB_INPUTS = ("tiles", "seen", "attention", "skeleton_probabilities")
RGB_OUTPUTS = (OUTPUTS[-1], "rgb_logits", "rgb_reliability")
_JOINTS = 19


def rgb_graph(branch: RgbBranch, roi: RoiConfig, num_classes: int) -> tuple[bytes, float]:
    """The branch as an ONNX graph for a batch of any size, and its largest difference to torch.

    Compared on random tiles and on people of whom some tiles, no tile or no body was seen, at
    several batch sizes. BundleError if the difference is above 1e-4.
    """
    ready = branch.eval()
    zero_denormals(ready)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "rgb.onnx"
        example = tuple(torch.from_numpy(v) for v in _people(roi, num_classes, 2, 0).values())
        save_graph(ready, example, RGB_INPUTS, RGB_OUTPUTS, path)
        difference = _parity(ready, path, roi, num_classes)
        graph = path.read_bytes()
    if not difference <= PARITY:
        raise BundleError(
            f"The exported RGB graph differs from the trained branch by {difference:.2g}, more "
            f"than {PARITY:g}. Update onnx and onnxruntime to the pinned versions and export again."
        )
    return graph, difference


def export_rgb(
    run: Path,
    skeleton: Path,
    folder: Path,
    command: str,
    store: str = "",
    report: Report = print,
) -> Bundle:
    """Write the bundle of a skeleton run and the RGB run that was trained on it.

    It says what the skeleton's own bundle would say, and one parameter of the robot adds the
    pixels. Thresholds are chosen by the classes that skeletons can tell. Raises
    ConfigurationError if the RGB run belongs to another skeleton run.
    """
    branch, config, description = load_branch(run)
    skeleton_config, about = read_run(skeleton)
    if description["skeleton_sha256"] != file_record(skeleton / WEIGHTS_FILE)["sha256"]:
        raise ConfigurationError(
            f"{run} was not trained on the weights in {skeleton}; give the skeleton run it was "
            "trained on, or run `python -m training fit-rgb` again."
        )
    names = tuple(about["class_names"])
    roi = RoiConfig.from_dict(description["roi"])
    graph, difference = rgb_graph(branch, roi, len(names))
    report(f"Largest difference of the RGB graph to torch: {difference:.1e}")
    groups = tuple(tuple(group) for group in description["groups"])
    rgb = Rgb(roi.regions, roi.tile_px, roi.num_frames, groups, config.min_mass)
    extra = {}
    if config.vocabulary:
        extra[GESTURES_FILE] = dump_vocabulary(load_vocabulary(config.vocabulary)).encode()
    wanted = skeleton_config.bundle
    wanted = replace(
        wanted,
        name=wanted.name or skeleton_config.name,
        description=config.description or wanted.description,
        license=config.license or wanted.license,
    )
    bundle = export_run(
        skeleton, folder, wanted, command, store, report, RgbGraph(rgb, graph), extra,
        [name for group in groups for name in group],
    )  # fmt: skip
    manifest = replace(
        bundle.manifest,
        training={**bundle.manifest.training, "rgb": _provenance(description)},
        metrics={
            **bundle.manifest.metrics,
            "rgb_parity": float(f"{difference:.2g}"),
            "validation_groups": rounded(
                {k: v for k, v in description["history"][-1].items() if k != "epoch"}
            ),
        },
    )
    return rewrite_bundle(bundle, manifest)


def _provenance(description: dict[str, Any]) -> dict[str, Any]:
    """No path of this machine."""
    config = description["config"]
    weights = Path(config["model"]["weights"]).name
    kept = ("encoder_weights", "config_sha256", "clips", "epochs", "factor", "packages")
    return {
        "config": {**config, "model": {**config["model"], "weights": weights}},
        **{name: description[name] for name in kept},
    }


@torch.no_grad()
def _parity(branch: RgbBranch, path: Path, roi: RoiConfig, num_classes: int) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    for count in (1, 4, 9):
        people = _people(roi, num_classes, count, count)
        found = session.run(list(RGB_OUTPUTS), people)
        expected = branch(*(torch.from_numpy(value) for value in people.values()))
        for value, wanted in zip(found, expected, strict=True):
            worst = max(worst, apart(np.asarray(value), wanted.numpy()))
    return worst


def _people(roi: RoiConfig, num_classes: int, count: int, seed: int) -> dict[str, FloatArray]:
    """Inputs by name; of the second person nothing is seen, of the third no body."""
    rng = np.random.default_rng(seed)
    grid, side = (count, roi.num_frames, roi.num_regions), roi.tile_px
    seen = (rng.random(grid) < 0.8).astype(np.float32)
    seen[1:2] = 0.0
    attention = rng.random((count, _JOINTS)).astype(np.float32)
    attention[2:3] = 0.0
    tiles = rng.random((*grid, 3, side, side)).astype(np.float32) * seen[..., None, None, None]
    probabilities = rng.dirichlet(np.full(num_classes, 0.3), count).astype(np.float32)
    return dict(zip(RGB_INPUTS, (tiles, seen, attention, probabilities), strict=True))
