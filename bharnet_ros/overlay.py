"""Drawing what was seen and recognised over an image, readable from across a room."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from bharnet_ros.skeleton import Layout, get_layout
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Image,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)

Colour = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PEOPLE: tuple[Colour, ...] = (  # BGR, told apart by colour-blind eyes too (Okabe and Ito)
    (233, 180, 86), (0, 159, 230), (115, 158, 0), (167, 121, 204), (66, 228, 240), (0, 94, 213),
)  # fmt: skip
_LEFT_HAND: Colour = (90, 220, 90)
_RIGHT_HAND: Colour = (90, 90, 255)
_WHITE: Colour = (245, 245, 245)
_DIM: Colour = (150, 150, 150)
_MIN_SCORE = 0.3


def colour_of(track_id: int) -> Colour:
    """The same person keeps the same colour."""
    return _PEOPLE[track_id % len(_PEOPLE)]


def draw(image_bgr: Image, skeletons: SkeletonFrame, actions: ActionFrame | None) -> Image:
    """A copy of the image with everybody's skeleton, hands, id and action.

    image_bgr: (H, W, 3) uint8. actions: the newest judgement, None before the first one.
    """
    canvas: Image = image_bgr.copy()
    layout = get_layout(skeletons.layout)
    by_track = present(actions)
    for skeleton in skeletons.skeletons:
        draw_skeleton(canvas, skeleton, layout)
    for skeleton in skeletons.skeletons:
        _draw_label(canvas, skeleton, by_track.get(skeleton.track_id))
    return canvas


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
    unit = max(1, round(canvas.shape[0] / 480))
    colours = _edge_colours(layout, skeleton.track_id)
    # Coordinates far outside would overflow OpenCV's fixed point; nothing there is visible.
    points = np.clip(np.nan_to_num(skeleton.keypoints), -10_000, 20_000)
    seen = skeleton.scores >= _MIN_SCORE
    hands = set(layout.left_hand_indices.tolist()) | set(layout.right_hand_indices.tolist())
    for index, (a, b) in enumerate(layout.edges.tolist()):
        if seen[a] and seen[b]:
            thin = a in hands and b in hands
            cv2.line(canvas, _pixel(points[a]), _pixel(points[b]), colours[index],
                     unit if thin else 2 * unit, cv2.LINE_AA)  # fmt: skip
    for index in np.flatnonzero(seen).tolist():
        if index in hands:
            cv2.circle(canvas, _pixel(points[index]), unit, _WHITE, -1, cv2.LINE_AA)
        elif index in layout.body_indices:
            cv2.circle(canvas, _pixel(points[index]), 2 * unit, _WHITE, -1, cv2.LINE_AA)


def _edge_colours(layout: Layout, track_id: int) -> list[Colour]:
    left = set(layout.left_hand_indices.tolist())
    right = set(layout.right_hand_indices.tolist())
    return [
        _LEFT_HAND if a in left and b in left
        else _RIGHT_HAND if a in right and b in right
        else colour_of(track_id)
        for a, b in layout.edges.tolist()
    ]  # fmt: skip


def describe(action: RecognizedAction | None) -> tuple[str, float]:
    """The words for an action and the score to draw beside them (0 when there is none)."""
    if action is None:
        return "no judgement yet", 0.0
    if not action.hypotheses:
        return "unknown", 0.0
    best = action.hypotheses[0]
    if action.state is ActionState.ENDED:
        return f"{best.class_name} ended", best.score
    return best.class_name, best.score


def _draw_label(canvas: Image, skeleton: Skeleton, action: RecognizedAction | None) -> None:
    """A dark panel at the person: id and label, its bar, and what each expert says."""
    height, width = canvas.shape[:2]
    scale = height / 900
    text, score = describe(action)
    in_action = action is not None and action.state in (ActionState.STARTED, ActionState.ONGOING)
    bars: Mapping[str, float] = (
        {"body": action.body_score, "hand": action.hand_score} if action and in_action else {}
    )
    title = f"#{skeleton.track_id} {text}"
    (title_width, title_height), _ = cv2.getTextSize(title, _FONT, 0.9 * scale, 2)
    row = round(24 * scale)
    panel_width = max(title_width, round(190 * scale)) + 2 * row // 2
    panel_height = title_height + 2 * row // 3 + row // 2 + row * len(bars)
    x, y = _panel_place(skeleton, (panel_width, panel_height), (width, height))
    panel = canvas[y : y + panel_height, x : x + panel_width]
    np.multiply(panel, 0.3, out=panel, casting="unsafe")
    colour = colour_of(skeleton.track_id)
    cv2.rectangle(canvas, (x, y), (x + round(4 * scale), y + panel_height), colour, -1)
    left = x + row // 2
    baseline = y + title_height + row // 3
    cv2.putText(canvas, title, (left, baseline), _FONT, 0.9 * scale,
                _WHITE if in_action else _DIM, 2 if in_action else 1, cv2.LINE_AA)  # fmt: skip
    top = baseline + row // 3
    span = panel_width - row
    _bar(canvas, left, top, span, max(3, row // 4), score, colour if in_action else _DIM)
    for index, (name, value) in enumerate(bars.items()):
        line = top + row // 3 + (index + 1) * row - row // 4
        cv2.putText(canvas, f"{name} {value:.2f}", (left, line), _FONT, 0.55 * scale, _WHITE, 1,
                    cv2.LINE_AA)  # fmt: skip
        offset = round(105 * scale)
        _bar(canvas, left + offset, line - row // 4, span - offset, max(2, row // 5), value, _WHITE)


def _panel_place(
    skeleton: Skeleton, panel: tuple[int, int], image: tuple[int, int]
) -> tuple[int, int]:
    """Upper left corner: over the person's middle, above the head, or where there is no room
    above at the lower end of the person, clear of face and lifted hands.

    panel, image: (width, height) in pixels.
    """
    left, top, wide, tall = (float(value) for value in skeleton.bbox)
    x = left + wide / 2 - panel[0] / 2
    y = top - panel[1] - 4
    if y < 0:
        y = top + tall - panel[1] - 4
    return (
        int(np.clip(x, 0, max(0, image[0] - panel[0]))),
        int(np.clip(y, 0, max(0, image[1] - panel[1]))),
    )


def _bar(
    canvas: Image, x: int, y: int, span: int, thick: int, share: float, colour: Colour
) -> None:
    cv2.rectangle(canvas, (x, y), (x + span, y + thick), (70, 70, 70), -1)
    filled = round(span * float(np.clip(share, 0.0, 1.0)))
    if filled > 0:
        cv2.rectangle(canvas, (x, y), (x + filled, y + thick), colour, -1)


def _pixel(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
