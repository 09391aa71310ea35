"""Where things lie in hands: in contact, upright with the thumb, between two hands."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import GesturePlayer, load_vocabulary
from bharnet_ros.simulation import Actor, Appearance, Camera, Effects, Renderer
from bharnet_ros.simulation.hand import palm_frame, palm_length
from bharnet_ros.simulation.props import make_prop, place_prop
from bharnet_ros.simulation.props.grip import knuckles
from bharnet_ros.types import AnyFloat

VOCABULARY = load_vocabulary("held_objects")


def _local(name: str, t_s: float = 2.0) -> AnyFloat:
    """(133, 3) of somebody 2 m before the camera who faces it."""
    body = GesturePlayer(VOCABULARY).plan([(name, 0.5, 3.0)], np.random.default_rng(4)).pose(t_s)
    world = body @ np.diag([-1.0, -1.0, 1.0]) + np.array([2.0, 0.0, 0.0])
    return Camera().to_camera(world)


@pytest.mark.parametrize("kind", ["cup", "bottle", "ball", "phone", "card", "apple"])
@pytest.mark.parametrize("side", [0, 1])
def test_it_is_in_the_hand_and_upright_with_the_thumb(kind: str, side: int) -> None:
    local = _local("both_hands_up")
    hand = local[91 + 21 * side : 112 + 21 * side]
    for seed in range(5):
        placed = place_prop(make_prop(kind, np.random.default_rng(seed)), local, (side,))
        origin, axes = placed.frame
        assert np.allclose(axes @ axes.T, np.eye(3)) and np.linalg.det(axes) == pytest.approx(1)
        out, thumb, _ = palm_frame(hand, side == 1)
        assert float(axes[1] @ thumb) > 0.99 and float(axes[2] @ out) > 0.5
        # In front of the palm, not in it, and no further than fingers reach.
        above = float((origin - knuckles(hand)) @ out)
        assert 0.0 < above < 1.3 * palm_length(hand)
        assert np.linalg.norm(origin - knuckles(hand)) < 1.6 * palm_length(hand)


def test_hands_of_no_size_hold_nothing_and_hands_nobody_has_are_refused() -> None:
    local = _local("read_book")
    local[91:] = local[91]
    camera, look = Camera(320, 180, 262.0), Appearance()
    background = np.full((180, 320, 3), 90, np.uint8)
    world = local @ camera.rotation + camera.position
    renderer = Renderer(camera, background, Effects.none())
    pictures = []
    for held in ((), ((make_prop("book", np.random.default_rng(1), 0.3), (0, 1)),)):
        cast = [Actor(world, look, held=held)]
        pictures.append(renderer.render_actors(cast, np.random.default_rng(0)).image)
    assert np.array_equal(pictures[0], pictures[1])
    for hands in ((), (2,), (1, 1), (0, 1, 0)):
        with pytest.raises(ConfigurationError, match="held by hands"):
            place_prop(make_prop("cup", np.random.default_rng(1)), local, hands)


@pytest.mark.parametrize("kind", ["book", "tablet"])
def test_between_two_hands_it_looks_at_the_face(kind: str) -> None:
    local = _local("read_book")
    left, right = local[91:112], local[112:133]
    span = float(np.linalg.norm(knuckles(left) - knuckles(right)))
    placed = place_prop(make_prop(kind, np.random.default_rng(2), span), local, (0, 1))
    origin, axes = placed.frame
    assert float(axes[2] @ (local[0] - origin)) > 0
    assert float(axes[1] @ np.array([0.0, -1.0, 0.0])) > 0.3
    middle = (knuckles(left) + knuckles(right)) / 2
    assert np.linalg.norm(origin - middle) < 0.12
    ways = [abs(float(axes[0] @ (hand - origin))) for hand in (knuckles(left), knuckles(right))]
    assert ways[0] == pytest.approx(ways[1], abs=0.02)


def test_two_hands_far_apart_leave_it_to_the_last_one() -> None:
    local = _local("both_hands_up")
    prop = make_prop("tablet", np.random.default_rng(2), 0.3)
    both, one = place_prop(prop, local, (0, 1)), place_prop(prop, local, (1,))
    assert np.array_equal(both.frame.origin, one.frame.origin)
    # On the way from one hand to both, nothing jumps.
    near = _local("read_book")
    gap = near[112, 0] - near[91, 0]
    places = []
    for apart in np.linspace(0.0, 0.7, 141):
        moved = near.copy()
        moved[91:112, 0] -= apart / 2 * np.sign(gap)
        moved[112:133, 0] += apart / 2 * np.sign(gap)
        places.append(place_prop(prop, moved, (0, 1)).frame.origin)
    assert np.linalg.norm(np.diff(places, axis=0), axis=1).max() < 0.03
