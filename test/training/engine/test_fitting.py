from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bharnet_ros.errors import ConfigurationError
from training.checkpoint import read_description
from training.engine.config import StoreConfig
from training.engine.fitting import Machine, fit_store
from training.engine.runs import CHECKPOINT_FILE, CHECKPOINTS, WEIGHTS_FILE, load_network

CPU = Machine(accelerator="cpu")


def weights(run: Path) -> dict[str, np.ndarray]:
    with np.load(run / WEIGHTS_FILE, allow_pickle=False) as data:
        return {name: data[name] for name in data.files if not name.startswith("__")}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)


def quiet(_: str) -> None:
    """No lines."""


def longer(config: StoreConfig, epochs: int) -> StoreConfig:
    return replace(config, fit=replace(config.fit, epochs=epochs))


def test_the_same_seed_gives_the_same_numbers(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        fit_store(configured(seed=seed), tmp_path / name, CPU, report=quiet)
    first, again, other = (weights(tmp_path / name) for name in "abc")
    assert same(first, again)
    assert not same(first, other)
    histories = [read_description(tmp_path / n / WEIGHTS_FILE)["history"] for n in "ab"]
    assert histories[0] == histories[1] and len(histories[0]) == 2


def test_a_resumed_run_ends_like_one_that_was_not_interrupted(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    # The learning rate looks at the number of epochs, so the interrupted run must have it, too.
    config = longer(configured(), 3)
    fit_store(config, tmp_path / "whole", CPU, report=quiet)

    class Interrupted(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("epoch 2/"):  # before its checkpoint, so the epoch is done again
            raise Interrupted

    with pytest.raises(Interrupted):
        fit_store(config, tmp_path / "broken", CPU, report=stop)
    assert not (tmp_path / "broken" / WEIGHTS_FILE).exists()
    description = fit_store(config, tmp_path / "broken", CPU, resume=True, report=quiet)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    assert [entry["epoch"] for entry in description["history"]] == [1.0, 2.0, 3.0]


def test_a_training_that_diverges_is_stopped_and_leaves_no_weights(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    config = longer(configured(), 3)
    config = replace(config, fit=replace(config.fit, learning_rate=1e30))
    with pytest.raises(ConfigurationError, match=r"diverged: after epoch \d of 3 .*it is 1e\+30"):
        fit_store(config, tmp_path / "run", CPU, report=quiet)
    assert not (tmp_path / "run" / WEIGHTS_FILE).exists()


def test_batches_too_small_for_experts_of_whole_poses_are_refused(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    pose = {"block": "pose", "channels": [4, 4], "strides": [1, 1]}
    fit = {"batch_size": 1, "epochs": 1}
    config = configured(model={"body": pose, "hand": pose}, fit=fit)
    with pytest.raises(ConfigurationError, match=r"leave 1 clips .*block 'pose' needs 2 or more"):
        fit_store(config, tmp_path / "run", CPU, report=quiet)
    for fine in (
        configured(model={"hand": pose}, streams=["hand"], fit=fit),
        configured(model={"body": pose, "hand": pose}, fit={**fit, "batch_size": 2}),
        configured(fit=fit),
    ):
        assert fit_store(fine, tmp_path / "fine", CPU, report=quiet)["epochs"] == 1


def test_it_learns(trained: Path) -> None:
    network, config, description = load_network(trained)
    # Chance is 0.33, and the body cannot tell idle from fist: two thirds at most.
    assert description["history"][-1]["fused"] > 0.9
    assert description["history"][-1]["body"] < 0.9
    assert config.digest() == description["config_sha256"]
    assert not network.training


def test_curves_and_checkpoints_are_there_and_hold_no_objects(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    fit_store(configured(), tmp_path / "run", CPU, report=quiet)
    assert list((tmp_path / "run" / "curves").glob("events.out.tfevents.*"))
    torch.load(tmp_path / "run" / CHECKPOINTS / CHECKPOINT_FILE, weights_only=True)


def test_a_checkpoint_that_would_run_code_is_refused(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    path = tmp_path / "run" / CHECKPOINTS / CHECKPOINT_FILE
    path.parent.mkdir(parents=True)
    torch.save({"state_dict": Machine()}, path)
    with pytest.raises(ConfigurationError, match="cannot be resumed from"):
        fit_store(configured(), tmp_path / "run", CPU, resume=True, report=quiet)


def test_nothing_to_resume_is_said(configured: Callable[..., StoreConfig], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing to resume"):
        fit_store(configured(), tmp_path / "run", CPU, resume=True, report=quiet)


def started(config: StoreConfig, run: Path) -> Path:
    """Its checkpoint, one epoch before the end."""

    def stop(line: str) -> None:
        if line.startswith(f"epoch {config.fit.epochs}/"):
            raise KeyError

    with pytest.raises(KeyError):
        fit_store(config, run, CPU, report=stop)
    return run / CHECKPOINTS / CHECKPOINT_FILE


def test_a_run_of_another_configuration_is_not_gone_on_with(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    path = started(configured(), tmp_path / "run")
    assert torch.load(path, weights_only=True)["config_sha256"] == configured().digest()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=r"last.ckpt is of a run with another config"):
        fit_store(configured(seed=7), tmp_path / "run", CPU, resume=True, report=quiet)
    assert path.read_bytes() == before and not (tmp_path / "run" / WEIGHTS_FILE).exists()
    # It is said before a network that weighs the experts is trained, too.
    fit = {"epochs": 2, "batch_size": 9, "balance": True}
    data = replace(configured().data, train_on="train_and_validation")
    lines: list[str] = []
    with pytest.raises(ConfigurationError, match="another configuration"):
        fit_store(
            replace(configured(fit=fit), data=data), tmp_path / "run", CPU, True, lines.append
        )
    assert lines == []


@pytest.mark.parametrize("told", [{}, {"config_sha256": ""}])
def test_checkpoints_that_do_not_say_whose_they_are_can_be_resumed(
    configured: Callable[..., StoreConfig], tmp_path: Path, told: dict[str, str]
) -> None:
    path = started(configured(), tmp_path / "run")
    saved = torch.load(path, weights_only=True)
    del saved["config_sha256"]
    torch.save({**saved, **told}, path)
    description = fit_store(configured(), tmp_path / "run", CPU, resume=True, report=quiet)
    assert [entry["epoch"] for entry in description["history"]] == [1.0, 2.0]
    assert torch.load(path, weights_only=True)["config_sha256"] == configured().digest()


def test_a_tensor_is_no_checkpoint(configured: Callable[..., StoreConfig], tmp_path: Path) -> None:
    path = tmp_path / "run" / CHECKPOINTS / CHECKPOINT_FILE
    path.parent.mkdir(parents=True)
    torch.save(torch.zeros(1), path)
    with pytest.raises(ConfigurationError, match="cannot be resumed from"):
        fit_store(configured(), tmp_path / "run", CPU, resume=True, report=quiet)


@pytest.mark.parametrize(
    "changes",
    [
        {"streams": ["hand"]},
        {"fit": {"epochs": 1, "batch_size": 9, "optimiser": "sgd", "schedule": "step",
                 "milestones": [1], "ema_decay": 0.0, "precision": "bf16-mixed",
                 "learning_rate": 0.01, "gradient_clip": 0.0}},
        {"inputs": "skeleton", "streams": ["body"], "preprocessing": "canonical"},
    ],
    ids=["hand alone", "sgd", "skeleton"],
)  # fmt: skip
def test_other_ways_to_train(
    configured: Callable[..., StoreConfig], tmp_path: Path, changes: dict[str, object]
) -> None:
    config = longer(configured(**changes), 1)
    fit_store(config, tmp_path / "run", CPU, report=quiet)
    assert all(np.isfinite(value).all() for value in weights(tmp_path / "run").values())


def test_an_interrupted_run_says_how_to_go_on(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    before = signal.getsignal(signal.SIGINT)

    def stop(after: str) -> Callable[[str], None]:
        def report(line: str) -> None:
            if line.startswith(after):
                raise KeyboardInterrupt

        return report

    try:
        with pytest.raises(KeyboardInterrupt, match="with --resume goes on after the last"):
            fit_store(configured(), tmp_path / "run", CPU, report=stop("epoch 2/"))
        with pytest.raises(KeyboardInterrupt, match="nothing is kept"):
            fit_store(longer(configured(), 1), tmp_path / "new", CPU, report=stop("epoch 1/"))
    finally:
        signal.signal(signal.SIGINT, before)  # which Lightning turns off
    assert not (tmp_path / "run" / WEIGHTS_FILE).exists()


def test_a_folder_that_cannot_be_written_is_named(
    configured: Callable[..., StoreConfig], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"file/run cannot be written .*another folder"):
        fit_store(configured(), tmp_path / "file" / "run", CPU, report=quiet)
