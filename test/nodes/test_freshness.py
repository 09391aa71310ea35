"""How long messages waited, and work that was stopped in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.nodes.freshness import STALLED_S, TOO_LATE_S, Clearing, Waiting

SECOND = 1_000_000_000


@given(st.integers(-(10**6), 10**6), st.integers(0, 50_000_000))
def test_the_clocks_offset_falls_out(offset_s: int, jitter_ns: int) -> None:
    waiting = Waiting()
    source = 10**7 * SECOND
    ways = [offset_s * SECOND + (jitter_ns if step % 2 else 0) for step in range(20)]
    waited = [waiting.seconds("camera", source, source + way) for way in ways]
    assert waited[0] == 0.0 and all(0.0 <= each < 0.06 for each in waited)
    late = waiting.seconds("camera", source, source + ways[0] + 3 * SECOND)
    assert abs(late - 3.0) < 1e-6 and late > TOO_LATE_S


def test_every_publisher_has_a_clock_of_its_own() -> None:
    waiting = Waiting()
    assert waiting.seconds("here", SECOND, SECOND) == 0.0
    assert waiting.seconds("there", SECOND, 100 * SECOND) == 0.0
    assert waiting.seconds("here", 2 * SECOND, 2 * SECOND) == 0.0


def test_a_clock_that_is_set_anew_is_learned() -> None:
    waiting = Waiting()
    waiting.seconds("camera", SECOND, SECOND)
    waited = [waiting.seconds("camera", SECOND, 6 * SECOND) for _ in range(40)]
    assert waited[0] > TOO_LATE_S and waited[-1] == 0.0


def test_middleware_that_does_not_tell_when_it_sent_is_no_fault() -> None:
    assert Waiting().seconds("camera", 0, 5 * SECOND) == 0.0


def test_many_publishers_are_forgotten() -> None:
    waiting = Waiting()
    for number in range(1000):
        waiting.seconds(number, SECOND, SECOND)
    assert len(waiting._ways_ns) <= 16


def test_all_that_a_hang_left_behind_is_cleared_away() -> None:
    now = [100.0]
    clearing = Clearing(lambda: now[0])
    assert not clearing.throws_away(False)
    assert clearing.throws_away(True), "what was in hand"
    now[0] += 0.02
    assert clearing.throws_away(True), "and what waited behind it"
    now[0] += 0.02
    assert not clearing.throws_away(False)
    clearing.told()
    now[0] += 60.0
    assert clearing.throws_away(True), "the next hang is another one"


@given(st.floats(STALLED_S, 20.0))
def test_a_machine_that_is_always_late_tells_every_other_result(period_s: float) -> None:
    now, told = [0.0], []
    clearing = Clearing(lambda: now[0])
    for _ in range(20):
        now[0] += period_s
        clearing.throws_away(False)  # an image that came in time ...
        told.append(not clearing.throws_away(True))  # ... and work on it that stood still
        if told[-1]:
            clearing.told()
    assert told == [False, True] * 10


def test_work_that_was_stopped_knows_it() -> None:
    """Real SIGSTOP: a child that works until it is told to end says how long it stood still."""
    program = (
        "import sys, threading\n"
        "from bharnet_ros.nodes.freshness import Work\n"
        "work, over = Work(), []\n"
        "threading.Thread(target=lambda: over.append(sys.stdin.readline()), daemon=True).start()\n"
        "print('at work', flush=True)\n"
        "while not over: pass\n"
        "print(work.stalled_s)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline() == "at work\n"
        os.kill(child.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        threading.Event().wait(0.5)  # what is tested is this standing still
        os.kill(child.pid, signal.SIGCONT)
        child.stdin.write("\n")
        child.stdin.flush()
        assert float(child.stdout.readline()) >= 0.45
