"""A bundle followed over time: the recogniser itself, or its judgements taped for many rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bharnet_ros.events import EventMachine
from bharnet_ros.recognizer import Recognizer
from bharnet_ros.rules import RecognizerConfig, Rules
from bharnet_ros.skeleton import read_layout
from bharnet_ros.types import ActionState, FloatArray, Skeleton, SkeletonFrame
from bharnet_ros.windows import Window, WindowBuffer
from training.measuring.judging import Judge, to_layout
from training.replay import Judgement, follow
from training.sequences import KeypointSequence

_BATCH = 64


@dataclass(frozen=True)
class Start:
    """An action that was reported: its class and the moment of STARTED."""

    class_name: str
    stamp_ns: int


def frames_of(sequence: KeypointSequence, layout: str) -> Iterable[SkeletonFrame]:
    """The frames as a tracker would hand them on, in the bundle's layout."""
    height, width = sequence.info.get("image_size", (720, 1280))
    points, scores = to_layout(sequence.keypoints, sequence.scores, sequence.layout, layout)
    for stamp, keypoints, weights in zip(sequence.stamps_ns, points, scores, strict=True):
        seen = keypoints[weights > 0.0]
        people: tuple[Skeleton, ...] = ()
        if len(seen):
            low, high = seen.min(axis=0), seen.max(axis=0)
            box = np.concatenate([low, high - low]).astype(np.float32)
            people = (Skeleton(1, box, 1.0, keypoints, weights),)
        yield SkeletonFrame(int(stamp), (int(height), int(width)), layout, people)


def starts(
    sequence: KeypointSequence, judge: Judge, config: RecognizerConfig | None = None
) -> list[Start]:
    """Every STARTED of the recogniser that the robot runs."""
    recognizer = Recognizer(judge.bundle, judge.engine, config or RecognizerConfig())
    found = []
    for frame in frames_of(sequence, judge.bundle.manifest.layout):
        state = recognizer.push(frame)
        for action in state.actions if state else ():
            if action.state == ActionState.STARTED:
                found.append(Start(action.hypotheses[0].class_name, frame.stamp_ns))
    return found


def judgements(
    sequence: KeypointSequence, judge: Judge, config: RecognizerConfig | None = None
) -> list[Judgement]:
    """What would be judged at every tick of the recogniser, before smoothing and thresholds.

    The same windows at the same moments as the recogniser's, many of them in one run.
    """
    config = config or RecognizerConfig()
    manifest = judge.bundle.manifest
    buffer = WindowBuffer(
        manifest.layout, manifest.window_s, manifest.num_steps, manifest.max_gap_s,
        keep=read_layout(manifest.layout), forget_after_s=config.lost_after_s,
    )  # fmt: skip
    period, lost = round(1e9 / config.rate_hz), round(config.lost_after_s * 1e9)
    due: int | None = None
    seen_ns: int | None = None
    ticks: list[int] = []
    windows: dict[int, Window] = {}
    probabilities: dict[int, FloatArray] = {}
    for frame in frames_of(sequence, manifest.layout):
        buffer.push(frame)
        now = frame.stamp_ns
        if frame.skeletons:
            seen_ns = now
        if due is not None and now < due - period // 10:
            continue
        following = (now if due is None else due) + period
        due = following if following > now else now + period
        ticks.append(now)
        if seen_ns is None or now - seen_ns > lost:
            continue
        window = buffer.window(1, seen_ns)
        if window.coverage >= config.min_coverage:
            windows[len(ticks) - 1] = window
        if len(windows) >= _BATCH:
            probabilities.update(_judged(windows, judge))
            windows = {}
    probabilities.update(_judged(windows, judge))
    return [Judgement(stamp, probabilities.get(i)) for i, stamp in enumerate(ticks)]


def starts_on_tape(tape: Sequence[Judgement], rules: Rules, names: Sequence[str]) -> list[Start]:
    """Every STARTED that these rules make of taped judgements."""
    machine = EventMachine(rules.events)
    return [
        Start(names[event.class_id], stamp_ns)
        for stamp_ns, happened in follow(tape, machine, rules.smoothing_s)
        for event in happened
        if event.state == ActionState.STARTED and event.class_id is not None
    ]


def _judged(windows: dict[int, Window], judge: Judge) -> dict[int, FloatArray]:
    return {key: each.probabilities for key, each in judge.experts.judge(windows).items()}
