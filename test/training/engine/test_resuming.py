"""A run goes on only with what it was begun on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from acted_clips import CLASSES, LAYOUT, acted

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.bundle import write_bundle
from bharnet_ros.errors import ConfigurationError
from training.data import DataSheet, StoreWriter
from training.engine.config import StoreConfig
from training.engine.fitting import Machine, fit_store
from training.engine.networks import make_network
from training.engine.runs import (
    CHECKPOINT_FILE,
    CHECKPOINTS,
    HELD_OUT,
    WEIGHTS_FILE,
    load_network,
)
from training.starting import WEIGHTS_FILE as WEIGHTS_IN_BUNDLE
from training.starting import pack_weights

CPU = Machine(accelerator="cpu")


def quiet(_: str) -> None:
    """No lines."""


class Interrupted(Exception):
    """As Ctrl-C, but pytest lives on."""


def interrupted(config: StoreConfig, run: Path, after: str) -> None:
    """A run that ends when it says a line that begins so."""

    def stop(line: str) -> None:
        if line.startswith(after):
            raise Interrupted

    with pytest.raises(Interrupted):
        fit_store(config, run, CPU, report=stop)


def resume(config: StoreConfig, run: Path) -> None:
    fit_store(config, run, CPU, resume=True, report=quiet)


def write_acted(folder: Path, clips: range) -> Path:
    sheet = DataSheet("acted", LAYOUT, 2, "px", "nominal", CLASSES, "free", "made up", "test")
    with StoreWriter(folder, sheet) as writer:
        for number in clips:
            writer.add(acted(number))
        writer.finish()
    return folder


def write_start(folder: Path, config: StoreConfig, seed: int) -> str:
    """A bundle whose weights are of a seed."""
    torch.manual_seed(seed)
    weights = pack_weights(make_network(config, 7, LAYOUT, 2))
    tiny = write_tiny_bundle(folder)
    extra = {WEIGHTS_IN_BUNDLE: weights}
    return str(write_bundle(folder, tiny.manifest, tiny.onnx_path.read_bytes(), extra).path)


def test_a_run_from_other_weights_is_not_gone_on_with(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    bundle = write_start(tmp_path / "start", configured(), 3)
    config = configured(init={"bundle": bundle})
    interrupted(config, tmp_path / "run", "epoch 2/")
    shutil.rmtree(bundle)
    write_start(tmp_path / "start", configured(), 4)  # trained again, and exported there
    with pytest.raises(ConfigurationError, match=r"of the weights of init\.bundle the SHA-256 was"):
        resume(config, tmp_path / "run")
    assert not (tmp_path / "run" / WEIGHTS_FILE).exists()
    shutil.rmtree(bundle)
    write_start(tmp_path / "start", configured(), 3)
    resume(config, tmp_path / "run")


@pytest.mark.parametrize("which", ["store", "background"])
def test_a_run_on_other_recordings_is_not_gone_on_with(
    configured: Callable[..., StoreConfig], store: Path, tmp_path: Path, which: str
) -> None:
    folders = {name: tmp_path / name / "acted" for name in ("store", "background")}
    for folder in folders.values():
        write_acted(folder, range(54))
    about = {
        "store": str(folders["store"]), "background": [str(folders["background"])],
        "protocol": str(store.parent / "protocol.yaml"),
    }  # fmt: skip
    config = configured(data=about)
    interrupted(config, tmp_path / "run", "epoch 2/")
    shutil.rmtree(folders[which])
    write_acted(folders[which], range(54, 108))
    what = {"store": "of the store the", "background": "of data.background acted the"}[which]
    with pytest.raises(ConfigurationError, match=what):
        resume(config, tmp_path / "run")
    # The same recordings, converted once more and somewhere else.
    again = write_acted(tmp_path / "again" / "acted", range(54))
    about[which] = [str(again)] if which == "background" else str(again)
    resume(configured(data=about), tmp_path / "run")


def test_checkpoints_that_do_not_say_what_they_rest_on_can_be_resumed(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    interrupted(configured(), tmp_path / "run", "epoch 2/")
    path = tmp_path / "run" / CHECKPOINTS / CHECKPOINT_FILE
    saved = torch.load(path, weights_only=True)
    assert len(saved.pop("grounds")["the store"]) == 64
    torch.save(saved, path)
    resume(configured(), tmp_path / "run")


@pytest.mark.parametrize("after", ["epoch 2/", "On held-out clips"])
def test_a_run_interrupted_while_it_weighs_its_experts_can_be_gone_on_with(
    configured: Callable[..., StoreConfig], tmp_path: Path, after: str
) -> None:
    fit = {"epochs": 2, "batch_size": 9, "validate_every": 1, "balance": True}
    config = configured(fit=fit)
    config = replace(config, data=replace(config.data, train_on="train_and_validation"))
    with pytest.raises(ConfigurationError, match="nothing to resume"):
        resume(config, tmp_path / "run")
    run = tmp_path / "run"
    interrupted(config, run, after)
    assert not (run / CHECKPOINTS / CHECKPOINT_FILE).exists()
    assert (run / HELD_OUT / CHECKPOINTS / CHECKPOINT_FILE).is_file()
    resume(config, run)
    fit_store(config, tmp_path / "whole", CPU, report=quiet)
    first, second = (load_network(each)[0].state_dict() for each in (run, tmp_path / "whole"))
    assert all(torch.equal(first[name], second[name]) for name in first)
