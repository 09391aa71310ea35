"""Clips: what is trained on and counted. A trimmed recording is one, each span of an untrimmed
one is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.types import FloatArray
from training.data.store import Store

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Clips:
    """N stretches of a store's samples, all arrays (N,).

    sample: number of the sample. first, stop: its frames first <= f < stop.
    label: number of the class, -1 = none. track_id: the person it is about, -1 = anybody.
    """

    sample: IntArray
    first: IntArray
    stop: IntArray
    label: IntArray
    track_id: IntArray

    def __len__(self) -> int:
        return len(self.sample)

    def __getitem__(self, chosen: npt.NDArray[Any] | slice) -> Clips:
        return Clips(
            self.sample[chosen], self.first[chosen], self.stop[chosen], self.label[chosen],
            self.track_id[chosen],
        )  # fmt: skip


def sample_clips(store: Store) -> Clips:
    """Every sample as one clip from its first to its last frame."""
    count = len(store)
    return Clips(
        np.arange(count, dtype=np.int64),
        np.zeros(count, np.int64),
        store.samples["num_frames"].astype(np.int64),
        store.samples["label"].astype(np.int64),
        np.full(count, -1, np.int64),
    )


def span_clips(store: Store) -> Clips:
    """Every span of every sample as one clip: the frames whose stamps lie in it."""
    samples, spans = store.samples, store.spans
    owner = np.repeat(np.arange(len(store), dtype=np.int64), samples["num_spans"])
    first = np.zeros(len(owner), np.int64)
    stop = np.zeros(len(owner), np.int64)
    for number in np.unique(owner):
        record = samples[number]
        begin = int(record["first_frame"])
        stamps = store.stamps[begin : begin + int(record["num_frames"])]
        mine = slice(int(record["first_span"]), int(record["first_span"] + record["num_spans"]))
        first[mine] = np.searchsorted(stamps, spans["start_ns"][mine], side="left")
        stop[mine] = np.searchsorted(stamps, spans["end_ns"][mine], side="right")
    return Clips(
        owner, first, stop, spans["label"].astype(np.int64), spans["track_id"].astype(np.int64)
    )


def all_clips(store: Store) -> Clips:
    """The spans of untrimmed samples, every other sample whole; in the order of the samples."""
    whole, parts = sample_clips(store), span_clips(store)
    whole = whole[store.samples["num_spans"] == 0]
    order = np.argsort(np.concatenate([whole.sample, parts.sample]), kind="stable")
    joined = [
        np.concatenate([getattr(whole, name), getattr(parts, name)])[order]
        for name in ("sample", "first", "stop", "label", "track_id")
    ]
    return Clips(*joined)


def clip_frames(store: Store, clips: Clips, number: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Stamps (F,), keypoints (F, K, C) and scores (F, K) of the person that a clip is about, or of
    the sample's first; 0 in frames in which that person is not in view."""
    sample = store.sample(int(clips.sample[number]))
    track = int(clips.track_id[number])
    who = next((p for p in sample.people if p.track_id == track), None)
    first, stop = int(clips.first[number]), int(clips.stop[number])
    keypoints = np.zeros((stop - first, *store.keypoints.shape[1:]), np.float32)
    scores = np.zeros(keypoints.shape[:2], np.float32)
    if sample.people:
        person = sample.people[0] if track < 0 or who is None else who
        there = slice(
            max(first, person.first_frame), min(stop, person.first_frame + len(person.scores))
        )
        if there.start < there.stop:
            own = slice(there.start - person.first_frame, there.stop - person.first_frame)
            here = slice(there.start - first, there.stop - first)
            keypoints[here], scores[here] = person.keypoints[own], person.scores[own]
    return sample.stamps_ns[first:stop], keypoints, scores
