from __future__ import annotations

import numpy as np

from bharnet_ros.evaluation import EpisodeCollector
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, RecognizedAction

NONE, STARTED, ONGOING, ENDED = ActionState


def action(
    track_id: int, state: ActionState, name: str = "wave", score: float = 0.8, bundle: str = ""
) -> RecognizedAction:
    guesses = (Hypothesis(1, name, score, bundle),) if name else ()
    box = np.zeros(4, np.float32)
    return RecognizedAction(state, track_id, guesses, 0, 0, 1, 0.0, 0.0, box, bundle)


def collect(*frames: tuple[int, list[RecognizedAction]]) -> EpisodeCollector:
    collector = EpisodeCollector()
    for stamp, actions in frames:
        collector.push(ActionFrame(stamp, tuple(actions)))
    return collector


def rows(collector: EpisodeCollector) -> list[tuple[int, str, int, int, float]]:
    return [
        (e.person_id, e.class_name, e.start_ns, e.end_ns, e.score) for e in collector.episodes()
    ]


def test_start_to_end_with_the_best_score() -> None:
    collector = collect(
        (10, [action(1, NONE, "")]),
        (20, [action(1, STARTED, score=0.7), action(2, NONE, "idle")]),
        (30, [action(1, ONGOING, score=0.9), action(2, STARTED, "ok")]),
        (40, [action(1, ENDED, score=0.9), action(2, ONGOING, "ok")]),
    )
    assert rows(collector) == [(1, "wave", 20, 40, 0.9), (2, "ok", 30, 40, 0.8)]


def test_push_tells_what_just_ended() -> None:
    collector = collect((10, [action(1, STARTED)]))
    ended = collector.push(ActionFrame(20, (action(1, ENDED), action(1, STARTED, "ok"))))
    assert [(e.class_name, e.start_ns, e.end_ns) for e in ended] == [("wave", 10, 20)]
    assert collector.push(ActionFrame(30, (action(1, ONGOING, "ok"),))) == ()
    assert rows(collector)[1][:4] == (1, "ok", 20, 30)


def test_lost_messages_do_not_lose_episodes() -> None:
    collector = collect(
        (10, [action(1, STARTED)]),
        (20, [action(1, STARTED, "ok")]),  # the ENDED between was lost
        (30, [action(1, ENDED, "ok")]),
        (40, [action(2, ENDED), action(3, ONGOING)]),  # their STARTED were lost
    )
    assert [row[:4] for row in rows(collector)] == [(1, "wave", 10, 20), (1, "ok", 20, 30)]


def test_bundles_speak_of_one_person_at_the_same_time() -> None:
    frames = [
        (10, [action(1, STARTED, bundle="a"), action(1, STARTED, "ok", bundle="b")]),
        (20, [action(1, ENDED, bundle="a"), action(1, ONGOING, "ok", bundle="b")]),
        (30, [action(1, ENDED, "ok", bundle="b")]),
    ]
    both = collect(*frames).episodes()
    assert [(e.bundle, e.class_name, e.start_ns, e.end_ns) for e in both] == [
        ("a", "wave", 10, 20), ("b", "ok", 10, 30),
    ]  # fmt: skip
    only = EpisodeCollector("b")
    for stamp, actions in frames:
        only.push(ActionFrame(stamp, tuple(actions)))
    assert [e.class_name for e in only.episodes()] == ["ok"]


def test_running_ones_last_until_the_newest_frame() -> None:
    assert rows(collect((10, [action(1, STARTED)]), (90, [])))[0][2:4] == (10, 90)


def test_a_clock_that_jumps_back_gives_no_negative_time() -> None:
    collector = collect((100, [action(1, STARTED)]), (5, [action(1, ENDED)]))
    assert rows(collector)[0][2:4] == (100, 100)
