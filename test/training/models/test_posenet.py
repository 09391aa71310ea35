"""The expert that reads whole poses, and the distances that it may read of a hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bharnet_ros.skeleton import hand_graph
from training.model_config import ExpertConfig
from training.models.posenet import PoseExpert

STEPS = 8
CONFIG = ExpertConfig("pose", (8, 8), (1, 2), ("joint",), 0.0, distances=True)


def expert() -> PoseExpert:
    torch.manual_seed(0)
    return PoseExpert(hand_graph(), CONFIG, STEPS, 3).eval()


def hands(count: int = 4) -> torch.Tensor:
    """(N, 3, T, 21) of hands of which everything is seen."""
    torch.manual_seed(1)
    found = torch.randn(count, 3, STEPS, 21)
    found[:, 2] = 1.0
    return found


def distances(network: PoseExpert, hand: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = network._distances(hand.permute(0, 1, 3, 2))
    return found


@pytest.mark.parametrize("angle", [0.3, 1.6, 3.0])
def test_no_turn_and_no_mirror_changes_a_distance(angle):
    network, hand = expert(), hands()
    turn = torch.tensor([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).float()
    turned, mirrored = hand.clone(), hand.clone()
    turned[:, :2] = torch.einsum("ij,njtv->nitv", turn, hand[:, :2])
    mirrored[:, 0] *= -1.0
    plain = distances(network, hand)
    assert plain.shape == (4, 105, STEPS)
    torch.testing.assert_close(distances(network, turned), plain, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(distances(network, mirrored), plain)


def test_what_is_missing_has_no_distance():
    network, hand = expert(), hands(1)
    hand[:, 2, :, 8] = 0.0
    found = distances(network, hand)[0, :, 0]
    assert int((found == 0).sum()) == 14  # the tip of the index finger with all others


def test_distances_reach_the_answer_and_are_left_out_where_nobody_asks():
    network, hand = expert(), hands()
    plain = PoseExpert(hand_graph(), ExpertConfig("pose", (8, 8), (1, 2), ("joint",)), STEPS, 3)
    assert network.norm.num_features == plain.norm.num_features + 105
    before = network(hand)[0]
    with torch.no_grad():
        network.norm.weight[-105:] = 0.0
    assert (network(hand)[0] - before).abs().max() > 1e-4
