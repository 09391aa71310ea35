"""Films packed into one small file, and the file that is shipped."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import load_vocabulary
from training.describing.people import KEPT
from training.teaching.filmed import Filmed, load_filmed, save_filmed


def test_films_come_back_to_a_sixteenth_of_a_pixel(take, tmp_path):
    films = [take("a", "a", [("wave", 1, 3)], seed=1).sequence, take("b", "b", seed=2).sequence]
    films[0].scores[3] = 0.0
    checks = take("c", "c", [("stop", 2, 4)], seconds=4.0, seed=3).sequence
    path = tmp_path / "others.npz"
    save_filmed(path, {"train": Filmed(films[:1], films[1:]), "check": Filmed([checks], [])})
    found = load_filmed("train", path)
    assert (len(found.gesturing), len(found.idle)) == (1, 1)
    for before, after in zip(films, (*found.gesturing, *found.idle), strict=True):
        np.testing.assert_array_equal(after.stamps_ns, before.stamps_ns)
        assert after.spans == before.spans and after.info == before.info
        assert after.keypoints.shape == before.keypoints.shape
        kept = after.keypoints[:, KEPT], before.keypoints[:, KEPT]
        assert abs(kept[0] - kept[1]).max() <= 1 / 16
        assert abs(after.scores[:, KEPT] - before.scores[:, KEPT]).max() <= 1 / 500
        others = np.setdiff1d(np.arange(133), KEPT)
        assert not after.scores[:, others].any()
    (check,) = load_filmed("check", path).gesturing
    assert check.spans == checks.spans and len(check.stamps_ns) == 40


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "others.npz"
    path.write_bytes(b"PK no archive")
    with pytest.raises(ConfigurationError, match=r"others.npz is damaged"):
        load_filmed("train", path)


def test_the_shipped_films_show_the_shipped_gestures():
    known = set(load_vocabulary("gestures").class_names)
    train, check = load_filmed("train"), load_filmed("check")
    for part in (train, check):
        shown = {span.class_name for film in part.gesturing for span in film.spans}
        assert shown <= known and len(shown) > 0.9 * len(load_vocabulary("gestures").actions)
        assert all(not film.spans for film in part.idle) and part.idle
        for film in (*part.gesturing, *part.idle):
            assert (np.diff(film.stamps_ns) > 0).all()
            assert film.scores.max() <= 1.0 and np.isfinite(film.keypoints).all()
    first, other = train.gesturing[0].keypoints, check.gesturing[0].keypoints
    assert first.shape != other.shape or not np.array_equal(first, other)
