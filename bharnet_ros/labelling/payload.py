"""The label list as the page sends it: strict JSON to segments, and back.

The page counts time in nanoseconds from the first image, whole numbers that JavaScript holds
exactly for a hundred days; files and the rest of the package count in image stamps.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import LabelledSegment
from bharnet_ros.evaluation.truth.checks import same_person
from bharnet_ros.evaluation.truth.fields import MAX_LABEL

MAX_SEGMENTS = 20_000
_MAX_TIME = 2**53
_MAX_PERSON = 10**9  # label files take nine digits
_MAX_PIXEL = 1e6
_MAX_VERSION = 100
_KEYS = {"start_ns", "end_ns", "label", "person", "region"}


def parse_change(body: bytes, origin_ns: int) -> tuple[str, tuple[LabelledSegment, ...]]:
    """The version that the page started from, and all segments it holds now, by start.

    Raises LabelError with a sentence.
    """
    data = _parse(body)
    if not isinstance(data, dict) or set(data) != {"version", "segments"}:
        raise LabelError('A change is {"version": ..., "segments": [...]} and nothing else.')
    version, rows = data["version"], data["segments"]
    if not isinstance(version, str) or not version or len(version) > _MAX_VERSION:
        raise LabelError("The version of a change is the text that came with the labels.")
    if not isinstance(rows, list):
        raise LabelError("The segments of a change are a list.")
    if len(rows) > MAX_SEGMENTS:
        raise LabelError(f"{len(rows)} segments are too many; one bag takes {MAX_SEGMENTS}.")
    segments = [_segment(row, number, origin_ns) for number, row in enumerate(rows, 1)]
    segments.sort(key=lambda s: (s.start_ns, s.end_ns, -1 if s.person is None else s.person))
    _refuse_overlaps(segments, origin_ns)
    return version, tuple(segments)


def to_json(segments: Sequence[LabelledSegment], origin_ns: int) -> list[dict[str, Any]]:
    """What `parse_change` reads."""
    return [
        {
            "start_ns": s.start_ns - origin_ns,
            "end_ns": s.end_ns - origin_ns,
            "label": s.label,
            "person": s.person,
            "region": None if s.region is None else list(s.region),
        }
        for s in segments
    ]


def _parse(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise LabelError(f"The change is no JSON ({type(error).__name__}).") from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _segment(row: Any, number: int, origin_ns: int) -> LabelledSegment:
    if not isinstance(row, dict) or set(row) != _KEYS:
        raise LabelError(f"Segment {number} needs exactly {', '.join(sorted(_KEYS))}.")
    start, end = (_whole(row, key, number, -_MAX_TIME, _MAX_TIME) for key in ("start_ns", "end_ns"))
    if start >= end:
        raise LabelError(f"Segment {number} starts at or after its end.")
    person = None
    if row["person"] is not None:
        person = _whole(row, "person", number, 0, _MAX_PERSON)
    return LabelledSegment(
        origin_ns + start, origin_ns + end, _label(row["label"], number), person,
        _region(row["region"], number),
    )  # fmt: skip


def _whole(row: dict[str, Any], key: str, number: int, low: int, high: int) -> int:
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < high:
        raise LabelError(f"{key} of segment {number} is no whole number from {low} to {high - 1}.")
    return value


def _label(value: Any, number: int) -> str:
    fine = isinstance(value, str) and value == value.strip() and 0 < len(value) <= MAX_LABEL
    if not fine or not value.isprintable():  # refuses line ends and lone surrogates, too
        raise LabelError(
            f"The class of segment {number} is no name: 1 to {MAX_LABEL} printable characters "
            "without spaces around them."
        )
    return str(value)


def _region(value: Any, number: int) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise LabelError(f"The region of segment {number} is [x, y, width, height] or null.")
    for part in value:
        if isinstance(part, bool) or not isinstance(part, int | float):
            raise LabelError(f"The region of segment {number} holds something else than numbers.")
        # Compared before it becomes a float: JSON's whole numbers have no bound.
        if not -_MAX_PIXEL <= part <= _MAX_PIXEL or not math.isfinite(part):
            raise LabelError(f"The region of segment {number} lies far outside of any image.")
    x, y, width, height = (float(part) for part in value)
    if width <= 0 or height <= 0:
        raise LabelError(f"The region of segment {number} has no area.")
    return x, y, width, height


def _refuse_overlaps(segments: Sequence[LabelledSegment], origin_ns: int) -> None:
    """One person does one thing at a time; who is one person is as whoever reads the file has it.

    segments: by start.
    """
    running: list[LabelledSegment] = []
    for segment in segments:
        running = [before for before in running if before.end_ns > segment.start_ns]
        for before in running:
            if same_person(before, segment):
                at = (segment.start_ns - origin_ns) / 1e9
                raise LabelError(
                    f"'{before.label}' and '{segment.label}' of one person overlap at {at:.3f} s; "
                    "end one before the other starts."
                )
        running.append(segment)
