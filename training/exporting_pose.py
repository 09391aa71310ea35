"""A SimCC network of mmpose as an ONNX graph, with the file that describes it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.inference import open_graph
from bharnet_ros.inference.digest import sha256_of
from bharnet_ros.models_store.location import GRAPH
from bharnet_ros.pose.mmpose.network import PoseNetwork, open_network
from bharnet_ros.pose.rtmpose.description import PoseDescription, write_description
from training.export import apart, zero_denormals
from training.onnx_graph import save_graph

INPUT, OUTPUTS = "input", ("simcc_x", "simcc_y")
"""The names that mmdeploy gives, which other programs look for."""
PARITY = 1e-4
_BATCHES = (1, 2, 5)


def export_pose(
    config: str | Path, checkpoint: str | Path | None, folder: str | Path
) -> tuple[Path, PoseDescription, float]:
    """Write model.onnx and pose.yaml into the folder, and prove the graph.

    config, checkpoint: as for `open_network`. Returns the graph, its description and the largest
    difference of any output between torch and ONNX Runtime, which may be 1e-4 of the largest
    output. Raises ConfigurationError for a network that is decoded in another way than SimCC,
    BundleError if the graph differs, or what `open_network` raises.
    """
    network = open_network(config, checkpoint, device="cpu")
    description = describe(network)
    judge = _Logits(network.module).eval()
    zero_denormals(judge)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be made ({error.strerror}); give another --output."
        ) from None
    graph = folder / GRAPH
    width, height = description.input_size or (0, 0)
    part = graph.with_name(f".{graph.name}.part")
    try:
        save_graph(judge, (torch.zeros(2, 3, height, width),), (INPUT,), OUTPUTS, part)
        difference, share = compare(judge, part, (width, height))
        if not share <= PARITY:
            raise BundleError(
                f"The exported graph differs from the network by {share:.2g} of its largest "
                f"output, more than {PARITY:g}; it is not kept. Update onnx and onnxruntime to "
                "the pinned versions and export again."
            )
        part.replace(graph)
    finally:
        part.unlink(missing_ok=True)
    write_description(folder, description, _source(network, checkpoint, difference))
    return graph, description, difference


def describe(network: PoseNetwork) -> PoseDescription:
    """What pose.yaml says of it. Raises ConfigurationError for what the backend cannot decode."""
    module, where = network.module, f"The network of the config '{network.name}'"
    codec: Any = getattr(module.head, "decoder", None)
    if type(codec).__name__ != "SimCCLabel" or codec.use_dark:
        found = "SimCC with use_dark" if getattr(codec, "use_dark", False) else type(codec).__name__
        raise ConfigurationError(
            f"{where} is decoded by {found}; only plain SimCC networks (RTMPose, RTMW) can be "
            "exported. Use others through the pose backend mmpose."
        )
    steps = {type(step).__name__: step for step in getattr(network.pipeline, "transforms", ())}
    affine, region = steps.get("TopdownAffine"), steps.get("GetBBoxCenterScale")
    if affine is None or region is None or getattr(affine, "use_udp", True):
        raise ConfigurationError(
            f"{where} does not cut people out with GetBBoxCenterScale and a TopdownAffine without "
            "use_udp; use it through the pose backend mmpose."
        )
    if (module.test_cfg or {}).get("output_keypoint_indices") is not None:
        raise ConfigurationError(
            f"{where} gives a choice of its keypoints (output_keypoint_indices); use it through "
            "the pose backend mmpose."
        )
    pixels = network.config.model.get("data_preprocessor") or {}
    swaps = pixels.get("bgr_to_rgb", False) or pixels.get("rgb_to_bgr", False)
    return PoseDescription(
        keypoints=int(module.head.out_channels),
        input_size=(int(affine.input_size[0]), int(affine.input_size[1])),
        mean=tuple(pixels.get("mean") or (0.0, 0.0, 0.0)),
        std=tuple(pixels.get("std") or (1.0, 1.0, 1.0)),
        color="rgb" if swaps else "bgr",
        split_ratio=float(codec.simcc_split_ratio),
        padding=float(region.padding),
        full_score=network.full_score,
    )


@torch.no_grad()
def compare(network: nn.Module, graph: Path, size: tuple[int, int]) -> tuple[float, float]:
    """Largest difference of any output on normalised noise of several batch sizes, and the
    largest as a share of the largest output (random weights give outputs near 100)."""
    generator = np.random.default_rng(0)
    engine = open_graph(graph)
    worst, share = 0.0, 0.0
    try:
        for count in _BATCHES:
            images = generator.normal(size=(count, 3, size[1], size[0])).astype(np.float32)
            found = engine.run({INPUT: images})
            expected = network(torch.from_numpy(images))
            for name, value in zip(OUTPUTS, expected, strict=True):
                worst = max(worst, float(np.abs(found[name] - value.numpy()).max()))
                share = max(share, apart(found[name], value.numpy()))
    finally:
        engine.close()
    return worst, share


class _Logits(nn.Module):
    """The network from pixels to SimCC rows, without what mmpose does around it."""

    def __init__(self, estimator: Any) -> None:
        super().__init__()
        self.estimator = estimator

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W) normalised -> (N, K, Wx), (N, K, Wy)."""
        x, y = self.estimator.head.forward(self.estimator.extract_feat(images))
        return x, y


def _source(
    network: PoseNetwork, checkpoint: str | Path | None, difference: float
) -> dict[str, Any]:
    path = None if checkpoint is None else Path(checkpoint).expanduser()
    return {
        "config": network.name,
        "checkpoint": "random weights" if path is None else path.name,
        "checkpoint_sha256": "" if path is None else sha256_of(path),
        "mmpose": str(importlib.import_module("mmpose").__version__),
        "torch": str(torch.__version__),
        "largest_difference": float(f"{difference:.2g}"),
    }
