"""One batched run of the body and hand experts over everybody's windows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError, EngineError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.inference import Engine
from bharnet_ros.manifest_parts import BODY_ATTENTION, RELIABILITIES, RGB
from bharnet_ros.rgb_expert import RgbExpert
from bharnet_ros.roi import Tiles
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import Window

FUSIONS = ("fused", "body", "hand")

TilesOf = Callable[[int, int, int], Tiles]
"""Gives the tiles of a key's window from start_ns to end_ns."""


@dataclass(frozen=True, eq=False)
class Opinion:
    """What the experts think of one window.

    probabilities: (C,) by the chosen fusion. body, hand: (C,) by one expert alone; zeros if the
    bundle lacks it or it saw nothing it could use. reliabilities: (2,) how far body and hands
    were trusted, 0..1; None if the bundle's graph does not tell. rgb_reliability: how far pixels
    were, 0..1; None if they had no say.
    """

    probabilities: FloatArray
    body: FloatArray
    hand: FloatArray
    reliabilities: FloatArray | None = None
    rgb_reliability: float | None = None


@dataclass(frozen=True)
class PixelCount:
    """People of one judgement. asked: for whom pixels may decide something. judged: for whom they
    did. without_pixels: of whom nothing was seen in an image. failed: for whom the RGB graph gave
    nothing that can be used."""

    asked: int = 0
    judged: int = 0
    without_pixels: int = 0
    failed: int = 0


class WindowSet:
    """Windows of one moment, and their features: each kind is made once, whoever asks.

    windows: by key, all of one layout and number of steps; the order is that of the rows.
    """

    def __init__(self, windows: Mapping[int, Window]) -> None:
        self.keys = tuple(windows)
        self._windows = tuple(windows.values())
        self._arrays: tuple[FloatArray, FloatArray] | None = None
        self._features: dict[tuple[str, str, FeatureConfig], FloatArray] = {}

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Start and end of each window, ns."""
        return tuple((window.start_ns, window.end_ns) for window in self._windows)

    def features(self, stream: str, layout: str, config: FeatureConfig) -> FloatArray:
        """The input of the expert "body" (N, 3, T, 19, 1) or "hand" (N, 3, T, 21, 2).

        layout: of windows that do not say theirs.
        """
        layout = self._windows[0].layout or layout
        key = (stream, layout, config)
        found = self._features.get(key)
        if found is None:
            if self._arrays is None:
                self._arrays = (
                    np.stack([w.keypoints for w in self._windows]),
                    np.stack([w.scores for w in self._windows]),
                )
            function = {"body": body_features, "hand": hand_features}[stream]
            sized = config.needs_image_size([stream])
            sizes = [w.image_size for w in self._windows] if sized else None
            found = self._features[key] = function(*self._arrays, layout, config, sizes)
        return found


class Experts:
    """Windows -> features -> engine -> opinions.

    fusion: "fused" as the bundle's graph does it, or "body" or "hand" alone, for comparison.
    Where the engine has the bundle's RGB graph open it is asked too, with "fused" only.
    Raises ConfigurationError for another one, or for an expert that the bundle lacks.
    """

    def __init__(self, bundle: Bundle, engine: Engine, fusion: str = "fused") -> None:
        if fusion not in FUSIONS:
            raise ConfigurationError(
                f"fusion is '{fusion}'; it must be one of {', '.join(FUSIONS)}."
            )
        streams = bundle.manifest.streams
        if fusion != "fused" and fusion not in streams:
            raise ConfigurationError(
                f"fusion is '{fusion}', but the bundle '{bundle.manifest.name}' has only a "
                f"{' and a '.join(streams)} expert; use 'fused' or '{streams[0]}'."
            )
        self._manifest = bundle.manifest
        self._engine = engine
        self._fusion = fusion
        self._timings = {"features": 0.0, "inference": 0.0}
        self._rows: dict[str, tuple[int, int]] = {}
        rgb: Engine | None = getattr(engine, "rgb", None)
        used = rgb is not None and fusion == "fused"
        self.rgb = RgbExpert(bundle.manifest, rgb) if used and rgb is not None else None
        self._pixels = PixelCount()
        self._failure = ""

    @property
    def pixels(self) -> PixelCount:
        """Of the last `judge`: for how many people pixels were asked for, and were there."""
        return self._pixels

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Of the last `judge`: features, inference, and rgb where the RGB graph is open."""
        return dict(self._timings)

    @property
    def rows(self) -> Mapping[str, tuple[int, int]]:
        """Of the last `judge`, by stream: for how many people its expert ran, of how many."""
        return dict(self._rows)

    def forget(self, track_id: int) -> None:
        """A person left. Experts that read whole windows keep nothing."""

    def clear(self) -> None:
        """Everybody left."""

    def judge(
        self, windows: Mapping[int, Window] | WindowSet, tiles: TilesOf | None = None
    ) -> dict[int, Opinion]:
        """Opinions by the windows' keys, from one run for all of them.

        tiles: where pixels come from, for `rgb`; None = there are none.

        Windows in which the chosen expert has nothing to see, and results that are not finite,
        are left out. Give several bundles the same `WindowSet` and features are made once.
        """
        self._timings, self._rows = {"features": 0.0, "inference": 0.0}, {}
        self._pixels = PixelCount()
        group = windows if isinstance(windows, WindowSet) else WindowSet(windows)
        if not group.keys:
            return {}
        begin = time.perf_counter()
        manifest = self._manifest
        inputs = {
            name: group.features(name, manifest.layout, manifest.features)
            for name in manifest.streams
        }
        described = time.perf_counter()
        outputs = self._engine.run(inputs)
        end = time.perf_counter()
        everybody = (len(group.keys), len(group.keys))
        self._rows = dict.fromkeys(manifest.streams, everybody) | getattr(self._engine, "rows", {})
        self._timings = {
            "features": (described - begin) * 1e3,
            "inference": (end - described) * 1e3,
        }

        sees = {stream: _sees(inputs[stream]) for stream in manifest.streams}
        if self.rgb is None:
            return self.opinions(group.keys, sees, outputs)
        trust = self._look(self.rgb, group, outputs, tiles)
        self._timings["rgb"] = (time.perf_counter() - end) * 1e3
        found = self.opinions(group.keys, sees, outputs)
        said = {key: float(g) for key, g in zip(group.keys, trust, strict=True) if g >= 0.0}
        return {
            key: replace(opinion, rgb_reliability=said[key]) if key in said else opinion
            for key, opinion in found.items()
        }

    def _look(
        self, rgb: RgbExpert, group: WindowSet, outputs: dict[str, FloatArray],
        tiles: TilesOf | None,
    ) -> FloatArray:
        """Put the probabilities with pixels into `outputs`; (N,) the reliabilities, NaN = no say.

        An engine that fails here costs nobody the skeletons' judgement.
        """
        fused, attention = outputs["probabilities"], outputs[BODY_ATTENTION]
        finite = np.isfinite(fused).all(axis=1) & np.isfinite(attention).all(axis=1)
        wanted = np.flatnonzero(finite & rgb.wanted(fused))
        trust = np.full(len(fused), np.nan, np.float32)
        asked, judged, failed = len(wanted), 0, 0
        if tiles is not None and asked:
            seen = [tiles(group.keys[row], *group.spans[row]) for row in wanted]
            try:
                found = rgb.judge(seen, attention[wanted], fused[wanted])
            except EngineError as error:
                failed = sum(bool(each.seen.any()) for each in seen)
                self._warn(str(error))
            else:
                outputs["probabilities"] = fused.copy()
                outputs["probabilities"][wanted] = found.probabilities
                trust[wanted] = found.reliability
                judged, failed = int(found.judged.sum()), found.failed
        self._rows[RGB] = (judged + failed, len(fused))
        self._pixels = PixelCount(asked, judged, asked - judged - failed, failed)
        return trust

    def _warn(self, failure: str) -> None:
        """Say it once, not at every judgement."""
        if failure != self._failure:
            self._failure = failure
            logging.getLogger(__name__).warning("Pixels were not used: %s", failure)

    def opinions(
        self,
        keys: Sequence[int],
        sees: Mapping[str, npt.NDArray[np.bool_]],
        outputs: Mapping[str, FloatArray],
    ) -> dict[int, Opinion]:
        """What the graph's outputs (N, ...) mean for each of N keys.

        sees: by stream (N,), whether its expert saw anything at all of that person.
        """
        fused = outputs["probabilities"]
        alone = {
            stream: self._alone(stream, sees[stream], outputs) for stream in self._manifest.streams
        }
        chosen = fused if self._fusion == "fused" else alone[self._fusion]
        seeing = self._manifest.streams if self._fusion == "fused" else (self._fusion,)
        usable = np.any([sees[stream] for stream in seeing], axis=0)
        usable &= np.isfinite(chosen).all(axis=1)
        nothing = np.zeros_like(fused)
        body, hand = alone.get("body", nothing), alone.get("hand", nothing)
        trust = outputs[RELIABILITIES] if self._manifest.fusion.reliabilities else None
        return {
            key: Opinion(chosen[row], body[row], hand[row], None if trust is None else trust[row])
            for row, key in enumerate(keys)
            if usable[row]
        }

    def _alone(
        self, stream: str, sees: npt.NDArray[np.bool_], outputs: Mapping[str, FloatArray]
    ) -> FloatArray:
        """(N, C) probabilities by one expert; zeros where it sees nothing."""
        fusion = self._manifest.fusion
        temperature = {"body": fusion.body_temperature, "hand": fusion.hand_temperature}[stream]
        judged = _softmax(outputs[f"{stream}_logits"] / np.float32(temperature))
        return np.where(sees[:, None], judged, np.float32(0.0))


def _sees(values: FloatArray) -> npt.NDArray[np.bool_]:
    """(N, 3, T, V, I) -> (N,) whether any joint was seen at any time."""
    return np.asarray((values[:, 2] > 0.0).any(axis=(1, 2, 3)))


def _softmax(logits: FloatArray) -> FloatArray:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: FloatArray = shifted / shifted.sum(axis=-1, keepdims=True)
    return probabilities
