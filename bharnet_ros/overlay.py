"""Drawing what was seen and recognised over an image, readable from across a room."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np

from bharnet_ros.camera_model import same_aspect
from bharnet_ros.errors import InvalidImageError
from bharnet_ros.overlay_panels import (
    Box,
    PanelSize,
    describe,
    draw_panel,
    draw_status,
    is_far,
    is_in_action,
    panel_of,
    places,
    status_box,
)
from bharnet_ros.overlay_text import Colour
from bharnet_ros.skeleton import Layout, layout_of
from bharnet_ros.skeleton.layout import IndexArray
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    AnyFloat,
    Image,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)

__all__ = ["colour_of", "describe", "draw", "draw_skeleton", "fresh", "present", "scaled_to"]

_PEOPLE: tuple[Colour, ...] = (  # BGR, told apart by colour-blind eyes too (Okabe and Ito)
    (233, 180, 86), (0, 159, 230), (115, 158, 0), (167, 121, 204), (66, 228, 240), (0, 94, 213),
)  # fmt: skip
_LEFT_HAND: Colour = (90, 220, 90)
_RIGHT_HAND: Colour = (90, 90, 255)
_WHITE: Colour = (245, 245, 245)
_HEAD = {"nose", "left_eye", "right_eye", "left_ear", "right_ear", "head", "head_top"}
_MIN_SCORE = 0.3
_STALE_NS = 1_000_000_000
"""An action this much older than the skeletons says nothing of now: the recogniser is silent."""


def colour_of(track_id: int) -> Colour:
    """The same person keeps the same colour (BGR)."""
    return _PEOPLE[track_id % len(_PEOPLE)]


def draw(
    image_bgr: Image, skeletons: SkeletonFrame, actions: ActionFrame | None, status: str = ""
) -> Image:
    """A copy of the image with everybody's skeleton, hands, id, action and its evidence.

    image_bgr: (H, W, 3) uint8. actions: the newest judgement, None before the first one; one
    that is a second older or newer than the skeletons is not shown. status: a line for the
    lower edge, as the latency. Raises LayoutError and InvalidSkeletonError (`layout_of`).
    """
    canvas: Image = image_bgr.copy()
    height, width = canvas.shape[:2]
    layout = layout_of(skeletons)
    by_track = present(fresh(actions, skeletons))
    people = sorted(skeletons.skeletons, key=lambda skeleton: skeleton.track_id)
    for skeleton in people:
        draw_skeleton(canvas, skeleton, layout)
    panels, clear = [], []
    for skeleton in people:
        action = by_track.get(skeleton.track_id)
        colour = colour_of(skeleton.track_id)
        if is_in_action(action):
            _draw_corners(canvas, skeleton.bbox, colour)
        far = is_far(skeleton.bbox, height)
        panels.append(panel_of(skeleton.track_id, action, colour, far))
        clear += _face_and_hands(skeleton, layout)
    size = PanelSize(height, width)
    if status:
        clear.append(status_box(status, size, height))
    boxes = places(
        [size.of(panel) for panel in panels], [skeleton.bbox for skeleton in people], clear,
        (width, height),
    )  # fmt: skip
    for panel, box in zip(panels, boxes, strict=True):
        draw_panel(canvas, panel, size, box)
    if status:
        draw_status(canvas, status, size)
    return canvas


def scaled_to(skeletons: SkeletonFrame, size: tuple[int, int]) -> SkeletonFrame:
    """The skeletons as they lie in the same picture at another resolution.

    size: its (height, width). A frame without the size of its image is taken to be of that size.
    Raises InvalidImageError for another aspect ratio: that is another picture.
    """
    old = skeletons.image_size
    if old == size or min(old) <= 0:
        return skeletons
    if not same_aspect(size, old):
        raise InvalidImageError(
            f"The image has {size[1]} x {size[0]} pixels, but the skeletons of its stamp are of "
            f"one of {old[1]} x {old[0]}, another aspect ratio: draw on the estimator's images."
        )
    factor = np.array([size[1] / old[1], size[0] / old[0]], np.float32)
    return replace(
        skeletons,
        image_size=size,
        skeletons=tuple(
            replace(
                person,
                keypoints=(person.keypoints + 0.5) * factor - 0.5,
                bbox=person.bbox * np.tile(factor, 2),
            )
            for person in skeletons.skeletons
        ),
    )


def fresh(actions: ActionFrame | None, skeletons: SkeletonFrame) -> ActionFrame | None:
    """The actions if they are of the time of the skeletons, else None."""
    if actions is None or abs(actions.stamp_ns - skeletons.stamp_ns) > _STALE_NS:
        return None
    return actions


def present(actions: ActionFrame | None) -> dict[int, RecognizedAction]:
    """What to show of each person, by track.

    Of each bundle its last entry (after "ENDED then STARTED" that is the present one); of several
    bundles an action in progress goes before none, then the surer one.
    """
    newest: dict[tuple[int, str], RecognizedAction] = {}
    for action in actions.actions if actions is not None else ():
        newest[action.track_id, action.bundle] = action
    shown: dict[int, RecognizedAction] = {}
    for action in newest.values():
        known = shown.get(action.track_id)
        if known is None or _weight(action) > _weight(known):
            shown[action.track_id] = action
    return shown


def _weight(action: RecognizedAction) -> tuple[bool, float]:
    score = action.hypotheses[0].score if action.hypotheses else 0.0
    return action.state in (ActionState.STARTED, ActionState.ONGOING), score


def draw_skeleton(canvas: Image, skeleton: Skeleton, layout: Layout) -> None:
    """Bones and joints into the image: body in the person's colour, hands green and red."""
    unit = _line_unit(canvas.shape[0], skeleton.bbox)
    # Coordinates far outside would overflow OpenCV's fixed point; nothing there is visible.
    points = np.rint(np.clip(np.nan_to_num(skeleton.keypoints), -10_000, 20_000)).astype(np.int32)
    seen = skeleton.scores >= _MIN_SCORE
    parts = _parts(layout)
    for edges, colour, thick in (
        (parts.body_edges, colour_of(skeleton.track_id), 2 * unit),
        (parts.left_edges, _LEFT_HAND, unit),
        (parts.right_edges, _RIGHT_HAND, unit),
    ):
        shown = edges[seen[edges].all(axis=1)]
        # One call for all lines of a colour: with eight people the calls are what takes time.
        cv2.polylines(canvas, list(points[shown]), False, colour, thick, cv2.LINE_AA)
    for joints, thick in ((parts.body_joints, 4 * unit), (parts.hand_joints, 2 * unit)):
        shown = joints[seen[joints]]
        dots = np.stack([points[shown], points[shown]], axis=1)
        cv2.polylines(canvas, list(dots), False, _WHITE, thick, cv2.LINE_AA)


@dataclass(frozen=True, eq=False)
class _Parts:
    """The edges (E, 2) and joints of a layout by how they are drawn."""

    body_edges: IndexArray
    left_edges: IndexArray
    right_edges: IndexArray
    body_joints: IndexArray
    hand_joints: IndexArray
    head: tuple[int, ...]


@cache
def _parts(layout: Layout) -> _Parts:
    left = np.isin(layout.edges, layout.left_hand_indices).all(axis=1)
    right = np.isin(layout.edges, layout.right_hand_indices).all(axis=1)
    hands = np.concatenate([layout.left_hand_indices, layout.right_hand_indices])
    return _Parts(
        layout.edges[~(left | right)],
        layout.edges[left],
        layout.edges[right],
        np.setdiff1d(layout.body_indices, hands),
        hands,
        tuple(i for i, name in enumerate(layout.keypoint_names) if name in _HEAD),
    )


def _line_unit(image_height: int, bbox: AnyFloat) -> int:
    """Thickness in pixels: of the image's size, but fine enough for people far away."""
    tall = float(np.nan_to_num(bbox[3], posinf=0.0, neginf=0.0))
    most = max(1, round(image_height / 480))
    return int(np.clip(round(tall / 220), 1, most))


def _face_and_hands(skeleton: Skeleton, layout: Layout) -> list[Box]:
    """What a panel must not cover: the head (or where it must be), and the fingers."""
    if not np.isfinite(skeleton.bbox).all():
        return []
    x, y, wide, tall = (round(float(np.clip(value, -1e5, 1e5))) for value in skeleton.bbox)
    seen = (skeleton.scores >= _MIN_SCORE) & np.isfinite(skeleton.keypoints).all(axis=1)
    head = [index for index in _parts(layout).head if seen[index]]
    if len(head) > 0:
        points = np.clip(skeleton.keypoints[head], -1e5, 1e5)
        middle = points.mean(axis=0)
        half = max(float(np.ptp(points, axis=0).max()), 0.06 * tall)
        left, top = _pixel(middle - half)
        top = max(top, y)  # the box begins where the person does
        boxes = [(left, top, round(2 * half), round(float(middle[1]) + half) - top)]
    else:
        boxes = [(x + wide // 4, y, wide // 2, round(0.2 * tall))]
    for indices in (layout.left_hand_indices, layout.right_hand_indices):
        points = skeleton.keypoints[indices][seen[indices]]
        if len(points) > 4:
            low = np.clip(points.min(axis=0), -1e5, 1e5)
            high = np.clip(points.max(axis=0), -1e5, 1e5)
            boxes.append((*_pixel(low), *_pixel(high - low)))
    return boxes


def _draw_corners(canvas: Image, bbox: AnyFloat, colour: Colour) -> None:
    """Brackets at the corners of somebody's box: this one acts."""
    if not np.isfinite(bbox).all():
        return
    x, y, wide, tall = (float(np.clip(value, -10_000, 10_000)) for value in bbox)
    thick = max(1, round(canvas.shape[0] / 480))
    reach = 0.12 * min(wide, tall)
    for cx, to_x in ((x, 1.0), (x + wide, -1.0)):
        for cy, to_y in ((y, 1.0), (y + tall, -1.0)):
            corner = (round(cx), round(cy))
            cv2.line(canvas, corner, (round(cx + to_x * reach), corner[1]), colour, thick)
            cv2.line(canvas, corner, (corner[0], round(cy + to_y * reach)), colour, thick)


def _pixel(point: AnyFloat) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
