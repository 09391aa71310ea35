"""One person as a layer: body at the image's resolution, hands at twice that, then combined."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.body import HEAD_GROUP, TORSO_GROUP, body_cones, head_cones
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.clothes import dress
from bharnet_ros.simulation.effects import Effects, line_kernel
from bharnet_ros.simulation.face import paint_face
from bharnet_ros.simulation.hand import PALM_GROUP, hand_cones, palm_length
from bharnet_ros.simulation.handlines import draw_palm_lines
from bharnet_ros.simulation.materials import COUNT
from bharnet_ros.simulation.props.grip import PlacedProp
from bharnet_ros.simulation.props.tracing import draw_solid
from bharnet_ros.simulation.shading import Light, shade, smooth_group
from bharnet_ros.simulation.solids import FAR, Canvas
from bharnet_ros.types import AnyFloat, Image

_HANDS = ((91, 9, 7, False), (112, 10, 8, True))  # first keypoint, wrist, elbow, right hand
# Hands of fewer pixels from wrist to knuckle than this are drawn with the body.
_SMALL_PALM_PX = 6.0
# Larger hands gain nothing from supersampling that a hand network notices.
_SUPERSAMPLED_PALM_PX = 45.0


class PersonLayer:
    """Geometry of one person in camera coordinates and the canvas it is drawn on.

    local: (133, 3) metres, camera coordinates. pixels: (133, 2) image pixels.
    canvas: window of the image with the depth of the surface of the person and of what they
    hold (after paint()). own_depth: the same without what they hold.
    """

    def __init__(
        self,
        camera: Camera,
        local: AnyFloat,
        motion: AnyFloat | None,
        look: Appearance,
        held: Sequence[PlacedProp] = (),
    ) -> None:
        self.camera = camera
        self.local = local
        self.look = look
        self.pixels = camera.project_camera(local)
        self._shift = np.zeros((133, 2))
        if motion is not None:
            self._shift = camera.project_camera(local + motion) - self.pixels
        self._centre = ((camera.width - 1) / 2.0, (camera.height - 1) / 2.0)
        self._held = tuple(held)
        low, high = self._window(self._with_held(self.pixels, self._held), 0.17)
        self.canvas = Canvas(low, (high[0] - low[0], high[1] - low[1]))
        self.own_depth = self.canvas.depth

    def _window(
        self, pixels: AnyFloat, margin_m: float
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        nearest = max(float(self.local[:, 2].min()), 0.2)
        margin = margin_m * self.camera.focal_px / nearest
        size = (self.camera.width, self.camera.height)
        x0, y0 = (int(np.clip(v, 0, s)) for v, s in
                  zip(np.floor(pixels.min(axis=0) - margin), size, strict=True))  # fmt: skip
        x1, y1 = (int(np.clip(v, 0, s)) for v, s in
                  zip(np.ceil(pixels.max(axis=0) + margin), size, strict=True))  # fmt: skip
        return (x0, y0), (max(x1, x0), max(y1, y0))

    def _with_held(self, pixels: AnyFloat, held: Sequence[PlacedProp]) -> AnyFloat:
        """Pixels (N, 2) together with those of the things' corners."""
        points = [self.camera.project_camera(placed.corners()) for placed in held]
        return np.concatenate([pixels, *points]) if points else pixels

    def paint(
        self, image: Image, ramps: npt.NDArray[np.uint32], light: Light, effects: Effects
    ) -> None:
        """Draw the person onto the whole image (height, width, 3) uint8 in place."""
        canvas = self.canvas
        if canvas.depth.size == 0 or float(self.local[:, 2].min()) < 0.1:
            return
        focal = self.camera.focal_px
        zoom = focal / float(self.local[[5, 6], 2].mean())
        cones = body_cones(self.local, self.look) + head_cones(self.local, self.look)
        for first, _, _, right in _HANDS:
            hand = self.local[first : first + 21]
            if self._palm_px(first) < _SMALL_PALM_PX:
                cones += hand_cones(hand, right, self.look.hand_girth)
        canvas.draw(cones, focal, self._centre)
        self.own_depth = canvas.depth.copy() if self._held else canvas.depth
        groups = self._hand_groups()
        for sides, held in groups:
            if self._small(sides):
                self.draw_held(canvas, held)
        smooth_group(canvas, TORSO_GROUP, 0.075 * zoom)
        smooth_group(canvas, HEAD_GROUP, 0.030 * zoom)
        texture = dress(canvas, self.pixels, self.local, self.look)
        colours = shade(canvas, light, ramps, 0.05 * zoom, 0.12, texture)
        paint_face(colours, canvas, self.pixels, self.local[:, 2], self.look, effects.tint)
        (x, y), (w, h) = canvas.origin, canvas.size
        window = image[y : y + h, x : x + w]
        cv2.copyTo(colours, np.minimum(canvas.material, 1), window)
        self._blur_forearms(image)
        for sides, held in groups:
            if not self._small(sides):
                self._paint_hands(image, sides, held, ramps, light)
        if effects.softness_px > 0:
            cv2.GaussianBlur(window, (3, 3), effects.softness_px, dst=window)

    def _palm_px(self, first: int) -> float:
        size = palm_length(self.local[first : first + 21])
        return size * self.camera.focal_px / max(float(self.local[first, 2]), 0.1)

    def _small(self, sides: tuple[int, ...]) -> bool:
        return max(self._palm_px(_HANDS[side][0]) for side in sides) < _SMALL_PALM_PX

    def _hand_groups(self) -> list[tuple[tuple[int, ...], list[PlacedProp]]]:
        """Hands that are drawn together, because they hold one thing, and what they hold."""
        if any(len(placed.hands) == 2 for placed in self._held):
            return [((0, 1), list(self._held))]
        return [((s,), [p for p in self._held if s in p.hands]) for s in range(len(_HANDS))]

    def draw_held(self, canvas: Canvas, held: Sequence[PlacedProp]) -> None:
        """Draw some of what the person holds. The materials of each thing follow those of the
        person and of the things before it (`materials.thing_ramps`)."""
        for placed in held:
            before = self._held[: self._held.index(placed)]
            material = COUNT + sum(len(other.prop.colours) for other in before)
            for solid in placed.prop.solids:
                draw_solid(
                    canvas, solid, placed.frame, self.camera.focal_px, self._centre, material
                )

    def _paint_hands(
        self, image: Image, sides: tuple[int, ...], held: Sequence[PlacedProp],
        ramps: npt.NDArray[np.uint32], light: Light,
    ) -> None:  # fmt: skip
        rows = np.concatenate([np.arange(_HANDS[s][0], _HANDS[s][0] + 21) for s in sides])
        hand = self.local[rows]
        shift = self._shift[rows].mean(axis=0)
        size = palm_length(hand)
        margin = size * 0.25 + float(np.abs(shift).max()) * hand[0, 2] / self.camera.focal_px / 2
        low, high = self._window(self._with_held(self.pixels[rows], held), margin)
        if low[0] >= high[0] or low[1] >= high[1]:
            return
        palm_px = max(self._palm_px(_HANDS[side][0]) for side in sides)
        scale = 2 if palm_px < _SUPERSAMPLED_PALM_PX else 1
        part = Canvas(low, (high[0] - low[0], high[1] - low[1]), scale)
        for side in sides:
            first, _, _, right = _HANDS[side]
            cones = hand_cones(self.local[first : first + 21], right, self.look.hand_girth)
            part.draw(cones, self.camera.focal_px, self._centre)
        own = part.depth.copy() if held else part.depth
        self.draw_held(part, held)
        palm_px *= scale
        smooth_group(part, PALM_GROUP, 0.12 * palm_px)
        for side in sides:
            first, _, _, right = _HANDS[side]
            span = slice(first, first + 21)
            draw_palm_lines(part, self.local[span], self.pixels[span], right, palm_px)
        colours = shade(part, light, ramps, 0.25 * palm_px, size * 0.22)
        covered = (part.depth < FAR / 2).astype(np.float32)
        flat = np.empty((*covered.shape, 4), np.float32)
        np.multiply(colours, covered[..., None], out=flat[..., :3])
        flat[..., 3] = covered
        if scale > 1:
            flat = cv2.resize(flat, part.size, interpolation=cv2.INTER_AREA)
        kernel = line_kernel(shift)
        if kernel is not None:
            flat = cv2.filter2D(flat, -1, kernel, borderType=cv2.BORDER_CONSTANT)
        self._combine(image, flat, _nearest(part.depth, scale), low, high)
        if self._held:
            (x, y), own = self.canvas.origin, _nearest(own, scale)
            bare = self.own_depth[low[1] - y : high[1] - y, low[0] - x : high[0] - x]
            np.minimum(bare, own, out=bare)

    def _combine(
        self, image: Image, flat: npt.NDArray[np.float32], depth: npt.NDArray[np.float32],
        low: tuple[int, int], high: tuple[int, int],
    ) -> None:  # fmt: skip
        """Lay premultiplied colours and alpha (h, w, 4) over the image where they are nearest."""
        x, y = self.canvas.origin
        body = self.canvas.depth[low[1] - y : high[1] - y, low[0] - x : high[0] - x]
        drawn = depth < FAR / 2
        # What smeared beyond the hand's outline has the hand's own depth.
        reach = np.where(drawn, depth, depth[drawn].mean() if drawn.any() else FAR)
        hidden = reach > body + np.float32(0.012)
        flat[hidden] = 0
        part = image[low[1] : high[1], low[0] : high[0]]
        mixed = part * (np.float32(1) - flat[..., 3:]) + flat[..., :3]
        part[:] = np.clip(mixed, 0, 255).astype(np.uint8)
        np.minimum(body, depth, out=body)

    def _blur_forearms(self, image: Image) -> None:
        """Smear the forearms of fast arms, in place and with what lies right beside them."""
        for _, wrist, elbow, _ in _HANDS:
            kernel = line_kernel(self._shift[[wrist, elbow]].mean(axis=0))
            if kernel is None:
                continue
            ends = self.pixels[[wrist, elbow]]
            reach = int(0.05 * self.camera.focal_px / max(float(self.local[wrist, 2]), 0.2)) + 2
            pad = reach + kernel.shape[0]
            x0, y0 = np.maximum(np.floor(ends.min(axis=0)).astype(int) - pad, 0)
            x1 = min(int(ends[:, 0].max()) + pad, image.shape[1])
            y1 = min(int(ends[:, 1].max()) + pad, image.shape[0])
            if x1 <= x0 or y1 <= y0:
                continue
            part = image[y0:y1, x0:x1]
            mask = np.zeros(part.shape[:2], np.float32)
            first, last = (np.round((p - (x0, y0)) * 16).astype(int).tolist() for p in ends)
            cv2.line(mask, first, last, 1.0, 2 * reach, cv2.LINE_8, 4)
            soft = np.asarray(cv2.filter2D(mask, -1, kernel), np.float32)[..., None]
            smeared = cv2.filter2D(part, -1, kernel).astype(np.float32)
            part[:] = (part * (1 - soft) + smeared * soft).astype(np.uint8)


def _nearest(depth: npt.NDArray[np.float32], scale: int) -> npt.NDArray[np.float32]:
    """Depth at image resolution: the nearest of each scale x scale block."""
    if scale == 1:
        return depth
    rows = np.minimum(depth[::2], depth[1::2])
    smallest: npt.NDArray[np.float32] = np.minimum(rows[:, ::2], rows[:, 1::2])
    return smallest
