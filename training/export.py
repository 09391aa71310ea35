"""From trained weights to a model bundle that the robot loads."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from bharnet_ros.bundle import Bundle, file_record, write_bundle
from bharnet_ros.errors import BundleError
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import FUSION, INPUTS, RELIABILITIES, RGB, GraphFile, Rgb
from bharnet_ros.types import FloatArray
from training.config import TrainingConfig
from training.files import writing
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.models.folding import exportable, fold, fold_batch_norms
from training.onnx_graph import save_graph
from training.onnx_products import as_products
from training.splitting_graph import row_bytes, split_graph
from training.windowing import ExpertInputs

__all__ = [
    "RgbGraph", "export_bundle", "fold_batch_norms", "parity", "provenance", "write_graph",
    "write_split", "zero_denormals",
]  # fmt: skip
DENORMAL = 1e-12
PARITY = 1e-4


class RgbGraph(NamedTuple):
    """The graph that looks at pixels, serialized, and what the manifest says about it."""

    about: Rgb
    graph: bytes


def export_bundle(
    network: BHaRNet,
    manifest: Manifest,
    windows: ExpertInputs,
    folder: Path,
    extra: Mapping[str, bytes] | None = None,
    rgb: RgbGraph | None = None,
) -> tuple[Bundle, float]:
    """Write the bundle and prove it against the network it came from.

    manifest: all of it but the files; its fusion holds the temperatures that go into the graph.
    How the graph fuses, and whether it gives reliabilities, is filled in from the network.
    Where body and hands are networks of their own they become graphs of their own, so that each
    runs only for people of whom it can see something.
    windows: real inputs for the parity check, beside random ones. extra: further files of the
    bundle. rgb: a further graph, for which the body's tells what it attends to; what it computes is
    proved elsewhere (`training.engine.rgb_exporting`). Returns the bundle and the largest
    difference of any output; `BundleError` if that is above 1e-4, ConfigurationError if the folder
    cannot be written.
    """
    fusion = manifest.fusion
    judge = CalibratedBHaRNet(
        network, fusion.temperature, fusion.body_temperature, attending=rgb is not None
    ).eval()
    fusion = replace(
        fusion, method=network.fusion, reliabilities=RELIABILITIES in judge.output_names
    )
    manifest = replace(manifest, fusion=fusion)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "model.onnx"
        write_graph(judge, manifest.num_steps, path)
        with writing(folder):
            bundle = write_split(folder, manifest, path, extra or {}, _least_shares(network), rgb)
    difference = parity(judge, bundle, windows)
    if not difference <= PARITY:
        raise BundleError(
            f"The exported graph differs from the trained network by {difference:.2g}, more than "
            f"{PARITY:g}; the bundle in {folder} must not be used. Update onnx and onnxruntime "
            "to the pinned versions and export again."
        )
    return bundle, difference


def write_split(
    folder: Path,
    manifest: Manifest,
    model: Path,
    extra: Mapping[str, bytes],
    least_shares: Mapping[str, float],
    rgb: RgbGraph | None = None,
) -> Bundle:
    """Write the bundle of a whole graph in three, or in one if it has no experts of their own.
    Convolutions over time become matrix products (`onnx_products`); `Manifest.whole_sha256` is
    that of the graph before.

    least_shares: by stream, `GraphFile.min_share`; 0 where it is not given. rgb: a graph beside
    them; BundleError if there is only one.
    """
    whole = onnx.load(model)
    try:
        parts = split_graph(whole)
    except BundleError:
        if rgb is not None:
            raise
        alone = replace(manifest, graphs={}, whole_sha256="")
        return write_bundle(folder, alone, as_products(whole).SerializeToString(), extra)
    parts = {role: as_products(onnx.load_from_string(part)).SerializeToString()
             for role, part in parts.items()}  # fmt: skip
    graphs = {
        role: GraphFile(
            f"{role}.onnx", least_shares.get(role, 0.0), 0 if role == FUSION else row_bytes(part)
        )
        for role, part in parts.items()
    }
    digest = str(file_record(model)["sha256"])
    if rgb is not None:
        graphs[RGB], parts[RGB] = GraphFile(f"{RGB}.onnx"), rgb.graph
    split = replace(
        manifest, graphs=graphs, whole_sha256=digest, rgb=None if rgb is None else rgb.about
    )
    return write_bundle(folder, split, parts, extra)


def _least_shares(network: BHaRNet) -> dict[str, float]:
    """How much of a stream must be seen for it to be judged. Joined hands are seen where either
    is, which the share of one hand does not tell: they are left out only where none is."""
    joined = network.config.hands == "joined"
    return {"body": network.min_body_share, "hand": 0.0 if joined else network.min_hand_share}


def write_graph(judge: CalibratedBHaRNet, num_steps: int, path: Path, folded: bool = True) -> None:
    """The ONNX graph: batch of any size, weights inside the file, folded (see `models.folding`).

    folded: False leaves the operations as in training, for comparison.
    """
    ready = fold(judge) if folded else exportable(judge)
    zero_denormals(ready)
    example = (torch.rand(2, 3, num_steps, 19, 1), torch.rand(2, 3, num_steps, 21, 2))
    save_graph(ready, example, INPUTS, judge.output_names, path)


@torch.no_grad()
def zero_denormals(network: nn.Module) -> int:
    """Set weights below 1e-12 to zero, in place; returns how many.

    Processors crawl on denormal numbers. Running variances stay: they are divided by.
    """
    count = 0
    values: dict[str, Tensor] = dict(network.named_parameters())
    values |= {
        name: value
        for name, value in network.named_buffers()
        if value.is_floating_point() and not name.endswith("running_var")
    }
    for value in values.values():
        tiny = (value != 0) & (value.abs() < DENORMAL)
        count += int(tiny.sum())
        value[tiny] = 0.0
    return count


@torch.no_grad()
def parity(judge: CalibratedBHaRNet, bundle: Bundle, windows: ExpertInputs) -> float:
    """Largest difference of any output between torch and ONNX Runtime, at several batch sizes.

    Random windows, the given ones, and windows without hands or without anything.
    """
    steps = bundle.manifest.num_steps
    rng = np.random.default_rng(0)
    body = rng.normal(size=(4, 3, steps, 19, 1)).astype(np.float32)
    hand = rng.normal(size=(4, 3, steps, 21, 2)).astype(np.float32)
    body[:, 2], hand[:, 2] = np.abs(body[:, 2]).clip(0, 1), np.abs(hand[:, 2]).clip(0, 1)
    hand[1] = 0.0
    body[2], hand[2] = 0.0, 0.0
    cases = [(body, hand), (body[:1], hand[:1]), (windows.body[:64], windows.hand[:64])]
    engine = create_engine(bundle)
    worst = 0.0
    for body_input, hand_input in cases:
        found = engine.run({"body": body_input, "hand": hand_input})
        expected = judge.eval()(torch.from_numpy(body_input), torch.from_numpy(hand_input))
        for name, value in zip(judge.output_names, expected, strict=True):
            worst = max(worst, apart(found[name], value.numpy()))
    return worst


def apart(found: FloatArray, expected: FloatArray) -> float:
    """Largest difference, as a share of the largest expected value if that is above 1: random
    windows can drive logits into the hundreds, where float32 has no more digits."""
    size = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(found - expected).max()) / size


def provenance(
    config: TrainingConfig, description: Mapping[str, Any], command: str
) -> dict[str, Any]:
    """What the manifest tells about how a bundle came to be."""
    return {
        "command": command,
        "seed": config.seed,
        "config_sha256": config.digest(),
        "estimator": description["card"]["estimator"],
        "data_sha256": description["data_sha256"],
        "films": description["films"],
        "film_s": description["film_s"],
        "splits": {name: asdict(split) for name, split in config.data.all_splits().items()},
        "model": description["config"]["model"],
        "fit": description["config"]["fit"],
        "started_from_weights": description["started_from_weights"],
        "augment": description["config"]["augment"],
        "label_rule": {
            "min_visible_s": config.windows.min_visible_s,
            "ignore_after_s": config.windows.ignore_after_s,
        },
        "packages": {"torch": torch.__version__, "python": platform.python_version()},
    }
