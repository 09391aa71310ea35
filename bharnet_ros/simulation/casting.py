"""Random scenes: people, places, gestures, light and camera drawn from options and a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.gestures import BodyShape, GesturePlayer, Style, Vocabulary, load_vocabulary
from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.background import BACKGROUND_KINDS, make_background
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.effects import Effects
from bharnet_ros.simulation.props import plan_holdings
from bharnet_ros.simulation.renderer import Renderer
from bharnet_ros.simulation.scene import Scene, ScriptedActor
from bharnet_ros.simulation.shading import camera_light

Range = tuple[float, float]


@dataclass(frozen=True)
class SceneOptions:
    """What a random scene may contain.

    classes: gestures to play, or None for the whole vocabulary. yaw_range_deg: turn away from
    the camera. speed_range: factor on every movement. distance_range_m: to the camera, or None
    for a distance at which everybody fits. gap_s: rest between gestures. shape_seeds,
    appearance_seeds: one per person, fixing body and manner (handedness, habits; not the speed)
    and looks, so that a person can be held out; None draws them from the scene's seed.
    backgrounds: kinds to choose from. effects: None draws a camera. crossing: somebody walks
    past behind or in front of the others. drop_rate: share of frames lost. jitter_camera: vary
    height, pitch and focal length around `camera`. deal: everybody gets a hand of one deck, so
    that people show different gestures, first those of the vocabulary's pairs; otherwise each
    draws from a deck of their own. vocabulary: what is played; None = the shipped first_light.
    carry_rate: share of the rests between gestures in which something is held for nothing, if
    the vocabulary knows gestures with things in the hand.
    """

    classes: tuple[str, ...] | None = None
    yaw_range_deg: Range = (-25.0, 25.0)
    speed_range: Range = (0.85, 1.2)
    distance_range_m: Range | None = None
    gap_s: Range = (0.9, 2.2)
    shape_seeds: tuple[int, ...] | None = None
    appearance_seeds: tuple[int, ...] | None = None
    backgrounds: tuple[str, ...] = BACKGROUND_KINDS
    effects: Effects | None = None
    crossing: bool = False
    drop_rate: float = 0.0
    jitter_camera: bool = True
    camera: Camera | None = None
    vocabulary: Vocabulary | None = None
    deal: bool = False
    carry_rate: float = 0.5


def cast_scene(
    seed: int, num_people: int, duration_s: float, options: SceneOptions | None = None,
    **changes: Any,
) -> Scene:  # fmt: skip
    """See `Scene.random`. Raises ConfigurationError for options that fit nobody."""
    known = SceneOptions.__dataclass_fields__
    for name in changes:
        if name not in known:
            raise ConfigurationError(
                f"'{name}' is not an option of a scene; there are {', '.join(known)}"
            )
    chosen = replace(options or SceneOptions(), **changes)
    _check(chosen, num_people, duration_s, seed)
    vocabulary = chosen.vocabulary or load_vocabulary()
    # One stream per concern: a change of one (more gestures, say) leaves the others as they were.
    where, what, view, who = (np.random.default_rng([seed, k]) for k in range(4))
    camera = _camera(chosen, view)
    light = camera_light(
        view.uniform(-0.9, 0.9), view.uniform(0.15, 1.0), view.uniform(0.5, 0.72),
        view.uniform(0.34, 0.5),
    )  # fmt: skip
    effects = chosen.effects or Effects.sample(view)
    kind = chosen.backgrounds[int(view.integers(len(chosen.backgrounds)))]
    background = make_background(kind, (camera.width, camera.height), view)
    renderer = Renderer(camera, background, effects, light, seed)
    places = _places(num_people, chosen, camera, where)
    hands = _deal(vocabulary, chosen, num_people, seed)
    actors = []
    for i, place in enumerate(places):
        drawn = (int(who.integers(2**31)), int(who.integers(2**31)))
        shape_seed = chosen.shape_seeds[i] if chosen.shape_seeds else drawn[0]
        look_seed = chosen.appearance_seeds[i] if chosen.appearance_seeds else drawn[1]
        body_rng = np.random.default_rng(shape_seed)
        shape = BodyShape.sample(body_rng)
        style = replace(
            Style.sample(body_rng), speed=float(what.uniform(*chosen.speed_range))
        )
        appearance = Appearance.sample(np.random.default_rng(look_seed))
        schedule = _schedule(vocabulary, chosen, duration_s, style.speed, what, hands[i])
        performance = GesturePlayer(vocabulary, shape, style).plan(schedule, what, duration_s)
        yaw = float(np.deg2rad(where.uniform(*chosen.yaw_range_deg)))
        walk = (0.0, 0.0)
        if chosen.crossing and i == num_people - 1:
            place, walk = _crossing(place, places[:-1], camera, where)
        holdings = plan_holdings(
            vocabulary, performance, style.handedness, duration_s,
            np.random.default_rng([seed, 5, i]), chosen.carry_rate,
        )  # fmt: skip
        actors.append(
            ScriptedActor(i, place, yaw, appearance, performance, walk, holdings=holdings)
        )
    return Scene(actors, renderer, duration_s, seed, chosen.drop_rate)


def _check(options: SceneOptions, num_people: int, duration_s: float, seed: int) -> None:
    if num_people not in range(9):
        raise ConfigurationError(f"{num_people} people do not fit a random scene; ask for 0 to 8")
    if not (np.isfinite(duration_s) and duration_s > 0):  # gestures would be planned without end
        raise ConfigurationError(
            f"a scene of {duration_s} s cannot be played; give a positive number of seconds"
        )
    for name, seeds in (
        ("seed", (seed,)),
        ("shape_seeds", options.shape_seeds or ()),
        ("appearance_seeds", options.appearance_seeds or ()),
    ):
        if min(seeds, default=0) < 0:
            raise ConfigurationError(f"{name}: {min(seeds)} is no seed; give 0 or more")
    for name in ("yaw_range_deg", "speed_range", "gap_s"):
        low, high = getattr(options, name)
        if not (np.isfinite([low, high]).all() and low <= high):
            raise ConfigurationError(f"{name} is ({low}, {high}); give a lower and an upper bound")
    if options.speed_range[0] <= 0 or options.gap_s[0] < 0:
        raise ConfigurationError(
            f"speed_range {options.speed_range} must be positive and gap_s {options.gap_s} not "
            "negative"
        )
    for name in ("shape_seeds", "appearance_seeds"):
        seeds = getattr(options, name)
        if seeds is not None and len(seeds) < num_people:
            raise ConfigurationError(
                f"{name} has {len(seeds)} values for {num_people} people; give one for each"
            )
    if not options.backgrounds:
        raise ConfigurationError("backgrounds is empty; give at least one kind")


def _camera(options: SceneOptions, rng: np.random.Generator) -> Camera:
    camera = options.camera or Camera()
    if not options.jitter_camera:
        return camera
    x, y, z = camera.position
    height = z + float(rng.uniform(-0.2, 0.2))
    across, aside, up = camera.look_at
    look = (across, aside, up + float(rng.uniform(-0.04, 0.04)))
    focal = camera.focal_px * float(rng.uniform(0.95, 1.06))
    return replace(camera, position=(x, y, height), look_at=look, focal_px=focal)


def _places(
    count: int, options: SceneOptions, camera: Camera, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """One place in each of `count` equal strips of the image, in random order."""
    if count == 0:
        return []
    # A gesturing person needs about 1.05 m; further away more of them fit side by side.
    nearest = max(1.85, 1.05 * count * camera.focal_px / camera.width)
    low, high = options.distance_range_m or (nearest, nearest + 0.35)
    if not 0.5 <= low <= high:
        raise ConfigurationError(f"distance_range_m is ({low}, {high}); use 0.5 m or more")
    places = []
    for slot in rng.permutation(count):
        distance = float(rng.uniform(low, high))
        width = camera.width / camera.focal_px * distance
        # Positive y is left in the world and left in the image.
        middle = (0.5 - (slot + 0.5) / count) * width
        free = max(width / count - 1.05, 0.0) / 2
        places.append((distance, float(middle + rng.uniform(-1, 1) * min(free, 0.35))))
    return places


def _crossing(
    place: tuple[float, float], others: Sequence[tuple[float, float]], camera: Camera,
    rng: np.random.Generator,
) -> tuple[tuple[float, float], tuple[float, float]]:  # fmt: skip
    """From one side of the image to the other, clear of the others' arms."""
    depths = [x for x, _ in others] or [place[0] + 1.0]
    behind = max(depths) + 0.9
    side = 1.0 if rng.random() < 0.5 else -1.0
    reach = 0.5 * camera.width / camera.focal_px * behind
    return (behind, side * reach), (0.0, -2 * side * reach)


def _names(vocabulary: Vocabulary, options: SceneOptions) -> list[str]:
    return [n for n in (options.classes or vocabulary.actions) if n != vocabulary.background]


def _deal(
    vocabulary: Vocabulary, options: SceneOptions, num_people: int, seed: int
) -> list[list[str]]:
    """What each person shows first, next to be shown last; empty hands if nothing is dealt.

    Gestures that only the fingers, or what is held, tell apart lie on top of the deck, so that
    they are shown even if the time is too short for all; a hand is shuffled in two halves.
    """
    if not options.deal:
        return [[] for _ in range(num_people)]
    rng = np.random.default_rng([seed, 4])
    names = _names(vocabulary, options)
    paired = {name for pair in (*vocabulary.pairs, *vocabulary.object_pairs) for name in pair}
    top = [name for name in names if name in paired]
    rest = [name for name in names if name not in paired]
    deck = [*rng.permutation(top), *rng.permutation(rest)]
    hands = []
    for i in range(num_people):
        hand = [str(name) for name in deck[i::num_people]]
        middle = (len(hand) + 1) // 2
        hands.append([*rng.permutation(hand[middle:]), *rng.permutation(hand[:middle])])
    return hands


def _schedule(
    vocabulary: Vocabulary, options: SceneOptions, duration_s: float, speed: float,
    rng: np.random.Generator, hand: Sequence[str],
) -> list[tuple[str, float, float]]:  # fmt: skip
    """Gestures with rests between them: first the hand that was dealt, from its end, then each
    class once before any comes again."""
    names = _names(vocabulary, options)
    schedule: list[tuple[str, float, float]] = []
    if not names:
        return schedule
    time = float(rng.uniform(0.4, 1.2))
    deck = [str(name) for name in hand]
    while True:
        if not deck:
            deck = [names[int(k)] for k in rng.permutation(len(names))]
        name = deck.pop()
        low, high = vocabulary[name].duration_s
        length = max(float(rng.uniform(low, high)) / speed, 1.0)
        if time + length > duration_s - 0.3:
            return schedule
        schedule.append((name, time, length))
        time += length + float(rng.uniform(*options.gap_s))
