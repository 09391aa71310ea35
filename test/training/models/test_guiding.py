from __future__ import annotations

import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.roi import REGIONS
from bharnet_ros.skeleton import body_graph
from training.model_config import ExpertConfig, ModelConfig
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.models.expert import Embedding, Volume
from training.models.guiding import RegionGuide, joint_attention

JOINTS = body_graph().joint_names


def _judge(attending: bool, block: str = "stgcnpp", **options) -> CalibratedBHaRNet:
    torch.manual_seed(0)
    expert = ExpertConfig(block, (8, 8), (1, 2))
    return CalibratedBHaRNet(
        BHaRNet(ModelConfig(expert, expert, **options), 5, 16), 2.0, 0.5, attending
    ).eval()


def _windows(n: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    body, hand = torch.randn(n, 3, 16, 19, 1), torch.randn(n, 3, 16, 21, 2)
    body[:, 2], hand[:, 2] = body[:, 2].abs().clip(0, 1), hand[:, 2].abs().clip(0, 1)
    return body, hand


def test_attention_is_the_norm_at_the_strongest_observed_steps() -> None:
    values = torch.zeros(1, 1, 2, 4, 3)
    values[0, 0, :, :, 0] = torch.tensor([[3.0, 0.0, 6.0, 30.0], [4.0, 0.0, 8.0, 40.0]])
    weight = torch.tensor([[[1.0, 1.0, 1.0, 0.0]]])  # the strongest step was not observed
    found = joint_attention(Embedding(torch.zeros(1, 2), torch.ones(1, 1), Volume(values, weight)))
    assert found.shape == (1, 3)
    assert found[0, 0] == pytest.approx((5.0 + 10.0) / 2, rel=1e-4)
    assert found[0, 1] == pytest.approx(0.0, abs=2e-3)


def test_attention_changes_nothing_else() -> None:
    body, hand = _windows()
    plain, attending = _judge(False)(body, hand), _judge(True)(body, hand)
    assert all(torch.equal(a, b) for a, b in zip(plain, attending[:-1], strict=True))
    assert attending[-1].shape == (3, 19) and (attending[-1] >= 0.0).all()
    assert _judge(True).output_names == (*_judge(False).output_names, "body_attention")


def test_nobody_seen_is_attended_to() -> None:
    body, hand = _windows()
    body[1] = 0.0
    attention = _judge(True)(body, hand)[-1]
    assert not attention[1].any() and attention[0].any()


def test_experts_without_attention_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="unified"):
        _judge(True, variant="unified")
    body, hand = _windows()
    torch.manual_seed(0)
    pose = ExpertConfig("pose", (8, 8), (1, 2))
    network = BHaRNet(ModelConfig(pose, pose), 5, 16)
    with pytest.raises(ConfigurationError, match="graph block"):
        CalibratedBHaRNet(network, attending=True).eval()(body, hand)


def test_even_attention_weighs_every_row_alike_whatever_its_size() -> None:
    guide = RegionGuide(REGIONS)
    assert torch.allclose(guide(torch.full((2, 19), 0.01)), torch.ones(2, 4), atol=1e-5)
    assert torch.allclose(guide(torch.full((2, 19), 50.0)), torch.ones(2, 4), atol=1e-5)
    assert torch.allclose(guide(torch.zeros(2, 19)), torch.ones(2, 4))  # no body: no opinion


def test_a_region_counts_more_when_its_joints_are_attended_to() -> None:
    attention = torch.ones(2, 19)
    attention[1, JOINTS.index("right_wrist")] = 8.0
    factors = RegionGuide(REGIONS)(attention)
    right = REGIONS.index("right_hand")
    assert factors[1, right] > 1.3 and (factors[1].argmax() == right)
    assert (factors > 0.0).all() and (factors < 2.0).all()
    assert factors[1, REGIONS.index("left_hand")] < 1.0


def test_what_a_region_listens_to_is_learned() -> None:
    guide = RegionGuide(REGIONS)
    attention = torch.rand(3, 19, requires_grad=True)
    guide(attention).square().sum().backward()
    for name, parameter in guide.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0.0, name
    assert attention.grad is not None and attention.grad.abs().sum() > 0.0
