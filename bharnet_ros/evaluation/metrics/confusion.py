"""What was taken for what, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

FALSE_ALARM = "(false alarm)"
"""Row of answers where nothing of the kind was true."""

MISSED = "(missed)"
"""Column of what was true and was never reported."""

NOT_JUDGED = "(not judged)"
"""Column of clips without any judgement inside."""


def event_confusion(
    pairs: Iterable[tuple[str | None, str | None]], names: Sequence[str]
) -> dict[str, Any]:
    """pairs: (true class or None, reported class or None). Square: the classes that occur, in the
    order of `names`, then the row FALSE_ALARM and the column MISSED."""
    counts = Counter(pairs)
    used = [name for name in names if any(name in pair for pair in counts)]
    return _table(counts, [*used, None], [*used, None], FALSE_ALARM, MISSED)


def clip_confusion(
    pairs: Iterable[tuple[str, str | None]], names: Sequence[str]
) -> dict[str, Any]:
    """pairs: (true class, answer or None). Rows: classes that are true; columns: those and every
    other answer, in the order of `names`, then NOT_JUDGED."""
    counts = Counter[tuple[str | None, str | None]](pairs)
    rows = [name for name in names if any(name == true for true, _ in counts)]
    columns = [name for name in names if any(name in pair for pair in counts)]
    return _table(counts, [*rows], [*columns, None], FALSE_ALARM, NOT_JUDGED)


def _table(
    counts: Counter[tuple[str | None, str | None]],
    rows: Sequence[str | None],
    columns: Sequence[str | None],
    no_row: str,
    no_column: str,
) -> dict[str, Any]:
    return {
        "rows": [no_row if row is None else row for row in rows],
        "columns": [no_column if column is None else column for column in columns],
        "counts": [[counts[row, column] for column in columns] for row in rows],
    }
