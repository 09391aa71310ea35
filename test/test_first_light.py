"""The shipped bundle at work, without ROS: drawn strangers, the real estimator, real events.

One run of two drawn people doing every gesture of the vocabulary feeds all tests of this file.
Bodies, looks and scripts come from seeds that no training split uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from bharnet_ros.bundle import Bundle, load_bundle
from bharnet_ros.evaluation import (
    Episode,
    EpisodeCollector,
    PersonMatcher,
    Score,
    score_episodes,
)
from bharnet_ros.experts import Experts
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.inference import create_engine
from bharnet_ros.pipeline import Pipeline
from bharnet_ros.pose import create_pose_estimator
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.simulation import Scene
from bharnet_ros.skeleton import get_layout
from bharnet_ros.tracking import Tracker
from bharnet_ros.types import SkeletonFrame
from bharnet_ros.windows import WindowBuffer

FPS = 8.0
SCENE_S = 40.0
SEEDS = (90_001, 90_002)
STRANGERS = (900_001, 900_002), (900_003, 900_004)
NS = 1_000_000_000

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Choice:
    """One true gesture of a finger pair, and which of the pair each opinion prefers."""

    truth: str
    fused: str
    body: str


@dataclass(frozen=True)
class Watched:
    """What came of the scenes."""

    score: Score
    choices: tuple[Choice, ...]


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle("first_light")


@pytest.fixture(scope="module")
def watched(bundle: Bundle) -> Watched:
    truth: list[Episode] = []
    found: list[Episode] = []
    choices: list[Choice] = []
    for number, (seed, people) in enumerate(zip(SEEDS, STRANGERS, strict=True)):
        scene = Scene.random(
            seed, 2, SCENE_S, shape_seeds=people, appearance_seeds=people, yaw_range_deg=(-25, 25)
        )
        scripted = [
            Episode(
                s.track_id, s.segment.class_name,
                round(s.segment.start_s * NS), round(s.segment.end_s * NS),
            )
            for s in scene.segments
        ]  # fmt: skip
        recognised, matcher, frames = _watch(bundle, scene)
        choices += _forced_choices(bundle, frames, matcher, scripted)
        # Episodes of both scenes in one score: people of the second one get other numbers.
        truth += [_moved(e, number) for e in scripted]
        found += [_moved(e, number) for e in matcher.attribute(recognised)]
    return Watched(score_episodes(truth, found), tuple(choices))


def test_at_least_four_in_five_actions_are_right(watched: Watched) -> None:
    score = watched.score
    assert score.total >= 32
    assert score.recall >= 0.8, score.confusion()


def test_answers_can_be_trusted(watched: Watched) -> None:
    assert watched.score.precision >= 0.7, watched.score.false_alarms


def test_finger_pairs_need_the_hand_expert(watched: Watched) -> None:
    count = len(watched.choices)
    assert count >= 16
    fused = sum(c.fused == c.truth for c in watched.choices)
    body = sum(c.body == c.truth for c in watched.choices)
    # A guesser stays below this in 99 of 100 runs.
    chance = 0.5 * count + 2.33 * 0.5 * count**0.5
    assert fused > chance
    assert body <= chance
    assert fused >= 0.85 * count


def test_the_vocabulary_is_the_promised_one(bundle: Bundle) -> None:
    vocabulary = load_vocabulary()
    assert bundle.manifest.class_names == vocabulary.class_names
    assert len(vocabulary.actions) >= 14
    assert len(vocabulary.pairs) >= 4


CLIPS = ("ambulancia", "doctor", "dolor", "hoy", "yo")


@pytest.mark.parametrize("word", CLIPS)
def test_real_signing_runs_end_to_end(bundle: Bundle, shared_data: Path, word: str) -> None:
    frames, actions = _run_video(bundle, shared_data / "videos" / f"msl150_{word}_001.mp4")
    coco = get_layout("coco_wholebody_133")
    people = [frame.skeletons for frame in frames]
    assert all(len(found) == 1 for found in people[3:])
    assert len({found[0].track_id for found in people[3:]}) == 1
    shoulders = [coco.index("left_shoulder"), coco.index("right_shoulder")]
    hands = np.stack([coco.left_hand_indices, coco.right_hand_indices])
    sure = np.mean([found[0].scores[shoulders].min() > 0.5 for found in people[3:]])
    signing = np.mean([(found[0].scores[hands] > 0.5).all(axis=1).any() for found in people[3:]])
    assert sure > 0.95
    assert signing > 0.8  # at least the signing hand
    assert actions > 0


def test_an_empty_pool_has_no_confident_people(bundle: Bundle, shared_data: Path) -> None:
    frames, _ = _run_video(bundle, shared_data / "videos" / "mmaction2_tests_test.mp4", 90)
    assert sum(len(frame.skeletons) for frame in frames) == 0


def _pipeline(bundle: Bundle) -> Pipeline:
    return Pipeline(
        create_pose_estimator("mediapipe", num_threads=2),
        Tracker(),
        Recognizer(bundle, create_engine(bundle, "onnxruntime", threads=2)),
    )


def _watch(
    bundle: Bundle, scene: Scene
) -> tuple[tuple[Episode, ...], PersonMatcher, list[SkeletonFrame]]:
    pipeline, collector, matcher = _pipeline(bundle), EpisodeCollector(), PersonMatcher()
    frames = []
    for frame in scene.frames(FPS):
        result = pipeline.process(frame.image, frame.skeletons.stamp_ns)
        frames.append(result.skeletons)
        matcher.push(result.skeletons, frame.skeletons)
        if result.actions is not None:
            collector.push(result.actions)
    last = pipeline.flush()
    if last is not None:
        collector.push(last)
    return collector.episodes(), matcher, frames


def _forced_choices(
    bundle: Bundle, frames: list[SkeletonFrame], matcher: PersonMatcher, scripted: list[Episode]
) -> list[Choice]:
    """Each opinion must take one of the two gestures of a pair, shortly before its release."""
    manifest = bundle.manifest
    partner = {a: b for pair in load_vocabulary().pairs for a, b in (pair, pair[::-1])}
    engine = create_engine(bundle, "onnxruntime", threads=2)
    experts = {fusion: Experts(bundle, engine, fusion) for fusion in ("fused", "body")}
    choices = []
    for episode in (e for e in scripted if e.class_name in partner):
        at_ns = round(0.3 * episode.start_ns + 0.7 * episode.end_ns)
        buffer = WindowBuffer(
            manifest.layout, manifest.window_s, manifest.num_steps, manifest.max_gap_s,
            forget_after_s=1.0,
        )  # fmt: skip
        for frame in frames:
            if at_ns - 3 * NS < frame.stamp_ns <= at_ns:
                buffer.push(frame)
        windows = {
            track: buffer.window(track, at_ns)
            for track in buffer.track_ids
            if matcher.person(track, episode.start_ns, episode.end_ns) == episode.person_id
        }
        pair = (episode.class_name, partner[episode.class_name])
        ids = [manifest.class_names.index(name) for name in pair]
        taken = {}
        for fusion, judge in experts.items():
            for opinion in judge.judge(windows).values():
                taken[fusion] = pair[int(opinion.probabilities[ids].argmax())]
        if len(taken) == len(experts):
            choices.append(Choice(episode.class_name, taken["fused"], taken["body"]))
    return choices


def _moved(episode: Episode, scene: int) -> Episode:
    person = episode.person_id if episode.person_id < 0 else episode.person_id + 100 * scene
    offset = round(scene * 1000 * NS)
    return Episode(
        person, episode.class_name, episode.start_ns + offset, episode.end_ns + offset,
        episode.score,
    )  # fmt: skip


def _run_video(
    bundle: Bundle, path: Path, most: int | None = None
) -> tuple[list[SkeletonFrame], int]:
    video = cv2.VideoCapture(str(path))
    period_ns = round(NS / video.get(cv2.CAP_PROP_FPS))
    pipeline = _pipeline(bundle)
    frames: list[SkeletonFrame] = []
    actions = 0
    while most is None or len(frames) < most:
        there, image = video.read()
        if not there:
            break
        result = pipeline.process(image, (len(frames) + 1) * period_ns)
        frames.append(result.skeletons)
        actions += len(result.actions.actions) if result.actions is not None else 0
    assert frames
    return frames, actions
