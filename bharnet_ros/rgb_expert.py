"""The RGB expert: pixels tell apart what skeletons cannot, within groups of classes.

The method is BHaRNet-M's: the frozen skeleton experts, whose attention to joints weights the
regions of the picture, and late fusion. The fusion is inside the graph. With the skeletons'
probabilities p, the pixels' logits z and the reliability g the branch gives itself (0..1; 0 where
nothing was seen), a class c of a group G becomes

    p'_c = (sum over k in G of p_k) * softmax over k in G of (log p_k + g * z_k)

and every other class stays as it is. So pixels move probability within a group and never into it,
and without pixels p' = p. What the graph answers is held to that here, whatever its precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import BundleError
from bharnet_ros.inference import Engine
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import OUTPUTS, SKELETON_PROBABILITIES
from bharnet_ros.roi import Tiles, tiles_input
from bharnet_ros.types import FloatArray

_PROBABILITIES = OUTPUTS[-1]


@dataclass(frozen=True, eq=False)
class RgbOpinion:
    """What became of N people's probabilities.

    probabilities: (N, C), those of the skeletons where pixels had no say. reliability: (N,) 0..1;
    NaN where pixels had no say. failed: how many answers could not be used (not finite).
    """

    probabilities: FloatArray
    reliability: FloatArray
    failed: int = 0

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """(N,) for whom pixels had a say."""
        return np.asarray(np.isfinite(self.reliability))


class RgbExpert:
    """Runs the RGB graph of a bundle for the people whom it can say something about.

    manifest: of a bundle that has one. engine: that graph's (`ExpertGraphs.rgb`).
    Raises BundleError for a manifest without.
    """

    def __init__(self, manifest: Manifest, engine: Engine) -> None:
        if manifest.rgb is None:
            raise BundleError(
                f"The bundle '{manifest.name}' has no RGB graph; use one that was exported with it."
            )
        self.config = manifest.rgb.roi
        self._min_mass = manifest.rgb.min_mass
        self._engine = engine
        index = {name: number for number, name in enumerate(manifest.class_names)}
        self._groups = [
            np.array([index[name] for name in group], np.intp) for group in manifest.rgb.groups
        ]

    def wanted(self, probabilities: FloatArray) -> npt.NDArray[np.bool_]:
        """(N,) for whom of (N, C) pixels may change something: some group has at least the
        bundle's `min_mass`."""
        mass = np.stack([probabilities[:, group].sum(axis=1) for group in self._groups], axis=1)
        most = mass.max(axis=1)
        return np.asarray((most >= self._min_mass) & (most > 0.0))

    def judge(
        self, tiles: Sequence[Tiles], attention: FloatArray, probabilities: FloatArray
    ) -> RgbOpinion:
        """Probabilities with pixels, in one run for all who have any and are `wanted`.

        tiles: of N people. attention: (N, 19) the body expert's `body_attention`. probabilities:
        (N, C) of the skeletons. Raises as `Engine.run` does.
        """
        result = probabilities.copy()
        trust = np.full(len(result), np.nan, np.float32)
        pixels = np.array([bool(each.seen.any()) for each in tiles], np.bool_)
        rows = np.flatnonzero(pixels & self.wanted(probabilities))
        if len(rows) == 0:
            return RgbOpinion(result, trust)
        values, seen = tiles_input([tiles[int(row)] for row in rows])
        found = self._engine.run(
            {
                "tiles": values,
                "seen": seen,
                "attention": np.ascontiguousarray(attention[rows]),
                SKELETON_PROBABILITIES: np.ascontiguousarray(probabilities[rows]),
            }
        )
        judged, reliability = found[_PROBABILITIES], found["rgb_reliability"][:, 0]
        usable = np.isfinite(judged).all(axis=1) & np.isfinite(reliability)
        usable &= (judged >= 0.0).all(axis=1)
        for group in self._groups:
            before = probabilities[rows][:, group]
            after = np.where(usable[:, None], judged[:, group], before)
            total = after.sum(axis=1, keepdims=True)
            mass = before.sum(axis=1, keepdims=True)
            share = np.where(total > 0.0, mass / np.where(total > 0.0, total, 1.0), 0.0)
            # Nothing left of a group that had something: reduced precision lost it.
            kept = (total > 0.0) | (mass == 0.0)
            usable &= kept[:, 0]
            result[np.ix_(rows, group)] = np.where(kept, after * share, before)
        result[rows[~usable]] = probabilities[rows[~usable]]
        trust[rows[usable]] = np.clip(reliability[usable], 0.0, 1.0)
        return RgbOpinion(result, trust, int((~usable).sum()))
