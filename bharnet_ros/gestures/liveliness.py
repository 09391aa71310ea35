"""What a person does without meaning it: sway, weight shifts, glances, tremor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bharnet_ros.gestures.motion import minimum_jerk
from bharnet_ros.gestures.posture import (
    BODY_CHANNELS,
    HEAD,
    PELVIS_YAW,
    SWAY,
    TORSO,
)
from bharnet_ros.gestures.style import Style

Array = npt.NDArray[np.float64]
Intervals = list[tuple[float, float]]


def drift(
    times: Array, size: float, low_hz: float, high_hz: float, rng: np.random.Generator, n: int = 1
) -> Array:
    """(N, n) smooth wandering about zero with standard deviation `size`: sums of sines."""
    f = rng.uniform(low_hz, high_hz, (4, 1, n))
    p = rng.uniform(0, 2 * np.pi, (4, 1, n))
    waves = np.sin(2 * np.pi * f * times[:, None] + p)
    return np.asarray(size / np.sqrt(2.0) * waves.sum(axis=0))


def keyframed(times: Array, starts: Array, values: Array, move_s: Array) -> Array:
    """(N, n) values that go to values[k] (K, n) from starts[k] on within move_s[k] seconds, at
    rest otherwise; the first value holds from the beginning. starts must not overlap moves."""
    out = np.repeat(values[:1], len(times), axis=0)
    for k in range(1, len(starts)):
        s = minimum_jerk((times - starts[k]) / move_s[k])[:, None]
        out += s * (values[k] - values[k - 1])
    return out


def body_channels(times: Array, busy: Intervals, style: Style, rng: np.random.Generator) -> Array:
    """(N, 10) channels of pelvis, torso, head and shoulders. busy: when a gesture is made; then
    the person mostly looks at whom it is meant for and does not shift their weight."""
    out = np.zeros((len(times), BODY_CHANNELS))
    k = 0.4 + style.fidget
    out[:, SWAY] = drift(times, 0.004 * k, 0.1, 0.5, rng, 2)
    out[:, PELVIS_YAW] = drift(times, 0.015 * k, 0.05, 0.2, rng)[:, 0]
    out[:, TORSO] = drift(times, 0.010 * k, 0.05, 0.35, rng, 3)
    out[:, HEAD] = drift(times, 0.020 * k, 0.1, 0.5, rng, 3)

    habit = np.random.default_rng(style.posture_seed)
    out[:, 4] += habit.normal(0.03, 0.025)
    out[:, 7] += habit.normal(0.02, 0.05)
    out[:, 8] += habit.normal(0.0, 0.035)
    stance = float(habit.normal(0.0, 0.07))
    out[:, PELVIS_YAW] += stance
    end = float(times[-1])

    # Weight from one leg to the other: the pelvis goes sideways, the trunk leans back over it.
    starts, values, moves = [0.0], [rng.uniform(-1, 1, 2)], [1.0]
    t = rng.uniform(0.5, 4.0)
    while t < end:
        move = float(rng.uniform(0.7, 1.3))
        if not _meets(busy, t, t + move):
            starts.append(t)
            values.append(rng.uniform(-1, 1, 2))
            moves.append(move)
        t += move + float(rng.exponential(5.0 / k)) + 0.5
    shift = keyframed(times, np.array(starts), np.array(values), np.array(moves))
    out[:, 1] += 0.032 * k * shift[:, 0]
    out[:, 5] += 0.030 * k * shift[:, 0]
    out[:, PELVIS_YAW] += 0.06 * k * shift[:, 1]
    out[:, 3] += 0.03 * k * shift[:, 1]

    starts, values, moves = [0.0], [np.zeros(3)], [1.0]
    t = float(rng.uniform(0.1, 1.0))
    while t < end:
        move = float(rng.uniform(0.28, 0.5))
        away = rng.random() < (0.12 if _meets(busy, t, t + 0.3) else 0.25 + 0.5 * style.fidget)
        spread = np.array([0.42, 0.16, 0.06]) if away else np.array([0.06, 0.04, 0.03])
        look = rng.standard_normal(3).clip(-1.7, 1.7) * spread
        if away:
            look[1] += 0.08
        starts.append(t)
        values.append(look)
        moves.append(move)
        t += move + float(rng.exponential(1.6)) + 0.3
    look = keyframed(times, np.array(starts), np.array(values), np.array(moves))
    # The trunk follows a wide glance a little.
    out[:, HEAD] += look
    out[:, 3] += 0.12 * look[:, 0]
    # Whoever turned their hips still looks ahead.
    out[:, 6] -= 0.8 * stance
    return out


def tremor(times: Array, style: Style, rng: np.random.Generator) -> Array:
    """(N, 3) unsteadiness of a hand in metres: physiological tremor (8 to 11 Hz) and the slow
    wandering of an arm that is held up."""
    fast = drift(times, 0.5 * style.tremor, 8.0, 11.0, rng, 3)
    return fast + drift(times, 0.003 + 1.2 * style.tremor, 0.3, 1.6, rng, 3)


def _meets(intervals: Intervals, begin: float, end: float) -> bool:
    return any(begin < b and end > a for a, b in intervals)
