"""From YAML to the configuration of a training on a store, every key checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError
from training.config import AugmentConfig, build
from training.engine.config import STREAMS, SkeletonAugment, StoreConfig
from training.model_config import check_model

INPUTS = ("features", "skeleton")
PARTS = ("train", "train_and_validation")
OPTIMISERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "step")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; ConfigurationError if there is none."""
    try:
        return plain_yaml.load_once(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"Training configuration {path} cannot be read ({error}); the shipped ones are in "
            "training/configs/."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error


def names_store(path: Path) -> bool:
    """Whether a configuration is one of those here and not of `training.config`."""
    if not path.is_file():
        return False
    content = read_yaml(path)
    data = content.get("data") if isinstance(content, dict) else None
    return isinstance(data, dict) and "store" in data


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
    for name, value, allowed in (
        ("inputs", config.inputs, INPUTS),
        ("data.train_on", config.data.train_on, PARTS),
        ("fit.optimiser", fit.optimiser, OPTIMISERS),
        ("fit.schedule", fit.schedule, SCHEDULES),
        ("fit.precision", fit.precision, PRECISIONS),
    ):
        if value not in allowed:
            raise ConfigurationError(
                f"{where}: {name} is '{value}'; it must be one of {', '.join(allowed)}."
            )
    if config.streams not in (STREAMS, ("body",), ("hand",)):
        raise ConfigurationError(
            f"{where}: streams is {list(config.streams)}; it must be [body, hand], [body] or "
            "[hand]."
        )
    if config.inputs == "skeleton" and config.streams != ("body",):
        raise ConfigurationError(
            f"{where}: inputs 'skeleton' have no hands apart; set streams: [body]."
        )
    unused, default = (
        ("augment", AugmentConfig())
        if config.inputs == "skeleton"
        else ("skeleton_augment", SkeletonAugment())
    )
    if getattr(config, unused) != default:
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
    positive = {
        "fit.learning_rate": fit.learning_rate, "fit.epochs": fit.epochs,
        "fit.batch_size": fit.batch_size, "fit.validate_every": fit.validate_every,
        "data.repeat": config.data.repeat,
        "bundle.bystanders.people": config.bundle.bystanders.people,
        "bundle.window_s": config.bundle.window_s,
        "bundle.max_gap_s": config.bundle.max_gap_s,
    }  # fmt: skip
    for name, value in positive.items():
        if not value > 0:
            raise ConfigurationError(f"{where}: {name} is {value}; it must be above 0.")
    if not 0.0 < config.data.background_share < 1.0:
        raise ConfigurationError(
            f"{where}: data.background_share is {config.data.background_share}; it must be a share "
            "of each batch, above 0 and below 1."
        )
    at_least_zero = {
        "seed": config.seed, "data.fold": config.data.fold,
        "fit.weight_decay": fit.weight_decay, "fit.gradient_clip": fit.gradient_clip,
        "fit.warmup_epochs": fit.warmup_epochs,
    }  # fmt: skip
    for name, value in at_least_zero.items():
        if not value >= 0:
            raise ConfigurationError(f"{where}: {name} is {value}; it must be 0 or more.")
    if not 0.0 <= config.init.rate <= 1.0:
        raise ConfigurationError(f"{where}: init.rate is {config.init.rate}; it must be 0 to 1.")
    if config.init.rate != 1.0 and not config.init.bundle:
        raise ConfigurationError(
            f"{where}: init.rate is for weights taken over, but init.bundle names none; name a "
            "bundle, or leave it out."
        )
    below_one = {
        "fit.ema_decay": fit.ema_decay, "fit.label_smoothing": fit.label_smoothing,
        "fit.momentum": fit.momentum,
    }  # fmt: skip
    for name, value in below_one.items():
        if not 0.0 <= value < 1.0:
            raise ConfigurationError(f"{where}: {name} is {value}; it must be 0 to below 1.")
    if list(fit.milestones) != sorted(fit.milestones):
        raise ConfigurationError(
            f"{where}: fit.milestones is {list(fit.milestones)}; epochs must rise."
        )
    if min(fit.loss_weights) < 0.0 or max(fit.loss_weights) <= 0.0:
        raise ConfigurationError(
            f"{where}: fit.loss_weights is {list(fit.loss_weights)}; none may be below 0, one "
            "must be above."
        )
