"""A long run in a few figures: is the latency within its goal, does anything grow. Free of ROS."""

from __future__ import annotations

from typing import Any

import numpy as np

Figures = dict[str, Any]
GOAL_MS, GOAL_PERCENT = 150.0, 2.0
WARM_UP_MINUTES = 5


def summary(figures: list[dict[str, Any]]) -> dict[str, Any]:
    """The run in a few figures; goals are told with what they are compared to."""
    warm_up = min(WARM_UP_MINUTES, len(figures) // 3)
    kept = figures[warm_up:]
    told = [f["camera_to_action_ms"] for f in kept if f["camera_to_action_ms"]]
    third = max(1, len(told) // 3)
    flat = flatness(figures, warm_up)
    return {
        "warm_up_minutes": warm_up,
        "camera_to_action_ms": {
            "median_of_p50": _median(told, "p50"),
            "median_of_p95": _median(told, "p95"),
            "worst_p95": max((t["p95"] for t in told), default=None),
            "p95_first_third": _median(told[:third], "p95"),
            "p95_last_third": _median(told[-third:], "p95"),
            "minutes_within_goal": sum(t["p95"] <= GOAL_MS for t in told),
            "minutes": len(told),
            "goal": f"p95 <= {GOAL_MS:g} beyond the stride",
        },
        "memory_goal": f"within {GOAL_PERCENT:g} %",
        "memory_flat": all(abs(p["growth_percent"]) <= GOAL_PERCENT for p in flat.values()),
        "own_memory_flat": all(abs(p["own_growth_percent"]) <= GOAL_PERCENT for p in flat.values()),
        "processes": flat,
        "machine_busy": round(float(np.median([f["machine_busy"] for f in kept])), 3),
    }


def _median(told: list[dict[str, float]], name: str) -> float | None:
    return round(float(np.median([t[name] for t in told])), 1) if told else None


def line(figures: dict[str, Any]) -> str:
    """A minute for people to read."""
    age = figures["camera_to_action_ms"]
    told = ", ".join(
        f"{name} {p['rss_mib']:.1f} MiB {p['threads'][-1]} threads {p['descriptors'][-1]} files "
        f"{p['cpu_percent']:.0f} %"
        for name, p in figures["processes"].items()
    )
    return (
        f"{figures['minute']:3d}: {figures['actions']} actions, camera to action "
        f"{age.get('p50', '-')} / {age.get('p95', '-')} ms; {told}; "
        f"machine {100 * figures['machine_busy']:.0f} % busy"
    )


def flatness(figures: list[Figures], warm_up: int) -> Figures:
    """Per process: the first tenth (at least a minute) after warm_up minutes against the last.

    growth_percent of the medians of resident memory; own_growth_percent of the part of it that is
    the process' own (not files, not the shared memory of the middleware, whose pages count for
    whoever has touched them once); spread_percent: the largest distance of any minute from the
    first ones; threads and descriptors: all counts seen after the warm-up.
    """
    kept = figures[warm_up:] or figures
    window = max(1, len(kept) // 10)
    found = {}
    for name in kept[-1]["processes"]:
        lives = [f["processes"][name] for f in kept if name in f["processes"]]
        memory = [life["rss_mib"] for life in lives]
        start, end = _ends(memory, window)
        own_start, own_end = _ends([life["anonymous_mib"] for life in lives], window)
        found[name] = {
            "rss_mib": [round(start, 1), round(end, 1)],
            "growth_percent": round(100.0 * (end - start) / start, 2),
            "own_mib": [round(own_start, 1), round(own_end, 1)],
            "own_growth_percent": round(100.0 * (own_end - own_start) / own_start, 2),
            "spread_percent": round(100.0 * max(abs(m - start) for m in memory) / start, 2),
            "threads": sorted({n for life in lives for n in life["threads"]}),
            "descriptors": sorted({n for life in lives for n in life["descriptors"]}),
            "cpu_percent": round(float(np.median([life["cpu_percent"] for life in lives])), 1),
        }
    return found


def _ends(values: list[float], window: int) -> tuple[float, float]:
    return float(np.median(values[:window])), float(np.median(values[-window:]))
