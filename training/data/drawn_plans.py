"""Plans of drawn recordings: who is drawn doing what, seen how, in which part of the data."""

# No postponed annotations here: the builder of `training.config` reads them as they stand.

import dataclasses
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation import BACKGROUND_KINDS
from training.config import Range, build

FORMAT = 1


@dataclass(frozen=True)
class DrawnCamera:
    """A camera people are drawn for: image size and focal length, pixels."""

    height: int
    width: int
    focal_px: float


@dataclass(frozen=True)
class DrawnPart:
    """A part of the data with people and backgrounds of its own.

    actors: first and last seed of the people: shape, clothes and habits follow from it.
    backgrounds: kinds. paired, other, background: clips of each class that an object pair names,
    of each other gesture, and of nobody doing anything.
    """

    actors: tuple[int, int]
    backgrounds: tuple[str, ...]
    paired: int
    other: int
    background: int


@dataclass(frozen=True)
class DrawnPlan:
    """Clips that are windows as the robot cuts them from its camera.

    name: of the data set. vocabulary: shipped one or file. seed: of everything. window_s: how
    long a clip is; it ends at the moment that is judged. min_visible_s, ignore_after_s: the label
    rule of `training.labels`. fps: frame rates, each as likely; stamp_jitter in frame periods.
    yaw_deg: bands of how far people are turned away, to either side. distance_m,
    camera_height_m, speed: ranges; slow people take longer. hand_loss: chance of each hand that
    its fingers are found in no frame of a clip, as it happens behind an object or in bad light;
    the same whatever is held. parts: by name.
    """

    format: int
    name: str
    vocabulary: str
    seed: int
    cameras: tuple[DrawnCamera, ...]
    fps: tuple[float, ...]
    stamp_jitter: float
    window_s: Range
    min_visible_s: float
    ignore_after_s: float
    yaw_deg: tuple[Range, ...]
    distance_m: Range
    camera_height_m: Range
    speed: Range
    hand_loss: float
    parts: dict[str, DrawnPart]

    def to_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return dataclasses.asdict(self)


def available_plans() -> tuple[str, ...]:
    """Names that `load_plan` takes."""
    entries = (resources.files(__package__) / "plans").iterdir()
    return tuple(sorted(e.name[:-5] for e in entries if e.name.endswith(".yaml")))


def load_plan(name_or_path: str | Path) -> DrawnPlan:
    """A shipped plan by its name, or one from a YAML file. Raises ConfigurationError."""
    path = Path(name_or_path)
    if str(name_or_path) in available_plans():
        text = (resources.files(__package__) / "plans" / f"{name_or_path}.yaml").read_text("utf-8")
    else:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                f"The plan {name_or_path} cannot be read ({error}); name a YAML file, or one of "
                f"{', '.join(available_plans())}."
            ) from error
    try:
        content = plain_yaml.load_once(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"The plan {name_or_path} is not valid YAML: {error}") from error
    return plan_from(content, path.name)


def plan_from(content: Any, where: str) -> DrawnPlan:
    """The same from what a YAML file holds, or `DrawnPlan.to_dict` gave and JSON kept."""
    plan: DrawnPlan = build(DrawnPlan, content, where)
    _check(plan, where)
    return plan


def _check(plan: DrawnPlan, where: str) -> None:
    if plan.format != FORMAT:
        raise ConfigurationError(
            f"{where} is of format {plan.format}; this program reads format {FORMAT}."
        )
    if not plan.parts or not plan.cameras or not plan.fps or not plan.yaw_deg:
        raise ConfigurationError(
            f"{where} needs at least one of each: parts, cameras, fps, yaw_deg."
        )
    for camera in plan.cameras:
        if min(camera.height, camera.width) < 64 or not 0.0 < camera.focal_px < 1e5:
            raise ConfigurationError(
                f"{where}: a camera of {camera.width} x {camera.height} pixels and a focal length "
                f"of {camera.focal_px} draws nobody; give 64 pixels or more."
            )
    if not all(1.0 <= rate <= 240.0 for rate in plan.fps):
        raise ConfigurationError(f"{where}: fps is {plan.fps}; give rates from 1 to 240.")
    for name, low, high in (
        ("window_s", 0.1, 60.0), ("distance_m", 0.5, 20.0), ("camera_height_m", 0.1, 5.0),
        ("speed", 0.2, 5.0),
    ):  # fmt: skip
        _check_range(where, name, getattr(plan, name), low, high)
    for band in plan.yaw_deg:
        _check_range(where, "yaw_deg", band, 0.0, 180.0)
    for name, high in (
        ("hand_loss", 1.0), ("stamp_jitter", 0.49), ("min_visible_s", 10.0),
        ("ignore_after_s", 10.0),
    ):  # fmt: skip
        _check_range(where, name, (getattr(plan, name), getattr(plan, name)), 0.0, high)
    for name, part in plan.parts.items():
        _check_part(f"{where}: parts.{name}", name, part)
    _check_apart(where, plan)


def _check_range(where: str, name: str, value: Range, low: float, high: float) -> None:
    if not (np.isfinite(value).all() and low <= value[0] <= value[1] <= high):
        raise ConfigurationError(f"{where}: {name} is {value}; it must lie in {low} to {high}.")


def _check_part(where: str, name: str, part: DrawnPart) -> None:
    if not name or "/" in name or "#" in name:
        raise ConfigurationError(f"{where}: a name without '/' and '#' is needed.")
    first, last = part.actors
    if not 0 <= first <= last:
        raise ConfigurationError(f"{where}: actors is {part.actors}; give first <= last seed.")
    unknown = [kind for kind in part.backgrounds if kind not in BACKGROUND_KINDS]
    if unknown or not part.backgrounds:
        raise ConfigurationError(
            f"{where}: backgrounds {', '.join(unknown) or 'are none'}; choose from "
            f"{', '.join(BACKGROUND_KINDS)}."
        )
    if min(part.paired, part.other, part.background) < 0:
        raise ConfigurationError(f"{where}: a number of clips is negative.")


def _check_apart(where: str, plan: DrawnPlan) -> None:
    """People of two parts would make the test know what training saw."""
    ranges = sorted((part.actors, name) for name, part in plan.parts.items())
    for (before, first), (after, second) in pairwise(ranges):
        if after[0] <= before[1]:
            raise ConfigurationError(
                f"{where}: parts {first} and {second} share actors ({before} and {after}); give "
                "each part people of its own."
            )
