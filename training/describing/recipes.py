"""How the shipped bundle is made, and how one is made while its author waits."""

from __future__ import annotations

from dataclasses import replace

from training.config import FitConfig
from training.describing.batches import Mix
from training.describing.fitting import TrainingPlan
from training.describing.making import Recipe

SHIPPED_STEPS = 4000


def plan_of(steps: int, learning_rate: float) -> TrainingPlan:
    """AdamW, cosine, averaged weights; batches of 256 windows."""
    fit = FitConfig(
        steps=steps, batch_size=256, learning_rate=learning_rate, weight_decay=0.02,
        warmup_steps=min(100, steps // 5 + 1), ema_decay=0.998, label_smoothing=0.05,
        bfloat16=True, validate_every=max(steps // 6, 1),
    )  # fmt: skip
    return TrainingPlan(fit=fit)


def quick_plan(steps: int, warm: bool) -> TrainingPlan:
    """Few steps; networks that have seen hands and people before need smaller ones."""
    return plan_of(steps, 2e-3 if warm else 3e-3)


def quick_mix(recorded: bool) -> Mix:
    """Without films; recordings, where there are any, take a share."""
    return Mix(people=0.7, hands=0.3, recorded=0.15 if recorded else 0.0, filmed=0.0)


def shipped_recipe(seed: int, steps: int = SHIPPED_STEPS) -> Recipe:
    """The recipe of the bundle `gestures`."""
    return Recipe(
        seed=seed,
        performances=500,
        validation_sequences=60,
        urgent=("stop",),
        mix=Mix(
            people=0.40, hands=0.23, recorded=0.12, filmed=0.25, filmed_background=0.27,
            unknown_hands=0.25,
        ),
        plan=plan_of(steps, 3e-3),
    )


def without(recipe: Recipe, *sources: str) -> Recipe:
    """The recipe less some of `hands`, `recorded`, `filmed`; people take their share."""
    return replace(recipe, mix=replace(recipe.mix, **dict.fromkeys(sources, 0.0)))
