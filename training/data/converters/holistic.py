"""Arrays of MediaPipe Holistic, 258 numbers a frame: pose 33 x (x, y, z, visibility), left hand
21 x (x, y, z), right hand 21 x (x, y, z), normalised to the image; an absent part is all zeros.

The layout of traduttore/traduttore-model. File: `.npz` with x (N, T, 258) and meta (N, 5): class,
sequence, committer, commit, date.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout, mediapipe_to_coco
from bharnet_ros.types import FloatArray
from training.data.converters.base import Item
from training.data.sample import Person, Sample, SampleSkipped, nominal_stamps
from training.data.sheet import DataSheet

NUMBERS = 33 * 4 + 2 * 21 * 3
LAYOUTS = ("coco_body_hands_59", "coco_wholebody_133", "mediapipe_holistic")


@dataclass(frozen=True)
class HolisticConverter:
    """input: the `.npz` file. layout: one of `LAYOUTS`. depth: keep z (only in MediaPipe's own
    layout), in pixels like x. image_size: height and width the coordinates are shares of.
    rate_hz: frames a second, as far as known. dataset: the store's short name."""

    lazy: ClassVar[bool] = False
    input: Path
    layout: str = "coco_body_hands_59"
    depth: bool = False
    image_size: tuple[int, int] = (480, 640)
    rate_hz: float = 15.0
    dataset: str = "traduttore"

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        if self.layout not in LAYOUTS or (self.depth and self.layout != LAYOUTS[2]):
            raise ConfigurationError(
                f"--layout is {self.layout}, --depth {self.depth}; use one of "
                f"{', '.join(LAYOUTS)}, and --depth only with {LAYOUTS[2]}."
            )
        if not self.rate_hz > 0.0 or min(self.image_size) < 1:
            raise ConfigurationError(
                f"--rate is {self.rate_hz}, --image-size {self.image_size}; both must be above 0."
            )
        return DataSheet(
            dataset=self.dataset,
            layout=self.layout,
            dims=3 if self.depth else 2,
            unit="px",
            stamps="nominal",
            class_names=tuple(sorted({str(name) for name in self._arrays[1][:, 0]})),
            license="MIT" if self.dataset == "traduttore" else "as its source says",
            provenance="MediaPipe Holistic arrays"
            + (" of traduttore/traduttore-model" if self.dataset == "traduttore" else ""),
            converter="mediapipe_holistic",
            options={
                "layout": self.layout, "depth": self.depth, "image_size": list(self.image_size),
                "rate_hz": self.rate_hz,
            },
            notes=(
                f"the frame rate is not recorded; {self.rate_hz:g} Hz is assumed",
                "hands have no score of their own: 1 where there is a hand",
            ),
        )  # fmt: skip

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        for number, (name, sequence, _, commit, _) in enumerate(self._arrays[1]):
            yield Item(f"{name}/{commit}/{sequence}#{number}", number)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        values, meta = self._arrays
        name, _, committer, commit, _ = map(str, meta[item.handle])
        frames = values[item.handle]
        if not np.isfinite(frames).all():
            raise SampleSkipped("corrupt", "numbers that are not finite")
        keypoints, scores = self._keypoints(frames)
        return Sample(
            source=item.source,
            stamps_ns=nominal_stamps(len(frames), self.rate_hz),
            people=(Person(keypoints, scores),),
            class_name=name,
            fields={"subject": committer, "group": commit},
            image_size=self.image_size,
        )

    def _keypoints(self, frames: FloatArray) -> tuple[FloatArray, FloatArray]:
        height, width = self.image_size
        # z of MediaPipe is measured in image widths, like x.
        unit = np.array([width, height, width][: 3 if self.depth else 2], np.float32)
        pose = frames[:, :132].reshape(-1, 33, 4)
        hands = frames[:, 132:].reshape(-1, 2, 21, 3)
        points, visible = pose[..., : len(unit)] * unit, pose[..., 3]
        hand_points = hands[..., : len(unit)] * unit
        present: FloatArray = (hands != 0.0).any(axis=(2, 3))[..., None].astype(np.float32)
        # present: (F, 2, 1)
        if self.layout == LAYOUTS[2]:
            hand_scores = np.repeat(present, 21, axis=2)
            return (
                np.concatenate([points, hand_points[:, 0], hand_points[:, 1]], axis=1),
                np.concatenate([visible, hand_scores[:, 0], hand_scores[:, 1]], axis=1),
            )
        keypoints, scores = mediapipe_to_coco(
            points, visible, hand_points[:, 0], present[:, 0], hand_points[:, 1], present[:, 1]
        )
        if self.layout == LAYOUTS[0]:
            coco = get_layout("coco_wholebody_133")
            kept = np.concatenate([np.arange(17), coco.left_hand_indices, coco.right_hand_indices])
            keypoints, scores = keypoints[:, kept], scores[:, kept]
        return keypoints, scores

    @cached_property
    def _arrays(self) -> tuple[FloatArray, npt.NDArray[Any]]:
        try:
            with np.load(self.input, allow_pickle=False) as data:
                values, meta = data["x"].astype(np.float32), data["meta"]
            if meta.dtype.kind == "S":  # str() of bytes would put b'...' around every name
                meta = np.char.decode(meta, "utf-8")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ConfigurationError(
                f"{self.input} is no .npz file with x and meta ({error}); check --input."
            ) from error
        if values.ndim != 3 or values.shape[2] != NUMBERS or meta.shape != (len(values), 5):
            raise ConfigurationError(
                f"{self.input} has x {values.shape} and meta {meta.shape}; expected "
                f"(N, T, {NUMBERS}) and (N, 5)."
            )
        return values, meta
