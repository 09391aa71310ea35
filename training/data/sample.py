"""One recording in memory: what converters give, what the store keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import FloatArray

FIELDS = ("subject", "camera", "setup", "replication", "group")
"""What may be known of a recording. group: what was recorded together (a session, a commit)."""

REASONS = ("corrupt", "empty", "listed", "crashed", "unlabelled")
"""Why a source gave no sample: unreadable; nobody in it; on the dataset's own list of bad files;
killed the process that read it; nobody labelled it."""


class SampleSkipped(Exception):
    """A source that gives no sample; the run notes it and goes on. reason: one of `REASONS`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)  # both, so that it travels between processes
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, eq=False)
class Person:
    """One person over consecutive frames of a recording.

    first_frame: number of the recording's frame that keypoints[0] belongs to.
    keypoints: (F, K, C), C is 2 or 3; scores: (F, K), 0..1, 0 = missing.
    track_id: which person it is within the recording.
    """

    keypoints: FloatArray
    scores: FloatArray
    first_frame: int = 0
    track_id: int = 0


@dataclass(frozen=True)
class Span:
    """An action within an untrimmed recording; track_id -1: of whoever is in view."""

    class_name: str
    start_ns: int
    end_ns: int
    track_id: int = -1
    confidence: float = 1.0


@dataclass(frozen=True, eq=False)
class Sample:
    """A recording.

    source: unique within the store: the file it comes from, and what in it after a '#'.
    stamps_ns: (F,) int64, rising. people: the one who matters most first.
    class_name: what a trimmed recording shows; "" for an untrimmed or an unlabelled one.
    fields: values of `FIELDS`, where known. tags: names of official splits and the like.
    image_size: (height, width) in pixels of 2D keypoints; (0, 0) = not known.
    """

    source: str
    stamps_ns: npt.NDArray[np.int64]
    people: tuple[Person, ...]
    class_name: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    image_size: tuple[int, int] = (0, 0)


def nominal_stamps(frames: int, rate_hz: float) -> npt.NDArray[np.int64]:
    """(F,) stamps from 0 on for recordings that only say how many frames a second they have."""
    stamps: npt.NDArray[np.int64] = np.rint(np.arange(frames) * (1e9 / rate_hz)).astype(np.int64)
    return stamps
