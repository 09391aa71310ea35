"""Which images of a camera are worth estimating. Free of ROS."""

from __future__ import annotations

_IDLE_AFTER_NS = 1_000_000_000
_JITTER = 0.95
"""Share of a period after which an image counts as the next; stamps jitter around it."""


class Pacing:
    """Keeps to a rate of stamp time, and to a lower one while nobody is in view."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The next image is worth it whatever its stamp."""
        self._taken_ns: int | None = None
        self._seen_ns = 0

    def taken(self, stamp_ns: int, somebody: bool) -> None:
        """An image was estimated, with or without somebody in it."""
        self._taken_ns = stamp_ns
        if somebody:
            self._seen_ns = stamp_ns

    def is_too_soon(self, stamp_ns: int, max_rate_hz: float, idle_rate_hz: float) -> bool:
        """Whether the rates spare the node this image; 0 = every one. Stamps may jump back."""
        if self._taken_ns is None:
            return False
        rates_hz = [max_rate_hz]
        if stamp_ns - self._seen_ns > _IDLE_AFTER_NS:
            rates_hz.append(idle_rate_hz)
        rate_hz = min((rate_hz for rate_hz in rates_hz if rate_hz > 0.0), default=0.0)
        return rate_hz > 0.0 and 0 < stamp_ns - self._taken_ns < _JITTER * 1e9 / rate_hz
