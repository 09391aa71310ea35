"""Training on acted descriptions: minutes on a CPU, repeatable, able to start from a bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from torch import Tensor, nn

from training.config import ExpertConfig, FitConfig, ModelConfig
from training.describing.transitions import partial_loss
from training.ema import WeightAverage
from training.fit import learning_rate, make_optimiser, seed_everything, train_step
from training.models import BHaRNet
from training.predict import predict
from training.starting import adopt
from training.windowing import ExpertInputs

Report = Callable[[str], None]


class BatchSource(Protocol):
    """Gives the inputs of a training step; the same for the same number."""

    def batch(self, number: int, size: int) -> ExpertInputs: ...


def pose_model() -> ModelConfig:
    """The networks of described gestures: small enough to train while one waits."""
    body = ExpertConfig("pose", (160, 128, 128), (1, 2, 2), ("joint",), 0.2)
    hand = ExpertConfig("pose", (256, 128, 128), (1, 2, 2), ("joint",), 0.2, distances=True)
    return ModelConfig(body, hand, min_hand_share=0.15, min_body_share=0.15)


@dataclass(frozen=True)
class TrainingPlan:
    """How long and how to train; see FitConfig for the optimiser's options."""

    fit: FitConfig = field(
        default_factory=lambda: FitConfig(
            steps=4500, batch_size=256, learning_rate=3e-3, weight_decay=0.02, warmup_steps=100,
            ema_decay=0.998, label_smoothing=0.05, bfloat16=False, validate_every=500,
        )
    )  # fmt: skip
    model: ModelConfig = field(default_factory=pose_model)


def train(
    batches: BatchSource,
    validation: ExpertInputs,
    num_classes: int,
    num_steps: int,
    seed: int,
    plan: TrainingPlan,
    report: Report,
    initial: Mapping[str, Tensor] | None = None,
    background: int = 0,
) -> BHaRNet:
    """The averaged network after the last step.

    background: its class; the last class is the unknown one (see `transitions`).
    initial: weights by name to start from (of a bundle, see `starting`); what has another shape,
    such as the last layer of other classes, starts at random. Batches are made one ahead, beside
    the training step.
    """
    seed_everything(seed)
    network = BHaRNet(plan.model, num_classes, num_steps)
    if initial:
        report(f"{adopt(network, initial)} of {len(network.state_dict())} arrays taken over")
    average = WeightAverage(network, plan.fit.ema_decay)
    optimiser = make_optimiser(network, plan.fit)
    judge = partial(
        partial_loss, background=background, unknown=num_classes - 1,
        label_smoothing=plan.fit.label_smoothing, weights=plan.fit.loss_weights,
    )  # fmt: skip
    begin, losses = time.monotonic(), []
    with ThreadPoolExecutor(1) as pool:
        upcoming: Future[ExpertInputs] = pool.submit(batches.batch, 0, plan.fit.batch_size)
        for step in range(plan.fit.steps):
            batch = upcoming.result()
            if step + 1 < plan.fit.steps:
                upcoming = pool.submit(batches.batch, step + 1, plan.fit.batch_size)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(plan.fit, step)
            loss = train_step(network, batch, optimiser, plan.fit, judge)
            average.update(network)
            losses.append(float(loss.complementary.detach()))
            if (step + 1) % plan.fit.validate_every == 0 or step + 1 == plan.fit.steps:
                report(
                    f"step {step + 1}/{plan.fit.steps}  loss {np.mean(losses):.3f}  validation "
                    f"{accuracies(average.network, validation)}  "
                    f"({time.monotonic() - begin:.0f} s)"
                )
                losses = []
    result = average.network
    if not isinstance(result, BHaRNet):
        raise TypeError("The averaged network is not a BHaRNet.")
    return result


def accuracies(network: nn.Module, inputs: ExpertInputs) -> str:
    """Share of windows that body, hand and both get right."""
    logits = predict(network, inputs)
    shares = [
        f"{name} {float((values.argmax(axis=1) == inputs.label).mean()):.3f}"
        for name, values in (("body", logits.body), ("hand", logits.hand), ("fused", logits.fused))
    ]
    return "  ".join(shares)
