"""Where the installed files are, and what the middleware needs before it starts."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bharnet_ros.errors import BackendUnavailable, ConfigurationError
from bharnet_ros.nodes.shared_memory import clean_shared_memory

PACKAGE = "bharnet_ros"
PROFILES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
"""Where Fast DDS 3 (Kilted) and Fast DDS 2 (Jazzy) look for the path of a profile."""
_LAST_WITH_2 = 7
"""Version of rclpy."""


def share_file(relative: str) -> Path:
    """Path of a file installed to share/bharnet_ros (launch/ and config/), else the source's.

    Raises ConfigurationError if it is in neither place.
    """
    candidates = [
        Path(prefix) / "share" / PACKAGE
        for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        if prefix
    ]
    candidates.append(Path(__file__).resolve().parents[2])
    for folder in candidates:
        path = folder / relative
        if path.is_file():
            return path
    raise ConfigurationError(
        f"{relative} was found in none of {', '.join(map(str, candidates))}; "
        "build the package and source install/setup.bash."
    )


def prepare_middleware() -> None:
    """Give Fast DDS room for images (config/fastdds.xml), unless the user has chosen already, and
    give back what killed processes left of it.

    Must run before rclpy.init(). Other middlewares ignore the variable.
    """
    if not any(os.environ.get(name) for name in (*PROFILES, "FASTDDS_BUILTIN_TRANSPORTS")):
        os.environ[profile_variable()] = str(share_file("config/fastdds.xml"))
    clean_shared_memory()


def profile_variable() -> str:
    """The one of `PROFILES` that the Fast DDS at hand reads; 3 warns of the other one."""
    try:
        version = metadata.version("rclpy")
    except metadata.PackageNotFoundError:
        return PROFILES[0]
    return PROFILES[int(version.partition(".")[0]) <= _LAST_WITH_2]


def init_ros(args: Sequence[str] | None, **options: Any) -> None:
    """rclpy.init. Raises ConfigurationError for arguments or a parameter file ROS cannot read."""
    import rclpy

    try:
        rclpy.init(args=args, **options)
    except RuntimeError as error:  # rclpy's RCLError and UnknownROSArgsError
        raise ConfigurationError(f"ROS 2 cannot be started: {without_source(error)}.") from None


def without_source(error: Exception) -> str:
    """The first line of what ROS says, without the places in its source code."""
    return re.sub(r", at /\S+:\d+", "", str(error).split("\n", 1)[0]).rstrip(": ")


def require_ros() -> None:
    """Raises BackendUnavailable with what to run if ROS 2 or the built messages are missing."""
    try:
        import rclpy  # noqa: F401

        import bharnet_ros.msg  # noqa: F401
    except ImportError as error:
        raise BackendUnavailable(
            f"ROS 2 or the built messages are not on the path ({error}); run `make build`, then "
            "`source .venv/bin/activate` (or your ROS 2) and `source install/setup.bash`."
        ) from error
