"""People found while somebody labels: tracked, kept for later, never in the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from bharnet_ros.errors import BackendUnavailable
from bharnet_ros.evaluation.checkpoints import Store
from bharnet_ros.labelling import estimated_people
from bharnet_ros.labelling.bag_recording import BagRecording
from bharnet_ros.labelling.estimated_people import EstimatedPeople
from bharnet_ros.types import Image, SkeletonFrame

ORIGIN_NS = 1_700_000_000_123_456_789
STEP_NS = 100_000_000


class Knowing:
    """An estimator that knows who is there, but not which of the two it is."""

    layout = "coco_17"
    timings_ms: Mapping[str, float] = {"total": 1.0}

    def __init__(self, people: Callable[[int], SkeletonFrame], go_on: threading.Event) -> None:
        self.people, self.go_on, self.looked = people, go_on, 0
        self.half_way = threading.Event()

    def estimate(self, image_bgr: Image, stamp_ns: int) -> SkeletonFrame:
        if self.looked == 30:
            self.half_way.set()
            self.go_on.wait(20)
        self.looked += 1
        frame = self.people((stamp_ns - ORIGIN_NS) // STEP_NS)
        nameless = tuple(replace(person, track_id=-1) for person in frame.skeletons)
        return replace(frame, skeletons=nameless)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


def ids(recording: BagRecording, index: int) -> list[int] | None:
    frame = recording.skeletons(index)
    return None if frame is None else sorted(person.track_id for person in frame.skeletons)


def test_people_are_found_front_to_back_and_only_once(
    write_bag: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    drawn: tuple[object, Callable[[int], SkeletonFrame]],
) -> None:  # fmt: skip
    monkeypatch.setattr(estimated_people, "STRETCH_IMAGES", 5)  # the newest ten stay in memory
    bag, started = write_bag(skeletons=False), []
    begun, go_on = threading.Event(), threading.Event()

    def make() -> Knowing:
        started.append(Knowing(drawn[1], go_on))
        begun.set()
        return started[-1]

    def estimate(topic: str, count: int) -> EstimatedPeople:
        return EstimatedPeople(bag, topic, count, Store(tmp_path / "kept", {"bag": "b"}), make)

    recording = BagRecording(bag, estimate=estimate)
    people = recording._estimated
    assert people is not None
    assert recording.wait(20)
    assert begun.wait(20) and started[0].half_way.wait(20)
    assert recording.overview().has_skeletons
    assert recording.overview().people_progress < 1
    assert ids(recording, 45) is None
    go_on.set()
    assert people.wait(20)
    assert recording.overview().people_progress == 1
    assert [len(ids(recording, n) or ()) for n in (0, 19, 20, 59)] == [1, 1, 2, 2]
    assert ids(recording, 0) == ids(recording, 19)
    presence = recording.presence()
    recording.close()

    again = BagRecording(bag, estimate=estimate)
    assert again._estimated is not None
    assert again._estimated.wait(20)
    assert len(started) == 1  # all of it came from what was kept
    assert again.presence() == presence
    assert again.overview().problems == ()
    again.close()


def test_what_does_not_work_is_said_and_labelling_goes_on(
    write_bag: Callable[..., Path], tmp_path: Path
) -> None:
    bag = write_bag(skeletons=False, count=5)

    def missing() -> Knowing:
        raise BackendUnavailable("the networks are not installed.")

    recording = BagRecording(
        bag, estimate=lambda topic, count: EstimatedPeople(
            bag, topic, count, Store(tmp_path / "kept", {}), missing
        ),
    )  # fmt: skip
    assert recording._estimated is not None
    assert recording._estimated.wait(20)
    assert "not installed" in recording.overview().problems[0]
    assert recording.wait(20)
    assert recording.picture(3).mime == "image/jpeg"
    recording.close()
