"""Time in which no image came is no recorded time."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation import Episode
from bharnet_ros.evaluation.building import Ending, RecordingBuilder
from bharnet_ros.evaluation.compare import compare
from bharnet_ros.evaluation.gaps import GAP_NS, outside
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.records import Evaluation, Recording
from bharnet_ros.evaluation.storage import load, save
from bharnet_ros.types import SkeletonFrame

SECOND = 1_000_000_000
DAYS = 3 * 24 * 3600 * SECOND
MINUTE = 60 * SECOND


class Nobody:
    """A recogniser and a truth for frames without people."""

    rgb = None
    opinions: dict[int, Any] = {}  # noqa: RUF012
    truth: tuple[Episode, ...] = ()
    problems: tuple[str, ...] = ()

    def __init__(self) -> None:
        manifest = type("Manifest", (), {"class_names": ("idle",), "name": "m"})
        self.manifests = (manifest,)

    def push(self, frame: SkeletonFrame) -> None:
        pass

    def flush(self) -> None:
        pass

    def finish(self) -> Nobody:
        return self

    def attribute(self, episodes: Any) -> tuple[Episode, ...]:
        return ()


def built(stamps: list[int], **ending: Any) -> Recording:
    nobody: Any = Nobody()
    builder = RecordingBuilder("bag", nobody, nobody)
    for stamp in stamps:
        builder.push(SkeletonFrame(stamp, (480, 640), "coco_17", ()))
    return builder.finish(Ending(len(stamps), {}, **ending))


def whole(recording: Recording) -> Evaluation:
    return Evaluation("offline", "m", "", "", ("idle", "wave"), "idle", "", (recording,))


def with_alarm(recording: Recording, at_ns: int) -> Evaluation:
    return whole(replace(recording, recognised=(Episode(-1, "wave", at_ns, at_ns + SECOND),)))


def two_minutes(pause_ns: int) -> Recording:
    """A minute of images, a pause, another minute."""
    first = list(range(0, MINUTE + 1, SECOND // 5))
    return built([*first, *(MINUTE + pause_ns + stamp for stamp in first)])


def test_a_pause_of_days_does_not_count() -> None:
    recording = two_minutes(DAYS)
    assert recording.gaps == ((MINUTE, MINUTE + DAYS),)
    assert recording.covered_s == 120.0 and recording.duration_s == 120.0 + DAYS / SECOND
    (told,) = recording.problems
    assert told.startswith("Once no image was judged for longer than 10 s, together 259200 s;")
    figures = measure(with_alarm(recording, 5 * SECOND))["overall"]
    assert figures["events"]["false_alarms"]["per_hour"] == pytest.approx(30.0)
    assert figures["coverage"]["seconds"] == 120.0


@pytest.mark.parametrize("pause_ns", [SECOND // 30, SECOND, GAP_NS])
def test_what_is_shorter_counts_whole(pause_ns: int) -> None:
    recording = two_minutes(pause_ns)
    assert not recording.gaps and not recording.problems
    assert recording.covered_s == recording.duration_s


def test_a_gap_before_the_first_and_after_the_last_frame_is_one_too() -> None:
    edges = {"start_ns": -MINUTE, "end_ns": 2 * MINUTE}
    recording = built([0, SECOND], **edges)
    assert recording.gaps == ((-MINUTE, 0), (SECOND, 2 * MINUTE)) and recording.covered_s == 1.0
    assert built([], **edges).gaps == ((-MINUTE, 2 * MINUTE),)
    assert built([7]).gaps == () and built([]).gaps == ()


def test_what_is_told_holds_where_images_came_and_nobody_could_judge_them() -> None:
    recording = built([0, SECOND, MINUTE, 2 * MINUTE], end_ns=2 * MINUTE)
    (told,) = recording.problems
    assert recording.images > 0 and told.startswith("2 times no image was judged for longer than")


def test_gaps_come_back_from_the_file_and_old_files_have_none(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    save(whole(two_minutes(DAYS)), {}, path)
    assert load(path)[0].recordings[0].gaps == ((MINUTE, MINUTE + DAYS),)
    text = path.read_text("utf-8")
    for wrong in ("[[2,1]]", "[[1]]", '[["1",2]]', "[3]", "{}"):
        path.write_text(_with_gaps(text, wrong), "utf-8")
        with pytest.raises(EvaluationError, match="gaps"):
            load(path)
    path.write_text(_with_gaps(text, None), "utf-8")
    assert load(path)[0].recordings[0].gaps == ()


def _with_gaps(text: str, gaps: str | None) -> str:
    import json

    data = json.loads(text)
    recording = data["evaluation"]["recordings"][0]
    if gaps is None:
        del recording["gaps"]
    else:
        recording["gaps"] = json.loads(gaps)
    return json.dumps(data)


@pytest.mark.parametrize("pause_ns", [DAYS, 56 * 365 * 24 * 60 * MINUTE])
def test_a_comparison_does_not_count_them_neither(pause_ns: int) -> None:
    """A clock that was set while it recorded jumps by 56 years."""
    recording = two_minutes(pause_ns)
    truth = (Episode(1, "wave", SECOND, 2 * SECOND),)
    old, new = (with_alarm(replace(recording, truth=truth), at) for at in (5 * SECOND, 9 * SECOND))
    (row,) = [d for d in compare(old, new).overall if d.unit == "per hour"]
    assert (row.old, row.new) == pytest.approx((30.0, 30.0))
    assert all(map(math.isfinite, (row.low, row.high)))


span = st.tuples(st.integers(0, 60), st.integers(0, 15)).map(lambda pair: (pair[0], sum(pair)))


@given(gaps=st.lists(span, max_size=6), whole_span=span)
def test_what_is_left_is_that_of_single_nanoseconds(
    gaps: list[tuple[int, int]], whole_span: tuple[int, int]
) -> None:
    start, end = whole_span
    left = outside(gaps, start, end)
    moments = set(range(start, end)) - {t for a, b in gaps for t in range(a, b)}
    assert sorted(t for a, b in left for t in range(a, b)) == sorted(moments)
    assert outside((), start, end) == ((start, end),)
