"""People who make known gestures, or none, as a pose estimator really saw them.

Acted people alone would teach a network to tell recordings from acting: whatever an estimator saw
would be one of the new gestures. The package brings films of drawn people read by its estimator,
packed small: 59 keypoints in eighths of a pixel as differences from frame to frame, scores in
255ths, stamps in milliseconds.

    python -m training.teaching.filmed --data FOLDER      packs the films of the bundle `gestures`
"""

from __future__ import annotations

import argparse
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout
from training.describing.people import KEPT
from training.sequences import GestureSpan, KeypointSequence, load_sequence

OTHERS_FILE = Path(__file__).with_name("others.npz")
LAYOUT = "coco_wholebody_133"
_STEP_PX = 1.0 / 8.0
_MS = 1_000_000
_SHARES = {"train": ("train", 0, 50), "check": ("train", 50, 84)}
_IDLE_SHARES = {"train": ("idle", 0, 24), "check": ("idle_val", 0, 20)}


class Filmed(NamedTuple):
    """Films of people who gesture, and of people who do nothing."""

    gesturing: list[KeypointSequence]
    idle: list[KeypointSequence]


def load_filmed(part: str, path: Path = OTHERS_FILE) -> Filmed:
    """part: "train" or "check"; nobody is in both. ConfigurationError if the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            about = json.loads(data["about"].tobytes())
            deltas, scores, stamps = data["deltas"], data["scores"], data["stamps_ms"]
        return _unpacked(about, deltas, scores, stamps, part)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ConfigurationError(
            f"{path} is damaged ({error}); install the package again, or pack it anew with "
            "`python -m training.teaching.filmed`."
        ) from error


def save_filmed(path: Path, parts: dict[str, Filmed]) -> None:
    """Pack films; their keypoints are kept to a sixteenth of a pixel."""
    about: list[dict[str, Any]] = []
    deltas, scores, stamps = [], [], []
    for part, (gesturing, idle) in parts.items():
        for film in (*gesturing, *idle):
            about.append(
                {
                    "part": part, "idle": not film.spans, "frames": len(film.stamps_ns),
                    "image_size": list(film.info.get("image_size", (720, 1280))),
                    "spans": [
                        [s.class_name, *(t // _MS if t >= 0 else -1 for t in s[1:])]
                        for s in film.spans
                    ],
                }
            )  # fmt: skip
            points = np.rint(film.keypoints[:, KEPT] / _STEP_PX).astype(np.int16)
            deltas.append(np.diff(points, axis=0, prepend=np.zeros_like(points[:1])))
            scores.append(np.rint(film.scores[:, KEPT] * 255.0).astype(np.uint8))
            stamps.append((film.stamps_ns // _MS).astype(np.int32))
    with path.open("wb") as file:
        np.savez_compressed(
            file, about=np.frombuffer(json.dumps(about).encode(), np.uint8),
            deltas=np.concatenate(deltas), scores=np.concatenate(scores),
            stamps_ms=np.concatenate(stamps),
        )  # fmt: skip


def _unpacked(about: Any, deltas: Any, scores: Any, stamps: Any, part: str) -> Filmed:
    count = get_layout(LAYOUT).num_keypoints
    found = Filmed([], [])
    first = 0
    for entry in about:
        rows = slice(first, first + int(entry["frames"]))
        first = rows.stop
        if entry["part"] != part:
            continue
        frames = rows.stop - rows.start
        keypoints = np.zeros((frames, count, 2), np.float32)
        weights = np.zeros((frames, count), np.float32)
        steps = np.cumsum(deltas[rows], axis=0, dtype=np.int16)
        keypoints[:, KEPT] = steps.astype(np.float32) * np.float32(_STEP_PX)
        weights[:, KEPT] = scores[rows].astype(np.float32) / np.float32(255.0)
        spans = tuple(
            GestureSpan(str(name), *(int(t) * _MS if t >= 0 else -1 for t in times))
            for name, *times in entry["spans"]
        )
        film = KeypointSequence(
            LAYOUT, stamps[rows].astype(np.int64) * _MS, keypoints, weights,
            np.zeros((0, count, 2), np.float32), spans, {"image_size": entry["image_size"]},
        )  # fmt: skip
        (found.idle if entry["idle"] else found.gesturing).append(film)
    return found


def _films(data: Path, split: str, first: int, stop: int) -> list[KeypointSequence]:
    paths = sorted((data / split).glob("*.npz"))[first:stop]
    if not paths:
        raise ConfigurationError(
            f"There are no films in {data / split}; make them with `python -m training generate "
            "--config gestures`."
        )
    return [load_sequence(path) for path in paths]


def main(arguments: Sequence[str] | None = None) -> None:
    """Pack the films that the bundle `gestures` was trained on."""
    parser = argparse.ArgumentParser(description="Pack films of other gestures for `teach`.")
    parser.add_argument("--data", type=Path, default=Path("output/gestures_data"))
    parser.add_argument("--output", type=Path, default=OTHERS_FILE)
    options = parser.parse_args(arguments)
    parts = {
        part: Filmed(
            _films(options.data, *_SHARES[part]), _films(options.data, *_IDLE_SHARES[part])
        )
        for part in _SHARES
    }
    save_filmed(options.output, parts)
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
