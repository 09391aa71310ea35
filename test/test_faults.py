"""What happens to a recogniser that nothing spares: clocks, crowds, wrong publishers, slow and
failing engines. Time is simulated, so nothing here waits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache

import numpy as np
import pytest

from benchmarks.synthetic import frame, person_keypoints, skeleton, write_tiny_bundle
from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import ConfigurationError, EngineError, LayoutError
from bharnet_ros.inference import Engine, create_engine
from bharnet_ros.load import LoadShedder
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from bharnet_ros.types import ActionFrame, ActionState, Skeleton, SkeletonFrame

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")

MS = 1_000_000
SECOND = 1000 * MS
RAISE = {"right_wrist": (-0.5, -1.0)}
STARTED, ENDED = ActionState.STARTED, ActionState.ENDED


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_tiny_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Engine:
    return create_engine(bundle)


class SlowEngine:
    """Takes simulated seconds: a fixed time a run and more for each person."""

    def __init__(self, inner: Engine, run_s: float, each_s: float) -> None:
        self.inner, self.run_s, self.each_s = inner, run_s, each_s
        self.now_s = 50.0
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        count = len(inputs["body"])
        self.batches.append(count)
        self.now_s += self.run_s + self.each_s * count
        return self.inner.run(inputs)


@cache
def person(track_id: int, place: int, raised: bool) -> Skeleton:
    pose = RAISE if raised else {}
    return skeleton(track_id, person_keypoints(center=(100.0 + 30.0 * place, 300.0), **pose))


def crowd(people: int, stamp_ns: int, first: int = 1, **pose: object) -> SkeletonFrame:
    return frame(stamp_ns, *(person(first + n, n, bool(pose)) for n in range(people)))


def live(
    recognizer: Recognizer, engine: SlowEngine, people: int, seconds: float, camera_hz: float
) -> Iterator[tuple[float, ActionFrame]]:
    """As a node does it: frames wait in a queue of ten while one is worked on; all that wait are
    taken in, the newest is judged. Yields answers with the age of the frame they rest on."""
    period_s = 1.0 / camera_hz
    begin_s = engine.now_s
    queue: deque[int] = deque(maxlen=10)
    index = 0
    while engine.now_s < begin_s + seconds:
        while begin_s + index * period_s <= engine.now_s:
            queue.append(round((begin_s + index * period_s) * SECOND))
            index += 1
        if not queue:
            engine.now_s = begin_s + index * period_s
            continue
        waiting = list(queue)
        queue.clear()
        for number, stamp in enumerate(waiting):
            newest = number == len(waiting) - 1
            answer = recognizer.push(crowd(people, stamp, **RAISE), judge=newest)
            if answer is not None:
                yield engine.now_s - stamp / SECOND, answer
        engine.now_s += 0.001


def test_60_frames_a_second_on_a_slow_engine(bundle: Bundle, engine: Engine) -> None:
    slow = SlowEngine(engine, 0.02, 0.05)  # 4 people: 0.22 s a run, at 15 Hz asked for
    shedder = LoadShedder(0.8, lambda: slow.now_s)
    recognizer = Recognizer(bundle, slow, shedder=shedder)
    answers = list(live(recognizer, slow, 4, 14.0, 60.0))
    ages = [age for age, _ in answers]
    # Newest data wins: an answer is as old as one run, from the first second to the last.
    assert max(ages[-10:]) < 0.22 + 0.02 and max(ages) < 0.3
    load = recognizer.load
    assert load.is_lowered and 2.0 < load.rate_hz < 4.5 and load.late > 0
    assert "instead of 15" in load.sentence
    later = [answer for _, answer in answers[len(answers) // 2 :]]
    rate = (len(later) - 1) / ((later[-1].stamp_ns - later[0].stamp_ns) / SECOND)
    assert rate == pytest.approx(load.rate_hz, rel=0.25)
    assert shedder.share == pytest.approx(0.8, abs=0.12)
    started = [a.track_id for _, answer in answers for a in answer.actions if a.state == STARTED]
    assert sorted(started) == [1, 2, 3, 4]
    # The others leave: the full rate comes back.
    slow.each_s = slow.run_s = 0.002
    list(live(recognizer, slow, 1, 10.0, 60.0))
    assert not recognizer.load.is_lowered and recognizer.load.sentence == ""


def test_thirty_people_at_once_share_what_there_is(bundle: Bundle, engine: Engine) -> None:
    slow = SlowEngine(engine, 0.005, 0.01)
    recognizer = Recognizer(
        bundle, slow, shedder=LoadShedder(0.8, lambda: slow.now_s)
    )
    answers = list(live(recognizer, slow, 30, 7.0, 30.0))
    assert all(len({a.track_id for a in answer.actions}) == 30 for _, answer in answers)
    starts = [a.track_id for _, answer in answers for a in answer.actions if a.state == STARTED]
    assert sorted(starts) == list(range(1, 31))
    judged: dict[int, int] = dict.fromkeys(range(1, 31), 0)
    newest: dict[int, int] = {}
    for _, answer in answers[len(answers) // 2 :]:
        for action in answer.actions:
            judged[action.track_id] += newest.get(action.track_id) != action.window_end_ns
            newest[action.track_id] = action.window_end_ns
    assert max(judged.values()) - min(judged.values()) <= 2  # lowered evenly
    assert recognizer.load.is_lowered
    assert max(slow.batches[-10:]) < 30  # spread, not in one go
    assert max(age for age, _ in answers[-10:]) < 0.2


def test_without_a_shedder_the_machine_has_no_say(bundle: Bundle, engine: Engine) -> None:
    def stamps(slow: SlowEngine) -> list[tuple[int, int]]:
        recognizer = Recognizer(bundle, slow)
        found = []
        for index in range(90):
            answer = recognizer.push(crowd(9, index * SECOND // 30, **RAISE))
            if answer is not None:
                found.append((answer.stamp_ns, recognizer.judged))
        assert not recognizer.load.is_lowered and recognizer.load.share == 0.0
        return found

    assert stamps(SlowEngine(engine, 0.0, 0.0)) == stamps(SlowEngine(engine, 1.0, 1.0))


@pytest.mark.parametrize("jump_s", [-30.0, -0.4, 3.0, 86_400.0, -(1.5e9)])
def test_clock_jumps(bundle: Bundle, engine: Engine, jump_s: float) -> None:
    recognizer = Recognizer(bundle, engine)
    start_ns = 1_700_000_000 * SECOND
    frames = []
    for index in range(60):
        frames.append(recognizer.push(crowd(6, start_ns + index * SECOND // 30, **RAISE)))
    for index in range(60, 150):
        stamp = start_ns + index * SECOND // 30 + round(jump_s * SECOND)
        frames.append(recognizer.push(crowd(6, stamp, **RAISE)))
    answers = [each for each in frames if each is not None]
    open_now: set[int] = set()
    for answer in answers:
        for action in answer.actions:
            if action.state == STARTED:
                assert action.track_id not in open_now
                open_now.add(action.track_id)
            elif action.state == ENDED:
                open_now.remove(action.track_id)
    assert open_now == set(range(1, 7))  # everybody holds an arm up at the end
    assert len(answers) > 60  # no silence, whichever way the clock jumped
    assert recognizer.resets == (1 if jump_s < -0.5 else 0)
    dropped = recognizer.drops.get("out_of_order", 0) + recognizer.drops.get("duplicate_stamp", 0)
    assert dropped == (12 if jump_s == -0.4 else 0)


def test_a_publisher_with_the_wrong_layout_changes_nothing(bundle: Bundle, engine: Engine) -> None:
    recognizer, undisturbed = Recognizer(bundle, engine), Recognizer(bundle, engine)
    for index in range(60):
        stamp = index * SECOND // 30
        with pytest.raises(LayoutError, match="coco_17"):
            recognizer.push(SkeletonFrame(stamp + MS, (480, 640), "coco_17", ()))
        found = recognizer.push(crowd(2, stamp, **RAISE))
        wanted = undisturbed.push(crowd(2, stamp, **RAISE))
        assert (found is None) == (wanted is None)
        if found is not None and wanted is not None:
            assert [(a.track_id, a.state) for a in found.actions] == [
                (a.track_id, a.state) for a in wanted.actions
            ]


def test_an_engine_that_fails_now_and_then(bundle: Bundle, engine: Engine) -> None:
    class Failing(SlowEngine):
        def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            if len(self.batches) % 3 == 1:
                self.batches.append(0)
                raise EngineError("The GPU has no memory left.")
            return super().run(inputs)

    recognizer = Recognizer(bundle, Failing(engine, 0.0, 0.0))
    failed, answers = 0, []
    for index in range(120):
        pose = RAISE if index < 90 else {}
        try:
            answers.append(recognizer.push(crowd(2, index * SECOND // 30, **pose)))
        except EngineError:
            failed += 1
    said = [(a.track_id, a.state) for each in answers if each for a in each.actions]
    assert failed > 10
    for track_id in (1, 2):
        assert [s for t, s in said if t == track_id and s in (STARTED, ENDED)] == [STARTED, ENDED]


def test_a_flood_of_new_people_is_bounded(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine, RecognizerConfig(max_people=8))
    for index in range(40):
        answer = recognizer.push(crowd(12, index * SECOND // 30, first=100 * index))
        if answer is not None:
            assert len(answer.actions) <= 8
    assert recognizer.drops["too_many_people"] > 100
    with pytest.raises(ConfigurationError, match="max_people"):
        RecognizerConfig(max_people=0)


def test_reconfiguring_keeps_people_and_actions(bundle: Bundle, engine: Engine) -> None:
    recognizer = Recognizer(bundle, engine)
    states: list[ActionState] = []

    def play(first: int, last: int, **pose: object) -> int:
        count = 0
        for index in range(first, last):
            answer = recognizer.push(crowd(1, index * SECOND // 30, **pose))
            if answer is not None:
                states.extend(a.state for a in answer.actions)
                count += 1
        return count

    play(0, 60, **RAISE)
    assert states.count(STARTED) == 1
    before = recognizer.config
    with pytest.raises(ConfigurationError, match=r"end is 0\.9, above start 0\.3"):
        recognizer.reconfigure(RecognizerConfig(start=0.3, end=0.9))
    with pytest.raises(ConfigurationError, match="fusion cannot become body"):
        recognizer.reconfigure(RecognizerConfig(fusion="body"))
    assert recognizer.config is before
    recognizer.reconfigure(RecognizerConfig(rate_hz=5.0, top_k=1, smoothing_s=0.0))
    assert recognizer.load.wanted_hz == 5.0
    assert play(60, 120, **RAISE) == pytest.approx(10, abs=1)
    assert states.count(STARTED) == 1 and ENDED not in states  # it goes on
    recognizer.reconfigure(RecognizerConfig(end=0.0, start=1.0, unknown=1.0))
    play(120, 180)
    assert ENDED not in states  # nothing falls below 0
    recognizer.reconfigure(RecognizerConfig())
    play(180, 200)
    assert states.count(ENDED) == 1
