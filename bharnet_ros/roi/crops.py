"""What is kept of the images: small tiles of tracked people, and only for the length of a window.

Whole images are never kept. Bounded by count: a person has a few times as many moments as a window
shows (`CropBuffer.capacity`), and there are at most `max_tracks` people.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.roi.config import RoiConfig
from bharnet_ros.roi.tiles import Tiles, cut_person, pick, spacing_ns
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Image, SkeletonFrame

_NS = 1_000_000_000
_FRESH_NS = 200_000_000
"""A thing may have been taken up half a second ago: the last moment shown must be as new."""


@dataclass
class _Crops:
    """Moments of one person, oldest first."""

    stamps: list[int] = field(default_factory=list)
    values: list[Image] = field(default_factory=list)
    seen: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    newest_ns: int = 0
    """When the person was last in an image, whether that moment was kept or not."""


class CropBuffer:
    """Takes images as they come, and gives the tiles of a person's window.

    One thread may `see` while another asks for windows; the images are cut outside of the lock.

    config: what is cut. layout: name of the keypoint layout that frames must have. window_s:
    length of the windows. max_tracks, forget_after_s, reset_after_s: as of `WindowBuffer`.
    capacity: most moments that are kept of a person. Moments closer than half the spacing of a
    window's, or than 0.2 s, are not kept; so each moment of a window finds one within reach
    wherever the camera was quick enough, and the last shown is hardly older than the skeletons.
    """

    def __init__(
        self,
        config: RoiConfig,
        layout: str,
        window_s: float,
        max_tracks: int = 64,
        *,
        forget_after_s: float = 1.0,
        reset_after_s: float = 0.5,
    ) -> None:
        for name, value in (
            ("window_s", window_s),
            ("forget_after_s", forget_after_s),
            ("reset_after_s", reset_after_s),
        ):
            if not (np.isfinite(value) and value > 0.0):
                raise ConfigurationError(f"{name} is {value}; it must be a time above 0 seconds.")
        if max_tracks < 1:
            raise ConfigurationError(f"max_tracks is {max_tracks}; it must be 1 or more.")
        get_layout(layout)
        self.config, self.layout = config, layout
        self._max_tracks = max_tracks
        spacing = spacing_ns(round(window_s * _NS), config.num_frames)
        self._apart_ns = max(min(spacing // 2, _FRESH_NS), 1)
        self._keep_ns = round(window_s * _NS) + spacing // 2
        self.capacity = self._keep_ns // self._apart_ns + 1
        self._forget_ns = round(forget_after_s * _NS)
        self._reset_ns = round(reset_after_s * _NS)
        self._lock = threading.Lock()
        self._tracks: dict[int, _Crops] = {}
        self._newest_ns: int | None = None
        self._drops: Counter[str] = Counter()
        self._resets = 0

    @property
    def drops(self) -> Mapping[str, int]:
        """What could not be used so far, by reason.

        other_layout, other_size (than the skeletons were made on), other_stamp, duplicate_stamp,
        out_of_order, invalid_image: images. untracked, duplicate_track, wrong_shape: people;
        too_many_people: those who came when `max_tracks` were known already.
        """
        with self._lock:
            return dict(self._drops)

    @property
    def resets(self) -> int:
        """How often the time jumped back and everything was forgotten."""
        return self._resets

    @property
    def track_ids(self) -> tuple[int, ...]:
        """Everybody of whom there are tiles."""
        with self._lock:
            return tuple(self._tracks)

    @property
    def nbytes(self) -> int:
        """Bytes of the tiles that are kept now."""
        with self._lock:
            moments = sum(len(track.stamps) for track in self._tracks.values())
        return moments * self.config.moment_nbytes

    @property
    def max_nbytes(self) -> int:
        """What `nbytes` never exceeds, however many people come and however long it runs."""
        return self._max_tracks * self.capacity * self.config.moment_nbytes

    def see(self, image_bgr: Image, stamp_ns: int, frame: SkeletonFrame) -> bool:
        """Cut the people of `frame` out of the image; False if it was dropped (see `drops`).

        image_bgr: (H, W, 3) uint8; neither kept nor written to. stamp_ns: the image's. frame: the
        tracked skeletons found in it. Never raises for what comes from a camera or an estimator.
        """
        reason = self._unfit(image_bgr, stamp_ns, frame)
        if reason:
            with self._lock:
                self._drops[reason] += 1
            return False
        with self._lock:
            if not self._advance(stamp_ns):
                return False
            due = self._due(stamp_ns, frame)
        cuts: dict[int, tuple[Image, npt.NDArray[np.bool_]]] = {}
        failed = 0
        for track_id, index in due.items():
            person = frame.skeletons[index]
            try:
                cuts[track_id] = cut_person(
                    image_bgr, person.keypoints, person.scores, self.layout, self.config
                )
            except BharnetError:  # shapes of the keypoints, or of the image
                failed += 1
        with self._lock:
            if failed:
                self._drops["wrong_shape"] += failed
            if self._newest_ns != stamp_ns:
                return False  # cleared meanwhile
            for track_id, (values, seen) in cuts.items():
                self._keep(track_id, stamp_ns, values, seen)
        return True

    def window(self, track_id: int, start_ns: int, end_ns: int) -> Tiles:
        """The tiles of a person's window; all unseen for somebody of whom there are none."""
        result = Tiles.unseen(self.config)
        with self._lock:
            track = self._tracks.get(track_id)
            if track is None:
                return result
            stamps, values, seen = list(track.stamps), list(track.values), list(track.seen)
        chosen = pick(np.array(stamps, np.int64), start_ns, end_ns, self.config.num_frames)
        for moment, index in enumerate(chosen):
            if index >= 0:
                result.values[moment], result.seen[moment] = values[index], seen[index]
        return result

    def expire(self, stamp_ns: int) -> None:
        """It is this late now: drop who was not in an image for `forget_after_s`."""
        with self._lock:
            self._expire(stamp_ns)

    def forget(self, track_id: int) -> None:
        """Drop a person, if there is one."""
        with self._lock:
            self._tracks.pop(track_id, None)

    def clear(self) -> None:
        """Drop everybody and the time; the counters stay."""
        with self._lock:
            self._clear()

    def _unfit(self, image_bgr: Image, stamp_ns: int, frame: SkeletonFrame) -> str:
        """Why an image cannot belong to these skeletons; "" if it can."""
        if frame.layout != self.layout:
            return "other_layout"
        usable = image_bgr.ndim == 3 and image_bgr.shape[2] == 3 and image_bgr.dtype == np.uint8
        if not usable or image_bgr.size == 0:
            return "invalid_image"
        if tuple(image_bgr.shape[:2]) != tuple(frame.image_size):
            return "other_size"
        return "" if stamp_ns == frame.stamp_ns else "other_stamp"

    def _advance(self, stamp_ns: int) -> bool:
        """The time of a new image; False, counted, if it is not newer."""
        if self._newest_ns is not None and stamp_ns <= self._newest_ns:
            if self._newest_ns - stamp_ns <= self._reset_ns:
                same = stamp_ns == self._newest_ns
                self._drops["duplicate_stamp" if same else "out_of_order"] += 1
                return False
            self._clear()
            self._resets += 1
        self._newest_ns = stamp_ns
        self._expire(stamp_ns)
        return True

    def _due(self, stamp_ns: int, frame: SkeletonFrame) -> dict[int, int]:
        """By track, the number in the frame of those of whom a moment is to be kept."""
        due: dict[int, int] = {}
        met: set[int] = set()
        for index, person in enumerate(frame.skeletons):
            track_id = person.track_id
            if track_id < 0 or track_id in met:
                self._drops["untracked" if track_id < 0 else "duplicate_track"] += 1
                continue
            met.add(track_id)
            track = self._tracks.get(track_id)
            if track is None:
                if len(self._tracks) >= self._max_tracks:
                    self._drops["too_many_people"] += 1
                    continue
                track = self._tracks[track_id] = _Crops()
            track.newest_ns = stamp_ns
            if not track.stamps or stamp_ns - track.stamps[-1] >= self._apart_ns:
                due[track_id] = index
        return due

    def _keep(
        self, track_id: int, stamp_ns: int, values: Image, seen: npt.NDArray[np.bool_]
    ) -> None:
        track = self._tracks.get(track_id)
        if track is None or not seen.any():  # forgotten meanwhile; or nothing to remember
            return
        track.stamps.append(stamp_ns)
        track.values.append(values)
        track.seen.append(seen)
        oldest = stamp_ns - self._keep_ns
        gone = next(n for n, stamp in enumerate(track.stamps) if stamp >= oldest)
        for kept in (track.stamps, track.values, track.seen):
            del kept[:gone]

    def _expire(self, stamp_ns: int) -> None:
        limit = stamp_ns - self._forget_ns
        for track_id in [t for t, track in self._tracks.items() if track.newest_ns < limit]:
            del self._tracks[track_id]

    def _clear(self) -> None:
        self._tracks.clear()
        self._newest_ns = None
