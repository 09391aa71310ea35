"""A drawn depth camera: exact depth of drawn people in a room, and what a real sensor makes of it.

The errors are those of structured-light and stereo cameras: noise along the axis that grows with
the square of the distance and edges that tremble by a pixel (both as Nguyen, Izadi and Lovell,
Modeling Kinect Sensor Noise for Improved 3D Reconstruction and Tracking, 2012, measured them),
mixed pixels where edges are, the shadow beside everything near that the second lens does not see
into, small holes anywhere, and whole millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.depth_patches import axial_noise_m
from bharnet_ros.simulation.body import body_cones, head_cones
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.hand import hand_cones
from bharnet_ros.simulation.person import PersonLayer
from bharnet_ros.simulation.props import place_prop
from bharnet_ros.simulation.scene import Scene
from bharnet_ros.types import FloatArray

Millimetres = npt.NDArray[np.uint16]
_HANDS = ((91, False), (112, True))  # first keypoint, right hand
_NEAR_M = 0.1


def farthest_m(scene: Scene, moments: int = 16) -> float:
    """How far along x the hips of anybody ever are, looked at so many moments."""
    found = 1.0
    for t_s in np.linspace(0.0, scene.duration_s, moments).tolist():
        for actor in scene.present(t_s):
            found = max(found, float(scene.pose(actor, t_s)[[11, 12], 0].max()))
    return found


def exact_depth(
    scene: Scene, t_s: float, wall_x_m: float, camera: Camera | None = None
) -> FloatArray:
    """(height, width) metres along the axis of everybody there and of what they hold, before a
    wall and on a floor.

    wall_x_m: where the wall is, along x. camera: other than that of the scene, as one of another
    resolution.
    """
    camera = camera or scene.camera
    centre = ((camera.width - 1) / 2, (camera.height - 1) / 2)
    depth = _room(camera, wall_x_m)
    for actor in scene.present(t_s):
        local, look = camera.to_camera(scene.pose(actor, t_s)), actor.appearance
        held = [place_prop(prop, local, hands) for prop, hands in actor.held(t_s)]
        layer = PersonLayer(camera, local, None, look, held)
        canvas = layer.canvas
        if canvas.depth.size == 0 or float(local[:, 2].min()) < _NEAR_M:
            continue  # as the picture has it
        cones = body_cones(local, look) + head_cones(local, look)
        for first, right in _HANDS:
            cones += hand_cones(local[first : first + 21], right, look.hand_girth)
        canvas.draw(cones, camera.focal_px, centre)
        layer.draw_held(canvas, held)
        (x, y), (width, height) = canvas.origin, canvas.size
        part = depth[y : y + height, x : x + width]
        np.minimum(part, canvas.depth, out=part)
    return depth


@lru_cache(maxsize=1)
def _rays(camera: Camera) -> npt.NDArray[np.float64]:
    """(height, width, 3) metres in the world per metre along the axis."""
    y, x = np.mgrid[: camera.height, : camera.width].astype(np.float64)
    across = (x - (camera.width - 1) / 2) / camera.focal_px
    down = (y - (camera.height - 1) / 2) / camera.focal_px
    return np.asarray(np.stack([across, down, np.ones_like(x)], axis=-1) @ camera.rotation)


def _room(camera: Camera, wall_x_m: float) -> FloatArray:
    """(height, width) metres to a wall across the view and a floor at z = 0."""
    world = _rays(camera)
    wall = (wall_x_m - camera.position[0]) / np.maximum(world[..., 0], 1e-6)
    falling = np.minimum(world[..., 2], -1e-6)
    return np.minimum(wall, camera.position[2] / -falling).astype(np.float32)


@dataclass(frozen=True)
class DepthSensor:
    """How a sensor errs.

    noise: factor on the axial noise. lateral_px: tremble of edges, standard deviation.
    baseline_m: between the two lenses. holes: small holes per pixel. range_m: what it can measure.
    """

    noise: float = 1.0
    lateral_px: float = 0.8
    baseline_m: float = 0.055
    holes: float = 2e-4
    range_m: tuple[float, float] = (0.3, 8.0)

    def measure(self, depth: FloatArray, focal_px: float, rng: np.random.Generator) -> Millimetres:
        """(height, width) millimetres of an exact depth in metres; 0 = unknown."""
        height, width = depth.shape
        shadow = _shadow(depth, focal_px * self.baseline_m)
        y, x = np.mgrid[:height, :width].astype(np.float32)
        moved_x, moved_y = (
            axis + np.float32(self.lateral_px) * _smooth_noise((height, width), rng)
            for axis in (x, y)
        )
        # Bilinear: at an edge the two depths mix, as in a pixel that sees both.
        mode = cv2.BORDER_REPLICATE
        moved = cv2.remap(depth, moved_x, moved_y, cv2.INTER_LINEAR, borderMode=mode)
        seen: FloatArray = np.asarray(moved, np.float32)
        noise = axial_noise_m(seen) * rng.standard_normal(seen.shape, np.float32)
        measured = seen + self.noise * noise
        near, far = self.range_m
        unknown = shadow | (measured < near) | (measured > far)
        for row, column in np.argwhere(rng.random(seen.shape, np.float32) < self.holes).tolist():
            r = int(rng.integers(1, 4))
            unknown[max(row - r, 0) : row + r + 1, max(column - r, 0) : column + r + 1] = True
        return np.where(unknown, 0, np.rint(1000.0 * measured)).astype(np.uint16)


def _smooth_noise(shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Unit noise that neighbours of about two pixels share, as matching windows do."""
    noise = np.asarray(cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), 1.0))
    return (noise / max(float(noise.std()), 1e-6)).astype(np.float32)


def _shadow(depth: FloatArray, focal_times_baseline: float) -> npt.NDArray[np.bool_]:
    """What a second lens to the right of the first cannot see past something nearer."""
    across = np.arange(depth.shape[1]) - focal_times_baseline / depth
    # Left to right the places in the second image must rise; where a later one is further left,
    # something nearer lies before this one.
    later = np.minimum.accumulate(across[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(across > later + 1.0)
