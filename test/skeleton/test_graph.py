from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import LayoutError
from bharnet_ros.skeleton import body_graph, get_graph, hand_graph
from bharnet_ros.skeleton.graph import _tree

GRAPHS = (body_graph(), hand_graph())


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.name)
def test_every_joint_reaches_the_root(graph) -> None:  # type: ignore[no-untyped-def]
    for joint in range(graph.num_joints):
        steps = 0
        while joint != graph.root:
            joint = int(graph.parents[joint])
            steps += 1
            assert steps < graph.num_joints
    assert len(graph.edges) == graph.num_joints - 1


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph.name)
def test_adjacency_averages_over_the_sources(graph) -> None:  # type: ignore[no-untyped-def]
    adjacency = graph.adjacency()
    assert adjacency.shape == (3, graph.num_joints, graph.num_joints)
    columns = adjacency.sum(axis=1)
    assert np.allclose(columns[columns > 0], 1.0)
    assert columns[2, graph.root] == 0  # nothing flows outward into the root
    ones = np.ones(graph.num_joints, np.float32)
    assert np.allclose((ones @ adjacency)[0], 1.0)
    # A signal on one joint moves inward to exactly its parent.
    signal = np.zeros(graph.num_joints, np.float32)
    leaf = graph.num_joints - 2
    signal[leaf] = 1.0
    assert np.flatnonzero(signal @ adjacency[1]).tolist() == [graph.parents[leaf]]


def test_fingers_are_chains_from_the_wrist() -> None:
    hand = hand_graph()
    assert hand.joint_names[0] == "wrist"
    tip = hand.joint_names.index("index_tip")
    chain = []
    while tip != hand.root:
        chain.append(hand.joint_names[tip])
        tip = int(hand.parents[tip])
    assert chain == ["index_tip", "index_dip", "index_pip", "index_mcp"]


def test_body_flip_keeps_the_tree() -> None:
    body = body_graph()
    flip = body.flip_indices
    assert np.array_equal(flip[body.parents], body.parents[flip])


def test_unknown_graph_and_broken_tree_are_refused() -> None:
    with pytest.raises(LayoutError, match="'body_99'"):
        get_graph("body_99")
    with pytest.raises(LayoutError, match=r"\[2\] hang on no edge"):
        _tree(3, [(0, 1)], 0)
