"""What is kept of people who come and go."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.continual import States
from bharnet_ros.errors import ConfigurationError

BLANK = {1: np.zeros((1, 3), np.float32), 2: np.array([[1.0, 1.0], [2.0, 2.0]], np.float32)}


def test_each_phase_has_a_state_of_its_own():
    states = States(BLANK)
    row = np.array([states.add()])
    assert states.bytes_per_person == (3 + 4) * 4
    states.keep(row, np.array([4]), {1: np.full((1, 3), 7.0), 2: np.full((1, 2), 9.0)})
    np.testing.assert_array_equal(states.take(row, np.array([5]))[1], [[7.0, 7.0, 7.0]])
    np.testing.assert_array_equal(states.take(row, np.array([5]))[2], [[2.0, 2.0]])
    np.testing.assert_array_equal(states.take(row, np.array([6]))[2], [[9.0, 9.0]])


@given(st.lists(st.integers(0, 11), max_size=60))
def test_rows_are_of_one_person_only_and_blank_for_the_next(events: list[int]):
    """Each number brings in the person of that name, or has the person leave."""
    states, rows = States(BLANK), dict[int, int]()
    for name in events:
        if name in rows:
            states.remove(rows.pop(name))
            continue
        rows[name] = states.add()
        row, step = np.array([rows[name]]), np.array([0])
        np.testing.assert_array_equal(states.take(row, step)[2], [[1.0, 1.0]])
        mark = np.full((1, 2), 10.0 + name, np.float32)
        states.keep(row, step, {1: np.zeros((1, 3), np.float32), 2: mark})
    for name, row in rows.items():
        kept = states.take(np.array([row]), np.array([2]))[2]
        np.testing.assert_array_equal(kept, [[10.0 + name, 10.0 + name]])
    assert len(set(rows.values())) == len(rows)


def test_blank_states_of_another_period_are_refused():
    with pytest.raises(ConfigurationError, match=r"period 3 have shape \[2, 2\]"):
        States({3: np.zeros((2, 2), np.float32)})
