from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.load import MIN_RATE_HZ, Load, LoadShedder

FRAME_S = 1.0 / 30.0


class Machine:
    """A recogniser of `people` on a machine on which judging one takes `each_s`."""

    def __init__(
        self, max_load: float = 0.8, rate_hz: float = 15.0, frame_s: float = FRAME_S
    ) -> None:
        self.now_s = 100.0
        self.rate_hz, self.frame_s = rate_hz, frame_s
        self.shedder = LoadShedder(max_load, lambda: self.now_s)
        self._credit = 0.0

    def run(self, seconds: float, people: int, each_s: float, taking_s: float = 0.001) -> float:
        """Share of the time that was spent in it."""
        busy = 0.0
        end_s = self.now_s + seconds
        begin_s = last_s = self.now_s
        while self.now_s < end_s:
            wanted = people * self.rate_hz / self.shedder.stretch
            self._credit = min(self._credit + wanted * (self.now_s - last_s), float(people))
            last_s = self.now_s
            judged = int(self._credit)
            self._credit -= judged
            spent = taking_s + judged * each_s
            self.now_s += spent
            busy += spent
            self.shedder.note(taking_s, judged * each_s, judged, people, self.rate_hz)
            self.now_s += max(0.0, self.frame_s - spent)  # a late frame follows at once
        return busy / (self.now_s - begin_s)


def test_nothing_is_shed_while_there_is_time() -> None:
    machine = Machine()
    load = machine.run(10.0, 4, 0.005)
    assert machine.shedder.stretch == 1.0
    assert machine.shedder.share == pytest.approx(load, abs=0.03)


@pytest.mark.parametrize(("people", "each_s"), [(4, 0.02), (16, 0.01), (30, 0.05)])
def test_a_slow_machine_is_relieved_within_seconds(people: int, each_s: float) -> None:
    machine = Machine()
    machine.run(3.0, people, each_s)
    load = machine.run(10.0, people, each_s)
    room = 0.8 - 0.001 / FRAME_S
    expected = max(MIN_RATE_HZ, room / (people * each_s))
    assert machine.rate_hz / machine.shedder.stretch == pytest.approx(expected, rel=0.15)
    if expected > MIN_RATE_HZ:
        assert load == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize(
    ("rate_hz", "camera_hz", "each_s"),
    [(30.0, 12.0, 0.03), (30.0, 10.0, 0.05), (60.0, 12.0, 0.06)],
)
def test_a_rate_above_the_cameras_is_no_load(
    rate_hz: float, camera_hz: float, each_s: float
) -> None:
    machine = Machine(rate_hz=rate_hz, frame_s=1.0 / camera_hz)
    load = machine.run(10.0, 1, each_s)
    assert load == pytest.approx(camera_hz * (each_s + 0.001), abs=0.05) and load < 0.8
    assert machine.shedder.stretch == 1.0
    # What is really too much is shed all the same, and only that.
    slow_s = 1.5 / camera_hz
    machine.run(5.0, 1, slow_s)
    assert machine.rate_hz / machine.shedder.stretch == pytest.approx(0.8 / slow_s, rel=0.15)
    assert machine.run(10.0, 1, slow_s) < 0.88
    machine.run(20.0, 1, each_s)
    assert machine.shedder.stretch == 1.0


def test_the_rate_comes_back_when_people_leave() -> None:
    machine = Machine()
    machine.run(5.0, 16, 0.02)
    assert machine.shedder.stretch > 3.0
    machine.run(1.2, 2, 0.02)
    assert machine.shedder.stretch > 1.5  # not at once
    machine.run(10.0, 2, 0.02)
    assert machine.shedder.stretch == 1.0


def test_an_empty_scene_and_a_long_stall_are_no_trouble() -> None:
    machine = Machine()
    machine.run(3.0, 0, 0.02)
    assert machine.shedder.stretch == 1.0
    machine.shedder.note(0.0, 30.0, 1, 1, 15.0)  # the engine stood still for half a minute
    machine.now_s += 30.0
    machine.shedder.note(0.0, 0.0, 0, 1, 15.0)
    assert 1.0 <= machine.shedder.stretch <= 15.0
    machine.run(15.0, 1, 0.005)
    assert machine.shedder.stretch == 1.0


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 2.0), st.floats(0.0, 5.0), st.integers(0, 64), st.integers(0, 64)
        ),
        max_size=60,
    ),
    st.floats(0.5, 120.0),
)
@settings(max_examples=60, deadline=None)
def test_the_rate_stays_within_bounds(
    notes: list[tuple[float, float, int, int]], rate_hz: float
) -> None:
    now = [0.0]
    shedder = LoadShedder(0.7, lambda: now[0])
    for taking_s, judging_s, judged, people in notes:
        now[0] += taking_s + judging_s
        shedder.note(taking_s, judging_s, judged, people, rate_hz)
        assert 1.0 <= shedder.stretch <= max(1.0, rate_hz / MIN_RATE_HZ)
        assert 0.0 <= shedder.share <= 1.0


def test_what_diagnostics_say() -> None:
    assert Load(0.3, 15.0, 15.0).sentence == "" and not Load(0.3, 14.9, 15.0).is_lowered
    lowered = Load(0.8, 6.25, 15.0, late=3)
    assert lowered.is_lowered
    assert lowered.sentence.startswith("judging everybody 6.2 times a second instead of 15: ")


@pytest.mark.parametrize("value", [0.0, -1.0, 1.5, float("nan")])
def test_a_share_is_a_share(value: float) -> None:
    with pytest.raises(ConfigurationError, match="max_load"):
        LoadShedder(value)
