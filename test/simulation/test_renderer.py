"""People are drawn where the ground truth says, and nearer parts hide further ones."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError
from bharnet_ros.gestures import BodyShape, GesturePlayer, Style, load_vocabulary
from bharnet_ros.simulation import (
    Actor,
    Appearance,
    Camera,
    Effects,
    Renderer,
    make_background,
)
from bharnet_ros.types import AnyFloat, Image

CAMERA = Camera(640, 360, 525.0)
GREEN: Image = np.full((360, 640, 3), (20, 250, 20), np.uint8)
LOOK = Appearance(pattern="plain", sleeve=0.3)


def _standing(gesture: str | None = None, t_s: float = 1.2, turned: bool = False) -> AnyFloat:
    vocabulary = load_vocabulary()
    player = GesturePlayer(vocabulary, BodyShape.default(), Style(tremor=0.0, fidget=0.0))
    schedule = [(gesture, 0.1, 2.5)] if gesture else []
    pose = player.plan(schedule, np.random.default_rng(0), 3.0).pose(t_s)
    turn = 1.0 if turned else -1.0
    world: AnyFloat = pose * np.array([turn, turn, 1.0]) + np.array([2.2, 0.0, 0.0])
    return world


def _renderer(effects: Effects | None = None) -> Renderer:
    return Renderer(CAMERA, GREEN, effects or Effects.none())


def _is_background(image: Image, pixel: AnyFloat) -> bool:
    x, y = np.rint(pixel).astype(int)
    return bool(np.abs(image[y, x].astype(int) - (20, 250, 20)).max() < 25)


@pytest.mark.parametrize("gesture", [None, "stop", "victory", "both_hands_up"])
def test_visible_joints_are_drawn_where_the_truth_says(gesture: str | None) -> None:
    actor = Actor(_standing(gesture), LOOK)
    result = _renderer().render_actors([actor], np.random.default_rng(0))
    visible = np.flatnonzero(result.visible[0])
    assert len(visible) > 60
    missed = [k for k in visible if _is_background(result.image, result.keypoints[0, k])]
    assert missed == []


def test_only_the_person_differs_from_the_background() -> None:
    result = _renderer().render_actors([Actor(_standing(), LOOK)], np.random.default_rng(0))
    changed = np.abs(result.image.astype(int) - GREEN).max(axis=2) > 12
    rows, columns = np.nonzero(changed)
    keypoints = result.keypoints[0]
    assert 0.05 < changed.mean() < 0.35
    assert columns.min() > keypoints[:, 0].min() - 60
    assert columns.max() < keypoints[:, 0].max() + 60
    assert rows.min() > keypoints[:, 1].min() - 60


def test_hand_in_front_of_the_torso_is_drawn_over_it() -> None:
    pose = _standing("stop")
    chest = pose[[5, 6, 11, 12]].mean(axis=0) - (0.0, 0.0, -0.1)
    shift = chest - pose[112] - (0.25, 0.0, 0.0)  # 25 cm before the chest
    before = pose.copy()
    before[112:133] += shift
    behind = pose.copy()
    behind[112:133] += shift - (-0.6, 0.0, 0.0)
    renderer = _renderer()
    for moved, shown in ((before, True), (behind, False)):
        result = renderer.render_actors([Actor(moved, LOOK)], np.random.default_rng(0))
        share = result.visible[0, 112:133].mean()
        assert (share > 0.7) if shown else (share == 0)
        x, y = np.rint(result.keypoints[0, 121]).astype(int)
        blue, _, red = result.image[y, x].astype(int)
        assert (red > blue) == shown  # skin is reddish, the shirt blue


def test_face_is_hidden_from_behind() -> None:
    for turned, seen in ((False, True), (True, False)):
        result = _renderer().render_actors(
            [Actor(_standing(turned=turned), LOOK)], np.random.default_rng(0)
        )
        assert result.visible[0, 0] == seen
        assert (result.visible[0, 50:91].mean() > 0.8) == seen


def test_nearer_person_hides_the_further_one() -> None:
    far = _standing()
    near = far - (0.7, 0.0, 0.0)
    other = Appearance(shirt=(20, 20, 200))
    both = [Actor(far, LOOK), Actor(near, other)]
    result = _renderer().render_actors(both, np.random.default_rng(0))
    assert not result.visible[0, [5, 6]].any() and result.visible[1, [5, 6]].all()
    swapped = _renderer().render_actors(both[::-1], np.random.default_rng(0))
    assert np.array_equal(result.image, swapped.image)
    assert np.array_equal(result.visible, swapped.visible[::-1])


def test_points_outside_of_the_image_are_not_visible() -> None:
    pose = _standing() - (0.0, -1.2, 0.0)
    result = _renderer().render_actors([Actor(pose, LOOK)], np.random.default_rng(0))
    inside = CAMERA.contains(result.keypoints[0])
    assert not inside.all() and not result.visible[0][~inside].any()


@pytest.mark.parametrize("place", [(-5.0, 0.0, 0.0), (-2.2, 0.0, 0.0), (0.0, 9.0, 0.0)])
def test_people_out_of_sight_leave_the_picture_alone(place: tuple[float, float, float]) -> None:
    pose = _standing() + place
    result = _renderer().render_actors([Actor(pose, LOOK)], np.random.default_rng(0))
    assert np.array_equal(result.image, GREEN)
    assert not result.visible.any()


def test_fast_hands_are_smeared() -> None:
    pose = _standing("stop")
    motion = np.zeros((133, 3))
    still = _renderer().render_actors([Actor(pose, LOOK, motion)], np.random.default_rng(0))
    motion[[8, 10]] = (0.0, 0.08, 0.0)
    motion[112:133] = (0.0, 0.08, 0.0)
    fast = _renderer().render_actors([Actor(pose, LOOK, motion)], np.random.default_rng(0))
    x, y = np.rint(still.keypoints[0, 112:133].mean(axis=0)).astype(int)
    part = (slice(y - 30, y + 30), slice(x - 30, x + 30))

    def detail(image: Image) -> float:
        return float(np.abs(np.diff(image[part].astype(int), axis=1)).mean())

    assert detail(fast.image) < 0.8 * detail(still.image)
    assert np.array_equal(still.keypoints, fast.keypoints)


@pytest.mark.parametrize(
    "effects",
    [
        Effects.none(),
        Effects(noise=4.0),
        Effects(jpeg_quality=60),
        Effects(exposure=1.3, white_balance=(0.9, 1.0, 1.1), softness_px=0.0),
    ],
)
def test_effects_keep_shape_and_type(effects: Effects) -> None:
    image = _renderer(effects).render([(_standing(), LOOK)], np.random.default_rng(0))
    assert image.shape == (360, 640, 3) and image.dtype == np.uint8


def test_noise_and_exposure_do_what_they_say() -> None:
    grey: Image = np.full((360, 640, 3), 100, np.uint8)
    noisy = Renderer(CAMERA, grey, Effects(noise=5.0)).render([], np.random.default_rng(0))
    assert noisy.astype(float).std() == pytest.approx(5.0, rel=0.05)
    bright = Renderer(CAMERA, grey, Effects(noise=0.0, exposure=1.5)).render(
        [], np.random.default_rng(0)
    )
    assert (bright == 150).all()


@pytest.mark.parametrize(
    "values",
    [
        {"exposure": 0.0},
        {"white_balance": (1.0, 0.0, 1.0)},
        {"noise": -1.0},
        {"shutter_s": 0.5},
        {"jpeg_quality": 101},
    ],
)
def test_impossible_effects_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        Effects(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["plain", "gradient", "room", "shelves", "clutter", "outdoor"])
def test_backgrounds_fill_the_image(kind: str) -> None:
    image = make_background(kind, (320, 180), np.random.default_rng(1))
    assert image.shape == (180, 320, 3) and image.dtype == np.uint8
    again = make_background(kind, (320, 180), np.random.default_rng(1))
    assert np.array_equal(image, again)


def test_unknown_background_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="choose one of"):
        make_background("moon", (320, 180), np.random.default_rng(1))


@pytest.mark.parametrize("pose", [np.zeros((17, 3)), np.full((133, 3), np.nan)])
def test_poses_that_cannot_be_drawn_are_refused(pose: AnyFloat) -> None:
    with pytest.raises(InvalidSkeletonError, match="actor 0"):
        _renderer().render([(pose, LOOK)], np.random.default_rng(0))
