"""The backbones of the papers: sizes, what differs in their first block, folding."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bharnet_ros.skeleton import body_graph
from training.model_config import expert_preset
from training.models import create_block
from training.models.folding import fold
from training.models.paper_blocks import Shift
from training.models.temporal import BorderedConv, DeformableTemporal
from training.models.topology import PartitionTopology, RefinedTopology

PAPERS = ("degcn", "ctrgcn_paper", "stgcnpp_paper")


def _stack(preset):
    """Ten blocks on 25 joints and three channels, and a last layer of 60 classes."""
    config, width, blocks = expert_preset(preset), 3, nn.ModuleList()
    for index, (channels, stride) in enumerate(zip(config.channels, config.strides, strict=True)):
        adjacency = torch.zeros(3, 25, 25)
        blocks.append(create_block(config.block, width, channels, adjacency, stride, index == 0))
        width = channels
    return nn.Sequential(blocks, nn.Linear(width, 60))


@pytest.mark.parametrize(
    ("preset", "millions"), [("degcn", 1.38 / 2), ("ctrgcn", 1.45), ("stgcnpp", 1.39)]
)
def test_parameters_are_those_of_the_published_networks(preset, millions):
    """Public DeGCN has 1.38 M in two streams, CTR-GCN 1.45 M, ST-GCN++ 1.39 M."""
    count = sum(p.numel() for p in _stack(preset).parameters())
    assert count == pytest.approx(millions * 1e6, rel=0.01)


@pytest.mark.parametrize("name", PAPERS)
def test_the_first_block_has_no_shortcut_around_it(name):
    adjacency = torch.as_tensor(body_graph().adjacency())
    first = create_block(name, 3, 8, adjacency, 1, True)
    later = create_block(name, 8, 8, adjacency, 1, False)
    assert first.outer is None
    assert isinstance(later.outer, nn.Identity)


def test_degcn_begins_with_a_plain_adjacency():
    adjacency = torch.as_tensor(body_graph().adjacency())
    assert isinstance(create_block("degcn", 3, 8, adjacency, 1, True).spatial, PartitionTopology)
    later = create_block("degcn", 8, 8, adjacency).spatial
    assert isinstance(later, RefinedTopology) and later.groups == 4


def test_degcn_is_not_grouped_where_four_does_not_divide():
    adjacency = torch.as_tensor(body_graph().adjacency())
    assert create_block("degcn", 6, 8, adjacency).spatial.groups == 1


@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("width", [8, 16])
def test_folded_blocks_give_the_same(name, first, stride, width):
    torch.manual_seed(0)
    adjacency = torch.as_tensor(body_graph().adjacency())
    block = create_block(name, 8, width, adjacency, stride, first)
    x = torch.randn(4, 8, 12, 19)
    for parameter in block.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    for _ in range(5):
        block(x + 0.1 * torch.randn_like(x))  # batch norms learn statistics
    block.eval()
    folded = fold(nn.Sequential(block))
    expected = block(x)
    assert expected.shape == (4, width, 12 // stride, 19)
    torch.testing.assert_close(folded(x), expected, atol=1e-5, rtol=1e-4)
    kinds = [type(m) for m in folded.modules()]
    assert DeformableTemporal not in kinds
    # A shortcut with a batch norm of its own takes the summand of the graph part's.
    assert (Shift in kinds) == (width == 8)
    assert (BorderedConv in kinds) == (name == "degcn")


def test_a_leak_of_a_tenth():
    adjacency = torch.as_tensor(body_graph().adjacency())
    block = create_block("degcn", 8, 8, adjacency)
    assert block.activation.negative_slope == pytest.approx(0.1)
