"""Films of drawn people, read by a pose estimator: the data that experts are trained on.

Every film is a file of its own. A run that was stopped goes on where it was, because a film
that is there, readable and of the same settings is not made again.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import Vocabulary, load_vocabulary
from bharnet_ros.pose import PoseEstimator, create_pose_estimator
from training.config import OUTSIDERS, PROJECTED, TrainingConfig
from training.dataset import DatasetCard, read_card, write_card
from training.filming import build_scene, film
from training.outsiders import outsider_spans, outsider_vocabulary
from training.plan import FilmPlan, plan_films
from training.projecting import project_film
from training.sequences import load_sequence, save_sequence

ESTIMATOR = "mediapipe"
PROJECTED_COST = 0.01
NOT_DRAWN = (PROJECTED, OUTSIDERS[0])
EstimatorFactory = Callable[[], PoseEstimator]

_estimator: PoseEstimator | None = None


def make_estimator() -> PoseEstimator:
    """The estimator the robot runs out of the box, on one thread: workers share the cores."""
    return create_pose_estimator(ESTIMATOR, num_threads=1, max_people=1)


def generate(
    config: TrainingConfig,
    folder: Path,
    workers: int = 2,
    splits: Sequence[str] | None = None,
    factory: EstimatorFactory = make_estimator,
    report: Callable[[str], None] = print,
) -> int:
    """Make every film of the given splits (default all) that is not there yet; returns how many.

    workers: processes; 0 makes the films in this one. factory: makes a process's estimator; it
    must be importable by name. A film that fails stops the run with its number.
    """
    if workers < 0:
        raise ConfigurationError(f"workers is {workers}; give 0 or more processes.")
    known = config.data.all_splits()
    chosen = list(splits) if splits else list(known)
    for name in chosen:
        if name not in known:
            raise ConfigurationError(
                f"There is no split '{name}'; configuration '{config.name}' has {', '.join(known)}."
            )
    vocabulary = load_vocabulary(config.vocabulary)
    _settle_card(config, folder, vocabulary, factory)
    plans = [plan for name in chosen for plan in plan_films(config, name, vocabulary)]
    missing = [plan for plan in plans if not _finished(folder / plan.split / plan.file_name)]
    report(f"{len(plans)} films planned, {len(plans) - len(missing)} there already")
    progress = _Progress(len(missing), sum(_cost(plan) for plan in missing))
    jobs = ((config, plan, str(folder), factory) for plan in missing)
    for seconds in _run(jobs, workers):
        progress.advance(seconds)
    progress.close()
    return len(missing)


def _settle_card(
    config: TrainingConfig, folder: Path, vocabulary: Vocabulary, factory: EstimatorFactory
) -> None:
    """Write the card of a new folder; refuse a folder that holds other data."""
    estimator = factory()
    card = DatasetCard(
        layout=estimator.layout,
        class_names=tuple(vocabulary.class_names),
        background=vocabulary.background,
        pairs=tuple((a, b) for a, b in vocabulary.pairs),
        estimator=ESTIMATOR if factory is make_estimator else factory.__name__,
        seed=config.seed,
        digest=config.data_digest(),
    )
    estimator.close()
    if (folder / "dataset.json").exists():
        if read_card(folder) != card:
            raise ConfigurationError(
                f"{folder} holds films of other settings or another vocabulary; choose another "
                "--data folder, or delete this one."
            )
        return
    free = shutil.disk_usage(folder.parent if folder.parent.exists() else Path()).free
    if free < 200_000_000:
        raise ConfigurationError(
            f"Only {free / 1e6:.0f} MB are free where {folder} would be; make room for 200 MB."
        )
    write_card(folder, card)


def _finished(path: Path) -> bool:
    """Whether this film is there and can be read; a damaged one is made again."""
    if not path.exists():
        return False
    try:
        load_sequence(path)
    except ConfigurationError:
        return False
    return True


def _cost(plan: FilmPlan) -> float:
    """Work, in seconds of drawn film; nothing is drawn or estimated in a projected one."""
    return plan.duration_s * (PROJECTED_COST if plan.split in NOT_DRAWN else 1.0)


def make_film(
    config: TrainingConfig, plan: FilmPlan, folder: str, factory: EstimatorFactory
) -> float:
    """Make one film and write its file; returns its share of the work.

    A process keeps its estimator: opening the networks takes longer than forgetting a person.
    """
    global _estimator
    vocabulary = load_vocabulary(config.vocabulary)
    if plan.split in OUTSIDERS:
        vocabulary = outsider_vocabulary(plan.schedule, plan.seed, vocabulary)
    if plan.split in NOT_DRAWN:
        sequence = project_film(plan, config.data, vocabulary)
    else:
        if _estimator is None:
            _single_threaded()
            _estimator = factory()
        scene = build_scene(plan, config.data, vocabulary)
        sequence = film(scene, plan, config.data, _estimator)
    if plan.split in OUTSIDERS:
        sequence = replace(sequence, spans=outsider_spans(sequence.spans))
    sequence = replace(sequence, info={**sequence.info, "digest": config.data_digest()})
    save_sequence(Path(folder) / plan.split / plan.file_name, sequence)
    return _cost(plan)


def _single_threaded() -> None:
    """OpenCV would start a thread for every core in every worker."""
    import cv2

    cv2.setNumThreads(1)


Job = tuple[TrainingConfig, FilmPlan, str, EstimatorFactory]


def _run(jobs: Iterable[Job], workers: int) -> Iterator[float]:
    """Do the jobs, in this process or in several; yields each film's share of the work."""
    global _estimator
    if workers == 0:
        _estimator = None
        try:
            for job in jobs:
                yield make_film(*job)
        finally:
            _estimator = None
        return
    # spawn: a forked child of a process that holds threads or ROS may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: set[Future[float]] = set()
        try:
            for job in jobs:
                if len(waiting) >= 2 * workers:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
                waiting.add(pool.submit(make_film, *job))
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Progress:
    """One line that counts films; a new line now and then where nobody watches."""

    def __init__(self, films: int, seconds: float) -> None:
        self._films, self._seconds = films, seconds
        self._done, self._done_s = 0, 0.0
        self._begin = self._shown = time.monotonic()
        self._live = sys.stdout.isatty()

    def advance(self, seconds: float) -> None:
        self._done += 1
        self._done_s += seconds
        now = time.monotonic()
        if not self._live and now - self._shown < 20.0 and self._done < self._films:
            return
        self._shown = now
        left = (now - self._begin) / self._done_s * (self._seconds - self._done_s)
        text = (
            f"film {self._done}/{self._films}, {self._done_s / (now - self._begin):.1f} s of film "
            f"per second, {left / 60:.0f} min left"
        )
        print(f"\r{text}   " if self._live else text, end="" if self._live else "\n", flush=True)

    def close(self) -> None:
        if self._live and self._done:
            print()
