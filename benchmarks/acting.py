"""`python -m benchmarks.acting`: windows of acted gestures a second, as training draws them.

Whole people (59 keypoints, 32 steps), from the descriptions to keypoints with an estimator's
errors: the performances, the cameras, the errors. Each process acts for itself; the performances
of a bank are used as often as in training.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

WINDOW_S, STEPS = 1.6, 32
BATCH = 256
USES = 16
"""Windows drawn per second of performance and camera, about what the shipped recipe does."""


def work(seed: int, seconds: float) -> tuple[int, float, float]:
    """(windows, seconds spent acting, seconds spent looking) of one process."""
    from bharnet_ros.gestures import load_vocabulary
    from training.describing.observing import Observer
    from training.describing.people import ActingConfig, act
    from training.describing.views import ViewConfig, look

    vocabulary = load_vocabulary("gestures")
    acting = ActingConfig()
    count = max(2, int(seconds * 5))
    begin = time.perf_counter()
    people = act(
        vocabulary, count, WINDOW_S, STEPS, seed, acting, unknown_id=len(vocabulary.class_names)
    )
    acted = time.perf_counter()
    observer = Observer(STEPS, people.step_s, seed)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(people.whole)
    windows = int(count * acting.duration_s / people.step_s) * USES
    begin_looking = time.perf_counter()
    done = 0
    while done < windows:
        pixels = look(people.windows(rng.choice(rows, BATCH)), rng, ViewConfig())
        observer(pixels, rng)
        done += BATCH
    return done, acted - begin, time.perf_counter() - begin_looking


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.acting", description=__doc__)
    parser.add_argument("--processes", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--seconds", type=float, default=2.0, help="of acting, about, each")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.processes, mp_context=context) as pool:
        jobs = [pool.submit(work, seed, options.seconds) for seed in range(options.processes)]
        results = [job.result() for job in jobs]
    total = sum(windows / (acting + looking) for windows, acting, looking in results)
    looking = sum(windows / looked for windows, _, looked in results)
    print(
        f"{options.processes} processes: {total:.0f} windows a second with the acting in it, "
        f"{looking:.0f} once it is done"
    )


if __name__ == "__main__":
    main()
