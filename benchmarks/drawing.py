"""What looking costs: annotated images and markers, per frame, and reports, per second.

    python -m benchmarks.drawing [--frames 60] [--json FILE] [--machine TEXT]
    python -m benchmarks.drawing --picture FILE

Times the drawing of annotated images of several sizes with several people, the making of marker
arrays, and a diagnostic report; the nodes do the first two only while somebody subscribes. Also
says how well the distance of people is estimated for the markers, against the simulated camera.
Times are medians over frames of the processor time of one thread, so that other programs on the
machine change them little. --picture writes one annotated image of the drawn scene, with the
real pose networks and the shipped bundle, instead of measuring.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from benchmarks.synthetic import LAYOUT, person_keypoints, skeleton
from bharnet_ros.overlay import draw
from bharnet_ros.placing import Pinhole, distance_m
from bharnet_ros.simulation import Scene
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import (
    ActionFrame,
    ActionState,
    Hypothesis,
    RecognizedAction,
    Skeleton,
    SkeletonFrame,
)

SIZES = ((640, 480), (1280, 720), (1920, 1080), (3840, 2160))
PEOPLE = (1, 8)


def crowd(count: int, width: int, height: int) -> tuple[SkeletonFrame, ActionFrame]:
    """People side by side who all do something."""
    people, said = [], []
    for index in range(count):
        center = (width * (index + 0.5) / count, 0.55 * height)
        torso_px = min(height / 4, width / count / 1.2)
        person = skeleton(index, person_keypoints(center=center, torso_px=torso_px))
        people.append(person)
        hypotheses = (Hypothesis(1, "wave", 0.8, "b"), Hypothesis(2, "stop", 0.1, "b"))
        said.append(
            RecognizedAction(
                ActionState.ONGOING, index, hypotheses, 0, 1, 20, 0.4, 0.9, person.bbox, "b"
            )
        )
    return SkeletonFrame(1, (height, width), LAYOUT, tuple(people)), ActionFrame(1, tuple(said))


def median_ms(action: Callable[[], object], frames: int) -> float:
    """Median milliseconds of processor time of a call, after three to warm up."""
    times = []
    for index in range(frames + 3):
        begin = time.thread_time()
        action()
        if index >= 3:
            times.append(1e3 * (time.thread_time() - begin))
    return float(np.median(times))


def time_pictures(frames: int) -> list[dict[str, float]]:
    """Rows of width, height, people and draw_ms."""
    rows = []
    for width, height in SIZES:
        image = np.full((height, width, 3), 120, np.uint8)
        for count in PEOPLE:
            people, said = crowd(count, width, height)

            def picture(image=image, people=people, said=said):  # type: ignore[no-untyped-def]
                return draw(image, people, said, "latency 84 ms")

            rows.append(
                {"width": width, "height": height, "people": count,
                 "draw_ms": median_ms(picture, frames)}
            )  # fmt: skip
    return rows


def time_messages(frames: int) -> dict[str, float]:
    """Milliseconds of marker arrays and of a report; empty without a ROS environment."""
    try:
        import rclpy

        from bharnet_ros.nodes.diagnostics import Reporter
        from bharnet_ros.nodes.markers import PeopleMarkers
        from bharnet_ros.nodes.statistics import Statistics
    except ImportError:
        return {}
    camera = Pinhole.from_field_of_view((720, 1280), 60.0)
    found = {}
    for count in PEOPLE:
        people, said = crowd(count, 1280, 720)
        makers = PeopleMarkers()
        found[f"markers_{count}_people_ms"] = median_ms(
            lambda makers=makers, people=people, said=said: makers.update(
                people, said, camera, image_frame="camera"
            ),
            frames,
        )
    rclpy.init()
    node = rclpy.create_node("drawing_benchmark")
    stats = Statistics()
    reporter = Reporter(node, stats)

    def report() -> None:
        for index in range(30):
            stats.event("images in")
            stats.durations({f"stage {number}": float(index) for number in range(8)})
        reporter.publish("active", "", lambda period: (b"\0", "working", {}))

    found["report_ms"] = median_ms(report, frames)
    node.destroy_node()
    rclpy.shutdown()
    return found


def distance_errors(scenes: int = 25) -> dict[str, float]:
    """Relative errors of the estimated distance over drawn people turned up to 60 degrees."""
    layout = get_layout(LAYOUT)
    errors = []
    for seed in range(scenes):
        scene = Scene.random(seed, 2, 12.0, yaw_range_deg=(-60.0, 60.0))
        camera = scene.camera
        pinhole = Pinhole(
            camera.focal_px, camera.focal_px, (camera.width - 1) / 2, (camera.height - 1) / 2
        )
        for moment in np.arange(0.5, 12.0, 1.0).tolist():
            for actor in scene.present(moment):
                pixels, depth = camera.project(scene.pose(actor, moment))
                seen = np.where(camera.contains(pixels), 1.0, 0.0).astype(np.float32)
                box = np.zeros(4, np.float32)
                person = Skeleton(0, box, 1.0, pixels.astype(np.float32), seen)
                found = distance_m(person, layout, pinhole)
                if found is not None:
                    # Where the trunk is: the middle of shoulders and hips.
                    errors.append(found / float(np.mean(depth[[5, 6, 11, 12]])) - 1.0)
    return {
        "people": float(len(errors)),
        "mean_abs_error": float(np.mean(np.abs(errors))),
        "p95_abs_error": float(np.percentile(np.abs(errors), 95)),
        "bias": float(np.mean(errors)),
    }


def write_picture(path: Path, seed: int = 1, moment_s: float = 2.25) -> None:
    """An annotated image of the drawn scene, through the whole real pipeline."""
    from bharnet_ros.bundle import load_bundle
    from bharnet_ros.inference import create_engine
    from bharnet_ros.pipeline import Pipeline
    from bharnet_ros.pose import create_pose_estimator
    from bharnet_ros.recognizer import Recognizer
    from bharnet_ros.simulation.repertoire import load_repertoire
    from bharnet_ros.tracking import Tracker

    bundle = load_bundle("gestures")
    pipeline = Pipeline(
        create_pose_estimator("mediapipe"), Tracker(), Recognizer(bundle, create_engine(bundle))
    )
    scene = Scene.random(seed, 2, 7.0, vocabulary=load_repertoire("gestures"), deal=True)
    actions, rate_hz, begin_ns = None, 12, 10**12
    for index in range(round(moment_s * rate_hz) + 1):
        image = scene.frame(index / rate_hz).image
        begin = time.perf_counter()
        result = pipeline.process(image, begin_ns + round(index * 1e9 / rate_hz))
        latency_ms = 1e3 * (time.perf_counter() - begin)
        actions = result.actions or actions
    status = f"latency {latency_ms:.0f} ms   {len(result.skeletons.skeletons)} in view"
    picture = draw(image, result.skeletons, actions, status)
    cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])


def main() -> None:
    """See above."""
    summary = (__doc__ or "").splitlines()[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drawing", description=summary)
    parser.add_argument("--frames", type=int, default=60, help="frames per figure")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    parser.add_argument("--machine", default="", help="what to call this machine in the file")
    parser.add_argument("--picture", type=Path, help="write an annotated image and end")
    options = parser.parse_args()
    if options.picture is not None:
        write_picture(options.picture)
        return
    cv2.setNumThreads(1)
    pictures = time_pictures(options.frames)
    messages = time_messages(options.frames)
    distances = distance_errors()
    print("annotated image                draw [ms]")
    for row in pictures:
        size = f"{row['width']} x {row['height']}, {row['people']} people"
        print(f"  {size:28s} {row['draw_ms']:8.2f}")
    for name, value in messages.items():
        print(f"{name:30s} {value:8.2f}")
    print(
        f"distance of {distances['people']:.0f} people: mean error "
        f"{100 * distances['mean_abs_error']:.1f} %, 95 % within "
        f"{100 * distances['p95_abs_error']:.0f} %, bias {100 * distances['bias']:+.1f} %"
    )
    if options.json is not None:
        figures = {
            "machine": options.machine, "pictures": pictures, "messages": messages,
            "distances": distances,
        }  # fmt: skip
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
