"""A training run: from a configuration to weights, with curves, checkpoints and a way back in."""

from __future__ import annotations

import dataclasses
import logging
import platform
import random
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.loggers import TensorBoardLogger

from bharnet_ros.errors import ConfigurationError
from training.checkpoint import read_description, save_weights
from training.engine.balancing import balance, scale_logits
from training.engine.classes import check_classes, unshown
from training.engine.config import StoreConfig, StoreFit
from training.engine.data import StoreDataModule
from training.engine.initial import start_from
from training.engine.module import ExpertModule
from training.engine.networks import Network, make_network
from training.engine.resuming import checkpoint_of, grounds_of, is_of, refuse_other_grounds
from training.engine.runs import CHECKPOINT_FILE, CHECKPOINTS, CURVES, HELD_OUT, WEIGHTS_FILE
from training.files import writing
from training.models import BHaRNet

Report = Callable[[str], None]


@dataclass(frozen=True)
class Machine:
    """Where to train. accelerator, devices, nodes, strategy: as Lightning's Trainer takes them;
    under torchrun every started process is one device. workers: processes that prepare batches.
    threads: of torch, on CPUs."""

    accelerator: str = "auto"
    devices: int = 1
    nodes: int = 1
    strategy: str = "auto"
    workers: int = 0
    threads: int = 1


def fit_store(
    config: StoreConfig,
    run: Path,
    machine: Machine | None = None,
    resume: bool = False,
    report: Report = print,
) -> dict[str, Any]:
    """Train and write `weights.npz` into `run`; returns what is written beside the weights.

    resume: go on after the last finished epoch of an interrupted run of the same configuration;
    ConfigurationError if there is none, or one of another configuration, store or init bundle.
    The same seed gives the same numbers on the same machine with as many threads and processes.
    """
    machine = machine or Machine()
    weighs_first = config.fit.balance and config.data.train_on != "train"
    begun = weighs_first and (run / HELD_OUT / CHECKPOINTS / CHECKPOINT_FILE).is_file()
    checkpoint = checkpoint_of(run, resume, config.digest(), begun)  # before anything takes time
    data = StoreDataModule(config, machine.workers)
    check_classes(data)
    grounds = grounds_of(data)
    refuse_other_grounds(checkpoint, grounds)
    factors = None
    if weighs_first:
        factors = held_out_factors(config, run, machine, resume, report, grounds)
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    prepare_torch(config.seed, machine.threads)
    sheet, split = data.store.sheet, data.split
    network = make_network(config, len(split.class_names), sheet.layout, sheet.dims)
    start = start_from(network, config, report)
    module = ExpertModule(network, config.fit, data.steps_per_epoch, config.seed, start)
    module.config_sha256, module.grounds = config.digest(), grounds
    trainer = make_trainer(config.fit, run, machine, data.has_validation, report)
    train = getattr(split, config.data.train_on)
    if trainer.is_global_zero:
        parameters = sum(p.numel() for p in network.parameters())
        report(
            f"{config.name}: {len(train)} training, {len(split.validation)} validation clips, "
            f"{len(split.class_names)} classes, {parameters} parameters"
        )
        for line in unshown(data):
            report(line)
    begin, begin_cpu = time.monotonic(), time.process_time()
    train_on(trainer, module, data, checkpoint, run)
    description: dict[str, Any] = {
        "config": dataclasses.asdict(config),
        "config_sha256": config.digest(),
        "grounds": grounds,
        "store": {
            "dataset": sheet.dataset, "layout": sheet.layout, "dims": sheet.dims,
            "license": sheet.license, "content_sha256": data.store.content_hash(),
        },
        "class_names": list(split.class_names),
        "clips": {name: len(getattr(split, name)) for name in ("train", "validation", "test")},
        "history": module.history,
        "epochs": trainer.current_epoch,
        "seconds": round(time.monotonic() - begin, 1),
        "cpu_seconds": round(time.process_time() - begin_cpu, 1),
        "machine": {
            "accelerator": type(trainer.accelerator).__name__, "processes": trainer.world_size,
            "threads": torch.get_num_threads(),
        },
        "packages": {
            "torch": torch.__version__, "lightning": version("pytorch-lightning"),
            "python": platform.python_version(),
        },
    }  # fmt: skip
    if start is not None:
        description["init"] = start.about
    if data.background is not None:
        description["background"] = data.background.about()
    if trainer.is_global_zero:
        final = module.final.cpu()
        if config.fit.balance:
            description["balance"] = balanced(final, data, factors, report)
        save_weights(run / WEIGHTS_FILE, final, description)
        report(f"Weights written to {run / WEIGHTS_FILE} ({description['seconds']:.0f} s)")
    trainer.strategy.barrier()
    return description


def train_on(
    trainer: lightning.Trainer,
    module: lightning.LightningModule,
    data: StoreDataModule,
    checkpoint: Path | None,
    run: Path,
) -> None:
    """Lightning's fit, from a checkpoint if there is one; a KeyboardInterrupt says how to go on.

    Raises ConfigurationError where the folder `run` cannot be written.
    """
    with warnings.catch_warnings(), writing(run):
        for what in EXPECTED_WARNINGS:
            warnings.filterwarnings("ignore", what)
        try:
            trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
        except SystemExit:  # how Lightning ends when it is interrupted
            if not trainer.interrupted:
                raise
    if trainer.interrupted:
        kept = (run / CHECKPOINTS / CHECKPOINT_FILE).is_file()
        raise KeyboardInterrupt(
            "stopped; the same command with --resume goes on after the last finished epoch."
            if kept
            else "stopped before an epoch was finished; nothing is kept."
        )


def held_out_factors(
    config: StoreConfig, run: Path, machine: Machine, resume: bool, report: Report,
    grounds: dict[str, str],
) -> dict[str, float] | None:  # fmt: skip
    """Those of a network that has not seen the validation part, trained in a folder of its own
    within the run; None in processes that write nothing."""
    report("First without the validation part, to weigh the experts on it:")
    apart = replace(config, data=replace(config.data, train_on="train"))
    folder = run / HELD_OUT
    if resume and (folder / WEIGHTS_FILE).is_file():
        description = read_description(folder / WEIGHTS_FILE)
        same = description.get("grounds", grounds) == grounds
        if description["config_sha256"] == apart.digest() and same:
            return cast(dict[str, float], description["balance"])
    # One that an earlier configuration left there is of no use, so that run starts anew.
    left = folder / CHECKPOINTS / CHECKPOINT_FILE
    goes_on = resume and left.is_file() and is_of(left, apart.digest())
    return fit_store(apart, folder, machine, goes_on, report).get("balance")


def balanced(
    network: Network, data: StoreDataModule, factors: dict[str, float] | None, report: Report
) -> dict[str, float]:
    """Balance the experts of a trained network, by factors that are known or on the validation
    part; returns the factors of their logits."""
    if not isinstance(network, BHaRNet) or not data.has_validation:
        raise ConfigurationError(
            f"fit.balance needs two experts and held-out clips, but protocol "
            f"'{data.config.data.protocol}' has no validation part; leave it out, or use another "
            "protocol."
        )
    if factors is not None:
        scale_logits(network.body, factors["body"])
        scale_logits(network.hand, factors["hand"])
        return factors
    body, hand = balance(network, data)
    report(f"On held-out clips the body's logits count {body:.2f} times, the hands' {hand:.2f}")
    return {"body": round(body, 4), "hand": round(hand, 4)}


def prepare_torch(seed: int, threads: int) -> None:
    """The same numbers every time."""
    torch.set_num_threads(threads)
    random.seed(seed)
    torch.manual_seed(seed)


def make_trainer(
    fit: StoreFit, run: Path, machine: Machine, validate: bool, report: Report
) -> lightning.Trainer:
    """Lightning's engine with our settings."""
    strategy = machine.strategy
    if strategy == "ddp" and min(fit.loss_weights) == 0.0:
        # Without one of the losses, what only it reaches gets no gradient to wait for.
        strategy = "ddp_find_unused_parameters_true"
    live = sys.stderr.isatty()
    callbacks: list[Callback] = [
        ModelCheckpoint(
            run / CHECKPOINTS,
            filename=CHECKPOINT_FILE.removesuffix(".ckpt"),
            every_n_epochs=1,
            save_on_train_epoch_end=True,
            enable_version_counter=False,  # each epoch takes the place of the one before
        ),
        TQDMProgressBar() if live else Lines(report),
    ]
    return lightning.Trainer(
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.nodes,
        strategy=strategy,
        precision=fit.precision,  # type: ignore[arg-type]
        max_epochs=fit.epochs,
        gradient_clip_val=fit.gradient_clip or None,
        check_val_every_n_epoch=fit.validate_every,
        limit_val_batches=None if validate else 0,
        num_sanity_val_steps=0,
        deterministic=True,
        use_distributed_sampler=False,  # the data module divides the batches itself
        logger=TensorBoardLogger(run, name=None, version=CURVES),
        log_every_n_steps=10,
        enable_progress_bar=live,
        enable_model_summary=False,
        callbacks=callbacks,
    )


class Lines(Callback):
    """Progress where no terminal shows a bar: one line for each validation."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._begin = time.monotonic()

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        """Lightning's hook."""
        epoch = trainer.current_epoch + 1
        judged = module.history and module.history[-1]["epoch"] == epoch
        if not trainer.is_global_zero or not (judged or epoch == trainer.max_epochs):
            return
        if not judged:
            self._report(f"epoch {epoch}/{trainer.max_epochs}")
            return
        last = module.history[-1]
        loss = float(trainer.callback_metrics.get("loss/total", float("nan")))
        judges = "  ".join(f"{name} {last[name]:.3f}" for name in last if name != "epoch")
        self._report(
            f"epoch {last['epoch']:.0f}/{trainer.max_epochs}  loss {loss:.3f}  validation: "
            f"{judges}  ({time.monotonic() - self._begin:.0f} s)"
        )


EXPECTED_WARNINGS = (
    ".*does not have many workers.*",
    ".*number of training batches.*",
    ".*Checkpoint directory.*exists and is not empty.*",
    ".*you defined a `validation_step`.*",
    ".*weights_only.*",
    ".*LeafSpec.*",
    ".*sync_dist=True.*",
    ".*in eval mode at the start.*",
)
"""Lightning's advice on what is meant to be as it is."""
