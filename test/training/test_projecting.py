"""Projected films show what the plan says, as unsurely as an estimator would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.skeleton import get_layout
from training.config import PROJECTED, PROJECTED_ACTORS
from training.filming import build_scene
from training.generate import generate
from training.plan import plan_films
from training.projecting import BODY_ERROR, NO_SOURCE, project_film
from training.sequences import load_split

VOCABULARY = load_vocabulary()
SPEC = get_layout("coco_wholebody_133")


@pytest.fixture
def config(tiny_config):
    data = replace(
        tiny_config.data, projected_scenes=2, image_size=(720, 720), focal_px=1050.0, scene_s=12.0
    )
    return replace(tiny_config, data=data)


def test_projected_people_are_nobody_else(config):
    plans = plan_films(config, PROJECTED, VOCABULARY)
    assert [plan.actor for plan in plans] == [PROJECTED_ACTORS, PROJECTED_ACTORS + 1]
    for split in config.data.splits.values():
        assert split.actors[1] < PROJECTED_ACTORS


def test_errors_are_of_the_measured_size(config):
    plan = plan_films(config, PROJECTED, VOCABULARY)[0]
    film = project_film(plan, config.data, VOCABULARY)
    scene = build_scene(plan, config.data, VOCABULARY, drawn=False)
    times = film.stamps_ns / 1e9
    truth, _ = scene.camera.project(
        np.stack([scene.pose(scene.actors[0], float(t)) for t in times])
    )
    seen = film.scores > 0.0
    error = film.keypoints - truth
    torso = np.median(np.linalg.norm(truth[:, 5] - truth[:, 12], axis=-1))
    body = error[:, 5:11][seen[:, 5:11]]
    assert body.std() == pytest.approx(BODY_ERROR * torso, rel=0.25)
    hand = SPEC.right_hand_indices
    spread = [error[:, i][seen[:, i]].std() for i in (hand[9], hand[12])]
    assert spread[1] > spread[0] > 0.5  # finger tips are less sure than knuckles
    assert not film.scores[:, list(NO_SOURCE)].any()
    assert not film.keypoints[~seen].any()


def test_it_repeats_and_says_what_was_done(config):
    plan = plan_films(config, PROJECTED, VOCABULARY)[1]
    film, again = (project_film(plan, config.data, VOCABULARY) for _ in range(2))
    np.testing.assert_array_equal(film.keypoints, again.keypoints)
    assert [(s.class_name, round(s.start_ns / 1e9, 3)) for s in film.spans] == [
        (name, start) for name, start, _ in plan.schedule
    ]


def test_the_command_makes_them_without_an_estimator(config, tmp_path):
    def refuse(*_):
        raise AssertionError("nothing is to be estimated")

    class Layout:
        layout = "coco_wholebody_133"
        estimate = refuse

        def close(self):
            pass

    made = generate(config, tmp_path / "d", 0, [PROJECTED], Layout, lambda text: None)
    assert made == 2 and len(load_split(tmp_path / "d", PROJECTED, 2)) == 2
