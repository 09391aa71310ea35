"""A score as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bharnet_ros.evaluation.scoring import Score


def format_score(
    score: Score, title: str = "Actions", pairs: Sequence[tuple[str, str]] = ()
) -> str:
    """Several lines: totals, delays, one row per class, and the given pairs of look-alikes."""
    percent = f"{100.0 * score.recall:.1f} %" if score.total else "none scripted"
    lines = [
        f"{title}: {score.right} right, {score.wrong} wrong, {score.missed} missed "
        f"of {score.total} ({percent}); {len(score.false_alarms)} false alarms",
        f"  recognised after their start [s]: {score.delay_from_start_s}",
        f"  recognised after their end   [s]: {score.delay_from_end_s}",
    ]
    if score.outcomes:
        lines += _class_rows(score)
    for first, second in pairs:
        right, answered = score.pair_accuracy(first, second)
        if answered:
            lines.append(f"  {first} / {second}: {right} of {answered} told apart")
    if score.false_alarms:
        counts = Counter(episode.class_name for episode in score.false_alarms)
        listed = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        lines.append(f"  false alarms: {listed}")
    return "\n".join(lines)


def _class_rows(score: Score) -> list[str]:
    confusion = score.confusion()
    names = sorted({truth for truth, _ in confusion})
    width = max(len("class"), *(len(name) for name in names))
    rows = [f"  {'class':<{width}}  right  wrong  missed  taken for"]
    for name in names:
        answers = {answer: n for (truth, answer), n in confusion.items() if truth == name}
        right, missed = answers.pop(name, 0), answers.pop(None, 0)
        taken = ", ".join(
            f"{answer} {n}"
            for answer, n in sorted(answers.items(), key=lambda kv: (-kv[1], kv[0] or ""))
        )
        wrong = sum(answers.values())
        rows.append(f"  {name:<{width}}  {right:5d}  {wrong:5d}  {missed:6d}  {taken}".rstrip())
    return rows
