from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import Labels, load_labels

SECOND = 1_000_000_000
START, END = 1000 * SECOND, 1010 * SECOND

Load = Callable[..., Labels]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def read(rows: str, header: str = "start,end,label,person,region") -> Labels:
        path = tmp_path / "labels.csv"
        path.write_text(f"{header}\n{rows}\n", "utf-8")
        return load_labels(path, START, END, ["no_action", "wave", "Stop", "ok"])

    return read


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,2,waev", r"csv:2: the class 'waev' is not known; did you mean 'wave'\? Else use one "
                     r"of Stop, no_action, ok, wave\."),
        ("1,2,stop", r"the class 'stop' is not known; did you mean 'Stop'\?"),
        ("1,2,somersault", r"the class 'somersault' is not known; use one of Stop, no_action"),
        ("2,2,wave", r"csv:2: 'wave' starts at 2 s and ends at 2 s; let it end after its start"),
        ("3,2,wave", r"'wave' starts at 3 s and ends at 2 s"),
        ("11,12,wave", r"csv:2: 'wave' from 11 s to 12 s is outside of the recording, which has "
                       r"images from 0 s to 10 s; check that the labels are those of this"),
        ("-3,2,wave", r"'wave' from -3 s to 2 s is outside of the recording"),
        ("9,10.6,wave", r"'wave' from 9 s to 10\.6 s is outside of the recording"),
        ("10,10.2,wave", r"outside of the recording"),
        ("1,3,wave\n2.5,4,ok", r"csv:3: 'ok' from 2\.5 s overlaps 'wave' of line 2, which lasts "
                               r"until 3 s, and both are of one person; shorten one of them"),
        ("1,5,wave,1\n2,3,ok,2\n4,6,ok,1", r"csv:4: .* overlaps 'wave' of line 2, .* person 1"),
        ("1,3,wave,,0 0 9 20\n2,4,ok,,1 1 9 20", r"csv:3: .* overlaps 'wave' of line 2"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be(load: Load, row: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        load(row)


@pytest.mark.parametrize(
    "rows",
    [
        "1,3,wave\n3,4,ok",  # they touch
        "1,3,wave,1\n2,4,ok,2",
        "1,3,wave,,0 0 9 20\n2,4,ok,,100 0 9 20",
        "0,10,no_action",
    ],
)
def test_labels_that_can_be(load: Load, rows: str) -> None:
    assert load(rows).problems == ()


def test_a_segment_may_end_with_the_film_a_little_after_its_last_image(load: Load) -> None:
    labels = load("-0.1,1,wave\n9,10.033,ok")
    assert [(s.start_ns, s.end_ns) for s in labels.segments] == [
        (START, START + SECOND), (START + 9 * SECOND, END),
    ]  # fmt: skip
    assert len(labels.problems) == 2 and "'ok' reaches beyond the images" in labels.problems[1]


def test_seconds_taken_for_stamps_are_noticed(load: Load) -> None:
    with pytest.raises(LabelError, match=r"images from 1000 s to 1010 s; check the stamps, or"):
        load("1,2,wave", "# clock: stamps\nstart,end,label")


def test_segments_come_by_start_whatever_their_order_in_the_file(load: Load) -> None:
    assert [s.label for s in load("5,6,ok\n1,2,wave").segments] == ["wave", "ok"]
