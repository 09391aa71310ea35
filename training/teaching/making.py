"""A bundle from few recordings: everything between a store and a folder the robot loads."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import Vocabulary
from bharnet_ros.inference import create_engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import Thresholds
from training.config import FitConfig
from training.describing.classes import UNKNOWN
from training.describing.finishing import CONFIRM_S, SMOOTHING_S, window_figures
from training.describing.fitting import TrainingPlan, train
from training.describing.people import FEATURES
from training.describing.streams import streams
from training.evaluate import rounded
from training.export import export_bundle
from training.labels import UNMIRRORED, mirror_table
from training.models import BHaRNet
from training.starting import WEIGHTS_FILE, pack_weights, starting_weights
from training.teaching.batches import (
    LEAST_PERFORMANCES,
    ActedOthers,
    TaughtBatches,
    TaughtMix,
)
from training.teaching.examples import Take, examples_of
from training.teaching.filmed import Filmed, load_filmed
from training.teaching.likeness import likenesses
from training.teaching.progress import Progress
from training.teaching.recorded import index_takes
from training.teaching.showing import refuse_unjudged, refuse_unshown
from training.teaching.splitting import Fold, unit_names
from training.teaching.validating import (
    Checked,
    first_windows,
    fit_fusion,
    gesture_figures,
    only,
    others_as_strangers,
    plain_windows,
    pooled,
    thresholds_of,
    window_config,
)
from training.windowing import ExpertInputs

Report = Callable[[str], None]
HEAD_STD = 0.02


def teaching_plan(steps: int, warm: bool) -> TrainingPlan:
    """AdamW, cosine, averaged weights; networks that know people already need smaller steps."""
    fit = FitConfig(
        steps=steps, batch_size=128, learning_rate=2e-3 if warm else 3e-3, weight_decay=0.02,
        warmup_steps=min(50, steps // 5 + 1), ema_decay=0.99, label_smoothing=0.05,
        bfloat16=True, validate_every=steps,
    )  # fmt: skip
    return TrainingPlan(fit=fit)


@dataclass(frozen=True)
class Lesson:
    """How much of everything. acted: people who act other gestures beside the recordings, and at
    most so many films of others; for calibration there are `checks` other people, and
    `check_windows` of them. mirror: whether a gesture means the same when the other hand makes it.
    """

    seed: int = 1
    steps: int = 300
    acted: int = 80
    check_windows: int = 800
    mirror: bool = True
    mix: TaughtMix = field(default_factory=TaughtMix)

    @property
    def checks(self) -> int:
        """People for calibration."""
        return max(LEAST_PERFORMANCES, 3 * self.acted // 10)


@dataclass(frozen=True, eq=False)
class Start:
    """What training starts from: a bundle's weights (None: at random) and the vocabulary whose
    gestures are examples of something else."""

    bundle: Bundle
    vocabulary: Vocabulary
    warm: bool = True

    def weights(self, names: Sequence[str], seed: int) -> Mapping[str, Tensor] | None:
        """For a network with these classes; None if training starts at random.

        The last layer keeps what it knows of classes that stay, such as of idling.
        """
        if not self.warm:
            return None
        old = self.bundle.manifest.class_names
        random = torch.Generator().manual_seed(seed)
        weights = starting_weights(self.bundle)
        for key, value in weights.items():
            if key.endswith(("classify.weight", "classify.bias")) and len(value) == len(old):
                rows = torch.randn((len(names), *value.shape[1:]), generator=random) * HEAD_STD
                for number, name in enumerate(names):
                    if name in old:
                        rows[number] = value[old.index(name)]
                weights[key] = rows
        return weights


def teach(
    takes: Sequence[Take], folds: Sequence[Fold], start: Start, lesson: Lesson, name: str,
    folder: Path, about: Mapping[str, Any], license_text: str, report: Report = print,
) -> tuple[Bundle, dict[str, Any]]:  # fmt: skip
    """Train, calibrate on people held out, train once more on all, export.

    folds: each of their held parts is judged by a network that never saw it; temperatures,
    thresholds and figures come from there. One fold: its network is the bundle's, and those held
    out are in no training. None: nothing is calibrated on recordings, and the figures are empty.
    Raises ConfigurationError for a gesture that no moment shows and for a fold without anything
    to judge.
    Equal arguments give equal bundles on one machine with one number of threads.
    """
    begin = time.monotonic()
    workshop = _Workshop(takes, start, lesson, report)
    names = workshop.names
    refuse_unshown(workshop.index(takes), list(enumerate(names))[1:-1])
    held_windows = [workshop.unseen(takes, fold) for fold in folds]  # before anything takes time
    acted = workshop.others(lesson.seed, lesson.acted, "train")
    checks = workshop.others(lesson.seed + 100_000, lesson.checks, "check")
    windows = checks.batch(0, lesson.check_windows)
    windows = only(windows, windows.label < len(names))
    report(f"People who do something else: {time.monotonic() - begin:.0f} s")
    last = len(folds) != 1
    progress = Progress((len(folds) + last) * lesson.steps, report)
    checked = []
    for number, (fold, unseen) in enumerate(zip(folds, held_windows, strict=True), 1):
        report(f"Training {number} of {len(folds) + last}: {', '.join(fold.names)} held out")
        held = [takes[n] for n in fold.held]
        network = workshop.train([takes[n] for n in fold.train], acted, unseen, progress)
        checked.append(Checked(network, tuple(held), unseen))
    if last:
        report(f"Training {len(folds) + 1} of {len(folds) + 1}: on everybody")
        network = workshop.train(takes, acted, windows, progress)
    else:
        network = checked[0].network
    manifest, figures = workshop.calibrate(network, checked, windows, name)
    manifest = replace(
        manifest, license=license_text,
        training={
            **about, "seed": lesson.seed, "lesson": asdict(lesson),
            "started_from_weights": start.warm, "examples": dict(examples_of(takes)),
            "packages": {"torch": torch.__version__, "python": platform.python_version()},
            "threads": torch.get_num_threads(),
        },
        metrics=rounded(figures),
    )  # fmt: skip
    bundle, difference = export_bundle(
        network, manifest, first_windows(windows), folder, {WEIGHTS_FILE: pack_weights(network)}
    )
    report(
        f"Bundle written to {folder} after {time.monotonic() - begin:.0f} s; largest difference "
        f"between torch and ONNX Runtime {difference:.1e}"
    )
    return bundle, figures


class _Workshop:
    """What all trainings of a lesson have in common."""

    def __init__(self, takes: Sequence[Take], start: Start, lesson: Lesson, report: Report) -> None:
        manifest = start.bundle.manifest
        self.background = manifest.background_class
        self.names = class_names(takes, self.background)
        self.ids = {name: number for number, name in enumerate(self.names)}
        self._start, self._lesson, self._report = start, lesson, report
        self._windows = window_config(manifest)
        _, units = unit_names(takes)
        self._units = {id(take): unit for take, unit in zip(takes, units, strict=True)}
        mirrored = mirror_table(self.names)
        if not lesson.mirror:
            mirrored = np.full(len(self.names), UNMIRRORED, np.int64)
        self._mirrored = mirrored
        self._ambiguous = self._alike(takes)
        self._weights = start.weights(self.names, lesson.seed)

    def _alike(self, takes: Sequence[Take]) -> tuple[str, ...]:
        bundle = self._start.bundle
        found: set[str] = set()
        for label, alike in likenesses(takes, bundle, create_engine(bundle)).items():
            for known, share in alike.items():
                if known == label or known in self.names:
                    continue
                self._report(
                    f"{label} looks like {known} of the bundle {bundle.manifest.name} "
                    f"({100 * share:.0f} % of the examples): {known} is not taught as something "
                    "else, and where both bundles run, both may answer."
                )
                found.add(known)
        return tuple(sorted(found))

    def others(self, seed: int, count: int, part: str) -> ActedOthers:
        """Acted people, and the films of a part (see `filmed`)."""
        windows = self._windows
        films = self._films(part, count)
        return ActedOthers(
            self._start.vocabulary, self.names, self.ids[self.background], self.ids[UNKNOWN],
            seed, count, (*films.gesturing, *films.idle), self._ambiguous, windows.window_s,
            windows.num_steps,
        )  # fmt: skip

    def _films(self, part: str, count: int) -> Filmed:
        """At most so many films, twice as many of people whose gestures the vocabulary knows as of
        people at rest."""
        known = set(self._start.vocabulary.class_names)
        found = load_filmed(part)
        seen = [f for f in found.gesturing if {s.class_name for s in f.spans} <= known]
        return Filmed(seen[: max(2, 2 * count // 3)], found.idle[: max(1, count // 3)])

    def index(self, takes: Sequence[Take], stride_s: float = 0.05) -> Any:
        units = [self._units[id(take)] for take in takes]
        background = self.ids[self.background]
        return index_takes(takes, units, self.ids, background, self._windows, stride_s=stride_s)

    def unseen(self, takes: Sequence[Take], fold: Fold) -> ExpertInputs:
        """What those held out are judged on; ConfigurationError if there is nothing."""
        recorded = self.index([takes[n] for n in fold.held], 0.1)
        refuse_unjudged(recorded, fold.names)
        return plain_windows(recorded, FEATURES)

    def train(
        self, takes: Sequence[Take], acted: ActedOthers, validation: ExpertInputs,
        progress: Progress,
    ) -> BHaRNet:  # fmt: skip
        lesson = self._lesson
        batches = TaughtBatches(
            self.index(takes), acted, self._mirrored, self.ids[self.background],
            self.ids[UNKNOWN], lesson.seed, lesson.mix, progress.step,
        )  # fmt: skip
        plan = teaching_plan(lesson.steps, self._weights is not None)
        return train(
            batches, validation, len(self.names), self._windows.num_steps, lesson.seed, plan,
            self._report, self._weights, self.ids[self.background],
        )  # fmt: skip

    def calibrate(
        self, network: BHaRNet, checked: Sequence[Checked], acted: ExpertInputs, name: str
    ) -> tuple[Manifest, dict[str, Any]]:
        """The manifest with temperatures and thresholds, and the figures they come from."""
        start, lesson = self._start.bundle.manifest, self._lesson
        judges = checked or [Checked(network, (), only(acted, acted.label < 0))]
        logits, labels = pooled(judges, acted)
        manifest = Manifest(
            name=name, layout=start.layout, class_names=self.names,
            background_class=self.background, unknown_class=UNKNOWN, window_s=start.window_s,
            num_steps=start.num_steps, max_gap_s=start.max_gap_s, features=FEATURES,
            fusion=fit_fusion(logits, labels),
            thresholds=Thresholds(confirm_s=CONFIRM_S, smoothing_s=SMOOTHING_S),
            description=f"BHaRNet, body and hand expert, taught {', '.join(self.names[1:-1])} by "
            f"recordings; started from the bundle {start.name}.",
        )  # fmt: skip
        if not checked:
            own = start.thresholds
            self._report(
                f"Nobody was held out: the thresholds are those of {start.name} (start "
                f"{own.start}), and nothing is known about people who were not recorded."
            )
            return replace(manifest, thresholds=replace(own, class_start={}, urgent={})), {}
        count = 6 * lesson.acted // 10
        played = streams(self._start.vocabulary, max(1, count // 6), lesson.seed + 200_000)
        filmed = self._films("check", count)
        films = others_as_strangers((*played, *filmed.gesturing), self.names, self._ambiguous)
        chosen, score = thresholds_of(checked, films, filmed.idle, manifest)
        seconds = sum(film.duration_s for film in (*films, *filmed.idle))
        seconds += sum(take.sequence.duration_s for each in checked for take in each.held)
        figures = {
            "held_out_windows": window_figures(logits.fused, labels, self.names),
            "held_out_events": gesture_figures(score, seconds / 60.0),
        }
        thresholds = replace(chosen, confirm_s=CONFIRM_S, smoothing_s=SMOOTHING_S)
        return replace(manifest, thresholds=thresholds), figures


def class_names(takes: Sequence[Take], background: str) -> tuple[str, ...]:
    """The classes of the bundle: nothing, the labels by name, something else."""
    labels = sorted(set(examples_of(takes)) - {background, UNKNOWN})
    if not labels:
        raise ConfigurationError(
            f"The recordings show nothing but '{background}' and '{UNKNOWN}'; label the gestures "
            "that the bundle is to know."
        )
    return (background, *labels, UNKNOWN)
