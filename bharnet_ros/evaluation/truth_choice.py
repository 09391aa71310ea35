"""Which ground truth a bag has: a file of labels, or what the built-in camera published."""

from __future__ import annotations

import difflib
from pathlib import Path

from bharnet_ros.bags import Bag, open_bag
from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation.bag_input import BagInput
from bharnet_ros.evaluation.building import Truth
from bharnet_ros.evaluation.simulated_truth import SimulatedTruth, has_simulated_truth
from bharnet_ros.evaluation.truth import Attributor, load_labels
from bharnet_ros.labelling.location import default_labels_path
from bharnet_ros.manifest import Manifest

TRUTHS = ("auto", "labels", "simulated")


def choose_truth(
    kind: str, bag: Bag, path: Path, given: BagInput, labels: Path | None, manifest: Manifest
) -> Truth:
    """A fresh ground truth for one bag.

    kind: one of TRUTHS; "auto" takes labels if there are any, then the simulated topics. labels:
    a file; None = where `label` keeps them. Raises LabelError for a file that does not fit the
    bag or the bundle's classes, EvaluationError if there is no truth.
    """
    place = labels_of(kind, path, labels)
    if place is not None:
        found = load_labels(
            place, given.start_ns, given.end_ns, manifest.class_names, recording=bag.name
        )
        return Attributor(found)
    if kind == "simulated" or has_simulated_truth(bag):
        with open_bag(path) as reading:
            truth = SimulatedTruth(reading)
        _check_known(truth, bag, manifest)
        return truth
    raise EvaluationError(
        f"Nobody said what truly happens in {path}: there is no {default_labels_path(path)}, and "
        "the bag has no ground_truth topics. Give a file with --labels, or make one with "
        f"`python -m bharnet_ros label {path}`."
    )


def labels_of(kind: str, path: Path, labels: Path | None) -> Path | None:
    """The file of labels that is used for a bag; None if its truth is elsewhere."""
    place = labels or default_labels_path(path)
    if kind == "labels" or (kind == "auto" and (labels is not None or place.is_file())):
        return place
    return None


def _check_known(truth: SimulatedTruth, bag: Bag, manifest: Manifest) -> None:
    unknown = sorted(truth.class_names - set(manifest.class_names))
    if unknown:
        near = difflib.get_close_matches(unknown[0], manifest.class_names, 1)
        hint = f" (nearest: {near[0]})" if near else ""
        raise EvaluationError(
            f"The people of the bag {bag.name} play {', '.join(unknown)}{hint}, which the bundle "
            f"'{manifest.name}' does not know; choose the bundle that was recorded with --bundle, "
            "or label the bag."
        )
