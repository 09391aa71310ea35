"""Keypoints of an image into space, by the depth image that belongs to it. No ROS.

For each keypoint: the surfaces in a small patch around it (`depth_patches`), of which those count
that the body can reach (`lifting_body`): from the trunk outwards every keypoint must lie within
the length of the bones to the nearest one that is known. Of several that can be, the nearest is
taken, because a finger hides the wall and not the other way round; of shoulders and hips the one
nearest to the trunk, because an arm often lies before them. What no surface can explain is
unknown (NaN), never guessed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.camera_model import CameraModel, same_aspect
from bharnet_ros.depth_patches import Surfaces, axial_noise_m, sample, surfaces
from bharnet_ros.errors import ConfigurationError, InvalidImageError, LayoutError
from bharnet_ros.lifting_body import (
    LAYOUT,
    REFERENCE_HEIGHT_M,
    TREE,
    TRUNK,
    TRUNK_INSET_M,
    TRUNK_PER_HEIGHT,
)
from bharnet_ros.skeleton import layout_of
from bharnet_ros.types import FloatArray, Skeleton, Skeleton3D, Skeleton3DFrame, SkeletonFrame

Array = npt.NDArray[np.float64]

_TALL_M, _SMALL_M = 2.05, 1.2
"""Heights between which people are taken to be."""
_MARGIN, _BODY_SLACK_M, _FINE_SLACK_M = 1.15, 0.05, 0.015
"""How much longer than its bone a distance may come out: keypoints are not exact."""
_BODY_GAP_M, _FINE_GAP_M, _TRUNK_GAP_M = 0.06, 0.02, 0.12
_MIN_SHARE, _MIN_KNOWN = 0.15, 0.1
_WIDER = 2.5
"""A patch without depth is looked at again so much wider, for small holes."""
_MAX_RADIUS_PX = 16.0
_LOOSE_M = 0.45
"""How much nearer or farther than the rest somebody's points may be whose trunk is not seen."""


@dataclass(frozen=True)
class LiftingOptions:
    """min_score: 2D keypoints below it are unknown. depth_range_m: what the camera can measure;
    everything else is a hole. inside: joints lie inside the body, as motion capture and Kinect
    have them; False = on the surface that the camera sees. Raises ConfigurationError."""

    min_score: float = 0.3
    depth_range_m: tuple[float, float] = (0.15, 10.0)
    inside: bool = True

    def __post_init__(self) -> None:
        near, far = self.depth_range_m
        if not (math.isfinite(near) and math.isfinite(far) and 0.0 <= near < far):
            raise ConfigurationError(
                f"The depth range is {near:g} to {far:g} m; give the nearest and, larger, the "
                "farthest distance the camera can measure."
            )
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigurationError(f"min_score is {self.min_score}; give 0 to 1.")


def lift(
    frame: SkeletonFrame,
    depth: FloatArray,
    camera: CameraModel,
    options: LiftingOptions | None = None,
) -> Skeleton3DFrame:
    """Everybody of a frame in space.

    depth: (height, width) metres along the optical axis, NaN = unknown, registered to the image of
    the skeletons (each pixel shows the same thing), in its size or another resolution. camera: of
    that image; of another resolution it is scaled. Raises LayoutError for a layout other than
    coco_wholebody_133, InvalidSkeletonError for people who have not all of its keypoints,
    InvalidImageError for a depth image of another aspect ratio, and ConfigurationError for a camera
    of another one or a frame without its image's size.
    """
    options = options or LiftingOptions()
    if frame.layout != LAYOUT:
        raise LayoutError(
            f"Keypoints of the layout {frame.layout!r} cannot be put into space; use {LAYOUT}."
        )
    layout_of(frame)
    if depth.ndim != 2:
        raise InvalidImageError(
            f"The depth image has the shape {depth.shape}; (height, width) is expected."
        )
    camera = camera.scaled_to(frame.image_size)
    to_depth = _scale(frame.image_size, (depth.shape[0], depth.shape[1]))
    person = _Lifting(depth, camera, to_depth, options)
    people = tuple(person.lift(skeleton) for skeleton in frame.skeletons)
    return Skeleton3DFrame(frame.stamp_ns, frame.layout, people)


def _scale(image: tuple[int, int], depth: tuple[int, int]) -> tuple[float, float]:
    """Pixels of the depth image per pixel of the image, across and down."""
    if not same_aspect(image, depth):
        raise InvalidImageError(
            f"The depth image has {depth[1]} x {depth[0]} pixels and the image "
            f"{image[1]} x {image[0]}, another aspect ratio: it is not registered to it. Use the "
            "depth aligned to the colour image (align_depth, depth_image_proc/register)."
        )
    return depth[1] / image[1], depth[0] / image[0]


@dataclass
class _Trunk:
    """The middle of the trunk: (3,) metres; where all else hangs on. loose: only its depth is
    known, and roughly; what hangs on it directly is not bounded by bones."""

    position: Array
    loose: bool


class _Lifting:
    """Lifts the people of one frame."""

    def __init__(
        self,
        depth: FloatArray,
        camera: CameraModel,
        to_depth: tuple[float, float],
        options: LiftingOptions,
    ) -> None:
        self._depth = depth
        self._camera = camera
        self._to_depth = np.array(to_depth)
        self._focal_px = math.sqrt(camera.fx * to_depth[0] * camera.fy * to_depth[1])
        self._options = options
        self._inset = TREE.inset_m if options.inside else np.zeros_like(TREE.inset_m)

    def lift(self, skeleton: Skeleton) -> Skeleton3D:
        count = len(TREE.parent)
        points = np.asarray(skeleton.keypoints, np.float64).reshape(-1, 2)
        scores = np.asarray(skeleton.scores, np.float64)
        seen = (scores >= max(self._options.min_score, 1e-6)) & np.isfinite(points).all(axis=1)
        placed = np.full((count, 3), np.nan)
        trunk = self._trunk(points, seen)
        position = np.full(3, np.nan)
        if trunk is not None:
            rays = self._camera.rays(np.where(seen[:, None], points, np.nan))
            found = self._surfaces(points, seen, float(trunk.position[2]))
            self._place(placed, rays, found, trunk)
            position = _middle(placed, trunk)
        known = np.isfinite(placed).all(axis=1)
        return Skeleton3D(
            skeleton.track_id,
            position.astype(np.float32),
            placed.astype(np.float32),
            np.where(known, skeleton.scores, 0.0).astype(np.float32),
        )

    def _to_depth_px(self, points: Array) -> Array:
        """Pixels of the image -> of the depth image; pixel centres are at whole numbers."""
        moved: Array = (points + 0.5) * self._to_depth - 0.5
        return moved

    def _in_range(self, values: Array) -> Array:
        near, far = self._options.depth_range_m
        with np.errstate(invalid="ignore"):
            return np.where((values >= near) & (values <= far), values, np.nan)

    def _trunk(self, points: Array, seen: npt.NDArray[np.bool_]) -> _Trunk | None:
        """Where the trunk is: the largest surface between shoulders and hips, or failing those
        (not seen, or a shirt that swallows the sensor's light) of whatever is seen; None if
        nothing has a depth."""
        corners = [index for index in TRUNK if seen[index]]
        if len(corners) >= 2:
            z = self._largest(_MIXTURES[len(corners)] @ points[corners])
            if z is not None:
                inset = TRUNK_INSET_M if self._options.inside else 0.0
                return self._hung_at(points[corners], z + inset, loose=False)
        z = self._largest(points[seen])
        return None if z is None else self._hung_at(points[seen], z, loose=True)

    def _largest(self, points: Array) -> float | None:
        """Depth of the surface that most of these (N, 2) pixels of the image lie on."""
        values = np.sort(self._in_range(sample(self._depth, self._to_depth_px(points))))
        values = values[~np.isnan(values)]
        if len(values) == 0:
            return None
        gaps = np.diff(values) > _TRUNK_GAP_M + 3.0 * axial_noise_m(values[:-1])
        pieces = np.split(values, np.flatnonzero(gaps) + 1)
        largest = max(len(piece) for piece in pieces)
        # Of two that are about as large the nearer one: it hides, the other is hidden.
        return float(np.median(next(p for p in pieces if len(p) >= 0.7 * largest)))

    def _hung_at(self, points: Array, z: float, loose: bool) -> _Trunk | None:
        ray = self._camera.rays(points.mean(axis=0)[None])[0]
        if not np.isfinite(ray).all():
            return None
        return _Trunk(np.array([ray[0] * z, ray[1] * z, z]), loose)

    def _surfaces(self, points: Array, seen: npt.NDArray[np.bool_], z: float) -> Surfaces:
        centres = self._to_depth_px(np.where(seen[:, None], points, np.nan))
        radius = np.clip(TREE.patch_m * self._focal_px / z, 1.0, _MAX_RADIUS_PX)
        gap = np.where(TREE.is_fine, _FINE_GAP_M, _BODY_GAP_M) + 3.0 * float(axial_noise_m(z))
        depth = self._depth
        found = surfaces(depth, centres, radius, gap)
        again = np.flatnonzero(seen & (found.known < _MIN_KNOWN))
        if len(again):
            wide = surfaces(depth, centres[again], _WIDER * radius[again], gap[again])
            found = _replaced(found, again, wide)
        return Surfaces(self._in_range(found.depth_m), found.share, found.known)

    def _place(self, placed: Array, rays: Array, found: Surfaces, trunk: _Trunk) -> None:
        """Fill `placed` (K, 3), from the trunk outwards."""
        # By keypoint: the nearest known one on the way to the trunk, and the bones in between.
        anchor = np.tile(trunk.position, (len(placed), 1))
        between = np.zeros(len(placed))
        height: float | None = None
        for level in TREE.levels:
            above = TREE.parent[level]
            has_parent = above >= 0
            near = np.where(has_parent[:, None], anchor[above], trunk.position)
            bones = np.where(has_parent, between[above], 0.0) + TREE.reach[level]
            slack = np.where(TREE.is_fine[level], _FINE_SLACK_M, _BODY_SLACK_M)
            noise = axial_noise_m(near[:, 2])
            limit = _MARGIN * (height or _TALL_M) * bones + slack + noise
            inset = self._inset[level] * ((height or REFERENCE_HEIGHT_M) / REFERENCE_HEIGHT_M)
            z = found.depth_m[level] + inset[:, None]
            spots = np.concatenate([rays[level][:, None, :] * z[..., None], z[..., None]], axis=2)
            far = np.linalg.norm(spots - near[:, None, :], axis=2)
            if trunk.loose:
                free = (near == trunk.position).all(axis=1)
                limit = np.where(free, _LOOSE_M, limit)
                far = np.where(free[:, None], np.abs(z - trunk.position[2]), far)
            enough = (found.share[level] >= _MIN_SHARE) & (found.known[level] > 0.0)[:, None]
            with np.errstate(invalid="ignore"):
                fits = enough & (far <= limit[:, None])
            rank = np.where(TREE.is_core[level][:, None], np.abs(z - trunk.position[2]), z)
            rank = np.where(fits, rank, np.inf)
            best = np.argmin(rank, axis=1)
            rows = np.arange(len(level))
            known = fits[rows, best]
            placed[level[known]] = spots[rows, best][known]
            anchor[level] = np.where(known[:, None], placed[level], near)
            between[level] = np.where(known, 0.0, bones)
            if level is TREE.levels[0]:
                height = _height(placed)


def _mixtures(corners: int) -> Array:
    """(S, corners) shares whose mixtures of the corners fill what lies between them."""
    steps = np.linspace(0.1, 0.9, 6)
    if corners == 2:
        return np.stack([steps, 1.0 - steps], axis=1)
    if corners == 3:
        grid = [(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 0.95]
        return np.array(grid)
    # Left and right shoulder, left and right hip.
    across, down = (part.ravel() for part in np.meshgrid(steps, steps))
    return np.stack(
        [across * (1 - down), (1 - across) * (1 - down), across * down, (1 - across) * down], axis=1
    )


_MIXTURES = {count: _mixtures(count) for count in (2, 3, 4)}


def _replaced(found: Surfaces, rows: npt.NDArray[np.intp], wide: Surfaces) -> Surfaces:
    """Some rows exchanged for those of a second look."""
    columns = max(found.depth_m.shape[1], wide.depth_m.shape[1])

    def padded(values: Array, fill: float) -> Array:
        more = ((0, 0), (0, columns - values.shape[1]))
        return np.pad(values, more, constant_values=fill)

    depth, share = padded(found.depth_m, np.nan), padded(found.share, 0.0)
    known = found.known.copy()
    depth[rows], share[rows] = padded(wide.depth_m, np.nan), padded(wide.share, 0.0)
    known[rows] = wide.known
    return Surfaces(depth, share, known)


def _height(placed: Array) -> float | None:
    """Body height by the trunk, if all of it is known."""
    trunk = placed[list(TRUNK)]
    if not np.isfinite(trunk).all():
        return None
    length = float(np.linalg.norm((trunk[0] + trunk[1] - trunk[2] - trunk[3]) / 2))
    return float(np.clip(length / TRUNK_PER_HEIGHT, _SMALL_M, _TALL_M))


def _middle(placed: Array, trunk: _Trunk) -> Array:
    """The middle of the four corners of the trunk, or what is best known of it."""
    corners = placed[list(TRUNK)]
    if np.isfinite(corners).all():
        return np.asarray(corners.mean(axis=0))
    return trunk.position
