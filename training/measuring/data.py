"""The real data, as arrays: landmarks, photographs, clips. Nothing of it is in the repository."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray, Image

DEFAULT = Path("../shared/data")
HANDS = "hand_gestures"
LANDMARKS = f"{HANDS}/hagrid_landmarks_1200x21x3.npz"
HAND_SHAPES = f"{HANDS}/hand_shapes_7421x21x2.npz"
DIGITS = f"{HANDS}/digits_1030.zip"
PHOTOGRAPHS = f"{HANDS}/hagrid_images"
CLIPS = "videos"
SIGNING = "msl150_*.mp4"
DIGIT_PAD = 1.0
"""Border around a digit's photograph, in widths of it: there the hand fills the frame."""
TRAINING_PUPILS = 0.5
"""Share of the pupils, by number, whose digits 1 to 6 are for training."""

Labels = npt.NDArray[np.str_]


class DataMissing(ConfigurationError):
    """Data that are not on this machine; what needs them is skipped."""


@dataclass(frozen=True, eq=False)
class Hands:
    """Single hands: points (N, 21, 2), label (N,), source (N,) = who recorded it."""

    points: FloatArray
    label: Labels
    source: Labels

    def __len__(self) -> int:
        return len(self.label)

    def take(self, rows: npt.NDArray[Any]) -> Hands:
        """Those of a mask or of indices."""
        return Hands(self.points[rows], self.label[rows], self.source[rows])


@dataclass(frozen=True, eq=False)
class Photograph:
    """One picture: its name within the set, label, and image (H, W, 3) uint8 BGR."""

    name: str
    label: str
    image: Image


def find(root: Path, name: str) -> Path:
    """A file or folder of the data. Raises DataMissing that says where it was looked for."""
    path = root / name
    if not path.exists():
        raise DataMissing(f"{path} is not there; give the folder that holds it with --data.")
    return path


def load_landmarks(root: Path) -> Hands:
    """1,200 hands of HaGRID: x, y as shares of a photograph's width and height (0..1)."""
    with np.load(find(root, LANDMARKS), allow_pickle=False) as data:
        points, label = data["xyz"][..., :2].astype(np.float32), data["label"]
    return Hands(points, label, np.full(len(label), "hagrid"))


def load_hand_shapes(root: Path) -> Hands:
    """7,421 hands of nine recorders: x, y from the wrist, the largest of them 1."""
    with np.load(find(root, HAND_SHAPES), allow_pickle=False) as data:
        return Hands(data["xy"].astype(np.float32), data["label"], data["source"])


def photographs(root: Path) -> Iterator[Photograph]:
    """The HaGRID photographs, class by class."""
    import cv2

    folder = find(root, PHOTOGRAPHS)
    for path in sorted(folder.glob("*/*.jpg")):
        image = cv2.imread(str(path))
        if image is None:
            raise ConfigurationError(f"{path} cannot be read as an image; copy it again.")
        yield Photograph(f"{path.parent.name}/{path.name}", path.parent.name, np.asarray(image))


def digits(root: Path, wanted: Collection[str]) -> Iterator[Photograph]:
    """The wanted of the digits "0" to "9", each with a border of its own mean colour."""
    import cv2

    with zipfile.ZipFile(find(root, DIGITS)) as archive:
        for name in sorted(archive.namelist()):
            label = name.split("/")[0]
            if label not in wanted or not name.lower().endswith(".jpg"):
                continue
            raw = np.frombuffer(archive.read(name), np.uint8)
            image = cv2.imdecode(raw, cv2.IMREAD_COLOR)
            if image is None:
                raise ConfigurationError(f"{name} in {DIGITS} cannot be read as an image.")
            yield Photograph(name, label, padded(np.asarray(image), DIGIT_PAD))


def later_digits(
    root: Path, known: Collection[str], unknown: Collection[str]
) -> Iterator[Photograph]:
    """Digits to test with: of the known ones what the later pupils show, all of the unknown.

    The photographs are numbered pupil by pupil, and training may use the first pupils.
    """
    for digit in known:
        pictures = list(digits(root, (digit,)))
        yield from pictures[round(TRAINING_PUPILS * len(pictures)) :]
    yield from digits(root, unknown)


def padded(image: Image, share: float) -> Image:
    """A border of the picture's mean colour, `share` of its longer side wide, on all sides."""
    border = round(share * max(image.shape[:2]))
    height, width = image.shape[:2]
    result = np.empty((height + 2 * border, width + 2 * border, 3), np.uint8)
    result[:] = image.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    result[border : border + height, border : border + width] = image
    return result


def signing_clips(root: Path) -> list[Path]:
    """The sign-language clips."""
    found = sorted(find(root, CLIPS).glob(SIGNING))
    if not found:
        raise DataMissing(f"{root / CLIPS} holds no {SIGNING}; give another folder with --data.")
    return found
