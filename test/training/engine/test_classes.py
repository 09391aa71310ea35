"""What is said about classes before a training begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bharnet_ros.errors import ConfigurationError
from training.engine.classes import check_classes, unshown
from training.engine.config import StoreConfig
from training.engine.data import StoreDataModule
from training.engine.fitting import Machine, fit_store

CPU = Machine(accelerator="cpu")


@pytest.fixture
def under(
    configured: Callable[..., StoreConfig], store: Path, tmp_path: Path
) -> Callable[..., StoreConfig]:
    """A configuration with a protocol of lines that are put in place of others."""

    def make(change: tuple[str, str], **sections: object) -> StoreConfig:
        text = (store.parent / "protocol.yaml").read_text()
        assert change[0] in text
        protocol = tmp_path / "protocol.yaml"
        protocol.write_text(text.replace(*change))
        data = {"store": str(store), "protocol": str(protocol)}
        return configured(data=data, **sections)

    return make


def test_nothing_is_said_where_everything_is_shown(configured: Callable[..., StoreConfig]) -> None:
    data = StoreDataModule(configured())
    check_classes(data)
    assert unshown(data) == []


def test_one_class_is_refused_before_it_is_trained(
    under: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    config = under(("train:", "classes: [idle]\ntrain:"))
    with pytest.raises(ConfigurationError, match="leaves the one class idle"):
        fit_store(config, tmp_path / "run", CPU, report=str)
    assert not (tmp_path / "run").exists()


def test_a_background_that_is_no_class_is_refused_before_hours_of_training(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    config = configured(bundle={"background": "nothing"})
    with pytest.raises(ConfigurationError, match=r"one of idle, wave, fist\. If none of them"):
        fit_store(config, tmp_path / "run", CPU, report=str)
    check_classes(StoreDataModule(configured(bundle={})))  # not every run becomes a bundle


def test_classes_that_a_part_does_not_show_are_said(
    under: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    lacking = "train: {subject: [0, 1], not: {class: [fist]}}"
    config = under(("train: {subject: [0, 1]}", lacking), fit={"epochs": 1})
    said: list[str] = []
    fit_store(config, tmp_path / "run", CPU, report=said.append)
    assert "No training clip shows fist: cannot be learned." in said
    assert any(line.startswith("No validation clip shows fist: nothing is known") for line in said)
    assert any(line.startswith("12 clips are in no part of protocol") for line in said)
