"""Shapes, masks and registered blocks of the networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import body_graph, hand_graph
from training.config import ExpertConfig, ModelConfig
from training.models import BHaRNet, Expert, available_blocks, create_block
from training.models.bharnet import CalibratedBHaRNet
from training.models.expert import Modalities

CLASSES, STEPS = 5, 16


@pytest.fixture
def network():
    torch.manual_seed(0)
    expert = ExpertConfig(channels=(8, 16), strides=(2, 2))
    return BHaRNet(ModelConfig(body=expert, hand=expert), CLASSES, STEPS).eval()


def _inputs(n: int = 4):
    torch.manual_seed(1)
    body, hand = torch.randn(n, 3, STEPS, 19, 1), torch.randn(n, 3, STEPS, 21, 2)
    body[:, 2], hand[:, 2] = torch.rand(n, STEPS, 19, 1), torch.rand(n, STEPS, 21, 2)
    return body, hand


@pytest.mark.parametrize("block", available_blocks())
def test_every_block_maps_and_learns(block):
    torch.manual_seed(0)
    adjacency = torch.as_tensor(hand_graph().adjacency())
    layer = create_block(block, 6, 8, adjacency, stride=2)
    x = torch.randn(2, 6, STEPS, 21)
    y = layer(x)
    assert y.shape == (2, 8, STEPS // 2, 21)
    y.square().mean().backward()
    missing = [name for name, p in layer.named_parameters() if p.grad is None]
    assert missing == []


def test_unknown_block_names_the_known():
    with pytest.raises(ConfigurationError, match="stgcnpp_paper, pose"):
        create_block("transformer", 3, 8, torch.eye(3)[None])


def test_graph_convolution_is_the_written_formula():
    """y = sum over partitions of W_s (x A_s)."""
    torch.manual_seed(0)
    adjacency = torch.as_tensor(body_graph().adjacency())
    layer = create_block("stgcnpp", 4, 6, adjacency).spatial
    x = torch.randn(2, 4, 5, 19)
    weights = layer.mix.weight[:, :, 0, 0].reshape(6, 3, 4)
    expected = torch.einsum("osc,nctv,svw->notw", weights, x, layer.adjacency)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-4)


def test_no_hands_means_the_body_alone(network):
    body, hand = _inputs()
    hand[1] = 0.0
    output = network(body, hand)
    assert output.usable.tolist() == [1.0, 0.0, 1.0, 1.0]
    assert not output.hand[1].any()
    torch.testing.assert_close(output.fused[1], output.body[1])
    assert (output.fused[0] - output.body[0]).abs().max() > 1e-3


def test_coordinates_of_missing_hands_do_not_matter(network):
    body, hand = _inputs()
    hand[:, 2] = 0.0
    one = network(body, hand).fused
    hand[:, :2] += 100.0
    torch.testing.assert_close(network(body, hand).fused, one)


def test_a_hand_seen_too_briefly_is_not_judged(network):
    body, hand = _inputs(1)
    hand[:, 2, 2:] = 0.0
    assert network(body, hand).usable.item() == 0.0  # 2 of 16 steps < 15 %
    body, hand = _inputs(1)
    hand[:, 2, 4:] = 0.0
    assert network(body, hand).usable.item() == 1.0


def test_one_missing_hand_leaves_the_other_undiluted():
    """The mean is over hands that were seen: a missing one must not count as zeros."""
    torch.manual_seed(0)
    expert = Expert(hand_graph(), ExpertConfig(channels=(8,), strides=(1,)), STEPS, CLASSES).eval()
    _, hand = _inputs(1)
    alone, _ = expert(hand[..., :1])
    hand[..., 1] = 0.0
    both, observed = expert(hand)
    torch.testing.assert_close(both, alone)
    assert observed.tolist() == [[1.0, 0.0]]


def test_hands_are_interchangeable_instances(network):
    body, hand = _inputs()
    torch.testing.assert_close(
        network(body, hand).hand, network(body, hand.flip(-1)).hand, atol=1e-5, rtol=1e-4
    )


def test_bones_and_motion_stop_at_gaps():
    graph = hand_graph()
    x = torch.randn(1, 3, 6, 21)
    x[:, 2] = 1.0
    x[:, 2, 3, 8] = 0.0
    values = Modalities(graph, ("bone", "motion"))(x)
    parent = int(graph.parents[8])
    torch.testing.assert_close(values[0, :2, 2, 8], x[0, :2, 2, 8] - x[0, :2, 2, parent])
    torch.testing.assert_close(values[0, 2:, 2, 8], x[0, :2, 2, 8] - x[0, :2, 1, 8])
    assert not values[0, :, 3, 8].any()  # the missing joint itself
    assert not values[0, 2:, 4, 8].any()  # and the jump back to it
    assert not values[0, 2:, 0].any()  # nothing before the first step


def test_calibrated_probabilities(network):
    body, hand = _inputs()
    hand[2] = 0.0
    judge = CalibratedBHaRNet(network, fused_temperature=2.0, body_temperature=0.5).eval()
    body_logits, hand_logits, probabilities = judge(body, hand)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(4))
    torch.testing.assert_close(
        probabilities[0], torch.softmax((body_logits[0] + hand_logits[0]) / 2.0, 0)
    )
    torch.testing.assert_close(probabilities[2], torch.softmax(body_logits[2] / 0.5, 0))


def test_the_shipped_model_is_small():
    from pathlib import Path

    from training.cli import CONFIGS
    from training.config import load_config

    config = load_config(Path(CONFIGS) / "first_light.yaml")
    network = BHaRNet(config.model, 18, config.windows.num_steps)
    assert sum(p.numel() for p in network.parameters()) <= 600_000


def test_same_seed_same_weights():
    expert = ExpertConfig(channels=(8,), strides=(1,))
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        network = BHaRNet(replace(ModelConfig(), body=expert, hand=expert), CLASSES, STEPS)
        found.append(np.concatenate([p.detach().numpy().ravel() for p in network.parameters()]))
    np.testing.assert_array_equal(*found)
