"""One film: a drawn person in front of a camera, and what a pose estimator makes of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bharnet_ros.gestures import BodyShape, GesturePlayer, Segment, Style, Vocabulary
from bharnet_ros.pose import PoseEstimator
from bharnet_ros.simulation import (
    BACKGROUND_KINDS,
    Appearance,
    Camera,
    Effects,
    Renderer,
    Scene,
    ScriptedActor,
    camera_light,
    make_background,
)
from bharnet_ros.simulation.props import plan_holdings
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import FloatArray, Skeleton, SkeletonFrame
from training.config import DataConfig
from training.plan import FilmPlan, frame_times
from training.sequences import GestureSpan, KeypointSequence

MIN_OVERLAP = 0.3
"""A found person is the actor if their boxes' intersection over union is at least this."""
_FOREGROUND_SCORE = 0.75


def build_scene(
    plan: FilmPlan,
    data: DataConfig,
    vocabulary: Vocabulary,
    drawn: bool = True,
    background: str | None = None,
) -> Scene:
    """The scene of a plan. The actor's seed fixes body, clothes and habits; the film's seed
    fixes light, lens, background, where the person stands, and how each gesture turns out.

    drawn: False leaves the background black, for those who only want the poses. background: kind
    of it; it is then drawn from a stream of its own, and all else is the same drawn or not. What
    people hold follows from the vocabulary and leaves their movements as they are.
    """
    who = np.random.default_rng([plan.actor, 11])
    shape, style, look = BodyShape.sample(who), Style.sample(who), Appearance.sample(who)
    style = replace(style, speed=plan.speed)

    view = np.random.default_rng([plan.seed, 13])
    height, width = data.image_size
    camera = Camera(
        width=width,
        height=height,
        focal_px=data.focal_px * float(view.uniform(0.95, 1.06)),
        position=(0.0, 0.0, plan.camera_height_m),
        look_at=(2.0, 0.0, 1.2 + float(view.uniform(-0.05, 0.05))),
    )
    light = camera_light(
        view.uniform(-0.9, 0.9), view.uniform(0.15, 1.0), view.uniform(0.5, 0.72),
        view.uniform(0.34, 0.5),
    )  # fmt: skip
    effects = Effects.sample(view)
    paint = view if background is None else np.random.default_rng([plan.seed, 29])
    kind = background or BACKGROUND_KINDS[int(view.integers(len(BACKGROUND_KINDS)))]
    wall = (
        make_background(kind, (width, height), paint)
        if drawn
        else np.zeros((height, width, 3), np.uint8)
    )
    # Free to stand anywhere where both arms stay in the picture (about a metre).
    free = max(0.5 * (width / camera.focal_px * plan.distance_m - 1.05), 0.0)
    place = (plan.distance_m, float(view.uniform(-1.0, 1.0)) * min(free, 0.5))

    what = np.random.default_rng([plan.seed, 17])
    performance = GesturePlayer(vocabulary, shape, style).plan(plan.schedule, what, plan.duration_s)
    hands = np.random.default_rng([plan.seed, 19])
    holdings = plan_holdings(vocabulary, performance, style.handedness, plan.duration_s, hands)
    actor = ScriptedActor(
        0, place, float(np.radians(plan.yaw_deg)), look, performance, holdings=holdings
    )
    renderer = Renderer(camera, wall, effects, light, plan.seed)
    return Scene([actor], renderer, plan.duration_s, plan.seed)


def film(
    scene: Scene, plan: FilmPlan, data: DataConfig, estimator: PoseEstimator
) -> KeypointSequence:
    """Play a scene, show every frame to the estimator, keep what it says of the actor."""
    estimator.reset()
    spec = get_layout(estimator.layout)
    stamps, points, scores, truths = [], [], [], []
    for t_s in frame_times(plan, data):
        stamp_ns = round(t_s * 1e9)
        frame = scene.frame(float(t_s), stamp_ns)
        seen = estimator.estimate(frame.image, stamp_ns)
        actor = frame.skeletons.skeletons[0]
        found = find_person(seen, actor)
        stamps.append(stamp_ns)
        points.append(
            np.zeros((spec.num_keypoints, 2), np.float32) if found is None else found.keypoints
        )
        scores.append(np.zeros(spec.num_keypoints, np.float32) if found is None else found.scores)
        truths.append(_visible_truth(actor))
    return KeypointSequence(
        layout=estimator.layout,
        stamps_ns=np.array(stamps, np.int64),
        keypoints=np.stack(points),
        scores=np.stack(scores),
        truth=np.stack(truths),
        spans=tuple(span_of(s.segment) for s in scene.segments),
        info={
            "image_size": list(data.image_size),
            "actor": plan.actor,
            "seed": plan.seed,
            "yaw_deg": plan.yaw_deg,
            "distance_m": plan.distance_m,
            "camera_height_m": plan.camera_height_m,
            "speed": plan.speed,
            "fps": plan.fps,
        },
    )  # fmt: skip


def span_of(segment: Segment) -> GestureSpan:
    """A segment of a performance, in nanoseconds."""
    times = (segment.start_s, segment.end_s, segment.arrived_s, segment.released_s)
    return GestureSpan(segment.class_name, *(round(t * 1e9) for t in times))


def find_person(frame: SkeletonFrame, actor: Skeleton) -> Skeleton | None:
    """The one of the found people who is the actor, by the boxes; None if nobody is."""
    best, best_overlap = None, MIN_OVERLAP
    for skeleton in frame.skeletons:
        overlap = _intersection_over_union(skeleton.bbox, actor.bbox)
        if overlap >= best_overlap:
            best, best_overlap = skeleton, overlap
    return best


def _intersection_over_union(first: FloatArray, second: FloatArray) -> float:
    """Of two boxes x, y, width, height."""
    low = np.maximum(first[:2], second[:2])
    high = np.minimum(first[:2] + first[2:], second[:2] + second[2:])
    common = float(np.prod(np.clip(high - low, 0.0, None)))
    union = float(np.prod(first[2:]) + np.prod(second[2:])) - common
    return common / union if union > 0.0 else 0.0


def _visible_truth(actor: Skeleton) -> FloatArray:
    """(K, 2) exact keypoints, NaN where something hides them or they lie outside."""
    hidden = actor.scores < _FOREGROUND_SCORE
    truth: FloatArray = np.where(hidden[:, None], np.float32(np.nan), actor.keypoints)
    return truth
