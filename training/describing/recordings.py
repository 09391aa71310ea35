"""Real hands, where somebody has recorded some: keypoints of held hand shapes with a label.

One file format: an `.npz` with `xy` (N, 21, 2) keypoints of one hand each in any unit (square
pixels), `label` (N,) texts and `source` (N,) texts that tell who recorded it; what comes from
one source goes into one part of a split, because its rows are near copies of each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.describing.people import hand_indices
from training.files import DAMAGED, damage

Texts = npt.NDArray[np.str_]

MEANINGS: Mapping[str, str] = {
    "palm": "stop", "stop": "stop", "fist": "fist", "one": "point_up", "ok": "ok",
    "peace": "victory", "like": "thumbs_up", "dislike": "thumbs_down", "rock": "rock",
    "ily": "ily",
}  # fmt: skip
"""What public recordings call their shapes -> the gestures of the shipped vocabulary."""


@dataclass(frozen=True, eq=False)
class HandRecordings:
    """xy: (N, 21, 2) float32; label, source: (N,).

    unusable: rows of the files that are no hands and not among these.
    """

    xy: FloatArray
    label: Texts
    source: Texts
    unusable: int = 0

    def only(self, chosen: npt.NDArray[np.bool_]) -> HandRecordings:
        """The chosen rows (N,)."""
        return HandRecordings(self.xy[chosen], self.label[chosen], self.source[chosen])

    def renamed(self, meanings: Mapping[str, str], names: Sequence[str]) -> HandRecordings:
        """With the labels of a vocabulary; rows of none of `names` are left out."""
        label = np.array([meanings.get(str(each), str(each)) for each in self.label])
        kept = np.isin(label, list(names))
        return HandRecordings(self.xy[kept], label[kept], self.source[kept])

    @staticmethod
    def joined(parts: Sequence[HandRecordings]) -> HandRecordings:
        """All rows of several recordings."""
        return HandRecordings(
            np.concatenate([p.xy for p in parts]),
            np.concatenate([p.label for p in parts]),
            np.concatenate([p.source for p in parts]),
            sum(p.unusable for p in parts),
        )


def load_recordings(path: Path) -> HandRecordings:
    """Read a file; `ConfigurationError` says what is wrong with it. Nothing is unpickled."""
    try:
        with np.load(path, allow_pickle=False) as data:
            xy = np.asarray(data["xy"], np.float32)
            label, source = np.asarray(data["label"]), np.asarray(data["source"])
    except DAMAGED as error:
        raise ConfigurationError(
            f"{path} is no file of hand recordings ({damage(error)}); give an .npz with arrays xy "
            "(N, 21, 2), label and source (N,)."
        ) from error
    count = len(xy)
    if xy.shape != (count, 21, 2) or label.shape != (count,) or source.shape != (count,):
        raise ConfigurationError(
            f"{path} has xy {xy.shape}, label {label.shape}, source {source.shape}; they must be "
            "(N, 21, 2), (N,) and (N,)."
        )
    usable = np.isfinite(xy).all(axis=(1, 2)) & (np.ptp(xy, axis=1).max(axis=1) > 0)
    return HandRecordings(
        xy[usable], label.astype(str)[usable], source.astype(str)[usable], int((~usable).sum())
    )


class RecordingSampler:
    """Windows of recorded hands, held: by label, then by source, then by row, each as likely."""

    def __init__(
        self, recordings: HandRecordings, turn_deg: float = 60.0, aspect: float = 1.35
    ) -> None:
        self.labels = tuple(sorted({str(each) for each in recordings.label}))
        self._turn = np.radians(turn_deg)
        self._aspect = aspect
        span = np.linalg.norm(recordings.xy[:, 9] - recordings.xy[:, 0], axis=-1)
        self._xy = recordings.xy - recordings.xy[:, :1]
        self._xy = self._xy / np.maximum(span, 1e-6)[:, None, None] * np.float32(80.0)
        self._rows = {
            name: [
                np.flatnonzero((recordings.label == name) & (recordings.source == source))
                for source in sorted({str(s) for s in recordings.source[recordings.label == name]})
            ]
            for name in self.labels
        }

    def windows(
        self, names: Sequence[str], num_steps: int, rng: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """Pixels (N, T, 59, 2) and scores (N, T, 59) of one hand each, of either side."""
        n = len(names)
        rows = []
        for name in names:
            sources = self._rows[name]
            rows.append(int(rng.choice(sources[int(rng.integers(len(sources)))])))
        xy = self._xy[rows]
        angle = rng.uniform(-self._turn, self._turn, n)
        c, s = np.cos(angle), np.sin(angle)
        turn = np.stack([np.stack([c, -s], -1), np.stack([s, c], -1)], -2)
        stretch = np.exp(rng.uniform(-1, 1, (n, 2)) * np.log(self._aspect) / 2)
        stretch[:, 0] *= rng.choice([-1.0, 1.0], n)  # nobody knows which hand it was
        xy = (xy * stretch[:, None]) @ turn.swapaxes(1, 2)
        keypoints = np.zeros((n, num_steps, 59, 2), np.float32)
        scores = np.zeros((n, num_steps, 59), np.float32)
        hands = hand_indices()
        for row, side in enumerate(rng.integers(2, size=n)):
            keypoints[row][:, hands[side]] = xy[row]
            scores[row][:, hands[side]] = rng.uniform(0.7, 1.0)
        return keypoints, scores
