"""NTU RGB+D 60 and 120: `.skeleton` text files of Kinect v2 (Shahroudy et al., CVPR 2016; Liu et
al., TPAMI 2020).

A file: the number of frames; per frame the number of bodies; per body a line with its id and
nine states, the number of joints (25), and per joint x, y, z in metres, two image positions,
four numbers of orientation and the tracking state. The name says the rest: S001C002P003R002A013.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import FloatArray
from training.data.converters.base import Item, shipped_classes
from training.data.converters.files import list_files, read_text
from training.data.sample import Person, Sample, SampleSkipped, nominal_stamps
from training.data.sheet import DataSheet

NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")
RATE_HZ = 30.0
JOINTS = 25
_JOINT_NUMBERS = 12
_BODY_NUMBERS = 10
_STATE_SCORES = np.array([0.25, 0.5, 1.0], np.float32)  # not tracked (a guess), inferred, tracked

# What counts as a body that is none (a chair, a reflection), as in the published preparation
# of CTR-GCN (Chen et al., ICCV 2021): seen too briefly, or mostly wider than it is tall.
_MIN_FRAMES = 12
_WIDE_PER_TALL = 0.8
_MAX_WIDE_SHARE = 0.69754


@dataclass(frozen=True)
class NtuConverter:
    """input: folder or zip of `.skeleton` files. missing: the data set's own lists of samples
    with missing skeletons, one name a line. max_people: how many bodies are kept at most."""

    lazy: ClassVar[bool] = False
    input: Path
    missing: tuple[Path, ...] = ()
    max_people: int = 2

    def sheet(self) -> DataSheet:
        """See `Converter.sheet`."""
        if self.max_people < 1:
            raise ConfigurationError(f"--people is {self.max_people}; keep 1 or more.")
        return DataSheet(
            dataset="ntu_rgbd",
            layout="ntu25",
            dims=3,
            unit="m",
            stamps="nominal",
            class_names=shipped_classes("ntu_rgbd"),
            license="NTU RGB+D terms: academic research only, no redistribution",
            provenance="NTU RGB+D 60 / 120, skeletons (rose1.ntu.edu.sg)",
            converter="ntu",
            options={"max_people": self.max_people, "listed": len(self._listed)},
        )

    def items(self) -> Iterator[Item]:
        """See `Converter.items`."""
        for name in list_files(self.input, ".skeleton"):
            yield Item(PurePosixPath(name).stem, name)

    def load(self, item: Item) -> Sample:
        """See `Converter.load`."""
        found = NAME.search(item.source)
        if found is None:
            raise SampleSkipped("corrupt", "the name is not of the form S001C002P003R002A013")
        if item.source in self._listed:
            raise SampleSkipped("listed", "on the list of samples with missing skeletons")
        setup, camera, subject, replication, action = (str(int(part)) for part in found.groups())
        names = shipped_classes("ntu_rgbd")
        if not 1 <= int(action) <= len(names):
            raise SampleSkipped("corrupt", f"action {action} is not among 1 to {len(names)}")
        frames, bodies = parse_skeleton(read_text(self.input, item.handle))
        if not bodies:
            raise SampleSkipped("empty", f"nobody in {frames} frames")
        return Sample(
            source=item.source,
            stamps_ns=nominal_stamps(frames, RATE_HZ),
            people=select_bodies(bodies, self.max_people),
            class_name=names[int(action) - 1],
            fields={
                "setup": setup, "camera": camera, "subject": subject, "replication": replication,
            },
        )  # fmt: skip

    @cached_property
    def _listed(self) -> frozenset[str]:
        names: set[str] = set()
        for path in self.missing:
            try:
                found = [m.group() for m in NAME.finditer(path.read_text("utf-8"))]
            except (OSError, ValueError) as error:
                raise ConfigurationError(f"--missing {path} cannot be read: {error}.") from error
            if not found:
                raise ConfigurationError(
                    f"--missing {path} names no sample like S001C002P005R002A008."
                )
            names.update(found)
        return frozenset(names)


def parse_skeleton(text: str) -> tuple[int, tuple[Person, ...]]:
    """Number of frames, and every body with its frames; `SampleSkipped` if the text is no such.

    Frames of a body's stretch in which it was not tracked have scores of 0.
    """
    tokens = text.split()
    try:
        frames, place = int(tokens[0]), 1
        seen: dict[str, dict[int, npt.NDArray[np.float64]]] = {}
        for frame in range(frames):
            bodies, place = int(tokens[place]), place + 1
            for _ in range(bodies):
                body, count = tokens[place], int(tokens[place + _BODY_NUMBERS])
                begin = place + _BODY_NUMBERS + 1
                place = begin + count * _JOINT_NUMBERS
                if count != JOINTS or place > len(tokens):
                    raise SampleSkipped("corrupt", f"frame {frame}: {count} joints or cut off")
                # Only what is kept becomes numbers: that is where the time goes.
                kept = [tokens[begin + n : place : _JOINT_NUMBERS] for n in (0, 1, 2, 11)]
                seen.setdefault(body, {})[frame] = np.array(kept, np.float64).T
    except (IndexError, ValueError) as error:
        raise SampleSkipped("corrupt", f"not in the format ({error})") from error
    if place != len(tokens):
        raise SampleSkipped("corrupt", f"{len(tokens) - place} numbers after the last frame")
    return frames, tuple(_person(n, poses) for n, poses in enumerate(seen.values()))


def select_bodies(bodies: tuple[Person, ...], most: int) -> tuple[Person, ...]:
    """The bodies that are people, those that move most first; at least one of them."""
    if len(bodies) > 1:
        long = [b for b in bodies if int(b.scores.any(axis=1).sum()) >= _MIN_FRAMES]
        real = [b for b in long or bodies if _wide_share(b) < _MAX_WIDE_SHARE]
        bodies = tuple(real or long or bodies)
    return tuple(sorted(bodies, key=_motion, reverse=True)[:most])


def _person(number: int, poses: dict[int, npt.NDArray[np.float64]]) -> Person:
    first, last = min(poses), max(poses)
    values = np.zeros((last - first + 1, JOINTS, 4), np.float64)
    states = np.full((last - first + 1, JOINTS), -1)
    for frame, pose in poses.items():
        values[frame - first] = pose
        states[frame - first] = pose[:, 3]
    keypoints: FloatArray = values[..., :3].astype(np.float32)
    known = (states >= 0) & keypoints.any(axis=-1)
    scores = np.where(known, _STATE_SCORES[states.clip(0, 2)], np.float32(0.0))
    return Person(keypoints, scores, first, number)


def _observed(body: Person) -> FloatArray:
    """(F', 25, 3) the frames in which the body was there."""
    return body.keypoints[body.scores.any(axis=1)]


def _motion(body: Person) -> float:
    """Sum of the variances of all coordinates over time."""
    return float(_observed(body).reshape(-1, JOINTS * 3).var(axis=0).sum())


def _wide_share(body: Person) -> float:
    """Share of the frames in which the body is wider than tall."""
    extent = np.ptp(_observed(body), axis=1)
    return float((extent[:, 0] > _WIDE_PER_TALL * extent[:, 1]).mean())
