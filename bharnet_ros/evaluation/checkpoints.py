"""Estimated skeletons of one recording on disk, stretch by stretch, so that none is made twice.

A store is a folder of .npz files (plain arrays, nothing executable), one for each finished
stretch of log times. Its name holds what the skeletons depend on: the bag's content, the topic,
the estimator and its options; another estimator means another folder. A file that is damaged,
or of another folder, counts as not there.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import LayoutError
from bharnet_ros.evaluation.atomic import write_atomically
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Skeleton, SkeletonFrame

FORMAT = 1
FOLDER = "skeletons"
_MAX_BYTES = 1 << 30
_IDENTITY = "identity.json"


@dataclass(frozen=True, eq=False)
class Estimate:
    """The people found in one image, and how it was: log_ns is when the image was recorded,
    pose_ms how long the estimator took."""

    frame: SkeletonFrame
    log_ns: int
    pose_ms: float


@dataclass(frozen=True, eq=False)
class Stretch:
    """Consecutive images of one recording.

    begin_ns, end_ns: log times, the latter excluded. last: whether the recording ends here.
    images: how many it holds; drops: those not estimated, by reason.
    """

    begin_ns: int
    end_ns: int
    last: bool
    images: int
    estimates: tuple[Estimate, ...]
    drops: Mapping[str, int] = field(default_factory=dict)


class Store:
    """The stretches of one recording and one estimator.

    folder: where all stores are. identity: JSON-able; all that the skeletons depend on.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        self.identity = dict(identity)
        text = json.dumps({"format": FORMAT, **identity}, sort_keys=True)
        self.key = hashlib.sha256(text.encode()).hexdigest()
        self.folder = folder / self.key[:16]

    def save(self, stretch: Stretch) -> None:
        """Put a finished stretch on disk. Raises OSError (no room, no permission)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not (self.folder / _IDENTITY).exists():
            text = json.dumps(self.identity, indent=2, sort_keys=True)
            write_atomically(self.folder / _IDENTITY, text.encode())
        buffer = io.BytesIO()
        np.savez(buffer, **_packed(self.key, stretch))
        write_atomically(self._path(stretch.begin_ns), buffer.getvalue())

    def begins(self) -> list[int]:
        """Begins of the stretches that seem to be there, rising."""
        return sorted(int(p.stem) for p in self.folder.glob("*.npz") if p.stem.isdecimal())

    def load(self, begin_ns: int) -> Stretch | None:
        """The stretch that begins there; None if there is none or it cannot be trusted."""
        path = self._path(begin_ns)
        try:
            if path.stat().st_size > _MAX_BYTES:
                return None
            with np.load(path, allow_pickle=False) as arrays:
                stretch = _unpacked(self.key, {name: arrays[name] for name in arrays.files})
        except (OSError, ValueError, KeyError, TypeError, LayoutError, EOFError,
                zipfile.BadZipFile, NotImplementedError):  # fmt: skip
            return None
        return stretch if stretch.begin_ns == begin_ns else None

    def clear(self) -> None:
        """Throw all stretches away."""
        for path in self.folder.glob("*.npz"):
            path.unlink()

    def _path(self, begin_ns: int) -> Path:
        return self.folder / f"{begin_ns:020d}.npz"


def best_store(folder: Path, bag_identity: str) -> Store | None:
    """Of the stores that evaluations of a bag left in their output folder, the one that holds
    most; None if there is none. bag_identity: see the function."""
    best: tuple[int, Store] | None = None
    for path in sorted(folder.glob(f"{FOLDER}/*/{_IDENTITY}")):
        try:
            identity = json.loads(path.read_text("utf-8"))
            store = Store(path.parent.parent, identity)
        except (OSError, ValueError, TypeError):
            continue
        if identity.get("bag") != bag_identity or store.folder.name != path.parent.name:
            continue
        size = sum(file.stat().st_size for file in store.folder.glob("*.npz"))
        if best is None or size > best[0]:
            best = size, store
    return best[1] if best is not None else None


def stored_skeletons(store: Store) -> Iterator[SkeletonFrame]:
    """All frames of a store, in order. Track ids are -1 if they were estimated offline."""
    for begin_ns in store.begins():
        stretch = store.load(begin_ns)
        yield from (estimate.frame for estimate in (stretch.estimates if stretch else ()))


def bag_identity(path: Path) -> str:
    """A digest of a bag's files: their names, sizes, and the first and last MiB of each.

    Whole bags are not read: that can take longer than a checkpoint saves.
    """
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    recorded = [p for p in files if ".mcap" in p.suffixes or ".db3" in p.suffixes] or files
    digest = hashlib.sha256()
    for file in recorded:
        size = file.stat().st_size
        name = file.name if file == path else file.relative_to(path).as_posix()
        digest.update(f"{name}\0{size}\0".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(1 << 20))
            stream.seek(max(0, size - (1 << 20)))
            digest.update(stream.read(1 << 20))
    return digest.hexdigest()


def _packed(key: str, stretch: Stretch) -> dict[str, Any]:
    estimates = stretch.estimates
    people = [person for estimate in estimates for person in estimate.frame.skeletons]
    layouts = sorted({estimate.frame.layout for estimate in estimates})
    about = {
        "format": FORMAT, "key": key, "begin": stretch.begin_ns, "end": stretch.end_ns,
        "last": stretch.last, "images": stretch.images, "drops": dict(stretch.drops),
        "layouts": layouts,
    }  # fmt: skip
    return {
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "stamps": np.array([e.frame.stamp_ns for e in estimates], np.int64),
        "log_times": np.array([e.log_ns for e in estimates], np.int64),
        "pose_ms": np.array([e.pose_ms for e in estimates], np.float64),
        "layout": np.array([layouts.index(e.frame.layout) for e in estimates], np.int64),
        "sizes": np.array([e.frame.image_size for e in estimates], np.int64).reshape(-1, 2),
        "counts": np.array([len(e.frame.skeletons) for e in estimates], np.int64),
        "track_ids": np.array([p.track_id for p in people], np.int64),
        "bboxes": np.array([p.bbox for p in people], np.float32).reshape(-1, 4),
        "bbox_scores": np.array([p.bbox_score for p in people], np.float64),
        "keypoints": _joined([p.keypoints for p in people]).reshape(-1, 2),
        "scores": _joined([p.scores for p in people]),
    }


def _joined(parts: Sequence[Any]) -> Any:
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def _unpacked(key: str, arrays: Mapping[str, Any]) -> Stretch:
    """Raises ValueError, KeyError, TypeError or LayoutError for arrays that do not fit."""
    about = json.loads(arrays["about"].tobytes().decode())
    if about["format"] != FORMAT or about["key"] != key:
        raise ValueError("of another store")
    layouts = [get_layout(name) for name in about["layouts"]]
    counts, kinds = arrays["counts"], arrays["layout"]
    if counts.size and (counts.min() < 0 or kinds.min() < 0):
        raise ValueError("negative counts")
    rows = iter(range(int(counts.sum())))
    estimates, at = [], 0
    for index, count in enumerate(counts.tolist()):
        layout = layouts[int(kinds[index])]
        people = []
        for row in (next(rows) for _ in range(count)):
            until = at + layout.num_keypoints
            people.append(
                Skeleton(
                    int(arrays["track_ids"][row]),
                    arrays["bboxes"][row].astype(np.float32),
                    float(arrays["bbox_scores"][row]),
                    arrays["keypoints"][at:until].astype(np.float32).reshape(-1, 2),
                    arrays["scores"][at:until].astype(np.float32),
                )
            )
            if people[-1].keypoints.shape != (layout.num_keypoints, 2):
                raise ValueError("too few keypoints")
            at = until
        height, width = (int(value) for value in arrays["sizes"][index])
        frame = SkeletonFrame(
            int(arrays["stamps"][index]), (height, width), layout.name, tuple(people)
        )
        log_ns, pose_ms = int(arrays["log_times"][index]), float(arrays["pose_ms"][index])
        estimates.append(Estimate(frame, log_ns, pose_ms))
    drops = {str(reason): int(count) for reason, count in about["drops"].items()}
    return Stretch(
        int(about["begin"]), int(about["end"]), bool(about["last"]), int(about["images"]),
        tuple(estimates), drops,
    )  # fmt: skip
