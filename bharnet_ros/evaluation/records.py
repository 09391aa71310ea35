"""What an evaluation saw, recording by recording: plain data that metrics and reports are made of.

Everything is in the clock of the images' stamps, in nanoseconds. Nothing here knows ROS, bags or
files; `bharnet_ros.evaluation.storage` reads and writes these records as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bharnet_ros.evaluation.episodes import Episode
from bharnet_ros.evaluation.gaps import Span, outside
from bharnet_ros.types import FloatArray

Stamps = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JudgedPerson:
    """One person's judgements over time, one row a tick, before events are made of them.

    person_id: as in the truth's episodes; -1 for a track that is nobody the truth knows.
    stamps_ns: (N,) rising. class_ids: (N,) int, the most probable class; -1 where nothing could be
    judged. probabilities: (N,) its calibrated probability. reported: (N,) int, the class of the
    action in progress then; -1 if none. hands: (N,) bool, whether a hand could be used.
    """

    person_id: int
    stamps_ns: Stamps
    class_ids: npt.NDArray[np.int64]
    probabilities: FloatArray
    reported: npt.NDArray[np.int64]
    hands: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Recording:
    """One bag (or another recording), what truly happened in it and what was recognised.

    start_ns, end_ns: the time that was evaluated (stamps of the first and the last image).
    truth, recognised: episodes with the same person ids; -1 is nobody the truth knows.
    people: judgements of everybody. images: how many the recording holds; estimated: how many of
    them were looked at. stage_ms: milliseconds by stage (pose, tracking, recognition, total; live:
    latency), one value an image or message. drops: input that was not used, by reason.
    problems: sentences about what could not be read or used. complete: False if it was broken off.
    gaps: the times from start to end in which no image came, in order, see `GAP_NS`.
    """

    name: str
    start_ns: int
    end_ns: int
    truth: tuple[Episode, ...]
    recognised: tuple[Episode, ...]
    people: tuple[JudgedPerson, ...]
    images: int
    estimated: int
    stage_ms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    drops: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    complete: bool = True
    gaps: tuple[Span, ...] = ()

    @property
    def duration_s(self) -> float:
        """From the first image to the last."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def covered(self) -> tuple[Span, ...]:
        """The time from start to end without the gaps."""
        return outside(self.gaps, self.start_ns, self.end_ns)

    @property
    def covered_s(self) -> float:
        """So much of it there is."""
        return sum(end - start for start, end in self.covered) / 1e9


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Recordings judged in one way.

    mode: "offline" (every image, no clock) or "live" (through the graph in real time).
    bundle, bundle_sha256, pose_backend: what was evaluated. class_names: the bundle's; class_ids
    of judgements count in it. background: its class of no action, "" if it has none; unknown: its
    class of something else, "" if it has none. about: plain data for the report (command, options,
    machine).
    """

    mode: str
    bundle: str
    bundle_sha256: str
    pose_backend: str
    class_names: tuple[str, ...]
    background: str
    unknown: str
    recordings: tuple[Recording, ...]
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every recording was evaluated to its end."""
        return all(recording.complete for recording in self.recordings)
