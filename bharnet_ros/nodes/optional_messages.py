"""Messages of packages that not every robot has."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from types import SimpleNamespace

from bharnet_ros.errors import BackendUnavailable


def message_classes(package: str, names: Sequence[str]) -> SimpleNamespace:
    """The named classes of `<package>.msg`.

    Raises BackendUnavailable with what to install if the package or one of them is not there.
    """
    debian = package.replace("_", "-")
    remedy = f"install ros-$ROS_DISTRO-{debian}, or build {package} in your workspace"
    try:
        module = importlib.import_module(f"{package}.msg")
    except ImportError as error:
        raise BackendUnavailable(
            f"This node needs the messages of {package}, which are not installed ({error}); "
            f"{remedy}."
        ) from error
    lacking = [name for name in names if not hasattr(module, name)]
    if lacking:
        raise BackendUnavailable(
            f"The installed {package} has no message {', '.join(lacking)}: it is another version; "
            f"{remedy} in a version for ROS 2 Humble or newer."
        )
    return SimpleNamespace(**{name: getattr(module, name) for name in names})
