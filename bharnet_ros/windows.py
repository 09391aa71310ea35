"""The recent past of every tracked person, and windows of seconds cut from it.

Stamps decide everything: a window is the same whether the camera ran at 10 or 30 frames a
second, and a bag replays to the same windows. What is kept is bounded by time and by count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError, LayoutError
from bharnet_ros.resampling import resample, resample_together, step_stamps
from bharnet_ros.skeleton import get_layout, sources
from bharnet_ros.track_history import TrackHistory
from bharnet_ros.types import FloatArray, Skeleton, SkeletonFrame

_NS = 1_000_000_000
MAX_PAUSE_S = 0.6
"""Nothing is known of a longer time without any frame: a camera, or a machine, must manage two
images a second, some of them a little late."""

__all__ = ["Window", "WindowBuffer", "resample", "step_stamps"]


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of one person's time in evenly spaced steps.

    keypoints: (T, K, 2) float32, pixels; the first step is at start_ns, the last at end_ns.
    scores: (T, K) float32; 0 = not observed there, and then the coordinates are 0 too.
    num_frames: frames of this person really observed from start_ns to end_ns.
    image_size: (height, width) in pixels of the newest frame; (0, 0) = not known.
    layout: that of the K keypoints; "" = of whoever reads the window.
    """

    keypoints: FloatArray
    scores: FloatArray
    num_frames: int
    start_ns: int
    end_ns: int
    image_size: tuple[int, int] = (0, 0)
    layout: str = ""

    @property
    def coverage(self) -> float:
        """Share of the steps at which at least one keypoint was observed (0..1)."""
        return float((self.scores.max(axis=-1) > 0.0).mean())


class WindowBuffer:
    """Keeps what `window` needs, per track.

    layout: name of the keypoint layout that frames must have.
    keep: name of a layout with some of its keypoints: only these are kept, and windows are of it;
        "" = all.
    window_s, num_steps: length of a window and its number of steps T.
    max_gap_s: between two observations of a keypoint further apart than this it is missing;
        closer ones are joined by a straight line. Where no frame lies between them nobody looked:
        they are joined up to MAX_PAUSE_S, so that slow cameras and machines have windows, too.
    forget_after_s: a track not seen for this long is forgotten, unless no frame came without it
        in a pause of at most MAX_PAUSE_S.
    reset_after_s: stamps that jump back further than this mean that time began anew (a bag
        loops, a simulation restarts): everything is forgotten. Smaller disorder is dropped.
    max_frames: at most about this many frames are kept of a track; a faster camera is thinned.
    max_tracks: more tracks than this at a time are not taken up; those known stay.
    """

    def __init__(
        self,
        layout: str,
        window_s: float,
        num_steps: int,
        max_gap_s: float = 0.25,
        *,
        keep: str = "",
        forget_after_s: float = 1.0,
        reset_after_s: float = 0.5,
        max_frames: int = 256,
        max_tracks: int = 64,
    ) -> None:
        for name, value in (
            ("window_s", window_s),
            ("max_gap_s", max_gap_s),
            ("forget_after_s", forget_after_s),
            ("reset_after_s", reset_after_s),
        ):
            if not (np.isfinite(value) and value > 0.0):
                raise ConfigurationError(f"{name} is {value}; it must be a time above 0 seconds.")
        if num_steps < 2 or max_frames < 2:
            raise ConfigurationError(
                f"num_steps is {num_steps} and max_frames is {max_frames}; both must be 2 or more."
            )
        if max_tracks < 1:
            raise ConfigurationError(f"max_tracks is {max_tracks}; it must be 1 or more.")
        self.layout = layout
        self._max_tracks = max_tracks
        self.num_steps = num_steps
        self._window_ns = round(window_s * _NS)
        self._max_gap_ns = round(max_gap_s * _NS)
        self._pause_ns = round(MAX_PAUSE_S * _NS)
        self._forget_ns = round(forget_after_s * _NS)
        self._reset_ns = round(reset_after_s * _NS)
        # One gap more than the window, so that its first step has a neighbour on both sides.
        self._keep_ns = self._window_ns + max(self._max_gap_ns, self._pause_ns)
        self._spacing_ns = (self._window_ns + self._max_gap_ns) // max_frames
        self._capacity = max_frames + 4
        self._num_keypoints = get_layout(layout).num_keypoints
        self.kept_layout = keep or layout
        """That of windows and of what `at` gives."""
        self._kept = sources(layout, keep) if self.kept_layout != layout else None
        self._tracks: dict[int, TrackHistory] = {}
        self._taken: tuple[Skeleton, ...] = ()
        self._forgotten: tuple[int, ...] = ()
        self._newest_ns: int | None = None
        self._image_size = (0, 0)
        self._drops: Counter[str] = Counter()
        self._resets = 0

    @property
    def drops(self) -> Mapping[str, int]:
        """What was not used so far, by reason.

        duplicate_stamp, out_of_order: frames. untracked, duplicate_track, wrong_shape: people;
        too_many_people: those who came when `max_tracks` were known already.
        nonfinite_keypoint: single keypoints with NaN or infinity, taken as missing.
        """
        return dict(self._drops)

    @property
    def resets(self) -> int:
        """How often the time jumped back and everything was forgotten."""
        return self._resets

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame taken; None before the first."""
        return self._newest_ns

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels of the newest frame taken; (0, 0) = not known."""
        return self._image_size

    @property
    def taken(self) -> tuple[Skeleton, ...]:
        """Those of the newest frame that were taken up, one of each track; the others are counted
        in `drops`."""
        return self._taken

    @property
    def forgotten(self) -> tuple[int, ...]:
        """Tracks that the newest frame came too late for; those in it started afresh."""
        return self._forgotten

    @property
    def track_ids(self) -> tuple[int, ...]:
        """Everybody not forgotten yet, longest known first."""
        return tuple(self._tracks)

    def push(self, frame: SkeletonFrame) -> bool:
        """Take a frame; False if it was dropped as a whole (see `drops`).

        Raises LayoutError, with nothing changed, if the frame has another layout.
        """
        if frame.layout != self.layout:
            raise LayoutError(
                f"Skeletons of layout {frame.layout!r} came where {self.layout!r} is "
                "expected; choose a pose backend and a bundle of the same layout."
            )
        if self._newest_ns is not None and frame.stamp_ns <= self._newest_ns:
            if self._newest_ns - frame.stamp_ns <= self._reset_ns:
                same = frame.stamp_ns == self._newest_ns
                self._drops["duplicate_stamp" if same else "out_of_order"] += 1
                return False
            self.clear()
            self._resets += 1
        before_ns, self._newest_ns = self._newest_ns, frame.stamp_ns
        self._image_size = frame.image_size
        # Before adding: whoever returns after too long a time starts afresh.
        limit = frame.stamp_ns - self._forget_ns
        if before_ns is not None and frame.stamp_ns - before_ns <= self._pause_ns:
            limit = min(limit, before_ns)
        self._forgotten = tuple(t for t, track in self._tracks.items() if track.newest_ns < limit)
        for track_id in self._forgotten:
            del self._tracks[track_id]
        self._taken = tuple(s for s in frame.skeletons if self._add(s, frame.stamp_ns, before_ns))
        return True

    def last_seen_ns(self, track_id: int) -> int:
        """Stamp of the newest frame with this track. Raises KeyError if it is not known."""
        return self._tracks[track_id].newest_ns

    def forget(self, track_id: int) -> None:
        """Drop a track, if it is there."""
        self._tracks.pop(track_id, None)

    def clear(self) -> None:
        """Forget everybody and the time; the counters stay."""
        self._tracks.clear()
        self._taken, self._forgotten = (), ()
        self._newest_ns = None

    def window(self, track_id: int, end_ns: int) -> Window:
        """The window that ends at `end_ns`. Raises KeyError if the track is not known.

        Each keypoint is interpolated between its own nearest observations, so one missing
        in a few frames does not take others with it. Nothing is extrapolated.
        """
        start_ns = end_ns - self._window_ns
        steps = step_stamps(start_ns, end_ns, self.num_steps)
        points, weights = self.at(track_id, steps)
        observed = self.observed(track_id, start_ns, end_ns)
        return Window(
            points, weights, observed, start_ns, end_ns, self._image_size, self.kept_layout
        )

    def windows(self, ends_ns: Mapping[int, int]) -> dict[int, Window]:
        """For each track the window that ends at its stamp; equal to what `window` gives, for
        people who were seen in the same frames with a fraction of the work.

        Raises KeyError if a track is not known.
        """
        together: dict[tuple[int, bytes, bytes], list[int]] = {}
        for track_id, end_ns in ends_ns.items():
            track = self._tracks[track_id]
            stamps, _, _ = track.view()
            key = (end_ns, stamps.tobytes(), track.follows.tobytes())
            together.setdefault(key, []).append(track_id)
        found: dict[int, Window] = {}
        for (end_ns, _, _), track_ids in together.items():
            start_ns = end_ns - self._window_ns
            views = [self._tracks[track_id].view() for track_id in track_ids]
            points, weights = resample_together(
                views[0][0], np.stack([view[1] for view in views]),
                np.stack([view[2] for view in views]),
                step_stamps(start_ns, end_ns, self.num_steps), self._max_gap_ns,
                self._joins_ns(self._tracks[track_ids[0]]),
            )  # fmt: skip
            observed = self.observed(track_ids[0], start_ns, end_ns)
            for track_id, own, own_weights in zip(track_ids, points, weights, strict=True):
                found[track_id] = Window(
                    own, own_weights, observed, start_ns, end_ns, self._image_size,
                    self.kept_layout,
                )  # fmt: skip
        return {track_id: found[track_id] for track_id in ends_ns}

    def at(
        self, track_id: int, stamps_ns: npt.NDArray[np.int64]
    ) -> tuple[FloatArray, FloatArray]:
        """Keypoints (T, K, 2) and scores (T, K) at any rising stamps (T,), joined as in a window.

        Raises KeyError if the track is not known. What is older than a window is gone.
        """
        track = self._tracks[track_id]
        return resample(*track.view(), stamps_ns, self._max_gap_ns, self._joins_ns(track))

    def observed(self, track_id: int, start_ns: int, end_ns: int) -> int:
        """How many frames with this track are kept from start to end, both included."""
        stamps, _, _ = self._tracks[track_id].view()
        return int(((stamps >= start_ns) & (stamps <= end_ns)).sum())

    def _joins_ns(self, track: TrackHistory) -> npt.NDArray[np.int64]:
        """(F,) how far apart a frame and the one before it may be to be joined."""
        longest = max(self._max_gap_ns, self._pause_ns)
        joins_ns = np.full(len(track.follows), self._max_gap_ns, np.int64)
        joins_ns[track.follows] = longest
        return joins_ns

    def _add(self, skeleton: Skeleton, stamp_ns: int, before_ns: int | None) -> bool:
        """Take a person up; False, counted in `drops`, if that cannot be. before_ns: stamp of the
        frame before."""
        count = self._num_keypoints
        if skeleton.track_id < 0:
            self._drops["untracked"] += 1
            return False
        if skeleton.keypoints.shape != (count, 2) or skeleton.scores.shape != (count,):
            self._drops["wrong_shape"] += 1
            return False
        track = self._tracks.get(skeleton.track_id)
        if track is None and len(self._tracks) >= self._max_tracks:
            self._drops["too_many_people"] += 1
            return False
        follows = track is not None and track.newest_ns == before_ns
        if track is None:
            kept = get_layout(self.kept_layout).num_keypoints
            track = self._tracks[skeleton.track_id] = TrackHistory(self._capacity, kept)
        elif track.newest_ns == stamp_ns:
            self._drops["duplicate_track"] += 1
            return False
        finite = np.isfinite(skeleton.keypoints).all(axis=1) & np.isfinite(skeleton.scores)
        bad = count - int(finite.sum())
        if bad:
            self._drops["nonfinite_keypoint"] += bad
        present = finite & (skeleton.scores > 0.0)
        points, scores = skeleton.keypoints, skeleton.scores
        if self._kept is not None:
            present = present.take(self._kept)
            points, scores = points.take(self._kept, 0), scores.take(self._kept)
        track.append(
            stamp_ns,
            np.where(present[:, None], points, 0.0),
            np.where(present, np.minimum(scores, 1.0), 0.0),
            self._spacing_ns,
            follows,
        )
        track.forget_before(stamp_ns - self._keep_ns)
        return True
