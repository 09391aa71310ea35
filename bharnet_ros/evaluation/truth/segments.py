"""What people truly did, as somebody labelled it."""

from __future__ import annotations

from dataclasses import dataclass

Region = tuple[float, float, float, float]


@dataclass(frozen=True)
class LabelledSegment:
    """One action, from start to end.

    start_ns, end_ns: in the clock of the images' stamps. person: a number that stands for the
    same person in the whole recording; None = not said. region: where the person is, x, y,
    width, height in pixels of the image; None = not said.
    """

    start_ns: int
    end_ns: int
    label: str
    person: int | None = None
    region: Region | None = None


@dataclass(frozen=True)
class Labels:
    """Every labelled segment of one recording, by start.

    origin_ns: stamp of the recording's first image, from which files count seconds; None = they
    hold stamps. problems: sentences about what was put right while reading.
    """

    segments: tuple[LabelledSegment, ...] = ()
    origin_ns: int | None = None
    problems: tuple[str, ...] = ()
