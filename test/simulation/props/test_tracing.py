"""Boxes, barrels and balls: exact depths, true normals, paint where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.simulation.props.prop import Barrel, Box, Decal, Globe, Solid
from bharnet_ros.simulation.props.tracing import Frame, corners, draw_solid
from bharnet_ros.simulation.solids import FAR, Canvas

FOCAL = 500.0
CENTRE = (63.5, 47.5)
# Upright before the camera, its front towards it: x right, y up, z to the camera.
FACING = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, -1.0]])
SHAPES: tuple[Solid, ...] = (
    Box((0, 0, 0), (0.10, 0.20, 0.04)),
    Barrel((0, 0, 0), 0.20, 0.03, 0.05),
    Globe((0, 0, 0), 0.06, 0.8),
)


def _drawn(solid: Solid, frame: Frame, scale: int = 1) -> Canvas:
    canvas = Canvas((0, 0), (128, 96), scale)
    draw_solid(canvas, solid, frame, FOCAL, CENTRE, 12)
    return canvas


def _turned(angles: tuple[float, float, float]) -> np.ndarray:
    axes = FACING
    for k, angle in enumerate(angles):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.eye(3)
        i, j = [n for n in range(3) if n != k]
        turn[i, i] = turn[j, j] = c
        turn[i, j], turn[j, i] = -s, s
        axes = axes @ turn
    return axes


def test_a_box_has_the_depth_of_its_front_and_the_width_of_its_size() -> None:
    canvas = _drawn(Box((0, 0, 0), (0.10, 0.20, 0.04)), Frame(np.array([0, 0, 2.0]), FACING))
    hit = canvas.depth < FAR / 2
    assert canvas.depth[48, 64] == pytest.approx(1.98, abs=1e-4)
    assert int(hit[48].sum()) == pytest.approx(0.10 * FOCAL / 1.98, abs=1.01)
    assert int(hit[:, 64].sum()) == pytest.approx(0.20 * FOCAL / 1.98, abs=1.01)
    assert canvas.normal_x[48, 64] == canvas.normal_y[48, 64] == 0


def test_a_barrel_is_flat_on_top_and_round_at_its_side() -> None:
    frame = Frame(np.array([0.0, 0.25, 2.0]), FACING)  # seen from a little above
    canvas = _drawn(Barrel((0, 0, 0), 0.16, 0.04, 0.05), frame)
    rows = np.flatnonzero((canvas.depth < FAR / 2)[:, 64])
    assert canvas.normal_y[rows[0], 64] == pytest.approx(-1.0)  # the lid looks up
    assert canvas.normal_y[rows[-2], 64] == pytest.approx(0.05, abs=0.06)
    assert canvas.depth[rows[-2], 64] < 1.97


@given(
    st.sampled_from(SHAPES),
    st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    st.floats(-0.1, 0.1), st.floats(-0.07, 0.07), st.floats(1.2, 4.0), st.sampled_from([1, 2]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_surface_lies_within_the_solid_and_looks_at_the_camera(
    solid: Solid, angles: tuple[float, float, float], x: float, y: float, z: float, scale: int
) -> None:
    frame = Frame(np.array([x, y, z]), _turned(angles))
    canvas = _drawn(solid, frame, scale)
    rows, columns = np.nonzero(canvas.depth < FAR / 2)
    assert len(rows) > 0
    depth = canvas.depth[rows, columns].astype(np.float64)
    across = ((columns + 0.5) / scale - 0.5 - CENTRE[0]) / FOCAL
    down = ((rows + 0.5) / scale - 0.5 - CENTRE[1]) / FOCAL
    points = np.stack([across * depth, down * depth, depth], axis=1)
    local = (points - frame.origin) @ frame.axes.T
    half = np.abs((corners(solid, frame) - frame.origin) @ frame.axes.T).max(axis=0)
    assert (np.abs(local) <= half + 2e-3).all()
    flat = np.hypot(canvas.normal_x, canvas.normal_y)[rows, columns]
    assert (flat <= 1.001).all()
    # The normal's third part is what is left of its length, to the camera.
    towards = np.sqrt(np.maximum(1 - flat**2, 0))
    looks = (
        canvas.normal_x[rows, columns] * across + canvas.normal_y[rows, columns] * down - towards
    )
    assert (looks < 0.06).all()
    assert set(np.unique(canvas.material[rows, columns])) == {12}


def test_what_is_behind_stays_hidden_and_what_is_beside_stays_out() -> None:
    canvas = _drawn(Globe((0, 0, 0), 0.05), Frame(np.array([0, 0, 1.5]), FACING))
    before = canvas.depth.copy(), canvas.material.copy()
    draw_solid(canvas, Globe((0, 0, 0), 0.04), Frame(np.array([0, 0, 2.0]), FACING), FOCAL,
               CENTRE, 20)  # fmt: skip
    draw_solid(canvas, Globe((0, 0, 0), 0.04), Frame(np.array([5.0, 0, 2.0]), FACING), FOCAL,
               CENTRE, 20)  # fmt: skip
    draw_solid(canvas, Globe((0, 0, 0), 0.04), Frame(np.array([0, 0, 0.06]), FACING), FOCAL,
               CENTRE, 20)  # fmt: skip
    assert np.array_equal(canvas.depth, before[0])
    assert np.array_equal(canvas.material, before[1])


def test_paint_lies_on_the_face_it_is_meant_for() -> None:
    half = (Decal("front", (0, -1, 1, 1), 1, tone=0.5), Decal("back", (-1, -1, 1, 1), 2))
    frame = Frame(np.array([0, 0, 2.0]), FACING)
    canvas = _drawn(Box((0, 0, 0), (0.1, 0.1, 0.02), 0, half), frame)
    assert canvas.material[48, 58] == 12 and canvas.material[48, 70] == 13
    assert canvas.tone[48, 58] == 1 and canvas.tone[48, 70] == 0.5
    turned = Frame(frame.origin, FACING * np.array([[-1.0], [1.0], [-1.0]]))
    assert _drawn(Box((0, 0, 0), (0.1, 0.1, 0.02), 0, half), turned).material[48, 64] == 14
    dot = (Decal("side", (-0.1, -0.2, 0.1, 0.2), 1, disc=True),)
    ball = _drawn(Globe((0, 0, 0), 0.06, 1.0, 0, dot), frame)
    assert ball.material[48, 64] == 13 and ball.material[48, 74] == 12


def test_a_turned_box_turns_its_front_to_the_right() -> None:
    frame = Frame(np.array([0, 0, 2.0]), FACING)
    canvas = _drawn(Box((0, 0, 0), (0.1, 0.1, 0.01), 0, (), 40.0), frame)
    assert canvas.normal_x[48, 64] == pytest.approx(np.sin(np.deg2rad(40)), abs=1e-3)
    assert canvas.depth[48, 57] < canvas.depth[48, 71]
