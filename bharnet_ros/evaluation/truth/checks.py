"""What a label file says against the recording it speaks of."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from bharnet_ros.boxes import box_overlap
from bharnet_ros.evaluation.truth.fields import Entry, Place, Written
from bharnet_ros.evaluation.truth.segments import LabelledSegment, Labels

SLACK_NS = 500_000_000
"""Labelling tools let a segment end with the film, a little after its last image: cut, not
refused."""

SAME_REGION = 0.5
"""Intersection over union from which two regions are taken for one person."""


@dataclass(frozen=True)
class Span:
    """The time of a recording: stamps of its first and its last image."""

    start_ns: int
    end_ns: int


def checked(
    written: Written,
    place: Place,
    span: Span,
    class_names: Collection[str] | None,
    recording: str | None,
) -> Labels:
    """The labels of one recording. Raises LabelError for the first thing that cannot be."""
    origin = 0 if written.stamps else span.start_ns
    problems = list(written.problems)
    segments = []
    for entry in _chosen(written, place, recording):
        if class_names is not None:
            _check_class(entry, class_names)
        segments.append((entry, _placed(entry, origin, span, problems)))
    segments.sort(key=lambda pair: (pair[1].start_ns, pair[1].end_ns))
    _refuse_overlaps(segments, origin)
    return Labels(
        tuple(segment for _, segment in segments),
        None if written.stamps else span.start_ns,
        tuple(problems),
    )


def _chosen(written: Written, place: Place, recording: str | None) -> Iterable[Entry]:
    """Entries of the recording, where a file speaks of several."""
    if not written.recordings:
        return written.entries
    if recording is None and len(written.recordings) == 1:
        recording = written.recordings[0]
    if recording not in written.recordings:
        listed = ", ".join(f"'{name}'" for name in written.recordings[:10])
        raise place.error(
            f"there are no labels for the recording '{recording or ''}', only for {listed}",
            "rename it there, or give the file that labels it",
        )
    return [entry for entry in written.entries if entry.recording in (recording, "")]


def _check_class(entry: Entry, class_names: Collection[str]) -> None:
    if entry.label in class_names:
        return
    by_lower = {name.lower(): name for name in class_names}
    near = difflib.get_close_matches(entry.label.lower(), by_lower, 1)
    guess = f"did you mean '{by_lower[near[0]]}'? Else use" if near else "use"
    listed = ", ".join(sorted(class_names)[:40]) + (", ..." if len(class_names) > 40 else "")
    raise entry.place.error(
        f"the class '{entry.label}' is not known", f"{guess} one of {listed}"
    )


def _placed(entry: Entry, origin: int, span: Span, problems: list[str]) -> LabelledSegment:
    """The entry in the clock of the images, cut to the recording."""
    if entry.start_ns >= entry.end_ns:
        raise entry.place.error(
            f"'{entry.label}' starts at {_shown(entry.start_ns)} s and ends at "
            f"{_shown(entry.end_ns)} s",
            "let it end after its start",
        )
    start, end = entry.start_ns + origin, entry.end_ns + origin
    if (
        start < span.start_ns - SLACK_NS or end > span.end_ns + SLACK_NS
        or start >= span.end_ns or end <= span.start_ns
    ):  # fmt: skip
        first, last = span.start_ns - origin, span.end_ns - origin
        remedy = (
            "check that the labels are those of this recording"
            if origin
            else "check the stamps, or leave `clock: stamps` away if these are seconds since the "
            "first image"
        )
        raise entry.place.error(
            f"'{entry.label}' from {_shown(entry.start_ns)} s to {_shown(entry.end_ns)} s is "
            f"outside of the recording, which has images from {_shown(first)} s to "
            f"{_shown(last)} s",
            remedy,
        )
    if start < span.start_ns or end > span.end_ns:
        problems.append(
            f"{entry.place.file}:{entry.place.line}: '{entry.label}' reaches beyond the images "
            "and was cut to them."
        )
    start, end = max(start, span.start_ns), min(end, span.end_ns)
    return LabelledSegment(start, end, entry.label, entry.person, entry.region)


def _refuse_overlaps(segments: list[tuple[Entry, LabelledSegment]], origin: int) -> None:
    """One person does one thing at a time. segments: by start."""
    running: list[tuple[Entry, LabelledSegment]] = []
    for entry, segment in segments:
        running = [(e, s) for e, s in running if s.end_ns > segment.start_ns]
        for other, before in running:
            if same_person(before, segment):
                who = f"person {segment.person}" if segment.person is not None else "one person"
                raise entry.place.error(
                    f"'{segment.label}' from {_shown(segment.start_ns - origin)} s overlaps "
                    f"'{before.label}' of line {other.place.line}, which lasts until "
                    f"{_shown(before.end_ns - origin)} s, and both are of {who}",
                    "shorten one of them, or say with `person` who does which",
                )
        running.append((entry, segment))


def same_person(a: LabelledSegment, b: LabelledSegment) -> bool:
    """Whether two segments are of one person: by its number on both, else by their regions."""
    if a.person is not None and b.person is not None:
        return a.person == b.person
    if a.region is not None and b.region is not None:
        return bool(box_overlap(np.array(a.region), np.array(b.region)) >= SAME_REGION)
    return a.person is None and b.person is None and a.region is None and b.region is None


def _shown(value_ns: int) -> str:
    return f"{value_ns / 1e9:.3f}".rstrip("0").rstrip(".")
