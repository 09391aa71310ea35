"""The tools of the fault and soak runs that need no ROS: films, stamps, meters, tables."""

from __future__ import annotations

import json
import mmap
import os
import queue
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.fault_table import page
from benchmarks.film_camera import NS, Behaviour, Stamper, _paced
from benchmarks.films import FilmScript, Player, film
from benchmarks.process_meter import children, command_line, cpu_clock, machine, usage
from benchmarks.run_summary import flatness, summary


def test_a_film_is_drawn_once_and_plays_to_and_fro(tmp_path: Path) -> None:
    script = FilmScript("held", 0.1, 160, 120)
    path = film(script, tmp_path)
    made = path.stat().st_mtime_ns
    assert film(script, tmp_path) == path and path.stat().st_mtime_ns == made
    player = Player(path)
    first, second, third, back = (player.picture(index) for index in range(4))
    assert first.shape == (120, 160, 3)
    assert not np.array_equal(first, second) and not np.array_equal(second, third)
    np.testing.assert_array_equal(back, second)
    np.testing.assert_array_equal(player.picture(4), first)
    assert player.picture(0, (80, 60)).shape == (60, 80, 3)
    assert player.picture(0, encoding="mono8").shape == (120, 160)
    np.testing.assert_array_equal(player.picture(0, encoding="rgb8"), first[:, :, ::-1])


def test_an_empty_film_is_one_picture_for_ever(tmp_path: Path) -> None:
    player = Player(film(FilmScript("empty", 5.0, 64, 48), tmp_path))
    np.testing.assert_array_equal(player.picture(0), player.picture(977))


def test_stamps_go_wrong_as_they_are_told() -> None:
    now = [1000 * NS + index * NS // 10 for index in range(6)]

    def stamps(**changes: Any) -> list[int]:
        stamper, behaviour = Stamper(), Behaviour(rate_hz=10.0, **changes)
        return [stamper.stamp(behaviour, index, at) for index, at in enumerate(now)]

    assert stamps() == now
    assert stamps(stamps="zero") == [0] * 6
    assert stamps(stamps="duplicated") == [now[0], now[0], now[2], now[2], now[4], now[4]]
    late = stamps(stamps="disordered")
    assert late[2] < late[0] < late[1] and late[3] == now[3] and late[5] < late[4]
    assert stamps(offset_s=60.0) == [at + 60 * NS for at in now]


def test_orders_change_the_pace_and_a_stop_lasts_until_the_next_order() -> None:
    orders: queue.Queue[dict[str, Any] | None] = queue.Queue()
    paced = _paced(Behaviour(rate_hz=50.0), orders)
    assert next(paced).encoding == "bgr8"
    orders.put({"playing": False})
    orders.put({"playing": True, "encoding": "rgb8", "once_s": 5.0})
    assert next(paced).once_s == 5.0
    following = next(paced)
    assert following.encoding == "rgb8" and following.once_s == 0.0
    began = time.monotonic()
    for _ in range(5):
        next(paced)
    assert time.monotonic() - began > 0.05
    orders.put(None)
    assert next(paced, None) is None


def test_the_meter_reads_this_process() -> None:
    before = usage(os.getpid())
    with mmap.mmap(-1, 30 * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(bytes(len(block)))  # pages of its own, whatever the allocator kept
        while usage(os.getpid()).cpu_s <= before.cpu_s:
            pass
        after = usage(os.getpid())
    assert after.anonymous_mib - before.anonymous_mib > 15.0
    assert after.threads >= 1 and after.descriptors >= 3 and after.pss_mib <= after.rss_mib
    assert "cores" in machine() and cpu_clock()[1] >= cpu_clock()[0]
    assert os.getpid() in children(os.getppid()) and command_line(os.getpid())
    assert command_line(2**22 + 1) == [] and children(2**22 + 1) == []
    with pytest.raises((ProcessLookupError, FileNotFoundError)):
        usage(2**22 + 1)


def minute(rss_mib: float, threads: int = 5) -> dict[str, Any]:
    process = {
        "rss_mib": rss_mib, "anonymous_mib": rss_mib / 2.0, "threads": [threads, threads],
        "descriptors": [9, 9], "cpu_percent": 3.0,
    }  # fmt: skip
    age = {"p50": 50.0, "p95": rss_mib, "max": 300.0}
    return {"processes": {"node": process}, "camera_to_action_ms": age, "machine_busy": 0.5}


def test_growth_is_found_and_the_warm_up_left_out() -> None:
    (found,) = flatness([minute(50.0), *(minute(100.0) for _ in range(20))], 1).values()
    assert found["growth_percent"] == 0.0 and found["threads"] == [5]
    (found,) = flatness([minute(100.0 + m, 5 + m // 10) for m in range(21)], 1).values()
    assert found["growth_percent"] > 15.0 and found["threads"] == [5, 6, 7]
    assert found["own_growth_percent"] == found["growth_percent"]


def test_a_run_is_summed_up_without_its_warm_up() -> None:
    rising = [minute(100.0 + 2 * number) for number in range(30)]
    told = summary([minute(400.0) for _ in range(5)] + rising)
    age = told["camera_to_action_ms"]
    assert told["warm_up_minutes"] == 5 and age["minutes"] == 30
    assert age["worst_p95"] == 158.0 and age["minutes_within_goal"] == 26
    assert age["p95_first_third"] < age["p95_last_third"] and not told["memory_flat"]


def test_the_page_tells_what_was_wrong_and_what_was_not(tmp_path: Path) -> None:
    right = {
        "name": "a", "fault": "kill -9 of a", "expected": "respawned", "back_after_s": 3.21,
        "recognised_after_s": 4.5, "wrong": [], "crashes": [], "left_open": 1, "notes": ["seen"],
        "diagnostics": ["node: said | so"],
    }  # fmt: skip
    wrong = {"name": "b", "fault": "b breaks", "expected": "none", "wrong": ["it stayed dead"]}
    told = {"command": "c", "machine": "2 cores", "faults": [right, wrong]}
    with pytest.raises(FileNotFoundError):
        page(tmp_path)
    (tmp_path / "faults.json").write_text(json.dumps(told), "utf-8")
    text = page(tmp_path)
    assert "| kill -9 of a | respawned | 3.2 s | 4.5 s | (1 action in progress" in text
    assert "| b breaks | none | - | - | it stayed dead |" in text
    assert "- seen" in text and '"node: said / so"' in text
