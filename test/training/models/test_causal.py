"""Experts that look back only: what they see, what they pool, what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks.steppable import as_if_trained
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import body_graph
from training.model_config import CAUSAL_BLOCKS, ExpertConfig, check_expert, expert_preset
from training.models import Expert
from training.models.causal import receptive_field
from training.models.folding import fold

SMALL = ExpertConfig(
    channels=(8, 12), strides=(2, 1), modalities=("joint",), dropout=0.0, time_offset=False,
    causal=True,
)  # fmt: skip


def _expert(config: ExpertConfig, steps: int) -> Expert:
    torch.manual_seed(0)
    return as_if_trained(Expert(body_graph(), config, steps, 4))  # type: ignore[return-value]


def _volume(expert: Expert, x: torch.Tensor) -> torch.Tensor:
    embedding = expert.embed(x)
    assert embedding.volume is not None
    return embedding.volume.values[:, 0]  # (N, C, T, V)


@pytest.mark.parametrize("block", CAUSAL_BLOCKS)
@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_no_step_depends_on_a_later_frame_and_the_last_sees_the_newest(block, strides):
    steps, reduction = 48, strides[0] * strides[1]
    expert = _expert(replace(SMALL, block=block, strides=strides), steps)
    x = torch.rand(1, 3, steps, 19, 1)
    before = _volume(expert, x)
    for frame in (20, 21, 46, 47):
        changed = x.clone()
        changed[:, :2, frame] += 1.0
        differs = (_volume(expert, changed) - before).abs().amax(dim=(0, 1, 3)) > 1e-6
        first = frame // reduction  # the group of frames it belongs to
        assert not differs[:first].any()
        assert differs[first]


@pytest.mark.parametrize("block", CAUSAL_BLOCKS)
@pytest.mark.parametrize("modalities", [("joint",), ("joint", "motion")])
def test_the_receptive_field_is_what_the_newest_step_sees(block, modalities):
    # Many channels and films, as activations hide some of what is seen.
    config = replace(SMALL, block=block, modalities=modalities, channels=(36, 36))
    expert = _expert(config, 96)
    field = receptive_field(list(expert.blocks), SMALL.strides, len(modalities) > 1)
    x = torch.rand(8, 3, 96, 19, 1, requires_grad=True)
    _volume(expert, x)[:, :, -1].sum().backward()
    assert x.grad is not None
    touched = x.grad.abs().amax(dim=(0, 1, 3, 4)).nonzero().flatten()
    assert 96 - int(touched.min()) == field


def test_what_lies_before_the_window_is_not_pooled():
    """The same window cut out of a longer film gives the same answer."""
    steps = 32
    long = _expert(SMALL, 96)
    short = Expert(body_graph(), SMALL, steps, 4).eval()
    short.load_state_dict(long.state_dict())
    film = torch.rand(2, 3, 96, 19, 1)
    volume = _volume(long, film)[:, :, -steps // 2 :].mean(dim=3)
    inside = short.get_buffer("inside")
    assert 0 < inside.sum() < len(inside)
    expected = (volume * inside).sum(dim=2) / inside.sum()
    torch.testing.assert_close(short.embed(film[:, :, -steps:]).vector, expected)


def test_windows_too_short_are_refused_with_the_length_that_does():
    config = expert_preset("stgcnpp_causal")
    with pytest.raises(ConfigurationError, match="at least 28 steps"):
        Expert(body_graph(), config, 24, 4)
    Expert(body_graph(), config, 28, 4)


@pytest.mark.parametrize("block", CAUSAL_BLOCKS)
def test_folding_changes_nothing(block):
    expert = _expert(replace(SMALL, block=block), 48)
    x = torch.rand(2, 3, 48, 19, 1)
    torch.testing.assert_close(fold(expert)(x)[0], expert(x)[0], atol=1e-5, rtol=1e-4)


def test_parameters_are_named_as_in_other_experts():
    """Weights of one can start the other."""
    plain = Expert(body_graph(), replace(SMALL, causal=False), 48, 4)
    causal = Expert(body_graph(), SMALL, 48, 4)
    assert list(plain.state_dict()) == list(causal.state_dict())


@pytest.mark.parametrize("block", ["ctrgcn", "degcn", "pose"])
def test_blocks_that_look_at_whole_windows_are_refused(block):
    with pytest.raises(ConfigurationError, match=rf"'{block}' looks at the whole window.*stgcnpp"):
        check_expert(replace(SMALL, block=block), 48, "here")


def test_time_offsets_are_refused():
    with pytest.raises(ConfigurationError, match="time_offset: false"):
        check_expert(replace(SMALL, time_offset=True), 48, "here")
