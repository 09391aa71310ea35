"""Unit quaternions (w, x, y, z) and rotation matrices, vectorised over leading axes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def unit(vectors: Array) -> Array:
    """(..., 3) vectors -> the same directions with length one; a zero vector stays zero."""
    norm = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return np.asarray(vectors / np.maximum(norm, 1e-12), dtype=np.float64)


def quaternion_to_matrix(q: Array) -> Array:
    """(..., 4) quaternions of any non-zero length -> (..., 3, 3) rotation matrices."""
    q = q / np.sqrt(np.einsum("...i,...i->...", q, q))[..., None]
    w, x, y, z = q[..., 0], q[..., 1], q[..., 2], q[..., 3]
    out = np.empty((*q.shape[:-1], 3, 3))
    out[..., 0, 0] = 1 - 2 * (y * y + z * z)
    out[..., 0, 1] = 2 * (x * y - w * z)
    out[..., 0, 2] = 2 * (x * z + w * y)
    out[..., 1, 0] = 2 * (x * y + w * z)
    out[..., 1, 1] = 1 - 2 * (x * x + z * z)
    out[..., 1, 2] = 2 * (y * z - w * x)
    out[..., 2, 0] = 2 * (x * z - w * y)
    out[..., 2, 1] = 2 * (y * z + w * x)
    out[..., 2, 2] = 1 - 2 * (x * x + y * y)
    return out


def matrix_to_quaternion(m: Array) -> Array:
    """(..., 3, 3) rotation matrices -> (..., 4) unit quaternions (Shepperd's method)."""
    d = np.diagonal(m, axis1=-2, axis2=-1)
    x, y, z = d[..., 0], d[..., 1], d[..., 2]
    # The outer product of the quaternion with itself, times four; its largest row is the safe one.
    outer = np.empty((*m.shape[:-2], 4, 4))
    outer[..., 0, 0] = 1 + x + y + z
    outer[..., 1, 1] = 1 + x - y - z
    outer[..., 2, 2] = 1 - x + y - z
    outer[..., 3, 3] = 1 - x - y + z
    for i, j, k in ((1, 2, 3), (2, 3, 1), (3, 1, 2)):
        outer[..., 0, i] = outer[..., i, 0] = m[..., k - 1, j - 1] - m[..., j - 1, k - 1]
        outer[..., i, j] = outer[..., j, i] = m[..., j - 1, i - 1] + m[..., i - 1, j - 1]
    best = np.argmax(np.diagonal(outer, axis1=-2, axis2=-1), axis=-1)
    rows = np.take_along_axis(outer, best[..., None, None], axis=-2)[..., 0, :]
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def multiply(a: Array, b: Array) -> Array:
    """Hamilton product of (..., 4) quaternions: first turn by b, then by a."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def about(axis: Array, angle: Array | float) -> Array:
    """Turn by `angle` radians (...) about a unit `axis` (..., 3) -> (..., 4) quaternion."""
    half = np.asarray(angle, dtype=np.float64)[..., None] / 2
    axis = np.asarray(axis, dtype=np.float64)
    return np.concatenate([np.cos(half) + 0 * axis[..., :1], np.sin(half) * axis], axis=-1)


def turn(q: Array, vectors: Array) -> Array:
    """Turn (..., 3) vectors by (..., 4) unit quaternions."""
    u, w = q[..., 1:], q[..., :1]
    t = 2 * np.cross(u, vectors)
    return np.asarray(vectors + w * t + np.cross(u, t))


def shortest_arc(a: Array, b: Array) -> Array:
    """The smallest turn that takes unit vectors a to unit vectors b, (..., 3) each -> (..., 4).
    Opposite vectors have no such turn; then the result is some turn by nearly half a circle."""
    real = np.maximum(1 + np.einsum("...i,...i->...", a, b), 1e-6)
    arc = np.concatenate([real[..., None], np.cross(a, b)], axis=-1)
    return np.asarray(arc / np.linalg.norm(arc, axis=-1, keepdims=True))


def slerp(a: Array, b: Array, s: Array) -> Array:
    """From quaternion a (4,) to b (4,) the short way, at parameters s (N,) -> (N, 4)."""
    dot = float(a @ b)
    if dot < 0:
        b, dot = -b, -dot
    angle = np.arccos(min(dot, 1.0))
    s = s[:, None]
    if angle < 1e-4:
        out = a * (1 - s) + b * s
    else:
        out = (np.sin((1 - s) * angle) * a + np.sin(s * angle) * b) / np.sin(angle)
    return np.asarray(out / np.linalg.norm(out, axis=-1, keepdims=True))


def euler(yaw: Array, pitch: Array, roll: Array) -> Array:
    """Turns (radians, shape (...)) about z (left), y (nodding forward) and x (leaning to the
    person's right), applied roll first -> (..., 3, 3)."""
    cy, sy, cp, sp, cr, sr = (
        np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll),
    )  # fmt: skip
    out = np.empty((*np.shape(cy), 3, 3))
    out[..., 0, 0] = cy * cp
    out[..., 0, 1] = cy * sp * sr - sy * cr
    out[..., 0, 2] = cy * sp * cr + sy * sr
    out[..., 1, 0] = sy * cp
    out[..., 1, 1] = sy * sp * sr + cy * cr
    out[..., 1, 2] = sy * sp * cr - cy * sr
    out[..., 2, 0] = -sp
    out[..., 2, 1] = cp * sr
    out[..., 2, 2] = cp * cr
    return out
