"""The configuration of a training on a store: one YAML file, every key checked."""

# No postponed annotations here: the builder of `training.config` reads them as they stand.

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.features import FeatureConfig
from training.config import AugmentConfig, build
from training.data import LoaderConfig
from training.model_config import ModelConfig, check_model

STREAMS = ("body", "hand")
INPUTS = ("features", "skeleton")
PARTS = ("train", "train_and_validation")
OPTIMISERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "step")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")


@dataclass(frozen=True)
class StoreData:
    """Which recordings, and who of them trains.

    store: folder of a store. protocol: a shipped one, or a YAML file. fold: which of its
    validation alternatives. train_on: "train" holds the validation part out;
    "train_and_validation" is for a last run with everything decided. repeat: times that each
    clip is shown in an epoch. even_classes: every class is shown as often as the others, whatever
    the number of its clips.
    """

    store: str
    protocol: str
    fold: int = 0
    train_on: str = "train"
    repeat: int = 1
    even_classes: bool = False


@dataclass(frozen=True)
class ClipConfig:
    """How a clip becomes a window of num_steps steps (see `training.data.LoaderConfig`)."""

    num_steps: int = 64
    people: int = 1
    crop: tuple[float, float] = (0.5, 1.0)
    centre_share: float = 0.95
    sampling: str = "even"
    warp: float = 0.0
    anchor: str = "inside"

    def loader(self, batch_size: int) -> LoaderConfig:
        """For `training.data.BatchLoader`."""
        return LoaderConfig(batch_size=batch_size, **dataclasses.asdict(self))


@dataclass(frozen=True)
class SkeletonAugment:
    """What training does to windows of "skeleton" inputs.

    rotate_deg: largest turn about x, y and z (2D: of the image, the first number). scale: range;
    each_axis: every axis by itself. shear: share of the other axes. noise: deviation, in the
    preprocessing's unit. mirror: probability of left and right exchanged. keypoint_drop,
    frame_drop: largest shares of keypoints and of steps that go missing.
    """

    rotate_deg: tuple[float, ...] = (0.0, 0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    each_axis: bool = False
    shear: float = 0.0
    noise: float = 0.0
    mirror: float = 0.0
    keypoint_drop: float = 0.0
    frame_drop: float = 0.0


@dataclass(frozen=True)
class StoreFit:
    """Optimisation.

    optimiser: "adamw", or "sgd" with Nesterov momentum. schedule: "cosine" down to 0, or "step":
    times `decay` at each of `milestones` (epochs); both after `warmup_epochs` of linear rise.
    batch_size: of all processes together. ema_decay: of the average of the weights that is kept
    (0 = keep the last weights). loss_weights: of L_B, L_H and L_cpl. gradient_clip: largest norm
    (0 = none). precision: Lightning's name. validate_every: epochs. balance: after training, fit
    on the validation part how much body and hand expert count (`training.engine.balancing`); if
    training is to see that part, too, it is done twice, and the first time without it.
    """

    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    momentum: float = 0.9
    schedule: str = "cosine"
    milestones: tuple[int, ...] = ()
    decay: float = 0.1
    warmup_epochs: float = 5.0
    epochs: int = 60
    batch_size: int = 64
    ema_decay: float = 0.995
    label_smoothing: float = 0.1
    loss_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gradient_clip: float = 5.0
    precision: str = "32-true"
    validate_every: int = 5
    balance: bool = False


@dataclass(frozen=True)
class BundleConfig:
    """What a run is exported as.

    name: of the bundle. layout: the one that the robot's pose estimator publishes; its experts'
    inputs must be those of the store's layout. background: the class of nothing going on.
    window_s: seconds the robot's windows span; max_gap_s: longest gap that is bridged.
    description, license: texts for people.
    """

    name: str = ""
    layout: str = "coco_wholebody_133"
    background: str = ""
    window_s: float = 1.6
    max_gap_s: float = 0.25
    description: str = ""
    license: str = ""


@dataclass(frozen=True)
class StoreConfig:
    """Everything that decides what comes out of a training on a store.

    streams: the experts trained: both, or one alone. inputs: "features" are those of the robot
    (`bharnet_ros.features`, 2D layouts); "skeleton" are all joints of the store's layout over
    its own graph, for one body expert, prepared by `preprocessing` (`training.preprocessing`).
    augment belongs to "features", skeleton_augment to "skeleton".
    """

    name: str
    data: StoreData
    seed: int = 0
    streams: tuple[str, ...] = STREAMS
    inputs: str = "features"
    clips: ClipConfig = field(default_factory=ClipConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)
    preprocessing: str = "calibration_free"
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    skeleton_augment: SkeletonAugment = field(default_factory=SkeletonAugment)
    model: ModelConfig = field(default_factory=ModelConfig)
    fit: StoreFit = field(default_factory=StoreFit)
    bundle: BundleConfig = field(default_factory=BundleConfig)

    def digest(self) -> str:
        """SHA-256 of everything but where the store lies."""
        content = dataclasses.asdict(self)
        del content["data"]["store"]
        if self.clips.anchor == ClipConfig().anchor:  # came later; see training.config
            del content["clips"]["anchor"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; ConfigurationError if there is none."""
    try:
        return yaml.safe_load(path.read_text("utf-8"))
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
    _check_numbers(config, where)
    config.clips.loader(fit.batch_size)  # raises for what the loader cannot take
    check_model(config.model, config.clips.num_steps, where)


def _check_numbers(config: StoreConfig, where: str) -> None:
    fit = config.fit
    positive = {
        "fit.learning_rate": fit.learning_rate, "fit.epochs": fit.epochs,
        "fit.batch_size": fit.batch_size, "fit.validate_every": fit.validate_every,
        "data.repeat": config.data.repeat, "bundle.window_s": config.bundle.window_s,
        "bundle.max_gap_s": config.bundle.max_gap_s,
    }  # fmt: skip
    for name, value in positive.items():
        if not value > 0:
            raise ConfigurationError(f"{where}: {name} is {value}; it must be above 0.")
    at_least_zero = {
        "seed": config.seed, "data.fold": config.data.fold,
        "fit.weight_decay": fit.weight_decay, "fit.gradient_clip": fit.gradient_clip,
        "fit.warmup_epochs": fit.warmup_epochs,
    }  # fmt: skip
    for name, value in at_least_zero.items():
        if not value >= 0:
            raise ConfigurationError(f"{where}: {name} is {value}; it must be 0 or more.")
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
