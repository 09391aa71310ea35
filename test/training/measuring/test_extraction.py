"""Pictures shown to an estimator, and kept."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.types import SkeletonFrame
from training.measuring import extraction
from training.measuring.data import Photograph, padded


class Estimator:
    """Sees one person with a right hand in bright pictures only, from the second frame on."""

    layout = LAYOUT

    def __init__(self) -> None:
        self.frames = self.resets = 0

    def reset(self) -> None:
        self.frames, self.resets = 0, self.resets + 1

    def estimate(self, image, stamp_ns):
        self.frames += 1
        people = ()
        if self.frames > 1 and image.mean() > 100:
            scores = np.full(133, 0.9, np.float32)
            scores[91:112] = 0.0
            people = (skeleton(-1, person_keypoints(), scores),)
        return SkeletonFrame(stamp_ns, image.shape[:2], LAYOUT, people)

    def close(self) -> None:
        pass


def pictures():
    yield Photograph("dark", "ok", np.zeros((40, 60, 3), np.uint8))
    yield Photograph("bright", "fist", np.full((50, 70, 3), 200, np.uint8))


def test_each_picture_is_shown_afresh_and_the_last_frame_kept(tmp_path):
    estimator = Estimator()
    found = extraction.stills("set", pictures, tmp_path, lambda: estimator, print)
    assert estimator.resets == 2
    assert estimator.frames == extraction.SHOWN_FRAMES
    assert list(found.label) == ["ok", "fist"]
    assert list(found.picture) == [1]
    assert found.sizes.tolist() == [[40, 60], [50, 70]]
    assert found.hand_found().tolist() == [[False, True]]


def test_nothing_is_shown_twice(tmp_path):
    first = extraction.stills("set", pictures, tmp_path, Estimator, print)

    def never():
        raise AssertionError("the estimator was made again")

    again = extraction.stills("set", pictures, tmp_path, never, print)
    np.testing.assert_array_equal(first.keypoints, again.keypoints)
    np.testing.assert_array_equal(first.names, again.names)
    with pytest.raises(AssertionError):
        extraction.stills("set", pictures, tmp_path, never, print, frames=3)


def test_other_options_are_other_keypoints():
    assert extraction.estimator_digest() == extraction.estimator_digest()
    assert extraction.estimator_digest({"num_threads": 2}) != extraction.estimator_digest()


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / f"set_{extraction.SHOWN_FRAMES}_{extraction.estimator_digest()}.npz"
    path.write_bytes(b"no zip")
    with pytest.raises(ConfigurationError, match="delete it and measure again"):
        extraction.stills("set", pictures, tmp_path, Estimator, print)


def test_no_video_is_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(ConfigurationError, match="cannot be opened as a video"):
        extraction.clip(path, tmp_path, Estimator)


def test_a_border_of_the_mean_colour():
    image = np.full((10, 20, 3), 90, np.uint8)
    image[2:4, 2:4] = 0
    wide = padded(image, 0.5)
    assert wide.shape == (30, 40, 3)
    np.testing.assert_array_equal(wide[10:20, 10:30], image)
    assert (wide[0, 0] == int(image.mean())).all()
