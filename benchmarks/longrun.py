"""A graph that runs for long, looked at once a minute. Nothing is kept longer than a minute but
the minute's figures, so that the measurement itself does not grow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.graph_world import GraphWorld
from benchmarks.heard import ENDED, STARTED, distinct
from benchmarks.process_meter import Usage, busy_share, cpu_clock, usage
from benchmarks.verdict import Checker

SAMPLE_S = 5.0
SETTLE_S = 10.0
_NS = 1_000_000_000
Figures = dict[str, Any]


def minutes(
    world: GraphWorld, count: int, each: Callable[[Figures], None], length_s: float = 60.0
) -> Checker:
    """Let it settle, then watch for `count` minutes; `each` gets every minute's figures. What was
    wrong in all."""
    checker = Checker(world.sent)
    world.run_for(SETTLE_S)
    before, world.heard.actions = world.heard.actions, []
    for arrival in before:
        checker.feed(arrival, counts=False)
    world.heard.skeletons.clear()
    for number in range(count):
        each({"minute": number, **_minute(world, checker, length_s)})
    return checker


def _minute(world: GraphWorld, checker: Checker, length_s: float) -> Figures:
    deadline = time.monotonic() + length_s
    busy = cpu_clock()
    first = {name: (time.monotonic(), usage(world.pid(name) or 0)) for name in world.members}
    samples: dict[str, list[Usage]] = {name: [] for name in first}
    while time.monotonic() < deadline:
        world.run_for(min(SAMPLE_S, max(deadline - time.monotonic(), 0.0)))
        for name in world.members:
            samples[name].append(usage(world.pid(name) or 0))
    heard = world.heard
    actions, heard.actions = heard.actions, []
    skeletons, heard.skeletons = heard.skeletons, []
    heard.complaints = distinct(heard.complaints)
    before = len(checker.verdict.ages_s)
    for arrival in actions:
        checker.feed(arrival)
    ages = checker.verdict.ages_s[before:]
    checker.verdict.ages_s.clear()
    images = len(world.sent)
    oldest = time.time_ns() - 30 * _NS
    for stamp in [s for s, sent_ns in list(world.sent.items()) if sent_ns < oldest]:
        del world.sent[stamp]
    entries = [entry for arrival in actions for entry in arrival.entries]
    now = time.monotonic()
    return {
        "images_known": images,
        "skeletons": len(skeletons),
        "actions": len(actions),
        "started": sum(e.state == STARTED for e in entries),
        "ended": sum(e.state == ENDED for e in entries),
        "camera_to_action_ms": _milliseconds(ages),
        "camera_to_skeletons_ms": _milliseconds(
            [(a.received_ns - world.sent[a.stamp_ns]) / _NS for a in skeletons
             if a.stamp_ns in world.sent]
        ),
        "machine_busy": round(busy_share(busy, cpu_clock()), 3),
        "processes": {
            name: _process(*first[name], now, values) for name, values in samples.items() if values
        },
    }  # fmt: skip


def _milliseconds(seconds: list[float]) -> Figures:
    if not seconds:
        return {}
    p50, p95, highest = (np.percentile(seconds, (50, 95, 100)) * 1e3).tolist()
    return {"p50": round(p50, 1), "p95": round(p95, 1), "max": round(highest, 1)}


def _process(began: float, first: Usage, now: float, values: list[Usage]) -> Figures:
    """Medians over the minute; threads and descriptors as the most and the fewest seen."""
    return {
        "cpu_percent": round(100.0 * (values[-1].cpu_s - first.cpu_s) / (now - began), 1),
        "rss_mib": round(float(np.median([v.rss_mib for v in values])), 2),
        "pss_mib": round(float(np.median([v.pss_mib for v in values])), 2),
        "anonymous_mib": round(float(np.median([v.anonymous_mib for v in values])), 2),
        "threads": [min(v.threads for v in values), max(v.threads for v in values)],
        "descriptors": [min(v.descriptors for v in values), max(v.descriptors for v in values)],
    }
