"""`python -m training teach`: from one's own labelled recordings to a bundle, in minutes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.data import Store
    from training.teaching.examples import Take
    from training.teaching.making import Start
    from training.teaching.splitting import Fold

STEPS = 300
ACTED = 80
FOLDS = 3
FEW, USUAL = 5, "5 to 20"
BAG_OPTIONS: dict[str, str | None] = {
    "labels": None, "names": "", "people": None, "skeletons": "skeletons", "backend": "",
    "image_topic": "",
}  # fmt: skip
"""What is said about bags, and what it is if nothing is said."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "train a bundle for your own recorded gestures, from 5 to 20 examples of each"
    command = commands.add_parser(
        "teach",
        help=summary,
        description=f"teach: {summary}. Takes labelled bags, or the store that `convert rosbag` "
        "made of them; starts from the networks of a bundle; holds people out to find out what "
        "will be confused and to choose thresholds, then trains on everybody. "
        "docs/teach_your_own.md goes through it step by step.",
    )
    command.add_argument("input", type=Path, help="store, bag, or folder of bags")
    command.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    command.add_argument(
        "--name", default=None, help="name of the bundle (default: the folder's, less `_bundle`)"
    )
    command.add_argument(
        "--init", default="gestures",
        help="bundle whose networks to start from (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--hold-out", nargs="+", default=None, metavar="NAME",
        help="people (or bags) that stay out of training and on which the bundle is judged, "
        "instead of holding out everybody in turn",
    )  # fmt: skip
    command.add_argument(
        "--folds", type=int, default=FOLDS,
        help="in how many groups people are held out in turn (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--no-validation", action="store_true",
        help="hold nobody out: quicker, and nothing is known about other people",
    )  # fmt: skip
    command.add_argument(
        "--shots", type=int, default=None,
        help="use only so many examples of each gesture, of as many people as possible",
    )  # fmt: skip
    command.add_argument(
        "--no-mirror", action="store_true",
        help="a gesture means something else (or nothing) when the other hand makes it",
    )  # fmt: skip
    command.add_argument(
        "--steps", type=int, default=STEPS, help="training steps (default: %(default)s)"
    )
    command.add_argument(
        "--acted", type=int, default=ACTED,
        help="people who act other gestures, so that those stay unknown (default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--seed", type=int, default=1, help="of everything that is drawn")
    command.add_argument(
        "--threads", type=int, default=2,
        help="CPU threads; results repeat exactly only with the same number "
        "(default: %(default)s)",
    )  # fmt: skip
    group = command.add_argument_group("if the input is bags (see `convert rosbag`)")
    for name, type_, shown in (
        ("labels", Path, "PATH"), ("names", str, "PATTERN"), ("people", Path, "CSV"),
        ("skeletons", str, "TOPIC"), ("backend", str, "NAME"), ("image_topic", str, "TOPIC"),
    ):  # fmt: skip
        group.add_argument(_flag(name), type=type_, default=BAG_OPTIONS[name], metavar=shown)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Convert if need be, look at the examples, train, say what will be confused."""
    import torch

    from bharnet_ros.errors import ConfigurationError
    from training.teaching.examples import draw_examples, overlooked, read_takes
    from training.teaching.making import Lesson, teach
    from training.teaching.splitting import unit_names
    from training.teaching.validating import summary_lines

    for name, least in (("steps", 1), ("threads", 1), ("folds", 2), ("shots", 1), ("acted", 12)):
        given = getattr(options, name)
        if given is not None and given < least:
            raise ConfigurationError(f"--{name} is {given}; give {least} or more.")
    store = _store(options)
    start = _start(options.init)
    takes = read_takes(store, start.bundle.manifest.layout)
    for label, count in sorted(overlooked(store).items()):
        print(f"Left out: {count} of {label}, whose person is followed for less than a second.")
    if options.shots is not None:
        takes = draw_examples(takes, options.shots, options.seed)
    for line in overview(takes):
        print(line)
    folds = _folds(takes, options)
    torch.set_num_threads(options.threads)
    name = options.name or options.output.name.removesuffix("_bundle")
    lesson = Lesson(
        seed=options.seed, steps=options.steps, acted=options.acted, mirror=not options.no_mirror
    )
    about = {
        "command": f"python -m training teach {options.input.name} --init {options.init} "
        f"--steps {options.steps} --acted {options.acted} --seed {options.seed}",
        "store_sha256": store.content_hash(),
        "started_from": options.init,
        "held_out": [list(fold.names) for fold in folds],
    }
    _, figures = teach(
        takes, folds, start, lesson, name, options.output, about, store.sheet.license
    )
    if figures:
        for line in summary_lines(figures["held_out_events"], unit_names(takes)[0]):
            print(line)
    for line in usage(options.output):
        print(line)


def overview(takes: Sequence[Take]) -> list[str]:
    """What was recorded, and what is thin about it."""
    from training.teaching.examples import examples_of
    from training.teaching.splitting import lone_labels, unit_names

    kind, units = unit_names(takes)
    counts = examples_of(takes)
    seconds = sum(take.sequence.duration_s for take in takes)
    lines = [
        f"{len(counts)} labels, {counts.total()} examples, {len(set(units))} {kind}, "
        f"{seconds / 60:.1f} minutes: "
        + ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    ]
    if kind == "recordings":
        lines.append(
            "Who is in which bag is not known (--names or --people of `convert rosbag`), so whole "
            "bags are held out: the figures say how well those who were recorded are understood, "
            "and nothing about other people."
        )
    few = [name for name, count in sorted(counts.items()) if count < FEW]
    if few:
        lines.append(f"Few examples of {', '.join(few)}: {USUAL} of each gesture are needed.")
    lone = lone_labels(takes)
    if lone:
        lines.append(
            f"Only one of the {kind} shows {', '.join(lone)}: how others do it cannot be learned "
            "or checked. Record somebody else, too."
        )
    return lines


def usage(folder: Path) -> list[str]:
    """How the bundle gets into a graph, running or not."""
    return [
        "",
        f"Run it:      ros2 launch bharnet_ros recognize.launch.py bundle:=gestures,{folder}",
        f"Evaluate it: python -m bharnet_ros evaluate BAG --bundle {folder}",
        "Into a graph that runs:",
        "  ros2 lifecycle set /action_recognizer deactivate",
        "  ros2 lifecycle set /action_recognizer cleanup",
        f"  ros2 param set /action_recognizer bundles \"['gestures', '{folder.resolve()}']\"",
        "  ros2 lifecycle set /action_recognizer configure",
        "  ros2 lifecycle set /action_recognizer activate",
    ]


def _store(options: argparse.Namespace) -> Store:
    """The store that was given, or one made of the bags that were given."""
    from bharnet_ros.errors import ConfigurationError
    from training.data import open_store
    from training.data.sheet import SHEET_FILE

    if not options.input.exists():
        raise ConfigurationError(
            f"{options.input} does not exist; give labelled bags, the folder they lie in, or a "
            "store."
        )
    if (options.input / SHEET_FILE).is_file():
        _refuse_bag_options(options)
        return open_store(options.input)
    from training.commands.convert import report
    from training.data.converters import RosbagConverter
    from training.data.converters.relabelling import forget_relabelled
    from training.data.converting import convert

    folder = options.output.with_name(f"{options.output.name.removesuffix('_bundle')}_store")
    converter = RosbagConverter(
        options.input, options.skeletons, labels=options.labels, names=options.names,
        people=options.people, backend=options.backend, image_topic=options.image_topic,
    )  # fmt: skip
    forget_relabelled(converter, folder, nothing_else=True)
    report(convert(converter, folder), folder)
    return open_store(folder)


def _flag(name: str) -> str:
    """How an option of BAG_OPTIONS is written."""
    return f"--{name.replace('_', '-')}"


def _refuse_bag_options(options: argparse.Namespace) -> None:
    """Raise ConfigurationError if a store was given together with what is said about bags."""
    from bharnet_ros.errors import ConfigurationError

    given = [_flag(name) for name, usual in BAG_OPTIONS.items() if getattr(options, name) != usual]
    if given:
        raise ConfigurationError(
            f"{options.input} is a store, and {', '.join(given)} says how to read bags; give the "
            "bags in its place, or make the store with `python -m training convert rosbag "
            f"{' '.join(f'{name} ...' for name in given)}` and leave "
            f"{'it' if len(given) == 1 else 'them'} away here."
        )


def _start(init: str) -> Start:
    from bharnet_ros.bundle import DEFAULT_BUNDLE, GESTURES_FILE, load_bundle
    from bharnet_ros.gestures import load_vocabulary
    from training.teaching.making import Start

    bundle = load_bundle(init)
    described = bundle.file(GESTURES_FILE)
    return Start(bundle, load_vocabulary(str(described) if described else DEFAULT_BUNDLE))


def _folds(takes: Sequence[Take], options: argparse.Namespace) -> Sequence[Fold]:
    from bharnet_ros.errors import ConfigurationError
    from training.teaching.splitting import folds_of, hold_out

    if options.no_validation and options.hold_out:
        raise ConfigurationError("--no-validation and --hold-out exclude each other; give one.")
    if options.no_validation:
        return ()
    if options.hold_out:
        return (hold_out(takes, options.hold_out),)
    found: Any = folds_of(takes, options.folds)
    return tuple(found)
