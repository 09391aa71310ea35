"""The drawn actor playing one gesture: a picture of a held one, a strip of a moving one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.atomic import write_atomically
from bharnet_ros.gestures import BodyShape, GesturePlayer, Performance, Segment, Style, Vocabulary
from bharnet_ros.gestures.description import GestureDescription, OtherHand, PostureDescription
from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.background import make_background
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.effects import Effects
from bharnet_ros.simulation.props import plan_holdings
from bharnet_ros.simulation.renderer import Actor, Renderer
from bharnet_ros.types import Image

Array = npt.NDArray[np.float64]

STRIP_PICTURES = 5
_DISTANCE_M = 2.6
_MARGIN_M = 0.13
_START_S = 1.0
_CAPTION_PX = 22
_GAP_PX = 2
_PAPER = (250, 250, 250)
_INK = (40, 40, 40)


def picture_strip(
    vocabulary: Vocabulary,
    name: str,
    height_px: int = 240,
    seed: int | None = None,
    style: Style | None = None,
    actor: tuple[BodyShape, Appearance] | None = None,
    yaw_deg: float = 0.0,
) -> Image:
    """One gesture as a viewer sees it -> (height_px, width, 3) uint8 BGR.

    A held gesture is one picture, a moving one a strip of five, in the order of time. Without a
    seed the first of the gesture's alternatives is shown as it is written; a seed draws hand,
    place and turn as training does, and what is held, if anything is. yaw_deg: the person's turn
    away from the viewer. Raises GestureError for a name the vocabulary does not have and
    ConfigurationError for a height that is too small.
    """
    if height_px < 48:
        raise ConfigurationError(f"height_px is {height_px}; pictures need 48 pixels or more")
    if seed is None:
        vocabulary = _plain(vocabulary, name)
    gesture = vocabulary[name]
    shape, look = actor or (BodyShape.default(), Appearance())
    manner = style or Style(fidget=0.0, tremor=0.0)
    length = 0.5 * (gesture.duration_s[0] + gesture.duration_s[1])
    player = GesturePlayer(vocabulary, shape, manner)
    performance = player.plan([(name, _START_S, length)], np.random.default_rng([seed or 0, 1]))
    times = picture_times(gesture, performance.segments[0])
    poses = _turned(performance.poses(times), np.deg2rad(yaw_deg))
    middle, size = _frame(gesture, performance, poses)
    width_px = round(height_px * size[0] / size[1])
    camera = Camera(
        width=max(width_px, 48), height=height_px, focal_px=height_px * _DISTANCE_M / size[1],
        position=(_DISTANCE_M, middle[0], middle[1]), look_at=(0.0, middle[0], middle[1]),
    )  # fmt: skip
    background = make_background(
        "gradient", (camera.width, camera.height), np.random.default_rng([4])
    )
    renderer = Renderer(camera, background, Effects(shutter_s=0.0, noise=0.0), seed=0)
    holdings = plan_holdings(
        vocabulary, performance, manner.handedness, performance.end_s,
        np.random.default_rng([seed or 0, 2]), carry_rate=0.0,
    )  # fmt: skip
    pictures = []
    for pose, t_s in zip(poses, times.tolist(), strict=True):
        held = tuple((h.prop, h.hands) for h in holdings if h.start_s <= t_s < h.end_s)
        cast = [Actor(pose, look, held=held)]
        pictures.append(renderer.render_actors(cast, np.random.default_rng(0)).image)
    return beside(pictures)


def _plain(vocabulary: Vocabulary, name: str) -> Vocabulary:
    """The vocabulary with the first way alone of making a gesture, and nothing that varies."""
    gesture = vocabulary[name]
    second = gesture.second
    if second is not None:
        second = OtherHand(second.hands[:1], _still(second.postures[:1]))
    plain = replace(
        gesture, hands=gesture.hands[:1], postures=_still(gesture.postures[:1]), second=second
    )
    return replace(vocabulary, gestures={**vocabulary.gestures, name: plain})


def _still(postures: tuple[PostureDescription, ...]) -> tuple[PostureDescription, ...]:
    return tuple(replace(p, vary_position=0.0, vary_turn_deg=(0.0, 0.0, 0.0)) for p in postures)


def picture_times(gesture: GestureDescription, segment: Segment) -> Array:
    """(1,) the middle of a hold; (5,) over about one repetition of a motion, or over the whole
    of a motion that does not repeat."""
    if not gesture.motion:
        return np.array([(segment.arrived_s + segment.released_s) / 2])
    rates = [sum(m.ranges["rate_hz"]) / 2 for m in gesture.motion if "rate_hz" in m.ranges]
    if not rates:
        return np.linspace(segment.start_s + 0.2, segment.released_s, STRIP_PICTURES)
    cycle_s = 1 / min(rates)
    begin = min(segment.arrived_s + 0.2, segment.released_s - 0.8 * cycle_s)
    return np.linspace(begin, begin + 0.8 * cycle_s, STRIP_PICTURES)


def _turned(poses: Array, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    turned: Array = poses @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    return turned


def _frame(
    gesture: GestureDescription, performance: Performance, poses: Array
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Middle (y, z) and size (width, height) of what the pictures show, metres: the head, the
    shoulders and the hands that take part."""
    segment = performance.segments[0]
    moved = performance.poses(np.array([segment.start_s, segment.arrived_s]))
    shown = [*range(7), 40, 31]
    for wrist, hand in ((9, range(91, 112)), (10, range(112, 133))):
        if np.linalg.norm(moved[1, wrist] - moved[0, wrist]) > 0.1 and not gesture.body_only:
            shown += [wrist, wrist - 2, *hand]
    points = poses[:, shown, 1:].reshape(-1, 2)
    low, high = points.min(axis=0) - _MARGIN_M, points.max(axis=0) + _MARGIN_M
    high[1] += 0.06  # the top of the head
    size = high - low
    # No narrower than a portrait, no wider than a landscape.
    wanted = np.array([max(size[0], 0.85 * size[1], 0.55), max(size[1], size[0] / 1.5, 0.55)])
    middle = (low + high) / 2
    return (float(middle[0]), float(middle[1])), (float(wanted[0]), float(wanted[1]))


def beside(pictures: Sequence[Image], gap_px: int = _GAP_PX) -> Image:
    """Pictures of one height next to each other, left to right."""
    gap = np.full((pictures[0].shape[0], gap_px, 3), _PAPER, np.uint8)
    parts: list[Image] = [pictures[0]]
    for picture in pictures[1:]:
        parts += [gap, picture]
    return np.concatenate(parts, axis=1)


def contact_sheet(
    vocabulary: Vocabulary, names: Iterable[str] | None = None, width_px: int = 1200,
    height_px: int = 200, seed: int | None = None,
) -> Image:  # fmt: skip
    """All gestures with their names, laid out in rows -> (height, width_px, 3) uint8 BGR."""
    rows: list[list[Image]] = [[]]
    used = 0
    for name in names if names is not None else vocabulary.actions:
        strip = picture_strip(vocabulary, name, height_px, seed)
        if strip.shape[1] > width_px:
            share = width_px / strip.shape[1]
            strip = np.asarray(cv2.resize(strip, None, fx=share, fy=share), np.uint8)
        part = _captioned(strip, name, height_px, width_px)
        if rows[-1] and used + part.shape[1] + 8 > width_px:
            rows.append([])
            used = 0
        rows[-1].append(part)
        used += part.shape[1] + 8
    lines = []
    for row in rows:
        line = np.full((height_px + _CAPTION_PX, width_px, 3), _PAPER, np.uint8)
        left = 0
        for part in row:
            line[:, left : left + part.shape[1]] = part
            left += part.shape[1] + 8
        lines.append(line)
    return np.concatenate(lines, axis=0)


def _captioned(strip: Image, name: str, height_px: int, most_px: int) -> Image:
    """The strip with its name below; what is wider than most_px of the name is left out."""
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 0.45

    def width_of(text: str) -> int:
        return int(cv2.getTextSize(text, font, scale, 1)[0][0]) + 6

    length = len(name)
    while length and width_of(name) > most_px:
        length -= 1
        name = f"{name[:length]}..."
    width = max(strip.shape[1], width_of(name))
    out = np.full((height_px + _CAPTION_PX, width, 3), _PAPER, np.uint8)
    out[: strip.shape[0], : strip.shape[1]] = strip
    cv2.putText(out, name, (3, height_px + 15), font, scale, _INK, 1, cv2.LINE_AA)
    return out


def save(image: Image, path: Path, quality: int = 82) -> None:
    """Write a PNG or JPEG, making its folder; quality: of a JPEG, 0 to 100.

    Raises ConfigurationError if it cannot be written, or is larger than a JPEG can be; what was
    there then stays.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix != ".png" else []
    # Not cv2.imwrite: it says that a PNG was written which the disk had no room for.
    try:
        done, content = cv2.imencode(path.suffix, image, options)
    except cv2.error:  # older ones raise where newer ones return False
        done = False
    if not done:
        raise ConfigurationError(
            f"{path} cannot hold {image.shape[1]} x {image.shape[0]} pixels; make --height "
            "smaller, or have a picture of each gesture with --each."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content.tobytes())
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror or error}); make room or give another "
            "--output."
        ) from error
