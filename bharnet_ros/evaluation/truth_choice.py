"""Which ground truth a bag has: a file of labels, or what the built-in camera published."""

from __future__ import annotations

import difflib
import shlex
from dataclasses import replace
from pathlib import Path

from bharnet_ros.bags import Bag, open_bag
from bharnet_ros.errors import EvaluationError, LabelError
from bharnet_ros.evaluation.bag_input import IMAGE_OPTION, BagInput
from bharnet_ros.evaluation.building import Truth
from bharnet_ros.evaluation.simulated_truth import SimulatedTruth, has_simulated_truth
from bharnet_ros.evaluation.truth import Attributor, Labels, load_labels
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
        film = film_of(bag, given)
        found = load_labels(place, *film, manifest.class_names, recording=bag.name)
        return Attributor(_within(found, given))
    if kind == "simulated" or has_simulated_truth(bag):
        with open_bag(path) as reading:
            truth = SimulatedTruth(reading)
        _check_known(truth, bag, manifest)
        return truth
    raise EvaluationError(
        f"Nobody said what truly happens in {path}: there is no {default_labels_path(path)}, and "
        "the bag has no ground_truth topics. Give a file with --labels, or make one with "
        f"`python -m bharnet_ros label {shlex.quote(str(path))}`."
    )


def film_of(bag: Bag, given: BagInput, image_option: str = IMAGE_OPTION) -> tuple[int, int]:
    """Stamps of the first and the last image, from the first of which labels count.

    Raises LabelError where the bag holds several topics of images; image_option: how a user
    chooses one.
    """
    if given.film is None:
        raise LabelError(
            f"Labels count from the first image, and the bag {bag.name} holds several topics of "
            f"images; say with {image_option} by which it was labelled."
        )
    return given.film


def _within(labels: Labels, given: BagInput) -> Labels:
    """Without what lies before or after all that is evaluated: skeletons may have been recorded
    for a part of the film only."""
    kept = tuple(
        replace(s, start_ns=max(s.start_ns, given.start_ns), end_ns=min(s.end_ns, given.end_ns))
        for s in labels.segments
        if s.start_ns < given.end_ns and s.end_ns > given.start_ns
    )
    problems = list(labels.problems)
    if away := len(labels.segments) - len(kept):
        problems.append(
            f"{away} of {len(labels.segments)} labels lie before the first or after the last "
            f"{given.kind} and were left out."
        )
    return replace(labels, segments=kept, problems=tuple(problems))


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
