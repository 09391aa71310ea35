"""Both sides of the loading benchmark do the same work."""

from __future__ import annotations

import numpy as np

from benchmarks.loading import (
    CropAndResample,
    FormatInput,
    PreNormalize,
    RandomRot,
    annotations,
    batches,
    invent,
    one_by_one,
    rate,
)
from training.data import BatchLoader, LoaderConfig, open_store, sample_clips
from training.preprocessing import preprocess


class _Whole:
    """In place of a generator: the whole clip."""

    def uniform(self, low, high):
        return high


def test_the_same_windows_come_out_of_both(tmp_path):
    invent(tmp_path / "store", 6)
    store = open_store(tmp_path / "store")
    config = LoaderConfig(16, 6, 2, crop=(1.0, 1.0), centre_share=1.0)
    batch = BatchLoader(store, sample_clips(store), config, training=False).batch(0)
    ours = preprocess("calibration_free", batch.keypoints, batch.scores, "ntu25", people=True)
    theirs = next(
        one_by_one(
            annotations(store),
            [CropAndResample(16, _Whole()), PreNormalize("ntu25"), FormatInput(2)],
            6,
        )
    )
    order = np.random.default_rng(0).permutation(6)
    np.testing.assert_allclose(ours[order], theirs, rtol=1e-3, atol=1e-3)


def test_rates_are_measured(tmp_path):
    invent(tmp_path / "store", 12)
    store = open_store(tmp_path / "store")
    config = LoaderConfig(16, 4, 2)
    loader = BatchLoader(store, sample_clips(store), config, training=True)
    shapes = [batch.shape for batch in batches(loader, "ntu25")]
    assert shapes == [(4, 2, 16, 25, 3)] * 3
    rng = np.random.default_rng(0)
    chain = [CropAndResample(16, rng), PreNormalize("ntu25"), RandomRot(rng), FormatInput(2)]
    found = annotations(store)
    assert [b.shape for b in one_by_one(found, chain, 4)] == shapes
    assert rate(lambda: one_by_one(found, chain, 4), 0.01) > 0
