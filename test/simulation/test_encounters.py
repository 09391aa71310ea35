"""Encounters: told by a seed, exact, and with the same truth drawn or not."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation import OCCLUDED_SCORE
from bharnet_ros.simulation.encounters import CAMERA, ENCOUNTERS, encounter
from bharnet_ros.simulation.undrawn import true_frame


@pytest.mark.parametrize("kind", [kind for kind in ENCOUNTERS if kind != "leave"])
def test_people_stay_in_the_image(kind: str) -> None:
    scene = encounter(kind, 4, drawn=False)
    assert 4.0 < scene.duration_s < 20.0
    for t_s in (0.0, 0.5 * scene.duration_s, scene.duration_s):
        for person in true_frame(scene, t_s).skeletons:
            x, _, w, h = person.bbox
            assert h > 100 and x >= 0.0 and x + w <= CAMERA.width
            assert (person.scores[[5, 6, 11, 12]] > 0.0).all()


def test_the_same_seed_tells_the_same_story() -> None:
    one, two = (true_frame(encounter("meet", 7, drawn=False), 2.0) for _ in range(2))
    for a, b in zip(one.skeletons, two.skeletons, strict=True):
        np.testing.assert_array_equal(a.keypoints, b.keypoints)
        np.testing.assert_array_equal(a.scores, b.scores)


def test_somebody_is_hidden_in_a_crossing_and_nobody_before() -> None:
    scene = encounter("hide", 5, drawn=False)
    shares = []
    for t_s in np.arange(0.0, scene.duration_s, 0.2):
        people = true_frame(scene, float(t_s)).skeletons
        shares.append([float((p.scores[:17] == OCCLUDED_SCORE).mean()) for p in people])
    hidden = np.array(shares)
    assert hidden[:3].max() == 0.0
    assert hidden[:, 1].max() > 0.8  # the walker, behind
    assert hidden[:, 0].max() < 0.2  # the one who stands in front


def test_whoever_comes_back_is_somebody_new() -> None:
    scene = encounter("leave", 5, drawn=False)
    assert scene.actors[2].appearance == scene.actors[0].appearance
    left, again = scene.actors[0].present_s[1], scene.actors[2].present_s[0]
    assert again - left > 2.5
    ids = [{p.track_id for p in true_frame(scene, t).skeletons} for t in (0.5, again + 0.5)]
    assert ids == [{0, 1}, {1, 2}]


def test_a_picture_says_the_same_as_the_truth_without_one() -> None:
    scene = encounter("pass", 6)
    t_s = 0.3 * scene.duration_s
    drawn, undrawn = scene.frame(t_s).skeletons, true_frame(scene, t_s)
    for a, b in zip(drawn.skeletons, undrawn.skeletons, strict=True):
        assert a.track_id == b.track_id
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=1e-3)
        np.testing.assert_array_equal(a.scores > 0.0, b.scores > 0.0)
        # Who hides themselves is no matter here: no point seen in the picture is hidden.
        assert not ((a.scores == 1.0) & (b.scores == OCCLUDED_SCORE)).any()


def test_unknown_kinds_are_named() -> None:
    with pytest.raises(ConfigurationError, match="'wave'"):
        encounter("wave", 1)


def test_all_poses_at_once_are_those_asked_for_one_by_one() -> None:
    scene = encounter("overtake", 8, drawn=False)
    times = np.array([0.0, 1.3, 2.7])
    for actor in scene.actors:
        single = np.stack([scene.pose(actor, float(t)) for t in times])
        np.testing.assert_allclose(scene.poses(actor, times), single, atol=1e-9)
