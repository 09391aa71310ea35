from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.synthetic import LAYOUT, person_keypoints
from bharnet_ros.errors import ConfigurationError, InvalidSkeletonError
from bharnet_ros.features import (
    FeatureConfig,
    body_features,
    bones,
    hand_features,
    motion,
)
from bharnet_ros.skeleton import flip_horizontally, hand_graph

STEPS = 8
HIPS, SHOULDERS = [11, 12], [5, 6]
LEFT_HAND, RIGHT_HAND = slice(91, 112), slice(112, 133)


def window(**person: object) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    still = person_keypoints(**person)
    points = np.repeat(still[None], STEPS, axis=0) + rng.normal(0, 0.5, (STEPS, 133, 2))
    return points.astype(np.float32), np.full((STEPS, 133), 0.9, np.float32)


def test_shapes_follow_the_leading_axes() -> None:
    points, scores = window()
    assert body_features(points, scores, LAYOUT).shape == (3, STEPS, 19, 1)
    assert hand_features(points, scores, LAYOUT).shape == (3, STEPS, 21, 2)
    many = np.broadcast_to(points, (2, 5, *points.shape))
    many_scores = np.broadcast_to(scores, (2, 5, *scores.shape))
    body, hand = (f(many, many_scores, LAYOUT) for f in (body_features, hand_features))
    assert body.shape == (2, 5, 3, STEPS, 19, 1) and body.dtype == np.float32
    assert hand.shape == (2, 5, 3, STEPS, 21, 2) and hand.dtype == np.float32
    assert np.array_equal(body[1, 4], body_features(points, scores, LAYOUT))
    assert np.array_equal(hand[1, 4], hand_features(points, scores, LAYOUT))


def test_body_is_in_torso_lengths_from_the_hip() -> None:
    still = np.repeat(person_keypoints(torso_px=120.0)[None], STEPS, axis=0)
    body = body_features(still, np.ones((STEPS, 133)), LAYOUT)[..., 0]
    assert np.allclose(body[:2, :, 18], 0.0, atol=1e-5)  # mid-hip
    assert np.allclose(body[1, :, 17], -1.0, atol=1e-5)  # neck, y is down
    assert np.allclose(body[0, :, 5], 0.37, atol=1e-5)  # left shoulder at larger x
    assert (body[2] == 1.0).all()


@given(
    scale=st.floats(0.2, 6.0),
    shift=st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000)),
    modality=st.sampled_from(["joint", "bone", "joint_motion", "bone_motion"]),
    hand_origin=st.sampled_from(["per_frame", "first_frame"]),
)
@settings(max_examples=40, deadline=None)
def test_place_and_size_in_the_image_do_not_matter(
    scale: float, shift: tuple[float, float], modality: str, hand_origin: str
) -> None:
    points, scores = window(torso_px=150.0)
    config = FeatureConfig(modality=modality, hand_origin=hand_origin)
    other = points * scale + np.asarray(shift)
    for function in (body_features, hand_features):
        assert np.allclose(
            function(points, scores, LAYOUT, config),
            function(other, scores, LAYOUT, config),
            atol=2e-3,
        )


def test_left_hand_is_mirrored_into_a_right_one() -> None:
    points, scores = window(right_wrist=(-0.6, -0.4), spread=0.5)
    hand = hand_features(points, scores, LAYOUT)
    mirrored = hand_features(*flip_horizontally(points, scores, LAYOUT, 1280.0), LAYOUT)
    assert np.allclose(hand[..., 0], mirrored[..., 1], atol=1e-4)
    assert np.allclose(hand[..., 1], mirrored[..., 0], atol=1e-4)
    plain = hand_features(points, scores, LAYOUT, FeatureConfig(mirror_left=False))
    assert np.allclose(plain[0, ..., 0], -hand[0, ..., 0])
    assert np.array_equal(plain[..., 1], hand[..., 1])


def test_per_frame_hands_forget_motion_and_first_frame_hands_keep_it() -> None:
    points = np.repeat(person_keypoints()[None], STEPS, axis=0)
    points += np.arange(STEPS, dtype=np.float32)[:, None, None] * 10.0
    scores = np.ones((STEPS, 133), np.float32)
    still = hand_features(points, scores, LAYOUT)
    moving = hand_features(points, scores, LAYOUT, FeatureConfig(hand_origin="first_frame"))
    assert np.allclose(still[:2, 0], still[:2, -1], atol=1e-5)
    assert moving[0, -1, 0, 1] > 1.0  # the right wrist has moved by more than a palm
    assert np.allclose(moving[:2, 0], still[:2, 0], atol=1e-5)


def test_fingers_show_in_the_hand_input_and_not_in_the_body_input() -> None:
    scores = np.ones((STEPS, 133), np.float32)
    open_hand, fist = (
        np.repeat(person_keypoints(spread=spread)[None], STEPS, axis=0) for spread in (1.0, 0.3)
    )
    bodies = [body_features(points, scores, LAYOUT) for points in (open_hand, fist)]
    hands = [hand_features(points, scores, LAYOUT) for points in (open_hand, fist)]
    assert np.array_equal(*bodies)
    assert np.abs(hands[0] - hands[1]).max() > 0.3


def test_hidden_hips_fall_back_to_the_shoulders() -> None:
    points, scores = window()
    close_up = scores.copy()
    close_up[:, 11:23] = 0.0
    seen, guessed = (body_features(points, s, LAYOUT)[..., 0] for s in (scores, close_up))
    upper = slice(0, 11)
    assert np.abs(seen[:2, :, upper] - guessed[:2, :, upper]).max() < 0.1
    assert not guessed[:, :, [11, 12, 18]].any()


def test_the_scale_is_a_median_over_the_window() -> None:
    points, scores = window()
    outlier = points.copy()
    outlier[2, HIPS] += 400.0  # one wild frame, not the first
    calm, wild = (body_features(p, scores, LAYOUT)[..., 0] for p in (points, outlier))
    assert np.allclose(calm[:2, 3, 9], wild[:2, 3, 9], rtol=0.02)


def test_a_hand_pointing_at_the_camera_is_not_blown_up() -> None:
    points, scores = window()
    for hand in (LEFT_HAND, RIGHT_HAND):
        wrist = points[:, hand][:, :1]
        points[:, hand, 1] = wrist[..., 1] + (points[:, hand, 1] - wrist[..., 1]) * 0.02
    features = hand_features(points, scores, LAYOUT)
    assert features[2].any()
    assert np.abs(features[:2]).max() < 4.0


def test_the_palms_width_stands_in_for_its_length() -> None:
    points, scores = window()
    wrist = points[:, [112]]
    points[:, RIGHT_HAND] = wrist
    points[:, 112 + 5, 0] -= 20.0  # index and little knuckle on both sides of the wrist
    points[:, 112 + 17, 0] += 20.0
    hand = hand_features(points, scores, LAYOUT)
    assert np.allclose(hand[0, :, 17, 1] - hand[0, :, 5, 1], 1 / 1.4, atol=1e-3)


@pytest.mark.parametrize("missing", [slice(0, 133), RIGHT_HAND])
def test_unusable_hands_are_all_zero(missing: slice) -> None:
    points, scores = window()
    scores[:, missing] = 0.0
    hand = hand_features(points, scores, LAYOUT)
    assert not hand[..., 1].any()
    assert hand[..., 0].any() == (missing == RIGHT_HAND)


def test_hands_too_small_to_read_or_collapsed_are_all_zero() -> None:
    points, scores = window()
    points[:, RIGHT_HAND] = points[:, [112]]
    hand = hand_features(points, scores, LAYOUT)
    assert not hand[..., 1].any() and hand[..., 0].any()
    tiny = person_keypoints(torso_px=9.0)[None].repeat(STEPS, 0)
    assert not hand_features(tiny, scores, LAYOUT).any()
    assert body_features(tiny, scores, LAYOUT).any()


def test_a_frame_without_its_wrist_is_zero_for_that_hand_only() -> None:
    points, scores = window()
    scores[4, 91] = 0.0
    hand = hand_features(points, scores, LAYOUT)
    assert not hand[:, 4, :, 0].any() and hand[2, 4, :, 1].all() and hand[2, 3, :, 0].all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_nothing_but_finite_numbers_ever_comes_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points, scores = window()
    for array in (points, scores):
        spoiled = rng.random(array.shape) < rng.random() * 0.5
        array[spoiled] = rng.choice([np.nan, np.inf, -np.inf, 1e30, 0.0], spoiled.sum())
    for modality in ("joint", "bone", "joint_motion", "bone_motion"):
        config = FeatureConfig(modality=modality)
        for features in (
            body_features(points, scores, LAYOUT, config),
            hand_features(points, scores, LAYOUT, config),
        ):
            assert np.isfinite(features).all()
            missing = features[..., 2, :, :, :] == 0.0
            assert not features[..., 0, :, :, :][missing].any()
            assert not features[..., 1, :, :, :][missing].any()
            assert features[..., 2, :, :, :].max() <= 1.0


def test_low_scores_count_as_missing() -> None:
    points, scores = window()
    scores[:, 9] = 0.04
    assert not body_features(points, scores, LAYOUT)[:, :, 9].any()
    kept = body_features(points, scores, LAYOUT, FeatureConfig(min_score=0.0))
    assert np.allclose(kept[2, :, 9], 0.04)


def test_layouts_without_fingers_give_zero_hands() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(100, 300, (STEPS, 25, 2))
    assert not hand_features(points, np.ones((STEPS, 25)), "ntu25").any()
    assert body_features(points, np.ones((STEPS, 25)), "ntu25").any()


def test_bones_run_from_parent_to_child() -> None:
    values = np.array([[0.0, 0.0], [1.0, 2.0], [4.0, 6.0]], np.float32)
    scores = np.array([0.9, 0.5, 0.0], np.float32)
    vectors, weights = bones(values, scores, np.array([0, 0, 1]))
    assert vectors.tolist() == [[0.0, 0.0], [1.0, 2.0], [0.0, 0.0]]
    assert np.allclose(weights, [0.9, 0.5, 0.0])
    parents = hand_graph().parents
    assert parents[0] == 0 and (parents[[1, 5, 9, 13, 17]] == 0).all() and parents[8] == 7


def test_motion_is_the_change_to_the_next_step() -> None:
    values = np.array([1.0, 3.0, 6.0, 7.0], np.float32)[:, None, None]
    scores = np.array([[1.0], [0.8], [0.0], [1.0]], np.float32)
    change, weights = motion(values, scores)
    assert change[:, 0, 0].tolist() == [2.0, 0.0, 0.0, 0.0]
    assert np.allclose(weights[:, 0], [0.8, 0.0, 0.0, 0.0])


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    points, scores = window()
    for bad_points, bad_scores in (
        (points[:, :, :1], scores),
        (points, scores[:-1]),
        (points[0], scores[0]),
        (points[:, :17], scores[:, :17]),
    ):
        with pytest.raises(InvalidSkeletonError):
            body_features(bad_points, bad_scores, LAYOUT)


def test_options_survive_json_and_bad_ones_are_named() -> None:
    config = FeatureConfig(modality="bone", hand_origin="first_frame", max_abs=5.0)
    assert FeatureConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigurationError, match="elbow_mode"):
        FeatureConfig.from_dict({"elbow_mode": 1})
    for bad in ({"modality": "rgb"}, {"hand_origin": "hip"}, {"body_origin": "nose"},
                {"min_score": float("nan")}, {"max_abs": True}, {"mirror_left": 1}):  # fmt: skip
        with pytest.raises(ConfigurationError, match=next(iter(bad))):
            FeatureConfig(**bad)


def test_image_space_is_the_place_in_the_image() -> None:
    points, scores = window(right_wrist=(-0.6, -0.4))
    scores[3, 120] = 0.0
    config = FeatureConfig(hand_space="image", body_space="image")
    hand = hand_features(points, scores, LAYOUT, config, (720, 1280))
    assert np.allclose(
        hand[0, ..., 1], points[:, RIGHT_HAND, 0] / 1280 * (scores > 0)[:, RIGHT_HAND]
    )
    assert np.allclose(
        hand[1, ..., 1], points[:, RIGHT_HAND, 1] / 720 * (scores > 0)[:, RIGHT_HAND]
    )
    assert np.allclose(hand[0, ..., 0], 1.0 - points[:, LEFT_HAND, 0] / 1280, atol=1e-6)
    body = body_features(points, scores, LAYOUT, config, (720, 1280))
    assert np.allclose(body[0, :, :17, 0], points[:, :17, 0] / 1280, atol=1e-6)
    assert np.allclose(body[1, :, :17, 0], points[:, :17, 1] / 720, atol=1e-6)
    many = np.stack([points, points * 2])
    sizes = [(720, 1280), (1440, 2560)]
    for function in (body_features, hand_features):
        both = function(many, np.stack([scores, scores]), LAYOUT, config, sizes)
        assert np.allclose(both[0], both[1], atol=1e-6)
        for bad in (None, (0, 1280), (720,), [(720, np.inf)]):
            with pytest.raises(InvalidSkeletonError, match="image"):
                function(points, scores, LAYOUT, config, bad)


def test_an_upper_body_is_the_same_whether_or_not_its_hips_are_seen() -> None:
    points, scores = window()
    config = FeatureConfig(upper_body=True)
    seen = body_features(points, scores, LAYOUT, config)
    hidden = scores.copy()
    hidden[:, 11:17] = 0.0
    assert np.array_equal(seen, body_features(points, hidden, LAYOUT, config))
    assert np.array_equal(seen, body_features(points, hidden, LAYOUT))
    assert not np.array_equal(seen, body_features(points, scores, LAYOUT))
    assert not seen[:, :, [*range(11, 17), 18]].any() and seen[2, :, 9].all()
    assert np.array_equal(
        hand_features(points, scores, LAYOUT, config), hand_features(points, scores, LAYOUT)
    )


def test_upper_body_is_written_only_where_it_is_asked_for() -> None:
    assert "upper_body" not in FeatureConfig().to_dict()
    config = FeatureConfig(upper_body=True)
    assert FeatureConfig.from_dict(config.to_dict()) == config
    with pytest.raises(ConfigurationError, match="upper_body is 1; it must be true or false"):
        FeatureConfig(upper_body=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [body_features, hand_features])
@pytest.mark.parametrize(
    "options", [{}, {"modality": "bone"}, {"upper_body": True}, {"body_space": "image"}]
)
def test_per_frame_features_are_those_of_windows_of_one_frame(make, options):
    """And so they do not change when other frames do."""
    rng = np.random.default_rng(0)
    points = rng.uniform(100.0, 400.0, (2, 5, 133, 2)).astype(np.float32)
    scores = rng.uniform(0.0, 1.0, (2, 5, 133)).astype(np.float32)
    scores[0, 2] = 0.0
    config, size = FeatureConfig(per_frame=True, **options), np.array([[480, 640], [720, 1280]])
    found = make(points, scores, LAYOUT, config, size)
    assert found.shape == make(points, scores, LAYOUT, replace(config, per_frame=False), size).shape
    for step in range(5):
        one = slice(step, step + 1)
        single = make(
            points[:, one], scores[:, one], LAYOUT, replace(config, per_frame=False), size
        )
        np.testing.assert_array_equal(found[:, :, one], single)
    np.testing.assert_array_equal(make(points[0], scores[0], LAYOUT, config, size[0]), found[0])
