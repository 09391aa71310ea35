from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bharnet_ros.errors import ConfigurationError, WeightsError
from bharnet_ros.pose.mmpose.checkpoint import fill, read_checkpoint


def _network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


class _Command:
    """Runs a command when it is unpickled by anything that runs what it reads."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_a_checkpoint_of_the_runner_is_read(checkpoint: Path, state: dict[str, Any]) -> None:
    tensors, meta = read_checkpoint(checkpoint)
    assert tensors.keys() == state.keys()
    assert all(torch.equal(tensors[name], value) for name, value in state.items())
    assert meta["epoch"] == 3 and meta["seed"] == 21


def test_arrays_of_every_kind_may_stand_beside_the_weights(tmp_path: Path) -> None:
    meta = {
        "dataset_meta": {
            "sigmas": np.full(133, 0.02, np.float32),
            "colors": np.zeros((3, 3), np.uint8),
            "ids": np.arange(3),
            "best": np.float64(0.7),
        }
    }
    torch.save({"state_dict": _network().state_dict(), "meta": meta}, tmp_path / "c.pth")
    _, found = read_checkpoint(tmp_path / "c.pth")
    assert np.array_equal(found["dataset_meta"]["sigmas"], meta["dataset_meta"]["sigmas"])


@pytest.mark.parametrize("place", ["meta", "state_dict", "optimizer"])
def test_a_checkpoint_that_would_run_something_is_refused(tmp_path: Path, place: str) -> None:
    data: dict[str, Any] = {"state_dict": dict(_network().state_dict()), "meta": {}}
    data.setdefault(place, {})["x"] = _Command(tmp_path / "ran")
    torch.save(data, tmp_path / "c.pth")
    with pytest.raises(ConfigurationError, match=r"would run code.*refused"):
        read_checkpoint(tmp_path / "c.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"<html>404</html>", b"\x80\x02."])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.pth").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"c\.pth"):
        read_checkpoint(tmp_path / "c.pth")


def test_a_missing_file_is_not_downloaded() -> None:
    with pytest.raises(WeightsError, match="Nothing is downloaded here"):
        read_checkpoint("https://download.openmmlab.com/rtmw.pth")


def test_a_file_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": 3}}, tmp_path / "c.pth")
    with pytest.raises(ConfigurationError, match="holds no tensors"):
        read_checkpoint(tmp_path / "c.pth")


def test_prefixes_and_bare_state_dicts_are_understood(tmp_path: Path) -> None:
    state = _network().state_dict()
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "c.pth")
    tensors, meta = read_checkpoint(tmp_path / "c.pth")
    assert tensors.keys() == state.keys() and meta == {}


def test_fill_takes_every_weight() -> None:
    wanted = {name: value + 1 for name, value in _network().state_dict().items()}
    network = _network()
    fill(network, {**wanted, "data_preprocessor.mean": torch.zeros(3)}, "c.pth")
    assert all(torch.equal(value, wanted[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"0.weight": None}, r"lacks '0\.weight'"),
        ({"0.weight": torch.zeros(4, 5)}, "size mismatch for 0.weight"),
        ({"0.weight": torch.full((4, 3), torch.nan)}, r"not finite in '0\.weight'"),
        ({"2.weight": torch.zeros(1)}, r"the network has no '2\.weight'.*strict: false"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(change: dict[str, Any], reason: str) -> None:
    state = {**_network().state_dict(), **change}
    with pytest.raises(ConfigurationError, match=reason):
        fill(_network(), {n: v for n, v in state.items() if v is not None}, "c.pth")


def test_too_much_can_be_allowed() -> None:
    state = {**_network().state_dict(), "teacher.weight": torch.zeros(1)}
    fill(_network(), state, "c.pth", strict=False)


class _Getattr:
    """Reaches for an attribute that the training log has no need of."""

    def __init__(self, owner: Any, name: str) -> None:
        self.owner, self.name = owner, name

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.owner, self.name)


@pytest.mark.parametrize("name", ["__init__", "__class__", "statistics", "__reduce__"])
def test_the_training_log_opens_no_way_out(tmp_path: Path, name: str) -> None:
    from mmengine.logging.history_buffer import HistoryBuffer

    data = {"state_dict": dict(_network().state_dict()), "x": _Getattr(HistoryBuffer, name)}
    torch.save(data, tmp_path / "c.pth")
    with pytest.raises(ConfigurationError, match="refused"):
        read_checkpoint(tmp_path / "c.pth")
