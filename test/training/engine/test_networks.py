from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import available_layouts, get_layout
from training.engine.config import StoreConfig
from training.engine.cost import count_parameters, gflops, milliseconds
from training.engine.networks import SingleExpert, layout_graph, make_network

SKELETON = {"inputs": "skeleton", "streams": ["body"]}


@pytest.mark.parametrize("name", available_layouts())
def test_a_layout_becomes_a_tree_of_its_own_bones(name: str) -> None:
    layout = get_layout(name)
    try:
        graph = layout_graph(layout)
    except ConfigurationError as error:
        assert "do not join all its joints" in str(error)
        return
    assert graph.num_joints == layout.num_keypoints
    bones = {frozenset(edge) for edge in layout.edges.tolist()}
    assert all(frozenset(edge) in bones for edge in graph.edges.tolist())
    joint = np.arange(graph.num_joints)
    for _ in range(graph.num_joints):
        joint = graph.parents[joint]
    assert (joint == graph.root).all()


def test_layouts_of_the_body_alone_are_trees() -> None:
    for name in ("kinect20", "ntu25"):
        assert layout_graph(get_layout(name)).name == f"{name}_tree"


def test_one_hand_expert_says_nothing_where_no_hand_is(
    configured: Callable[..., StoreConfig],
) -> None:
    network = make_network(configured(streams=["hand"]), 3, "coco_body_hands_59", 2).eval()
    body, hand = torch.zeros(2, 3, 16, 19, 1), torch.rand(2, 3, 16, 21, 2)
    hand[1] = 0.0
    output = network(body, hand)
    assert output.usable.tolist() == [1.0, 0.0]
    assert output.fused[0].abs().sum() > 0.0
    assert not output.fused[1].any() and not output.body.any()


def test_three_dimensions_several_people_and_their_cost(
    configured: Callable[..., StoreConfig],
) -> None:
    network = make_network(configured(**SKELETON), 3, "kinect20", 3).eval()
    body, hand = torch.randn(1, 3, 16, 20, 2), torch.zeros(1, 0)
    assert isinstance(network, SingleExpert)
    assert network(body, hand).fused.shape == (1, 3)
    assert count_parameters(network) == sum(p.numel() for p in network.parameters())
    # Twice the people, twice the work; but for the last layer.
    one, two = gflops(network, body[..., :1], hand), gflops(network, body, hand)
    assert two == pytest.approx(2 * one, rel=0.05)
    assert milliseconds(network, body, hand) > 0.0


def test_whole_poses_are_not_for_skeletons(configured: Callable[..., StoreConfig]) -> None:
    expert = {"block": "pose", "channels": [8, 16], "strides": [1, 2]}
    config = configured(**SKELETON, model={"body": expert, "hand": expert})
    with pytest.raises(ConfigurationError, match="graph block"):
        make_network(config, 3, "kinect20", 3)
