"""Graph convolutions against their formulas, and folded against unfolded."""

from __future__ import annotations

import pytest
import torch

from bharnet_ros.skeleton import body_graph
from training.models.blocks import ChannelTopology
from training.models.topology import FoldedChannelTopology, PartitionTopology, RefinedTopology

V = 19


@pytest.fixture
def adjacency():
    return torch.as_tensor(body_graph().adjacency())


def _shaken(layer):
    torch.manual_seed(1)
    for parameter in layer.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    return layer


def test_partitions_by_hand():
    """Two joints, one channel: self links times 2, and joint 0 sends to joint 1 times 3."""
    adjacency = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 0.0]]])
    layer = PartitionTopology(1, 1, adjacency)
    layer.value.weight.data = torch.tensor([2.0, 3.0]).reshape(2, 1, 1, 1)
    x = torch.tensor([5.0, 7.0]).reshape(1, 1, 2, 1)
    torch.testing.assert_close(layer(x).flatten(), torch.tensor([10.0, 2.0 * 7.0 + 3.0 * 5.0]))


def test_partitions_are_the_written_formula(adjacency):
    layer = _shaken(PartitionTopology(4, 6, adjacency))
    x = torch.randn(2, 4, V, 5)
    value = layer.value(x).reshape(2, 6, 3, V, 5)
    expected = torch.einsum("ncsut,suw->ncwt", value, layer.adjacency)
    torch.testing.assert_close(layer(x), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("groups", [1, 4])
def test_refinement_is_the_written_formula(adjacency, groups):
    """y[c, w] = sum over s, u of (A_s + gate * lift(tanh(query_w - key_u)))[c, u, w] v_s[c, u]."""
    layer = _shaken(RefinedTopology(8, 8, adjacency, groups))
    x = torch.randn(2, 8, V, 5)
    mean = x.mean(3)
    difference = torch.tanh(layer.query(mean)[:, :, None, :] - layer.key(mean)[:, :, :, None])
    lifted = layer.lift(difference).reshape(2, groups, 3, 8 // groups, V, V)
    lifted = lifted.permute(0, 1, 3, 2, 4, 5).reshape(2, 8, 3, V, V)
    refined = lifted * layer.gate + layer.adjacency
    value = layer.value(x).reshape(2, 8, 3, V, 5)
    expected = torch.einsum("ncsut,ncsuw->ncwt", value, refined)
    torch.testing.assert_close(layer(x), expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(layer.folded()(x), expected, atol=1e-4, rtol=1e-4)


def test_channel_groups_do_not_mix(adjacency):
    layer = _shaken(RefinedTopology(8, 8, adjacency, 4))
    x = torch.randn(1, 8, V, 5)
    one = layer(x)
    x[:, :2] += 1.0
    changed = (layer(x) - one).abs().amax(dim=(0, 2, 3)) > 1e-6
    assert changed.tolist() == [True, True] + [False] * 6


def test_the_correction_starts_at_zero(adjacency):
    torch.manual_seed(0)
    layer = RefinedTopology(8, 8, adjacency)
    x = torch.randn(1, 8, V, 5)
    value = layer.value(x).reshape(1, 8, 3, V, 5)
    expected = torch.einsum("ncsut,suw->ncwt", value, adjacency)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", [PartitionTopology, RefinedTopology])
def test_scaling_output_channels(adjacency, kind):
    layer = _shaken(kind(8, 8, adjacency))
    x, factor = torch.randn(2, 8, V, 5), torch.linspace(-1.0, 2.0, 8)
    expected = layer(x) * factor.reshape(1, -1, 1, 1)
    layer.scale(factor)
    torch.testing.assert_close(layer(x), expected, atol=1e-4, rtol=1e-4)


def test_the_light_refinement_folds(adjacency):
    layer = _shaken(ChannelTopology(6, 8, adjacency))
    x, factor = torch.randn(2, 6, 5, V), torch.linspace(-1.0, 2.0, 8)
    expected = layer(x) * factor.reshape(1, -1, 1, 1)
    folded = FoldedChannelTopology(layer, factor)
    torch.testing.assert_close(folded(x), expected, atol=1e-4, rtol=1e-4)
