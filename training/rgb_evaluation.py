"""How much pixels help: a bundle with an RGB graph on a store's test part, with and without them.

Everything goes through the robot's own code: windows as `WindowBuffer` resamples them, `Experts`
with the bundle's engine, tiles picked by stamp. What was chosen within a set of classes says
whether its members are told apart; what was named says whether the robot would have been right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.experts import Experts, TilesOf
from bharnet_ros.inference import Engine
from bharnet_ros.roi import Tiles
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import Window, resample, step_stamps
from training.data.clips import Clips
from training.data.rois import RoiSet
from training.data.store import Store

Z95 = 1.959964
LOST_SHARE = 0.5
_BATCH = 64
Answers = FloatArray
"""(N, C) probabilities; NaN in rows of whom too little was seen to judge."""


@dataclass(frozen=True)
class Tally:
    """right of count."""

    right: int
    count: int

    @property
    def per_100(self) -> float:
        """NaN of none."""
        return 100.0 * self.right / self.count if self.count else float("nan")

    def interval(self, z: float = Z95) -> tuple[float, float]:
        """Wilson's score interval, per 100 (Wilson, JASA 1927). z: 1.96 for 95 %."""
        if not self.count:
            return float("nan"), float("nan")
        share, n = self.right / self.count, float(self.count)
        middle = share + z * z / (2.0 * n)
        half = z * sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
        scale = 100.0 / (1.0 + z * z / n)
        return max(0.0, (middle - half) * scale), min(100.0, (middle + half) * scale)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        low, high = self.interval()
        return {
            "right": self.right, "count": self.count, "per_100": round(self.per_100, 2),
            "low": round(low, 2), "high": round(high, 2),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Question:
    """N windows that end where they are judged. truth: (N,) class ids of the bundle. sample,
    track_id: whose they are in the store."""

    windows: tuple[Window, ...]
    truth: npt.NDArray[np.int64]
    sample: npt.NDArray[np.int64]
    track_id: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.windows)


def questions(
    bundle: Bundle, store: Store, clips: Clips, class_names: Sequence[str], at_end: bool = True
) -> Question:
    """A window of each clip, as the robot would resample it.

    class_names: of the clips' labels. at_end: the window ends with the clip, else it lies in the
    middle of clips that are longer. Raises ConfigurationError if bundle and store do not fit.
    """
    manifest = bundle.manifest
    if store.sheet.layout != manifest.layout or store.sheet.dims != 2:
        raise ConfigurationError(
            f"The store {store.folder} holds {store.sheet.layout} in {store.sheet.dims}D, the "
            f"bundle '{manifest.name}' reads {manifest.layout} in 2D."
        )
    unknown = sorted(set(class_names) - set(manifest.class_names))
    if unknown:
        raise ConfigurationError(
            f"The bundle '{manifest.name}' does not know the class '{unknown[0]}'."
        )
    ids = np.array([manifest.class_names.index(name) for name in class_names], np.int64)
    window_ns = round(manifest.window_s * 1e9)
    windows = []
    for number in range(len(clips)):
        sample = store.sample(int(clips.sample[number]))
        track = int(clips.track_id[number])
        who = next((p for p in sample.people if p.track_id == track), sample.people[0])
        stamps = sample.stamps_ns[who.first_frame : who.first_frame + len(who.scores)]
        first = int(sample.stamps_ns[clips.first[number]])
        last = int(sample.stamps_ns[clips.stop[number] - 1])
        spare = 0 if at_end else max(last - first - window_ns, 0) // 2
        end = int(stamps[max(int(np.searchsorted(stamps, last - spare, side="right")) - 1, 0)])
        gap_ns = round(manifest.max_gap_s * 1e9)
        keypoints, scores = resample(
            stamps, who.keypoints, who.scores,
            step_stamps(end - window_ns, end, manifest.num_steps), gap_ns,
        )  # fmt: skip
        inside = (stamps >= end - window_ns) & (stamps <= end) & (who.scores > 0.0).any(axis=1)
        windows.append(
            Window(
                keypoints, scores, int(inside.sum()), end - window_ns, end, sample.image_size
            )
        )
    return Question(tuple(windows), ids[clips.label], clips.sample, clips.track_id)


def answer(
    bundle: Bundle, engine: Engine, question: Question, tiles: TilesOf | None = None
) -> tuple[Answers, npt.NDArray[np.bool_]]:
    """Probabilities (N, C) by the experts, and in which rows (N,) pixels had a say.

    tiles: by the window's number; None = no pixels.
    """
    experts = Experts(bundle, engine, "fused")
    found = np.full((len(question), len(bundle.manifest.class_names)), np.nan, np.float32)
    spoke = np.zeros(len(question), np.bool_)
    for begin in range(0, len(question), _BATCH):
        numbers = range(begin, min(begin + _BATCH, len(question)))
        opinions = experts.judge({n: question.windows[n] for n in numbers}, tiles)
        for number, opinion in opinions.items():
            found[number] = opinion.probabilities
            spoke[number] = opinion.rgb_reliability is not None
    return found, spoke


def tiles_of(question: Question, rois: RoiSet, lost: float = 0.0, seed: int = 0) -> TilesOf:
    """Tiles of a question's windows. lost: chance of each moment that its image never came."""

    def tiles(key: int, start_ns: int, end_ns: int) -> Tiles:
        found = rois.tiles(
            int(question.sample[key]), int(question.track_id[key]), start_ns, end_ns
        )
        gone = np.random.default_rng([seed, key]).random(len(found.seen)) < lost
        found.values[gone], found.seen[gone] = 0, False
        return found

    return tiles


def evaluate_rgb(
    bundle: Bundle,
    engine: Engine,
    question: Question,
    rois: RoiSet,
    choices: Sequence[Sequence[str]] = (),
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
) -> dict[str, Any]:
    """The figures, for JSON.

    engine: opened with `rgb`. choices: sets of classes to be told apart; () = the bundle's groups.
    seeds: of the runs in which each moment is missing with the chance `LOST_SHARE`.
    Raises ConfigurationError for a bundle without RGB or tiles of another layout.
    """
    manifest = bundle.manifest
    if manifest.rgb is None:
        raise ConfigurationError(
            f"The bundle '{manifest.name}' has no RGB graph; export one with "
            "`python -m training export-rgb`."
        )
    if manifest.rgb.roi != rois.config:
        raise ConfigurationError(
            f"The tiles in {rois.folder} are {rois.config}, the bundle '{manifest.name}' reads "
            f"{manifest.rgb.roi}; extract them as the bundle was trained."
        )
    sets = [tuple(names) for names in (choices or manifest.rgb.groups)]
    unknown = sorted({name for names in sets for name in names} - set(manifest.class_names))
    if unknown or any(len(names) < 2 for names in sets):
        raise ConfigurationError(
            f"Classes to be told apart are {sets}; name two or more of "
            f"{', '.join(manifest.class_names)} in each set."
        )
    skeleton, _ = answer(bundle, engine, question)
    pixels, spoke = answer(bundle, engine, question, tiles_of(question, rois))
    thinned = [
        answer(bundle, engine, question, tiles_of(question, rois, LOST_SHARE, seed))[0]
        for seed in seeds
    ]
    ways = {"skeleton": [skeleton], "pixels": [pixels], "half_lost": thinned}
    members = [np.array([manifest.class_names.index(n) for n in names]) for names in sets]
    inside = np.isin(question.truth, np.concatenate(members))
    rows = {
        "told_apart": {
            " / ".join(names): _within(ways, question.truth, ids)
            for names, ids in zip(sets, members, strict=True)
        },
        "told_apart_together": _together(ways, question.truth, members),
        "named": {
            "those to be told apart": _named(ways, question.truth, inside),
            "all others": _named(ways, question.truth, ~inside),
            "everything": _named(ways, question.truth, np.ones(len(inside), np.bool_)),
        },
        "by_class": {
            name: _named(ways, question.truth, question.truth == number)
            for number, name in enumerate(manifest.class_names)
            if (question.truth == number).any()
        },
    }
    other = np.nan_to_num(pixels[~inside], nan=-1.0).argmax(axis=1)
    before = np.nan_to_num(skeleton[~inside], nan=-1.0).argmax(axis=1)
    return {
        "bundle": manifest.name,
        "clips": len(question),
        "lost_share": LOST_SHARE,
        "seeds": list(seeds),
        "pixels_had_a_say": Tally(int(spoke.sum()), len(spoke)).to_dict(),
        "others_answered_differently_with_pixels": int((other != before).sum()),
        **rows,
    }


_Ways = Mapping[str, Sequence[Answers]]


def _within(ways: _Ways, truth: npt.NDArray[np.int64], ids: npt.NDArray[Any]) -> dict[str, Any]:
    """Of the clips of a set's classes: how often the true one is the likeliest of the set."""
    return _columns(ways, lambda answers: _right_within(answers, truth, ids))


def _together(
    ways: _Ways, truth: npt.NDArray[np.int64], members: Sequence[npt.NDArray[Any]]
) -> dict[str, Any]:
    def all_sets(answers: Answers) -> npt.NDArray[np.bool_]:
        return np.concatenate([_right_within(answers, truth, ids) for ids in members])

    return _columns(ways, all_sets)


def _named(
    ways: _Ways, truth: npt.NDArray[np.int64], rows: npt.NDArray[np.bool_]
) -> dict[str, Any]:
    """Of the chosen clips: how often the true class is the likeliest of all."""

    def right(answers: Answers) -> npt.NDArray[np.bool_]:
        return _right_within(answers[rows], truth[rows], np.arange(answers.shape[1]))

    return _columns(ways, right)


def _right_within(
    answers: Answers, truth: npt.NDArray[np.int64], ids: npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    mine = np.isin(truth, ids)
    among = answers[mine][:, ids]
    judged = np.isfinite(among).all(axis=1)
    best = ids[np.nan_to_num(among, nan=-1.0).argmax(axis=1)]
    return np.asarray(judged & (best == truth[mine]), np.bool_)


def _columns(ways: _Ways, right: Any) -> dict[str, Any]:
    """By way of judging; of repeated ones the first run, and the shares of every run."""
    found: dict[str, Any] = {}
    for name, runs in ways.items():
        marks = [right(answers) for answers in runs]
        if not marks:
            continue
        found[name] = Tally(int(marks[0].sum()), len(marks[0])).to_dict()
        if len(marks) > 1:
            found[name]["runs"] = [
                round(Tally(int(m.sum()), len(m)).per_100, 2) for m in marks
            ]
    return found
