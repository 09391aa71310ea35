"""One expert: a stack of graph blocks over one joint graph, pooled and classified."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bharnet_ros.skeleton import Graph
from training.config import ExpertConfig
from training.models.blocks import create_block

POINT_CHANNELS = 3  # x, y, score
_MODALITY_CHANNELS = {"joint": 3, "bone": 2, "motion": 2}


class Modalities(nn.Module):
    """Joints, and beside them bones and motion, computed inside the network.

    (N, 3, T, V) with channels x, y, score -> (N, C, T, V). A bone is a joint minus its parent, a
    motion a joint minus itself one step earlier; both are zero where either end is missing, so
    a gap never looks like a jump.
    """

    def __init__(self, graph: Graph, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        self.channels = sum(_MODALITY_CHANNELS[name] for name in names)
        self.register_buffer("parents", torch.as_tensor(graph.parents.copy()), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        position = x[:, :2]
        seen = (x[:, 2:3] > 0).to(x.dtype)
        parts = []
        for name in self.names:
            if name == "joint":
                parts.append(x)
            elif name == "bone":
                parents: Tensor = self.get_buffer("parents")
                both = seen * seen.index_select(3, parents)
                parts.append((position - position.index_select(3, parents)) * both)
            else:
                step = (position[:, :, 1:] - position[:, :, :-1]) * (
                    seen[:, :, 1:] * seen[:, :, :-1]
                )
                parts.append(torch.cat([torch.zeros_like(step[:, :, :1]), step], dim=2))
        return torch.cat(parts, dim=1)


class Expert(nn.Module):
    """Graph blocks, pooling over the observed steps and instances, one linear layer.

    Input (N, 3, T, V) or (N, 3, T, V, I): I instances share all weights (the two hands).
    Returns logits (N, classes) and the share of steps at which anything was seen, (N, I).
    """

    def __init__(
        self, graph: Graph, config: ExpertConfig, num_steps: int, num_classes: int
    ) -> None:
        super().__init__()
        adjacency = torch.as_tensor(graph.adjacency())
        self.modalities = Modalities(graph, config.modalities)
        width = self.modalities.channels
        self.input_norm = nn.BatchNorm1d(width * graph.num_joints)
        # Global average pooling forgets *when*; the label is about the end of the window, so
        # each step gets a learned offset that tells the blocks where in the window it lies.
        steps = num_steps // config.strides[0]
        self.when = nn.Parameter(torch.zeros(1, config.channels[0], steps, 1))
        self.blocks = nn.ModuleList()
        for channels, stride in zip(config.channels, config.strides, strict=True):
            self.blocks.append(create_block(config.block, width, channels, adjacency, stride))
            width = channels
        self.strides = config.strides
        self.dropout = nn.Dropout(config.dropout)
        self.classify = nn.Linear(width, num_classes)
        nn.init.normal_(self.classify.weight, std=(2.0 / num_classes) ** 0.5 / 4)
        nn.init.zeros_(self.classify.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        if x.dim() == 4:
            x = x.unsqueeze(-1)
        _, c, t, v, instances = x.shape
        x = x.permute(0, 4, 1, 2, 3).reshape(-1, c, t, v)  # (N I, 3, T, V)
        seen = (x[:, 2].amax(dim=2) > 0).to(x.dtype)  # (N I, T)
        observed = seen.mean(dim=1).reshape(-1, instances)

        x = self.modalities(x)
        x = x.transpose(2, 3).reshape(-1, self.modalities.channels * v, t)
        x = self.input_norm(x).reshape(-1, self.modalities.channels, v, t).transpose(2, 3)
        weight = seen.unsqueeze(1)
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index == 0:
                x = x + self.when
            if self.strides[index] != 1:
                weight = nn.functional.max_pool1d(weight, self.strides[index])
        return self.classify(self.dropout(self._pool(x, weight, instances))), observed

    @staticmethod
    def _pool(x: Tensor, weight: Tensor, instances: int) -> Tensor:
        """Mean of (N I, C, T, V) over joints, observed steps and instances: (N, C)."""
        channels = x.shape[1]
        total = (x.mean(dim=3) * weight).sum(dim=2).reshape(-1, instances, channels).sum(dim=1)
        count = weight.sum(dim=2).reshape(-1, instances).sum(dim=1, keepdim=True)
        return total / count.clamp(min=1.0)
