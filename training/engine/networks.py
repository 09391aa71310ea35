"""The networks that a store's configuration asks for."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import Graph, Layout, body_graph, get_layout, hand_graph
from training.engine.config import StoreConfig
from training.model_config import POSE_BLOCK, ModelConfig
from training.models import BHaRNet, ExpertOutput
from training.models.bharnet import make_expert
from training.models.expert import Expert
from training.models.posenet import PoseExpert


class SingleExpert(nn.Module):
    """One expert alone, with the inputs and outputs of `BHaRNet`; the other stream's are zeros."""

    fusion = "logit_sum"

    def __init__(self, expert: Expert | PoseExpert, stream: str, config: ModelConfig) -> None:
        super().__init__()
        self.expert = expert
        self.stream = stream
        share = {"body": config.min_body_share, "hand": config.min_hand_share}
        self.min_share = share[stream]

    def forward(self, body: Tensor, hand: Tensor) -> ExpertOutput:
        logits, observed = self.expert(body if self.stream == "body" else hand)
        usable = (observed.amax(dim=1) >= self.min_share).to(logits.dtype)
        logits = logits * usable.unsqueeze(1)
        nothing, never = torch.zeros_like(logits), torch.zeros_like(usable)
        if self.stream == "body":
            return ExpertOutput(logits, nothing, never, usable)
        return ExpertOutput(nothing, logits, usable, never)


Network = BHaRNet | SingleExpert


def make_network(config: StoreConfig, num_classes: int, layout: str, dims: int) -> Network:
    """A network with random weights. layout, dims: of the store."""
    steps = config.clips.num_steps
    if config.streams == ("body", "hand"):
        return BHaRNet(config.model, num_classes, steps)
    stream = config.streams[0]
    expert_config = config.model.body if stream == "body" else config.model.hand
    if config.inputs == "features":
        graph = body_graph() if stream == "body" else hand_graph()
        expert = make_expert(graph, expert_config, steps, num_classes)
    elif expert_config.block == POSE_BLOCK:
        raise ConfigurationError(
            f"model.{stream}.block '{POSE_BLOCK}' reads the robot's features only; choose a graph "
            "block, or inputs: features."
        )
    else:
        graph = layout_graph(get_layout(layout))
        expert = Expert(graph, expert_config, steps, num_classes, coordinates=dims)
    return SingleExpert(expert, stream, config.model)


def layout_graph(layout: Layout) -> Graph:
    """All joints of a layout as a tree, rooted at the joint from which none is far.

    Where bones make a circle, the ones further from the root are left out.
    """
    size = layout.num_keypoints
    near = np.zeros((size, size), bool)
    near[layout.edges[:, 0], layout.edges[:, 1]] = near[layout.edges[:, 1], layout.edges[:, 0]] = 1
    trees = [_tree_from(root, near) for root in range(size)]
    parents, depth = min(trees, key=lambda tree: int(tree[1]))
    if depth >= size:
        raise ConfigurationError(
            f"The bones of layout '{layout.name}' do not join all its joints; use inputs: features."
        )
    return Graph(f"{layout.name}_tree", layout.keypoint_names, parents, layout.flip_indices)


def _tree_from(
    root: int, near: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], int]:
    """Parents (V,), and how far the furthest joint is; V if one cannot be reached."""
    parents = np.full(len(near), -1, np.intp)
    parents[root] = root
    level, depth = [root], 0
    while level:
        reached = []
        for joint in level:
            new = np.flatnonzero(near[joint] & (parents < 0))
            parents[new] = joint
            reached += new.tolist()
        level, depth = reached, depth + bool(reached)
    return parents, depth if (parents >= 0).all() else len(near)
