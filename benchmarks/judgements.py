"""What a judgement costs, by bundle and together: python -m benchmarks.judgements --bundle a,b

CPU time of this process per judgement (not the time on the wall, so other work on the machine
hardly counts), networks with one thread, people made of numbers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.overhead import WARM_UP_FRAMES, moving_people
from bharnet_ros.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from bharnet_ros.inference import create_engine
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from bharnet_ros.tracking import Tracker


def cpu_ms(bundles: Sequence[Bundle], people: int, judgements: int) -> tuple[float, float]:
    """Median CPU milliseconds of a frame that is judged, and of one that is only taken in."""
    config = RecognizerConfig(rate_hz=15.0)
    recognizer = Recognizer([(b, create_engine(b, threads=1)) for b in bundles], config=config)
    tracker = Tracker()
    spent: dict[bool, list[float]] = {True: [], False: []}
    for index, found in enumerate(moving_people(people, 2 * judgements + WARM_UP_FRAMES)):
        tracked = tracker.update(found)
        begin = time.process_time_ns()
        judged = recognizer.push(tracked) is not None
        took_ms = (time.process_time_ns() - begin) * 1e-6
        if index >= WARM_UP_FRAMES:
            spent[judged].append(took_ms)
    return float(np.median(spent[True])), float(np.median(spent[False]))


def main() -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.judgements",
        description="CPU milliseconds of a judgement: each bundle alone, then all together.",
    )
    parser.add_argument("--bundle", default=DEFAULT_BUNDLE, help="names or folders, with commas")
    parser.add_argument("--people", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--judgements", type=int, default=300, help="measured ones per figure")
    options = parser.parse_args()
    bundles = [load_bundle(name.strip()) for name in options.bundle.split(",") if name.strip()]
    groups = [(bundle.manifest.name, [bundle]) for bundle in bundles]
    if len(bundles) > 1:
        groups.append(("together", bundles))
    print(f"{'CPU ms':<24}{'people':>7}{'judgement':>11}{'frame':>8}{'CPU share at 15 Hz':>20}")
    for name, group in groups:
        for people in options.people:
            judged, taken = cpu_ms(group, people, options.judgements)
            share = 1.5 * (judged + taken)  # 15 of each in a second of 30 frames
            print(f"{name:<24}{people:>7}{judged:>11.2f}{taken:>8.2f}{share:>18.1f} %")


if __name__ == "__main__":
    main()
