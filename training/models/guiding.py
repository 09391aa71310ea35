"""What the body expert attends to, and how that weighs the regions of an image.

As in MMNet (Yu, Liu, Zhang, Zhong and Chan, TPAMI 2022): the size of the skeleton network's
last features tells which joints matter, and that weighs the rows of the image made of regions.
There the weights are quantised; here they stay differentiable, and which joints a region listens
to is learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import body_graph
from training.models.expert import Embedding

STRONGEST = 0.5
"""Share of a window's steps that count for a joint: those at which its features are strongest."""
_EPS = 1e-6

REGION_JOINTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "head": ("nose", "left_eye", "right_eye", "left_ear", "right_ear"),
        "torso": ("neck", "left_shoulder", "right_shoulder", "left_hip", "right_hip", "mid_hip"),
        "left_hand": ("left_wrist", "left_elbow"),
        "right_hand": ("right_wrist", "right_elbow"),
    }
)
"""The body's joints in or next to a region, which it listens to before it learned better."""


def joint_attention(embedding: Embedding) -> Tensor:
    """(N, V) how strongly an expert of one instance attends to each of its joints; 0 or more.

    The norm over channels of the last features, averaged over the strongest half of the observed
    steps of each joint. Raises ConfigurationError for an expert without features per joint.
    """
    if embedding.volume is None:
        raise ConfigurationError(
            "RGB is guided by what the body expert attends to, but one of block 'pose' has no "
            "features per joint; choose a graph block for model.body, such as degcn."
        )
    values, weight = embedding.volume.values[:, 0], embedding.volume.weight[:, 0]
    norms = torch.sqrt(values.square().sum(dim=1) + _EPS) * weight.unsqueeze(2)  # (N, T, V)
    count = max(1, round(norms.shape[1] * STRONGEST))
    return norms.topk(count, dim=1).values.mean(dim=1)


class RegionGuide(nn.Module):
    """(N, 19) attention -> (N, R) factors of the regions' rows, 0 to 2; 1 for even attention.

    regions: names of `bharnet_ros.roi`. Each region listens to a learned mean of the joints and
    has a learned sensitivity, which is kept positive: more attention is never a smaller factor.
    """

    def __init__(self, regions: Sequence[str]) -> None:
        super().__init__()
        names = body_graph().joint_names
        near = torch.tensor([[name in REGION_JOINTS[r] for name in names] for r in regions])
        self.listens = nn.Parameter(torch.where(near, 4.0, 0.0))
        self.bias = nn.Parameter(torch.zeros(len(regions)))
        self.sensitivity = nn.Parameter(torch.zeros(len(regions)))

    def forward(self, attention: Tensor) -> Tensor:
        mean = attention.mean(dim=1, keepdim=True)
        relative = attention / mean.clamp(min=_EPS)
        heard = relative @ torch.softmax(self.listens, dim=1).t()
        # Without a body nothing is known: every row counts the same.
        known = (mean > 10.0 * _EPS).to(heard.dtype)
        logs = torch.log(heard.clamp(min=1e-3)) * known
        return 2.0 * torch.sigmoid(self.bias + torch.exp(self.sensitivity) * logs)
