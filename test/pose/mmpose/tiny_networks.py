"""Small random networks that real mmpose code builds, and checkpoints of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

RTMW = "rtmw-m_8xb1024-270e_cocktail14-256x192"
"""A config that comes with mmpose; the tiny one is that with an eighth of the channels."""

_TINY = f"""\
_base_ = ['mmpose::wholebody_2d_keypoint/rtmpose/cocktail14/{RTMW}.py']
model = dict(
    backbone=dict(deepen_factor=0.167, widen_factor=0.125),
    neck=dict(in_channels=[32, 64, 128]),
    head=dict(in_channels=128))
"""


def tiny_config(folder: Path, more: str = "", name: str = "tiny_rtmw") -> Path:
    """An RTMW of 133 keypoints for 192 x 256 pixels. more: lines after it."""
    path = folder / f"{name}.py"
    path.write_text(_TINY + more, "utf-8")
    return path


_TINY_HAND = """\
_base_ = ['mmpose::hand_2d_keypoint/rtmpose/hand5/rtmpose-m_8xb256-210e_hand5-256x256.py']
model = dict(backbone=dict(deepen_factor=0.167, widen_factor=0.125), head=dict(in_channels=128))
"""


def tiny_hand_config(folder: Path) -> Path:
    """An RTMPose of 21 hand keypoints for 256 x 256 pixels."""
    path = folder / "tiny_hand.py"
    path.write_text(_TINY_HAND, "utf-8")
    return path


def random_state(config: Path, seed: int = 0) -> dict[str, Any]:
    """Weights of a network; its raw scores lie about where trained ones do."""
    import torch

    from bharnet_ros.pose.mmpose.network import full_score, open_network

    torch.manual_seed(seed)
    module = open_network(config, None, device="cpu").module
    # Statistics of real features: with those of a new network all images look alike.
    width, height = module.head.input_size
    pixels = torch.randn(4, 3, height, width, generator=torch.Generator().manual_seed(seed))
    module.train()
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.momentum = None  # the average of all that it sees
    with torch.no_grad():
        module.head.forward(module.extract_feat(pixels))
        module.eval()
        x, y = module.head.forward(module.extract_feat(pixels))
        for layer, rows in ((module.head.cls_x, x), (module.head.cls_y, y)):
            layer.weight *= 0.6 * full_score(module) / rows.amax(-1).mean()
    return {name: value.clone() for name, value in module.state_dict().items()}


def save_checkpoint(path: Path, state: dict[str, Any]) -> Path:
    """As mmengine's runner writes it, with NumPy values and a training log beside the weights."""
    import torch
    from mmengine.logging.history_buffer import HistoryBuffer

    log = HistoryBuffer([0.5, 0.25], [1, 1])
    meta = {"epoch": 3, "experiment_name": "tiny", "seed": np.int64(21), "time": "today"}
    hub = {"log_scalars": {"train/loss": log}, "runtime_info": {"lr": np.float64(5e-4)}}
    torch.save({"meta": meta, "state_dict": state, "message_hub": hub}, path)
    return path
