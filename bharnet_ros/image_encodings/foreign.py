"""Encodings that this package does not know, left to cv_bridge where a ROS installation has it."""

from __future__ import annotations

import functools
import logging
from typing import Any

import numpy as np

from bharnet_ros.types import Image

_LOG = logging.getLogger(__name__)


@functools.cache
def _bridge() -> Any:
    """cv_bridge's converter; None where there is none, or none that works with this NumPy."""
    try:
        from cv_bridge import CvBridge

        return CvBridge()
    except ImportError:
        return None
    except Exception as error:  # compiled for another NumPy, it fails in ways of its own
        _LOG.warning("cv_bridge is installed but does not load and is not used: %s", error)
        return None


def foreign_to_bgr(message: Any) -> Image | None:
    """The (height, width, 3) uint8 picture as cv_bridge reads it; None if it does not either."""
    bridge = _bridge()
    if bridge is None or len(message.data) != message.step * message.height:
        return None
    try:
        picture = np.asarray(bridge.imgmsg_to_cv2(message, desired_encoding="bgr8"))
    except Exception:  # whatever it raises for what it does not know
        return None
    if picture.shape != (message.height, message.width, 3) or picture.dtype != np.uint8:
        return None
    return np.ascontiguousarray(picture)
