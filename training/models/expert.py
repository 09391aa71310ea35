"""One expert: a stack of graph blocks over one joint graph, pooled and classified."""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import Graph
from training.model_config import ExpertConfig
from training.models.blocks import create_block
from training.models.causal import make_causal, pooled_steps, receptive_field
from training.models.modalities import Modalities


class Volume(NamedTuple):
    """The last features of a stream: values (N, I, C, T, V), and weight (N, I, T), 1 where the
    instance was seen at that step, else 0."""

    values: Tensor
    weight: Tensor


class Embedding(NamedTuple):
    """One vector a window, before the last layer.

    vector: (N, C). observed: (N, I) share of steps at which anything was seen. volume: what the
    vector was pooled from, where the expert has one. expertized: (N, C) the vector of the
    expertized branch, where it has one.
    """

    vector: Tensor
    observed: Tensor
    volume: Volume | None = None
    expertized: Tensor | None = None


class Expert(nn.Module):
    """Graph blocks, pooling over the observed steps and instances, one linear layer.

    Input (N, 3, T, V) or (N, 3, T, V, I): I instances share all weights (the two hands); see
    `Modalities` for the channels and `coordinates`.
    Returns logits (N, classes) and the share of steps at which anything was seen, (N, I).

    expertized: the last stage (the last blocks of equal width) exists twice; see `BHaRNet`.
    config.causal: see `ExpertConfig`; ConfigurationError if the windows are too short for it.
    Differs from the papers in pooling over observed steps only, which is the same where nothing
    is missing, and in the learned offset of each step (ExpertConfig.time_offset).
    """

    def __init__(
        self,
        graph: Graph,
        config: ExpertConfig,
        num_steps: int,
        num_classes: int,
        coordinates: int = 2,
        expertized: bool = False,
    ) -> None:
        super().__init__()
        adjacency = torch.as_tensor(graph.adjacency())
        self.modalities = Modalities(graph, config.modalities, coordinates)
        width = self.modalities.channels
        self.input_norm = nn.BatchNorm1d(width * graph.num_joints)
        self.when: nn.Parameter | None = None
        if config.time_offset:
            # Global average pooling forgets *when*; the label is about the end of the window, so
            # each step gets a learned offset that tells the blocks where in the window it lies.
            steps = num_steps // config.strides[0]
            self.when = nn.Parameter(torch.zeros(1, config.channels[0], steps, 1))
        self.blocks = _stack(config, width, adjacency, 0)
        self.further_streams = nn.ModuleList(
            _stack(config, width, adjacency, 0) for _ in range(1, config.streams)
        )
        self.strides = config.strides
        self.num_steps = num_steps
        self.causal = config.causal
        if config.causal:
            moving = any(name.endswith("motion") for name in config.modalities)
            field = receptive_field(list(self.blocks), config.strides, moving)
            inside = pooled_steps(num_steps, field, prod(config.strides))
            self.register_buffer("inside", inside, persistent=False)
        self.width = config.channels[-1] * config.streams
        self.dropout = nn.Dropout(config.dropout)
        self.classify = _classifier(self.width, num_classes)
        self.split = len(config.channels)
        self.expertized: ExpertizedBranch | None = None
        if expertized:
            self.split = last_stage(config)
            self.expertized = ExpertizedBranch(config, self.split, adjacency, num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.embed(x)
        return self.logits(embedding.vector), embedding.observed

    def logits(self, vector: Tensor) -> Tensor:
        """(N, C) -> (N, classes)."""
        found: Tensor = self.classify(self.dropout(vector))
        return found

    def embed(self, x: Tensor) -> Embedding:
        """Everything but the last layer."""
        if x.dim() == 4:
            x = x.unsqueeze(-1)
        _, c, t, v, instances = x.shape
        x = x.permute(0, 4, 1, 2, 3).reshape(-1, c, t, v)  # (N I, 3, T, V)
        seen = self.modalities.seen(x).amax(dim=(1, 3))  # (N I, T)
        observed = seen.mean(dim=1).reshape(-1, instances)

        x = self.modalities(x)
        x = x.transpose(2, 3).reshape(-1, self.modalities.channels * v, t)
        x = self.input_norm(x).reshape(-1, self.modalities.channels, v, t).transpose(2, 3)
        weight = seen.unsqueeze(1)
        ends, apart = [], []
        for number, blocks in enumerate([self.blocks, *self.further_streams]):
            y = x
            for index, block in enumerate(blocks):
                if index == self.split and self.expertized is not None:
                    apart.append(self.expertized.run(number, y))
                y = block(y)
                if index == 0 and self.when is not None:
                    y = y + self.when
            ends.append(y)
        for stride in self.strides:
            if stride != 1:
                weight = nn.functional.max_pool1d(weight, stride)
        if self.causal:
            weight = weight * self.get_buffer("inside")
        volume = _volume(ends, weight, instances)
        vector = pool(volume)
        other = pool(_volume(apart, weight, instances)) if apart else None
        return Embedding(vector, observed, volume, other)


class ExpertizedBranch(nn.Module):
    """The last stage of an expert once more, with a last layer of its own."""

    def __init__(
        self, config: ExpertConfig, start: int, adjacency: Tensor, num_classes: int
    ) -> None:
        super().__init__()
        width = config.channels[start - 1]
        self.blocks = nn.ModuleList(
            _stack(config, width, adjacency, start) for _ in range(config.streams)
        )
        self.dropout = nn.Dropout(config.dropout)
        self.classify = _classifier(config.channels[-1] * config.streams, num_classes)

    def run(self, stream: int, x: Tensor) -> Tensor:
        """The blocks of one stream over what the trunk gave."""
        for block in self.blocks[stream].children():
            x = block(x)
        return x

    def forward(self, vector: Tensor) -> Tensor:
        """(N, C) -> (N, classes)."""
        logits: Tensor = self.classify(self.dropout(vector))
        return logits


def last_stage(config: ExpertConfig) -> int:
    """Index of the first of the last blocks of equal width, at least 1."""
    if len(config.channels) < 2:
        raise ConfigurationError(
            "An expert of one block has no last stage to split off; give it two or more."
        )
    changes = [i for i, (a, b) in enumerate(pairwise(config.channels), 1) if a != b]
    return changes[-1] if changes else 1


def pool(volume: Volume) -> Tensor:
    """Mean over joints, observed steps and instances: (N, C)."""
    total = (volume.values.mean(dim=4) * volume.weight.unsqueeze(2)).sum(dim=3).sum(dim=1)
    count = volume.weight.sum(dim=(1, 2)).unsqueeze(1)
    return total / count.clamp(min=1.0)


def _stack(config: ExpertConfig, width: int, adjacency: Tensor, start: int) -> nn.ModuleList:
    """The blocks from `start` on, the first of them taking `width` channels."""
    blocks = nn.ModuleList()
    for index in range(start, len(config.channels)):
        channels, stride = config.channels[index], config.strides[index]
        block = create_block(config.block, width, channels, adjacency, stride, index == 0)
        if config.causal:
            make_causal(block)
        blocks.append(block)
        width = channels
    return blocks


def _classifier(width: int, num_classes: int) -> nn.Linear:
    layer = nn.Linear(width, num_classes)
    nn.init.normal_(layer.weight, std=(2.0 / num_classes) ** 0.5 / 4)
    nn.init.zeros_(layer.bias)
    return layer


def _volume(streams: list[Tensor], weight: Tensor, instances: int) -> Volume:
    values = torch.cat(streams, dim=1) if len(streams) > 1 else streams[0]
    _, c, t, v = values.shape
    return Volume(values.reshape(-1, instances, c, t, v), weight.reshape(-1, instances, t))
