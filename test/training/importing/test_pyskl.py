from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="importing needs PyTorch")

from bharnet_ros.errors import ConfigurationError  # noqa: E402
from training.importing.checkpoint import read_checkpoint  # noqa: E402
from training.importing.pyskl import build_stgcn  # noqa: E402

Make = Callable[..., dict[str, Any]]
Forward = Callable[..., np.ndarray]


def run(network: Any, clips: np.ndarray) -> np.ndarray:
    """(N, T, V, C) through the rebuilt network."""
    with torch.no_grad():
        x = torch.from_numpy(clips.transpose(0, 3, 1, 2).astype(np.float32))
        return network(x).numpy()


@pytest.mark.parametrize(
    ("variant", "kind"),
    [
        ({}, "ST-GCN++"),
        ({"joints": 17, "channels": 3, "widths": (12, 24, 24, 30)}, "ST-GCN++"),
        ({"joints": 25, "channels": 3, "inner": False}, "ST-GCN++"),
        ({"plus": False, "inner": False, "graph": "importance"}, "ST-GCN"),
        ({"plus": False, "graph": "offset", "kernel": 5}, "ST-GCN"),
        ({"after": True}, "ST-GCN++"),
    ],
)
def test_the_arithmetic_is_that_of_the_tensors(
    random_checkpoint: Make, forward: Forward, variant: dict[str, Any], kind: str
) -> None:
    state = random_checkpoint(**variant)
    network, description = build_stgcn(state, "x.pth")
    assert description.kind == kind and description.num_classes == 6
    assert description.widths == variant.get("widths", (12, 12, 24))
    joints, channels = description.num_joints, description.channels
    assert (joints, channels) == (variant.get("joints", 21), variant.get("channels", 2))
    for steps in (10, 13):
        clips = np.random.default_rng(1).normal(size=(4, steps, joints, channels))
        expected = forward(state, clips[:, None], variant.get("graph", "init"))
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(run(network, clips), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("persons", [0, 2])
def test_absent_people_count_as_zeros(
    random_checkpoint: Make, forward: Forward, persons: int
) -> None:
    state = random_checkpoint(joints=17, channels=3, persons=persons)
    network, description = build_stgcn(state, "x.pth")
    assert description.persons == max(persons, 1)
    clips = np.zeros((3, 2, 12, 17, 3))
    clips[:, 0] = np.random.default_rng(2).normal(size=(3, 12, 17, 3))
    network.with_absent(2, 3, 12, 17)
    assert network.persons == 2
    np.testing.assert_allclose(
        run(network, clips[:, 0]), forward(state, clips), rtol=1e-4, atol=1e-4
    )


def test_a_missing_a_wrong_and_an_unused_tensor_are_named(random_checkpoint: Make) -> None:
    complete = random_checkpoint()
    missing = {k: v for k, v in complete.items() if k != "backbone.gcn.1.tcn.transform.2.bias"}
    with pytest.raises(
        ConfigurationError, match=r"no tensor 'backbone\.gcn\.1\.tcn\.transform\.2\.bias'"
    ):
        build_stgcn(missing, "x.pth")
    wrong = {**complete, "backbone.gcn.1.gcn.A": torch.zeros(3, 20, 20)}
    with pytest.raises(ConfigurationError, match=r"shape \[3, 20, 20\] and not \[3, 21, 21\]"):
        build_stgcn(wrong, "x.pth")
    with pytest.raises(ConfigurationError, match=r"nothing there uses 'backbone\.gcn\.0\.extra'"):
        build_stgcn({**complete, "backbone.gcn.0.extra": torch.zeros(1)}, "x.pth")
    wider = {**complete, "backbone.data_bn.weight": torch.zeros(43)}
    with pytest.raises(ConfigurationError, match="43 values"):
        build_stgcn(wider, "x.pth")
    fewer = {k: v for k, v in complete.items() if ".tcn.branches.5." not in k}
    with pytest.raises(ConfigurationError, match="5 branches and not 6"):
        build_stgcn(fewer, "x.pth")


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("backbone.gcn.0.gcn.convs.0.conv1.weight", "CTR-GCN"),
        ("backbone.gcn.0.gcn.conv_d.0.weight", "AAGCN"),
        ("backbone.gcn.0.gcn.pre.0.weight", "DG-STGCN"),
        ("backbone.layer1.0.conv1.conv.weight", "PoseC3D"),
        ("encoder.0.weight", r"no tensor 'backbone\.gcn\.0"),
    ],
)
def test_another_architecture_is_named(name: str, architecture: str) -> None:
    with pytest.raises(ConfigurationError, match=architecture) as caught:
        build_stgcn({name: torch.zeros(4, 4, 1, 1)}, "other.pth")
    assert "other.pth is not an ST-GCN" in str(caught.value)
    assert "exported to ONNX" in str(caught.value)


def test_the_public_network_is_rebuilt_exactly(shared_data: Path, forward: Forward) -> None:
    state = read_checkpoint(shared_data / "hand_gestures" / "pyskl_gesture.pth")
    network, description = build_stgcn(state, "pyskl_gesture.pth")
    assert description.kind == "ST-GCN++" and description.num_classes == 40
    assert description.widths == (64,) * 5 + (128,) and description.strides == (1,) * 5 + (2,)
    clips = np.random.default_rng(3).uniform(size=(8, 10, 21, 2))
    expected = forward(state, clips[:, None])
    assert np.abs(run(network, clips) - expected).max() < 1e-4
