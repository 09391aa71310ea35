"""Training that starts from the weights in a bundle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.bundle import load_bundle, write_bundle
from bharnet_ros.errors import BundleError, ConfigurationError
from training.fit import train_network
from training.models import BHaRNet
from training.starting import WEIGHTS_FILE, adopt, pack_weights, starting_weights


def _with_weights(folder, weights: bytes):
    bundle = write_tiny_bundle(folder)
    return write_bundle(
        folder, bundle.manifest, bundle.onnx_path.read_bytes(), {WEIGHTS_FILE: weights}
    )


def test_weights_come_back_from_a_bundle(tiny_config, tmp_path):
    torch.manual_seed(0)
    network = BHaRNet(tiny_config.model, 5, 16)
    found = starting_weights(_with_weights(tmp_path, pack_weights(network)))
    state = network.state_dict()
    assert set(found) == {name for name, value in state.items() if value.is_floating_point()}
    for name, value in found.items():
        np.testing.assert_allclose(value, state[name], atol=2e-3, rtol=2e-3)
    other = BHaRNet(tiny_config.model, 5, 16)
    assert adopt(other, found) == len(found)


def test_other_classes_keep_their_own_last_layer(tiny_config):
    torch.manual_seed(0)
    first, second = BHaRNet(tiny_config.model, 5, 16), BHaRNet(tiny_config.model, 7, 16)
    last = second.hand.classify.weight.detach().clone()
    taken = adopt(second, first.state_dict())
    skipped = sum("classify" in name for name in second.state_dict())
    assert skipped and taken == len(second.state_dict()) - skipped
    assert torch.equal(second.hand.classify.weight, last)


def test_fit_starts_from_them(tiny_config, card, make_sequence):
    still = replace(
        tiny_config, fit=replace(tiny_config.fit, steps=1, learning_rate=0.0, ema_decay=0.0)
    )
    films = [make_sequence(seed) for seed in range(3)]
    torch.set_num_threads(1)
    torch.manual_seed(5)
    start = BHaRNet(tiny_config.model, len(card.class_names), tiny_config.windows.num_steps)
    said: list[str] = []
    network, _ = train_network(
        still, card, films[:2], [], films[2:], said.append, initial=start.state_dict()
    )
    for name, value in network.named_parameters():
        assert torch.equal(value, start.state_dict()[name]), name
    assert any("taken over" in line for line in said)


def test_weights_of_another_network_are_refused(tiny_config, card, make_sequence):
    films = [make_sequence(seed) for seed in range(3)]
    with pytest.raises(ConfigurationError, match="without --init"):
        train_network(
            tiny_config, card, films[:2], [], films[2:], str, initial={"else": torch.zeros(3)}
        )


def test_a_bundle_without_weights_is_named():
    with pytest.raises(BundleError, match=r"weights\.npz"):
        starting_weights(load_bundle("first_light"))


def test_damaged_weights_are_named(tmp_path):
    with pytest.raises(BundleError, match="damaged"):
        starting_weights(_with_weights(tmp_path, b"PK\x03\x04 not an archive"))
