"""Drawn people read by a pose estimator, as windows to train on and sequences to check with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bharnet_ros.gestures import Vocabulary
from training.config import TrainingConfig, WindowConfig
from training.describing.batches import FilmedWindows
from training.describing.people import KEPT, ActingConfig, visible_s
from training.describing.transitions import transition_of
from training.labels import IGNORE
from training.sequences import KeypointSequence, load_split
from training.windowing import cut_window

STRIDE_S = 0.1


def load_films(config: TrainingConfig, folder: Path, split: str) -> list[KeypointSequence]:
    """The films of a split; `ConfigurationError` if they have not been made."""
    return load_split(folder, split, config.data.splits[split].scenes)


def filmed_windows(
    films: Sequence[KeypointSequence],
    vocabulary: Vocabulary,
    windows: WindowConfig,
    acting: ActingConfig | None = None,
) -> FilmedWindows:
    """Every labelled window of the films, by the rule of acted ones."""
    acting = acting or ActingConfig()
    points, scores, labels = [], [], []
    for film in films:
        stamps = film.stamps_ns
        first = int(stamps[0]) + round(windows.window_s * 0.5e9)
        grid = np.arange(first, int(stamps[-1]) + 1, round(STRIDE_S * 1e9))
        ends = stamps[np.unique(np.searchsorted(stamps, grid, side="right") - 1)]
        for end_ns, label in zip(
            ends, true_labels(ends, film, vocabulary, acting), strict=True
        ):
            if label == IGNORE:
                continue
            keypoints, weights = cut_window(film, int(end_ns), windows)
            points.append(keypoints[:, KEPT])
            scores.append(weights[:, KEPT])
            labels.append(label)
    return FilmedWindows(np.stack(points), np.stack(scores), np.array(labels, np.int64))


def true_labels(
    ends: np.ndarray[tuple[int], np.dtype[np.int64]],
    film: KeypointSequence,
    vocabulary: Vocabulary,
    acting: ActingConfig | None = None,
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """(N,) what windows of the film that end at these stamps (N,) ns are called: a class of the
    vocabulary, a transition, or IGNORE (see `label_samples`)."""
    acting = acting or ActingConfig()
    background = vocabulary.class_id(vocabulary.background)
    labels = np.full(len(ends), background, np.int64)
    after_ns = round(acting.after_s * 1e9)
    for span in film.spans:
        inside = (ends >= span.start_ns) & (ends <= span.end_ns + after_ns)
        passing = transition_of(vocabulary.class_id(span.class_name))
        labels[inside] = np.where(labels[inside] == background, passing, IGNORE)
    for span in film.spans:
        arrived = span.arrived_ns if span.arrived_ns >= 0 else span.start_ns
        released = span.released_ns if span.released_ns >= 0 else span.end_ns
        wait = min(
            round(visible_s(vocabulary[span.class_name], acting) * 1e9), (released - arrived) // 2
        )
        inside = (ends >= arrived + wait) & (ends <= released)
        labels[inside] = vocabulary.class_id(span.class_name)
    return labels
