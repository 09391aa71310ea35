"""Figures as people read them. None and NaN are a dash: there was nothing to measure."""

from __future__ import annotations

import math

DASH = "–"


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def percent(value: float | None, digits: int = 1) -> str:
    """0.931 -> 93.1 %."""
    return f"{100 * value:.{digits}f} %" if value is not None and _known(value) else DASH


def decimal(value: float | None, digits: int = 2) -> str:
    """0.4567 -> 0.46."""
    return f"{value:.{digits}f}" if value is not None and _known(value) else DASH


def seconds(value: float | None) -> str:
    """0.4567 -> 0.46 s."""
    if value is None or not _known(value):
        return DASH
    return f"{value:.2f} s".replace("-", "−")


def milliseconds(value: float | None) -> str:
    """Three digits that matter: 4.21 ms, 42.1 ms, 421 ms."""
    if value is None or not _known(value):
        return DASH
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f} ms"


def count(value: float | None) -> str:
    """12345 -> 12,345."""
    return f"{round(value):,}" if value is not None and _known(value) else DASH


def number_of(value: float) -> str:
    """A tick of an axis: 0.5, 2, 1,500."""
    return f"{value:,.0f}" if value == round(value) else f"{value:g}"


def clock(value: float, digits: int = 0) -> str:
    """Seconds as 1:02:03 or 2:03, with tenths on request."""
    sign, value = ("−" if value < 0 else ""), abs(round(value, digits))
    hours, rest = divmod(value, 3600)
    minutes, rest = divmod(rest, 60)
    last = f"{rest:0{3 + digits if digits else 2}.{digits}f}"
    return f"{sign}{hours:.0f}:{minutes:02.0f}:{last}" if hours else f"{sign}{minutes:.0f}:{last}"


def duration(value: float) -> str:
    """In words: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(value / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round values from low to high, at most that many."""
    span = high - low
    if not span > 0.0 or not math.isfinite(span):
        return [low]
    exponent = math.floor(math.log10(span / most))
    steps = [factor * 10.0**e for e in (exponent, exponent + 1) for factor in (1, 2, 5)]
    step = next(s for s in [*steps, 10.0 ** (exponent + 2)] if span / s <= most - 1)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def time_step(span_s: float, most: int) -> float:
    """A round number of seconds so that the span has at most that many ticks."""
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400):
        if span_s / step <= most:
            return float(step)
    return 86400.0
