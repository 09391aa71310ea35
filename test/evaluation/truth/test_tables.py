from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import LabelledSegment, Labels, load_labels, save_labels

SECOND = 1_000_000_000
ORIGIN = 1_700_000_000 * SECOND + 123_456_789
END = ORIGIN + 60 * SECOND

Load = Callable[..., Labels]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def read(text: str, **options: object) -> Labels:
        path = tmp_path / "labels.csv"
        path.write_text(text, "utf-8")
        return load_labels(path, ORIGIN, END, **options)

    return read


def test_seconds_count_from_the_first_image(load: Load) -> None:
    labels = load("start,end,label,person,region\n1.25,3.5,wave,2,10 20 30.5 40\n4,5,ok,,\n")
    assert labels == Labels(
        (
            LabelledSegment(
                ORIGIN + 1_250_000_000, ORIGIN + 3_500_000_000, "wave", 2, (10, 20, 30.5, 40)
            ),
            LabelledSegment(ORIGIN + 4 * SECOND, ORIGIN + 5 * SECOND, "ok"),
        ),
        ORIGIN,
    )


def test_what_people_and_spreadsheets_write(load: Load) -> None:
    expected = load("start,end,label\n1,2.5,wave\n62.5,63,ok\n".replace("62.5,63", "50,51"))
    for text in (
        "\ufeffstart,end,label\r\n1,2.5,wave\r\n50,51,ok\r\n",
        "# mine\n\nstart;end;label\n1;2.5;wave\n# between\n\n50;51;ok\n",
        "Start\tEND\tlabel\t\n 1 \t2.5\twave\n0:50\t0:00:51\tok\n",
        'label,start,end,person\n"ok",50.000,51.,\n"wave",1.0,2.5,\n,,,\n',
    ):
        assert load(text) == expected, text


def test_stamps(load: Load) -> None:
    text = "# clock: stamps\nstart,end,label\n1700000001.123456789,1700000002.123456790,wave\n"
    labels = load(text)
    assert labels.segments == (LabelledSegment(ORIGIN + SECOND, ORIGIN + 2 * SECOND + 1, "wave"),)
    assert labels.origin_ns is None


def test_one_file_for_several_recordings(load: Load) -> None:
    text = "recording,start,end,label\na,1,2,wave\nb,1,2,ok\n,5,6,stop\n"
    assert [s.label for s in load(text, recording="a").segments] == ["wave", "stop"]
    assert [s.label for s in load(text, recording="b").segments] == ["ok", "stop"]
    with pytest.raises(LabelError, match="no labels for the recording 'c', only for 'a', 'b'"):
        load(text, recording="c")
    with pytest.raises(LabelError, match="no labels for the recording ''"):
        load(text)
    assert load("recording,start,end,label\na,1,2,wave\n").segments  # there is no other


def test_a_header_alone_says_that_nothing_happens(load: Load) -> None:
    assert load("start,end,label\n") == Labels((), ORIGIN)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"labels.csv:1: the file has no header; begin it"),
        ("# only words\n", r"labels.csv:1: the file has no header"),
        ("1,2,wave\n", r"labels.csv:1: the column '1' is not known; use start, end, label"),
        ("start,end\n", r"labels.csv:1: the column 'label' is missing"),
        ("start,end,label,label\n", r"labels.csv:1: the column 'label' stands there twice"),
        ("start,end,label\none,2,wave\n", r"labels.csv:2: start 'one' is not a time; write sec"),
        ("start,end,label\n1,nan,wave\n", r"labels.csv:2: end 'nan' is not a time"),
        ("start,end,label\n1,1e1,wave\n", r"labels.csv:2: end '1e1' is not a time"),
        ("start,end,label\n1,,wave\n", r"labels.csv:2: end '' is not a time"),
        ("start,end,label\n1,2,\n", r"labels.csv:2: the label is empty"),
        ("start,end,label\n1,2," + "x" * 201, r"labels.csv:2: the label 'x+' is no name"),
        ("start,end,label\n1,2,a\x07b", r"the label 'a\\x07b' is no name"),
        ("start,end,label\n\n# c\n1,2,wave,3\n", r"labels.csv:4: the row has 4 values for 3"),
        ("start,end,label\n1,2,\"wave\n3,4,ok\n", r"labels.csv:2: the row cannot be read"),
        ("start,end,label,person\n1,2,wave,-1\n", r"labels.csv:2: the person '-1' is not a whole"),
        ("start,end,label,person\n1,2,wave,anna\n", r"the person 'anna' is not a whole number"),
        (
            "start,end,label,person\n1,2,wave,1234567890\n",
            r"'1234567890' is not a whole number from 0 to 999999999; give each person a number",
        ),
        ("start,end,label,region\n1,2,wave,1 2 3\n", r"the region '1 2 3' is no box; write x, y"),
        ("start,end,label,region\n1,2,wave,1 2 0 4\n", r"the region '1 2 0 4' is no box"),
        ("start,end,label,region\n1,2,wave,1 2 inf 4\n", r"the region '1 2 inf 4' is no box"),
        ("# clock: mine\nstart,end,label\n", r"labels.csv:1: the clock 'mine' is not known"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_and_remedy(load: Load, text: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        load(text)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"start,end,label\n1,2,wink\xe9\n")
    with pytest.raises(LabelError, match=r"labels.csv:2: byte 0xe9 is not UTF-8; save the file"):
        load_labels(path, ORIGIN, END)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_gives_labels_or_a_sentence(load: Load, text: str) -> None:
    for start in ("", "start,end,label\n", "start,end,label,person,region\n1,2,wave,"):
        try:
            assert isinstance(load(start + text), Labels)
        except LabelError as error:
            assert "labels.csv" in str(error) and str(error).endswith(".")


names = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
boxes = st.tuples(
    st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(1e-3, 1e4), st.floats(1e-3, 1e4)
)


@st.composite
def any_labels(draw: st.DrawFn) -> Labels:
    segments = []
    for person in (None, 0, 7):
        times = draw(st.lists(st.integers(0, 60 * SECOND), unique=True, max_size=8).map(sorted))
        region = draw(st.none() | boxes) if person is not None else None
        segments += [
            LabelledSegment(ORIGIN + a, ORIGIN + b, draw(names), person, region)
            for a, b in zip(times[::2], times[1::2], strict=False)
        ]
    segments.sort(key=lambda s: (s.start_ns, s.end_ns))
    return Labels(tuple(segments), draw(st.sampled_from([ORIGIN, None])))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(labels=any_labels())
def test_what_is_saved_is_read_to_the_nanosecond(tmp_path: Path, labels: Labels) -> None:
    path = tmp_path / "labels.csv"
    save_labels(path, labels)
    read = load_labels(path, ORIGIN, END)
    assert read.origin_ns == labels.origin_ns
    assert sorted(read.segments, key=repr) == sorted(labels.segments, key=repr)
