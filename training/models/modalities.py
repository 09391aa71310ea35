"""What an expert reads: joints, bones and their motions, computed inside the network."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import Graph
from training.model_config import MODALITIES, MOTION

INPUT_CHANNELS = 3  # x, y and score, or x, y and z


class Modalities(nn.Module):
    """Joints, bones, joint motion and bone motion, side by side as channels.

    (N, 3, T, V) -> (N, C, T, V). coordinates = 2: the channels are x, y, score and a joint with
    score 0 is missing. coordinates = 3: x, y, z, and a step whose joints are all zero is missing.
    "joint" gives the input as it is, each other modality one channel a coordinate. A bone is a
    joint minus its parent, a motion a value minus that of one step earlier ("motion" is another
    name of "joint_motion"); each is zero where one of its ends is missing, so that a gap never
    looks like a jump.
    """

    def __init__(self, graph: Graph, names: tuple[str, ...], coordinates: int = 2) -> None:
        super().__init__()
        if coordinates not in (2, 3):
            raise ConfigurationError(f"Joints have {coordinates} coordinates; only 2 or 3 can be.")
        for name in names:
            if name not in (*MODALITIES, MOTION):
                raise ConfigurationError(
                    f"Modality '{name}' is not known; use {', '.join(MODALITIES)}."
                )
        self.names = names
        self.coordinates = coordinates
        self.channels = sum(INPUT_CHANNELS if n == "joint" else coordinates for n in names)
        self.register_buffer("parents", torch.as_tensor(graph.parents.copy()), persistent=False)

    def seen(self, x: Tensor) -> Tensor:
        """(N, 1, T, V): 1 where a joint was observed, else 0."""
        if self.coordinates == 2:
            return (x[:, 2:3] > 0).to(x.dtype)
        some = x.abs().amax(dim=(1, 3), keepdim=True) > 0
        return some.to(x.dtype).expand(-1, -1, -1, x.shape[3])

    def forward(self, x: Tensor) -> Tensor:
        position = x[:, : self.coordinates]
        seen = self.seen(x)
        parts = []
        for name in self.names:
            if name == "joint":
                parts.append(x)
            elif name == "bone":
                parts.append(self._bones(position, seen)[0])
            elif name == "bone_motion":
                parts.append(_motion(*self._bones(position, seen)))
            else:
                parts.append(_motion(position, seen))
        return torch.cat(parts, dim=1)

    def _bones(self, position: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        parents: Tensor = self.get_buffer("parents")
        both = seen * seen.index_select(3, parents)
        return (position - position.index_select(3, parents)) * both, both


def _motion(values: Tensor, seen: Tensor) -> Tensor:
    step = (values[:, :, 1:] - values[:, :, :-1]) * (seen[:, :, 1:] * seen[:, :, :-1])
    return torch.cat([torch.zeros_like(step[:, :, :1]), step], dim=2)
