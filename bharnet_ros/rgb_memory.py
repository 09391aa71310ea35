"""The pixels that a recogniser keeps of tracked people, for all of its bundles, and their count.

Images come from another thread than judgements, and before the skeletons found in them. What does
not come, comes late or does not fit costs nobody a judgement; it is counted.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from bharnet_ros.roi import CropBuffer, RoiConfig, Tiles
from bharnet_ros.types import Image, SkeletonFrame

_REMEMBERED = 64
"""Stamps of images and of skeletons that are known by number; queues are shorter."""
_RESET_NS = 500_000_000
"""Images that jump back further mean that time began anew, as in `CropBuffer`."""


@dataclass(frozen=True)
class RgbUse:
    """How pixels are used.

    asked, judged, without_pixels: people of the last judgement, all bundles together: for whom
    pixels may decide something, for whom they did, and of whom there were none.
    drops: since the start, by reason: missing (skeletons whose image never came), late (it came
    after them; of use for later judgements), unusable_answer (people for whom the RGB graph gave
    nothing of use), and those of `CropBuffer.drops`.
    nbytes, max_nbytes: of the crops now, and at most.
    """

    asked: int = 0
    judged: int = 0
    without_pixels: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)
    nbytes: int = 0
    max_nbytes: int = 0


class RgbMemory:
    """A crop buffer for each kind of tiles that some bundle looks at.

    layout: of the skeletons. wanted: what each bundle looks at, and the seconds of its window; at
    least one. max_people, lost_after_s: see RecognizerConfig.
    """

    def __init__(
        self,
        layout: str,
        wanted: Iterable[tuple[RoiConfig, float]],
        max_people: int,
        lost_after_s: float,
    ) -> None:
        self._buffers = {
            (config, window_s): CropBuffer(
                config, layout, window_s, max_people, forget_after_s=lost_after_s
            )
            for config, window_s in wanted
        }
        self._lock = threading.Lock()
        # Stamps of images whose skeletons have not come yet, of skeletons, of the newest image.
        self._waiting: deque[int] = deque(maxlen=_REMEMBERED)
        self._pushed: deque[int] = deque(maxlen=_REMEMBERED)
        self._newest_ns = 0
        self._drops: Counter[str] = Counter()

    @property
    def drops(self) -> dict[str, int]:
        """See RgbUse."""
        # All buffers take the same images with the same answers; the first speaks for them.
        fits = dict(next(iter(self._buffers.values())).drops)
        with self._lock:
            return {**fits, **self._drops}

    @property
    def nbytes(self) -> int:
        """Bytes of all crops now."""
        return sum(buffer.nbytes for buffer in self._buffers.values())

    @property
    def max_nbytes(self) -> int:
        """What `nbytes` never exceeds."""
        return sum(buffer.max_nbytes for buffer in self._buffers.values())

    def see(self, image_bgr: Image, frame: SkeletonFrame, stamp_ns: int) -> bool:
        """See `CropBuffer.see`; from any thread."""
        with self._lock:
            began_anew = stamp_ns < self._newest_ns - _RESET_NS
            if began_anew and self._pushed and stamp_ns < self._pushed[-1] - _RESET_NS:
                # A recording loops: the stamps of its last round mean other moments now.
                self._pushed.clear()
            self._newest_ns = stamp_ns
            if frame.stamp_ns in self._pushed:
                self._drops["late"] += 1
            else:
                self._waiting.append(stamp_ns)
        used = [b.see(image_bgr, stamp_ns, frame) for b in self._buffers.values()]
        return all(used)

    def push(self, frame: SkeletonFrame) -> None:
        """Skeletons were taken: is their image here? Who left is forgotten."""
        with self._lock:
            if self._pushed and frame.stamp_ns < self._pushed[-1]:
                self._pushed.clear()  # windows take rising stamps only, unless time begins anew
            self._pushed.append(frame.stamp_ns)
            if frame.stamp_ns in self._waiting:
                self._waiting.remove(frame.stamp_ns)
            elif frame.skeletons:
                self._drops["missing"] += 1
        for buffer in self._buffers.values():
            buffer.expire(frame.stamp_ns)

    def tiles(self, config: RoiConfig, window_s: float) -> Callable[[int, int, int], Tiles]:
        """`CropBuffer.window` of what one bundle looks at."""
        return self._buffers[config, window_s].window

    def note_unusable(self, people: int) -> None:
        """The RGB graph gave nothing of use for so many."""
        with self._lock:
            if people:
                self._drops["unusable_answer"] += people

    def clear(self) -> None:
        """Forget everybody; the counters stay."""
        with self._lock:
            self._waiting.clear()
            self._pushed.clear()
        for buffer in self._buffers.values():
            buffer.clear()
