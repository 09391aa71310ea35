"""What may be asked of the built-in camera, told before any process is started for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.film import MAX_FRAMES, num_frames
from bharnet_ros.nodes.simulated_camera import PARAMS


def check_scene(values: Mapping[str, object], options: Mapping[str, str] | None = None) -> None:
    """Raises ConfigurationError, with the range, for a number that the camera refuses.

    values: by parameter of the camera. options: what a user calls those, where it is not
    --parameter.
    """
    for param in PARAMS:
        value = values.get(param.name)
        if param.low is None or param.high is None or not isinstance(value, (int, float)):
            continue
        if not param.low <= value <= param.high:  # so it is for NaN, too
            raise ConfigurationError(
                f"{_name(param.name, options)} is {value}; it must lie between {param.low} and "
                f"{param.high}."
            )


def check_film(values: Mapping[str, Any], options: Mapping[str, str] | None = None) -> None:
    """The same for a scene that is drawn beforehand, which may also be too long to keep.

    values: duration_s and rate_hz among them.
    """
    check_scene(values, options)
    duration_s, rate_hz = float(values["duration_s"]), float(values["rate_hz"])
    count = num_frames(duration_s, rate_hz)
    if count > MAX_FRAMES:
        raise ConfigurationError(
            f"{_name('duration_s', options)} {duration_s:g} and {_name('rate_hz', options)} "
            f"{rate_hz:g} make {count} images, which are drawn beforehand; at most {MAX_FRAMES} "
            "are kept: give less of either."
        )


def _name(param: str, options: Mapping[str, str] | None) -> str:
    return (options or {}).get(param, f"--{param}")
