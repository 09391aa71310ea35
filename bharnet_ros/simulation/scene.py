"""A scene: who stands where, does what and when, and what a camera sees of it at any moment.

The world's frame has the camera near the origin, looking along x; z is up. Every picture is a
function of the scene and the time alone: the same scene gives the same picture at t, in whatever
order the frames are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import Performance, Segment
from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.props import Holding, Prop
from bharnet_ros.simulation.renderer import Actor, Renderer, Rendering
from bharnet_ros.simulation.walking import WalkPath
from bharnet_ros.types import AnyFloat, FloatArray, Image, Skeleton, SkeletonFrame

if TYPE_CHECKING:
    from bharnet_ros.simulation.casting import SceneOptions

LAYOUT = "coco_wholebody_133"
OCCLUDED_SCORE = 0.5
"""Ground truth score of a keypoint inside the image that something hides; 1 is in plain view."""


@dataclass(frozen=True, eq=False)
class ScriptedActor:
    """One person of a scene.

    actor_id: the ground truth's track id. place: x, y on the floor, metres. yaw_rad: the turn
    away from facing the camera, positive to the person's left. walk: x, y metres moved over the
    whole scene, evenly (sliding, not stepping). present_s: from when until when they are there.
    path: the way they walk, stepping, instead of place, yaw_rad and walk. holdings: what is in
    their hands when; keypoints and their scores do not depend on it.
    """

    actor_id: int
    place: tuple[float, float]
    yaw_rad: float
    appearance: Appearance
    performance: Performance
    walk: tuple[float, float] = (0.0, 0.0)
    present_s: tuple[float, float] = (0.0, float("inf"))
    path: WalkPath | None = None
    holdings: tuple[Holding, ...] = ()

    def held(self, t_s: float) -> tuple[tuple[Prop, tuple[int, ...]], ...]:
        """What is in which hands (0 left, 1 right) at t_s."""
        return tuple((h.prop, h.hands) for h in self.holdings if h.start_s <= t_s < h.end_s)


@dataclass(frozen=True)
class ActorSegment:
    """A gesture of one person, in seconds of the scene."""

    track_id: int
    segment: Segment


@dataclass(frozen=True, eq=False)
class SceneFrame:
    """image: (height, width, 3) uint8 BGR. skeletons: ground truth; score 1 = visible, 0.5 =
    hidden but inside the image, 0 = outside. active: who does what at this moment."""

    t_s: float
    image: Image
    skeletons: SkeletonFrame
    active: tuple[ActorSegment, ...]


class Scene:
    """Actors in front of one camera."""

    def __init__(
        self,
        actors: Sequence[ScriptedActor],
        renderer: Renderer,
        duration_s: float,
        seed: int = 0,
        drop_rate: float = 0.0,
    ) -> None:
        """seed: noise and dropped frames. drop_rate: share of frames that `frames` leaves out.

        Raises ConfigurationError for a duration or rate that makes no sense, or equal actor ids.
        """
        if not (np.isfinite(duration_s) and duration_s > 0) or not 0 <= drop_rate < 1:
            raise ConfigurationError(
                f"a scene of {duration_s} s with a drop rate of {drop_rate} cannot be played; "
                "give a positive duration and a rate from 0 to below 1"
            )
        if len({a.actor_id for a in actors}) != len(actors):
            raise ConfigurationError(
                f"actor ids {[a.actor_id for a in actors]} repeat; give each actor its own"
            )
        self.actors = tuple(actors)
        self.renderer = renderer
        self.duration_s = float(duration_s)
        self.drop_rate = float(drop_rate)
        self._seed = int(seed)

    @classmethod
    def random(
        cls,
        seed: int,
        num_people: int = 1,
        duration_s: float = 10.0,
        options: SceneOptions | None = None,
        **changes: object,
    ) -> Scene:
        """A scene of random people doing random gestures, the same for the same arguments.

        options: `bharnet_ros.simulation.casting.SceneOptions`; changes: its fields by name, e.g.
        Scene.random(3, 2, 20.0, yaw_range_deg=(-45, 45), shape_seeds=(7, 8)).
        """
        from bharnet_ros.simulation.casting import cast_scene

        return cast_scene(seed, num_people, duration_s, options, **changes)

    @property
    def camera(self) -> Camera:
        return self.renderer.camera

    @property
    def segments(self) -> tuple[ActorSegment, ...]:
        """Every gesture of everybody, by start."""
        found = [ActorSegment(a.actor_id, s) for a in self.actors for s in a.performance.segments]
        return tuple(sorted(found, key=lambda s: (s.segment.start_s, s.track_id)))

    def pose(self, actor: ScriptedActor, t_s: float) -> AnyFloat:
        """(133, 3) keypoints of an actor in the world, metres."""
        return self._placed(actor, actor.performance.pose(t_s), t_s)

    def poses(self, actor: ScriptedActor, times_s: AnyFloat) -> AnyFloat:
        """(N, 133, 3) the same at (N,) seconds; faster, equal but for rounding."""
        bodies = actor.performance.poses(np.asarray(times_s, np.float64))
        each = zip(bodies, np.asarray(times_s).tolist(), strict=True)
        return np.stack([self._placed(actor, body, t_s) for body, t_s in each])

    def _placed(self, actor: ScriptedActor, body: AnyFloat, t_s: float) -> AnyFloat:
        if actor.path is not None:
            return actor.path.place(body, actor.performance.shape, t_s)
        share = float(np.clip(t_s / self.duration_s, 0, 1))
        place = np.add(actor.place, np.multiply(actor.walk, share))
        towards = np.subtract(self.camera.position[:2], actor.place)
        angle = np.arctan2(towards[1], towards[0]) + actor.yaw_rad
        c, s = np.cos(angle), np.sin(angle)
        world = body @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        world[:, :2] += place
        turned: AnyFloat = world
        return turned

    def present(self, t_s: float) -> list[ScriptedActor]:
        """Who is there, in the image or beside it."""
        return [a for a in self.actors if a.present_s[0] <= t_s < a.present_s[1]]

    def frame(self, t_s: float, stamp_ns: int | None = None) -> SceneFrame:
        """What the camera sees at t_s. stamp_ns: the stamp to put on it; default t_s itself."""
        present = self.present(t_s)
        half = self.renderer.effects.shutter_s / 2
        cast = []
        for actor in present:
            times = np.array([t_s - half, t_s, t_s + half])
            before, now, after = (
                self._placed(actor, p, float(t))
                for p, t in zip(actor.performance.poses(times), times, strict=True)
            )
            motion = after - before if half > 0 else None
            cast.append(Actor(now, actor.appearance, motion, actor.held(t_s)))
        rng = np.random.default_rng([self._seed, abs(round(t_s * 1e6))])
        rendering = self.renderer.render_actors(cast, rng)
        stamp = round(t_s * 1e9) if stamp_ns is None else int(stamp_ns)
        size = (self.camera.height, self.camera.width)
        skeletons = tuple(
            _skeleton(actor.actor_id, rendering, i, size) for i, actor in enumerate(present)
        )
        active = []
        for actor in present:
            segment = actor.performance.active(t_s)
            if segment is not None:
                active.append(ActorSegment(actor.actor_id, segment))
        truth = SkeletonFrame(stamp, size, LAYOUT, skeletons)
        return SceneFrame(t_s, rendering.image, truth, tuple(active))

    def frames(self, fps: float = 30.0, start_ns: int = 0) -> Iterator[SceneFrame]:
        """Every frame from 0 to duration_s that is not dropped; stamps begin at start_ns."""
        if not (np.isfinite(fps) and fps > 0):
            raise ConfigurationError(f"fps is {fps}; give a positive number of frames per second")
        count = int(self.duration_s * fps)
        lost = np.random.default_rng([self._seed, 1]).random(count) < self.drop_rate
        for i in np.flatnonzero(~lost):
            t_s = float(i) / fps
            yield self.frame(t_s, start_ns + round(t_s * 1e9))


def _skeleton(track_id: int, rendering: Rendering, index: int, size: tuple[int, int]) -> Skeleton:
    points = rendering.keypoints[index]
    height, width = size
    limit = np.array([width, height], np.float32) - np.float32(0.5)
    inside = np.all((points >= -0.5) & (points < limit), axis=1)
    scores = np.where(rendering.visible[index], 1.0, np.where(inside, OCCLUDED_SCORE, 0.0))
    bbox: FloatArray = np.zeros(4, np.float32)
    if inside.any():
        low = np.clip(points.min(axis=0), 0, limit)
        high = np.clip(points.max(axis=0), 0, limit)
        bbox = np.concatenate([low, high - low]).astype(np.float32)
    return Skeleton(
        track_id, bbox, float(inside.any()), points.copy(), scores.astype(np.float32)
    )
