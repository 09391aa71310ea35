from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import torch

from bharnet_ros.errors import BackendUnavailable, ConfigurationError, WeightsError
from bharnet_ros.pose.mmpose.network import find_config, open_network

SMALLEST = "rtmpose-t_8xb64-270e_coco-ubody-wholebody-256x192"


def test_a_config_of_mmpose_is_found_by_name() -> None:
    assert find_config(SMALLEST).name == f"{SMALLEST}.py"
    assert find_config(f"{SMALLEST}.py") == find_config(SMALLEST)


@pytest.mark.parametrize("config", ["rtmw-xxl", "/nowhere/rtmw.py", "../rtmw"])
def test_an_unknown_config_is_refused_with_an_example(config: str) -> None:
    with pytest.raises(ConfigurationError, match=r"neither a file nor the name.*rtmw-m_"):
        find_config(config)


def test_weights_are_those_of_the_checkpoint(config: Path, checkpoint: Path, state) -> None:
    network = open_network(config, checkpoint, device="cpu")
    weights = network.module.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in state.items())
    assert not network.module.training
    assert (network.name, network.device) == ("tiny_rtmw", "cpu")


def test_the_certain_score_follows_from_the_loss(config: Path) -> None:
    assert open_network(config, None, device="cpu").full_score == 10.0
    assert open_network(SMALLEST, None, device="cpu").full_score == 1.0


def test_parts_that_a_config_asks_of_mmdet_are_taken_from_mmpose(
    capfd: pytest.CaptureFixture[str],
) -> None:
    network = open_network(SMALLEST, None, device="cpu")
    assert type(network.module.backbone).__module__.startswith(("mmpose.", "mmdet."))
    assert "mmdet" not in "".join(capfd.readouterr())


def test_looking_twice_is_off_unless_asked_for(config: Path) -> None:
    assert open_network(config, None, device="cpu").module.test_cfg["flip_test"] is False
    twice = open_network(config, None, device="cpu", flip_test=True)
    assert twice.module.test_cfg["flip_test"] is True


def test_a_checkpoint_of_another_config_is_refused(checkpoint: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not belong to the config"):
        open_network(SMALLEST, checkpoint, device="cpu")


def test_a_missing_checkpoint_is_refused(config: Path) -> None:
    with pytest.raises(WeightsError, match="not a file"):
        open_network(config, "absent.pth", device="cpu")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model = dict(", "cannot be read"),
        ("raise RuntimeError('stop')", "cannot be read"),
        ("_base_ = ['absent.py']", "cannot be read"),
        ("dataset = 3", "describes no model"),
        ("model = dict(type='A', backbone=dict(type='B'))", r"cannot build.*\bA\b"),
        (
            "model = dict(type='TopdownPoseEstimator', backbone=dict(type='CSPNeXt'))",
            "test_dataloa",
        ),
    ],
)
def test_a_config_that_is_wrong_is_named(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=reason):
        open_network(path, None, device="cpu")


def test_only_top_down_networks_are_taken() -> None:
    with pytest.raises(ConfigurationError, match="describes a BottomupPoseEstimator"):
        open_network("ae_hrnet-w32_8xb24-300e_coco-512x512", None, device="cpu")


def test_a_network_of_compiled_operators_says_so() -> None:
    if importlib.util.find_spec("mmcv._ext") is not None:
        pytest.skip("mmcv's compiled operators are installed here")
    with pytest.raises(ConfigurationError, match=r"full version of mmcv"):
        open_network("dekr_hrnet-w32_8xb10-140e_coco-512x512", None, device="cpu")


def test_a_device_that_is_not_there_is_refused(config: Path) -> None:
    with pytest.raises(ConfigurationError, match="device is 'gpu'"):
        open_network(config, None, device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(BackendUnavailable, match=r"sees no GPU.*device: cpu"):
            open_network(config, None, device="cuda:0")
