"""The faults that are done to a running graph, one function each.

Each takes the world while a person's gesture is being recognised, does its harm, makes it good
again where the fault is one that passes, and returns what else is worth telling.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.films import HELD, FilmScript, film
from benchmarks.graph_world import CAMERA, GraphWorld
from benchmarks.heard import longest_gap_s
from bharnet_ros import msg
from bharnet_ros.nodes.conversions import ns_to_stamp
from bharnet_ros.nodes.qos import RESULTS

NS = 1_000_000_000
Notes = list[str]


@dataclass(frozen=True)
class Case:
    """name: for the command line. fault, expected: in words. inject: does it. time_restarts: how
    often stamps may step back because time really does. others: what besides HELD is done."""

    name: str
    fault: str
    expected: str
    inject: Callable[[GraphWorld], Notes]
    time_restarts: int = 0
    others: Sequence[str] | None = ()


def killed(name: str) -> Callable[[GraphWorld], Notes]:
    """kill -9; over when it was started again."""

    def inject(world: GraphWorld) -> Notes:
        kept = {other: world.pid(other) for other in _PROCESSES if other != name}
        killed = world.kill(name)
        world.wait(lambda: world.pid(name) is None, f"{name} to be gone", 5.0)
        world.wait(lambda: world.pid(name) is not None, f"{name} to be started again", 30.0)
        notes = [] if kept == {o: world.pid(o) for o in kept} else ["others were restarted too"]
        notes.append(f"started again after {(time.time_ns() - killed) / NS:.1f} s")
        return notes

    return inject


def _pictures_again(world: GraphWorld) -> Notes:
    looking = world.look()
    world.wait(lambda: world.heard.pictures, "annotated images", 20.0)
    began = time.time_ns()
    notes = killed("visualizer")(world)
    world.wait(
        lambda: any(a.received_ns > began + NS for a in world.heard.pictures[-1:]),
        "annotated images again", 30.0,
    )  # fmt: skip
    silent = longest_gap_s(world.heard.pictures, began, world.heard.pictures[-1].received_ns)
    untouched = longest_gap_s(world.heard.actions, began, time.time_ns())
    world.look_away(looking)
    return [
        *notes, f"pictures back after {silent:.1f} s",
        f"meanwhile actions never paused longer than {untouched:.2f} s",
    ]  # fmt: skip


def frozen(name: str, seconds: float) -> Callable[[GraphWorld], Notes]:
    """SIGSTOP for so long."""

    def inject(world: GraphWorld) -> Notes:
        world.kill(name, signal.SIGSTOP)
        world.run_for(seconds)
        world.kill(name, signal.SIGCONT)
        return []

    return inject


def behaves(
    seconds: float, *orders: dict[str, object]
) -> Callable[[GraphWorld], Notes]:
    """The camera behaves like each of these in turn, for so long, then as before."""

    def inject(world: GraphWorld) -> Notes:
        notes = []
        for order in orders:
            world.order(**order)
            began = time.time_ns()
            world.run_for(seconds)
            told = ", ".join(f"{name}={value}" for name, value in order.items())
            notes.append(f"{told}: {_flow(world, began)}")
        world.order(
            playing=True, rate_hz=30.0, width=0, height=0, encoding="bgr8", claimed="",
            stamps="clock", offset_s=0.0, loss=0.0,
        )  # fmt: skip
        return notes

    return inject


def _flow(world: GraphWorld, began: int) -> str:
    """What went through since then."""
    now = time.time_ns()
    seconds = (now - began) / NS
    images = sum(sent >= began for sent in list(world.sent.values()))
    skeletons = sum(a.received_ns >= began for a in world.heard.skeletons)
    actions = [a for a in world.heard.actions if a.received_ns >= began and not a.only_ends]
    ages = [
        (a.received_ns - world.sent[a.stamp_ns]) / NS for a in actions if a.stamp_ns in world.sent
    ]
    age = f", p95 {1e3 * np.percentile(ages, 95):.0f} ms after the image" if ages else ""
    right = sum(a.shows(HELD) for a in actions)
    return (
        f"{images / seconds:.1f} images/s in, {skeletons / seconds:.1f} skeletons/s, "
        f"{len(actions) / seconds:.1f} actions/s ({right} with the gesture){age}"
    )


def single_stamps(seconds: float) -> Callable[[GraphWorld], Notes]:
    """Six images, 0.5 s apart, whose stamps alone are so far off."""

    def inject(world: GraphWorld) -> Notes:
        for _ in range(6):
            world.order(once_s=seconds)
            world.run_for(0.5)
        return []

    return inject


def _clock_forward(world: GraphWorld) -> Notes:
    world.order(offset_s=60.0)
    world.run_for(0.2)
    return []


def _clock_back(world: GraphWorld) -> Notes:
    world.order(offset_s=60.0)  # where the jump forward has left it, if that was tried before
    world.run_for(3.0)
    world.order(offset_s=0.0)
    world.run_for(0.2)
    return []


def _second_camera(world: GraphWorld) -> Notes:
    path = film(FilmScript("lively", 6.0, seed=7), world.folder / "films")
    world.start_camera(path, name="second_camera", rate_hz=10.0)
    began = time.time_ns()
    world.run_for(8.0)
    notes = [_flow(world, began)]
    world.stop("second_camera")
    return notes


def _wrong_layout(world: GraphWorld) -> Notes:
    publisher = world.node.create_publisher(msg.SkeletonArray, "skeletons", RESULTS)
    world.wait(lambda: publisher.get_subscription_count() >= 2, "the recogniser and the listener")
    began, sent = time.time_ns(), 0
    for _ in range(40):
        person = msg.Skeleton(track_id=1, keypoints=[1.0] * 50, keypoint_scores=[1.0] * 25)
        message = msg.SkeletonArray(layout="ntu25", skeletons=[person])
        message.header.stamp = ns_to_stamp(time.time_ns())
        publisher.publish(message)
        sent += 1
        world.run_for(0.1)
    world.run_for(1.5)  # for the next diagnostics
    world.node.destroy_publisher(publisher)
    dropped = world.heard.values("action_recognizer").get("dropped: layout mismatch", "0")
    return [f"{sent} sent, {dropped} counted as layout mismatch", _flow(world, began)]


_PROCESSES = ("pose_estimator", "action_recognizer", "visualizer")

CASES = (
    Case("kill_estimator", "kill -9 of the pose estimator", "the rest goes on; actions in "
         "progress end; respawned; people get fresh ids and windows", killed("pose_estimator")),
    Case("kill_recognizer", "kill -9 of the action recogniser", "the rest goes on; respawned; "
         "windows fill anew", killed("action_recognizer")),
    Case("kill_visualizer", "kill -9 of the visualizer", "recognition does not notice; pictures "
         "come back", _pictures_again),
    Case("kill_camera", "kill -9 of the camera driver", "actions end after the timeout; "
         "recognition goes on with the new driver", killed(CAMERA)),
    Case("freeze_estimator", "the pose estimator hangs for 3 s (SIGSTOP)", "newest image first "
         "afterwards", frozen("pose_estimator", 3.0)),
    Case("freeze_recognizer", "the recogniser hangs for 3 s (SIGSTOP)", "newest skeletons first "
         "afterwards", frozen("action_recognizer", 3.0)),
    Case("camera_pause", "the camera stops for 5 s and returns", "actions end, diagnostics name "
         "the silent publisher", behaves(5.0, {"playing": False})),
    Case("resolution", "resolution 640x480, then 1280x720, then 320x240", "recognised all along",
         behaves(4.0, {"width": 1280, "height": 720}, {"width": 320, "height": 240})),
    Case("encoding", "encoding bgr8, then rgb8, bgra8, mono8", "recognised all along",
         behaves(3.0, {"encoding": "rgb8"}, {"encoding": "bgra8"}, {"encoding": "mono8"})),
    Case("bad_encoding", "an encoding that is not supported (h264), 3 s", "counted, named "
         "in the diagnostics with the remedy", behaves(3.0, {"claimed": "h264"})),
    Case("cut_images", "images that claim more bytes than they hold, 3 s", "counted, named",
         behaves(3.0, {"claimed": "bgra8"})),
    Case("rates", "0.5, 2, 5, 15, 60, 120 images a second", "every rate is taken; age does not "
         "grow", behaves(8.0, *({"rate_hz": rate} for rate in (0.5, 2.0, 5.0, 15.0, 60.0, 120.0)))),
    Case("large_images", "4K images (3840x2160, 25 MB each) at 5 a second", "they arrive, or the "
         "diagnostics say why not", behaves(8.0, {"width": 3840, "height": 2160, "rate_hz": 5.0})),
    Case("image_loss", "30 % of the images lost at random", "recognised all along",
         behaves(8.0, {"loss": 0.3})),
    Case("zero_stamps", "every stamp is zero for 3 s", "dropped, counted, named",
         behaves(3.0, {"stamps": "zero"}), time_restarts=2),
    Case("duplicated_stamps", "every stamp comes twice for 4 s", "the second ones are dropped",
         behaves(4.0, {"stamps": "duplicated"})),
    Case("disordered_stamps", "every third image out of order for 4 s", "late ones are dropped",
         behaves(4.0, {"stamps": "disordered"})),
    Case("future_stamps", "six single stamps an hour in the future, 0.5 s apart", "a restart "
         "for each that is used, nothing worse", single_stamps(3600.0), time_restarts=6),
    Case("past_stamps", "six single stamps an hour in the past, 0.5 s apart", "a restart "
         "for each that is used, nothing worse", single_stamps(-3600.0), time_restarts=6),
    Case("clock_forward", "the clock jumps 60 s forward and stays there", "windows begin anew",
         _clock_forward),
    Case("clock_back", "the clock jumps 60 s back", "time restarts: windows begin anew",
         _clock_back, time_restarts=1),
    Case("two_cameras", "a second camera publishes on the same topic for 8 s", "no crash; told",
         _second_camera, others=None),
    Case("wrong_layout", "a publisher of skeletons with another layout, 4 s", "counted, named; "
         "the right ones go on", _wrong_layout),
)  # fmt: skip


def clean(folder: Path) -> None:
    """Remove what a world left in its folder, films excepted."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.name != "films":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
