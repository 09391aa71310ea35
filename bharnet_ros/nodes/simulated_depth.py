"""The depth camera beside the built-in one: drawn only while somebody listens."""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros.nodes.conversions import header
from bharnet_ros.nodes.qos import IMAGE_PUBLISHER, overridable
from bharnet_ros.simulation import Camera, Scene
from bharnet_ros.simulation.depth import DepthSensor, exact_depth, farthest_m

_SCALE = 2
"""Depth images are so much smaller than the images, as those of most real cameras."""
_WALL_BEHIND_M = 1.0


class SimulatedDepth:
    """Publishes depth/image_raw (16UC1) and depth/camera_info, registered to image_raw."""

    def __init__(self, node: Any) -> None:
        qos = {"qos_overriding_options": overridable()}
        self._images = node.create_publisher(
            ImageMessage, "depth/image_raw", IMAGE_PUBLISHER, **qos
        )
        self._infos = node.create_publisher(
            CameraInfo, "depth/camera_info", IMAGE_PUBLISHER, **qos
        )
        self._scene: Scene | None = None
        self._wall_x_m = 0.0

    def publish(self, scene: Scene, t_s: float, stamp_ns: int, frame_id: str) -> None:
        """What the depth camera sees of a scene at t_s, if anybody listens."""
        if self._images.get_subscription_count() == 0:
            return
        if scene is not self._scene:
            self._scene, self._wall_x_m = scene, farthest_m(scene) + _WALL_BEHIND_M
        camera = scene.camera
        small = replace(
            camera, width=camera.width // _SCALE, height=camera.height // _SCALE,
            focal_px=camera.focal_px / _SCALE,
        )  # fmt: skip
        exact = exact_depth(scene, t_s, self._wall_x_m, small)
        rng = np.random.default_rng([abs(round(t_s * 1e6)), 17])
        depth = DepthSensor().measure(exact, small.focal_px, rng)
        message = ImageMessage(header=header(stamp_ns, frame_id), encoding="16UC1")
        message.height, message.width = depth.shape
        message.step = 2 * depth.shape[1]
        # array is the one type rclpy takes without looking at each of the bytes.
        data = array("B")
        data.frombytes(depth.astype("<u2").tobytes())
        message.data = data
        self._infos.publish(_info(small, stamp_ns, frame_id))
        self._images.publish(message)


def _info(camera: Camera, stamp_ns: int, frame_id: str) -> CameraInfo:
    message = CameraInfo(header=header(stamp_ns, frame_id))
    message.height, message.width = camera.height, camera.width
    message.distortion_model, message.d = "plumb_bob", [0.0] * 5
    focal, cx, cy = camera.focal_px, (camera.width - 1) / 2, (camera.height - 1) / 2
    message.k = [focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message
