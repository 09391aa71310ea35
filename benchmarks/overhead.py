"""What a frame costs outside of the networks, as a share of the whole.

    python -m benchmarks.overhead [--people 1 4 16] [--frames 300] [--bundle NAME] [--cpu]

Plays people that move through a 1280x720 picture at 30 frames a second and times, per frame,
everything that is not a network: image message to array, cutting the pictures that the pose
networks see, tracking, windows, features, events, and messages there and back with their
serialization. The networks are timed in the same run: the experts of the bundle, and the pose
networks on drawn people where that backend is installed. The pose figures of more people than
were drawn are extended along the line through those measured, and marked with ~.

Median and p95 are over frames. The recogniser judges everybody on every second frame, or half of
the people on each, so `mean` is what counts for load; the shares are made of it. With `--cpu` times
are those of the processor and not on the wall: what else the machine does counts less. Without a
ROS environment the two message stages are left out and the table says so.
"""

from __future__ import annotations

import argparse
import importlib
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.synthetic import LAYOUT, frame, person_keypoints, skeleton, write_tiny_bundle
from bharnet_ros.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from bharnet_ros.inference import Engine, create_engine
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import FloatArray, SkeletonFrame

GOAL_MS = 1.0
"""Per person and frame, everything outside the networks."""
RATE_HZ = 30
WARM_UP_FRAMES = 75
DRAWN_PEOPLE = (1, 4)

Samples = dict[str, list[float]]
Clock = Callable[[], float]
"""Seconds: on the wall (`time.perf_counter`) or of this thread (`time.thread_time`)."""


class TimedEngine:
    """Adds up what the networks take, by the clock of the measurement."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self.spent_ms = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """As the engine."""
        begin = self._clock()
        outputs = self._engine.run(inputs)
        self.spent_ms += (self._clock() - begin) * 1e3
        return outputs


@dataclass(frozen=True)
class PoseCost:
    """Mean milliseconds a frame for a number of people that were really found."""

    people: float
    networks_ms: float
    around_ms: float


def moving_people(count: int, frames: int, seed: int = 0) -> Iterator[SkeletonFrame]:
    """Untracked people on a grid that drift, wave and jitter by a pixel."""
    rng = np.random.default_rng(seed)
    columns = int(np.ceil(np.sqrt(count * 1.8)))
    rows = int(np.ceil(count / columns))
    torso_px = min(1280 / columns / 2.2, 720 / rows / 4.0)
    for index in range(frames):
        stamp_ns = index * 1_000_000_000 // RATE_HZ
        people = []
        for person in range(count):
            row, column = divmod(person, columns)
            center = (
                (column + 0.5) * 1280 / columns + 10 * np.sin(index / 40 + person),
                (row + 0.45) * 720 / rows,
            )
            wrist = (-0.5, 0.5 * np.sin(index / 8 + person) - 0.4)
            points = person_keypoints(center, torso_px, wrist)
            noise = rng.normal(0.0, 1.0, points.shape).astype(np.float32)
            people.append(skeleton(-1, points + noise))
        yield replace(frame(stamp_ns, *people), layout=LAYOUT)


def measure(
    bundle: Bundle, count: int, frames: int, threads: int, clock: Clock = time.perf_counter
) -> Samples:
    """Milliseconds per frame and stage; "expert networks" is the only network among them."""
    engine: Any = TimedEngine(create_engine(bundle, threads=threads), clock)
    recognizer = Recognizer(bundle, engine)
    tracker, messages = Tracker(), _message_stages()
    samples: Samples = defaultdict(list)
    for index, found in enumerate(moving_people(count, frames + WARM_UP_FRAMES)):
        spent: dict[str, float] = {}
        engine.spent_ms = 0.0
        begin = clock()
        tracked = tracker.update(found)
        spent["tracking"] = (clock() - begin) * 1e3
        begin = clock()
        actions = recognizer.push(tracked)
        spent["windows, features, events"] = (clock() - begin) * 1e3 - engine.spent_ms
        spent["expert networks"] = engine.spent_ms
        for name, run in messages.items():
            begin = clock()
            run(tracked, actions)
            spent[name] = (clock() - begin) * 1e3
        if index >= WARM_UP_FRAMES:  # full windows, everything loaded
            for name, value in spent.items():
                samples[name].append(value)
    return samples


def measure_pose(
    count: int, frames: int, threads: int, clock: Clock = time.perf_counter
) -> PoseCost | None:
    """The pose backend on drawn people; None where it is not installed."""
    from bharnet_ros.pose import available_backends, create_pose_estimator
    from bharnet_ros.simulation import Scene

    if "mediapipe" not in available_backends():
        return None
    pictures = [
        (scene_frame.image, index * 1_000_000_000 // RATE_HZ)
        for index, scene_frame in enumerate(
            Scene.random(5, count, (frames + 15) / RATE_HZ).frames(RATE_HZ)
        )
    ]
    estimator = create_pose_estimator("mediapipe", num_threads=threads, max_people=max(count, 1))
    networks, around, people = [], [], []
    with _network_clock(clock) as spent:
        for index, (image, stamp_ns) in enumerate(pictures):
            spent[0] = 0.0
            begin = clock()
            found = estimator.estimate(image, stamp_ns)
            total = (clock() - begin) * 1e3
            if index >= 15:  # everybody has been taken up
                networks.append(spent[0])
                around.append(total - spent[0])
                people.append(len(found.skeletons))
    estimator.close()
    return PoseCost(*(float(np.mean(values)) for values in (people, networks, around)))


def report(
    count: int, samples: Samples, pose: PoseCost | None, pose_measured: bool
) -> tuple[str, float]:
    """The table for one number of people, and the share (0..1) of what is no network."""
    rows = []
    outside = networks = 0.0
    for name, values in samples.items():
        mean = float(np.mean(values))
        if name == "expert networks":
            networks += mean
        else:
            outside += mean
        p50, p95 = np.percentile(values, (50, 95))
        rows.append(f"  {name:<28}{p50:9.3f}{p95:9.3f}{mean:9.3f}")
    recognising = outside
    if pose is not None:
        mark = "" if pose_measured else "~"
        for name, mean in (
            ("pose: cutting, decoding", pose.around_ms),
            ("pose: networks", pose.networks_ms),
        ):
            rows.append(f"  {name:<28}{'':9}{'':9}{mark + format(mean, '.3f'):>9}")
        outside += pose.around_ms
        networks += pose.networks_ms
    share = outside / (outside + networks)
    head = f"{count} people, ms per frame"
    rows.append(
        f"  outside the networks {outside:.2f} ms a frame ({outside / count:.2f} a person), "
        f"networks {networks:.2f} ms: share {100 * share:.1f} %"
    )
    for what, spent in (("without the pose part", recognising / count), ("all", outside / count)):
        word = "met" if spent <= GOAL_MS else "missed"
        rows.append(f"  {what}: {spent:.2f} ms a person and frame, goal {GOAL_MS:g}: {word}")
    return "\n".join([f"{head:<30}{'median':>9}{'p95':>9}{'mean':>9}", *rows]), share


def pose_for(count: int, measured: dict[int, PoseCost]) -> tuple[PoseCost | None, bool]:
    """The pose cost of this many people, and whether it was measured or extended."""
    if count in measured:
        return measured[count], True
    if len(measured) < 2:
        return None, False
    known = sorted(measured.values(), key=lambda cost: cost.people)
    line = [cost.people for cost in known]
    networks, around = (
        float(np.polyval(np.polyfit(line, values, 1), count))
        for values in ([c.networks_ms for c in known], [c.around_ms for c in known])
    )
    return PoseCost(float(count), networks, around), False


@contextmanager
def _network_clock(clock: Clock) -> Iterator[list[float]]:
    """Adds up the milliseconds spent in pose networks."""
    from bharnet_ros.pose.mediapipe.networks import Network

    spent, original = [0.0], Network.run

    def timed(self: Network, *arguments: Any, **options: Any) -> Any:
        begin = clock()
        try:
            return original(self, *arguments, **options)
        finally:
            spent[0] += (clock() - begin) * 1e3

    Network.run = timed  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        Network.run = original  # type: ignore[method-assign]


def _message_stages() -> dict[str, Callable[[SkeletonFrame, Any], object]]:
    """Conversions of the ROS nodes, if this is a ROS environment."""
    try:
        from rclpy.serialization import deserialize_message, serialize_message
        from sensor_msgs.msg import Image as ImageMessage

        from bharnet_ros.nodes import conversions, images

        skeleton_array = importlib.import_module("bharnet_ros.msg").SkeletonArray
    except ImportError:
        return {}
    picture = ImageMessage(height=720, width=1280, step=1280 * 3, encoding="bgr8")
    picture.data = bytes(1280 * 720 * 3)

    def convert_image(_: SkeletonFrame, __: Any) -> None:
        images.image_to_bgr(picture)

    def pass_on(tracked: SkeletonFrame, actions: Any) -> None:
        """Out of one process, into the next, and the answer out of that."""
        sent = serialize_message(conversions.skeletons_to_msg(tracked, "camera"))
        conversions.msg_to_skeletons(deserialize_message(sent, skeleton_array))
        if actions is not None:
            serialize_message(conversions.actions_to_msg(actions, "camera"))

    return {"image message to array": convert_image, "messages": pass_on}


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.overhead",
        description="Times everything outside the networks and states its share of a frame.",
    )
    parser.add_argument("--people", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--frames", type=int, default=300, help="measured frames per table")
    parser.add_argument("--pose-frames", type=int, default=60, help="0 leaves the pose part out")
    parser.add_argument("--threads", type=int, default=1, help="threads of each network")
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE, help="name or folder, '' for none")
    parser.add_argument("--cpu", action="store_true", help="time of the processor (1 thread)")
    options = parser.parse_args()
    if min(options.people) < 1 or options.frames < 1:
        parser.error("--people and --frames must be 1 or more")
    if options.cpu and options.threads != 1:
        parser.error("--cpu counts this thread only: leave --threads at 1")
    clock: Clock = time.thread_time if options.cpu else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        chosen = options.bundle
        bundle = load_bundle(chosen) if chosen else write_tiny_bundle(folder)
        print(
            f"bundle {bundle.manifest.name}; {RATE_HZ} frames/s of 1280x720; networks with "
            f"{options.threads} thread(s), the rest with 1; {os.cpu_count()} cores; "
            f"{'processor time' if options.cpu else 'time on the wall'}"
        )
        if not chosen:
            print("no bundle: the experts are a matrix product, so shares are too high")
        if not _message_stages():
            print("no ROS environment: messages are not measured (source install/setup.sh)")
        measured: dict[int, PoseCost] = {}
        for count in DRAWN_PEOPLE if options.pose_frames else ():
            cost = measure_pose(count, options.pose_frames, options.threads, clock)
            if cost is not None:
                measured[count] = cost
                print(f"pose networks: {count} drawn, {cost.people:.1f} found")
        for count in options.people:
            samples = measure(bundle, count, options.frames, options.threads, clock)
            print(report(count, samples, *pose_for(count, measured))[0], flush=True)


if __name__ == "__main__":
    main()
