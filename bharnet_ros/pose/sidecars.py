"""Small files beside a network that say what the network alone does not.

`<graph>.<kind>.yaml`, or `<kind>.yaml` in the same folder, is this package's own; `pipeline.json`
is what mmdeploy writes beside every graph that it exports.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.normalization import Normalization

PIPELINE = "pipeline.json"
MAX_BYTES = 1_000_000
MAX_SIDE = 4096
"""Pixels; no pose network takes more, and a slip in a file must not take all memory."""


def read_sidecar(graph: Path, kind: str) -> tuple[Path, dict[str, Any]] | None:
    """The YAML mapping beside a graph and where it is; None if there is none.

    kind: "pose" or "detector". Raises ConfigurationError for a file that holds something else.
    """
    for path in (graph.with_name(f"{graph.stem}.{kind}.yaml"), graph.with_name(f"{kind}.yaml")):
        if not path.is_file():
            continue
        try:
            found = plain_yaml.load(_text(path))
        except yaml.YAMLError as error:
            reason = str(error).splitlines()[0]
            raise ConfigurationError(f"{path} is not YAML ({reason}); correct it.") from None
        if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
            raise ConfigurationError(f"{path} must hold names and values, such as 'color: rgb'.")
        return path, found
    return None


def read_pipeline(graph: Path) -> list[Mapping[str, Any]]:
    """All steps that mmdeploy's pipeline.json beside the graph lists, in order; [] without one.

    A step is a transform ("type": "Normalize") or a task ("component": "SimCCLabelDecode").
    Raises ConfigurationError for a file that is not JSON.
    """
    path = graph.with_name(PIPELINE)
    if not path.is_file():
        return []
    try:
        return list(_steps(json.loads(_text(path))))
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{path} is not JSON; remove it or copy it anew.") from None


@contextmanager
def of_pipeline(graph: Path, own: str) -> Iterator[None]:
    """Inside, what mmdeploy's pipeline.json beside the graph states wrongly is said to be of it.

    own: the file of this package, which may be written in its place.
    """
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(
            f"In {graph.with_name(PIPELINE)}: {error} A file {own} beside it counts first."
        ) from None


def pipeline_normalization(steps: list[Mapping[str, Any]]) -> Normalization | None:
    """What a pipeline's Normalize does; None if it has none. Raises ConfigurationError."""
    for step in steps:
        if step.get("type") == "Normalize":
            color = "rgb" if step.get("to_rgb", True) else "bgr"
            return Normalization(step.get("mean", ()), step.get("std", ()), color)
    return None


def pipeline_size(steps: list[Mapping[str, Any]]) -> tuple[int, int] | None:
    """(width, height) of the network's input that a pipeline states; None if it does not.

    The decoder's, or what a detector's images are padded to: the crop's own (TopDownAffine) is
    wrong in some published archives.
    """
    for step in steps:
        size = step.get("size") if step.get("type") == "Pad" else None
        if step.get("component") == "SimCCLabelDecode" and isinstance(step.get("params"), dict):
            size = step["params"].get("input_size")
        if isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) for n in size):
            width, height = size
            if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE:
                return width, height
    return None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path} is far too long for what it is; remove it.")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read ({error}); correct it.") from None


def _steps(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if "type" in value or "component" in value:
            yield value
        for part in value.values():
            yield from _steps(part)
    elif isinstance(value, list):
        for part in value:
            yield from _steps(part)
