"""Several bundles judge the same person: who of them may speak."""

from __future__ import annotations

from collections.abc import Sequence

from bharnet_ros.events import Event, EventMachine
from bharnet_ros.types import ActionState, FloatArray

CONFLICTS = ("all", "best", "priority")
"""all: every bundle speaks for itself, so a person may do one action of each at a time.
best: of each person only one action runs, that of the bundle which gives it the higher
probability; an urgent one goes first and stays until it would end by itself or a surer urgent one
comes. priority: only one runs, that of the earlier bundle in the list."""

MARGIN = 0.1
"""By so much more sure must a bundle be to take over from another one ("best"): two bundles that
know the same gesture would otherwise take turns."""


def settle(
    machines: Sequence[EventMachine],
    stamp_ns: int,
    probabilities: Sequence[FloatArray | None],
    conflict: str,
) -> list[tuple[int, Event]]:
    """One moment of one person: what is said, as (number of the bundle, event), in order.

    machines: one per bundle, in the order of the bundles. probabilities: what each bundle thinks,
    (C,) of its own classes, or None.
    With "all" every bundle says something. With "best" and "priority" one of them does; an action
    that is taken over is ENDED before the new one is STARTED, and it lasts its least duration.
    """
    for machine, judged in zip(machines, probabilities, strict=True):
        machine.observe(stamp_ns, judged)
    if conflict == "all" or len(machines) == 1:
        return [(n, event) for n, machine in enumerate(machines) for event in machine.advance()]
    holder = _holder(machines, conflict)
    said = [
        (n, event)
        for n in sorted(range(len(machines)), key=lambda n: n == holder)
        for event in machines[n].advance(allowed=n == holder)
    ]
    return _acting(said, conflict)


def standing(machines: Sequence[EventMachine], conflict: str) -> list[tuple[int, Event]]:
    """The same between two moments: nothing begins or ends, what was said last holds."""
    said = [(n, machine.standing) for n, machine in enumerate(machines)]
    return said if conflict == "all" or len(machines) == 1 else _acting(said, conflict)


def _acting(said: Sequence[tuple[int, Event]], conflict: str) -> list[tuple[int, Event]]:
    acting = [(n, event) for n, event in said if event.state != ActionState.NONE]
    return acting or [_rest(said, conflict)]


def _holder(machines: Sequence[EventMachine], conflict: str) -> int | None:
    """The machine whose action may run now; None if none wants to."""
    bids = {n: machine.bid for n, machine in enumerate(machines)}
    wanting = {n: bid for n, bid in bids.items() if bid is not None}
    if not wanting:
        return None
    running = next((n for n, m in enumerate(machines) if m.running is not None), None)
    pressing = {n: bid for n, bid in wanting.items() if machines[n].presses}
    if pressing and conflict == "best":
        # Also while it runs: else a surer ordinary action would end it, it would start again at
        # once, and they would take turns for as long as both are seen.
        wanting = pressing
    elif running is not None and not machines[running].is_settled:
        return running
    if conflict == "priority":
        return min(wanting)
    best = max(wanting, key=lambda n: wanting[n])
    if running in wanting and wanting[best] < wanting[running] + MARGIN:
        return running
    return best


def _rest(said: Sequence[tuple[int, Event]], conflict: str) -> tuple[int, Event]:
    """Nobody acts: the background class of a bundle that names it, or "unknown"."""
    in_order = sorted(said, key=lambda entry: entry[0])
    named = [entry for entry in in_order if entry[1].class_id is not None]
    if not named:
        return in_order[0]
    return named[0] if conflict == "priority" else max(named, key=lambda entry: entry[1].score)
