"""An expert that reads each frame's pose as a whole and then looks along time.

Graph convolutions find out what neighbouring joints do together; where a pose is one of a few
dozen joints and thousands of poses can be drawn every second, a plain network over all joints of
a frame, followed by convolutions over time, learns the same from coordinates and is more than
ten times cheaper to train and to run on a CPU (`docs/results.md` has both).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bharnet_ros.skeleton import Graph
from training.model_config import POSE_BLOCK, ExpertConfig
from training.models.expert import Embedding

__all__ = ["POSE_BLOCK", "PoseExpert", "TemporalBlock"]
_KERNEL = 5
_DESCRIBED = 10  # numbers of a joint at a step
# hand_21: wrist; the thumb's knuckle and tip; knuckle, middle joint and tip of each finger.
_ENDS = (0, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18, 20)


class PoseExpert(nn.Module):
    """Frame encoder, temporal convolutions, one vector per window, one linear layer.

    Input (N, 3, T, V) or (N, 3, T, V, I) with channels x, y, score; I instances share the
    weights up to their vectors, of which the largest and the mean value of each channel count.
    config.channels: width of the frame encoder, then of each temporal convolution, with
    config.strides (the first one is the encoder's and must be 1).
    Returns logits (N, classes) and the share of steps at which anything was seen, (N, I).
    """

    def __init__(
        self, graph: Graph, config: ExpertConfig, num_steps: int, num_classes: int
    ) -> None:
        super().__init__()
        self.register_buffer("parents", torch.as_tensor(graph.parents.copy()), persistent=False)
        ends = _ENDS if config.distances else ()
        pairs = [(a, b) for i, a in enumerate(ends) for b in ends[i + 1 :]]
        for side, name in enumerate(("starts", "ends")):
            index = torch.tensor([pair[side] for pair in pairs], dtype=torch.long)
            self.register_buffer(name, index, persistent=False)
        numbers = graph.num_joints * _DESCRIBED + len(pairs)
        width = config.channels[0]
        # A nod moves the nose by a twentieth of what a step to the side does: every number gets
        # the same weight before the network decides.
        self.norm = nn.BatchNorm1d(numbers)
        self.encode = nn.Sequential(
            nn.Conv1d(numbers, width, 1, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
            nn.Conv1d(width, width, 1, bias=False), nn.BatchNorm1d(width), nn.ReLU(),
        )  # fmt: skip
        self.temporal = nn.ModuleList()
        steps = num_steps
        for channels, stride in zip(config.channels[1:], config.strides[1:], strict=True):
            self.temporal.append(TemporalBlock(width, channels, stride))
            width, steps = channels, steps // stride
        # The label is about the end of the window, so each step keeps its place: no pooling.
        self.summarise = nn.Sequential(
            nn.Conv1d(width, width, steps, bias=False), nn.BatchNorm1d(width), nn.ReLU()
        )
        self.dropout = nn.Dropout(config.dropout)
        self.width = 2 * width
        self.classify = nn.Linear(2 * width, num_classes)
        nn.init.normal_(self.classify.weight, std=0.02)
        nn.init.zeros_(self.classify.bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.embed(x)
        return self.logits(embedding.vector), embedding.observed

    def logits(self, vector: Tensor) -> Tensor:
        """(N, 2 C) -> (N, classes)."""
        found: Tensor = self.classify(self.dropout(vector))
        return found

    def embed(self, x: Tensor) -> Embedding:
        """Everything but the last layer; there is no volume."""
        if x.dim() == 4:
            x = x.unsqueeze(-1)
        _, c, t, v, instances = x.shape
        x = x.permute(0, 4, 1, 3, 2).reshape(-1, c, v, t)  # (N I, 3, V, T)
        seen = (x[:, 2].amax(dim=1) > 0).to(x.dtype)  # (N I, T)
        observed = seen.mean(dim=1).reshape(-1, instances)
        described = self._described(x).reshape(-1, _DESCRIBED * v, t)
        if self.get_buffer("starts").numel():
            described = torch.cat([described, self._distances(x)], dim=1)
        x = self.encode(self.norm(described))
        for block in self.temporal:
            x = block(x)
        x = self.summarise(x).reshape(-1, instances, x.shape[1])
        there = (observed > 0).to(x.dtype).unsqueeze(-1)
        x = x * there
        mean = x.sum(dim=1) / there.sum(dim=1).clamp(min=1.0)
        return Embedding(torch.cat([x.amax(dim=1), mean], dim=1), observed)

    def _described(self, x: Tensor) -> Tensor:
        """(M, 3, V, T) -> (M, 10, V, T).

        x, y, seen, bone, the bone's length; how far joint and bone are from their own mean over
        the window.
        """
        position, seen = x[:, :2], (x[:, 2:3] > 0).to(x.dtype)
        parents: Tensor = self.get_buffer("parents")
        both = seen * seen.index_select(2, parents)
        bone = (position - position.index_select(2, parents)) * both
        length = (bone * bone).sum(dim=1, keepdim=True)
        # How far each bone is turned into the picture: independent of which way it points.
        moving = torch.cat([_from_mean(position, seen), _from_mean(bone, both)], dim=1)
        return torch.cat([position, seen, bone, torch.sqrt(length + 1e-6), moving], dim=1)


    def _distances(self, x: Tensor) -> Tensor:
        """(M, 3, V, T) -> (M, P, T): lengths between pairs of joints, 0 where one is missing."""
        starts: Tensor = self.get_buffer("starts")
        ends: Tensor = self.get_buffer("ends")
        position, seen = x[:, :2], (x[:, 2] > 0).to(x.dtype)
        apart = position.index_select(2, starts) - position.index_select(2, ends)
        both = seen.index_select(1, starts) * seen.index_select(1, ends)
        return torch.sqrt((apart * apart).sum(dim=1) + 1e-6) * both


def _from_mean(values: Tensor, seen: Tensor) -> Tensor:
    """(M, 2, V, T) minus its mean over the steps that were seen; 0 at the others."""
    mean = (values * seen).sum(dim=3, keepdim=True) / seen.sum(dim=3, keepdim=True).clamp(min=1.0)
    return (values - mean) * seen


class TemporalBlock(nn.Module):
    """Convolution over time with a shortcut. (M, C, T) -> (M, C', T / stride)."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.convolve = nn.Sequential(
            nn.Conv1d(in_channels, channels, _KERNEL, stride, _KERNEL // 2, bias=False),
            nn.BatchNorm1d(channels),
        )
        self.shortcut = nn.Sequential(
            nn.Conv1d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm1d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.convolve(x) + self.shortcut(x))
