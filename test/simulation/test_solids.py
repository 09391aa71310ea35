"""Rounded cones: their surface is where geometry says, and nearer ones win."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.simulation.solids import FAR, Canvas, Cone

FOCAL = 500.0
CENTRE = (50.0, 50.0)


def _draw(*cones: Cone) -> Canvas:
    canvas = Canvas((0, 0), (101, 101))
    canvas.draw(list(cones), FOCAL, CENTRE)
    return canvas


def _ball(x: float, y: float, z: float, radius: float, material: int = 1) -> Cone:
    place = np.array([x, y, z])
    return Cone(place, place - (1e-5, 0, 0), radius, radius, material)


def test_ball_has_its_front_at_the_right_depth_and_size() -> None:
    canvas = _draw(_ball(0, 0, 2.0, 0.1))
    assert canvas.depth[50, 50] == pytest.approx(1.9, abs=1e-3)
    drawn = canvas.depth < FAR / 2
    assert drawn.sum() == pytest.approx(np.pi * 25.0**2, rel=0.03)
    assert canvas.normal_x[50, 70] > 0.7 and canvas.normal_y[30, 50] < -0.7


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.12, 0.12), st.floats(-0.12, 0.12), st.floats(-0.15, 0.15))
def test_axis_lies_inside_the_drawn_surface(dx: float, dy: float, dz: float) -> None:
    start, end = np.array([0.0, 0.0, 2.0]), np.array([dx, dy, 2.0 + dz])
    canvas = _draw(Cone(start, end, 0.03, 0.02, 1))
    for share in (0.0, 0.5, 1.0):
        point = start + (end - start) * share
        x, y = np.rint(point[:2] * FOCAL / point[2] + 50).astype(int)
        # The surface covers the axis and lies in front of it, within a radius plus the tilt.
        assert canvas.depth[y, x] < point[2] + 0.004
        assert canvas.depth[y, x] > min(start[2], end[2]) - 0.034


def test_cone_pointing_at_the_camera_shows_its_near_end() -> None:
    near, far = np.array([0.0, 0.0, 1.8]), np.array([0.0, 0.0, 2.0])
    for start, end in ((near, far), (far, near)):
        canvas = _draw(Cone(start, end, 0.03, 0.03, 1))
        assert canvas.depth[50, 50] == pytest.approx(1.77, abs=2e-3)


def test_nearer_surface_wins_in_either_order() -> None:
    near, far = _ball(0.02, 0, 1.5, 0.05, 1), _ball(0, 0, 2.0, 0.1, 2)
    for cones in ((near, far), (far, near)):
        canvas = _draw(*cones)
        assert canvas.material[50, 50] == 1
        assert canvas.material[50, 35] == 2
    assert canvas.material[0, 0] == 0


def test_outside_of_the_window_nothing_happens() -> None:
    canvas = _draw(_ball(3.0, 0, 2.0, 0.1), _ball(0, -3.0, 2.0, 0.1))
    assert (canvas.depth == FAR).all()


def test_back_and_inside_of_a_finger_have_their_own_material() -> None:
    def finger(back: tuple[float, float, float]) -> Canvas:
        return _draw(
            Cone(np.array([-0.1, 0, 2.0]), np.array([0.1, 0, 2.0]), 0.04, 0.03, 2,
                 back=np.array(back), back_material=1, crease=0.3, nail_material=3)
        )  # fmt: skip

    seen_from_back = finger((0, 0, -1))
    seen_from_inside = finger((0, 0, 1))
    assert (seen_from_back.material == 3).sum() > 20
    assert (seen_from_inside.material == 3).sum() == 0
    assert seen_from_inside.material[50, 50] == 2 and seen_from_back.material[50, 40] == 1
    assert seen_from_inside.tone[50, 25] < 0.8 < seen_from_inside.tone[50, 55]


def test_supersampled_canvas_covers_the_same_place() -> None:
    fine = Canvas((30, 34), (40, 34), 2)
    fine.draw([_ball(0, 0, 2.0, 0.05)], FOCAL, CENTRE)
    rows, columns = np.nonzero(fine.depth < FAR / 2)
    assert (columns.mean() + 0.5) / 2 - 0.5 + 30 == pytest.approx(50, abs=0.3)
    assert (rows.mean() + 0.5) / 2 - 0.5 + 34 == pytest.approx(50, abs=0.3)
