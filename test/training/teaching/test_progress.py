"""The time that is left, said now and then."""

from __future__ import annotations

from training.teaching.progress import Progress


def test_the_time_left_follows_from_the_steps_so_far():
    said: list[str] = []
    now = [0.0]
    progress = Progress(100, said.append, lambda: now[0])
    for _ in range(60):
        progress.step()
        now[0] += 1.0
    assert said == ["  20 % trained, 80 s left", "  40 % trained, 60 s left"]


def test_much_time_is_said_in_minutes():
    said: list[str] = []
    now = [0.0]
    progress = Progress(1000, said.append, lambda: now[0])
    for _ in range(25):
        progress.step()
        now[0] += 1.0
    assert said == ["  2 % trained, 16 min left"]
