"""What a graph said while a bag was played, as a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import tiny_world as world
from bharnet_ros.bags import open_bag
from bharnet_ros.evaluation.bag_input import choose_input, stamped
from bharnet_ros.evaluation.finished import Finished, forget_finished
from bharnet_ros.evaluation.heard import LOST, PASSED_BY, Heard, record_heard, restored
from bharnet_ros.evaluation.offline import Job
from bharnet_ros.evaluation.scoring import score_episodes
from bharnet_ros.evaluation.stamp_order import JUMP_BACK, usable_stamps
from bharnet_ros.evaluation.subject import Subject
from bharnet_ros.evaluation.truth_choice import choose_truth
from bharnet_ros.tracking import NOWHERE
from bharnet_ros.types import ActionFrame

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")
pytest.importorskip("rosbags", reason="bags are read with rosbags")

MS = 1_000_000


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    from benchmarks.synthetic import write_tiny_bundle

    return Subject(str(write_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny").path))


MakeJob = Callable[..., Job]


@pytest.fixture
def make_job(subject: Subject, tmp_path: Path) -> Iterator[MakeJob]:
    path = world.write_bag(tmp_path / "kitchen", skeletons=True)
    with open_bag(path) as bag:

        def make(kind: str = "images", stopped: bool = False) -> Job:
            given = choose_input(bag, kind)
            truth = choose_truth("auto", bag, path, given, None, subject.loaded.manifest)
            return Job(
                "kitchen", subject, bag, path, given, truth, tmp_path / "out",
                stopped=lambda: stopped,
            )  # fmt: skip

        yield make


def played(subject: Subject, indices: range, every: int = 1, **changes: Any) -> Heard:
    """A graph that looked at every n-th image: 40 ms after it, actions 5 ms later."""
    recognizer = subject.recognizer()
    skeletons, actions, published = [], [], {}
    for index in indices:
        stamp = world.stamp(index)
        published[stamp] = at = stamp - world.BEGIN_NS
        if index % every:
            continue
        frame = world.people(index, (3, 9))
        skeletons.append((at + 40 * MS, frame))
        judged = recognizer.push(frame)
        if judged is not None:
            actions.append((at + 45 * MS, judged))
    return replace(Heard(skeletons, actions, published, {"pose": [30.0]}, {}), **changes)


def test_a_graph_that_takes_every_image(make_job: MakeJob, subject: Subject) -> None:
    job = make_job()
    log_times = dict(stamped(job.bag, job.given.topic))
    recording, frames = record_heard(job, played(subject, range(world.COUNT)), log_times)
    assert recording.complete and not recording.problems and not recording.drops
    assert recording.images == recording.estimated == world.COUNT
    assert score_episodes(recording.truth, recording.recognised, 1.0).right == 3
    assert set(recording.stage_ms) == {"pose", "latency", "latency of skeletons"}
    np.testing.assert_allclose(recording.stage_ms["latency"], 45.0)
    np.testing.assert_allclose(recording.stage_ms["latency of skeletons"], 40.0)
    assert {person.person_id for person in recording.people} == {0, 1}
    found = frames.between(world.stamp(3), world.stamp(4))
    assert [[p.track_id for p in frame.skeletons] for frame in found] == [[0, 1], [0, 1]]
    again = restored(make_job()).between(world.stamp(3), world.stamp(4))
    assert [frame.stamp_ns for frame in again] == [frame.stamp_ns for frame in found]
    assert [p.track_id for p in again[0].skeletons] == [0, 1]


def test_images_that_nobody_took_are_counted_beside_those_that_were_refused(
    make_job: MakeJob, subject: Subject
) -> None:
    job = make_job()
    log_times = dict(stamped(job.bag, job.given.topic))
    drops = {
        "pose_estimator: wrong step": 4, "action_recognizer: no track id": 1,
        f"pose_estimator: {NOWHERE}": 7,  # people, of images that were looked at
    }  # fmt: skip
    heard = played(subject, range(world.COUNT), every=2, drops=drops, rate=0.5)
    recording, _ = record_heard(job, heard, log_times)
    assert recording.estimated == world.COUNT // 2
    assert recording.drops == {**drops, PASSED_BY: world.COUNT // 2 - 4}
    # Most of them may be spared on purpose, which cannot be seen from here.
    assert "estimator busy" in PASSED_BY and "nobody in view" in PASSED_BY
    assert any("0.5 times" in text for text in recording.problems)


def test_what_comes_after_a_jump_back_is_left_out_as_offline(
    make_job: MakeJob, subject: Subject
) -> None:
    job = make_job()
    log_times = usable_stamps(stamped(job.bag, job.given.topic))
    whole = played(subject, range(world.COUNT))
    again = played(subject, range(world.COUNT))  # the same stamps once more
    heard = replace(
        whole, skeletons=[*whole.skeletons, *again.skeletons],
        actions=[*whole.actions, *again.actions],
    )  # fmt: skip
    recording, _ = record_heard(job, heard, log_times)
    expected, _ = record_heard(make_job(), whole, log_times)
    assert recording.estimated == recording.images == world.COUNT
    assert recording.recognised == expected.recognised
    assert recording.problems == (JUMP_BACK,)


def test_of_stamps_that_come_twice_the_first_is_played() -> None:
    second = 10**9
    stamps = [0, 5 * second, 6 * second, 6 * second, 5 * second, 6 * second, 7 * second]
    assert usable_stamps((stamp, log) for log, stamp in enumerate(stamps)) == {
        5 * second: 1, 6 * second: 2, 7 * second: 6,
    }  # fmt: skip


def test_a_stopped_playback_counts_what_was_played(make_job: MakeJob, subject: Subject) -> None:
    job = make_job(stopped=True)
    log_times = dict(stamped(job.bag, job.given.topic))
    recording, _ = record_heard(job, played(subject, range(60)), log_times)
    assert not recording.complete and recording.images == recording.estimated == 60
    assert recording.end_ns == world.stamp(59) and len(recording.truth) == 1


def test_a_recorder_that_stood_still_is_told(make_job: MakeJob, subject: Subject) -> None:
    job = make_job()
    log_times = dict(stamped(job.bag, job.given.topic))
    for index in range(50, 60):
        log_times[world.stamp(index)] += 2_000 * MS
    recording, _ = record_heard(job, played(subject, range(world.COUNT)), log_times)
    assert any("10 of 120 messages were recorded up to 2.0 s late" in p for p in recording.problems)


def test_lost_messages_are_told(make_job: MakeJob, subject: Subject) -> None:
    job = make_job("skeletons")
    log_times = dict(stamped(job.bag, job.given.topic))
    heard = played(subject, range(world.COUNT))
    silent = [(at, ActionFrame(frame.stamp_ns, ())) for at, frame in heard.actions]
    heard = replace(heard, actions=silent, skeletons=heard.skeletons[:-2])
    recording, _ = record_heard(job, heard, log_times)
    assert recording.recognised == () and recording.drops == {LOST: 2}
    assert any("did not report 3" in text for text in recording.problems)
    assert "latency of skeletons" not in recording.stage_ms


def test_finished_recordings_are_kept_until_all_are_done(
    make_job: MakeJob, subject: Subject, tmp_path: Path
) -> None:
    job = make_job()
    log_times = dict(stamped(job.bag, job.given.topic))
    recording, _ = record_heard(job, played(subject, range(world.COUNT)), log_times)
    kept = Finished(tmp_path / "out", {"name": "kitchen", "rate": 1.0})
    assert kept.load() is None
    kept.save(recording, subject, "live")
    found = kept.load()
    assert found is not None and found.truth == recording.truth
    assert found.recognised == recording.recognised
    assert Finished(tmp_path / "out", {"name": "kitchen", "rate": 2.0}).load() is None
    (file,) = (tmp_path / "out" / "finished").iterdir()
    file.write_text("{}", "utf-8")
    assert kept.load() is None
    forget_finished(tmp_path / "out")
    assert not (tmp_path / "out" / "finished").exists()
