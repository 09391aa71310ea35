"""What the labelling page needs of a recording, whatever holds its images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bharnet_ros.types import SkeletonFrame


@dataclass(frozen=True)
class Picture:
    """An image as a browser takes it. data: the file; mime: image/jpeg, image/png or image/webp."""

    data: bytes
    mime: str


@dataclass(frozen=True)
class Overview:
    """How far a recording is known.

    name: for the title. origin_ns: stamp of the first image. end_ns: stamp of the last one, as
    far as it can be told before the recording was read to its end. count: images found so far.
    progress: 0..1, the share that was read. complete: whether count is final. problems: sentences
    about what could not be read. has_skeletons: whether skeletons are to be expected.
    people_progress: 0..1, the share of the images whose people are known.
    """

    name: str
    origin_ns: int
    end_ns: int
    count: int
    progress: float
    complete: bool
    problems: tuple[str, ...]
    has_skeletons: bool
    people_progress: float = 1.0


Presence = dict[int, list[tuple[int, int]]]
"""Of each track id the stretches (first and last stamp, ns) in which it was seen."""


class Recording(Protocol):
    """Images by index, in the order of their stamps, and the skeletons seen in them.

    All methods may be called from several threads at once.
    """

    def overview(self) -> Overview:
        """What is known now; grows until it is complete."""

    def stamps(self, first: int) -> list[int]:
        """Stamps (ns, rising) of the images from index `first` on that are known by now."""

    def presence(self) -> Presence:
        """Who was seen when, as far as the recording was read."""

    def picture(self, index: int) -> Picture:
        """The image of that index. IndexError if there is none; BharnetError if it is damaged."""

    def skeletons(self, index: int) -> SkeletonFrame | None:
        """Everybody seen in the image of that index; None if nobody looked at it. IndexError."""

    def close(self) -> None:
        """Let go of files and threads."""
