"""Frame by frame against whole windows, in the recogniser, with a trained bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.bundle import Bundle
from bharnet_ros.continual import ContinualExperts
from bharnet_ros.errors import EngineError
from bharnet_ros.experts import Experts
from bharnet_ros.inference import Engine
from bharnet_ros.recognizer import Recognizer, RecognizerConfig
from bharnet_ros.types import SkeletonFrame
from bharnet_ros.windows import WindowBuffer

EXACT = 1e-4  # of probabilities, after logits of about 10


class Watched:
    """Passes runs on, remembers their batch sizes, fails when told to."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.batches: list[int] = []
        self.fail_at: int | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if self.fail_at == len(self.batches):
            self.fail_at = None
            raise EngineError("out of memory, as the test wants it")
        self.batches.append(len(inputs["body"]))
        return self.inner.run(inputs)


def _buffer(bundle: Bundle) -> WindowBuffer:
    manifest = bundle.manifest
    return WindowBuffer(
        manifest.layout, manifest.window_s, manifest.num_steps, manifest.max_gap_s,
        forget_after_s=0.5,
    )  # fmt: skip


def _differences(
    bundle: Bundle,
    continual: ContinualExperts,
    whole: Experts,
    frames: list[SkeletonFrame],
    every: int = 1,
) -> list[float]:
    """Of the opinions about everybody, against windows that end at the same stamps."""
    buffer, found = _buffer(bundle), []
    for number, frame in enumerate(frames):
        buffer.push(frame)
        if number % every:
            continue
        ends = {t: buffer.last_seen_ns(t) for t in buffer.track_ids}
        judged = continual.follow(buffer, ends)
        assert set(judged) == set(ends)
        windows = {t: buffer.window(t, span.end_ns) for t, (span, _) in judged.items()}
        expected = whole.judge(windows)
        for track_id, (span, opinion) in judged.items():
            window = windows[track_id]
            assert 0 <= ends[track_id] - span.end_ns < continual.step_s * 1e9
            assert (span.start_ns, span.num_frames) == (window.start_ns, window.num_frames)
            assert span.coverage == pytest.approx(window.coverage)
            assert (opinion is None) == (track_id not in expected)
            if opinion is not None:
                other = expected[track_id]
                found += [
                    float(np.abs(getattr(opinion, name) - getattr(other, name)).max())
                    for name in ("probabilities", "body", "hand")
                ]
    return found


@pytest.mark.parametrize("rate_hz", [11.0, 15.0, 30.0])
def test_opinions_are_those_of_windows_at_every_frame_rate(
    bundle, step_engine, window_engine, film, rate_hz
):
    frames = film(2.5, rate_hz=rate_hz)
    continual = ContinualExperts(bundle, step_engine)
    found = _differences(bundle, continual, Experts(bundle, window_engine), frames)
    assert len(found) > 100 and max(found) < EXACT


def test_opinions_are_those_of_windows_around_gaps_and_for_newcomers(
    bundle, step_engine, window_engine, film
):
    """Gaps that are bridged, gaps that are not, a person who comes late, hands out of sight."""

    def hidden(track_id: int, at_s: float) -> bool:
        return {0: 1.0 < at_s < 1.15, 1: 1.2 < at_s < 1.55, 2: at_s < 1.7}[track_id]

    frames = film(3.0, people=3, hidden=hidden)
    for frame in frames[45:75]:
        frame.skeletons[0].scores[91:] = 0.0
    continual = ContinualExperts(bundle, step_engine)
    found = _differences(bundle, continual, Experts(bundle, window_engine), frames)
    assert len(found) > 300 and max(found) < EXACT


def test_keypoints_as_shares_of_the_image(bundle, step_engine, window_engine, film):
    features = replace(bundle.manifest.features, body_space="image", hand_space="image")
    placed = replace(bundle, manifest=replace(bundle.manifest, features=features))
    continual = ContinualExperts(placed, step_engine)
    found = _differences(placed, continual, Experts(placed, window_engine), film(2.0))
    assert len(found) > 100 and max(found) < EXACT


def test_judging_rarely_takes_the_steps_in_between(bundle, step_engine, window_engine, film):
    """Also more rarely than a window is long."""
    for every, seconds in ((7, 3.0), (55, 6.0)):
        continual = ContinualExperts(bundle, step_engine)
        found = _differences(
            bundle, continual, Experts(bundle, window_engine), film(seconds), every
        )
        assert found and max(found) < EXACT


def test_everybody_steps_in_one_run_and_each_frame_is_stepped_once(bundle, step_engine, film):
    engine = Watched(step_engine)
    continual, buffer = ContinualExperts(bundle, engine), _buffer(bundle)
    engine.batches.clear()
    for frame in film(2.0, people=5):
        buffer.push(frame)
        continual.follow(buffer, {t: buffer.last_seen_ns(t) for t in buffer.track_ids})
    assert set(engine.batches) == {5}
    assert len(engine.batches) == pytest.approx(2.0 / continual.step_s, abs=1.5)


def test_a_failed_run_loses_nothing_that_was_stepped(bundle, step_engine, window_engine, film):
    engine = Watched(step_engine)
    continual, whole = ContinualExperts(bundle, engine), Experts(bundle, window_engine)
    frames, buffer = film(2.0, people=1), _buffer(bundle)
    for frame in frames[:40]:
        buffer.push(frame)
        continual.follow(buffer, {0: frame.stamp_ns})
    for frame in frames[40:50]:
        buffer.push(frame)
    engine.fail_at = len(engine.batches) + 2
    with pytest.raises(EngineError):
        continual.follow(buffer, {0: frames[49].stamp_ns})
    span, opinion = continual.follow(buffer, {0: frames[49].stamp_ns})[0]
    assert opinion is not None
    expected = whole.judge({0: buffer.window(0, span.end_ns)})[0]
    np.testing.assert_allclose(opinion.probabilities, expected.probabilities, atol=EXACT)


def test_people_who_leave_are_forgotten_and_clocks_that_jump_start_anew(
    bundle, step_engine, window_engine, film
):
    continual, whole = ContinualExperts(bundle, step_engine), Experts(bundle, window_engine)
    frames = film(2.0, people=2)
    assert max(_differences(bundle, continual, whole, frames)) < EXACT
    # The same film again: a bag that loops. Other people with the same ids.
    assert max(_differences(bundle, continual, whole, frames[:40])) < EXACT
    continual.forget(0)
    continual.forget(17)  # nobody
    continual.clear()
    assert max(_differences(bundle, continual, whole, frames[:40])) < EXACT


def test_the_recogniser_reports_the_same_with_both_engines(
    bundle, step_engine, window_engine, film
):
    """The same people, states and classes, up to the step that a window may end earlier.

    Thresholds are low: this invented person hovers about the shipped ones.
    """
    config = RecognizerConfig(rate_hz=15.0, start=0.5, unknown=0.0)
    frames = film(5.0, people=3, hidden=lambda t, s: t == 1 and s > 3.0)
    reports = []
    for engine in (window_engine, step_engine):
        recognizer = Recognizer(bundle, engine, config)
        found = [recognizer.push(frame) for frame in frames]
        reports.append([f for f in found if f is not None])
    assert len(reports[0]) == len(reports[1]) > 60
    said = [
        [
            {a.track_id: (a.state, [h.class_name for h in a.hypotheses[:1]]) for a in f.actions}
            for f in each
        ]
        for each in reports
    ]
    agreed = total = 0
    for tick, (one, other) in enumerate(zip(*said, strict=True)):
        assert one.keys() == other.keys()
        about = said[0][max(0, tick - 1) : tick + 2]
        for track_id, opinion in other.items():
            total += 1
            agreed += opinion in [each.get(track_id) for each in about]
    assert agreed / total > 0.95, f"{agreed} of {total}"
