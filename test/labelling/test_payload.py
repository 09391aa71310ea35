"""What the page sends: accepted changes survive the disk exactly, anything else is a sentence."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import LabelledSegment
from bharnet_ros.evaluation.truth.fields import MAX_LABEL
from bharnet_ros.labelling.document import NO_FILE, LabelDocument
from bharnet_ros.labelling.payload import parse_change, to_json

ORIGIN = 1_700_000_000_123_456_789
LENGTH = 60_000_000_000

_names = st.text(
    st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" "), max_size=20
).map(lambda name: name.strip() or "x")
_regions = st.none() | st.tuples(
    st.floats(-100, 5000), st.floats(-100, 5000), st.floats(0.1, 4000), st.floats(0.1, 4000)
)


def row(**changes: Any) -> dict[str, Any]:
    return {"start_ns": 0, "end_ns": 10, "label": "wave", "person": None, "region": None, **changes}


def change(*rows: Any, version: Any = "new") -> bytes:
    return json.dumps({"version": version, "segments": list(rows)}).encode()


@st.composite
def segments(draw: Any) -> tuple[LabelledSegment, ...]:
    """Of up to three people, none of whom overlaps himself."""
    found = []
    for person in (None, 1, 12):
        edges = draw(st.lists(st.integers(0, LENGTH), max_size=8, unique=True))
        edges.sort()
        for start, end in zip(edges[::2], edges[1::2], strict=False):
            region = draw(_regions) if person else None
            span = ORIGIN + start, ORIGIN + end
            found.append(LabelledSegment(*span, draw(_names), person, region))
    return tuple(found)


@given(segments())
def test_accepted_changes_survive_the_disk(given_segments: tuple[LabelledSegment, ...]) -> None:
    body = change(*to_json(given_segments, ORIGIN))
    version, parsed = parse_change(body, ORIGIN)
    assert version == "new"
    assert sorted(parsed, key=repr) == sorted(given_segments, key=repr)
    with tempfile.TemporaryDirectory() as folder:
        document = LabelDocument(Path(folder) / "labels.csv", lambda: (ORIGIN, ORIGIN + LENGTH))
        document.replace(NO_FILE, parsed)
        again = document.read()
    assert sorted(again.segments, key=repr) == sorted(parsed, key=repr)
    assert again.problems == ()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["version", "segments", "start_ns", "end_ns", "label", "person", "region"]),
        inner, max_size=7,
    ),
    max_leaves=20,
)  # fmt: skip


@given(st.binary(max_size=200) | _json.map(lambda data: json.dumps(data).encode()))
def test_anything_else_is_a_sentence(body: bytes) -> None:
    try:
        version, parsed = parse_change(body, ORIGIN)
    except LabelError as error:
        assert str(error).endswith((".", ")."))
    else:
        assert isinstance(version, str)
        assert all(s.start_ns < s.end_ns for s in parsed)


@given(st.fixed_dictionaries(dict.fromkeys(row(), _json)))
def test_odd_segments_are_refused_or_sound(odd: dict[str, Any]) -> None:
    try:
        _, parsed = parse_change(change(odd), ORIGIN)
    except LabelError:
        return
    assert to_json(parsed, ORIGIN) == [odd]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[" * 100_000, "no JSON"),
        (b'{"version": "new", "version": "new", "segments": []}', "no JSON"),
        (b'{"version": "new", "segments": [], "more": 1}', "nothing else"),
        (change(row(start_ns=True)), "start_ns of segment 1"),
        (change(row(end_ns=1.5)), "end_ns of segment 1"),
        (change(row(start_ns=10)), "at or after its end"),
        (change(row(end_ns=2**60)), "end_ns of segment 1"),
        (change(row(label="a\nb")), "class of segment 1"),
        (change(row(label="x" * (MAX_LABEL + 1))), "class of segment 1"),
        (change(row(label="\ud800")), "class of segment 1"),
        (change(row(label=" wave")), "class of segment 1"),
        (change(row(person=-1)), "person of segment 1"),
        (change(row(person=10**9)), "person of segment 1"),
        (change(row(region=[1, 2, 3])), "region of segment 1"),
        (change(row(region=[1, 2, 0, 3])), "no area"),
        (change(row(region=[1, 2, 10**400, 3])), "far outside"),
        (change(row(), row(end_ns=5, start_ns=3)), "overlap"),
        (change(*[row()] * 20_001), "too many"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, said: str) -> None:
    with pytest.raises(LabelError, match=said):
        parse_change(body, ORIGIN)


def test_what_a_file_may_hold_the_page_may_save(tmp_path: Path) -> None:
    """As another tool writes it: people without numbers in two places, sentences as labels."""
    table = tmp_path / "labels.csv"
    text = f"start,end,label,region\n1,3,wave,10 10 50 90\n2,4,{'x' * MAX_LABEL},200 10 50 90\n"
    table.write_text(text, "utf-8")
    document = LabelDocument(table, lambda: (ORIGIN, ORIGIN + LENGTH))
    saved = document.read()
    body = change(*to_json(saved.segments, ORIGIN), version=saved.version)
    assert document.replace(*parse_change(body, ORIGIN)).segments == saved.segments
    here, there = row(region=[10, 10, 50, 90]), row(region=[12, 11, 50, 90])
    with pytest.raises(LabelError, match="of one person overlap"):
        parse_change(change(here, there), ORIGIN)


def test_two_people_may_do_things_at_once() -> None:
    _, parsed = parse_change(change(row(person=1), row(person=2), row()), ORIGIN)
    assert [s.person for s in parsed] == [None, 1, 2]
