"""BHaRNet, cooperative dual stream: a body expert and a hand expert whose logits are summed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bharnet_ros.skeleton import Graph, body_graph, hand_graph
from training.config import ExpertConfig, ModelConfig
from training.models.expert import Expert
from training.models.posenet import POSE_BLOCK, PoseExpert


class ExpertOutput(NamedTuple):
    """What the two experts say about N windows.

    body, hand: (N, C) logits; zero where that part was not seen well enough. usable: (N,) 1
    where the hands were seen long enough to be judged, else 0; body_usable: the same of the
    body. fused: (N, C), the sum of both.
    """

    body: Tensor
    hand: Tensor
    usable: Tensor
    body_usable: Tensor

    @property
    def fused(self) -> Tensor:
        return self.body + self.hand


class BHaRNet(nn.Module):
    """The base form of BHaRNet (Cho and Kim, IROS 2025, arXiv 2503.14960).

    body (N, 3, T, 19, 1) and hand (N, 3, T, 21, 2), channels x, y, score as made by
    `bharnet_ros.features`; hands are two instances of one graph. A window whose hands are both
    seen in less than `min_hand_share` of its steps is judged by the body alone, one whose body
    is seen in less than `min_body_share` of them by the hands alone.
    """

    def __init__(self, config: ModelConfig, num_classes: int, num_steps: int) -> None:
        super().__init__()
        self.body = make_expert(body_graph(), config.body, num_steps, num_classes)
        self.hand = make_expert(hand_graph(), config.hand, num_steps, num_classes)
        self.min_hand_share = config.min_hand_share
        self.min_body_share = config.min_body_share

    def forward(self, body: Tensor, hand: Tensor) -> ExpertOutput:
        body_logits, body_observed = self.body(body)
        hand_logits, observed = self.hand(hand)
        usable = (observed.amax(dim=1) >= self.min_hand_share).to(hand_logits.dtype)
        body_usable = (body_observed[:, 0] >= self.min_body_share).to(body_logits.dtype)
        return ExpertOutput(
            body_logits * body_usable.unsqueeze(1),
            hand_logits * usable.unsqueeze(1),
            usable,
            body_usable,
        )


def make_expert(
    graph: Graph, config: ExpertConfig, num_steps: int, num_classes: int
) -> nn.Module:
    """The expert of that configuration: whole poses, or graph blocks of the given name."""
    if config.block == POSE_BLOCK:
        return PoseExpert(graph, config, num_steps, num_classes)
    return Expert(graph, config, num_steps, num_classes)


class CalibratedBHaRNet(nn.Module):
    """What the bundle holds: the experts' logits, and fused probabilities that are calibrated.

    Returns (body_logits, hand_logits, probabilities), each (N, C). Where no hand is usable,
    hand_logits are zero and the probabilities are the body's, over the body's own temperature.
    """

    def __init__(
        self, network: BHaRNet, fused_temperature: float = 1.0, body_temperature: float = 1.0
    ) -> None:
        super().__init__()
        self.network = network
        self.fused_temperature = fused_temperature
        self.body_temperature = body_temperature

    def forward(self, body: Tensor, hand: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        output = self.network(body, hand)
        usable = output.usable.unsqueeze(1)
        fused = output.fused / self.fused_temperature
        alone = output.body / self.body_temperature
        judged = usable * fused + (1.0 - usable) * alone
        return output.body, output.hand, torch.softmax(judged, dim=1)
