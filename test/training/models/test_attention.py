"""Cross-attention and pooling attention: small cases by hand, masks, starting points."""

from __future__ import annotations

import torch

from training.models.attention import CrossAttention, PoolingAttention, Tokens, axis_tokens
from training.models.expert import Volume, pool


def _volume(n=2, i=2, c=8, t=4, v=5, seed=0):
    torch.manual_seed(seed)
    return Volume(torch.randn(n, i, c, t, v), torch.ones(n, i, t))


def test_tokens_by_hand():
    """Two hands, two steps, two joints, one channel; the second hand is seen at step 1 only."""
    values = torch.tensor([[[1.0, 3.0], [5.0, 7.0]], [[100.0, 100.0], [9.0, 11.0]]])
    volume = Volume(values.reshape(1, 2, 1, 2, 2), torch.tensor([[[1.0, 1.0], [0.0, 1.0]]]))
    time, joint, instance = axis_tokens(volume)
    assert time.values.flatten().tolist() == [2.0, 8.0]
    assert joint.values.flatten().tolist() == [5.0, 7.0]
    assert instance.values.flatten().tolist() == [4.0, 10.0]
    assert time.seen.tolist() == [[1.0, 1.0]] and instance.seen.tolist() == [[1.0, 1.0]]


def test_nothing_seen_gives_tokens_that_are_not_seen():
    volume = _volume()._replace(weight=torch.zeros(2, 2, 4))
    for tokens in axis_tokens(volume):
        assert not tokens.values.any() and not tokens.seen.any()


def test_one_token_to_look_at_is_looked_at():
    """Softmax over one token is 1: the result is known without knowing query and key."""
    torch.manual_seed(0)
    layer = CrossAttention(8, 6)
    layer.gate.data.fill_(0.5)
    own = Tokens(torch.randn(2, 3, 8), torch.ones(2, 3))
    other = Tokens(torch.randn(2, 1, 6), torch.ones(2, 1))
    message = layer.back(layer.value(layer.other_norm(other.values)))
    torch.testing.assert_close(layer(own, other), own.values + 0.5 * message)


def test_hidden_tokens_do_not_matter():
    torch.manual_seed(0)
    layer = CrossAttention(8, 8)
    layer.gate.data.fill_(1.0)
    own = Tokens(torch.randn(1, 3, 8), torch.ones(1, 3))
    other = Tokens(torch.randn(1, 4, 8), torch.tensor([[1.0, 1.0, 0.0, 0.0]]))
    one = layer(own, other)
    other.values[:, 2:] = 50.0
    torch.testing.assert_close(layer(own, other), one)
    nobody = Tokens(other.values, torch.zeros(1, 4))
    torch.testing.assert_close(layer(own, nobody), own.values)


def test_it_starts_as_three_means():
    """Gates and interests are zero: with everything seen, three times global average pooling."""
    own, other = _volume(), _volume(c=6, seed=1)
    layer = PoolingAttention(8, 6)
    torch.testing.assert_close(layer(own, other), 3.0 * pool(own), atol=1e-5, rtol=1e-4)


def test_the_other_stream_is_heard_once_the_gate_opens():
    own, other = _volume(), _volume(c=6, seed=1)
    layer = PoolingAttention(8, 6)
    for path in layer.attend:
        path.gate.data.fill_(1.0)
    one = layer(own, other)
    assert (layer(own, _volume(c=6, seed=2)) - one).abs().max() > 1e-3
    silent = other._replace(weight=torch.zeros_like(other.weight))
    torch.testing.assert_close(layer(own, silent), 3.0 * pool(own), atol=1e-5, rtol=1e-4)


def test_interest_moves_the_pooling_to_the_token_that_has_it():
    values = torch.zeros(1, 1, 2, 3, 1)
    values[0, 0, 0, 1] = 10.0  # channel 0 is large at step 1
    volume = Volume(values, torch.ones(1, 1, 3))
    layer = PoolingAttention(2, 2)
    layer.interest[0].data = torch.tensor([5.0, 0.0])
    time_path = layer(volume, volume)[0, 0] - 2.0 * pool(volume)[0, 0]
    torch.testing.assert_close(time_path, torch.tensor(10.0), atol=1e-4, rtol=1e-4)


def test_every_parameter_learns():
    own, other = _volume(), _volume(c=6, seed=1)
    layer = PoolingAttention(8, 6)
    for path in layer.attend:
        path.gate.data.fill_(0.1)
    layer(own, other).square().sum().backward()
    idle = {n for n, p in layer.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    # One body token or two hand tokens: every axis here has several, so nothing is idle but the
    # bias of the keys, which a softmax does not see.
    assert idle <= {f"attend.{i}.key.bias" for i in range(3)}
