"""Several bundles over the same people: windows and features once where they agree."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from bharnet_ros.bundle import Bundle
from bharnet_ros.continual import ContinualExperts, Span, is_step_engine
from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError
from bharnet_ros.experts import Experts, Opinion, PixelCount, TilesOf, WindowSet
from bharnet_ros.inference import Engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.rgb_memory import RgbMemory, RgbUse
from bharnet_ros.skeleton import read_layout
from bharnet_ros.types import Image, SkeletonFrame
from bharnet_ros.windows import MAX_PAUSE_S, Window, WindowBuffer

Judgement = tuple[Window | Span, Opinion | None]
"""A person's window, and what the experts think of it; None if too little was seen."""


class Panel:
    """The experts of one or several bundles.

    bundles: with the engine of each. fusion: see `Experts`. min_coverage, lost_after_s,
    max_people: see RecognizerConfig.
    Raises ConfigurationError for no bundle, two of one name, or bundles of differing layouts.
    """

    def __init__(
        self,
        bundles: Sequence[tuple[Bundle, Engine]],
        fusion: str,
        min_coverage: float,
        lost_after_s: float,
        max_people: int = 64,
    ) -> None:
        self.manifests = tuple(bundle.manifest for bundle, _ in bundles)
        check_together([bundle for bundle, _ in bundles])
        self.layout = self.manifests[0].layout
        self._sized = [m.name for m in self.manifests if m.features.needs_image_size(m.streams)]
        self._experts = tuple(
            ContinualExperts(bundle, engine, fusion, min_coverage)
            if is_step_engine(engine)
            else Experts(bundle, engine, fusion)
            for bundle, engine in bundles
        )
        self._min_coverage = min_coverage
        self._buffers: dict[tuple[float, int, float], WindowBuffer] = {}
        self._windowing = tuple((m.window_s, m.num_steps, m.max_gap_s) for m in self.manifests)
        for window_s, num_steps, max_gap_s in dict.fromkeys(self._windowing):
            self._buffers[window_s, num_steps, max_gap_s] = WindowBuffer(
                self.layout, window_s, num_steps, max_gap_s, keep=read_layout(self.layout),
                forget_after_s=lost_after_s, max_tracks=max_people,
            )  # fmt: skip
        # All buffers take the same frames with the same answers; this one speaks for them.
        self._buffer = self._buffers[self._windowing[0]]
        looking = [
            (experts.rgb.config, manifest.window_s)
            for manifest, experts in zip(self.manifests, self._experts, strict=True)
            if experts.rgb is not None
        ]
        self._memory = (
            RgbMemory(self.layout, looking, max_people, max(lost_after_s, MAX_PAUSE_S))
            if looking
            else None
        )
        self._pixels: list[PixelCount] = []
        self._stages = ("windows", "features", "inference", *(["rgb"] if looking else []))
        self._stage_ms = dict.fromkeys(self._stages, 0.0)
        self._bundle_ms = dict.fromkeys((m.name for m in self.manifests), 0.0)
        self._expert_rows: dict[str, tuple[int, int]] = {}

    @property
    def buffer(self) -> WindowBuffer:
        """Whoever is known, drops and resets; the same for all bundles. Not to be pushed to."""
        return self._buffer

    @property
    def num_windowings(self) -> int:
        """How many different windows are cut of each person."""
        return len(self._buffers)

    @property
    def stage_ms(self) -> Mapping[str, float]:
        """Of the last judgement, all bundles together: windows, features, inference, and rgb where
        some bundle looks at pixels."""
        return dict(self._stage_ms)

    @property
    def bundle_ms(self) -> Mapping[str, float]:
        """Of the last judgement, by bundle: its network, and the features it was the first to
        need."""
        return dict(self._bundle_ms)

    @property
    def expert_rows(self) -> Mapping[str, tuple[int, int]]:
        """Of the last judgement, by "bundle/expert": for how many people it ran, of how many of
        whom enough was seen. Fewer where a bundle's experts are graphs of their own."""
        return dict(self._expert_rows)

    @property
    def rgb(self) -> RgbUse | None:
        """How pixels are used; None if no bundle looks at them."""
        if self._memory is None:
            return None
        return RgbUse(
            sum(each.asked for each in self._pixels),
            sum(each.judged for each in self._pixels),
            sum(each.without_pixels for each in self._pixels),
            self._memory.drops,
            self._memory.nbytes,
            self._memory.max_nbytes,
        )

    def see(self, image_bgr: Image, frame: SkeletonFrame, stamp_ns: int) -> bool:
        """Take an image of tracked people, from any thread; False if it is not used."""
        return self._memory is not None and self._memory.see(image_bgr, frame, stamp_ns)

    def push(self, frame: SkeletonFrame) -> bool:
        """Take a frame; False if it was dropped. Raises, with nothing changed, LayoutError if it is
        of another layout, InvalidSkeletonError if it lacks an image size that a bundle needs."""
        if self._sized and frame.layout == self.layout and min(frame.image_size) <= 0:
            raise InvalidSkeletonError(
                f"A frame has the image size {tuple(frame.image_size)} (height, width), but the "
                f"bundle '{self._sized[0]}' reads keypoints as shares of the image; fill in "
                "image_height and image_width where the skeletons come from."
            )
        taken = [buffer.push(frame) for buffer in self._buffers.values()]
        if all(taken) and self._memory is not None:
            self._memory.push(frame)
        return all(taken)

    def clear(self) -> None:
        """Forget everybody."""
        if self._memory is not None:
            self._memory.clear()
        for buffer in self._buffers.values():
            buffer.clear()
        for experts in self._experts:
            experts.clear()

    def forget(self, track_id: int) -> None:
        """A person left; the windows forget by themselves, with whoever has the same id now."""
        for experts in self._experts:
            experts.forget(track_id)

    def judge(self, ends_ns: Mapping[int, int]) -> list[dict[int, Judgement]]:
        """One run per bundle over everybody; per bundle the judgements by track.

        ends_ns: tracks to judge, and the stamp at which the window of each ends.
        """
        begin = time.perf_counter()
        wanted = {
            windowing
            for windowing, experts in zip(self._windowing, self._experts, strict=True)
            if not isinstance(experts, ContinualExperts)
        }
        windows = {
            windowing: buffer.windows(ends_ns)
            for windowing, buffer in self._buffers.items()
            if windowing in wanted
        }
        sets = {
            windowing: WindowSet({t: w for t, w in cut.items() if w.coverage >= self._min_coverage})
            for windowing, cut in windows.items()
        }
        self._stage_ms = dict.fromkeys(self._stages, 0.0)
        self._stage_ms["windows"] = (time.perf_counter() - begin) * 1e3
        self._expert_rows, self._pixels = {}, []
        judged = []
        for manifest, experts, windowing in zip(
            self.manifests, self._experts, self._windowing, strict=True
        ):
            began = time.perf_counter()
            found: dict[int, Judgement] = {}
            if isinstance(experts, ContinualExperts):
                found |= experts.follow(self._buffers[windowing], ends_ns)
            else:
                opinions = experts.judge(sets[windowing], self._tiles(manifest, experts))
                found |= {t: (w, opinions.get(t)) for t, w in windows[windowing].items()}
            self._bundle_ms[manifest.name] = (time.perf_counter() - began) * 1e3
            for stage, spent_ms in experts.timings_ms.items():
                self._stage_ms[stage] += spent_ms
            for stream, rows in experts.rows.items():
                self._expert_rows[f"{manifest.name}/{stream}"] = rows
            self._note_pixels(experts)
            judged.append(found)
        return judged

    def _tiles(self, manifest: Manifest, experts: Experts) -> TilesOf | None:
        if self._memory is None or experts.rgb is None:
            return None
        return self._memory.tiles(experts.rgb.config, manifest.window_s)

    def _note_pixels(self, experts: Experts) -> None:
        if self._memory is not None and experts.rgb is not None:
            self._pixels.append(experts.pixels)
            self._memory.note_unusable(experts.pixels.failed)


def check_together(bundles: Sequence[Bundle]) -> None:
    """Raise ConfigurationError unless these bundles can judge the same people."""
    if not bundles:
        raise ConfigurationError("No bundle is given; name at least one.")
    first = bundles[0]
    seen: dict[str, Bundle] = {}
    for bundle in bundles:
        manifest = bundle.manifest
        if manifest.name in seen:
            raise ConfigurationError(
                f"Two bundles are named '{manifest.name}' ({seen[manifest.name].path} and "
                f"{bundle.path}), so nobody could tell whose action is meant; leave one out, or "
                "export one of them under another name."
            )
        seen[manifest.name] = bundle
        if manifest.layout != first.manifest.layout:
            raise ConfigurationError(
                f"The bundle '{manifest.name}' reads skeletons of layout '{manifest.layout}', "
                f"'{first.manifest.name}' those of '{first.manifest.layout}'; one recogniser takes "
                "one layout: choose bundles of the same one, or run a second recogniser with its "
                "own pose estimator."
            )
