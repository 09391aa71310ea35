"""BHaRNet, cooperative dual stream: a body expert and a hand expert whose logits are summed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bharnet_ros.skeleton import body_graph, hand_graph
from training.config import ModelConfig
from training.models.expert import Expert


class ExpertOutput(NamedTuple):
    """What the two experts say about N windows.

    body, hand: (N, C) logits; hand is zero where no hand was usable. usable: (N,) 1 where the
    hands were seen long enough to be judged, else 0. fused: (N, C), the sum of both.
    """

    body: Tensor
    hand: Tensor
    usable: Tensor

    @property
    def fused(self) -> Tensor:
        return self.body + self.hand


class BHaRNet(nn.Module):
    """The base form of BHaRNet (Cho and Kim, IROS 2025, arXiv 2503.14960).

    body (N, 3, T, 19, 1) and hand (N, 3, T, 21, 2), channels x, y, score as made by
    `bharnet_ros.features`; hands are two instances of one graph. A window whose hands are both
    seen in less than `min_hand_share` of its steps is judged by the body alone.
    """

    def __init__(self, config: ModelConfig, num_classes: int, num_steps: int) -> None:
        super().__init__()
        self.body = Expert(body_graph(), config.body, num_steps, num_classes)
        self.hand = Expert(hand_graph(), config.hand, num_steps, num_classes)
        self.min_hand_share = config.min_hand_share

    def forward(self, body: Tensor, hand: Tensor) -> ExpertOutput:
        body_logits, _ = self.body(body)
        hand_logits, observed = self.hand(hand)
        usable = (observed.amax(dim=1) >= self.min_hand_share).to(hand_logits.dtype)
        return ExpertOutput(body_logits, hand_logits * usable.unsqueeze(1), usable)


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
