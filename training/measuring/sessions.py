"""Films as somebody would have recorded them: a bag for each person, with labels set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bharnet_ros.bags.write import BagWriter
from bharnet_ros.evaluation.truth import LabelledSegment, Labels, save_labels
from bharnet_ros.labelling.location import default_labels_path
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import SkeletonFrame
from training.replay import skeleton_frames
from training.sequences import GestureSpan, KeypointSequence

HAND_ERROR_S = 0.12
"""How far off people mark the beginning and the end of a gesture (standard deviation)."""
BEGUN_NS = 1_700_000_000_000_000_000


def record_sessions(films: Sequence[KeypointSequence], folder: Path, seed: int) -> list[Path]:
    """One bag for each film, named `<person>_1`, with `labels.csv` in it; those there are kept."""
    bags = []
    for number, film in enumerate(films):
        bag = folder / f"actor{film.info['actor']}_1"
        if not default_labels_path(bag).is_file():
            record_session(film, bag, np.random.default_rng([seed, number]))
        bags.append(bag)
    return bags


def record_session(film: KeypointSequence, bag: Path, rng: np.random.Generator) -> None:
    """What `ros2 bag record /skeletons` and a patient person with a stop watch leave."""
    tracker = Tracker()
    frames = [tracker.update(_moved(frame)) for frame in skeleton_frames(film)]
    with BagWriter(bag) as writer:
        for frame in frames:
            writer.skeletons("/skeletons", frame)
    first, last = frames[0].stamp_ns, frames[-1].stamp_ns
    segments: list[LabelledSegment] = []
    for span in film.spans:
        marked = _marked(span, first, last, rng)
        # Nobody marks two gestures of one person at the same time.
        first = max(first, marked.end_ns)
        if marked.end_ns > marked.start_ns:
            segments.append(marked)
    save_labels(default_labels_path(bag), Labels(tuple(segments), origin_ns=frames[0].stamp_ns))


def _moved(frame: SkeletonFrame) -> SkeletonFrame:
    return replace(frame, stamp_ns=frame.stamp_ns + BEGUN_NS)


def _marked(
    span: GestureSpan, first_ns: int, last_ns: int, rng: np.random.Generator
) -> LabelledSegment:
    start, end = (
        int(np.clip(BEGUN_NS + t + round(rng.normal(0.0, HAND_ERROR_S) * 1e9), first_ns, last_ns))
        for t in (span.start_ns, span.end_ns)
    )
    return LabelledSegment(start, end, span.class_name)
