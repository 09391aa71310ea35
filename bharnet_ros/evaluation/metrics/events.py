"""What the robot would have been told: reported actions against true ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.metrics.confusion import event_confusion
from bharnet_ros.evaluation.metrics.counting import Counts, averages
from bharnet_ros.evaluation.metrics.material import NOBODY, Material, Person
from bharnet_ros.evaluation.scoring import Outcome, Score, score_episodes
from bharnet_ros.evaluation.statistics import Distribution

GRACE_S = 1.0
"""A report counts until this long after the true end (see `score_episodes`)."""


def scored(data: Material, grace_s: float = GRACE_S) -> Score:
    """`score_episodes` of every person of every recording, as one score."""
    scores = [
        score_episodes(truth, recognised, grace_s)
        for person in data.people
        for truth, recognised in _apart(person, round(grace_s * 1e9))
    ]
    return Score(
        tuple(outcome for score in scores for outcome in score.outcomes),
        tuple(episode for score in scores for episode in score.false_alarms),
    )


def _apart(person: Person, grace_ns: int) -> Iterator[tuple[list[Episode], list[Episode]]]:
    """Stretches of time whose reports cannot answer an action of another one: matching takes the
    square of their length, and recordings are long."""
    reports = list(person.recognised)[::-1]
    stretch: list[Episode] = []
    until = 0
    for episode in (*person.truth, None):
        if stretch and (episode is None or episode.start_ns > until):
            before = []
            while reports and reports[-1].start_ns <= until:
                before.append(reports.pop())
            yield stretch, before
            stretch = []
        if episode is not None:
            until = max(until, episode.end_ns + grace_ns) if stretch else episode.end_ns + grace_ns
            stretch.append(episode)
    yield [], reports[::-1]


def event_counts(score: Score, actions: tuple[str, ...]) -> dict[str, Counts]:
    """By class: a hit is a right answer; a wrong answer is a false positive of its own class and
    a miss of the true one; false alarms are false positives."""
    hits, misses, extra = Counter[str](), Counter[str](), Counter[str]()
    for outcome in score.outcomes:
        if outcome.right:
            hits[outcome.truth.class_name] += 1
            continue
        misses[outcome.truth.class_name] += 1
        if outcome.answer is not None:
            extra[outcome.answer.class_name] += 1
    extra.update(episode.class_name for episode in score.false_alarms)
    return {name: Counts(hits[name], extra[name], misses[name]) for name in actions}


def event_figures(data: Material, score: Score) -> dict[str, Any]:
    """Totals, precision, recall, F1, delays, false alarms and who was taken for what."""
    pairs: list[tuple[str | None, str | None]] = list(score.confusion().elements())
    pairs += [(None, episode.class_name) for episode in score.false_alarms]
    nobody = sum(episode.person_id == NOBODY for episode in score.false_alarms)
    return {
        "grace_s": GRACE_S,
        "total": score.total,
        "right": score.right,
        "wrong": score.wrong,
        "missed": score.missed,
        **averages(event_counts(score, data.actions)),
        "delay_from_start_s": spread(score.delay_from_start_s),
        "delay_from_end_s": spread(score.delay_from_end_s),
        "false_alarms": {
            "count": len(score.false_alarms),
            "of_nobody": nobody,
            "per_hour": per_hour(len(score.false_alarms), data.hours),
            "hours": data.hours,
        },
        "confusion": event_confusion(pairs, data.actions),
    }


def class_figures(data: Material, score: Score) -> dict[str, dict[str, Any]]:
    """The same of every action."""
    outcomes = defaultdict[str, list[Outcome]](list)
    alarms = defaultdict[str, list[Episode]](list)
    for outcome in score.outcomes:
        outcomes[outcome.truth.class_name].append(outcome)
    for episode in score.false_alarms:
        alarms[episode.class_name].append(episode)
    figures = {}
    for name, counts in event_counts(score, data.actions).items():
        own = Score(tuple(outcomes[name]), tuple(alarms[name]))
        figures[name] = {
            **counts.data(),
            "total": own.total,
            "wrong": own.wrong,
            "missed": own.missed,
            "delay_from_start_s": spread(own.delay_from_start_s),
            "delay_from_end_s": spread(own.delay_from_end_s),
            "false_alarms": len(alarms[name]),
            "false_alarms_per_hour": per_hour(len(alarms[name]), data.hours),
        }
    return figures


def spread(values: Distribution) -> dict[str, Any]:
    """Plain data."""
    return {
        "count": values.count,
        "p50": values.p50,
        "p95": values.p95,
        "max": values.maximum,
    }


def per_hour(count: int, hours: float) -> float:
    """NaN if no time passed."""
    return count / hours if hours > 0.0 else float("nan")
