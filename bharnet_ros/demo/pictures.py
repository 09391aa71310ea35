"""What remains of a demo to look at: an annotated video, and a strip of the best moments."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from bharnet_ros.types import ActionFrame, ActionState, AnyFloat, Image, RecognizedAction

_VIDEO_WIDTH = 960
_LONGEST_S = 30.0
"""Images further apart than this follow each other at once."""
_CAPTION = 22  # height in pixels
_TILE = (370, 300)  # width, height in pixels, the caption included; as wide as labels need
_COLUMNS = 4
_MAX_TILES = 40


class Pictures:
    """Takes annotated images, writes annotated.mp4 while they come and strip.jpg at the end."""

    def __init__(self, folder: Path, rate_hz: float) -> None:
        self._folder = folder
        self._rate_hz = rate_hz
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._begin_ns = self._written = 0
        self._last: Image | None = None
        self._tiles: dict[str, tuple[float, Image]] = {}
        self.video_path = folder / "annotated.mp4"
        self.strip_path = folder / "strip.jpg"

    def add(self, image: Image, stamp_ns: int) -> None:
        """One annotated image, (H, W, 3) uint8 BGR. The video shows it from its stamp on until the
        next one's, as long as it was seen."""
        if self._writer is None:
            height, width = image.shape[:2]
            self._size = (_VIDEO_WIDTH, 2 * max(1, round(_VIDEO_WIDTH * height / width / 2)))
            codec = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self.video_path), codec, self._rate_hz, self._size)
            self._begin_ns = stamp_ns
        ahead = round((stamp_ns - self._begin_ns) * 1e-9 * self._rate_hz) - self._written
        if not -1 <= ahead <= _LONGEST_S * self._rate_hz:  # of another time, as where a film loops
            self._begin_ns = stamp_ns - round(1e9 * self._written / self._rate_hz)
            ahead = 0
        before = self._last
        self._last = np.asarray(
            cv2.resize(image, self._size, interpolation=cv2.INTER_AREA), np.uint8
        )
        if ahead < 0:  # its place is taken
            return
        for picture in [before] * ahead + [self._last]:
            if picture is not None:
                self._writer.write(picture)
        self._written += ahead + 1

    def keep(self, key: str, rank: float, caption: str, image: Image, bbox: AnyFloat) -> None:
        """A tile of the strip: one person's part of an image.

        Of the pictures with one key the first of the highest rank stays. bbox: x, y, width,
        height in pixels.
        """
        known = self._tiles.get(key)
        if len(self._tiles) >= _MAX_TILES if known is None else rank <= known[0]:
            return
        tile = np.full((_TILE[1], _TILE[0], 3), 30, np.uint8)
        tile[: -_CAPTION] = _cut(image, bbox, (_TILE[0], _TILE[1] - _CAPTION))
        cv2.putText(
            tile, caption, (5, _TILE[1] - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (240, 240, 240), 1,
            cv2.LINE_AA,
        )  # fmt: skip
        self._tiles[key] = (rank, tile)

    def close(self) -> list[Path]:
        """Write what is left; the files that exist now."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
        if self._tiles:
            cv2.imwrite(str(self.strip_path), _sheet([tile for _, tile in self._tiles.values()]))
        return [path for path in (self.strip_path, self.video_path) if path.is_file()]


def drawn_actions(heard: Iterable[ActionFrame], stamp_ns: int) -> list[RecognizedAction]:
    """What people do in an annotated image of that stamp, as far as it shows it.

    The image is drawn as soon as its skeletons are there, with what was judged before them: what
    was so at the two judgements before is in the picture for certain. heard: in order of time.
    """
    earlier = [frame.actions for frame in heard if frame.stamp_ns < stamp_ns][-2:]
    if len(earlier) < 2:
        return []
    already = {_doing(action) for action in earlier[0]}
    return [action for action in earlier[1] if _doing(action) and _doing(action) in already]


def _doing(action: RecognizedAction) -> tuple[int, str, str] | None:
    if action.state not in (ActionState.STARTED, ActionState.ONGOING) or not action.hypotheses:
        return None
    return action.track_id, action.bundle, action.hypotheses[0].class_name


def _cut(image: Image, bbox: AnyFloat, size: tuple[int, int]) -> Image:
    """The surroundings of a box, as large as the image allows. size: width, height."""
    height, width = image.shape[:2]
    aspect = size[0] / size[1]
    tall = min(float(height), max(1.25 * float(bbox[3]), 1.2 * float(bbox[2]) / aspect, 64.0))
    wide = min(float(width), tall * aspect)
    left = float(np.clip(bbox[0] + bbox[2] / 2 - wide / 2, 0, width - wide))
    top = float(np.clip(bbox[1] + bbox[3] / 2 - 0.55 * tall, 0, height - tall))
    part = image[int(top) : int(top + tall), int(left) : int(left + wide)]
    return np.ascontiguousarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)


def _sheet(tiles: list[Image]) -> Image:
    rows = []
    blank = np.full((_TILE[1], _TILE[0], 3), 20, np.uint8)
    columns = min(_COLUMNS, len(tiles))
    for begin in range(0, len(tiles), columns):
        row = tiles[begin : begin + columns]
        rows.append(np.hstack(row + [blank] * (columns - len(row))))
    return np.vstack(rows)
