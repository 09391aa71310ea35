"""Keypoint sequences with the times of their gestures: one `.npz` file per film.

A file holds arrays of numbers and one JSON text, nothing that could run. Files are written
beside their final name and moved into place, so a file that exists is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.files import DAMAGED, damage, writing


class GestureSpan(NamedTuple):
    """A gesture from its onset to the end of its release.

    arrived_ns, released_ns: when the hand is there, and when it leaves; -1 where nobody knows.
    """

    class_name: str
    start_ns: int
    end_ns: int
    arrived_ns: int = -1
    released_ns: int = -1


@dataclass(frozen=True, eq=False)
class KeypointSequence:
    """What an estimator saw of one person, and what the person did.

    stamps_ns: (F,) int64, rising. keypoints: (F, K, 2) float32 px. scores: (F, K) float32, all
    0 in frames in which the person was not found. truth: (F, K, 2) float32 px, exact positions,
    NaN where not visible; (0, K, 2) when nobody knows them. spans: in time order.
    info: plain data about who was filmed and how.
    """

    layout: str
    stamps_ns: npt.NDArray[np.int64]
    keypoints: FloatArray
    scores: FloatArray
    truth: FloatArray
    spans: tuple[GestureSpan, ...]
    info: dict[str, Any]

    @property
    def duration_s(self) -> float:
        """From the first to the last frame."""
        return float(self.stamps_ns[-1] - self.stamps_ns[0]) / 1e9


def save_sequence(path: Path, sequence: KeypointSequence) -> None:
    """Write one file, whole or not at all; `ConfigurationError` if it cannot be written."""
    text = json.dumps(
        {
            "layout": sequence.layout,
            "spans": [list(span) for span in sequence.spans],
            "info": sequence.info,
        },
        sort_keys=True,
    )
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            np.savez_compressed(
                file,
                stamps_ns=sequence.stamps_ns,
                keypoints=sequence.keypoints,
                scores=sequence.scores,
                truth=sequence.truth,
                description=np.frombuffer(text.encode(), np.uint8),
            )
        part.replace(path)


def load_sequence(path: Path) -> KeypointSequence:
    """Read one file; `ConfigurationError` names it if it is damaged or of another kind."""
    try:
        with np.load(path, allow_pickle=False) as data:
            description = json.loads(data["description"].tobytes())
            sequence = KeypointSequence(
                layout=description["layout"],
                stamps_ns=data["stamps_ns"],
                keypoints=data["keypoints"],
                scores=data["scores"],
                truth=data["truth"],
                spans=tuple(GestureSpan(*span) for span in description["spans"]),
                info=description["info"],
            )
    except DAMAGED as error:
        raise ConfigurationError(
            f"{path} is not a readable keypoint sequence ({damage(error)}); delete it and run "
            "`python -m training generate` again."
        ) from error
    frames = len(sequence.stamps_ns)
    if frames < 2 or sequence.scores.shape[0] != frames or len(sequence.keypoints) != frames:
        raise ConfigurationError(
            f"{path} has {frames} stamps, {len(sequence.keypoints)} keypoint frames and "
            f"{len(sequence.scores)} score frames; delete it and generate it again."
        )
    return sequence


def load_split(folder: Path, split: str, count: int) -> list[KeypointSequence]:
    """The first `count` films of one split, in the order of their numbers.

    `ConfigurationError` if there are fewer: a network must not be trained or measured on less
    than its configuration says without anybody noticing.
    """
    paths = sorted((folder / split).glob("*.npz"))[:count]
    if len(paths) < count or not paths:
        raise ConfigurationError(
            f"There are {len(paths)} films in {folder / split}, the configuration says {count}; "
            "run `python -m training generate` to make the others, or lower "
            f"data.splits.{split}.scenes."
        )
    return [load_sequence(path) for path in paths]


def content_hash(sequences: Iterable[KeypointSequence]) -> str:
    """SHA-256 of what the sequences hold; the same data give the same hash on any machine."""
    total = hashlib.sha256()
    for sequence in sequences:
        for array in (sequence.stamps_ns, sequence.keypoints, sequence.scores):
            total.update(np.ascontiguousarray(array).tobytes())
        total.update(json.dumps([list(span[:3]) for span in sequence.spans]).encode())
    return total.hexdigest()
