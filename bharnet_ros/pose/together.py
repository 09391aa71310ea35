"""Images of several cameras estimated together, as one batch where they share networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bharnet_ros.pose.base import PoseEstimator
from bharnet_ros.types import Image, SkeletonFrame


@dataclass(frozen=True, eq=False)
class Job:
    """An image for the estimator of its camera; see `PoseEstimator.estimate`."""

    estimator: PoseEstimator
    image_bgr: Image
    stamp_ns: int


@runtime_checkable
class BatchEstimator(Protocol):
    """A `PoseEstimator` that can run with others on the same networks as one batch."""

    def shares_with(self, other: object) -> bool:
        """Whether both run on the same networks."""

    def estimate_batch(self, jobs: Sequence[Job]) -> list[SkeletonFrame | Exception]:
        """A frame or an error for each job, of estimators that share networks, each once."""


def batches(a: PoseEstimator, b: PoseEstimator) -> bool:
    """Whether jobs of both run as one batch rather than one after the other."""
    return a is not b and isinstance(a, BatchEstimator) and a.shares_with(b)


def estimate_together(jobs: Sequence[Job]) -> list[SkeletonFrame | Exception]:
    """A frame, or the error that kept it away, for each job in their order.

    Estimators that share networks (`PoseEstimator.another`) run as one batch, all others one
    after another; an error of one camera costs no other its frame. Several images of one
    estimator are taken in the order given.
    """
    results: dict[int, SkeletonFrame | Exception] = {}
    left = list(range(len(jobs)))
    while left:
        group = _group(jobs, left)
        results.update(zip(group, _run([jobs[i] for i in group]), strict=True))
        left = [index for index in left if index not in group]
    return [results[index] for index in range(len(jobs))]


def _group(jobs: Sequence[Job], left: Sequence[int]) -> list[int]:
    """The first job left and those that can run with it."""
    first = jobs[left[0]].estimator
    if not isinstance(first, BatchEstimator):
        return [left[0]]
    group: list[int] = []
    taken: set[int] = set()
    for index in left:
        estimator = jobs[index].estimator
        if id(estimator) not in taken and first.shares_with(estimator):
            group.append(index)
            taken.add(id(estimator))
    return group or [left[0]]


def _run(jobs: Sequence[Job]) -> list[SkeletonFrame | Exception]:
    first = jobs[0].estimator
    try:
        if isinstance(first, BatchEstimator) and first.shares_with(first):
            return first.estimate_batch(jobs)
        return [first.estimate(jobs[0].image_bgr, jobs[0].stamp_ns)]
    except Exception as error:
        return [error] * len(jobs)
