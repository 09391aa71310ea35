"""Teach-your-own, from bags to unseen people: what a few recordings are worth, and how long it
takes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bharnet_ros.bundle import Bundle
from bharnet_ros.evaluation import Episode, Score, score_episodes
from training.data import open_store
from training.measuring.figures import wilson
from training.measuring.following import starts
from training.measuring.judging import Judge, open_judge
from training.measuring.reporting import Result, number, percent, table
from training.measuring.sessions import record_sessions
from training.replay import true_episodes
from training.sequences import KeypointSequence
from training.teaching.examples import read_takes
from training.teaching.validating import gesture_figures

Report = Callable[[str], None]
NAMES = "{subject}_{session}"
_TEXT = """\
Three gestures that no shipped bundle knows (`training/measuring/taught.yaml`; only the drawn actor
reads it) are recorded with {people} drawn people, each gesture once with each of them, through the
real estimator into bags. The bags are labelled, each border {error:g} s off (standard deviation),
converted and taught as docs/teach_your_own.md says:

```
{commands}
```

{tested} other people make each gesture twice. Nobody in the test was trained on, nothing was chosen
on it; a gesture is right if its name is the one reported between its first movement and 1 s after
its end. Where the tracker lost somebody in the middle of a gesture, both halves count.
"""


@dataclass(frozen=True, eq=False)
class Taught:
    """One lesson: the bundle, what `teach` itself found by holding people out, how long it took."""

    shots: int
    bundle: Bundle
    figures: Mapping[str, Any]
    wall_s: float
    cpu_s: float


def prepare(
    films: Sequence[KeypointSequence], folder: Path, name: str, seed: int, report: Report
) -> Path:
    """Bags of the films, and the store that `convert rosbag` makes of them."""
    from training.cli import main

    bags, store = folder / f"{name}_bags", folder / f"{name}_store"
    shutil.rmtree(bags, ignore_errors=True)
    shutil.rmtree(store, ignore_errors=True)
    record_sessions(films, bags, seed)
    arguments = ["convert", "rosbag", "--input", str(bags), "--names", NAMES]
    if main([*arguments, "--output", str(store)]):
        raise RuntimeError(f"The bags in {bags} could not be converted.")
    report(f"{len(films)} bags in {bags}")
    return store


def lesson(store: Path, folder: Path, shots: int, most: int, options: Sequence[str]) -> Taught:
    """Run `python -m training teach`. shots: examples of each gesture; most: how many there are."""
    from training.cli import main

    output = folder / f"taught{shots}_bundle"
    arguments = ["teach", str(store), "--output", str(output), "--name", "taught", *options]
    if shots < most:
        arguments += ["--shots", str(shots)]
    wall, cpu = time.monotonic(), time.process_time()
    if main(arguments):
        raise RuntimeError(f"{' '.join(arguments)} ended with an error.")
    from bharnet_ros.bundle import load_bundle

    bundle = load_bundle(output)
    return Taught(
        shots, bundle, bundle.manifest.metrics, time.monotonic() - wall,
        time.process_time() - cpu,
    )  # fmt: skip


def sequences_of(store: Path) -> list[KeypointSequence]:
    """Everybody in a store, with what was labelled."""
    opened = open_store(store)
    return [take.sequence for take in read_takes(opened, opened.sheet.layout)]


def score_of(films: Sequence[KeypointSequence], judge: Judge) -> Score:
    """The recogniser that the robot runs, over every film, against the labels."""
    known = judge.bundle.manifest.class_names
    reported, truth = [], []
    for person, film in enumerate(films):
        reported += [
            Episode(person, s.class_name, s.stamp_ns, s.stamp_ns) for s in starts(film, judge)
        ]
        truth += [e for e in true_episodes(film, person) if e.class_name in known]
    return score_episodes(truth, reported)


def measure(
    lessons: Sequence[Taught], unseen: Sequence[KeypointSequence],
    others: Mapping[str, Sequence[KeypointSequence]], commands: Sequence[str],
    people: tuple[int, int], error_s: float, threads: int,
) -> Result:  # fmt: skip
    """Every lesson on people it never saw.

    unseen: a sequence a track; somebody whom the tracker lost has several. others: films in which
    everything is a false alarm. people: how many taught it, and how many `unseen` shows.
    """
    figures: dict[str, Any] = {"lessons": []}
    rows, classes, quiet = [], [], []
    for each in lessons:
        judge = open_judge(str(each.bundle.path), threads)
        score = score_of(unseen, judge)
        minutes = sum(film.duration_s for film in unseen) / 60.0
        found = gesture_figures(score, minutes)
        found["interval_95"] = wilson(score.right, score.total)
        alarms = {name: _alarms(films, judge) for name, films in others.items()}
        own = each.figures["held_out_events"]
        figures["lessons"].append({
            "examples": each.shots, "unseen": found, "held_out": own, "alarms": alarms,
            "wall_s": each.wall_s, "cpu_s": each.cpu_s, "sha256": judge.sha256[:12],
        })  # fmt: skip
        low, high = found["interval_95"]
        rows.append([
            str(each.shots), f"{score.right} of {score.total}", percent(score.recall),
            f"{100 * low:.1f} to {100 * high:.1f}", str(score.wrong), str(score.missed),
            str(len(score.false_alarms)), number(found["delay_p50_s"], 2),
            f"{own['right']} of {own['gestures']}", f"{each.wall_s / 60:.1f} min",
            f"{each.cpu_s / 60:.1f} min",
        ])  # fmt: skip
        for name, entry in sorted(found["classes"].items()):
            taken = [f"{other} {n}" for other, n in entry["taken_for"].items()]
            taken += [f"(missed) {entry['missed']}"] if entry["missed"] else []
            share = percent(entry["right"] / entry["gestures"])
            classes.append([str(each.shots), name, str(entry["gestures"]), share, ", ".join(taken)])
        for name, entry in alarms.items():
            told = ", ".join(f"{c} {n}" for c, n in entry["of"].items())
            quiet.append([str(each.shots), name, number(entry["minutes"], 1),
                          str(entry["starts"]), told])  # fmt: skip
    body = "\n".join([
        _TEXT.format(people=people[0], tested=people[1], error=error_s,
                     commands="\n".join(commands)),
        table(["examples a gesture", "right", "accuracy", "95 % interval", "wrong", "missed",
               "false alarms", "delay p50 s", "held out by `teach`", "time", "CPU time"], rows),
        table(["examples", "gesture", "count", "right", "taken for"], classes),
        "What is reported of people who make none of the three gestures:\n",
        table(["examples", "films", "minutes", "false starts", "of"], quiet),
    ])  # fmt: skip
    return Result("teach", "Three gestures taught by recordings", figures, body)


def _alarms(films: Sequence[KeypointSequence], judge: Judge) -> dict[str, Any]:
    heard: dict[str, int] = {}
    for film in films:
        for start in starts(film, judge):
            heard[start.class_name] = heard.get(start.class_name, 0) + 1
    return {
        "minutes": sum(film.duration_s for film in films) / 60.0,
        "starts": sum(heard.values()),
        "of": heard,
    }
