"""Picture strips of the worst mistakes: the person over time, with the skeleton that was seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.mistakes import Mistake, find_mistakes
from bharnet_ros.evaluation.records import Evaluation, JudgedPerson
from bharnet_ros.overlay import draw_skeleton
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Image, Skeleton, SkeletonFrame

TILES = 6
"""Pictures in a strip."""

_HEIGHT = 288  # pixels of a tile
_ASPECT = (0.6, 1.5)  # narrowest and widest tile, width over height
_MARGIN = 0.18  # of the person's box, around it
_QUALITY = 82
_STANDS_NS = 1_000_000_000  # an older judgement says nothing about the moment

Images = Callable[[str, int], Image | None]
Skeletons = Callable[[str, int, int], Sequence[SkeletonFrame]]
Region = tuple[float, float, float, float]


@dataclass(frozen=True)
class Tile:
    """One moment. jpeg: the picture, width x height pixels. judged: the most probable class then,
    None if nothing could be judged; probability: its own. seen: whether the person had a skeleton.
    """

    stamp_ns: int
    jpeg: bytes
    width: int
    height: int
    judged: str | None
    probability: float
    seen: bool


@dataclass(frozen=True)
class Strip:
    """A mistake and its moments; no tiles where the recording has no pictures of it."""

    mistake: Mistake
    tiles: tuple[Tile, ...]


def make_strips(
    evaluation: Evaluation, images: Images, skeletons: Skeletons, limit: int = 12
) -> tuple[Strip, ...]:
    """The worst mistakes (`find_mistakes`), at most `limit`.

    images: (recording, stamp_ns) -> (H, W, 3) uint8 BGR, or None if there is none. It is called
    recording by recording with rising stamps, each once, so one way through a bag is enough.
    skeletons: (recording, start_ns, end_ns) -> the frames of the images that were looked at in that
    time, track_id being the person id of the evaluation.
    """
    mistakes = find_mistakes(evaluation)[:limit]
    wanted: dict[str, dict[int, list[tuple[int, SkeletonFrame]]]] = {
        recording.name: defaultdict(list) for recording in evaluation.recordings
    }
    regions: dict[int, Region] = {}
    for index, mistake in enumerate(mistakes):
        frames = _moments(skeletons(mistake.recording, mistake.start_ns, mistake.end_ns))
        if frames:
            regions[index] = _region(frames, mistake.person_id)
        for frame in frames:
            wanted[mistake.recording][frame.stamp_ns].append((index, frame))
    tiles: dict[int, list[Tile]] = defaultdict(list)
    for recording, stamps in wanted.items():
        people = next(r.people for r in evaluation.recordings if r.name == recording)
        for stamp_ns in sorted(stamps):
            image = images(recording, stamp_ns)
            for index, frame in stamps[stamp_ns] if image is not None else ():
                person_id = mistakes[index].person_id
                tile = _tile(image, frame, regions[index], person_id)
                judged = _judged(people, person_id, stamp_ns, evaluation.class_names)
                tiles[index].append(replace(tile, judged=judged[0], probability=judged[1]))
    return tuple(Strip(mistake, tuple(tiles[i])) for i, mistake in enumerate(mistakes))


def _moments(frames: Sequence[SkeletonFrame]) -> list[SkeletonFrame]:
    """TILES of them, evenly spread in time, first and last included."""
    ordered = sorted(frames, key=lambda frame: frame.stamp_ns)
    if len(ordered) <= TILES:
        return ordered
    stamps = np.array([frame.stamp_ns for frame in ordered])
    aims = np.linspace(stamps[0], stamps[-1], TILES)
    nearest = np.abs(stamps[None] - aims[:, None]).argmin(axis=1)
    return [ordered[i] for i in np.unique(nearest).tolist()]


def _of_person(frame: SkeletonFrame, person_id: int) -> list[Skeleton]:
    return [skeleton for skeleton in frame.skeletons if skeleton.track_id == person_id]


def _region(frames: Sequence[SkeletonFrame], person_id: int) -> Region:
    """x, y, width, height in pixels: around the person in all frames; the whole image without."""
    height, width = frames[0].image_size
    boxes = [s.bbox.astype(float) for frame in frames for s in _of_person(frame, person_id)]
    if not boxes:
        return _fit(0.0, 0.0, float(width), float(height), (width, height))
    left, top = np.min([box[:2] for box in boxes], axis=0)
    right, bottom = np.max([box[:2] + box[2:] for box in boxes], axis=0)
    edge = _MARGIN * max(right - left, bottom - top)
    return _fit(left - edge, top - edge, right + edge, bottom + edge, (width, height))


def _fit(
    left: float, top: float, right: float, bottom: float, size: tuple[int, int]
) -> Region:  # fmt: skip
    """The box made less extreme than _ASPECT allows, inside an image of size (width, height)."""
    width, height = max(right - left, 32.0), max(bottom - top, 32.0)
    wide = max(width, _ASPECT[0] * height)
    tall = max(height, wide / _ASPECT[1])
    wide, tall = min(wide, float(size[0])), min(tall, float(size[1]))
    x = float(np.clip((left + right - wide) / 2, 0.0, size[0] - wide))
    y = float(np.clip((top + bottom - tall) / 2, 0.0, size[1] - tall))
    return x, y, wide, tall


def _tile(image: Image | None, frame: SkeletonFrame, region: Region, person_id: int) -> Tile:
    if image is None:
        raise ValueError("a tile needs an image")
    height, width = frame.image_size
    if image.shape[:2] != (height, width):  # skeletons of a scaled copy
        image = np.asarray(cv2.resize(image, (width, height)), np.uint8)
    x, y, wide, tall = region
    size = max(1, round(_HEIGHT * wide / tall)), _HEIGHT
    part = image[int(y) : max(int(y) + 1, int(y + tall)), int(x) : max(int(x) + 1, int(x + wide))]
    shrink = part.shape[0] > _HEIGHT
    method = cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
    canvas: npt.NDArray[np.uint8] = np.ascontiguousarray(
        cv2.resize(part, size, interpolation=method), np.uint8
    )
    scale = np.array([size[0] / part.shape[1], size[1] / part.shape[0]], np.float32)
    origin = np.array([int(x), int(y)], np.float32)
    layout = get_layout(frame.layout)
    for skeleton in frame.skeletons:
        moved = ((skeleton.keypoints - origin) * scale).astype(np.float32)
        draw_skeleton(canvas, replace(skeleton, keypoints=moved), layout)
    _, data = cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return Tile(
        frame.stamp_ns, data.tobytes(), size[0], size[1], None, 0.0,
        bool(_of_person(frame, person_id)),
    )  # fmt: skip


def _judged(
    people: Sequence[JudgedPerson], person_id: int, stamp_ns: int, names: Sequence[str]
) -> tuple[str | None, float]:
    """The newest judgement of the person at most _STANDS_NS before: class and probability."""
    best: tuple[int, int, float] | None = None
    for person in people:
        row = int(np.searchsorted(person.stamps_ns, stamp_ns, "right")) - 1
        if person.person_id != person_id or row < 0:
            continue
        if stamp_ns - int(person.stamps_ns[row]) > _STANDS_NS:
            continue
        entry = (
            int(person.stamps_ns[row]), int(person.class_ids[row]), float(person.probabilities[row])
        )  # fmt: skip
        best = entry if best is None else max(best, entry)
    if best is None or best[1] < 0:
        return None, 0.0
    return names[best[1]], best[2]
