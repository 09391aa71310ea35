"""One batched run of the body and hand experts over everybody's windows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.features import body_features, hand_features
from bharnet_ros.inference import Engine
from bharnet_ros.manifest_parts import RELIABILITIES
from bharnet_ros.types import FloatArray
from bharnet_ros.windows import Window

FUSIONS = ("fused", "body", "hand")


@dataclass(frozen=True, eq=False)
class Opinion:
    """What the experts think of one window.

    probabilities: (C,) by the chosen fusion. body, hand: (C,) by one expert alone; zeros if the
    bundle lacks it or it saw nothing it could use. reliabilities: (2,) how far body and hands
    were trusted, 0..1; None if the bundle's graph does not tell.
    """

    probabilities: FloatArray
    body: FloatArray
    hand: FloatArray
    reliabilities: FloatArray | None = None


class WindowSet:
    """Windows of one moment, and their features: each kind is made once, whoever asks.

    windows: by key, all of one layout and number of steps; the order is that of the rows.
    """

    def __init__(self, windows: Mapping[int, Window]) -> None:
        self.keys = tuple(windows)
        self._windows = tuple(windows.values())
        self._arrays: tuple[FloatArray, FloatArray] | None = None
        self._features: dict[tuple[str, str, FeatureConfig], FloatArray] = {}

    def features(self, stream: str, layout: str, config: FeatureConfig) -> FloatArray:
        """The input of the expert "body" (N, 3, T, 19, 1) or "hand" (N, 3, T, 21, 2)."""
        key = (stream, layout, config)
        found = self._features.get(key)
        if found is None:
            if self._arrays is None:
                self._arrays = (
                    np.stack([w.keypoints for w in self._windows]),
                    np.stack([w.scores for w in self._windows]),
                )
            function, space = {
                "body": (body_features, config.body_space),
                "hand": (hand_features, config.hand_space),
            }[stream]
            sizes = [w.image_size for w in self._windows] if space == "image" else None
            found = self._features[key] = function(*self._arrays, layout, config, sizes)
        return found


class Experts:
    """Windows -> features -> engine -> opinions.

    fusion: "fused" as the bundle's graph does it, or "body" or "hand" alone, for comparison.
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

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """Of the last `judge`: features, inference."""
        return dict(self._timings)

    @property
    def rows(self) -> Mapping[str, tuple[int, int]]:
        """Of the last `judge`, by stream: for how many people its expert ran, of how many."""
        return dict(self._rows)

    def forget(self, track_id: int) -> None:
        """A person left. Experts that read whole windows keep nothing."""

    def clear(self) -> None:
        """Everybody left."""

    def judge(self, windows: Mapping[int, Window] | WindowSet) -> dict[int, Opinion]:
        """Opinions by the windows' keys, from one run for all of them.

        Windows in which the chosen expert has nothing to see, and results that are not finite,
        are left out. Give several bundles the same `WindowSet` and features are made once.
        """
        self._timings, self._rows = {"features": 0.0, "inference": 0.0}, {}
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
        return self.opinions(group.keys, sees, outputs)

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
