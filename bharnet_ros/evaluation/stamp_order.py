"""Which messages of a recording can be used, by their stamps."""

from __future__ import annotations

from collections.abc import Iterable

UNSTAMPED = "stamp is zero, the driver does not set it"
NOT_NEWER = "stamp not newer"
RESTARTED = "time restarted"
"""Why a message is left out; the nodes say the same."""
JUMP_BACK = (
    "The stamps of the images jump back; what comes after is left out until they are newer again. "
    "Split the bag there to evaluate all of it."
)
_RESTART_NS = 500_000_000


def unusable_stamp(stamp_ns: int, newest_ns: int | None) -> str:
    """Why a message cannot be used after one of `newest_ns`; "" if it can."""
    if stamp_ns == 0:
        return UNSTAMPED
    if newest_ns is None or stamp_ns > newest_ns:
        return ""
    return RESTARTED if newest_ns - stamp_ns > _RESTART_NS else NOT_NEWER


def usable_stamps(stamped: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Stamp -> log time of the messages that can be used. stamped: (stamp, log time) of all."""
    found: dict[int, int] = {}
    newest: int | None = None
    for stamp_ns, log_ns in stamped:
        if not unusable_stamp(stamp_ns, newest):
            found[stamp_ns] = log_ns
            newest = stamp_ns
    return found
