"""Actions that differ in the object alone, from images to events, with pixels and without.

    python -m benchmarks.held_objects --json benchmarks/results/held_objects.json

Drawn people who are in no training data, before kinds of background that are in none either, play
the gestures of `held_objects`; the light estimator reads every picture, and two recognisers follow
it through `Pipeline`'s own steps: one looks at the pixels, the other gets the same skeletons and
nothing else. Counted are the true gestures that were reported right, taken for the other of their
pair, for something else, or missed, and false alarms.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.evaluation import Episode, EpisodeCollector, PersonMatcher, score_episodes
from bharnet_ros.gestures import Vocabulary, load_vocabulary
from bharnet_ros.inference import create_engine
from bharnet_ros.pipeline import Pipeline
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.simulation import Scene
from bharnet_ros.tracking import Tracker
from training.rgb_evaluation import Tally

BACKGROUNDS = ("shelves", "outdoor")
"""Kinds that the plan `held_objects` keeps for its test."""
FIRST_PERSON = 900_000
WAYS = ("skeleton", "pixels")
OUTCOMES = ("right", "other of the pair", "something else", "missed")


@dataclass
class Way:
    """What one recogniser reported, over all scenes."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    false_alarms: int = 0

    def add(
        self, truth: Sequence[Episode], found: Sequence[Episode], partners: dict[str, str]
    ) -> None:
        """One scene."""
        score = score_episodes(truth, found)
        self.false_alarms += len(score.false_alarms)
        for outcome in score.outcomes:
            name = outcome.truth.class_name
            answer = "" if outcome.answer is None else outcome.answer.class_name
            if outcome.right:
                kind = "right"
            elif answer and answer == partners.get(name):
                kind = "other of the pair"
            else:
                kind = "something else" if answer else "missed"
            self.outcomes.setdefault(name, Counter())[kind] += 1

    def row(self, names: Sequence[str]) -> dict[str, Any]:
        """Of these classes together."""
        total: Counter[str] = sum((self.outcomes.get(n, Counter()) for n in names), Counter())
        right = Tally(total["right"], sum(total.values()))
        return {"events": right.to_dict(), **{kind: total[kind] for kind in OUTCOMES}}


Played = tuple[list[Episode], dict[str, tuple[Episode, ...]], dict[str, int]]


def play(scene: Scene, bundle: Bundle, fps: float, threads: int) -> Played:
    """The true episodes of a scene, what each way reported, and how pixels were used."""
    engines = {way: create_engine(bundle, rgb=way == "pixels") for way in WAYS}
    recognizers = {way: Recognizer(bundle, engine) for way, engine in engines.items()}
    estimator = create_pose_estimator("mediapipe", num_threads=threads)
    pipeline = Pipeline(estimator, Tracker(), recognizers["pixels"])
    collectors = {way: EpisodeCollector() for way in WAYS}
    matcher, use = PersonMatcher(), Counter[str]()
    for frame in scene.frames(fps):
        stamp_ns = frame.skeletons.stamp_ns
        seen = pipeline.process(frame.image, stamp_ns)
        matcher.push(seen.skeletons, frame.skeletons)
        judged = {"pixels": seen.actions, "skeleton": recognizers["skeleton"].push(seen.skeletons)}
        for way, actions in judged.items():
            if actions is not None:
                collectors[way].push(actions)
        rgb = recognizers["pixels"].rgb
        if rgb is not None and seen.actions is not None:
            use.update(asked=rgb.asked, judged=rgb.judged)
    for way, recognizer in recognizers.items():
        last = recognizer.flush()
        if last is not None:
            collectors[way].push(last)
        engines[way].close()
    estimator.close()
    truth = [
        Episode(
            s.track_id, s.segment.class_name, round(s.segment.start_s * 1e9),
            round(s.segment.end_s * 1e9),
        )
        for s in scene.segments
    ]  # fmt: skip
    found = {way: matcher.attribute(each.episodes()) for way, each in collectors.items()}
    return truth, found, dict(use)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All scenes."""
    bundle, vocabulary = load_bundle(options.bundle), load_vocabulary(options.vocabulary)
    partners = {a: b for pair in vocabulary.object_pairs for a, b in (pair, pair[::-1])}
    ways = {way: Way() for way in WAYS}
    use: Counter[str] = Counter()
    begin = time.monotonic()
    jobs = [(options, number) for number in range(options.scenes)]
    with multiprocessing.get_context("spawn").Pool(max(1, options.workers)) as pool:
        for number, (truth, found, used) in enumerate(pool.imap(_play, jobs), 1):
            use.update(used)
            for way, each in ways.items():
                each.add(truth, found[way], partners)
            spent = time.monotonic() - begin
            print(f"scene {number} of {options.scenes}, {spent:.0f} s", flush=True)
    rest = [name for name in vocabulary.actions if name not in partners]
    groups = {
        **{" / ".join(pair): list(pair) for pair in vocabulary.object_pairs},
        "all pairs": list(partners),
        "all other gestures": rest,
    }
    return {
        "bundle": bundle.manifest.name,
        "vocabulary": options.vocabulary,
        "scenes": options.scenes,
        "people": options.people,
        "seconds": options.seconds,
        "fps": options.fps,
        "seed": options.seed,
        "asked": use["asked"],
        "judged_with_pixels": use["judged"],
        "events": {
            name: {way: each.row(names) for way, each in ways.items()}
            for name, names in groups.items()
        },
        "false_alarms": {way: each.false_alarms for way, each in ways.items()},
    }


def _play(job: tuple[argparse.Namespace, int]) -> Played:
    """One scene, in a process of the pool."""
    options, number = job
    cv2.setNumThreads(1)
    scene = _scene(load_vocabulary(options.vocabulary), options, number)
    return play(scene, load_bundle(options.bundle), options.fps, options.threads)


def _scene(vocabulary: Vocabulary, options: argparse.Namespace, number: int) -> Scene:
    first = FIRST_PERSON + number * options.people
    people = tuple(range(first, first + options.people))
    return Scene.random(
        options.seed + number, options.people, options.seconds, vocabulary=vocabulary,
        backgrounds=BACKGROUNDS, shape_seeds=people, appearance_seeds=people, deal=True,
    )  # fmt: skip


def table(figures: dict[str, Any]) -> str:
    """The figures as text."""
    lines = [
        f"{figures['scenes']} scenes of {figures['seconds']:g} s, {figures['people']} people each, "
        f"{figures['fps']:g} Hz; seeds {figures['seed']} and following; pixels had a say in "
        f"{figures['judged_with_pixels']} of {figures['asked']} judgements that asked them",
        f"{'':34s} {'':9s} {'right, per 100':>24s}  other  else  missed",
    ]
    for name, ways in figures["events"].items():
        for way in WAYS:
            row = ways[way]
            events = row["events"]
            share = f"{events['per_100']:.1f} ({events['low']:.1f} to {events['high']:.1f})"
            lines.append(
                f"{name if way == WAYS[0] else '':34s} {way:9s} {share:>24s}"
                f" {row['other of the pair']:6d} {row['something else']:5d} {row['missed']:7d}"
                f"   of {events['count']}"
            )
    alarms = ", ".join(f"{way} {count}" for way, count in figures["false_alarms"].items())
    return "\n".join([*lines, f"false alarms: {alarms}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", default="held_objects", help="default: %(default)s")
    parser.add_argument("--vocabulary", default="held_objects", help="default: %(default)s")
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--people", type=int, default=2, help="in each scene")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each scene")
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=7000)
    parser.add_argument("--threads", type=int, default=1, help="of the estimator")
    parser.add_argument("--workers", type=int, default=2, help="scenes at the same time")
    parser.add_argument("--json", type=Path, help="where the figures are written, too")
    options = parser.parse_args()
    figures = run(options)
    print(table(figures))
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
