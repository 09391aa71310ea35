"""What a user may set of every top-down estimator."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

from bharnet_ros.errors import ConfigurationError


@dataclass(frozen=True)
class TopDownOptions:
    """How people are followed.

    max_people: people followed at once; of more, the surest. detect_every_s: seconds of stamps
    between two runs of the person detector while everybody followed is in sight; 0 = every image.
    min_score: 0..1, the least sureness (mean of a person's best body keypoints) to be taken up
    and to be kept. min_person_px: people whose longer side is shorter are not looked at.

    Raises ConfigurationError.
    """

    NAMES: ClassVar[tuple[str, ...]] = (
        "max_people", "detect_every_s", "min_score", "min_person_px",
    )  # fmt: skip

    max_people: int = 8
    detect_every_s: float = 1.0
    min_score: float = 0.3
    min_person_px: float = 16.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "max_people", whole("max_people", self.max_people, 1, 64))
        _check_range("detect_every_s", self.detect_every_s, 0.0, 60.0)
        _check_range("min_score", self.min_score, 0.01, 0.99)
        _check_range("min_person_px", self.min_person_px, 2.0, 1000.0)


def whole(name: str, value: object, low: int, high: int) -> int:
    """The whole number; 4.0 is one. Raises ConfigurationError unless low <= value <= high."""
    _check_range(name, value, low, high)
    if value != int(value):  # type: ignore[call-overload]
        raise ConfigurationError(f"{name} is {value!r}; it must be whole")
    return int(value)  # type: ignore[call-overload, no-any-return]


def _check_range(name: str, value: object, low: float, high: float) -> None:
    """Raises ConfigurationError unless low <= value <= high."""
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise ConfigurationError(f"{name} is {value!r}; it must be a number from {low} to {high}")
