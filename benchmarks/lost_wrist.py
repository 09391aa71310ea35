"""`python -m benchmarks.lost_wrist`: where the wrist is, if the picture ends before it.

Fits the weights of `bharnet_ros.palm.WRIST_FROM` to the recorded hands of `hand_shapes`, prints
how far the wrist is from there for recorders that the fit left out, and how many of these hands a
bundle still knows when their wrist (and the thumb's first joint) is taken away.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.inference import create_engine
from bharnet_ros.palm import WRIST, WRIST_FROM, palm_px
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray
from training.describing.public import HAND_SHAPES
from training.describing.recordings import HandRecordings, load_recordings
from training.measuring.data import find
from training.measuring.hand_shapes import REACH
from training.measuring.judging import HAND_LAYOUT, SIDE, SLOTS, Judge, alone, judge_of, stronger
from training.measuring.shapes import shape_table

SEED = 7
ROWS = 300  # of each recorder, whose rows are near copies of each other
RIDGE = 1e-3
THUMB_CMC = 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the weights, their errors and what a bundle makes of hands without wrists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--bundle", default="gestures")
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(SEED)
    hands = load_recordings(find(options.data, HAND_SHAPES))
    some = np.concatenate([
        rng.choice(rows, min(ROWS, len(rows)), replace=False)
        for source in np.unique(hands.source)
        for rows in [np.flatnonzero(hands.source == source)]
    ])  # fmt: skip
    hands = hands.only(np.isin(np.arange(len(hands.xy)), some))
    print(f"{len(hands.xy)} hands of {len(np.unique(hands.source))} recorders, seed {SEED}")
    for points, used in WRIST_FROM:
        shares = fit(hands, points)
        error = np.concatenate([
            errors(hands.only(own), points, fit(hands.only(~own), points))
            for own in (hands.source == one for one in np.unique(hands.source))
        ])  # fmt: skip
        fitted, taken = (", ".join(f"{w:.2f}" for w in each) for each in (shares, used))
        print(
            f"points {points}: weights {fitted} (in use {taken}), error of recorders left out, "
            f"palm lengths: median {np.median(error):.3f}, p95 {np.quantile(error, 0.95):.3f}"
        )
    bundle = load_bundle(options.bundle)
    for estimated in (False, True):
        judge = judging(bundle, estimated)
        for lost in ((), (WRIST,), (WRIST, THUMB_CMC)):
            print(
                f"{options.bundle}, estimate_wrist {estimated}, without points {lost}: "
                f"{known(hands, judge, lost):.1%}"
            )


def units(hands: HandRecordings) -> FloatArray:
    """(N, 1) palm lengths."""
    present = np.ones((len(hands.xy), 1, 21), bool)
    return palm_px(hands.xy[:, None], present, 0.0)[0][:, None]


def fit(hands: HandRecordings, points: Sequence[int]) -> FloatArray:
    """(P,) weights, sum 1, whose mean of the points is nearest to the wrist."""
    unit = units(hands)[..., None]
    base = hands.xy[:, points[:1]]
    others = (hands.xy[:, list(points[1:])] - base) / unit  # (N, P - 1, 2)
    wrist = (hands.xy[:, :1] - base) / unit
    known = np.moveaxis(others, 1, 2).reshape(-1, len(points) - 1).astype(np.float64)
    square = known.T @ known / len(known) + RIDGE * np.eye(known.shape[1])
    found = np.linalg.solve(square, known.T @ wrist.reshape(-1) / len(known))
    weights: FloatArray = np.concatenate([[1.0 - found.sum()], found]).astype(np.float32)
    return weights


def errors(hands: HandRecordings, points: Sequence[int], weights: FloatArray) -> FloatArray:
    """(N,) distance of the estimated wrist from the wrist, palm lengths."""
    guess = np.einsum("p,npc->nc", weights, hands.xy[:, list(points)])
    distance: FloatArray = np.linalg.norm(guess - hands.xy[:, WRIST], axis=1) / units(hands)[:, 0]
    return distance


def judging(bundle: Bundle, estimated: bool) -> Judge:
    """The bundle, with wrists estimated or not."""
    features = replace(bundle.manifest.features, estimate_wrist=estimated)
    asked = replace(bundle, manifest=replace(bundle.manifest, features=features))
    return judge_of(asked, create_engine(asked, threads=1))


def known(hands: HandRecordings, judge: Judge, lost: Sequence[int]) -> float:
    """Share of the hands that are known, either as a left or as a right one."""
    centred = hands.xy - hands.xy[:, :1]
    largest = np.abs(centred).max(axis=(1, 2), keepdims=True)
    spec = get_layout(HAND_LAYOUT)
    found = []
    for slot in SLOTS:
        points, scores = alone((0.5 + REACH * centred / largest) * np.float32(SIDE), slot)
        side = {"left": spec.left_hand_indices, "right": spec.right_hand_indices}[slot]
        scores[:, side[list(lost)]] = 0.0
        found.append(judge.held(points, scores, [(SIDE, SIDE)] * len(points)))
    answers = judge.answers(stronger(found, judge.evidence))
    truth = [shape_table().of_label[str(label)] for label in hands.label]
    return float(np.mean([a == t for a, t in zip(answers, truth, strict=True)]))


if __name__ == "__main__":
    main()
