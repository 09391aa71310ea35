"""Learned sampling offsets: by hand, as sampling, as a convolution, and folded."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from training.models.temporal import (
    BorderedConv,
    DeformableTemporal,
    ParallelBranches,
    deformable,
    dilated,
    pooled,
    repeat_borders,
)

OFFSETS = st.lists(st.floats(-9.0, 9.0, width=32), min_size=1, max_size=4)


def _module(offsets, channels=3, stride=1, seed=0):
    torch.manual_seed(seed)
    module = DeformableTemporal(channels, stride, samples=len(offsets))
    module.offsets.data = torch.tensor(offsets)
    module.bias.data.normal_()
    return module


def test_half_a_step_ahead_by_hand():
    module = _module([0.5], channels=1)
    module.weight.data.fill_(2.0)
    module.bias.data.fill_(1.0)
    x = torch.tensor([1.0, 3.0, 4.0, 8.0]).reshape(1, 1, 1, 4)
    # 2 * (mean of a step and the next) + 1; beyond the end the last one is repeated.
    expected = torch.tensor([5.0, 8.0, 13.0, 17.0]).reshape(1, 1, 1, 4)
    for sampled in (False, True):
        module.sampled = sampled
        torch.testing.assert_close(module(x), expected)
    torch.testing.assert_close(module.folded()(x), expected)


def test_two_points_before_the_start_by_hand():
    module = _module([-1.25, 0.0], channels=1, stride=2)
    module.weight.data = torch.tensor([[[1.0, 10.0]]])
    module.bias.data.zero_()
    x = torch.tensor([1.0, 3.0, 4.0, 8.0]).reshape(1, 1, 1, 4)
    # Step 0: position -1.25 is the first value; step 2: 0.75, a quarter of 1 and three of 3.
    expected = torch.tensor([1.0 + 10.0, 0.25 * 1.0 + 0.75 * 3.0 + 40.0]).reshape(1, 1, 1, 2)
    torch.testing.assert_close(module(x), expected)


def test_it_starts_spread_over_a_kernel_of_five():
    near, far = DeformableTemporal(2), DeformableTemporal(2, dilation=2)
    torch.testing.assert_close(near.offsets.data, torch.tensor([-2.0, -2 / 3, 2 / 3, 2.0]))
    torch.testing.assert_close(far.offsets.data, 2 * near.offsets.data)


@given(OFFSETS, st.sampled_from([1, 2]), st.integers(0, 100))
def test_convolution_and_fold_are_the_sampling(offsets, stride, seed):
    module = _module(offsets, stride=stride, seed=seed)
    x = torch.randn(2, 3, 5, 8)
    expected = module.sample(x)
    assert expected.shape == (2, 3, 5, 8 // stride)
    torch.testing.assert_close(module(x), expected, atol=1e-5, rtol=1e-5)
    folded = module.folded()
    assert isinstance(folded, BorderedConv)
    torch.testing.assert_close(folded(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("offsets", [[-2.0, -0.7, 0.7, 2.0], [0.0], [-3.4, 5.9]])
def test_gradients_are_those_of_the_sampling(offsets):
    x = torch.randn(2, 3, 4, 8)
    found = []
    for sampled in (False, True):
        module = _module(offsets)
        module.sampled = sampled
        given_x = x.clone().requires_grad_()
        module(given_x).square().sum().backward()
        found.append([given_x.grad, *(p.grad for p in module.parameters())])
    for one, other in zip(*found, strict=True):
        assert one.abs().max() > 1e-3  # also at whole offsets, where the interpolation has a kink
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-4)


def test_taps_without_weight_are_cut_off():
    assert _module([-2.0, 0.0, 2.0]).folded().taps == (-2, 2)
    assert _module([-1.5, 0.0]).folded().taps == (-2, 0)
    assert _module([1.5]).folded().taps == (0, 2)


def test_borders_are_repeated():
    x = torch.arange(3.0).reshape(1, 1, 1, 3)
    assert repeat_borders(x, -2, 1).flatten().tolist() == [0, 0, 0, 1, 2, 2]
    assert repeat_borders(x, 0, 0).flatten().tolist() == [0, 1, 2]


@pytest.mark.parametrize("channels", [8, 10])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("transform", [False, True])
def test_branches_are_what_they_would_be_apart(channels, stride, transform):
    """Their merged way in gives each core what a convolution of its own would."""
    torch.manual_seed(0)
    cores = (deformable(1), dilated(3, 2), pooled)
    layer = ParallelBranches(
        channels, stride, cores, torch.nn.ReLU(), branch_norm=not transform, transform=transform
    ).eval()
    x = torch.randn(2, channels, 5, 8)
    share = channels // 4
    widths = [channels - 3 * share, share, share]
    parts, start = [], 0
    for core, width in zip(layer.cores, widths, strict=True):
        weight = layer.enter[0].weight[start : start + width, :, 0, 0]
        way_in = torch.einsum("oc,ncvt->novt", weight, x)
        way_in = way_in + layer.enter[0].bias[start : start + width].reshape(1, -1, 1, 1)
        parts.append(core(torch.relu(way_in / (1.0 + layer.enter[1].eps) ** 0.5)))
        start += width
    expected = layer.transform(torch.cat([*parts, layer.point(x)], dim=1))
    assert expected.shape == (2, channels, 5, 8 // stride)
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def test_fewer_channels_than_branches_are_refused():
    with pytest.raises(ConfigurationError, match="3 channels"):
        ParallelBranches(3, 1, (deformable(1), deformable(2), pooled), torch.nn.ReLU())
