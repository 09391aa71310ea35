"""Bags to a report: one after the other, and whatever was finished when somebody stops it."""

from __future__ import annotations

import os
import platform
import shlex
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bharnet_ros.bags import find_bags, open_bag
from bharnet_ros.bags.find import bag_files
from bharnet_ros.errors import ConfigurationError, EvaluationError, LabelError
from bharnet_ros.evaluation.bag_input import BagInput, ImageFinder, choose_input
from bharnet_ros.evaluation.compare import Comparison, compare
from bharnet_ros.evaluation.compare_text import format_comparison
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.offline import Job, evaluate_offline
from bharnet_ros.evaluation.progress import Interrupt, bar
from bharnet_ros.evaluation.records import Evaluation, Recording
from bharnet_ros.evaluation.report_html import write_report
from bharnet_ros.evaluation.storage import load, save
from bharnet_ros.evaluation.strips import Strip, make_strips
from bharnet_ros.evaluation.subject import Subject
from bharnet_ros.evaluation.summary import summary
from bharnet_ros.evaluation.tracked import TrackedFrames
from bharnet_ros.evaluation.truth import check_of_several
from bharnet_ros.evaluation.truth_choice import choose_truth, labels_of
from bharnet_ros.types import Image, SkeletonFrame

JSON_FILE = "evaluation.json"
HTML_FILE = "report.html"
Evaluate = Callable[[Job], tuple[Recording, TrackedFrames]]


@dataclass(frozen=True)
class Order:
    """What to evaluate.

    bags: folders or files; folders of bags stand for all of them. labels: a file per bag, one for
    all (then it says which recording each label belongs to, or there is one bag), or none. input,
    truth: see choose_input, choose_truth. against: the JSON of another evaluation, or None.
    """

    subject: Subject
    bags: Sequence[Path]
    output: Path
    labels: Sequence[Path] = ()
    input: str = "auto"
    image_topic: str = ""
    skeleton_topic: str = ""
    truth: str = "auto"
    against: Path | None = None
    again: bool = False
    pictures: bool = True
    command: Sequence[str] = ()


@dataclass(frozen=True)
class _Bag:
    """A bag to evaluate, by the name that no other recording has."""

    name: str
    path: Path
    labels: Path | None


@dataclass
class _Done:
    """What was evaluated so far."""

    recordings: list[Recording] = field(default_factory=list)
    frames: dict[str, TrackedFrames] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run_evaluation(
    order: Order, mode: str, evaluate: Evaluate = evaluate_offline,
    say: Callable[[str], None] = print,
) -> bool:  # fmt: skip
    """Evaluate, write evaluation.json and report.html, print the summary; whether it got to the
    end. Ctrl-C ends it early with a valid report. Raises BharnetError for what cannot be used."""
    bags = _named_bags(order)
    old = load(order.against)[0] if order.against is not None else None
    if old is not None and not {r.name for r in old.recordings} & {each.name for each in bags}:
        raise EvaluationError(
            f"{order.against} has no recording in common with these bags: it is of "
            f"{', '.join(r.name for r in old.recordings)}, these are "
            f"{', '.join(each.name for each in bags)}."
        )
    manifest = order.subject.loaded.manifest
    kinds = set()
    for each in bags:  # before the long work
        with open_bag(each.path) as bag:
            given = choose_input(bag, order.input, order.image_topic, order.skeleton_topic)
            kinds.add(given.kind)
            if each.labels is not None:
                choose_truth(order.truth, bag, each.path, given, each.labels, manifest)
    try:
        order.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvaluationError(
            f"The folder {order.output} cannot be made ({error.strerror}); choose another --output."
        ) from None
    if not os.access(order.output, os.W_OK | os.X_OK):
        raise EvaluationError(
            f"Nothing can be written to the folder {order.output}; choose another --output."
        )
    began = time.monotonic()
    done = _Done()
    with Interrupt() as interrupt:
        for each in bags:
            if interrupt.stopped():
                break
            _evaluate_one(order, mode, each, evaluate, interrupt, done)
    for note in done.notes:
        say(note)
    if not done.recordings:
        raise EvaluationError("Stopped before anything was evaluated; there is no report.")
    evaluation = Evaluation(
        mode, manifest.name, order.subject.sha256, _pose(order.subject, kinds),
        manifest.class_names, manifest.background_class, manifest.unknown_class,
        tuple(done.recordings), _about(order, time.monotonic() - began, "images" in kinds),
    )  # fmt: skip
    metrics = measure(evaluation)
    save(evaluation, metrics, order.output / JSON_FILE)
    comparison = _compared(old, evaluation, say)
    strips = _strips(evaluation, done.frames) if order.pictures else ()
    write_report(evaluation, metrics, order.output / HTML_FILE, strips, comparison)
    say(summary(evaluation, metrics))
    if comparison is not None:
        say(format_comparison(comparison))
    say(f"report: {order.output / HTML_FILE}\nall figures: {order.output / JSON_FILE}")
    finished = evaluation.complete and len(done.recordings) == len(bags)
    if not finished:
        say("It was stopped; the same command goes on where it was.")
    return finished


def _compared(
    old: Evaluation | None, new: Evaluation, say: Callable[[str], None]
) -> Comparison | None:
    """A comparison that cannot be made must not cost the report."""
    if old is None:
        return None
    try:
        return compare(old, new)
    except ConfigurationError as error:
        say(f"No comparison: {error}")
        return None


def _evaluate_one(
    order: Order, mode: str, each: _Bag, evaluate: Evaluate, interrupt: Interrupt, done: _Done
) -> None:
    manifest = order.subject.loaded.manifest
    with open_bag(each.path) as bag:
        given = choose_input(bag, order.input, order.image_topic, order.skeleton_topic)
        truth = choose_truth(order.truth, bag, each.path, given, each.labels, manifest)
        unit = "images" if given.kind == "images" else "skeletons"
        with bar(each.name, *_measure_of(mode, given, unit)) as shown:
            job = Job(
                each.name, order.subject, bag, each.path, given, truth, order.output,
                labels_of(order.truth, each.path, each.labels), shown.at, interrupt.stopped,
            )  # fmt: skip
            if order.again:
                job.store().clear()
            try:
                recording, frames = evaluate(job)
            except LabelError:
                if not interrupt.stopped():
                    raise
                # Who the labels speak of may only be known from later images.
                done.notes.append(f"{each.name}: stopped too early to say anything about it")
                return
    if recording.estimated:
        done.recordings.append(recording)
        done.frames[each.name] = frames
    elif not interrupt.stopped():
        problems = " ".join(recording.problems) or "Look at it with `ros2 bag info`."
        raise EvaluationError(f"No {unit} of {each.path} could be used. {problems}")


def _measure_of(mode: str, given: BagInput, unit: str) -> tuple[float, str]:
    if mode == "live":
        return (given.end_ns - given.start_ns) / 1e9, "s"
    return float(given.count), unit


def _named_bags(order: Order) -> list[_Bag]:
    paths = [path for given in order.bags for path in find_bags(given)]
    if len(order.labels) not in (0, 1, len(paths)):
        raise EvaluationError(
            f"There are {len(order.labels)} files of labels for {len(paths)} bags; give one per "
            "bag in the same order, or a single one with a column `recording`."
        )
    labels: list[Path | None] = [None] * len(paths)
    if len(order.labels) == 1:
        check_of_several(order.labels[0], len(paths))
    if order.labels:
        labels = list(order.labels) if len(order.labels) == len(paths) else (
            [order.labels[0]] * len(paths)
        )  # fmt: skip
    names = _distinct([bag_files(path).name for path in paths])
    return [_Bag(*each) for each in zip(names, paths, labels, strict=True)]


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, those that are there already with a number that makes them a name of their own."""
    found: list[str] = []
    for name in names:
        others = (f"{name} ({number})" for number in count(2))
        free = (other for other in others if other not in found and other not in names)
        found.append(next(free) if name in found else name)
    return found


def _strips(evaluation: Evaluation, frames: dict[str, TrackedFrames]) -> tuple[Strip, ...]:
    finders: dict[str, ImageFinder] = {}

    def images(recording: str, stamp_ns: int) -> Image | None:
        if recording not in finders:
            finders[recording] = frames[recording].images()
        return finders[recording](stamp_ns)

    def skeletons(recording: str, start_ns: int, end_ns: int) -> Sequence[SkeletonFrame]:
        return frames[recording].between(start_ns, end_ns)

    try:
        return tuple(make_strips(evaluation, images, skeletons))
    finally:
        for finder in finders.values():
            finder.close()


def _pose(subject: Subject, kinds: Collection[str]) -> str:
    """Where the skeletons come from, given the kinds of input that there are."""
    told = {"images": subject.pose_backend, "skeletons": "recorded skeletons"}
    return ", ".join(told[kind] for kind in sorted(kinds))


def _about(order: Order, seconds: float, estimated: bool) -> dict[str, Any]:
    """estimated: whether the pose estimator was used at all."""
    config, subject = order.subject.config, order.subject
    pose = {
        "pose_options": ", ".join(f"{k}={v}" for k, v in subject.pose_options.items()),
        "smoothing": f"{subject.smoothing:g}",
    }
    return {
        "command": shlex.join(order.command),
        "date": time.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "took_s": f"{seconds:.1f}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}",
        "recogniser": ", ".join(
            f"{name}={getattr(config, name)}" for name in config.__dataclass_fields__
        ),
        "engine": ", ".join(
            (subject.engine, f"num_threads={subject.threads}", *subject.engine_options,
             f"continual={'auto' if subject.continual else 'off'}")
        ),
        **(pose if estimated else {}),
        **({"rgb": "true"} if order.subject.rgb else {}),
    }
