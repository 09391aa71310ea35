"""Gaps of a recording, in which no image came: no time in which anything could be recognised."""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[int, int]
"""Start and end, ns."""

GAP_NS = 10_000_000_000
"""Images further apart than this leave a gap. Slower cameras than one image in ten seconds show
nobody's movements, and a recorder that pauses usually does so for longer."""


def outside(gaps: Iterable[Span], start_ns: int, end_ns: int) -> tuple[Span, ...]:
    """What is left of the time from start to end without the gaps, in order; all of it without
    gaps, also if it is a single moment."""
    left, begin = [], start_ns
    for gap_start, gap_end in sorted(gaps):
        if begin < min(gap_start, end_ns):
            left.append((begin, min(gap_start, end_ns)))
        begin = max(begin, gap_end)
    if begin < end_ns or begin == start_ns == end_ns:
        left.append((begin, end_ns))
    return tuple(left)
