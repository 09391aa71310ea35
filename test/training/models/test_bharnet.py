"""The variants of BHaRNet: what they compute, what is masked, and where gradients go."""

from __future__ import annotations

import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from training.losses import ensemble_loss
from training.model_config import FUSIONS, VARIANTS, ExpertConfig, ModelConfig
from training.models import BHaRNet
from training.models.bharnet import CalibratedBHaRNet
from training.models.expert import last_stage

CLASSES, STEPS = 5, 16
EXPERT = ExpertConfig("degcn", (8, 8, 16), (1, 2, 1), ("joint",), 0.0)
LABELS = torch.tensor([0, 1, 2, 3])
DUAL = tuple(v for v in VARIANTS if v != "unified")


def _network(**options):
    torch.manual_seed(0)
    return BHaRNet(ModelConfig(EXPERT, EXPERT, **options), CLASSES, STEPS)


def _open_gates(network):
    """As if it had trained: attention and refinement at work."""
    for name, parameter in network.named_parameters():
        if name.endswith("gate"):
            parameter.data.fill_(0.5)
    return network


def _inputs(n=4):
    torch.manual_seed(1)
    body, hand = torch.randn(n, 3, STEPS, 19, 1), torch.randn(n, 3, STEPS, 21, 2)
    body[:, 2], hand[:, 2] = torch.rand(n, STEPS, 19, 1), torch.rand(n, STEPS, 21, 2)
    return body, hand


def _reached(network, loss):
    """Names of the parts (two levels) that a loss gives gradients to."""
    network.zero_grad(set_to_none=True)
    loss.backward()
    return {
        ".".join(name.split(".")[:2])
        for name, p in network.named_parameters()
        if p.grad is not None and p.grad.abs().max() > 0
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_judges_and_everything_in_it_learns(variant):
    network = _open_gates(_network(variant=variant))
    output = network(*_inputs())
    assert output.body.shape == output.hand.shape == (4, CLASSES)
    torch.testing.assert_close(output.fused, output.body + output.hand)
    ensemble_loss(output, LABELS).total.backward()
    assert [n for n, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("variant", DUAL)
def test_no_hands_means_the_body_alone(variant, fusion):
    network = _open_gates(_network(variant=variant, fusion=fusion)).eval()
    body, hand = _inputs()
    hand[1] = 0.0
    one = network(body, hand)
    assert one.usable.tolist() == [1.0, 0.0, 1.0, 1.0] and not one.hand[1].any()
    alone = torch.softmax(one.body, 1) if fusion != "noisy_or_sigmoid" else torch.sigmoid(one.body)
    alone = alone / alone.sum(1, keepdim=True)
    fused = torch.softmax(one.fused, 1)
    torch.testing.assert_close(fused[1], alone[1], atol=1e-5, rtol=1e-4)
    assert (fused[0] - alone[0]).abs().max() > 1e-3
    hand[1, :2] = 50.0  # coordinates without scores
    torch.testing.assert_close(network(body, hand).fused[1], one.fused[1])


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("variant", DUAL)
def test_no_body_means_the_hands_alone(variant, fusion):
    network = _open_gates(_network(variant=variant, fusion=fusion, min_body_share=0.15)).eval()
    body, hand = _inputs()
    body[1] = 0.0
    one = network(body, hand)
    assert one.body_usable.tolist() == [1.0, 0.0, 1.0, 1.0] and not one.body[1].any()
    assert torch.softmax(one.fused, 1)[1].argmax() == one.hand[1].argmax()
    body[1, :2] = 50.0
    torch.testing.assert_close(network(body, hand).fused[1], one.fused[1])


@pytest.mark.parametrize("variant", ["pooling_attention", "expertized"])
def test_hands_seen_too_briefly_are_not_listened_to(variant):
    network = _open_gates(_network(variant=variant)).eval()
    body, hand = _inputs(1)
    hand[:, 2, 2:] = 0.0  # 2 of 16 steps
    one = network(body, hand).body
    hand[:, :2, :2] += 5.0
    torch.testing.assert_close(network(body, hand).body, one)
    hand[:, 2] = 1.0
    assert (network(body, hand).body - one).abs().max() > 1e-4


def test_streams_of_the_base_do_not_listen_to_each_other():
    network = _network().eval()
    body, hand = _inputs()
    one = network(body, hand).body
    torch.testing.assert_close(network(body, hand.flip(0)).body, one)


def test_attention_starts_silent():
    network = _network(variant="pooling_attention").eval()
    body, hand = _inputs()
    one = network(body, hand).body
    torch.testing.assert_close(network(body, hand.flip(0)).body, one)


class TestExpertized:
    """L_B and L_H teach the interactive branches, the fused loss all four."""

    def _parts(self, weights):
        network = _open_gates(_network(variant="expertized"))
        losses = ensemble_loss(network(*_inputs()), LABELS, weights=weights)
        return _reached(network, losses.total)

    def test_the_body_loss_does_not_reach_the_expertized_branches(self):
        parts = self._parts((1.0, 0.0, 0.0))
        assert {"body.blocks", "body.classify", "body_attention.attend"} <= parts
        # What the interactive branch hears from the hands, it may shape; their judgement not.
        assert "hand.blocks" in parts
        assert not {"body.expertized", "hand.expertized", "hand.classify"} & parts

    def test_the_hand_loss_does_not_reach_the_expertized_branches(self):
        parts = self._parts((0.0, 1.0, 0.0))
        assert {"hand.blocks", "hand.classify", "hand_attention.attend"} <= parts
        assert not {"body.expertized", "hand.expertized", "body.classify"} & parts

    def test_the_fused_loss_reaches_all_four(self):
        parts = self._parts((0.0, 0.0, 1.0))
        assert {"body.expertized", "hand.expertized", "body.classify", "hand.classify"} <= parts

    def test_logits_of_all_four_are_added(self):
        network = _open_gates(_network(variant="expertized")).eval()
        body, hand = _inputs()
        output = network(body, hand)
        apart = [
            network.body.expertized(network.body.embed(body).expertized),
            network.hand.expertized(network.hand.embed(hand).expertized),
        ]
        expected = output.body_judged + output.hand_judged + apart[0] + apart[1]
        torch.testing.assert_close(output.fused, expected, atol=1e-5, rtol=1e-4)

    def test_an_expertized_branch_does_not_see_the_other_stream(self):
        network = _open_gates(_network(variant="expertized")).eval()
        body, hand = _inputs()
        one, other = network(body, hand), network(body, hand.flip(0))
        torch.testing.assert_close(one.body - one.body_judged, other.body - other.body_judged)
        assert (one.body_judged - other.body_judged).abs().max() > 1e-4

    def test_branches_split_at_the_last_stage(self):
        assert last_stage(ExpertConfig(channels=(8, 8, 16, 16, 16), strides=(1,) * 5)) == 2
        assert last_stage(ExpertConfig(channels=(8, 8, 8), strides=(1,) * 3)) == 1
        with pytest.raises(ConfigurationError, match="two or more"):
            last_stage(ExpertConfig(channels=(8,), strides=(1,)))


def test_independent_streams_do_not_feel_the_fused_loss():
    network = _network(variant="independent")
    losses = ensemble_loss(network(*_inputs()), LABELS, weights=(0.0, 0.0, 1.0))
    assert losses.complementary.item() > 0.0 and not losses.total.requires_grad
    both = ensemble_loss(network(*_inputs()), LABELS)
    parts = _reached(network, both.total)
    assert {"body.classify", "hand.classify"} <= parts


def test_reliabilities_learn_from_the_fused_loss_alone():
    network = _network(fusion="noisy_or_reliability")
    reliability = {"body_reliability.leave", "hand_reliability.leave"}
    for weights, reached in (((1.0, 1.0, 0.0), False), ((0.0, 0.0, 1.0), True)):
        losses = ensemble_loss(network(*_inputs()), LABELS, weights=weights)
        assert (reliability <= _reached(network, losses.total)) == reached


def test_independent_streams_do_not_feel_their_reliabilities():
    network = _network(variant="independent", fusion="noisy_or_reliability")
    for layer in (network.body_reliability, network.hand_reliability):
        layer.leave.weight.data.fill_(0.1)
    losses = ensemble_loss(network(*_inputs()), LABELS, weights=(0.0, 0.0, 1.0))
    parts = _reached(network, losses.total)
    assert parts and all("reliability" in part for part in parts)


def test_reliability_is_0_for_what_was_not_seen():
    network = _network(fusion="noisy_or_reliability").eval()
    body, hand = _inputs()
    hand[0], body[1] = 0.0, 0.0
    output = network(body, hand)
    assert output.reliabilities.shape == (4, 2)
    assert output.reliabilities[0, 1] == 0.0 and output.reliabilities[1, 0] == 0.0
    assert ((output.reliabilities[2:] > 0.5) & (output.reliabilities[2:] < 1.0)).all()


def test_fused_probabilities_are_those_of_the_bundle():
    network = _network(fusion="noisy_or_reliability").eval()
    judge = CalibratedBHaRNet(network, 2.0, 0.5)
    body, hand = _inputs()
    output = network(body, hand)
    *_, probabilities, reliabilities = judge(body, hand)
    assert judge.output_names[-1] == "reliabilities"
    p = torch.exp(output.log_there) / torch.exp(output.log_there).sum(1, keepdim=True)
    expected = p.sqrt() / p.sqrt().sum(1, keepdim=True)  # a temperature of 2
    torch.testing.assert_close(probabilities, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(reliabilities, output.reliabilities)
    assert len(CalibratedBHaRNet(_network())(body, hand)) == 3


def test_the_unified_graph_has_one_voice():
    network = _network(variant="unified").eval()
    body, hand = _inputs()
    output = network(body, hand)
    assert not output.hand.any() and not output.usable.any() and output.body.any()
    assert not hasattr(network, "hand")
    changed = network(body, hand.flip(0)).body
    assert (changed - output.body).abs().max() > 1e-4


def test_joined_hands_are_told_apart():
    """Instances of one graph cannot tell left from right, one graph of 42 joints can."""
    body, hand = _inputs()
    for hands, same in (("instances", True), ("joined", False)):
        network = _network(hands=hands).eval()
        found = network(body, hand).hand, network(body, hand.flip(-1)).hand
        assert torch.allclose(*found, atol=1e-5) == same


def test_two_streams_add_their_logits():
    torch.manual_seed(0)
    config = ExpertConfig("degcn", (8, 16), (1, 2), ("joint",), 0.0, streams=2)
    network = BHaRNet(ModelConfig(config, config), CLASSES, STEPS).eval()
    body, _ = _inputs()
    vector = network.body.embed(body).vector
    assert vector.shape == (4, 32)
    halves = network.body.classify.weight.chunk(2, dim=1)
    expected = sum(v @ w.t() for v, w in zip(vector.chunk(2, dim=1), halves, strict=True))
    torch.testing.assert_close(
        network.body(body)[0], expected + network.body.classify.bias, atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"variant": "quantum"}, "quantum"),
        ({"fusion": "product"}, "product"),
        ({"hands": "three"}, "three"),
        ({"variant": "unified", "fusion": "noisy_or"}, "nothing to fuse"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, words):
    with pytest.raises(ConfigurationError, match=words):
        _network(**options)


@pytest.mark.parametrize("variant", ["pooling_attention", "expertized"])
def test_whole_poses_have_no_volume_to_attend_to(variant):
    pose = ExpertConfig("pose", (8, 8), (1, 2), ("joint",))
    with pytest.raises(ConfigurationError, match="graph blocks"):
        BHaRNet(ModelConfig(EXPERT, pose, variant=variant), CLASSES, STEPS)


def test_whole_poses_can_be_fused_by_reliability():
    pose = ExpertConfig("pose", (8, 8), (1, 2), ("joint",))
    torch.manual_seed(0)
    network = BHaRNet(ModelConfig(EXPERT, pose, fusion="noisy_or_reliability"), CLASSES, STEPS)
    assert network.eval()(*_inputs()).reliabilities.shape == (4, 2)
