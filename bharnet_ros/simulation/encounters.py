"""Scripted encounters: people who cross, hide and meet each other, with exact identities.

Each kind of encounter is a small story told at random speeds, distances and sides. Made to test
trackers: `Scene.frame` draws it, `undrawn.true_frame` gives the same truth without a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import (
    BodyShape,
    GesturePlayer,
    Performance,
    Style,
    Vocabulary,
    load_vocabulary,
)
from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.background import BackgroundKind, make_background
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.effects import Effects
from bharnet_ros.simulation.renderer import Renderer
from bharnet_ros.simulation.scene import Scene, ScriptedActor
from bharnet_ros.simulation.shading import camera_light
from bharnet_ros.simulation.walking import WalkPath, Waypoint

CAMERA = Camera(960, 540, 640.0, (0.0, 0.0, 1.3), (2.0, 0.0, 1.15))
"""Sees 75 degrees across, as a robot's wide camera does."""


@dataclass(frozen=True)
class _Role:
    """What one person does: waypoints, whom they face when standing, from when until when."""

    waypoints: Sequence[Waypoint]
    look_at: tuple[float, float] = (0.0, 0.0)
    present_s: tuple[float, float] = (0.0, float("inf"))


@dataclass(frozen=True)
class _Story:
    """roles: one per person. duration_s: until everybody has done what they do."""

    roles: tuple[_Role, ...]
    duration_s: float


def _edge(x: float) -> float:
    """How far to a side somebody x metres away stays well within the image."""
    return 0.5 * CAMERA.width / CAMERA.focal_px * x - 0.45


def _across(
    x: float, side: float, speed: float, start_s: float, until: float = 1.0
) -> tuple[list[Waypoint], float]:
    """From one side to the other at x metres; until: share of the way. Returns when they arrive."""
    reach = _edge(x)
    arrived = start_s + 2 * reach * until / speed
    end = side * reach * (1 - 2 * until)
    return [(start_s, x, side * reach), (arrived, x, end)], arrived


def _side(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _pass(rng: np.random.Generator) -> _Story:
    """Two people walk past each other."""
    near = rng.uniform(2.6, 3.4)
    far, side = near + rng.uniform(0.5, 1.3), _side(rng)
    one, end_one = _across(near, side, rng.uniform(0.7, 1.5), rng.uniform(0.5, 1.2))
    two, end_two = _across(far, -side, rng.uniform(0.7, 1.5), rng.uniform(0.5, 1.2))
    return _Story((_Role(one), _Role(two)), max(end_one, end_two) + 1.0)


def _overtake(rng: np.random.Generator) -> _Story:
    """A fast walker passes a slow one who goes the same way."""
    near = rng.uniform(2.8, 3.4)
    depths, side = [near, near + rng.uniform(0.6, 1.1)], _side(rng)
    if rng.random() < 0.5:
        depths.reverse()
    slow, end = _across(depths[0], side, rng.uniform(0.5, 0.7), 0.6, 0.8)
    fast, end_fast = _across(depths[1], side, rng.uniform(1.1, 1.5), rng.uniform(1.6, 2.4))
    return _Story((_Role(slow), _Role(fast)), max(end, end_fast) + 1.0)


def _behind(rng: np.random.Generator) -> _Story:
    """Somebody walks past behind a standing person."""
    x, y = rng.uniform(2.2, 2.8), rng.uniform(-0.5, 0.5)
    walker, end = _across(x + rng.uniform(0.8, 1.6), _side(rng), rng.uniform(0.6, 1.4), 0.8)
    return _Story((_Role([(0.0, x, y)]), _Role(walker)), end + 1.0)


def _hide(rng: np.random.Generator) -> _Story:
    """Somebody walks behind a standing person, waits there, and goes on or back."""
    x, side = rng.uniform(2.0, 2.5), _side(rng)
    y, far = rng.uniform(-0.3, 0.3), x + rng.uniform(0.7, 1.3)
    speed, wait = rng.uniform(0.8, 1.3), rng.uniform(0.3, 0.8)
    start, hidden = side * _edge(far), y * far / x
    there = 0.8 + abs(start - hidden) / speed
    end = start if rng.random() < 0.5 else -start
    away = there + wait
    done = away + abs(end - hidden) / speed
    walker = [(0.8, far, start), (there, far, hidden), (away, far, hidden), (done, far, end)]
    return _Story((_Role([(0.0, x, y)]), _Role(walker)), done + 1.0)


def _in_front(rng: np.random.Generator) -> _Story:
    """Somebody walks past in front of a standing person."""
    x, y = rng.uniform(3.2, 4.0), rng.uniform(-0.6, 0.6)
    walker, end = _across(x - rng.uniform(0.8, 1.3), _side(rng), rng.uniform(0.6, 1.4), 0.8)
    return _Story((_Role([(0.0, x, y)]), _Role(walker)), end + 1.0)


def _meet(rng: np.random.Generator) -> _Story:
    """Two people go to each other, embrace or shake hands, and part: back, or past each other."""
    x, side = rng.uniform(2.8, 3.6), _side(rng)
    depth, gap = rng.uniform(0.2, 0.4), rng.uniform(0.1, 0.25)
    middle, stay = rng.uniform(-0.4, 0.4), rng.uniform(0.8, 2.0)
    back = rng.random() < 0.5
    begin, met = 0.6, 0.6 + (_edge(x) - 0.4) / rng.uniform(0.8, 1.2)
    part, done = met + stay, 2 * met + stay
    roles = []
    for sign, at in ((1.0, x), (-1.0, x + depth)):
        start, here = sign * side * _edge(x), middle + sign * side * gap
        goal = start if back else -start
        way = [(begin, at, start), (met, at, here), (part, at, here), (done, at, goal)]
        roles.append(_Role(way, look_at=(x + depth / 2, middle)))
    return _Story(tuple(roles), done + 0.8)


def _leave(rng: np.random.Generator) -> _Story:
    """Somebody leaves the image, and after more than the trackers' memory comes back; somebody
    else stands by. Who comes back is somebody new to a tracker: an actor of its own here."""
    x, side = rng.uniform(2.8, 3.6), _side(rng)
    beyond = _edge(x) + 1.6
    speed, gone = rng.uniform(0.9, 1.3), rng.uniform(2.6, 3.4)
    start = rng.uniform(-0.3, 0.3)
    out = 1.0 + abs(side * beyond - start) / speed
    again = out + gone
    done = again + (beyond - 0.2) / speed
    leaving = _Role([(1.0, x, start), (out, x, side * beyond)], present_s=(0.0, out))
    back = _Role([(again, x, side * beyond), (done, x, side * 0.2)],
                 present_s=(again, float("inf")))  # fmt: skip
    other = _Role([(0.0, x + 0.7, -side * rng.uniform(0.8, 1.2))])
    return _Story((leaving, other, back), done + 1.0)


def _group(rng: np.random.Generator) -> _Story:
    """Four people walk to and fro at their own pace, each on a line of their own."""
    roles = []
    for x in 2.6 + 0.6 * rng.permutation(4) + rng.uniform(-0.1, 0.1, 4):
        clock, y = rng.uniform(0.3, 1.0), rng.uniform(-1.0, 1.0) * _edge(x)
        way = [(clock, x, y)]
        while clock < 9.0:
            goal = rng.uniform(-1.0, 1.0) * _edge(x)
            clock += max(abs(goal - y) / rng.uniform(0.6, 1.4), 0.4)
            y = goal
            way.append((clock, x, y))
            if rng.random() < 0.5:
                clock += rng.uniform(0.4, 1.2)
                way.append((clock, x, y))
        roles.append(_Role([(float(t), float(a), float(b)) for t, a, b in way]))
    return _Story(tuple(roles), 10.0)


_STORIES: Mapping[str, Callable[[np.random.Generator], _Story]] = {
    "pass": _pass, "overtake": _overtake, "behind": _behind, "hide": _hide,
    "in_front": _in_front, "meet": _meet, "leave": _leave, "group": _group,
}  # fmt: skip
ENCOUNTERS = tuple(_STORIES)
"""The kinds there are."""


def encounter(
    kind: str, seed: int, drawn: bool = True, vocabulary: Vocabulary | None = None
) -> Scene:
    """A scene of one of `ENCOUNTERS`, the same for the same kind and seed.

    Actor ids are identities; whoever comes back after having left has a new one (see `leave`),
    in the same body and clothes. drawn: False leaves the background black, for those who only
    want the truth. vocabulary: whose idle people stand and walk; None = the shipped gestures.
    Raises ConfigurationError for an unknown kind.
    """
    if kind not in _STORIES:
        raise ConfigurationError(
            f"'{kind}' is no encounter; choose one of {', '.join(ENCOUNTERS)}"
        )
    vocabulary = vocabulary or _idle_people()
    story_rng, view, who = (
        np.random.default_rng([seed, ENCOUNTERS.index(kind), k]) for k in range(3)
    )
    story = _STORIES[kind](story_rng)
    people = [_person(who, vocabulary, story.duration_s) for _ in story.roles]
    if kind == "leave":
        people[2] = people[0]
    actors = [
        ScriptedActor(
            number, (0.0, 0.0), 0.0, look, performance, present_s=role.present_s,
            path=WalkPath(role.waypoints, role.look_at),
        )
        for number, (role, (look, performance)) in enumerate(
            zip(story.roles, people, strict=True)
        )
    ]
    light = camera_light(
        view.uniform(-0.9, 0.9), view.uniform(0.15, 1.0), view.uniform(0.5, 0.72),
        view.uniform(0.34, 0.5),
    )  # fmt: skip
    effects = Effects.sample(view)
    kinds = get_args(BackgroundKind)
    size = (CAMERA.width, CAMERA.height)
    background = (
        make_background(kinds[int(view.integers(len(kinds)))], size, view)
        if drawn
        else np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
    )
    renderer = Renderer(CAMERA, background, effects, light, seed)
    return Scene(actors, renderer, story.duration_s, seed)


@cache
def _idle_people() -> Vocabulary:
    return load_vocabulary("gestures")


def _person(
    rng: np.random.Generator, vocabulary: Vocabulary, duration_s: float
) -> tuple[Appearance, Performance]:
    look = Appearance.sample(np.random.default_rng(int(rng.integers(2**31))))
    own = np.random.default_rng(int(rng.integers(2**31)))
    player = GesturePlayer(vocabulary, BodyShape.sample(own), Style.sample(own))
    return look, player.plan([], own, duration_s)
