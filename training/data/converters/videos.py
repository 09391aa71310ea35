"""Videos -> keypoints with any pose estimator of `bharnet_ros.pose`, people told apart."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import Image, Skeleton
from training.data.converters.base import Item
from training.data.sample import FIELDS, Person, Sample, SampleSkipped
from training.data.sheet import DataSheet

SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg")


@dataclass(frozen=True)
class VideoConverter:
    """input: a video, or a folder of them. labels: CSV file with the columns file, class and any
    of the sample fields; without it a video's class is the name of its folder below input, and
    there is none for videos that lie in input itself. backend, options: of
    `create_pose_estimator`. max_people, min_frames: the people of a video that are kept at most,
    and the shortest time they must have been seen."""

    lazy: ClassVar[bool] = False
    input: Path
    labels: Path | None = None
    backend: str = "mediapipe"
    options: Mapping[str, Any] = field(default_factory=dict)
    max_people: int = 2
    min_frames: int = 5
    license: str = "your own recordings"
    dataset: str = "videos"

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        if self.max_people < 1 or self.min_frames < 1:
            raise ConfigurationError(
                f"--people is {self.max_people}, --min-frames {self.min_frames}; give 1 or more."
            )
        estimator = create_pose_estimator(self.backend, **self.options)
        layout = estimator.layout
        estimator.close()
        return DataSheet(
            dataset=self.dataset,
            layout=layout,
            dims=2,
            unit="px",
            stamps="measured",
            class_names=(),
            open_classes=True,
            license=self.license,
            provenance=f"videos, keypoints by the pose backend {self.backend}",
            converter="extract",
            options={
                "backend": self.backend, **self.options, "max_people": self.max_people,
                "min_frames": self.min_frames,
            },
        )  # fmt: skip

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        if self.input.is_file():
            paths = [self.input]
        else:
            found = self.input.rglob("*") if self.input.is_dir() else iter(())
            paths = sorted(p for p in found if p.suffix.lower() in SUFFIXES)
        if not paths:
            raise ConfigurationError(
                f"{self.input} holds no video ({', '.join(SUFFIXES)}); check --input."
            )
        root = self.input if self.input.is_dir() else self.input.parent
        names = [path.relative_to(root).as_posix() for path in paths]
        missing = set(self._rows) - set(names)
        if missing and self.input.is_dir():
            raise ConfigurationError(
                f"{self.labels} names videos that are not in {root}: "
                f"{', '.join(sorted(missing)[:5])}."
            )
        yield from map(Item, names, paths)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        estimator = self._estimator
        estimator.reset()
        tracker = Tracker()
        stamps: list[int] = []
        tracks: dict[int, dict[int, Skeleton]] = defaultdict(dict)
        size = (0, 0)
        for stamp_ns, image in video_frames(item.handle):
            size = (int(image.shape[0]), int(image.shape[1]))
            try:
                seen = tracker.update(estimator.estimate(image, stamp_ns))
            except BharnetError as error:
                raise SampleSkipped("corrupt", str(error)) from error
            for skeleton in seen.skeletons:
                tracks[skeleton.track_id][len(stamps)] = skeleton
            stamps.append(stamp_ns)
        if not stamps:
            raise SampleSkipped("corrupt", "it cannot be opened, or has no frame")
        long = {t: frames for t, frames in tracks.items() if len(frames) >= self.min_frames}
        if not long:
            raise SampleSkipped("empty", f"nobody was seen for {self.min_frames} frames")
        ranked = sorted(long, key=lambda track: (-_size_over_time(long[track]), track))
        row = self._rows.get(item.source, {})
        folder = Path(item.source).parent.as_posix()
        return Sample(
            source=item.source,
            stamps_ns=np.array(stamps, np.int64),
            people=tuple(_person(t, long[t]) for t in ranked[: self.max_people]),
            class_name=row.get("class", "") if self.labels else folder.strip("."),
            fields={name: row[name] for name in FIELDS if row.get(name)},
            image_size=size,
        )

    @cached_property
    def _estimator(self) -> PoseEstimator:
        return create_pose_estimator(self.backend, **self.options)

    @cached_property
    def _rows(self) -> dict[str, dict[str, str]]:
        if self.labels is None:
            return {}
        try:
            with self.labels.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                columns = set(reader.fieldnames or ())
                rows = {row.get("file") or "": row for row in reader}
        except (OSError, ValueError, csv.Error) as error:
            raise ConfigurationError(f"--labels {self.labels} cannot be read: {error}.") from error
        if not {"file", "class"} <= columns or columns - {"file", "class", *FIELDS}:
            raise ConfigurationError(
                f"--labels {self.labels} has the columns {', '.join(sorted(columns))}; it needs "
                f"file and class, and may have {', '.join(FIELDS)}."
            )
        return rows


def video_frames(path: Path) -> Iterator[tuple[int, Image]]:
    """Stamp and image of every frame; what a damaged video still gives."""
    import cv2

    video = cv2.VideoCapture(str(path))
    try:
        rate = float(video.get(cv2.CAP_PROP_FPS))
        rate = rate if 1.0 <= rate <= 1000.0 else 30.0  # not noted in the file
        last = -1
        while True:
            more, image = video.read()
            if not more:
                return
            stamp_ns = round(float(video.get(cv2.CAP_PROP_POS_MSEC)) * 1e6)  # of what was read
            if last >= 0 and stamp_ns <= last:  # containers without times of their own
                stamp_ns = last + round(1e9 / rate)
            last = stamp_ns
            yield stamp_ns, np.asarray(image, np.uint8)
    finally:
        video.release()


def _size_over_time(frames: Mapping[int, Skeleton]) -> float:
    """Pixels times frames: who is large and stays long matters most."""
    return float(sum(s.bbox[2] * s.bbox[3] for s in frames.values()))


def _person(track_id: int, frames: Mapping[int, Skeleton]) -> Person:
    first, last = min(frames), max(frames)
    count = len(frames[first].scores)
    keypoints = np.zeros((last - first + 1, count, 2), np.float32)
    scores = np.zeros((last - first + 1, count), np.float32)
    for number, skeleton in frames.items():
        keypoints[number - first] = skeleton.keypoints
        scores[number - first] = skeleton.scores
    return Person(keypoints, scores, first, track_id)
