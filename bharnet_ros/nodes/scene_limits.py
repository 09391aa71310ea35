"""What may be asked of the built-in camera, told before any process is started for it."""

from __future__ import annotations

from collections.abc import Mapping

from bharnet_ros.errors import ConfigurationError
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
            option = (options or {}).get(param.name, f"--{param.name}")
            raise ConfigurationError(
                f"{option} is {value}; it must lie between {param.low} and {param.high}."
            )
