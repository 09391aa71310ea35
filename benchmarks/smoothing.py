"""What smoothing keypoints costs and gains: lag, jitter and error against exact truth.

    python -m benchmarks.smoothing [--films 8] [--seconds 20] [--json FILE] [--machine TEXT]

Draws people who gesture (one a film, seeds from 4000 on, 1280x720, 30 images a second, 2 to 4 m
away), estimates their keypoints with the light estimator, and smooths the same keypoints in
several ways. All lengths are in hundredths of the person's torso (shoulders to hips, about 0.5 m).
Last it says how many of the gestures the default bundle recognises from each.

- jitter: root mean square of how much the error changes from image to image, where the true
  point rests (slower than 0.1 torso lengths a second). What the eye sees as trembling.
- lag: the delay that explains most of the error of moving points: the least-squares fit of
  error = -lag x true velocity, each point's mean error in the film taken off, beyond the lag of
  the unsmoothed keypoints; of slow points (0.1 to 0.5 torso lengths a second) and of fast ones.
  Lag is called invisible below half an image, 17 ms. The filter's constants were chosen on films
  of other seeds (100 to 105).
- behind: how far points faster than 2 torso lengths a second trail, along their way, beyond the
  unsmoothed ones.
- error: root mean square distance to the truth.

Points count where they are in plain view and the estimator is within 0.3 torso lengths of them:
a mistaken hand is no question of smoothing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.person_films import RATE_HZ, Film, make_films
from bharnet_ros.bundle import DEFAULT_BUNDLE, load_bundle
from bharnet_ros.evaluation import EpisodeCollector, score_episodes
from bharnet_ros.inference import create_engine
from bharnet_ros.pose.filters import OneEuroFilter
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.smoothing import Smoother
from bharnet_ros.types import SkeletonFrame

FIRST_SEED = 4000
BODY, HANDS = slice(0, 17), slice(91, 133)
REST, MOVING, FAST = 0.1, 0.5, 2.0
"""Torso lengths a second."""
MISTAKEN = 0.3

Array = npt.NDArray[np.float64]
Filter = Callable[[SkeletonFrame], SkeletonFrame]


def smoothed(film: Film, smooth: Filter) -> Array:
    """(F, 133, 2) px; NaN where nothing was found."""
    result = np.full(film.truth.shape, np.nan)
    for row, frame in zip(result, film.frames, strict=True):
        for person in smooth(frame).skeletons:
            seen = person.scores > 0.0
            row[seen] = person.keypoints[seen]
    return result


def plain_one_euro() -> Filter:
    """One filter for all points in torso lengths: the estimator's option `smoothing`."""
    euro = OneEuroFilter()

    def smooth(frame: SkeletonFrame) -> SkeletonFrame:
        people = []
        for person in frame.skeletons:
            points = person.keypoints.astype(np.float64)
            corners = points[[5, 6, 11, 12]]
            torso = float(np.linalg.norm(corners[:2].mean(axis=0) - corners[2:].mean(axis=0)))
            found = euro(points, person.scores, frame.stamp_ns, torso)
            people.append(replace(person, keypoints=found.astype(np.float32)))
        return replace(frame, skeletons=tuple(people))

    return smooth


def ways(strengths: Sequence[float]) -> dict[str, Callable[[], Filter]]:
    """What is compared, by name; each call makes a filter without memory."""
    found: dict[str, Callable[[], Filter]] = {
        "none": lambda: lambda frame: frame,
        "one filter for all": plain_one_euro,
    }
    for strength in strengths:
        found[f"smoothing {strength:g}"] = lambda s=strength: Smoother(s).update  # type: ignore[misc]
    return found


@dataclass(frozen=True, eq=False)
class Trail:
    """Points of one film that can be judged, in torso lengths. error, velocity: (F, V, 2),
    NaN where not judged; velocity is the true one, per second."""

    error: Array
    velocity: Array


def trail(film: Film, found: Array, unsmoothed: Array, part: slice) -> Trail:
    """The errors of one part of the body."""
    truth = film.truth[:, part]
    corners = film.truth[:, [5, 6, 11, 12]]
    lengths = np.linalg.norm(corners[:, :2].mean(axis=1) - corners[:, 2:].mean(axis=1), axis=-1)
    unit = float(np.nanmedian(lengths))
    stamps_s = np.array([frame.stamp_ns for frame in film.frames]) * 1e-9
    velocity = np.full(truth.shape, np.nan)
    elapsed = (stamps_s[2:] - stamps_s[:-2])[:, None, None]
    velocity[1:-1] = (truth[2:] - truth[:-2]) / elapsed / unit
    judged = np.linalg.norm(unsmoothed[:, part] - truth, axis=-1) < MISTAKEN * unit
    judged &= np.isfinite(velocity).all(axis=-1)
    error = np.where(judged[..., None], (found[:, part] - truth) / unit, np.nan)
    return Trail(error, np.where(judged[..., None], velocity, np.nan))


def figures(trails: Sequence[Trail]) -> dict[str, float]:
    """jitter, behind and error in hundredths of the torso; slow_lag_ms and lag_ms."""
    changes, behind, errors = [], [], []
    fits = {"slow_lag_ms": np.zeros(2), "lag_ms": np.zeros(2)}
    for each in trails:
        speed = np.linalg.norm(each.velocity, axis=-1)
        errors.append(np.linalg.norm(each.error, axis=-1).ravel())
        step = np.linalg.norm(np.diff(each.error, axis=0), axis=-1)
        changes.append(step[(speed[1:] < REST) & (speed[:-1] < REST)])
        count = np.maximum(np.isfinite(each.error).sum(axis=0), 1)
        lasting = np.nansum(each.error, axis=0) / count
        along = ((each.error - lasting) * each.velocity).sum(axis=-1)
        behind.append(-along[speed > FAST] / speed[speed > FAST])
        slow = (speed > REST) & (speed < MOVING)
        for name, moving in (("slow_lag_ms", slow), ("lag_ms", speed > MOVING)):
            fits[name] += (-along[moving].sum(), np.square(speed[moving]).sum())
    lags = {name: 1e3 * float(a / b) if b > 0 else float("nan") for name, (a, b) in fits.items()}
    trailing = np.concatenate(behind)
    return {
        "jitter": 100.0 * _rms(changes), **lags,
        "behind": 100.0 * float(trailing.mean()) if len(trailing) else float("nan"),
        "error": 100.0 * _rms(errors),
    }  # fmt: skip


def _rms(parts: Sequence[Array]) -> float:
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(values**2))) if len(values) else float("nan")


Figures = dict[str, dict[str, dict[str, float]]]


def compare(films: Sequence[Film], strengths: Sequence[float]) -> Figures:
    """Figures of body and hands for every way; lags and trailing beyond those of "none"."""
    raw = [smoothed(film, lambda frame: frame) for film in films]
    result: Figures = {}
    for name, make in ways(strengths).items():
        found = [smoothed(film, make()) for film in films]
        result[name] = {
            part: figures(
                [trail(f, p, r, where) for f, p, r in zip(films, found, raw, strict=True)]
            )
            for part, where in (("body", BODY), ("hands", HANDS))
        }
    for part, before in {part: dict(values) for part, values in result["none"].items()}.items():
        for entry in result.values():
            for name in ("slow_lag_ms", "lag_ms", "behind"):
                entry[part][name] -= before[name]
    return result


def recognised(films: Sequence[Film], make: Callable[[], Filter]) -> dict[str, int]:
    """How the default bundle answers the gestures of all films: right, wrong, missed, and what it
    reports where there was none."""
    bundle = load_bundle(DEFAULT_BUNDLE)
    counts = dict.fromkeys(("right", "wrong", "missed", "false_alarms"), 0)
    with closing(create_engine(bundle, threads=1)) as engine:
        for film in films:
            smooth, collector = make(), EpisodeCollector()
            recognizer = Recognizer(bundle, engine)
            for frame in film.frames:
                actions = recognizer.push(smooth(frame))
                if actions is not None:
                    collector.push(actions)
            known = [e for e in film.gestures if e.class_name in bundle.manifest.class_names]
            score = score_episodes(known, collector.episodes())
            for name in ("right", "wrong", "missed"):
                counts[name] += getattr(score, name)
            counts["false_alarms"] += len(score.false_alarms)
    return counts


def cost_ms(films: Sequence[Film]) -> float:
    """Processor time of smoothing one person in one frame, in milliseconds."""
    smoother, people, begin = Smoother(), 0, time.thread_time()
    for film in films:
        smoother.reset()
        for frame in film.frames:
            people += len(smoother.update(frame).skeletons)
    return (time.thread_time() - begin) * 1e3 / max(people, 1)


def report(found: Figures) -> str:
    """The table."""
    columns = {"jitter": 2, "slow_lag_ms": 1, "lag_ms": 1, "behind": 2, "error": 2}
    lines = []
    for part in ("body", "hands"):
        lines.append(f"{part:22s}" + "".join(f"{name:>13s}" for name in columns))
        for way, entry in found.items():
            values = (f"{entry[part][name]:13.{digits}f}" for name, digits in columns.items())
            lines.append(f"  {way:20s}" + "".join(values))
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.smoothing", description=summary)
    parser.add_argument("--films", type=int, default=8, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each; default: %(default)s")
    parser.add_argument("--processes", type=int, default=2, help="that film, with a thread each")
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.5, 1.0, 2.0])
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--machine", default="", help="what to call this machine in the file")
    options = parser.parse_args()
    films = make_films(FIRST_SEED, options.films, options.seconds, options.processes)
    found = compare(films, options.strengths)
    spent_ms = cost_ms(films)
    gestures = {name: recognised(films, make) for name, make in ways(options.strengths).items()}
    print(report(found))
    print(f"{spent_ms:.3f} ms of processor time a person and frame")
    for name, counts in gestures.items():
        print(f"{name:22s}" + ", ".join(f"{key} {value}" for key, value in counts.items()))
    if options.json is not None:
        figures_file = {
            "machine": options.machine, "seeds": [FIRST_SEED, FIRST_SEED + options.films - 1],
            "seconds": options.seconds, "rate_hz": RATE_HZ, "ways": found,
            "cost_ms": round(spent_ms, 4), "gestures": gestures,
        }  # fmt: skip
        options.json.write_text(json.dumps(figures_file, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
