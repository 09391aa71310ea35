"""Networks with random weights in all the forms whose ticks are compared."""

from __future__ import annotations

from pathlib import Path

from bharnet_ros.bundle import Bundle, write_bundle
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.manifest import Manifest

POSE = "pose"
"""The experts of described gestures, which are no ready ones."""
CLASSES = 36
TICK_S = 1.0 / 15.0


def exported(preset: str, folder: Path) -> dict[str, Bundle]:
    """Bundles of a ready expert for body and hands with random weights: "split" and folded as
    exports are, with a step graph if it runs frame by frame (a step is a tick, 1 / 15 s); folded
    in one graph ("whole"), and "unfolded" in one graph. preset: also POSE."""
    import torch

    from training.describing.fitting import pose_model
    from training.export import write_graph, write_split
    from training.export_continual import add_step_graph, is_causal
    from training.model_config import ModelConfig, expert_preset
    from training.models import BHaRNet
    from training.models.bharnet import CalibratedBHaRNet

    torch.set_num_threads(1)
    torch.manual_seed(0)
    if preset == POSE:
        model, steps = pose_model(), 32
    else:
        expert = expert_preset(preset)
        model = ModelConfig(expert, expert)
        steps = 48 if expert.causal else 32 if preset.endswith("_light") else 64
    network = BHaRNet(model, CLASSES, steps).eval()
    causal = is_causal(network)
    manifest = Manifest(
        name=preset, layout="coco_wholebody_133", background_class="0",
        window_s=TICK_S * (steps - 1) if causal else 0.05 * steps, num_steps=steps,
        class_names=tuple(str(number) for number in range(CLASSES)),
        features=FeatureConfig(per_frame=causal),
        description="A ready expert with random weights, for measurements.",
    )  # fmt: skip
    bundles = {}
    for name, folded in (("whole", True), ("unfolded", False)):
        path = folder / f"{preset}_{name}.onnx"
        write_graph(CalibratedBHaRNet(network), steps, path, folded=folded)
        bundles[name] = write_bundle(folder / f"{preset}_{name}", manifest, path)
    shares = {"hand": network.min_hand_share}
    whole = bundles["whole"].onnx_path
    bundles["split"] = write_split(folder / f"{preset}_split", manifest, whole, {}, shares)
    if causal:
        bundles["split"], _ = add_step_graph(network, bundles["split"])
    return bundles
