from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import LabelledSegment, Labels, load_labels

SECOND = 1_000_000_000
START, END = 1000 * SECOND, 1010 * SECOND

Load = Callable[..., Labels]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def read(text: str, recording: str | None = None) -> Labels:
        path = tmp_path / "labels.yaml"
        path.write_text(text, "utf-8")
        return load_labels(path, START, END, recording=recording)

    return read


def test_segments(load: Load) -> None:
    labels = load(
        "segments:\n"
        "  - {start: 1.25, end: 2.5, label: wave, person: 1, region: [410, 80, 200, 560]}\n"
        "  - start: 0:04\n    end: 5\n    label: no\n"
    )
    assert labels == Labels(
        (
            LabelledSegment(
                START + 1_250_000_000, START + 2_500_000_000, "wave", 1, (410, 80, 200, 560)
            ),
            LabelledSegment(START + 4 * SECOND, START + 5 * SECOND, "no"),  # a name, not a bool
        ),
        START,
    )


def test_stamps_and_nothing(load: Load) -> None:
    labels = load("clock: stamps\nsegments: [{start: 1001.000000001, end: 1002, label: ok}]")
    assert labels.segments[0].start_ns == START + SECOND + 1
    assert load("segments: []").segments == load("segments:\n").segments == ()


def test_several_recordings(load: Load) -> None:
    text = "recordings:\n  a: [{start: 1, end: 2, label: ok}]\n  b: []\n"
    assert len(load(text, "a").segments) == 1
    assert load(text, "b").segments == ()  # nothing happens there, and that is said
    with pytest.raises(LabelError, match=r"no labels for the recording 'c', only for 'a', 'b'"):
        load(text, "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"labels.yaml:1: the file is empty; begin it with `segments:`"),
        ("a: [", r"labels.yaml:1: the YAML is broken"),
        ("[1, 2]", r"labels.yaml:1: a mapping is expected here"),
        ("segment: []", r"labels.yaml:1: 'segment' is not known here; use clock, segments, rec"),
        ("clock: stamps", r"there must be either `segments` or `recordings`"),
        ("segments: []\nrecordings: {}", r"there must be either"),
        ("clock: utc\nsegments: []", r"labels.yaml:1: the clock 'utc' is not known"),
        ("segments: 3", r"labels.yaml:1: a list is expected here"),
        ("segments:\n  - 3", r"labels.yaml:2: a mapping is expected here"),
        ("segments:\n  - {start: 1, end: 2}", r"labels.yaml:2: 'label' is missing"),
        ("segments:\n  - {start: 1, end: 2, label: a, who: 1}", r"2: 'who' is not known here"),
        ("segments:\n  - {start: 1, start: 2, end: 2, label: a}", r"2: 'start' is given twice"),
        ("segments:\n  - {start: [1], end: 2, label: a}", r"2: one value is expected here"),
        ("segments:\n  - {start: 1, end: 2, label: a, region: [1, 2]}", r"2: the region '1 2'"),
        ("segments:\n  - {start: .inf, end: 2, label: a}", r"2: start '.inf' is not a time"),
        ("!!python/object:os.system {}", r"there must be either"),  # tags make nothing happen
        ("[" * 5_000_000, r"labels.yaml: brackets are nested too deeply"),
        ("- " * 3000, r"labels.yaml: lines are nested too deeply"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_remedy(load: Load, text: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        load(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(st.characters(codec="utf-8"), max_size=120))
def test_any_text_gives_labels_or_a_sentence(load: Load, text: str) -> None:
    for start in ("", "segments: ", "segments: [{start: 1, end: 2, label: "):
        try:
            assert isinstance(load(start + text), Labels)
        except LabelError as error:
            assert "labels.yaml" in str(error) and str(error).endswith(".")
