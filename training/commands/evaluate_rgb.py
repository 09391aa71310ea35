"""`python -m training evaluate-rgb`: what pixels add to a bundle, on people never seen before."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bharnet_ros.bundle import Bundle
    from training.data.store import Store
    from training.rgb_evaluation import Question

RESULTS = Path(__file__).resolve().parents[1] / "results"
PARTS = ("train", "validation", "test")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    summary = "measure a bundle with RGB: with pixels, without them, with half of them lost"
    command = commands.add_parser(
        "evaluate-rgb",
        help=summary,
        description=f"evaluate-rgb: {summary}, by the code that the robot runs. Writes "
        "<bundle>_rgb_<part>.json and .md.",
    )
    command.add_argument("--bundle", required=True, help="folder, or name of a shipped one")
    command.add_argument("--store", type=Path, required=True, help="the store")
    command.add_argument(
        "--rois", type=Path, required=True, help="its tiles, of extract-rois"
    )
    command.add_argument(
        "--protocol", default=None,
        help="who is tested (default: the one named like the store's data set)",
    )  # fmt: skip
    command.add_argument(
        "--part", choices=PARTS, default="test", help="of the protocol (default: %(default)s)"
    )
    command.add_argument(
        "--choice", nargs="+", action="append", default=[], metavar="CLASS",
        help="classes to be told apart, two or more; may be given several times (default: the "
        "object pairs of drawn people, else the groups of the bundle)",
    )  # fmt: skip
    command.add_argument(
        "--window", choices=("end", "middle"), default="end",
        help="where in a clip the window lies (default: %(default)s, as clips are labelled by "
        "their last moment)",
    )  # fmt: skip
    command.add_argument(
        "--skeleton", default=None, metavar="BUNDLE",
        help="a bundle of the same skeleton experts without RGB, to compare with",
    )
    command.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4],
        help="of the runs with lost images (default: 0 1 2 3 4)",
    )
    command.add_argument(
        "--results", type=Path, default=RESULTS,
        help="folder of the report (default: training/results)",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Measure, write the report and print it."""
    import json

    from bharnet_ros.bundle import load_bundle
    from bharnet_ros.evaluation.atomic import write_atomically
    from bharnet_ros.inference import create_engine
    from training.data import load_protocol, open_store, split_clips
    from training.data.rois import open_rois
    from training.rgb_evaluation import evaluate_rgb, questions
    from training.rgb_report import report_text

    bundle, store = load_bundle(options.bundle), open_store(options.store)
    rois = open_rois(options.rois, store)
    protocol = load_protocol(options.protocol or store.sheet.dataset)
    split = split_clips(store, protocol)
    clips = split.clips[getattr(split, options.part)]
    question = questions(bundle, store, clips, split.class_names, options.window == "end")
    engine = create_engine(bundle, rgb=True)
    try:
        choices = options.choice or _object_pairs(store)
        figures = evaluate_rgb(bundle, engine, question, rois, choices, options.seeds)
    finally:
        engine.close()
    if options.skeleton is not None:
        figures["skeleton_bundle"] = _beside(options.skeleton, bundle, question)
    subjects = store.values("subject")[clips.sample]
    figures |= {
        "people": len(set(subjects.tolist())),
        "part": options.part,
        "protocol": protocol.name,
        "dataset": store.sheet.dataset,
        "store": store.content_hash(),
        "command": f"python -m training evaluate-rgb --bundle {bundle.manifest.name} "
        f"--store STORE --rois ROIS --part {options.part}",
    }
    text = report_text(figures)
    options.results.mkdir(parents=True, exist_ok=True)
    place = options.results / f"{bundle.manifest.name}_rgb_{options.part}.json"
    write_atomically(place, (json.dumps(figures, indent=1) + "\n").encode())
    write_atomically(place.with_suffix(".md"), text.encode())
    print(text)


def _object_pairs(store: Store) -> list[tuple[str, ...]]:
    """Of drawn people: what differs in nothing but the object."""
    from training.data.converters.drawn import CONVERTER
    from training.data.drawn_clips import DrawnClips
    from training.data.drawn_plans import plan_from

    if store.sheet.converter != CONVERTER:
        return []
    clips = DrawnClips(plan_from(store.sheet.options["plan"], str(store.folder)))
    return [tuple(pair) for pair in clips.vocabulary.object_pairs]


def _beside(name: str, bundle: Bundle, question: Question) -> dict[str, Any]:
    """A bundle without pixels on the same windows."""
    import numpy as np

    from bharnet_ros.bundle import load_bundle
    from bharnet_ros.errors import ConfigurationError
    from bharnet_ros.inference import create_engine
    from training.rgb_evaluation import Tally, answer

    other = load_bundle(name)
    if other.manifest.class_names != bundle.manifest.class_names:
        raise ConfigurationError(
            f"--skeleton {name} knows other classes than '{bundle.manifest.name}'."
        )
    found = []
    for each in (other, bundle):
        engine = create_engine(each)
        found.append(answer(each, engine, question)[0])
        engine.close()
    alone, dropped = found
    right = np.nan_to_num(alone, nan=-1.0).argmax(axis=1) == question.truth
    return {
        "bundle": other.manifest.name,
        "everything": Tally(int(right.sum()), len(right)).to_dict(),
        "largest_difference": float(np.nanmax(np.abs(alone - dropped), initial=0.0)),
    }
