"""Values of a configuration that are well-typed but cannot work are refused by name.

Each function takes `where` the values stand (the file's name) and name -> value, and raises
`ConfigurationError` for the first one that is wrong. Of numbers neither infinity nor NaN is right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from bharnet_ros.errors import ConfigurationError

Numbers = Mapping[str, float]


def one_of(where: str, values: Mapping[str, tuple[str, Sequence[str]]]) -> None:
    """name -> (value, what it may be)."""
    for name, (value, allowed) in values.items():
        if value not in allowed:
            raise ConfigurationError(
                f"{where}: {name} is '{value}'; it must be one of {', '.join(allowed)}."
            )


def above_zero(where: str, values: Numbers) -> None:
    """0 < value."""
    _check(where, values, lambda value: value > 0, "above 0")


def zero_or_more(where: str, values: Numbers) -> None:
    """0 <= value."""
    _check(where, values, lambda value: value >= 0, "0 or more")


def shares(where: str, values: Numbers) -> None:
    """0 <= value <= 1."""
    _check(where, values, lambda value: 0 <= value <= 1, "0 to 1")


def below_one(where: str, values: Numbers) -> None:
    """0 <= value < 1."""
    _check(where, values, lambda value: 0 <= value < 1, "0 to below 1")


def rising(where: str, ranges: Mapping[str, Sequence[float]], above: float | None = None) -> None:
    """low <= high, and above a limit if there is one."""
    for name, (low, high) in ranges.items():
        fits = low <= high and (above is None or low > above)
        if not (fits and math.isfinite(low) and math.isfinite(high)):
            limit = "" if above is None else f", both above {above:g}"
            raise ConfigurationError(
                f"{where}: {name} is {[low, high]}; it must be finite, from low to high{limit}."
            )


def loss_weights(where: str, weights: Sequence[float]) -> None:
    """None below 0, one above."""
    if not all(math.isfinite(w) and w >= 0.0 for w in weights) or max(weights) <= 0.0:
        raise ConfigurationError(
            f"{where}: fit.loss_weights is {list(weights)}; none may be below 0, one must be above."
        )


def _check(where: str, values: Numbers, fits: Callable[[float], bool], what: str) -> None:
    for name, value in values.items():
        finite = math.isfinite(value)
        if not (finite and fits(value)):
            wanted = what if finite else f"a finite number, {what}"
            raise ConfigurationError(f"{where}: {name} is {value}; it must be {wanted}.")
