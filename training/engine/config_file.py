"""From YAML to the configuration of a training on a store, every key checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import available_layouts
from training.config import build, read_yaml
from training.config_checks import check_augment
from training.engine.config import STREAMS, SkeletonAugment, StoreConfig, StoreFit
from training.model_config import check_model
from training.number_checks import (
    above_zero,
    below_one,
    loss_weights,
    one_of,
    rising,
    shares,
    zero_or_more,
)
from training.preprocessing import PREPROCESSINGS

INPUTS = ("features", "skeleton")
_UNUSED = {
    "features": ("skeleton_augment", "preprocessing"), "skeleton": ("augment", "features"),
}  # fmt: skip
PARTS = ("train", "train_and_validation")
OPTIMISERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "step")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


def load_store_config(path: Path) -> StoreConfig:
    """Read and check a YAML file; ConfigurationError names the key that is wrong."""
    return store_config(read_yaml(path), path.name)


def store_config(content: Any, where: str) -> StoreConfig:
    """The same from what a YAML file holds, or `dataclasses.asdict` gave and JSON kept."""
    config: StoreConfig = build(StoreConfig, content, where)
    check(config, where)
    return config


def check(config: StoreConfig, where: str) -> None:
    """Refuse what is well-typed but cannot work."""
    fit = config.fit
    one_of(where, {
        "inputs": (config.inputs, INPUTS), "data.train_on": (config.data.train_on, PARTS),
        "preprocessing": (config.preprocessing, tuple(PREPROCESSINGS)),
        "bundle.layout": (config.bundle.layout, available_layouts()),
    })  # fmt: skip
    if config.streams not in (STREAMS, ("body",), ("hand",)):
        raise ConfigurationError(
            f"{where}: streams is {list(config.streams)}; it must be [body, hand], [body] or "
            "[hand]."
        )
    if config.inputs == "skeleton" and config.streams != ("body",):
        raise ConfigurationError(
            f"{where}: inputs 'skeleton' have no hands apart; set streams: [body]."
        )
    usual = StoreConfig(config.name, config.data)
    for unused in _UNUSED[config.inputs]:
        if getattr(config, unused) != getattr(usual, unused):
            raise ConfigurationError(
                f"{where}: {unused} is not used by inputs '{config.inputs}'; leave it out."
            )
    if fit.balance and (config.streams != STREAMS or config.model.variant == "unified"):
        raise ConfigurationError(
            f"{where}: fit.balance weighs two experts, but there is one; leave it out."
        )
    if config.data.background and not config.bundle.background:
        raise ConfigurationError(
            f"{where}: data.background shows what none of the classes is, but bundle.background "
            "does not say what that is called; name the class of nothing going on."
        )
    _check_numbers(config, where)
    config.clips.loader(fit.batch_size)  # raises for what the loader cannot take
    check_model(config.model, config.clips.num_steps, where)


def _check_numbers(config: StoreConfig, where: str) -> None:
    fit = config.fit
    above_zero(where, {
        "data.repeat": config.data.repeat,
        "bundle.bystanders.people": config.bundle.bystanders.people,
        "bundle.window_s": config.bundle.window_s, "bundle.max_gap_s": config.bundle.max_gap_s,
    })  # fmt: skip
    if not 0.0 < config.data.background_share < 1.0:
        raise ConfigurationError(
            f"{where}: data.background_share is {config.data.background_share}; it must be a share "
            "of each batch, above 0 and below 1."
        )
    zero_or_more(where, {"seed": config.seed, "data.fold": config.data.fold})
    shares(where, {"init.rate": config.init.rate})
    if config.init.rate != 1.0 and not config.init.bundle:
        raise ConfigurationError(
            f"{where}: init.rate is for weights taken over, but init.bundle names none; name a "
            "bundle, or leave it out."
        )
    check_augment(config.augment, where)
    _check_skeleton_augment(config.skeleton_augment, where)
    check_fit(fit, where)
    loss_weights(where, fit.loss_weights)


def check_fit(fit: StoreFit, where: str) -> None:
    """What the two stages of a training on a store, skeletons and pixels, have in common."""
    one_of(where, {
        "fit.optimiser": (fit.optimiser, OPTIMISERS), "fit.schedule": (fit.schedule, SCHEDULES),
        "fit.precision": (fit.precision, PRECISIONS),
    })  # fmt: skip
    above_zero(where, {
        "fit.learning_rate": fit.learning_rate, "fit.epochs": fit.epochs,
        "fit.batch_size": fit.batch_size, "fit.validate_every": fit.validate_every,
        "fit.decay": fit.decay,
    })  # fmt: skip
    zero_or_more(where, {
        "fit.weight_decay": fit.weight_decay, "fit.gradient_clip": fit.gradient_clip,
        "fit.warmup_epochs": fit.warmup_epochs, "fit.milestones": min(fit.milestones, default=0),
    })  # fmt: skip
    below_one(where, {
        "fit.ema_decay": fit.ema_decay, "fit.label_smoothing": fit.label_smoothing,
        "fit.momentum": fit.momentum,
    })  # fmt: skip
    if list(fit.milestones) != sorted(fit.milestones):
        raise ConfigurationError(
            f"{where}: fit.milestones is {list(fit.milestones)}; epochs must rise."
        )


def _check_skeleton_augment(augment: SkeletonAugment, where: str) -> None:
    zero_or_more(where, {
        "skeleton_augment.rotate_deg": min(augment.rotate_deg, default=0.0),
        "skeleton_augment.shear": augment.shear, "skeleton_augment.noise": augment.noise,
    })  # fmt: skip
    shares(where, {
        f"skeleton_augment.{name}": getattr(augment, name)
        for name in ("mirror", "keypoint_drop", "frame_drop")
    })  # fmt: skip
    rising(where, {"skeleton_augment.scale": augment.scale}, above=0.0)
