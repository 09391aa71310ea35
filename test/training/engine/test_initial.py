"""Trainings on a store that start from the experts of a bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.bundle import Bundle, write_bundle
from bharnet_ros.errors import BundleError, ConfigurationError
from training.checkpoint import read_description
from training.engine.config import StoreConfig
from training.engine.config_file import load_store_config
from training.engine.fitting import Machine, fit_store
from training.engine.initial import start_from
from training.engine.networks import Network, make_network
from training.engine.runs import WEIGHTS_FILE, load_network
from training.starting import WEIGHTS_FILE as WEIGHTS_IN_BUNDLE
from training.starting import pack_weights

CONFIGS = Path(__file__).parents[3] / "training" / "configs"
CPU = Machine(accelerator="cpu")
ONCE = {"epochs": 1, "batch_size": 9, "ema_decay": 0.0, "learning_rate": 0.01}


def quiet(_: str) -> None:
    """No lines."""


def network_of(config: StoreConfig, classes: int = 3) -> Network:
    return make_network(config, classes, "coco_body_hands_59", 2)


@pytest.fixture
def start(configured: Callable[..., StoreConfig], tmp_path: Path) -> tuple[Bundle, Network]:
    """A bundle of other classes, and the network whose weights are in it."""
    torch.manual_seed(3)
    network = network_of(configured(), classes=7)
    tiny = write_tiny_bundle(tmp_path / "start")
    weights = {WEIGHTS_IN_BUNDLE: pack_weights(network)}
    bundle = write_bundle(tmp_path / "start", tiny.manifest, tiny.onnx_path.read_bytes(), weights)
    return bundle, network


def test_experts_are_taken_over_but_for_the_last_layers(
    configured: Callable[..., StoreConfig], start: tuple[Bundle, Network]
) -> None:
    bundle, theirs = start
    config = configured(init={"bundle": str(bundle.path)})
    network = network_of(config)
    fresh = {name: value.clone() for name, value in network.state_dict().items()}
    said: list[str] = []
    found = start_from(network, config, said.append)
    assert found is not None and found.about["bundle"] == bundle.manifest.name
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        before = fresh[name] if "classify" in name else theirs.state_dict()[name]
        assert torch.allclose(value, before, atol=2e-3), name
    assert not any("classify" in name for name in found.taken)
    assert "taken over from bundle" in said[0]


@pytest.mark.parametrize("stream", ["body", "hand"])
def test_one_expert_alone_takes_its_own(
    configured: Callable[..., StoreConfig], start: tuple[Bundle, Network], stream: str
) -> None:
    bundle, theirs = start
    config = configured(init={"bundle": str(bundle.path)}, streams=[stream])
    network = network_of(config)
    assert start_from(network, config, quiet) is not None
    own, of_theirs = network.state_dict(), theirs.state_dict()
    compared = [name for name in own if own[name].ndim > 1 and "classify" not in name]
    assert compared
    for name in compared:
        source = of_theirs[name.replace("expert.", f"{stream}.", 1)]
        assert torch.allclose(own[name], source, atol=2e-3), name


def test_at_rate_0_only_what_is_new_learns(
    configured: Callable[..., StoreConfig], start: tuple[Bundle, Network], tmp_path: Path
) -> None:
    bundle, _ = start
    init = {"bundle": str(bundle.path), "rate": 0.0}
    config = configured(init=init, fit=ONCE)
    begin = network_of(config)
    start_from(begin, config, quiet)
    fit_store(config, tmp_path / "run", CPU, report=quiet)
    trained, _, description = load_network(tmp_path / "run")
    for name, value in trained.named_parameters():
        same = torch.equal(value, dict(begin.named_parameters())[name])
        assert same == ("classify" not in name), name
    assert description["init"]["rate"] == 0.0
    assert len(description["init"]["weights_sha256"]) == 64


def test_a_rate_slows_down_what_was_taken_over(
    configured: Callable[..., StoreConfig], start: tuple[Bundle, Network], tmp_path: Path
) -> None:
    moved = {}
    for rate in (0.05, 1.0):
        config = configured(init={"bundle": str(start[0].path), "rate": rate}, fit=ONCE)
        begin = network_of(config)
        start_from(begin, config, quiet)
        fit_store(config, tmp_path / str(rate), CPU, report=quiet)
        after = dict(load_network(tmp_path / str(rate))[0].named_parameters())
        moved[rate] = np.mean(
            [float((after[n] - v).detach().abs().mean()) for n, v in begin.named_parameters()
             if v.ndim > 1 and "classify" not in n]
        )  # fmt: skip
    assert moved[0.05] < 0.2 * moved[1.0]


def test_other_features_are_said(
    configured: Callable[..., StoreConfig], start: tuple[Bundle, Network]
) -> None:
    init = {"bundle": str(start[0].path)}
    config = configured(init=init, features={"hand_origin": "first_frame"})
    said: list[str] = []
    start_from(network_of(config), config, said.append)
    assert "hand_origin per_frame (here first_frame)" in said[1]


def test_what_cannot_be_started_from_is_refused(
    configured: Callable[..., StoreConfig], start: tuple[Bundle, Network]
) -> None:
    folder = str(start[0].path)
    other = {"block": "pose", "channels": [8, 16], "strides": [1, 2]}
    strange = configured(init={"bundle": folder}, model={"body": other, "hand": other})
    with pytest.raises(ConfigurationError, match="None of the weights of bundle"):
        start_from(network_of(strange), strange, quiet)
    bare = configured(init={"bundle": "first_light"})
    with pytest.raises(BundleError, match=r"weights\.npz"):
        start_from(network_of(bare), bare, quiet)
    joints = configured(init={"bundle": folder}, inputs="skeleton", streams=["body"])
    with pytest.raises(ConfigurationError, match="inputs is 'skeleton'"):
        start_from(network_of(joints), joints, quiet)
    with pytest.raises(ConfigurationError, match=r"init\.bundle names none"):
        configured(init={"rate": 0.1})
    with pytest.raises(ConfigurationError, match=r"init\.rate is 2\.0"):
        configured(init={"bundle": folder, "rate": 2.0})


def test_the_shipped_configuration_fits_the_shipped_bundle() -> None:
    config = load_store_config(CONFIGS / "traduttore_from_gestures.yaml")
    network = network_of(config, classes=14)
    found = start_from(network, config, quiet)
    assert found is not None
    learned = {name for name, _ in network.named_parameters()}
    assert learned - found.taken == {
        f"{stream}.classify.{kind}" for stream in ("body", "hand") for kind in ("weight", "bias")
    }


def test_a_run_without_it_says_nothing_of_it(trained: Path) -> None:
    assert "init" not in read_description(trained / WEIGHTS_FILE)
