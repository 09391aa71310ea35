"""The training configuration: one YAML file, read into frozen records, every key checked."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError
from training.config_checks import check_numbers
from training.model_config import ExpertConfig as ExpertConfig
from training.model_config import ModelConfig as ModelConfig
from training.model_config import check_model, expert_preset

Range = tuple[float, float]
CONFIGS = Path(__file__).resolve().parent / "configs"
PROJECTED = "projected"
PROJECTED_ACTORS = 100_000
"""Seed of the first person who is only projected; far from those of anybody filmed."""
OUTSIDERS = ("outsiders", "outsiders_val", "outsiders_test")
"""Films of what no gesture is (see `training.outsiders`): projected to train on, filmed to choose
thresholds and to test. Each has people of its own, from these seeds on."""
OUTSIDER_ACTORS = (200_000, 300_000, 400_000)


@dataclass(frozen=True)
class SplitConfig:
    """Who is filmed, from where and how fast, in one part of the data.

    scenes: how many films. actors: first and last seed of the people in it; shape, clothes and
    habits all follow from that seed. yaw_deg: bands of how far the person is turned away from
    the camera, either side. camera_height_m, distance_m, speed: ranges (bands for speed); 1.0 is
    the speed of the gesture descriptions. idle: nobody makes a gesture, the whole film long.
    """

    scenes: int
    actors: tuple[int, int]
    yaw_deg: tuple[Range, ...]
    camera_height_m: Range
    distance_m: Range
    speed: tuple[Range, ...]
    idle: bool = False


@dataclass(frozen=True)
class DataConfig:
    """How the keypoint sequences are made.

    scene_s: length of a film. gesture_s, idle_s: ranges of the spans in its script. fps: the
    frame rates films are shot at, each as likely. stamp_jitter: largest deviation of a stamp, in
    frame periods. image_size: height and width in pixels. focal_px: as the demo's camera.
    projected_scenes: films of the training split's kind, but of other people, whose keypoints
    are projected and not estimated from drawn pictures (see `training.projecting`).
    outsider_scenes: films of each of `OUTSIDERS`; the first are seen as `train` is, the others
    as `val`.
    """

    scene_s: float
    gesture_s: Range
    idle_s: Range
    fps: tuple[float, ...]
    stamp_jitter: float
    image_size: tuple[int, int]
    focal_px: float
    splits: dict[str, SplitConfig]
    projected_scenes: int = 0
    outsider_scenes: tuple[int, int, int] = (0, 0, 0)

    def all_splits(self) -> dict[str, SplitConfig]:
        """The splits as written, and those that follow from `train` and `val`."""
        extra = {}
        if self.projected_scenes:
            people = (PROJECTED_ACTORS, PROJECTED_ACTORS + self.projected_scenes - 1)
            extra[PROJECTED] = dataclasses.replace(
                self.splits["train"], scenes=self.projected_scenes, actors=people
            )
        for name, first, scenes in zip(
            OUTSIDERS, OUTSIDER_ACTORS, self.outsider_scenes, strict=True
        ):
            if scenes:
                like = self.splits["train" if name == OUTSIDERS[0] else "val"]
                people = (first, first + scenes - 1)
                extra[name] = dataclasses.replace(like, scenes=scenes, actors=people)
        return {**self.splits, **extra}


@dataclass(frozen=True)
class WindowConfig:
    """What one sample is, and what it is called (see `training.labels`).

    window_s seconds are resampled to num_steps; windows end every stride_s. A gap longer than
    max_gap_s is missing, not interpolated. min_visible_s, ignore_after_s: the label rule.
    """

    window_s: float = 1.6
    num_steps: int = 32
    stride_s: float = 0.1
    max_gap_s: float = 0.25
    min_visible_s: float = 0.6
    ignore_after_s: float = 0.5


@dataclass(frozen=True)
class AugmentConfig:
    """What training does to a window; probabilities 0..1, noise in torso or palm lengths.
    hand_drop, hand_span_drop: of each hand, to be missing altogether or for a while;
    both_hands_drop: of both together, for up to nine tenths of the window."""

    mirror: float = 0.5
    rotate_deg: float = 10.0
    scale: Range = (0.9, 1.1)
    shear: float = 0.1
    speed: Range = (0.8, 1.25)
    body_noise: float = 0.01
    hand_noise: float = 0.02
    hand_rotate_deg: float = 10.0
    hand_scale: Range = (0.9, 1.1)
    frame_drop: float = 0.2
    hand_drop: float = 0.1
    hand_span_drop: float = 0.15
    score_drop: float = 0.02
    both_hands_drop: float = 0.0


@dataclass(frozen=True)
class FitConfig:
    """Optimisation: AdamW, linear warm-up, cosine to zero, average of the weights (EMA).

    loss_weights: of L_B, L_H and L_cpl; 0 switches a term off.
    background_share: part of each batch that is background.
    projected_share: part of each batch that was projected and not filmed, if there is any.
    outsider_share: part of each batch that shows outsiders, if there are any, and
    outsider_weight: how much their loss counts beside that of the classes.
    gradient_clip: largest norm of the gradient; 0 = none.
    bfloat16: mixed precision, a third quicker on processors that have it.
    """

    steps: int = 1500
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warmup_steps: int = 100
    ema_decay: float = 0.995
    label_smoothing: float = 0.1
    loss_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    background_share: float = 0.25
    projected_share: float = 0.5
    outsider_share: float = 0.18
    outsider_weight: float = 0.5
    gradient_clip: float = 5.0
    bfloat16: bool = True
    validate_every: int = 250


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a bundle becomes. vocabulary: a shipped one, or a file."""

    name: str
    seed: int
    data: DataConfig
    vocabulary: str = "first_light"
    windows: WindowConfig = field(default_factory=WindowConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    fit: FitConfig = field(default_factory=FitConfig)

    def digest(self) -> str:
        """SHA-256 of everything."""
        content = dataclasses.asdict(self)
        _drop_idle(content["data"]["splits"])
        _drop_later_options(content["model"], ModelConfig())
        _drop_later_options(content["augment"], AugmentConfig())
        for name in ("body", "hand"):
            _drop_later_options(content["model"][name], ExpertConfig())
        return _hash(content)

    def data_digest(self) -> str:
        """SHA-256 of what decides how each film looks; how many there are does not."""
        content = dataclasses.asdict(self)
        for split in content["data"]["splits"].values():
            del split["scenes"]
        _drop_idle(content["data"]["splits"])
        del content["data"]["projected_scenes"], content["data"]["outsider_scenes"]
        about = {"data": content["data"], "seed": self.seed}
        if self.vocabulary != "first_light":  # the first one had no name yet
            about["vocabulary"] = self.vocabulary
        return _hash(about)


def _drop_idle(splits: dict[str, dict[str, Any]]) -> None:
    """The option came later and leaves the hash alone where it is not used."""
    for split in splits.values():
        if not split["idle"]:
            del split["idle"]


_LATER_OPTIONS = ("variant", "fusion", "hands", "streams", "time_offset", "both_hands_drop")


def _drop_later_options(content: dict[str, Any], default: object) -> None:
    """Options that came later leave the hash alone while nobody uses them."""
    for name in _LATER_OPTIONS:
        if name in content and content[name] == getattr(default, name):
            del content[name]


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_config(path: Path) -> TrainingConfig:
    """Read and check a YAML file; `ConfigurationError` names the key that is wrong."""
    config: TrainingConfig = build(TrainingConfig, read_yaml(path), path.name)
    _check(config, path.name)
    return config


def read_yaml(path: Path) -> Any:
    """The content of a configuration's file; ConfigurationError if there is none."""
    if not path.is_file():
        names = ", ".join(sorted(shipped.stem for shipped in CONFIGS.glob("*.yaml")))
        raise ConfigurationError(
            f"Training configuration {path} does not exist; give a YAML file, or the name of one "
            f"in training/configs: {names}."
        )
    try:
        return plain_yaml.load_once(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error


def build(kind: Any, value: Any, where: str) -> Any:
    """`value`, as YAML gave it, turned into `kind`."""
    if kind is ExpertConfig and isinstance(value, str):
        return expert_preset(value)
    if dataclasses.is_dataclass(kind):
        return _build_record(kind, value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and isinstance(value, list):
        if arguments[-1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if len(arguments) == len(value):
            return tuple(
                build(part, item, f"{where}[{i}]")
                for i, (part, item) in enumerate(zip(arguments, value, strict=True))
            )
        raise ConfigurationError(f"{where} has {len(value)} values; it takes {len(arguments)}.")
    if origin is dict and isinstance(value, dict):
        return {key: build(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and type(value) in (int, float):
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    wanted = kind.__name__ if isinstance(kind, type) and not arguments else str(kind)
    raise ConfigurationError(f"{where} is {value!r}; it must be {wanted}.")


def _build_record(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where} must be a mapping, not {value!r}.")
    hints = typing.get_type_hints(kind, vars(types) | globals())
    unknown = sorted(set(value) - set(hints), key=str)  # YAML's keys may be numbers, too
    if unknown:
        raise ConfigurationError(
            f"{where} has no key '{unknown[0]}'; it takes: {', '.join(hints)}."
        )
    required = {
        entry.name
        for entry in dataclasses.fields(kind)
        if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
    }
    missing = sorted(required - set(value))
    if missing:
        raise ConfigurationError(f"{where} lacks the key '{missing[0]}'.")
    return kind(**{key: build(hints[key], item, f"{where}.{key}") for key, item in value.items()})


def _check(config: TrainingConfig, where: str) -> None:
    """Refuse what is well-typed but cannot work."""
    for name in ("train", "val"):
        if name not in config.data.splits:
            raise ConfigurationError(f"{where} has no split data.splits.{name}; fit needs it.")
    check_numbers(config, where)
    check_model(config.model, config.windows.num_steps, where)
    train = config.data.splits["train"]
    for name in {PROJECTED, *OUTSIDERS} & set(config.data.splits):
        raise ConfigurationError(
            f"{where}: data.splits.{name} follows from the splits train and val; set "
            "data.projected_scenes or data.outsider_scenes instead."
        )
    for name, split in config.data.splits.items():
        first, last = split.actors
        shared_actors = first <= train.actors[1] and train.actors[0] <= last
        shared_views = _overlap(split.yaw_deg, train.yaw_deg)
        shared_speeds = _overlap(split.speed, train.speed)
        if name != "train" and shared_actors and shared_views and shared_speeds:
            raise ConfigurationError(
                f"{where}: data.splits.{name} shares actors, views and speeds with train; "
                "hold out at least one of them."
            )


def _overlap(first: tuple[Range, ...], second: tuple[Range, ...]) -> bool:
    """Whether any two bands have more than an end in common."""
    return any(a == b or (a[0] < b[1] and b[0] < a[1]) for a in first for b in second)
