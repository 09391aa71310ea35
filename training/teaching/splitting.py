"""Who is held out: people, or whole recordings, never a part of one.

Windows of one recording are near copies of each other: the same person, light and place, tenths
of a second apart. A network that has seen some of them knows the others by heart, so figures on a
random share of them say nothing. (Kaufman et al., Leakage in Data Mining, TKDD 2012.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.data.protocols import SplitError
from training.teaching.examples import Take, examples_of


@dataclass(frozen=True)
class Fold:
    """Numbers of the takes that train, and of those that are held out; names of the latter."""

    train: tuple[int, ...]
    held: tuple[int, ...]
    names: tuple[str, ...]


def unit_names(takes: Sequence[Take]) -> tuple[str, list[str]]:
    """What is held out together, and which of it each take belongs to.

    ("people", subjects) if the subject of every take is known, else ("recordings", recordings).
    """
    if all(take.subject for take in takes):
        return "people", [take.subject for take in takes]
    return "recordings", [take.recording for take in takes]


def hold_out(takes: Sequence[Take], names: Sequence[str]) -> Fold:
    """The named people or recordings are held out, everything else trains.

    Raises SplitError for a share (`0.2`, `20%`, `random`), an unknown name, a recording that
    would be on both sides, or if nothing stays to train on.
    """
    known = sorted({t.subject for t in takes if t.subject} | {t.recording for t in takes})
    for name in names:
        if name not in known and (name.rstrip("%").replace(".", "").isdigit() or name == "random"):
            raise SplitError(
                f"A share ('{name}') cannot be held out: it would put pieces of one recording on "
                "both sides, and the figures would say nothing. Name people or recordings: "
                f"{', '.join(known)}."
            )
        if name not in known:
            raise SplitError(
                f"Nobody and nothing is called '{name}'; there are {', '.join(known)}."
            )
    wanted = set(names)
    held = [n for n, t in enumerate(takes) if t.subject in wanted or t.recording in wanted]
    fold = _fold(takes, held, tuple(sorted(wanted)))
    if not fold.train or not examples_of([takes[n] for n in fold.train]):
        raise SplitError(
            f"With {', '.join(fold.names)} held out nothing is left to train on; hold out fewer, "
            "or record somebody else."
        )
    return fold


def folds_of(takes: Sequence[Take], count: int) -> tuple[Fold, ...]:
    """Everybody is held out once, in at most `count` groups with about equally many examples.

    Raises SplitError if there is only one person (or recording): then nothing can be held out.
    """
    kind, units = unit_names(takes)
    units = _together(takes, units)
    names = sorted(set(units))
    if len(names) < 2:
        raise SplitError(
            f"All examples are of one of the {kind} ({names[0]}), so nobody is left to check the "
            "gestures with, and a random share of one recording would say nothing. Record at "
            "least one more (better: five other people), or give --no-validation and test the "
            "bundle yourself."
        )
    sizes = {
        name: sum(len(t.sequence.spans) for t, u in zip(takes, units, strict=True) if u == name)
        for name in names
    }
    groups: list[list[str]] = [[] for _ in range(min(count, len(names)))]
    for name in sorted(names, key=lambda n: (-sizes[n], n)):
        min(groups, key=lambda g: (sum(sizes[n] for n in g), len(g))).append(name)
    folds = []
    for group in groups:
        held = [n for n, unit in enumerate(units) if unit in group]
        folds.append(_fold(takes, held, tuple(sorted(group))))
    return tuple(folds)


def _together(takes: Sequence[Take], units: Sequence[str]) -> list[str]:
    """(N,) names of those who share a recording, directly or by others, joined into one."""
    groups: list[tuple[set[str], set[str]]] = []  # names, recordings
    for take, unit in zip(takes, units, strict=True):
        names, recordings = {unit}, {take.recording}
        for group in [g for g in groups if g[0] & names or g[1] & recordings]:
            groups.remove(group)
            names, recordings = names | group[0], recordings | group[1]
        groups.append((names, recordings))
    joined = {name: "+".join(sorted(group[0])) for group in groups for name in group[0]}
    return [joined[unit] for unit in units]


def lone_labels(takes: Sequence[Take]) -> tuple[str, ...]:
    """Labels that only one person (or recording) shows: how others do it cannot be learned."""
    _, units = unit_names(takes)
    seen: dict[str, set[str]] = {}
    for take, unit in zip(takes, units, strict=True):
        for span in take.sequence.spans:
            seen.setdefault(span.class_name, set()).add(unit)
    return tuple(sorted(name for name, who in seen.items() if len(who) == 1))


def _fold(takes: Sequence[Take], held: Sequence[int], names: tuple[str, ...]) -> Fold:
    """The rest trains, unless it shares a recording with those held out."""
    out = {takes[n].recording for n in held}
    train = [n for n in range(len(takes)) if n not in set(held)]
    shared = sorted({takes[n].recording for n in train} & out)
    if shared:
        raise SplitError(
            f"{', '.join(names)} cannot be held out: {', '.join(shared)} would be on both sides. "
            "Hold out everybody who is in a recording, or record people one by one."
        )
    return Fold(tuple(train), tuple(held), names)
