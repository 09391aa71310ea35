"""Thresholds for a bundle, chosen by what the robot would really report on validation data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np

from bharnet_ros.bundle import Bundle
from bharnet_ros.evaluation import Score
from bharnet_ros.events import EventConfig, Smoother
from bharnet_ros.inference import Engine
from bharnet_ros.manifest_parts import Thresholds
from bharnet_ros.rules import RecognizerConfig
from training.replay import (
    Judgement,
    event_config,
    replay,
    score_tapes,
    smoothing_s,
    tape,
)
from training.sequences import KeypointSequence

STARTS = (0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
ENDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
NEVER = 0.99
FALSE_PER_HOUR = 2.0
"""Of people who do nothing; a third of what is asked of a bundle, because it is counted on the
data the starts are chosen by."""
EAGER = 0.6
"""No class starts below: under that something else is nearly as likely."""
URGENT_STARTS = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
"""Of a single judgement that the class leads. Under the lowest it might be a guess among four."""
UNKNOWN_SHARE = 0.05
Tapes = Sequence[Sequence[Judgement]]


def choose_thresholds(
    sequences: Sequence[KeypointSequence],
    bundle: Bundle,
    engine: Engine,
    outsiders: Sequence[KeypointSequence] = (),
    idle: Sequence[KeypointSequence] = (),
    urgent: Sequence[str] = (),
) -> tuple[Thresholds, Score]:
    """Thresholds of the best event F1 on the given (validation) sequences, and that score.

    Whatever is reported while an outsider is shown counts as a false alarm; where nobody makes a
    gesture, those with the fewest false alarms are the best. Among equals, the
    middle of the start thresholds is taken, because it stands furthest from where things get
    worse, and the lowest end threshold. `unknown` lies where 5 % of the judgements whose best
    class is right would go unnamed; it never lies above `start`.
    idle: people who do nothing. With them classes get starts of their own (`class_start`): higher
    ones where more than FALSE_PER_HOUR are reported there, so that what looks like a nod does not
    keep a thumb up waiting, and lower ones where nothing is lost by it. urgent: classes of which
    a late report costs more than a wrong one (a stop), see `urgent_starts`.
    """
    options = RecognizerConfig()
    films = [*sequences, *outsiders]
    tapes = [tape(film, bundle, engine, options)["fused"] for film in films]
    quiet = [tape(film, bundle, engine, options)["fused"] for film in idle]
    return choose_on_tapes(tapes, films, quiet, bundle, urgent)


def choose_on_tapes(
    tapes: Tapes, films: Sequence[KeypointSequence], quiet: Tapes, bundle: Bundle,
    urgent: Sequence[str] = (),
) -> tuple[Thresholds, Score]:  # fmt: skip
    """The same from what was judged already.

    tapes: of the films, one each; quiet: of people who do nothing. They may be of several bundles
    (of a cross-validation) with the rules of `bundle`.
    """
    names = bundle.manifest.class_names
    options = RecognizerConfig()
    base, smoothing = event_config(bundle, options), smoothing_s(bundle, options)
    base = replace(base, urgent={})
    heard, calm = ([smoothed(each, smoothing) for each in some] for some in (tapes, quiet))
    found: dict[tuple[float, float], tuple[Score, dict[int, float]]] = {}
    for start, end in product(STARTS, ENDS):
        if end <= start:
            rules = replace(base, start=start, end=end, unknown=0.0)
            own = careful_starts(calm, rules, names)
            rules = replace(rules, class_start=own)
            found[start, end] = score_tapes(heard, films, rules, 0.0, names), own
    # Where there is nothing to report, f1 says nothing (it is NaN when nothing is reported).
    worth = {
        key: f1(score) if score.total else -float(len(score.false_alarms))
        for key, (score, _) in found.items()
    }
    best = max(worth.values())
    good = [key for key, value in worth.items() if value >= best - 1e-9]
    starts = sorted({start for start, _ in good})
    start = starts[len(starts) // 2]
    end = min(end for each, end in good if each == start)
    score, own = found[start, end]
    rules = replace(base, start=start, end=end, unknown=0.0, class_start=own)
    if quiet and score.total:  # without gestures nothing shows that a lower start is any good
        own = {**own, **eager_starts(heard, films, calm, rules, names)}
    rules = replace(rules, class_start=own)
    hurried = urgent_starts(quiet, rules, smoothing, names, urgent)
    score = score_tapes(tapes, films, replace(rules, urgent=hurried), smoothing, names)
    unknown = min(unknown_threshold(tapes, films, bundle), start, *own.values())
    class_start = {names[number]: value for number, value in sorted(own.items())}
    at_once = {names[number]: value for number, value in hurried.items()}
    return Thresholds(start, end, unknown, class_start=class_start, urgent=at_once), score


def careful_starts(
    quiet: Tapes, rules: EventConfig, names: Sequence[str], per_hour: float = FALSE_PER_HOUR
) -> dict[int, float]:
    """Starts of single classes, by class id, with which no more than `per_hour` actions are
    reported on these smoothed tapes of people who do nothing.

    As long as there are more, the weakest of them is silenced: its class gets the next of STARTS
    above its peak, or NEVER.
    """
    own: dict[int, float] = {}
    ids = {name: number for number, name in enumerate(names)}
    above = [start for start in STARTS if start > rules.start] + [NEVER]
    calm = [rules.background_id, *([] if rules.unknown_id is None else [rules.unknown_id])]
    loud = [each for each in quiet if _highest(each, calm) >= rules.start]
    hours = sum((each[-1].stamp_ns - each[0].stamp_ns) / 3.6e12 for each in quiet if each)
    while True:
        # To silence one class may let another one speak: all are heard anew.
        current = replace(rules, class_start=own)
        heard = [e for each in loud for e in replay(each, current, 0.0, names, 0)]
        weak = [e for e in heard if own.get(ids[e.class_name], 0.0) < NEVER]
        if not weak or len(heard) <= round(per_hour * hours):
            return own
        weakest = min(weak, key=lambda e: (e.score, ids[e.class_name]))
        own[ids[weakest.class_name]] = next((s for s in above if s > weakest.score), NEVER)


def eager_starts(
    tapes: Tapes, films: Sequence[KeypointSequence], quiet: Tapes, rules: EventConfig,
    names: Sequence[str],
) -> dict[int, float]:  # fmt: skip
    """Lower starts for classes that nothing is taken for, by class id.

    Class by class, the lowest of STARTS (EAGER or more) that makes the event F1 on the smoothed
    tapes no worse and is heard no more often on the quiet ones: what is never confused need not
    wait until it is certain. Classes with a start of their own are left alone.
    """
    own = dict(rules.class_start)
    lower = [start for start in STARTS if EAGER <= start < rules.start]
    spared = {rules.background_id, rules.unknown_id, *own}

    def standing(starts: Mapping[int, float]) -> tuple[float, int]:
        current = replace(rules, class_start=starts)
        score = score_tapes(tapes, films, current, 0.0, names)
        alarms = sum(len(replay(each, current, 0.0, names, 0)) for each in quiet)
        return f1(score), -alarms

    best = standing(own)
    found: dict[int, float] = {}
    for number in range(len(names)):
        for start in lower if number not in spared else ():
            now = standing({**own, number: start})
            if now[0] >= best[0] - 1e-9 and now[1] >= best[1]:
                found[number] = own[number] = start
                best = now
                break
    return found


def urgent_starts(
    quiet: Tapes, rules: EventConfig, smoothing_s: float, names: Sequence[str],
    urgent: Sequence[str],
) -> dict[int, float]:  # fmt: skip
    """At which probability of one judgement urgent classes start at once, by class id: the lowest
    of URGENT_STARTS at which nothing more is reported on the quiet tapes (as judged, not
    averaged). A class that idle people are taken for even at the highest is not urgent; nor is
    any without quiet tapes. What is taken for it in other gestures does not count here: a late
    report costs more."""
    found: dict[int, float] = {}

    def alarms() -> int:
        current = replace(rules, urgent=found)
        return sum(len(replay(each, current, smoothing_s, names, 0)) for each in quiet)

    least = alarms()
    for number in (names.index(name) for name in urgent if quiet):
        for start in URGENT_STARTS:
            found[number] = start
            if alarms() <= least:
                break
        else:
            del found[number]
    return found


def smoothed(judgements: Sequence[Judgement], time_constant_s: float) -> list[Judgement]:
    """The tape as event machines get it."""
    smoother = Smoother(time_constant_s)
    result = []
    for stamp_ns, probabilities in judgements:
        if probabilities is None:
            smoother.reset()
            result.append(Judgement(stamp_ns, None))
        else:
            result.append(Judgement(stamp_ns, smoother.update(stamp_ns, probabilities)))
    return result


def _highest(judgements: Sequence[Judgement], calm: Sequence[int]) -> float:
    """The highest probability of any class but the calm ones."""
    rows = [each.probabilities for each in judgements if each.probabilities is not None]
    return float(np.delete(np.stack(rows), calm, axis=1).max()) if rows else 0.0


def f1(score: Score) -> float:
    """Harmonic mean of the share of gestures recognised and of reports that are right."""
    reported = score.right + score.wrong + len(score.false_alarms)
    total = score.total + reported
    return 2.0 * score.right / total if total else float("nan")


def unknown_threshold(
    tapes: Sequence[Sequence[Judgement]], sequences: Sequence[KeypointSequence], bundle: Bundle
) -> float:
    """The probability that 95 % of the right judgements reach."""
    names = bundle.manifest.class_names
    reached = []
    for judgements, sequence in zip(tapes, sequences, strict=True):
        for stamp_ns, probabilities in judgements:
            if probabilities is None:
                continue
            best = int(probabilities.argmax())
            active = [s.class_name for s in sequence.spans if s.start_ns <= stamp_ns <= s.end_ns]
            if names[best] == (active[0] if active else bundle.manifest.background_class):
                reached.append(float(probabilities[best]))
    return round(float(np.quantile(reached, UNKNOWN_SHARE)), 2) if reached else 0.0
