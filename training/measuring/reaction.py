"""How soon a held stop is reported, and what a sooner report costs in false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from bharnet_ros.evaluation import distribution
from bharnet_ros.gestures import Vocabulary
from bharnet_ros.rules import RecognizerConfig, Rules, rules_for
from training.config import DataConfig
from training.describing.streams import streams
from training.filming import build_scene
from training.measuring.figures import wilson
from training.measuring.films import DRAWN
from training.measuring.following import judgements, starts_on_tape
from training.measuring.judging import Judge
from training.measuring.reporting import Result, number, percent, table
from training.plan import LEAD_S, FilmPlan
from training.projecting import project_film
from training.replay import Judgement
from training.sequences import KeypointSequence

GESTURE = "stop"
PEOPLE = 40
SCENE_S = 24.0
FPS = 30.0
FIRST_ACTOR = 730_000
LATE_S = 0.5
"""A stop reported later than this after its release is missed."""
CONFIRM_S = (0.0, 0.05, 0.1, 0.2, 0.3)
SMOOTHING_S = (0.0, 0.05, 0.1, 0.2, 0.3)
AT_ONCE = (1.0, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25, 0.2)
"""Probability of one judgement at which the stop starts at once; at 1 it waits like any other."""
OTHERS, OTHERS_SEED = 120, 1_000_000
"""People who make all kinds of gestures, in whom other gestures are taken for the stop."""
RATES_HZ = (15.0, 30.0)
GOAL_S, GOAL_PER_HOUR = 0.5, 6.0

_TEXT = """\
Kinematic people, seen by cameras and made as unsure as the estimator (`training/projecting.py`),
hold the stop several times each at 30 frames a second. The delay runs from the moment the hand has
arrived, or from its first movement, to STARTED. p95 counts a stop that was never reported as
infinitely late. "at once" is the probability of a single judgement at which the stop starts without
being averaged or confirmed (`urgent_threshold`; "-": it waits as the others do); `confirm_s` and
`smoothing_s` are those of all classes. False alarms an hour are those of all classes on the idle
films (their own frame rate); "clips" is the number of STARTED on the sign-language clips; "taken
for it" is how many stops are reported of people who act out all gestures and make another one.
"""


@dataclass(frozen=True, eq=False)
class Stop:
    """One stop: its film, first movement, arrival and release in seconds."""

    film: int
    start_s: float
    arrived_s: float
    released_s: float


def measure(
    vocabulary: Vocabulary, idle: Sequence[KeypointSequence], clips: Sequence[KeypointSequence],
    judges: Mapping[str, Judge], seed: int = 7, people: int = PEOPLE,
) -> Result:  # fmt: skip
    """Delays at the bundle's own rules, and the curve against false alarms."""
    films, stops = film_stops(vocabulary, seed, people)
    others = streams(vocabulary, min(OTHERS, 3 * people), OTHERS_SEED + seed)
    figures = {
        name: _figures(films, stops, others, idle, clips, judge)
        for name, judge in judges.items()
        if class_of(judge) is not None
    }
    return Result("reaction", "How soon a stop is reported", figures, _body(figures))


def film_stops(
    vocabulary: Vocabulary, seed: int, people: int
) -> tuple[list[KeypointSequence], list[Stop]]:
    """Projected films of people who hold the stop, and when they do."""
    data = replace(DRAWN, fps=FPS, scene_s=SCENE_S).data()
    films, stops = [], []
    for person in range(people):
        plan = _plan(person, seed, vocabulary)
        films.append(project_film(plan, data, vocabulary))
        stops += _stops(person, plan, data, vocabulary)
    return films, stops


def class_of(judge: Judge) -> str | None:
    """What the bundle calls the stop; None if it has no such class."""
    names = judge.bundle.manifest.class_names
    if GESTURE in names:
        return GESTURE
    return next((n for n, s in zip(names, judge.shapes, strict=True) if s == "palm"), None)


def delays(
    stops: Sequence[Stop], tapes: Sequence[Sequence[Judgement]], rules: Rules,
    names: Sequence[str], wanted: str,
) -> dict[str, Any]:  # fmt: skip
    """Delays under these rules; something else reported while a stop is held counts as wrong."""
    reported = [starts_on_tape(tape, rules, names) for tape in tapes]
    from_hold, from_start, wrong = [], [], 0
    for stop in stops:
        inside = [
            (start.stamp_ns / 1e9, start.class_name)
            for start in reported[stop.film]
            if stop.start_s <= start.stamp_ns / 1e9 <= stop.released_s + LATE_S
        ]
        right = [moment for moment, name in inside if name == wanted]
        wrong += any(name != wanted for _, name in inside)
        if right:
            from_hold.append(right[0] - stop.arrived_s)
            from_start.append(right[0] - stop.start_s)
    missed = len(stops) - len(from_hold)
    hold, start = distribution(from_hold), distribution(from_start)
    every = np.sort(np.array([*from_hold, *[np.inf] * missed]))
    p95 = float(np.percentile(every, 95, method="higher")) if len(every) else float("nan")
    return {
        "stops": len(stops), "reported": len(from_hold), "missed": missed, "with_wrong": wrong,
        "reported_interval_95": list(wilson(len(from_hold), len(stops))),
        "from_hold_p50_s": hold.p50, "from_hold_p95_reported_s": hold.p95,
        "from_hold_p95_s": p95 if np.isfinite(p95) else None,
        "from_movement_p50_s": start.p50, "from_movement_p95_s": start.p95,
    }  # fmt: skip


def false_alarms(
    tapes: Sequence[Sequence[Judgement]], rules: Rules, names: Sequence[str]
) -> int:  # fmt: skip
    """Every STARTED."""
    return sum(len(starts_on_tape(tape, rules, names)) for tape in tapes)


def taken_for(
    others: Sequence[KeypointSequence], tapes: Sequence[Sequence[Judgement]], rules: Rules,
    names: Sequence[str], wanted: str,
) -> int:  # fmt: skip
    """How often `wanted` is reported of somebody who does not do it (or did a second ago)."""
    count = 0
    for film, tape in zip(others, tapes, strict=True):
        spans = [s for s in film.spans if s.class_name == wanted]
        count += sum(
            each.class_name == wanted
            and not any(s.start_ns <= each.stamp_ns <= s.end_ns + 10**9 for s in spans)
            for each in starts_on_tape(tape, rules, names)
        )
    return count


def _figures(
    films: Sequence[KeypointSequence], stops: Sequence[Stop], others: Sequence[KeypointSequence],
    idle: Sequence[KeypointSequence], clips: Sequence[KeypointSequence], judge: Judge,
) -> dict[str, Any]:  # fmt: skip
    names, wanted = judge.bundle.manifest.class_names, class_of(judge) or GESTURE
    base = rules_for(judge.bundle.manifest, RecognizerConfig())
    own_rate = RecognizerConfig().rate_hz
    idle_tapes = [judgements(film, judge) for film in idle]
    other_tapes = [judgements(film, judge) for film in others]
    hours = sum(film.duration_s for film in idle) / 3600.0
    curve = []
    rates = sorted({own_rate, *RATES_HZ})
    stop_tapes, clip_tapes = (
        {rate: [judgements(f, judge, RecognizerConfig(rate_hz=rate)) for f in each]
         for rate in rates}
        for each in (films, clips)
    )  # fmt: skip
    stop = names.index(wanted)
    settings = [
        (base.events.confirm_s, base.smoothing_s, base.events.urgent.get(stop, 1.0)),
        *((base.events.confirm_s, base.smoothing_s, level) for level in AT_ONCE),
        *product(CONFIRM_S, SMOOTHING_S, (1.0,)),
    ]
    for setting in dict.fromkeys(settings):
        confirm_s, smoothing_s, level = setting
        urgent = {} if level >= 1.0 else {stop: level}
        rules = Rules(replace(base.events, confirm_s=confirm_s, urgent=urgent), smoothing_s)
        alarms = false_alarms(idle_tapes, rules, names)
        mistaken = taken_for(others, other_tapes, rules, names, wanted)
        for rate in rates:
            curve.append({
                "rate_hz": rate, "confirm_s": confirm_s, "smoothing_s": smoothing_s,
                "at_once": level, "own": setting == settings[0] and rate == own_rate,
                "idle_events": alarms, "taken_for": mistaken,
                "clip_events": false_alarms(clip_tapes[rate], rules, names),
                "per_hour": alarms / hours if hours else None,
                **delays(stops, stop_tapes[rate], rules, names, wanted),
            })  # fmt: skip
    return {
        "class": wanted, "hours_idle": hours,
        "other_gestures": sum(s.class_name != wanted for film in others for s in film.spans),
        "own": next(c for c in curve if c["own"]), "curve": curve, "front": front(curve),
    }  # fmt: skip


def front(curve: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Settings that no other beats in both delay and false alarms, soonest first."""
    usable = [c for c in curve if c["from_hold_p95_s"] is not None and c["per_hour"] is not None]
    best: list[Mapping[str, Any]] = []
    for each in sorted(usable, key=lambda c: (c["from_hold_p95_s"], c["per_hour"])):
        if not best or each["per_hour"] < best[-1]["per_hour"]:
            best.append(each)
    return best


def _plan(number: int, seed: int, vocabulary: Vocabulary) -> FilmPlan:
    rng = np.random.default_rng([seed, FIRST_ACTOR, number])
    low, high = vocabulary[GESTURE].duration_s
    clock, schedule = LEAD_S, []
    while True:
        length = float(rng.uniform(max(low, 1.5), max(high, 2.5)))
        if clock + length > SCENE_S - 0.5:
            break
        schedule.append((GESTURE, round(clock, 3), round(length, 3)))
        clock += length + float(rng.uniform(1.5, 3.0))
    return FilmPlan(
        "reaction", number, int(rng.integers(2**31)), FIRST_ACTOR + number,
        float(rng.uniform(-30.0, 30.0)), float(rng.uniform(1.0, 1.5)),
        float(rng.uniform(1.75, 2.9)), float(rng.uniform(0.85, 1.2)), FPS, tuple(schedule), SCENE_S,
    )  # fmt: skip


def _stops(number: int, plan: FilmPlan, data: DataConfig, vocabulary: Vocabulary) -> list[Stop]:
    scene = build_scene(plan, data, vocabulary, drawn=False)
    return [
        Stop(number, s.segment.start_s, s.segment.arrived_s, s.segment.released_s)
        for s in scene.segments
    ]


def _body(figures: Mapping[str, Any]) -> str:
    parts = [_TEXT]
    for name, found in figures.items():
        own = found["own"]
        low, high = own["reported_interval_95"]
        parts.append(
            f"## {name}\n\nAs shipped: {own['reported']} of {own['stops']} stops reported "
            f"({100 * low:.1f} to {100 * high:.1f} %), {own['with_wrong']} with another report "
            f"beside; from the hold p50 {number(own['from_hold_p50_s'], 2)} s, p95 "
            f"{number(own['from_hold_p95_s'], 2)} s; from the first movement p50 "
            f"{number(own['from_movement_p50_s'], 2)} s, p95 "
            f"{number(own['from_movement_p95_s'], 2)} s; {number(own['per_hour'], 1)} false alarms "
            f"an hour over {found['hours_idle'] * 60.0:.0f} minutes; {own['taken_for']} of "
            f"{found['other_gestures']} other gestures taken for it.\n"
        )
        at_once = [
            each for each in found["curve"]
            if all(each[k] == own[k] for k in ("rate_hz", "confirm_s", "smoothing_s"))
            and not each["own"]
        ]
        rows = [
            _row("as shipped", own),
            *(_row("at once from", each) for each in at_once),
            *(_row("no other beats", each) for each in found["front"]),
        ]
        parts.append(table(
            ["", "rate Hz", "confirm_s", "smoothing_s", "at once", "false alarms an hour", "clips",
             "taken for it", "p50 s", "p95 s", "missed",
             f"p95 <= {GOAL_S:g} s and < {GOAL_PER_HOUR:g} an hour"],
            rows,
        ))  # fmt: skip
    return "\n".join(parts)


def _row(title: str, each: Mapping[str, Any]) -> list[str]:
    p95, alarms = each["from_hold_p95_s"], each["per_hour"]
    reached = p95 is not None and alarms is not None and p95 <= GOAL_S and alarms < GOAL_PER_HOUR
    return [
        title, f"{each['rate_hz']:g}", f"{each['confirm_s']:g}", f"{each['smoothing_s']:g}",
        "-" if each["at_once"] >= 1.0 else f"{each['at_once']:g}", number(alarms, 1),
        str(each["clip_events"]), str(each["taken_for"]),
        number(each["from_hold_p50_s"], 2), number(p95, 2),
        percent(each["missed"] / each["stops"] if each["stops"] else None),
        "yes" if reached else "no",
    ]  # fmt: skip
