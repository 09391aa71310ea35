"""What a timeline shows: bars of truth and of reports, and how each turned out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.metrics.events import scored
from bharnet_ros.evaluation.metrics.material import (
    NOBODY,
    Material,
    Person,
    material,
    true_ids,
)
from bharnet_ros.evaluation.records import Evaluation, Recording

Result = Literal["right", "wrong", "missed", "alarm", "apart"]

_MOST_CELLS = 12_000  # of the strip of judgements: an hour in steps of 0.3 s, 36 KB
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FINEST_S = 0.2


@dataclass(frozen=True)
class Bar:
    """An episode, in seconds from the recording's start. note: what became of it."""

    start_s: float
    end_s: float
    label: str
    result: Result
    note: str


@dataclass(frozen=True)
class Lane:
    """One person, and the surest judgement of each step of cell_s seconds, a character a step.

    kinds: "-" nobody judged, "0" background or unknown, "1" the class that is true then, "2"
    another action. sureness: its probability in 35ths, one digit of base 36. hands: "1" if a hand
    could be used.
    """

    person_id: int
    title: str
    truth: tuple[Bar, ...]
    reports: tuple[Bar, ...]
    cell_s: float
    kinds: str
    sureness: str
    hands: str

    @property
    def judged(self) -> bool:
        """Whether anything was judged at any time."""
        return bool(self.kinds.strip("-"))


def lanes(evaluation: Evaluation, recording: Recording) -> tuple[Lane, ...]:
    """Of everybody; tracks that are nobody the truth knows come last."""
    data = material(evaluation, (recording,))
    score = scored(data)
    results: dict[int, tuple[Result, str]] = {}
    for outcome in score.outcomes:
        answer = outcome.answer
        if answer is None:
            results[id(outcome.truth)] = "missed", "missed"
            continue
        result: Result = "right" if outcome.right else "wrong"
        delay = (answer.start_ns - outcome.truth.start_ns) / 1e9
        results[id(outcome.truth)] = result, f"reported as {answer.class_name} after {delay:.2f} s"
        results[id(answer)] = result, (
            f"p {answer.score:.2f}, true: {outcome.truth.class_name}"
        )  # fmt: skip
    for alarm in score.false_alarms:
        results[id(alarm)] = "alarm", f"p {alarm.score:.2f}, false alarm"
    people = sorted(data.people, key=lambda p: (p.person_id == NOBODY, p.person_id))
    shown = (_lane(person, data, recording, results) for person in people)
    return tuple(lane for lane in shown if lane.person_id != NOBODY or lane.reports or lane.judged)


def _lane(
    person: Person, data: Material, recording: Recording, results: dict[int, tuple[Result, str]]
) -> Lane:
    def bars(episodes: tuple[Episode, ...]) -> list[Bar]:
        return [
            Bar(
                (e.start_ns - recording.start_ns) / 1e9, (e.end_ns - recording.start_ns) / 1e9,
                e.class_name, *results.get(id(e), ("apart", "no action")),
            )
            for e in episodes
        ]  # fmt: skip

    truth = sorted([*bars(person.truth), *bars(person.apart)], key=lambda bar: bar.start_s)
    title = "Somebody else" if person.person_id == NOBODY else f"Person {person.person_id}"
    return Lane(
        person.person_id, title, tuple(truth), tuple(bars(person.recognised)),
        *_cells(person, data, recording),
    )  # fmt: skip


def _cells(
    person: Person, data: Material, recording: Recording
) -> tuple[float, str, str, str]:
    """cell_s, kinds, sureness and hands of a `Lane`."""
    cell_s = max(_FINEST_S, recording.duration_s / _MOST_CELLS)
    count = max(1, int(np.ceil(recording.duration_s / cell_s)))
    kinds, sureness, hands = ["-"] * count, [0] * count, ["0"] * count
    ticks = person.ticks
    quiet = [data.class_id(n) for n in (data.background, data.unknown) if n]
    real = true_ids(person, data.names, -1)
    cells = ((ticks.stamps_ns - recording.start_ns) / 1e9 / cell_s).astype(np.int64)
    for row, cell in enumerate(np.clip(cells, 0, count - 1).tolist()):
        class_id = int(ticks.class_ids[row])
        if class_id < 0:
            continue
        share = float(np.clip(ticks.probabilities[row], 0.0, 1.0))
        sure = round((len(_DIGITS) - 1) * share)
        if kinds[cell] == "-" or sure > sureness[cell]:
            sureness[cell] = sure
            kinds[cell] = "0" if class_id in quiet else "1" if class_id == real[row] else "2"
        if ticks.hands[row]:
            hands[cell] = "1"
    return cell_s, "".join(kinds), "".join(_DIGITS[sure] for sure in sureness), "".join(hands)
