"""`python -m training convert`: public data sets and bags become a store."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from training.data.converters import Converter
    from training.data.converting import Conversion


class _Source(NamedTuple):
    """A converter on the command line. parallel: its sources are files of their own; the others
    are one file that is read once. options: adds its own ones to a parser. input: help on it."""

    summary: str
    parallel: bool
    make: Callable[[argparse.Namespace], Converter]
    options: Callable[[argparse.ArgumentParser], None]
    input: str = "file or folder to convert"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "turn a public data set or bags into a store to train on"
    command = commands.add_parser(
        "convert",
        help=summary,
        description=f"convert: {summary}. Interrupted, the same command goes on where it was. "
        "Files that cannot be used are skipped, counted and listed in sheet.json of the store. "
        "docs/data.md explains stores and protocols.",
    )
    names = command.add_subparsers(dest="name", required=True, metavar="name")
    for name, source in SOURCES.items():
        parser = names.add_parser(
            name, help=source.summary, description=f"{name}: {source.summary}."
        )
        parser.add_argument("--input", type=Path, required=True, help=source.input)
        add_output_options(parser, source.parallel)
        source.options(parser)
        parser.set_defaults(run=run)


def add_output_options(parser: argparse.ArgumentParser, parallel: bool) -> None:
    """What `convert` and `extract` have in common."""
    parser.add_argument(
        "--output", type=Path, required=True,
        help="folder of the store; a new one, or one that an interrupted run left",
    )  # fmt: skip
    parser.add_argument(
        "--limit", type=int, default=None, help="convert only this many sources, to have a look"
    )
    if parallel:
        parser.add_argument(
            "--workers", type=int, default=0,
            help="processes that read at the same time; 0 reads in this one (default: %(default)s)",
        )  # fmt: skip
    else:
        parser.set_defaults(workers=0)


def run(options: argparse.Namespace) -> None:
    """Convert and say what came of it."""
    from training.data.converters import RosbagConverter
    from training.data.converting import convert

    converter = SOURCES[options.name].make(options)
    if isinstance(converter, RosbagConverter):
        from training.data.converters.relabelling import forget_relabelled

        forget_relabelled(converter, options.output)
    report(convert(converter, options.output, options.workers, options.limit), options.output)


def report(done: Conversion, output: Path) -> None:
    """Print what is in the store, and what is not and why."""
    sheet = done.sheet
    counts = sheet.counts
    print(
        f"{output}: {counts['samples']} samples ({done.added} new, {done.present} were there), "
        f"{counts['stamps']} frames, {len(sheet.class_names)} classes, {sheet.layout} {sheet.dims}D"
    )
    for reason, number in sorted(sheet.skip_counts.items()):
        first = next(entry for entry in sheet.skipped if entry[1] == reason)
        print(f"  {number} skipped: {reason} (for example {first[0]}: {first[2]})")
    print(f"  licence: {sheet.license}")


def _nothing(parser: argparse.ArgumentParser) -> None:
    """No options of its own."""


def _missing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--missing", type=Path, action="append", default=[], metavar="TXT",
        help="the data set's list of samples with missing skeletons; may be given twice (60, 120)",
    )  # fmt: skip
    parser.add_argument(
        "--people", type=int, default=2, help="bodies kept at most (default: %(default)s)"
    )


def _rate(parser: argparse.ArgumentParser, default: float) -> None:
    parser.add_argument(
        "--rate", type=float, default=default, help="frames a second (default: %(default)s)"
    )


def _pyskl(parser: argparse.ArgumentParser) -> None:
    _rate(parser, 30.0)
    parser.add_argument(
        "--classes", default=None,
        help="text file with one class name a line, or ntu_rgbd, nw_ucla, pku_mmd "
        "(default: ntu_rgbd for recordings named like NTU's, else class_0, class_1 ...)",
    )  # fmt: skip
    parser.add_argument(
        "--dataset", default=None, help="short name of the data set (default: the file's name)"
    )


def _labels(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--labels", type=Path, required=True, help="folder or zip of the label files"
    )


def _holistic(parser: argparse.ArgumentParser) -> None:
    from training.data.converters.holistic import LAYOUTS

    _rate(parser, 15.0)
    parser.add_argument(
        "--layout", choices=LAYOUTS, default=LAYOUTS[0],
        help="keypoints to keep (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--depth", action="store_true", help="keep z; only with the layout mediapipe_holistic"
    )
    parser.add_argument(
        "--image-size", type=int, nargs=2, default=(480, 640), metavar=("HEIGHT", "WIDTH"),
        help="pixels of the images the coordinates are shares of (default: 480 640)",
    )  # fmt: skip
    parser.add_argument(
        "--dataset", default="traduttore", help="short name of the data set (default: %(default)s)"
    )


def _bag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--skeletons", default="skeletons", metavar="TOPIC", help="default: %(default)s"
    )
    parser.add_argument(
        "--true-actions", default="ground_truth/actions", metavar="TOPIC",
        help="what people truly do, if recorded (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--true-skeletons", default="ground_truth/skeletons", metavar="TOPIC",
        help="who is where, if recorded: says which track is which person (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--layout", default="coco_wholebody_133", help="of the skeletons (default: %(default)s)"
    )
    parser.add_argument(
        "--labels", type=Path, default=None, metavar="PATH",
        help="label file (CSV, YAML, ELAN, VIA), or a folder with one named like each bag; bags "
        "without labels are then left out (default: labels.csv in each bag, where `python -m "
        "bharnet_ros label` keeps them, else the ground truth topics)",
    )  # fmt: skip
    parser.add_argument(
        "--names", default="", metavar="PATTERN",
        help="how bags are named, as '{subject}_{session}': who is in them, for the splits",
    )
    parser.add_argument(
        "--people", type=Path, default=None, metavar="CSV",
        help="who is in which bag, instead of --names: columns bag,subject[,session]",
    )
    parser.add_argument(
        "--backend", default="", metavar="NAME",
        help="pose backend (such as mediapipe) for bags that hold images and no skeletons",
    )
    parser.add_argument(
        "--image-topic", default="", metavar="TOPIC",
        help="images for --backend, and from the first of which labels count (default: the only "
        "ones there are)",
    )  # fmt: skip
    parser.add_argument(
        "--license", default="your own recordings", help="of the recordings (default: %(default)s)"
    )


def _acted(parser: argparse.ArgumentParser) -> None:
    from training.data.converters.acted import LAYOUTS, ActedConverter

    usual = ActedConverter()
    _rate(parser, usual.rate_hz)
    parser.add_argument(
        "--count", type=int, default=usual.count,
        help="clips, each of another person (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--window", type=float, default=usual.window_s, metavar="SECONDS",
        help="length of a clip (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--layout", choices=LAYOUTS, default=usual.layout,
        help="keypoints; those of the store it goes with (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--leave-out", nargs="+", default=(), metavar="GESTURE",
        help="gestures nobody makes, because they look like something that is to be learned",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=usual.seed, help="of everything that is drawn")


def _make_ntu(options: argparse.Namespace) -> Converter:
    from training.data.converters import NtuConverter

    return NtuConverter(options.input, tuple(options.missing), options.people)


def _make_pyskl(options: argparse.Namespace) -> Converter:
    from training.data.converters import PysklConverter

    return PysklConverter(options.input, options.classes, options.rate, options.dataset)


def _make_pku(options: argparse.Namespace) -> Converter:
    from training.data.converters import PkuMmdConverter

    return PkuMmdConverter(options.input, options.labels)


def _make_ucla(options: argparse.Namespace) -> Converter:
    from training.data.converters import NwUclaConverter

    return NwUclaConverter(options.input)


def _make_holistic(options: argparse.Namespace) -> Converter:
    from training.data.converters import HolisticConverter

    height, width = options.image_size
    return HolisticConverter(
        options.input, options.layout, options.depth, (height, width), options.rate,
        options.dataset,
    )  # fmt: skip


def _make_coco(options: argparse.Namespace) -> Converter:
    from training.data.converters import CocoWholeBodyConverter

    return CocoWholeBodyConverter(options.input)


def _make_bag(options: argparse.Namespace) -> Converter:
    from training.data.converters import RosbagConverter

    return RosbagConverter(
        options.input, options.skeletons, options.true_actions, options.true_skeletons,
        options.layout, options.license, options.labels, options.names, options.people,
        options.backend, options.image_topic,
    )  # fmt: skip


def _make_drawn(options: argparse.Namespace) -> Converter:
    from training.data.converters import DrawnConverter
    from training.data.drawn_plans import load_plan

    return DrawnConverter(load_plan(options.input))


def _make_acted(options: argparse.Namespace) -> Converter:
    from training.data.converters import ActedConverter

    return ActedConverter(
        str(options.input), options.count, options.window, options.rate, options.layout,
        tuple(options.leave_out), options.seed,
    )  # fmt: skip


SOURCES: dict[str, _Source] = {
    "ntu": _Source(
        "NTU RGB+D 60 and 120: folder or zip of .skeleton files", True, _make_ntu, _missing
    ),
    "pyskl": _Source(
        "annotation pickle of pyskl or MMAction2, read without executing it",
        False, _make_pyskl, _pyskl,
    ),
    "pku_mmd": _Source(
        "PKU-MMD: folders or zips of skeleton and label files", True, _make_pku, _labels
    ),
    "nw_ucla": _Source(
        "Northwestern-UCLA: folder or zip of JSON files (all_sqe.zip)", True, _make_ucla, _nothing
    ),
    "mediapipe_holistic": _Source(
        "arrays of 258 numbers a frame (traduttore): .npz with x and meta",
        False, _make_holistic, _holistic,
    ),
    "coco_wholebody": _Source(
        "COCO-WholeBody annotations: JSON file", False, _make_coco, _nothing
    ),
    "rosbag": _Source(
        "our own recordings: a ROS 2 bag or a folder of bags", False, _make_bag, _bag
    ),
    "acted": _Source(
        "kinematic people who act described gestures and much else; for data.background",
        True, _make_acted, _acted, "vocabulary: a shipped one (gestures), or a YAML file",
    ),
    "drawn": _Source(
        "drawn people: windows of projected keypoints, whose pictures extract-rois draws",
        True, _make_drawn, _nothing, "plan: YAML file, or a shipped one (held_objects)",
    ),
}  # fmt: skip
"""Name -> converter, as `python -m training convert` knows them."""
