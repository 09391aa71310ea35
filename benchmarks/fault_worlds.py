"""Faults that need a world of their own: how the graph starts, where it logs, who is in view."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.films import HELD, RATE_HZ, FilmScript, film
from benchmarks.full_disk import TO_FULL, full_disk
from benchmarks.graph_world import CAMERA, GraphWorld
from benchmarks.heard import longest_gap_s, told
from benchmarks.load import made_up_people
from benchmarks.verdict import check
from bharnet_ros import msg
from bharnet_ros.nodes.qos import LATCHED, RESULTS

Trial = Callable[[Path, int], dict[str, Any]]
_NS = 1_000_000_000


def _verdict(world: GraphWorld, begin: int, really: tuple[str, ...] | None) -> dict[str, Any]:
    verdict = check(world.heard.actions, world.sent, really=really, begin_ns=begin)
    return {
        "messages": verdict.messages,
        "wrong": verdict.faults(),
        "crashes": world.crashes(),
        "diagnostics": told([c for c in world.heard.complaints if c[0] >= begin]),
    }


def _ages_ms(world: GraphWorld, begin: int) -> list[float]:
    return [
        (a.received_ns - world.sent[a.stamp_ns]) * 1e-6
        for a in world.heard.actions
        if a.received_ns >= begin and a.stamp_ns in world.sent
    ]


def _shows(world: GraphWorld) -> bool:
    return bool(world.heard.actions) and world.heard.actions[-1].shows(HELD)


def composed_killed(work: Path, domain: int) -> dict[str, Any]:
    """All nodes in one process, which is killed."""
    path = film(FilmScript("held"), work / "films")
    with GraphWorld(work / "composed", domain) as world:
        world.start_graph("--composed", "true")
        world.start_camera(path, rate_hz=RATE_HZ)
        world.wait(lambda: _shows(world), HELD)
        world.run_for(2.0)
        begin = world.kill("action_recognizer")
        world.wait(
            lambda: any(world.sent.get(a.stamp_ns, 0) > begin for a in world.heard.actions[-3:]),
            "actions again",
        )
        back = time.time_ns()
        world.wait(lambda: _shows(world), HELD)
        again = time.time_ns()
        world.run_for(2.0)
        verdict = check(
            world.heard.actions, world.sent, really=(HELD,), begin_ns=begin, restarts_ns=[begin]
        )
        return {
            "back_after_s": round((back - begin) / _NS, 2),
            "recognised_after_s": round((again - begin) / _NS, 2),
            "left_open": verdict.left_open,
            "messages": verdict.messages,
            "wrong": verdict.faults(),
            "crashes": world.crashes(),
        }


def late_discovery(work: Path, domain: int) -> dict[str, Any]:
    """The three processes in different orders, 3 s apart; a listener who comes last of all."""
    path = film(FilmScript("held"), work / "films")
    notes, slowest, bad = [], 0.0, []
    for order in (
        ("action_recognizer", "pose_estimator", CAMERA),
        (CAMERA, "pose_estimator", "action_recognizer"),
        (CAMERA, "action_recognizer", "pose_estimator"),
    ):
        with GraphWorld(work / "late", domain) as world:
            for name in order:
                began = time.time_ns()
                if name == CAMERA:
                    world.start_camera(path, rate_hz=RATE_HZ)
                else:
                    world.start_nodes(name)
                world.run_for(3.0)
            world.wait(lambda w=world: w.heard.actions, "actions")
            first = (world.heard.actions[0].received_ns - began) / _NS
            world.wait(lambda w=world: _shows(w), HELD)
            labels: list[Any] = []
            late = world.listen(msg.ActionLabels, "action_labels", labels.append, LATCHED)
            waited = world.wait(lambda heard=labels: heard, "the latched labels", 20.0)
            world.look_away(late)
            slowest = max(slowest, first)
            notes.append(
                f"{', '.join(order)}: first actions {first:.1f} s after the last one was started; "
                f"the latched labels reached a late listener after {waited:.1f} s"
            )
            bad += world.crashes()
            bad += check(world.heard.actions, world.sent, really=(HELD,)).faults()
    return {"back_after_s": round(slowest, 2), "notes": notes, "wrong": bad, "crashes": []}


def disk_full(work: Path, domain: int) -> dict[str, Any]:
    """Log files, standard output and standard error all on a full disk, from the start on."""
    path = film(FilmScript("held"), work / "films")
    wrapper = (sys.executable, "-c", TO_FULL)
    with full_disk(work / "full") as folder, GraphWorld(work / "disk", domain) as world:
        environment = {"ROS_LOG_DIR": folder}
        for node in ("pose_estimator", "action_recognizer"):
            world.start_nodes(node, environment=environment, wrapper=wrapper)
        world.start_camera(path, rate_hz=RATE_HZ)
        waited = world.wait(lambda: _shows(world), HELD)
        began = time.time_ns()
        world.order(claimed="h264")  # something that is logged
        world.run_for(2.0)
        world.order(claimed="")
        world.run_for(1.0)
        world.wait(lambda: _shows(world), HELD)
        result = _verdict(world, began, (HELD,))
        seconds = world.stop("pose_estimator", "action_recognizer")
        return {
            **result,
            "notes": [
                f"{HELD} recognised {waited:.1f} s after the start; SIGTERM ended both in "
                f"{max(seconds):.1f} s"
            ],
        }


def skeleton_loss(work: Path, domain: int) -> dict[str, Any]:
    """A relay between estimator and recogniser loses 30 % of the skeleton messages."""
    path = film(FilmScript("held"), work / "films")
    chance, counts = random.Random(1), [0, 0]
    with GraphWorld(work / "loss", domain) as world:
        passed_on = world.node.create_publisher(msg.SkeletonArray, "skeletons", RESULTS)

        def relay(serialized: bytes) -> None:
            counts[0] += 1
            if chance.random() >= 0.3:
                counts[1] += 1
                passed_on.publish(serialized)

        world.listen(msg.SkeletonArray, "skeletons_all", relay, RESULTS, raw=True)
        world.start_nodes("pose_estimator", remaps={"skeletons": "skeletons_all"})
        world.start_nodes("action_recognizer")
        world.start_camera(path, rate_hz=RATE_HZ)
        world.wait(lambda: _shows(world), HELD)
        begin = time.time_ns()
        world.run_for(10.0)
        seen = [a for a in world.heard.actions if a.received_ns >= begin]
        held = sum(a.shows(HELD) for a in seen)
        result = _verdict(world, begin, (HELD,))
        return {
            **result,
            "notes": [
                f"{counts[1]} of {counts[0]} messages got through; {held} of {len(seen)} actions "
                f"messages show the gesture; longest pause "
                f"{longest_gap_s(seen, begin, time.time_ns()):.2f} s"
            ],
        }


def crowd(work: Path, domain: int) -> dict[str, Any]:
    """One person at 60 skeletons a second, then 30 people at once at the same rate, then one."""
    with GraphWorld(work / "crowd", domain) as world:
        world.start_nodes("action_recognizer")
        with made_up_people(world, 1, 60.0):
            world.wait(lambda: len(world.heard.actions) > 20, "actions")
        begin = time.time_ns()
        with made_up_people(world, 30, 60.0):
            world.run_for(12.0)
            end = time.time_ns()
        ages = _ages_ms(world, begin)
        rate = len(ages) / ((end - begin) / _NS)
        third = len(ages) // 3
        with made_up_people(world, 1, 60.0):
            world.wait(
                lambda: any(
                    a.stamp_ns > end and a.people == 1 for a in world.heard.actions[-2:]
                ),
                "one person again",
            )
            back = time.time_ns()
            world.run_for(2.0)
        most = max(a.people for a in world.heard.actions)
        return {
            **_verdict(world, begin, None),
            "back_after_s": round((back - end) / _NS, 2),
            "notes": [
                f"30 people x 60 Hz: {rate:.1f} judgements/s of up to {most} people, age p50 "
                f"{np.median(ages):.0f} ms, p95 {np.percentile(ages, 95):.0f} ms; first third "
                f"{np.median(ages[:third]):.0f} ms, last third {np.median(ages[-third:]):.0f} ms"
            ],
        }


def slow_machine(work: Path, domain: int) -> dict[str, Any]:
    """60 skeletons a second to a recogniser that gets 20 ms of every 200 (stopped in between)."""
    with GraphWorld(work / "slow", domain) as world:
        world.start_nodes("action_recognizer")
        with made_up_people(world, 8, 60.0):
            world.wait(lambda: len(world.heard.actions) > 20, "actions")
            over = threading.Event()

            def throttle() -> None:
                while not over.is_set():
                    world.kill("action_recognizer", signal.SIGSTOP)
                    time.sleep(0.18)
                    world.kill("action_recognizer", signal.SIGCONT)
                    time.sleep(0.02)

            begin = time.time_ns()
            thread = threading.Thread(target=throttle)
            thread.start()
            world.run_for(15.0)
            over.set()
            thread.join()
            end = time.time_ns()
            ages = _ages_ms(world, begin)
            values = world.heard.values("action_recognizer")
            world.wait(
                lambda: any(a.stamp_ns > end for a in world.heard.actions[-2:]), "fresh actions"
            )
            back = time.time_ns()
            world.run_for(2.0)
            third = max(1, len(ages) // 3)
            shed = {k: v for k, v in values.items() if "rate" in k or "load" in k or "shed" in k}
            return {
                **_verdict(world, begin, None),
                "back_after_s": round((back - end) / _NS, 2),
                "notes": [
                    f"{len(ages) / 15.0:.1f} judgements/s, age p50 {np.median(ages):.0f} ms, p95 "
                    f"{np.percentile(ages, 95):.0f} ms; first third {np.median(ages[:third]):.0f} "
                    f"ms, last third {np.median(ages[-third:]):.0f} ms",
                    ", ".join(f"{k} {v}" for k, v in shed.items()),
                ],
            }


WORLDS: dict[str, tuple[str, str, Trial]] = {
    "kill_composed": (
        "kill -9 of the one process of a composed graph", "respawned, everything begins anew",
        composed_killed,
    ),
    "late_discovery": (
        "processes started in three orders, 3 s apart, and a late listener",
        "any order works; latched topics reach who comes late", late_discovery,
    ),
    "disk_full": (
        "log folder, stdout and stderr on a full disk", "nobody notices but the log", disk_full
    ),
    "skeleton_loss": (
        "30 % of the skeleton messages lost at random", "recognised all along", skeleton_loss
    ),
    "crowd": (
        "30 people at once, 60 skeleton messages a second",
        "judged less often, never later and later", crowd,
    ),
    "slow_machine": (
        "60 skeleton messages a second of 8 people on a recogniser that gets a tenth of a core",
        "judged less often, never later and later", slow_machine,
    ),
}  # fmt: skip
"""name: fault, what is expected, and how to try it."""
