"""A bundle from descriptions: everything between a vocabulary and a folder the robot loads."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bharnet_ros.bundle import Bundle
from bharnet_ros.gestures import Vocabulary, dump_vocabulary
from training.describing.batches import Batches, FilmedWindows, Looks, Mix, Sources
from training.describing.classes import class_names
from training.describing.finishing import NUM_STEPS, WINDOW_S, write
from training.describing.fitting import TrainingPlan, train
from training.describing.hands import HandBank
from training.describing.people import act
from training.describing.recordings import HandRecordings
from training.describing.streams import streams
from training.sequences import KeypointSequence

Report = Callable[[str], None]
LICENSE = "Apache-2.0; trained on acted descriptions and drawn people of this package."


@dataclass(frozen=True)
class Recipe:
    """How much of everything.

    performances: people who act for training; validation_*: others, for calibration and
    thresholds. hands: different hands of each held gesture. urgent: gestures of which a late
    report costs more than a wrong one, see `choose_thresholds`. mix, looks, plan: see their
    classes.
    """

    seed: int = 1
    performances: int = 400
    hands: int = 300
    validation_performances: int = 60
    validation_windows: int = 3000
    validation_sequences: int = 30
    urgent: tuple[str, ...] = ()
    mix: Mix = field(default_factory=Mix)
    looks: Looks = field(default_factory=Looks)
    plan: TrainingPlan = field(default_factory=TrainingPlan)


@dataclass(frozen=True, eq=False)
class Extras:
    """What there is beside descriptions: recorded hands, windows and sequences of films, films of
    people who do nothing, the weights of a bundle to start from, and what their data sheet says
    about them."""

    recorded: HandRecordings | None = None
    filmed: FilmedWindows | None = None
    filmed_sequences: tuple[KeypointSequence, ...] = ()
    idle_sequences: tuple[KeypointSequence, ...] = ()
    initial: Mapping[str, Tensor] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    license: str = LICENSE


def make_bundle(
    vocabulary: Vocabulary,
    name: str,
    recipe: Recipe,
    folder: Path,
    command: str,
    extras: Extras | None = None,
    report: Report = print,
) -> tuple[Bundle, dict[str, Any]]:
    """Act, train, calibrate, export. Returns the bundle and its figures on people it never saw.

    Equal arguments give equal bundles on one machine with one number of threads.
    """
    extras = extras or Extras()
    begin = time.monotonic()
    names = class_names(vocabulary)
    unknown = len(names) - 1
    seed = recipe.seed
    people = act(vocabulary, recipe.performances, WINDOW_S, NUM_STEPS, seed, unknown_id=unknown)
    others = act(
        vocabulary, recipe.validation_performances, WINDOW_S, NUM_STEPS, seed + 100_000,
        unknown_id=unknown,
    )  # fmt: skip
    hands = HandBank(vocabulary, seed, recipe.hands)
    other_hands = HandBank(vocabulary, seed + 100_000, max(20, recipe.hands // 5))
    report(
        f"{recipe.performances} people acted out {len(vocabulary.actions)} gestures, "
        f"{len(hands.names)} of them held with one hand ({time.monotonic() - begin:.0f} s)"
    )
    sources = Sources(people, hands, extras.recorded, extras.filmed)
    batches = Batches(vocabulary, unknown, sources, seed, recipe.mix, recipe.looks)
    checks = Batches(
        vocabulary, unknown, Sources(others, other_hands), seed + 100_000,
        replace(recipe.mix, passing=0.0), recipe.looks,
    )  # fmt: skip
    windows = checks.batch(0, recipe.validation_windows)
    network = train(
        batches, windows, len(names), NUM_STEPS, seed, recipe.plan, report, extras.initial,
        vocabulary.class_id(vocabulary.background),
    )  # fmt: skip
    trained = time.monotonic() - begin
    sequences = [
        *streams(vocabulary, recipe.validation_sequences, seed + 200_000),
        *extras.filmed_sequences,
    ]
    about = {
        "command": command,
        "seed": seed,
        "vocabulary_sha256": hashlib.sha256(dump_vocabulary(vocabulary).encode()).hexdigest(),
        "recipe": asdict(recipe),
        "recorded_hands": _counts(extras.recorded),
        "filmed_windows": 0 if extras.filmed is None else len(extras.filmed.label),
        "started_from_weights": extras.initial is not None,
        **extras.about,
        "packages": {"torch": torch.__version__, "python": platform.python_version()},
        "threads": torch.get_num_threads(),
    }
    bundle, figures = write(
        network, vocabulary, name, windows, sequences, extras.idle_sequences, recipe.urgent, folder,
        about, _described(vocabulary, extras), extras.license, report,
    )  # fmt: skip
    report(
        f"Bundle written to {folder} (trained after {trained:.0f} s, done after "
        f"{time.monotonic() - begin:.0f} s)"
    )
    return bundle, figures


def _counts(recorded: HandRecordings | None) -> dict[str, int]:
    if recorded is None:
        return {}
    labels, counts = np.unique(recorded.label, return_counts=True)
    return {str(label): int(count) for label, count in zip(labels, counts, strict=True)}


def _described(vocabulary: Vocabulary, extras: Extras) -> str:
    sources = ["kinematic people acting out its descriptions"]
    if extras.filmed is not None:
        sources.append("drawn people read by the pose estimator")
    if extras.recorded is not None:
        sources.append("recorded hands")
    return (
        f"BHaRNet, body and hand expert, for {len(vocabulary.actions)} described gestures; "
        f"trained on {', '.join(sources)}."
    )
