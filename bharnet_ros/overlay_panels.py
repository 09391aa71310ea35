"""The labels of people in an image: what each one says, and where there is room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bharnet_ros.overlay_text import Colour, fitted, put_text, shortened, text_width
from bharnet_ros.types import ActionState, AnyFloat, Image, RecognizedAction

WHITE: Colour = (245, 245, 245)
DIM: Colour = (165, 165, 165)
_TROUGH: Colour = (75, 75, 75)
_MIN_TITLE_PX = 9
_FAR = 0.28
"""People lower than this share of the image get a short panel."""
_SMALL_IMAGE_PX = 300
"""In images lower than this all panels are short."""
_WORTH_TELLING = 0.05
"""Probability from which the second hypothesis is told."""

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""


@dataclass(frozen=True)
class Panel:
    """What is told of a person.

    score: 0..1, None without a bar. experts: name -> probability, shown as bars of their own.
    """

    title: str
    score: float | None
    experts: tuple[tuple[str, float], ...]
    runner_up: str
    in_action: bool
    colour: Colour


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


def is_in_action(action: RecognizedAction | None) -> bool:
    """Whether the person does something now."""
    return action is not None and action.state in (ActionState.STARTED, ActionState.ONGOING)


def name_of(track_id: int) -> str:
    """What a person is called in pictures."""
    return f"#{track_id}" if track_id >= 0 else "untracked"


def panel_of(track_id: int, action: RecognizedAction | None, colour: Colour, far: bool) -> Panel:
    """The panel of a person. far: only the words and the bar."""
    text, score = describe(action)
    known = action is not None and bool(action.hypotheses)
    experts: tuple[tuple[str, float], ...] = ()
    runner_up = ""
    if action is not None and is_in_action(action) and not far:
        experts = (("body", action.body_score), ("hand", action.hand_score))
        if len(action.hypotheses) > 1:
            second = action.hypotheses[1]
            if second.score >= _WORTH_TELLING:
                runner_up = shortened(f"or {second.class_name} {second.score:.2f}")
    return Panel(
        shortened(f"{name_of(track_id)} {text}"), score if known else None, experts, runner_up,
        is_in_action(action), colour,
    )  # fmt: skip


def is_far(bbox: AnyFloat, image_height: int) -> bool:
    """Whether a person is too small in the image for a long panel."""
    return image_height < _SMALL_IMAGE_PX or float(bbox[3]) < _FAR * image_height


class PanelSize:
    """The measures of panels in an image of this size, in pixels. widest: no panel is wider."""

    def __init__(self, image_height: int, image_width: int) -> None:
        self.widest = image_width
        self.title = max(_MIN_TITLE_PX, round(0.022 * image_height))
        self.small = max(_MIN_TITLE_PX - 1, round(0.016 * image_height))
        self.gap = max(3, round(0.45 * self.title))
        self.bar = max(3, round(0.4 * self.title))

    def of(self, panel: Panel) -> tuple[int, int]:
        """Width and height of a panel."""
        score = text_width(" 0.00", self.title) if panel.score is not None else 0
        widths = [text_width(panel.title, self.title, panel.in_action) + score + self.gap]
        height = self.gap + self.title + self.gap
        if panel.score is not None:
            height += self.bar + self.gap
        if panel.experts:
            height += len(panel.experts) * (self.small + self.gap)
            widths.append(round(9.5 * self.title))
        if panel.runner_up:
            height += self.small + self.gap
            widths.append(text_width(panel.runner_up, self.small))
        return min(max(widths) + 3 * self.gap, self.widest), height


def draw_panel(canvas: Image, panel: Panel, size: PanelSize, box: Box) -> None:
    """Words, bar and evidence on a darkened ground."""
    x, y, width, height = box
    darken(canvas, box)
    edge = max(2, size.gap // 2)
    cv2.rectangle(canvas, (x, y), (x + edge, y + height - 1), panel.colour, -1)
    left, right = x + edge + size.gap, x + width - size.gap
    text_colour = WHITE if panel.in_action else DIM
    baseline = y + size.gap + size.title
    score = "" if panel.score is None else f"{panel.score:.2f}"
    score_width = text_width(score, size.title) if score else 0
    room = right - left - (score_width + size.gap if score else 0)
    title = fitted(panel.title, room, size.title, panel.in_action)
    put_text(canvas, title, (left, baseline), size.title, text_colour, panel.in_action)
    line = baseline + size.gap
    if panel.score is not None:
        put_text(canvas, score, (right - score_width, baseline), size.title, text_colour)
        colour = panel.colour if panel.in_action else DIM
        draw_bar(canvas, (left, line, right - left, size.bar), panel.score, colour)
        line += size.bar + size.gap
    name_width = text_width("body ", size.small)
    value_width = text_width(" 0.00", size.small)
    for name, value in panel.experts:
        put_text(canvas, name, (left, line + size.small), size.small, WHITE)
        # 0 means that the expert had nothing to see, which is not the same as disbelief.
        words = f"{value:.2f}" if value > 0.0 else "-"
        put_text(
            canvas, words, (right - text_width(words, size.small), line + size.small),
            size.small, WHITE,
        )  # fmt: skip
        thick = max(2, round(0.45 * size.small))
        bar = (left + name_width, line + (size.small - thick) // 2 + 1,
               right - left - name_width - value_width, thick)  # fmt: skip
        draw_bar(canvas, bar, value, WHITE)
        line += size.small + size.gap
    if panel.runner_up:
        words = fitted(panel.runner_up, right - left, size.small)
        put_text(canvas, words, (left, line + size.small), size.small, DIM)


def status_box(text: str, size: PanelSize, image_height: int) -> Box:
    """Where the status line lies."""
    height = size.small + 2 * size.gap
    return 0, image_height - height, text_width(text, size.small) + 2 * size.gap, height


def draw_status(canvas: Image, text: str, size: PanelSize) -> None:
    """One line at the lower left: how fast and how late the picture is."""
    darken(canvas, status_box(text, size, canvas.shape[0]))
    put_text(canvas, text, (size.gap, canvas.shape[0] - size.gap), size.small, WHITE)


def darken(canvas: Image, box: Box) -> None:
    """A ground that text can be read on, whatever the image shows there."""
    x, y, width, height = box
    part = canvas[y : y + height, x : x + width]
    np.multiply(part, 0.25, out=part, casting="unsafe")


def draw_bar(canvas: Image, box: Box, share: float, colour: Colour) -> None:
    """A trough filled from the left. share: 0..1."""
    x, y, width, height = box
    if width < 1:
        return
    cv2.rectangle(canvas, (x, y), (x + width - 1, y + height - 1), _TROUGH, -1)
    filled = round(width * float(np.clip(np.nan_to_num(share), 0.0, 1.0)))
    if filled > 0:
        cv2.rectangle(canvas, (x, y), (x + filled - 1, y + height - 1), colour, -1)


def places(
    sizes: Sequence[tuple[int, int]],
    people: Sequence[AnyFloat],
    keep_clear: Sequence[Box],
    image: tuple[int, int],
) -> list[Box]:
    """A box for each panel: over its person, else beside, else at the person's lower end.

    sizes: (width, height) of the panels. people: their (4,) bounding boxes. keep_clear: faces and
    hands. image: (width, height). The first place is taken in which next to nothing is covered,
    else the one that covers least.
    """
    taken: list[Box] = []
    bodies = [_whole(bbox) for bbox in people]
    for number, ((width, height), bbox) in enumerate(zip(sizes, people, strict=True)):
        others = bodies[:number] + bodies[number + 1 :]
        best: tuple[float, Box] | None = None
        for x, y in _candidates(bbox, width, height):
            box = (
                int(np.clip(x, 0, max(0, image[0] - width))),
                int(np.clip(y, 0, max(0, image[1] - height))),
                width,
                height,
            )
            # Pushed back into the image it may come to lie with somebody else.
            pushed = height * (abs(box[0] - x) + abs(box[1] - y))
            covered = 4 * _overlap(box, taken) + _overlap(box, keep_clear)
            cost = covered + 0.3 * _overlap(box, others) + 0.1 * pushed
            if best is None or cost < best[0]:
                best = (cost, box)
            if cost <= 0.05 * width * height:
                break
        if best is not None:
            taken.append(best[1])
    return taken


def _candidates(bbox: AnyFloat, width: int, height: int) -> list[tuple[float, float]]:
    left, top, wide, tall = _whole(bbox)
    middle = left + wide / 2 - width / 2
    return [
        (middle, top - height - 4),
        (left + wide + 4, top),
        (left - width - 4, top),
        (middle, top + tall - height - 4),
        (left + wide + 4, top + tall - height),
        (left - width - 4, top + tall - height),
    ]


def _whole(bbox: AnyFloat) -> Box:
    x, y, wide, tall = (round(float(value)) for value in np.clip(np.nan_to_num(bbox), -1e5, 1e5))
    return x, y, wide, tall


def _overlap(box: Box, others: Sequence[Box]) -> float:
    """The area of a box that others cover, in pixels; what two of them cover counts twice."""
    if not others:
        return 0.0
    x, y, width, height = box
    ox, oy, ow, oh = np.asarray(others, dtype=np.float64).T
    wide = np.minimum(x + width, ox + ow) - np.maximum(x, ox)
    tall = np.minimum(y + height, oy + oh) - np.maximum(y, oy)
    return float((np.maximum(wide, 0) * np.maximum(tall, 0)).sum())
