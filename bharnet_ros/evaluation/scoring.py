"""Recognised episodes against true ones: right, wrong, missed, false alarms, delays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.statistics import Distribution, distribution

_NS = 1_000_000_000


@dataclass(frozen=True)
class Outcome:
    """What became of one true episode; answer is None if it was missed."""

    truth: Episode
    answer: Episode | None

    @property
    def right(self) -> bool:
        """Recognised with the right label, at the right person, in time."""
        return self.answer is not None and self.answer.class_name == self.truth.class_name

    @property
    def wrong(self) -> bool:
        """Something else was recognised in its place."""
        return self.answer is not None and not self.right


@dataclass(frozen=True)
class Score:
    """Outcomes of all true episodes.

    false_alarms: recognised episodes that answer no true one.
    """

    outcomes: tuple[Outcome, ...]
    false_alarms: tuple[Episode, ...]

    @property
    def total(self) -> int:
        """Number of true episodes."""
        return len(self.outcomes)

    @property
    def right(self) -> int:
        """Number of those recognised."""
        return sum(outcome.right for outcome in self.outcomes)

    @property
    def wrong(self) -> int:
        """Number of those taken for something else."""
        return sum(outcome.wrong for outcome in self.outcomes)

    @property
    def missed(self) -> int:
        """Number of those without any answer."""
        return sum(outcome.answer is None for outcome in self.outcomes)

    @property
    def recall(self) -> float:
        """Share of the true episodes recognised; NaN if there were none."""
        return self.right / self.total if self.total else float("nan")

    @property
    def precision(self) -> float:
        """Share of the recognised episodes that are right; NaN if there were none."""
        answers = self.right + self.wrong + len(self.false_alarms)
        return self.right / answers if answers else float("nan")

    @property
    def delay_from_start_s(self) -> Distribution:
        """Seconds from the true start to STARTED, of the right ones."""
        return distribution(
            (o.answer.start_ns - o.truth.start_ns) / _NS
            for o in self.outcomes
            if o.right and o.answer is not None
        )

    @property
    def delay_from_end_s(self) -> Distribution:
        """Seconds from the true end to STARTED, of the right ones; below 0 = before it ended."""
        return distribution(
            (o.answer.start_ns - o.truth.end_ns) / _NS
            for o in self.outcomes
            if o.right and o.answer is not None
        )

    def confusion(self) -> Counter[tuple[str, str | None]]:
        """Counts of (true class, recognised class); None = missed."""
        return Counter(
            (o.truth.class_name, o.answer.class_name if o.answer else None) for o in self.outcomes
        )

    def pair_accuracy(self, first: str, second: str) -> tuple[int, int]:
        """(right, answered) of the true episodes of two classes that were taken for one of both.

        Guessing between both gives one half.
        """
        right = answered = 0
        for (truth, answer), count in self.confusion().items():
            if truth in (first, second) and answer in (first, second):
                answered += count
                right += count * (truth == answer)
        return right, answered


def score_episodes(
    truth: Sequence[Episode], recognised: Sequence[Episode], grace_s: float = 1.0
) -> Score:
    """Match what was recognised with what was true.

    truth, recognised: with the same person ids (see `PersonMatcher.attribute`).
    grace_s: an episode answers a true one of the same person if its STARTED lies between the
    true start and this long after the true end. Each answers at most one; the same label
    goes first, then one that starts inside the true episode. What is left are false alarms,
    also a wrong label just before the right one.
    """
    if not grace_s >= 0.0:
        raise ConfigurationError(f"grace_s is {grace_s}; it must be 0 seconds or more.")
    grace_ns = round(grace_s * _NS)
    order = sorted(range(len(truth)), key=lambda i: (truth[i].start_ns, truth[i].person_id))
    answers: dict[int, Episode] = {}
    left = sorted(recognised, key=lambda e: (e.start_ns, e.person_id))

    def assign(fits: Callable[[Episode, Episode], bool]) -> None:
        for index in order:
            if index in answers:
                continue
            for position, episode in enumerate(left):
                if episode.person_id == truth[index].person_id and fits(truth[index], episode):
                    answers[index] = left.pop(position)
                    break

    def inside(real: Episode, found: Episode) -> bool:
        return real.start_ns <= found.start_ns <= real.end_ns

    def in_time(real: Episode, found: Episode) -> bool:
        return real.start_ns <= found.start_ns <= real.end_ns + grace_ns

    def same(real: Episode, found: Episode) -> bool:
        return real.class_name == found.class_name

    assign(lambda real, found: same(real, found) and inside(real, found))
    assign(lambda real, found: same(real, found) and in_time(real, found))
    assign(inside)
    assign(in_time)
    outcomes = tuple(Outcome(truth[i], answers.get(i)) for i in order)
    return Score(outcomes, tuple(left))
