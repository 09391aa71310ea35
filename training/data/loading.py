"""Batches from a store: ragged clips to T steps, a whole batch with a few array operations.

Sampling as in CTR-GCN (Chen et al., ICCV 2021): a random 50 to 100 % of the clip in training, the
middle 95 % otherwise, resampled to T steps by straight lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.augment import time_warp
from training.data.clips import Clips
from training.data.store import Store

IntArray = npt.NDArray[np.int64]
SAMPLINGS = ("even", "random")
ANCHORS = ("inside", "end")


@dataclass(frozen=True)
class LoaderConfig:
    """num_steps: T. people: M of a clip, those the store puts first. crop: shares of the clip's
    time that training windows span. centre_share: the share in the middle that others span.
    sampling: training steps are evenly spaced, or at random sorted times (the recipe for
    Northwestern-UCLA). warp: 0..1, how unevenly time passes in training. anchor: "inside" takes
    windows from anywhere in a clip, "end" those that end with it, for clips whose label is about
    their last moment."""

    num_steps: int = 64
    batch_size: int = 64
    people: int = 1
    crop: tuple[float, float] = (0.5, 1.0)
    centre_share: float = 0.95
    sampling: str = "even"
    warp: float = 0.0
    anchor: str = "inside"

    def __post_init__(self) -> None:
        low, high = self.crop
        if min(self.num_steps, self.batch_size, self.people) < 1:
            raise ConfigurationError(
                f"num_steps is {self.num_steps}, batch_size {self.batch_size}, people "
                f"{self.people}; each must be 1 or more."
            )
        if not (0.0 < low <= high <= 1.0 and 0.0 < self.centre_share <= 1.0):
            raise ConfigurationError(
                f"crop is {self.crop} and centre_share {self.centre_share}; both are shares of a "
                "clip, above 0 and up to 1, crop from low to high."
            )
        if self.sampling not in SAMPLINGS or not 0.0 <= self.warp < 1.0:
            raise ConfigurationError(
                f"sampling is {self.sampling!r} and warp {self.warp}; use one of "
                f"{', '.join(SAMPLINGS)}, and a warp from 0 to below 1."
            )
        if self.anchor not in ANCHORS:
            raise ConfigurationError(
                f"anchor is {self.anchor!r}; it must be one of {', '.join(ANCHORS)}."
            )


@dataclass(frozen=True, eq=False)
class Batch:
    """keypoints (N, M, T, K, C) and scores (N, M, T, K) float32, 0 where missing; label (N,);
    clip (N,) numbers of the clips; duration_s (N,) seconds each window spans. sample, track_id
    (N,): whose recording it is, as in `Clips`; start_ns, end_ns (N,): stamps of the window there.
    """

    keypoints: FloatArray
    scores: FloatArray
    label: IntArray
    clip: IntArray
    duration_s: npt.NDArray[np.float64]
    sample: IntArray
    track_id: IntArray
    start_ns: IntArray
    end_ns: IntArray


class BatchLoader:
    """Batches of clips of a store.

    training: shuffled and cropped at random, every batch a function of the seed and its number
    alone, so that a run can be repeated and continued; numbers go on over the epochs. Otherwise
    every clip once, in order, from its middle.
    """

    def __init__(
        self, store: Store, clips: Clips, config: LoaderConfig, training: bool, seed: int = 0
    ) -> None:
        if not len(clips):
            raise ConfigurationError("There is no clip to load; check the protocol and the store.")
        if (clips.stop <= clips.first).any():
            raise ConfigurationError("There are clips without a frame; `split_clips` leaves none.")
        self._store = store
        self._config = config
        self._training = training
        self._seed = seed
        self._clips = clips
        self._label = clips.label
        self._num_frames = clips.stop - clips.first
        self._first_stamp = store.samples["first_frame"][clips.sample] + clips.first
        self._steady = store.sheet.stamps == "nominal"
        self._keypoints = store.keypoints.reshape(len(store.keypoints), -1)
        self._index_people(store, clips)

    def _index_people(self, store: Store, clips: Clips) -> None:
        """For every clip and person: row of the clip's first frame, and the rows there are."""
        most = self._config.people
        samples = store.samples[clips.sample]
        slot = np.arange(most)
        number = samples["first_instance"][:, None] + slot  # (N, M)
        there = slot < samples["num_instances"][:, None]
        for clip in np.flatnonzero(clips.track_id >= 0):  # the person it is about goes first
            begin = int(samples["first_instance"][clip])
            mine = store.instances[begin : begin + int(samples["num_instances"][clip])]
            order = np.argsort(mine["track_id"] != clips.track_id[clip], kind="stable")[:most]
            number[clip, : len(order)] = begin + order
        entries = store.instances[np.where(there, number, 0)]
        self._row = entries["first_row"] + clips.first[:, None] - entries["first_frame"]
        self._low = entries["first_row"]
        self._high = np.where(there, entries["first_row"] + entries["num_frames"], self._low)

    @property
    def num_clips(self) -> int:
        """Clips of an epoch."""
        return len(self._label)

    def __len__(self) -> int:
        """Batches of an epoch."""
        return -(-self.num_clips // self._config.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        """One epoch; of training: the first."""
        return map(self.batch, range(len(self)))

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch of training."""
        return map(self.batch, range(number * len(self), (number + 1) * len(self)))

    def batch(self, number: int) -> Batch:
        """A batch by its number, from 0 on; the last one of an epoch may be smaller."""
        epoch, place = divmod(number, len(self))
        part = slice(place * self._config.batch_size, (place + 1) * self._config.batch_size)
        if not self._training:
            return self.windows(np.arange(self.num_clips)[part], None)
        order = np.random.default_rng([self._seed, 0, epoch]).permutation(self.num_clips)
        return self.windows(order[part], np.random.default_rng([self._seed, 1, number]))

    def windows(self, chosen: IntArray, rng: np.random.Generator | None) -> Batch:
        """A window of each chosen clip; from its middle without a generator."""
        share = self._times(len(chosen), rng)  # (B, T) of the clip's time
        position, span_ns = self._positions(chosen, share)
        keypoints, scores = self._between_frames(chosen, position)
        clips = self._clips
        seconds = np.asarray((span_ns[:, 1] - span_ns[:, 0]) * 1e-9, np.float64)
        return Batch(
            keypoints, scores, self._label[chosen], chosen, seconds, clips.sample[chosen],
            clips.track_id[chosen], span_ns[:, 0], span_ns[:, 1],
        )  # fmt: skip

    def _times(self, count: int, rng: np.random.Generator | None) -> npt.NDArray[np.float64]:
        config = self._config
        if rng is None:
            length = np.full(count, config.centre_share)
            begin = (1.0 - length) / 2
        else:
            length = rng.uniform(*config.crop, count)
            begin = rng.uniform(0.0, 1.0, count) * (1.0 - length)
        if config.anchor == "end":
            begin = 1.0 - length
        steps = config.num_steps
        even = np.linspace(0.0, 1.0, steps) if steps > 1 else np.array([0.5])
        inner = np.broadcast_to(even, (count, steps))
        if rng is not None and config.sampling == "random":
            inner = np.sort(rng.random((count, steps)), axis=1)
        if rng is not None and config.warp > 0.0:
            inner = time_warp(inner, config.warp, rng)
        times: npt.NDArray[np.float64] = begin[:, None] + inner * length[:, None]
        return times

    def _positions(
        self, chosen: IntArray, share: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], IntArray]:
        """(B, T) positions in frames, with fractions, and (B, 2) stamps of first and last."""
        first, last = self._first_stamp[chosen], self._num_frames[chosen] - 1
        stamps = self._store.stamps
        length_ns = (stamps[first + last] - stamps[first])[:, None]
        span_ns = stamps[first][:, None] + np.rint(length_ns * share[:, [0, -1]]).astype(np.int64)
        position = share * last[:, None]
        if not self._steady:
            for row, (begin, end) in enumerate(zip(first, first + last + 1, strict=True)):
                seconds = (stamps[begin:end] - stamps[begin]) * 1e-9
                position[row] = np.interp(
                    share[row] * seconds[-1], seconds, np.arange(len(seconds))
                )
        return position, span_ns

    def _between_frames(
        self, chosen: IntArray, position: npt.NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray]:
        """Values (B, M, T, K, C) and (B, M, T, K) between the frames before and after.

        Where only one of both has the keypoint it counts for the half of the time nearer to it.
        """
        steps, (count, dims) = position.shape[1], self._store.keypoints.shape[1:]
        present = self._high[chosen] > self._low[chosen]  # (B, M); nothing is done for nobody
        clip, person = np.nonzero(present)
        rows = self._row[chosen[clip], person][:, None]  # (P, 1)
        limits = self._low[chosen[clip], person], self._high[chosen[clip], person]
        before = position.astype(np.int64)
        after = np.minimum(before + 1, self._num_frames[chosen][:, None] - 1)
        weight = (position - before).astype(np.float32)[clip, :, None]  # (P, T, 1)
        old, old_scores = self._rows(rows + before[clip], *limits)
        new, new_scores = self._rows(rows + after[clip], *limits)
        both = (old_scores > 0.0) & (new_scores > 0.0)
        if not both.all():
            weight = np.where(both, weight, np.rint(weight))
        new_scores -= old_scores
        new_scores *= weight
        new_scores += old_scores
        new -= old
        new.reshape(*new.shape[:2], count, dims)[...] *= weight[..., None]
        new += old
        shape = (*present.shape, steps, count)
        if present.all():
            return new.reshape(*shape, dims), new_scores.reshape(shape)
        keypoints, scores = np.zeros((*shape, dims), np.float32), np.zeros(shape, np.float32)
        keypoints[present] = new.reshape(-1, *shape[2:], dims)
        scores[present] = new_scores
        return keypoints, scores

    def _rows(self, row: IntArray, low: IntArray, high: IntArray) -> tuple[FloatArray, FloatArray]:
        """Keypoints (P, T, K * C) and scores (P, T, K) of rows (P, T); 0 outside of low to high."""
        outside = (row < low[:, None]) | (row >= high[:, None])
        # mode: NumPy copies less when it need not check.
        keypoints = self._keypoints.take(row, axis=0, mode="clip")
        scores = self._store.scores.take(row, axis=0, mode="clip")
        if outside.any():
            keypoints[outside] = 0.0
            scores[outside] = 0.0
        return keypoints, scores
