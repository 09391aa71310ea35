"""What the nodes' parameters mean to the core, and files of them. Free of ROS.

Whoever works without nodes (`evaluate`, offline) reads the same YAML files as they do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.rules import RecognizerConfig

_MAX_BYTES = 1 << 20
_PLAIN = (
    "rate_hz", "fusion", "conflict", "top_k", "end_hold_s", "min_duration_s", "lost_after_s",
    "max_doubt",
)  # fmt: skip
_OR_THE_BUNDLES = {
    "smoothing_s": "smoothing_s", "confirm_s": "confirm_s", "start_threshold": "start",
    "end_threshold": "end", "unknown_threshold": "unknown", "urgent_threshold": "urgent_start",
}  # fmt: skip


def recognizer_config(values: Mapping[str, Any]) -> RecognizerConfig:
    """The recogniser's options from parameters of the node action_recognizer.

    Parameters that are not there keep their defaults; below 0 those of the bundle hold where the
    node says so. Raises ConfigurationError.
    """
    given = {name: values[name] for name in _PLAIN if name in values}
    for name, option in _OR_THE_BUNDLES.items():
        if name in values and values[name] >= 0.0:
            given[option] = values[name]
    return RecognizerConfig(**given)


def parse_options(texts: Sequence[str]) -> dict[str, Any]:
    """["num_threads=2"] -> {"num_threads": 2}; values are YAML scalars.

    Raises ConfigurationError for a text without a name or a value that is not YAML.
    """
    options: dict[str, Any] = {}
    for text in texts:
        if not text.strip():
            continue
        name, separator, value = text.partition("=")
        if not separator or not name.strip().isidentifier():
            raise ConfigurationError(
                f"The pose option {text!r} is not of the form name=value, like num_threads=2."
            )
        try:
            options[name.strip()] = plain_yaml.load(value)
        except yaml.YAMLError as error:
            raise ConfigurationError(f"The value of pose option {text!r} is not YAML.") from error
    return options


def read_params_file(path: str | Path, node: str) -> dict[str, Any]:
    """The parameters that a ROS parameter file gives a node, whatever its namespace.

    Raises ConfigurationError for a file that is missing or no parameter file.
    """
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ConfigurationError(
                f"The params_file {path} is larger than a MiB; is it the right one?"
            )
        data = plain_yaml.load(content)
    except OSError as error:
        raise ConfigurationError(
            f"The params_file {path} cannot be read: {error.strerror}."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The params_file {path} is not YAML: {error}") from None
    if data is not None and not isinstance(data, dict):
        raise ConfigurationError(f"The params_file {path} holds no nodes with ros__parameters.")
    found: dict[str, Any] = {}
    _collect(data or {}, node, "", found)
    return found


def _collect(level: Mapping[Any, Any], node: str, path: str, found: dict[str, Any]) -> None:
    """As rcl does: keys are nodes or namespaces, `*` and `**` stand for any, later ones win."""
    for key, value in level.items():
        if not isinstance(value, dict):
            raise ConfigurationError(
                f"The params_file holds {key} outside of ros__parameters; write it as in "
                "config/bharnet_ros.yaml: node, ros__parameters (two underscores), then values."
            )
        if key == "ros__parameters":
            if path.rsplit("/", 1)[-1] in (node, "*", "**"):
                found.update(value)
        else:
            _collect(value, node, f"{path}/{str(key).strip('/')}", found)
