"""The four modalities, and what they make of gaps."""

from __future__ import annotations

import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import hand_graph
from training.models.modalities import Modalities

GRAPH = hand_graph()
TIP = 8
PARENT = int(GRAPH.parents[TIP])


def _input(coordinates=2):
    torch.manual_seed(0)
    x = torch.randn(1, 3, 6, 21)
    if coordinates == 2:
        x[:, 2] = 1.0
    return x


def test_four_modalities_side_by_side():
    names = ("joint", "bone", "joint_motion", "bone_motion")
    layer, x = Modalities(GRAPH, names), _input()
    values = layer(x)
    assert values.shape == (1, layer.channels, 6, 21) and layer.channels == 9
    bone = x[0, :2, :, TIP] - x[0, :2, :, PARENT]
    torch.testing.assert_close(values[0, :3], x[0])
    torch.testing.assert_close(values[0, 3:5, :, TIP], bone)
    torch.testing.assert_close(values[0, 5:7, 2, TIP], x[0, :2, 2, TIP] - x[0, :2, 1, TIP])
    torch.testing.assert_close(values[0, 7:9, 2, TIP], bone[:, 2] - bone[:, 1])
    assert not values[0, 5:, 0].any()  # nothing moves before the first step
    assert not values[0, 3:5, :, GRAPH.root].any()  # the root has no bone


def test_bone_motion_stops_where_either_end_was_missing():
    x = _input()
    x[:, 2, 3, PARENT] = 0.0
    values = Modalities(GRAPH, ("bone_motion",))(x)
    assert not values[0, :, 3:5, TIP].any()
    assert values[0, :, 2, TIP].any() and values[0, :, 5, TIP].any()


def test_motion_is_another_name_of_joint_motion():
    x = _input()
    one, other = (Modalities(GRAPH, (name,))(x) for name in ("motion", "joint_motion"))
    torch.testing.assert_close(one, other, atol=0.0, rtol=0.0)


def test_three_coordinates():
    x = _input(3)
    x[:, :, 4] = 0.0  # nobody there
    layer = Modalities(GRAPH, ("joint", "bone", "joint_motion"), coordinates=3)
    values = layer(x)
    assert values.shape[1] == layer.channels == 9
    torch.testing.assert_close(values[0, 3:6, 2, TIP], x[0, :, 2, TIP] - x[0, :, 2, PARENT])
    torch.testing.assert_close(values[0, 6:, 2, TIP], x[0, :, 2, TIP] - x[0, :, 1, TIP])
    assert not values[0, 6:, 4:].any()  # neither the disappearance nor the return is a motion
    assert layer.seen(x)[0, 0, :, TIP].tolist() == [1, 1, 1, 1, 0, 1]


@pytest.mark.parametrize(("names", "coordinates"), [(("depth",), 2), (("joint",), 4)])
def test_what_is_unknown_is_refused(names, coordinates):
    with pytest.raises(ConfigurationError, match=r"depth|4 coordinates"):
        Modalities(GRAPH, names, coordinates)
