"""Joined graphs: trees whose joints lie where they belong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bharnet_ros.skeleton import body_graph
from training.models.graphs import (
    join_body_and_hands,
    join_hands,
    joined_hands_graph,
    unified_graph,
)


@pytest.mark.parametrize(("graph", "joints"), [(joined_hands_graph(), 42), (unified_graph(), 61)])
def test_joined_graphs_are_trees(graph, joints):
    assert graph.num_joints == joints == len(set(graph.joint_names))
    assert len(graph.edges) == joints - 1
    for joint in range(joints):
        for _ in range(joints):
            joint = graph.parents[joint]
        assert joint == graph.root
    np.testing.assert_array_equal(graph.flip_indices[graph.flip_indices], np.arange(joints))


def test_hands_hang_on_the_wrists():
    graph = unified_graph()
    for side in ("left", "right"):
        hand = graph.joint_names.index(f"{side}_hand_wrist")
        assert graph.joint_names[graph.parents[hand]] == f"{side}_wrist"
    flipped = graph.flip_indices[graph.joint_names.index("left_hand_wrist")]
    assert graph.joint_names[flipped] == "right_hand_wrist"


def test_joining_hands_keeps_their_order():
    hand = torch.randn(2, 3, 4, 21, 2)
    joined = join_hands(hand)
    assert joined.shape == (2, 3, 4, 42, 1)
    torch.testing.assert_close(joined[..., 21:, 0], hand[..., 1])


def test_hands_return_to_the_body_by_hand():
    body, hand = torch.zeros(1, 3, 1, 19, 1), torch.zeros(1, 3, 1, 21, 2)
    wrist = body_graph().joint_names.index("left_wrist")
    body[0, :, 0, wrist, 0] = torch.tensor([1.0, 2.0, 0.9])
    hand[0, :, 0, 8, 0] = torch.tensor([0.5, -1.0, 0.8])  # left: mirrored
    hand[0, :, 0, 8, 1] = torch.tensor([0.5, -1.0, 0.7])  # right: its wrist was not seen
    joined = join_body_and_hands(body, hand)
    assert joined.shape == (1, 3, 1, 61, 1)
    torch.testing.assert_close(joined[0, :, 0, 19 + 8, 0], torch.tensor([0.9, 1.8, 0.8]))
    torch.testing.assert_close(joined[0, :, 0, 40 + 8, 0], torch.tensor([0.1, -0.2, 0.7]))
    assert not joined[0, :, 0, 19 + 9].any()  # an unseen joint stays zero
