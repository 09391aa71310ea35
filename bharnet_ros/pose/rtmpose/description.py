"""What a pose graph does not say of itself: pixels it wants, how its outputs are read.

Written as `pose.yaml` beside the graph. Everything has the default of OpenMMLab's RTMPose, so
official graphs need no file; what mmdeploy's `pipeline.json` states is used where there is one.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Normalization,
    Triple,
    is_finite,
)
from bharnet_ros.pose.sidecars import (
    MAX_SIDE,
    of_pipeline,
    pipeline_normalization,
    read_pipeline,
    read_sidecar,
)

FILE = "pose.yaml"
SOURCE = "source"
"""A name in the file for where the graph comes from: for people, never read."""


@dataclass(frozen=True)
class PoseDescription:
    """keypoints: how many the graph must give, None = whatever it gives.

    input_size: (width, height) in pixels, for graphs that leave it open, else checked.
    mean, std: of the network's channels for pixels of 0..255, in the order of `color`, "rgb" or
    "bgr". split_ratio: bins of the outputs to a pixel, None = read from their sizes. padding: how
    much wider than a person's box the cut-out is. full_score: the raw score of a keypoint the
    network is certain of; scores are divided by it. It is label_beta / beta of the loss
    KLDiscretLoss: 1 for RTMPose and DWPose, 10 for RTMW; None = told from the graph, see
    `full_score_of`.
    Raises ConfigurationError.
    """

    keypoints: int | None = None
    input_size: tuple[int, int] | None = None
    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    color: str = "rgb"
    split_ratio: float | None = None
    padding: float = 1.25
    full_score: float | None = None

    def __post_init__(self) -> None:
        pixels = self.normalization  # checks them
        object.__setattr__(self, "mean", pixels.mean)
        object.__setattr__(self, "std", pixels.std)
        if self.keypoints is not None and not _whole(self.keypoints):
            raise _wrong("keypoints", self.keypoints, "a whole number of at least 1")
        if self.input_size is not None:
            object.__setattr__(self, "input_size", _size(self.input_size))
        for name in ("split_ratio", "full_score"):
            if getattr(self, name) is not None:
                _positive(name, getattr(self, name))
        _positive("padding", self.padding)

    @property
    def normalization(self) -> Normalization:
        """Of the pixels."""
        return Normalization(self.mean, self.std, self.color)


def read_description(graph: str | Path) -> PoseDescription:
    """From pose.yaml beside the graph, else mmdeploy's pipeline.json, else the defaults.

    Raises ConfigurationError for a file that states something impossible or unknown.
    """
    found = read_sidecar(Path(graph), "pose")
    if found is None:
        return _from_pipeline(Path(graph))
    path, data = found
    known = [field.name for field in fields(PoseDescription)]
    unknown = [key for key in data if key not in (*known, SOURCE)]
    if unknown:
        raise ConfigurationError(
            f"{path} has the unknown name '{unknown[0]}'; it may have {', '.join(known)}."
        )
    try:
        return PoseDescription(**{key: data[key] for key in data if key != SOURCE})
    except ConfigurationError as error:
        raise ConfigurationError(f"In {path}: {error}") from None


def write_description(
    folder: str | Path,
    description: PoseDescription,
    source: Mapping[str, Any] | None = None,
) -> Path:
    """Write `pose.yaml` into the folder of a graph; returns its path.

    source: where the graph comes from, plain values; kept for people.
    """
    path = Path(folder) / FILE
    data: dict[str, Any] = {}
    for field in fields(description):
        value = getattr(description, field.name)
        if value is not None:
            data[field.name] = list(value) if isinstance(value, tuple) else value
    if source:
        data[SOURCE] = dict(source)
    path.write_text(yaml.safe_dump(data, sort_keys=False, default_flow_style=None), "utf-8")
    return path


def full_score_of(graph: str | Path, description: PoseDescription) -> float:
    """The raw score of a keypoint that the network is certain of.

    Where nothing states it: RTMW is the one family with a pixel shuffle in its head (DepthToSpace
    in ONNX), and is trained towards 10 times the scores that the others are trained towards.
    """
    if description.full_score is not None:
        return float(description.full_score)
    with open(graph, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return 10.0 if content.find(b"DepthToSpace") >= 0 else 1.0


def _from_pipeline(graph: Path) -> PoseDescription:
    steps = read_pipeline(graph)
    given: dict[str, Any] = {}
    for step in steps:
        if step.get("component") == "SimCCLabelDecode" and isinstance(step.get("params"), Mapping):
            given["split_ratio"] = step["params"].get("simcc_split_ratio")
        if step.get("type") == "TopDownGetBboxCenterScale":
            given["padding"] = step.get("padding", 1.25)
    with of_pipeline(graph, FILE):
        pixels = pipeline_normalization(steps)
        if pixels is not None:
            given.update(mean=pixels.mean, std=pixels.std, color=pixels.color)
        return PoseDescription(**given)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _size(value: Any) -> tuple[int, int]:
    pair = isinstance(value, list | tuple) and len(value) == 2 and all(map(_whole, value))
    if pair and max(value) <= MAX_SIDE:
        return int(value[0]), int(value[1])
    raise _wrong("input_size", value, f"[width, height] in pixels, up to {MAX_SIDE}")


def _positive(name: str, value: Any) -> None:
    if not is_finite(value) or value <= 0.0:
        raise _wrong(name, value, "a number above 0")


def _wrong(name: str, value: Any, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{name} is {value!r}; it must be {wanted}.")
