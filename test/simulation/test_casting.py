from __future__ import annotations

import pytest

from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.simulation import Camera, Scene

SMALL = Camera(width=320, height=180, focal_px=262.0)


def shown(scene: Scene) -> dict[int, list[str]]:
    names: dict[int, list[str]] = {actor.actor_id: [] for actor in scene.actors}
    for segment in scene.segments:
        names[segment.track_id].append(segment.segment.class_name)
    return names


def deal(seed: int, people: int, duration_s: float, **changes: object) -> dict[int, list[str]]:
    return shown(Scene.random(seed, people, duration_s, camera=SMALL, deal=True, **changes))


@pytest.mark.parametrize("seed", range(4))
def test_people_show_different_gestures(seed: int) -> None:
    everybody = deal(seed, 2, 30.0)
    gestures = everybody[0] + everybody[1]
    assert len(gestures) >= 11 and len(set(gestures)) == len(gestures)


@pytest.mark.parametrize("seed", range(4))
def test_in_time_for_all_each_comes_once_before_any_comes_again(seed: int) -> None:
    names = load_vocabulary().actions
    hands = deal(seed, 2, 90.0)
    half = (len(names) + 1) // 2
    first = hands[0][:half] + hands[1][: len(names) - half]
    assert sorted(first) == sorted(names)


@pytest.mark.parametrize("seed", range(4))
def test_pairs_that_only_the_fingers_tell_apart_come_first(seed: int) -> None:
    paired = {name for pair in load_vocabulary().pairs for name in pair}
    everybody = deal(seed, 2, 45.0)
    assert paired <= set(everybody[0]) | set(everybody[1])


def test_chosen_gestures_and_nobody() -> None:
    assert set(deal(1, 1, 30.0, classes=("ok", "stop"))[0]) == {"ok", "stop"}
    assert deal(1, 0, 30.0) == {}


def test_the_same_seed_gives_the_same_scene_and_other_options_stay_as_they_were() -> None:
    assert deal(5, 2, 20.0) == deal(5, 2, 20.0)
    plain, dealt = (
        Scene.random(5, 2, 20.0, camera=SMALL, deal=deal_) for deal_ in (False, True)
    )
    assert [a.place for a in plain.actors] == [a.place for a in dealt.actors]
    assert [a.appearance for a in plain.actors] == [a.appearance for a in dealt.actors]
