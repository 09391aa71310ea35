"""The training loop: body and hand expert together, from windows to averaged weights."""

from __future__ import annotations

import dataclasses
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import FeatureConfig
from training.checkpoint import save_weights
from training.config import OUTSIDERS, PROJECTED, FitConfig, TrainingConfig
from training.dataset import DatasetCard, check_card, read_card
from training.decay import adamw
from training.divergence import refuse_diverged
from training.ema import WeightAverage
from training.losses import Losses, ensemble_loss
from training.metrics import summary
from training.models import BHaRNet, ExpertOutput
from training.predict import predict
from training.sampling import BatchSampler
from training.sequences import KeypointSequence, content_hash, load_split
from training.starting import adopt
from training.windowing import ExpertInputs, expert_inputs, index_windows

WEIGHTS_FILE = "weights.npz"
Report = Callable[[str], None]


def seed_everything(seed: int) -> None:
    """The same numbers every time on the same machine with the same number of threads."""
    random.seed(seed)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)


def fit(
    config: TrainingConfig,
    data: Path,
    run: Path,
    report: Report = print,
    initial: Mapping[str, Tensor] | None = None,
) -> dict[str, Any]:
    """Train on `data`, write `weights.npz` into `run`; returns what is written beside them.

    initial: weights by name to start from (see `starting_weights`).
    """
    card = read_card(data)
    check_card(card, config, data)
    parts = {
        name: load_split(data, name, split.scenes)
        for name, split in config.data.all_splits().items()
        if name in ("train", "val", PROJECTED, OUTSIDERS[0])
    }
    network, history = train_network(
        config, card, parts["train"], parts.get(PROJECTED, []), parts["val"], report,
        parts.get(OUTSIDERS[0], []), initial,
    )  # fmt: skip
    description = {
        "config": dataclasses.asdict(config),
        "card": dataclasses.asdict(card),
        "data_sha256": {name: content_hash(films) for name, films in parts.items()},
        "films": {name: len(films) for name, films in parts.items()},
        "film_s": {
            name: round(sum(film.duration_s for film in films), 1) for name, films in parts.items()
        },
        "history": history,
        "started_from_weights": initial is not None,
        "torch_threads": torch.get_num_threads(),
    }
    save_weights(run / WEIGHTS_FILE, network, description)
    report(f"Weights written to {run / WEIGHTS_FILE}")
    return description


def train_network(
    config: TrainingConfig,
    card: DatasetCard,
    filmed: Sequence[KeypointSequence],
    projected: Sequence[KeypointSequence],
    val: Sequence[KeypointSequence],
    report: Report,
    outsiders: Sequence[KeypointSequence] = (),
    initial: Mapping[str, Tensor] | None = None,
) -> tuple[BHaRNet, list[dict[str, float]]]:
    """The averaged network after the last step, and the figures along the way.

    The last step's average is taken, not the best on validation: with a cosine schedule it is
    as good, and validation stays honest for calibration.
    """
    seed_everything(config.seed)
    features = FeatureConfig()
    sampler = BatchSampler(filmed, projected, card, config, features, outsiders)
    index = index_windows(val, config.windows, card.class_ids, card.background_id)
    validation = expert_inputs(val, index, config.windows, features)
    network = BHaRNet(config.model, len(card.class_names), config.windows.num_steps)
    if initial is not None:
        taken, arrays = adopt(network, initial), len(network.state_dict())
        if not taken:
            raise ConfigurationError(
                "None of the bundle's weights fits the model of the configuration; start from a "
                "bundle with the same experts, or without --init."
            )
        report(f"{taken} of {arrays} arrays taken over")
    average = WeightAverage(network, config.fit.ema_decay)
    optimiser = make_optimiser(network, config.fit)
    parameters = sum(p.numel() for p in network.parameters())
    report(
        f"{sampler.num_windows} training and {len(index.label)} validation windows, "
        f"{len(card.class_names)} classes, {parameters} parameters"
    )
    history: list[dict[str, float]] = []
    running: list[float] = []
    begin = time.monotonic()
    for step in range(config.fit.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(config.fit, step)
        losses = train_step(network, sampler.batch(step), optimiser, config.fit)
        average.update(network)
        running.append(float(losses.complementary.detach()))
        if (step + 1) % config.fit.validate_every == 0 or step + 1 == config.fit.steps:
            when = f"step {step + 1} of {config.fit.steps}"
            refuse_diverged(network, when, config.fit.learning_rate)
            entry = validate(average.network, validation, card)
            entry |= {"step": step + 1, "loss": float(np.mean(running))}
            history.append(entry)
            running = []
            report(
                f"step {step + 1}/{config.fit.steps}  loss {entry['loss']:.3f}  validation: "
                f"body {entry['body']:.3f}  hand {entry['hand']:.3f}  fused {entry['fused']:.3f}"
                f"  ({time.monotonic() - begin:.0f} s)"
            )
    result = average.network
    if not isinstance(result, BHaRNet):
        raise TypeError("The averaged network is not a BHaRNet.")
    return result, history


def make_optimiser(network: nn.Module, config: FitConfig) -> torch.optim.AdamW:
    """AdamW that decays weights but neither biases nor norms nor the learned graphs."""
    return adamw(network, config.learning_rate, config.weight_decay)


def learning_rate(config: FitConfig, step: int) -> float:
    """Linear from 0 over the warm-up, then half a cosine down to 0."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.learning_rate * 0.5 * (1.0 + math.cos(math.pi * progress))


def train_step(
    network: BHaRNet,
    batch: ExpertInputs,
    optimiser: torch.optim.Optimizer,
    config: FitConfig,
    loss: Callable[[ExpertOutput, Tensor], Losses] | None = None,
) -> Losses:
    """One optimiser step on one batch. loss: of outputs and labels; the ensemble loss if None."""
    network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=config.bfloat16):
        output = network(torch.from_numpy(batch.body), torch.from_numpy(batch.hand))
    output = output._replace(body=output.body.float(), hand=output.hand.float())
    labels = torch.from_numpy(batch.label)
    losses = loss(output, labels) if loss is not None else ensemble_loss(
        output, labels, config.label_smoothing, config.loss_weights, config.outsider_weight
    )  # fmt: skip
    optimiser.zero_grad(set_to_none=True)
    losses.total.backward()  # type: ignore[no-untyped-call]
    if config.gradient_clip > 0.0:  # clipped to 0, nothing would ever be learned
        nn.utils.clip_grad_norm_(network.parameters(), config.gradient_clip)
    optimiser.step()
    return losses


def validate(network: nn.Module, inputs: ExpertInputs, card: DatasetCard) -> dict[str, float]:
    """Macro-F1 of both experts and of their sum."""
    logits = predict(network, inputs)
    return {
        name: summary(inputs.label, values, card.class_names, card.background_id)["macro_f1"]
        for name, values in (
            ("body", logits.body),
            ("hand", logits.hand),
            ("fused", logits.fused),
        )
    }
