"""The configuration of stage two, the RGB branch: one YAML file, every key checked."""

# No postponed annotations here: the builder of `training.config` reads them as they stand.

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from training.config import build, read_yaml
from training.engine.config import StoreFit
from training.engine.config_file import check_fit
from training.number_checks import above_zero, below_one, shares, zero_or_more


@dataclass(frozen=True)
class RgbModel:
    """The branch.

    encoder: name of a timm network. weights: a .safetensors file to start from, "" = random.
    reduction: pixels of a cell, at most. frozen: the encoder's layers up to its feature map of
    this reduction (2, 4, 8 ...) keep their weights; 0 = all are trained. keep_statistics: batch
    norms of the encoder use the statistics they come with. encoder_rate: of the learning rate,
    what the encoder learns at. width: of what is kept of a cell. dropout: before and after that.
    """

    encoder: str = "mobilenetv3_small_050"
    weights: str = ""
    reduction: int = 16
    frozen: int = 0
    keep_statistics: bool = False
    encoder_rate: float = 1.0
    width: int = 64
    dropout: float = 0.2


@dataclass(frozen=True)
class RgbAugment:
    """What training does to tiles. Amounts are largest deviations, the rest probabilities 0..1.

    Of each window: brightness, contrast, saturation, hue (turns, 0.5 = any colour); grey;
    noise: deviation of pixels (0..1); blur, mirror: probabilities. Of each tile: shift (of its
    side), scale, rotate_deg, erase: probability of a blank rectangle.
    tile_drop, moment_drop, region_drop: probability that a tile, all tiles of a moment or all of a
    region were not seen. (A person of whom no tile was seen keeps the skeleton's probabilities
    exactly, so there is nothing to learn about that.)
    moments: so many of the window's moments are shown, the last one and others at random, which is
    as much cheaper; 0 = all.
    level: probability that the skeleton's opinion within a group is taken away, so that the branch
    does not lean on what the skeleton knows of clips it was trained on.
    """

    brightness: float = 0.2
    contrast: float = 0.3
    saturation: float = 0.4
    hue: float = 0.08
    grey: float = 0.05
    noise: float = 0.04
    blur: float = 0.3
    mirror: float = 0.5
    shift: float = 0.1
    scale: float = 0.15
    rotate_deg: float = 15.0
    erase: float = 0.15
    tile_drop: float = 0.1
    moment_drop: float = 0.1
    region_drop: float = 0.1
    level: float = 0.5
    moments: int = 0


@dataclass(frozen=True)
class RgbConfig:
    """Everything that decides what comes out of stage two, beside the skeleton run and the data.

    groups: of two or more class names that pixels may tell apart, no class in two; empty = those
    that the skeleton takes for each other in more than `confused_share` of the validation clips of
    either. min_mass: the robot looks at people for whom a group has this probability or more.
    fit: as for stage one, but for `loss_weights`, which are of the fused shares within a group, of
    the branch's alone, and of the branch naming one of all classes, and `balance`, which is always
    done.
    description, license: of the bundle; the skeleton run's where they are empty. vocabulary: the
    shipped descriptions of the gestures that go into the bundle, so that they can be shown and
    drawn.
    """

    name: str
    seed: int = 0
    groups: tuple[tuple[str, ...], ...] = ()
    confused_share: float = 0.3
    min_mass: float = 0.05
    model: RgbModel = field(default_factory=RgbModel)
    augment: RgbAugment = field(default_factory=RgbAugment)
    fit: StoreFit = field(default_factory=StoreFit)
    description: str = ""
    license: str = ""
    vocabulary: str = ""

    def digest(self) -> str:
        """SHA-256 of everything."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def asdict(config: RgbConfig) -> dict[str, Any]:
    """For JSON."""
    return dataclasses.asdict(config)


def load_rgb_config(path: Path) -> RgbConfig:
    """Read and check a YAML file; ConfigurationError names the key that is wrong."""
    return rgb_config(read_yaml(path), path.name)


def rgb_config(content: Any, where: str) -> RgbConfig:
    """The same from what a YAML file holds, or `asdict` gave and JSON kept."""
    config: RgbConfig = build(RgbConfig, content, where)
    fit, augment, model = config.fit, config.augment, config.model
    of_tiles = {
        f"augment.{entry.name}": getattr(augment, entry.name)
        for entry in dataclasses.fields(augment)
        if entry.name not in ("rotate_deg", "moments")
    }
    shares(where, {
        **of_tiles, "confused_share": config.confused_share, "min_mass": config.min_mass,
    })  # fmt: skip
    check_fit(fit, where)
    below_one(where, {"model.dropout": model.dropout})
    above_zero(where, {
        "model.width": model.width, "model.encoder_rate": model.encoder_rate,
        "model.reduction": model.reduction,
    })  # fmt: skip
    zero_or_more(where, {
        "seed": config.seed, "model.frozen": model.frozen, "augment.moments": augment.moments,
        "augment.rotate_deg": augment.rotate_deg,
    })  # fmt: skip
    if not (min(fit.loss_weights) >= 0.0 and 0.0 < fit.loss_weights[0] < math.inf):
        raise ConfigurationError(
            f"{where}: fit.loss_weights is {list(fit.loss_weights)}; none may be below 0, and the "
            "first must be above: without it nothing learns how far to trust pixels."
        )
    named = [name for group in config.groups for name in group]
    if any(len(group) < 2 for group in config.groups) or len(set(named)) < len(named):
        raise ConfigurationError(
            f"{where}: groups is {[list(group) for group in config.groups]}; each needs two or "
            "more classes, and no class may be in two."
        )
    return config
