from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import Labels, load_labels

SECOND = 1_000_000_000
START, END = 1000 * SECOND, 1010 * SECOND

Load = Callable[[str], Labels]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def read(text: str) -> Labels:
        path = tmp_path / "labels.eaf"
        path.write_text(text, "utf-8")
        return load_labels(path, START, END)

    return read


def tier(name: str, *spans: tuple[str, str, str], more: str = "") -> str:
    annotations = "".join(
        f'    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}{i}" TIME_SLOT_REF1="{a}" '
        f'TIME_SLOT_REF2="{b}">\n      <ANNOTATION_VALUE>{label}</ANNOTATION_VALUE>\n'
        "    </ALIGNABLE_ANNOTATION></ANNOTATION>\n"
        for i, (a, b, label) in enumerate(spans)
    )
    return f'  <TIER TIER_ID="{name}" LINGUISTIC_TYPE_REF="default-lt"{more}>\n{annotations}</TIER>'


def document(*tiers: str, units: str = "milliseconds", before: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{before}'
        '<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+01:00" FORMAT="3.0" '
        'VERSION="3.0">\n'
        f'  <HEADER MEDIA_FILE="" TIME_UNITS="{units}">\n'
        '    <MEDIA_DESCRIPTOR MEDIA_URL="file:///a.mp4" MIME_TYPE="video/mp4"/>\n'
        '    <PROPERTY NAME="lastUsedAnnotationId">4</PROPERTY>\n  </HEADER>\n'
        "  <TIME_ORDER>\n"
        '    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1250"/>\n'
        '    <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2500"/>\n'
        '    <TIME_SLOT TIME_SLOT_ID="ts3"/>\n'
        '    <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="4000"/>\n'
        "  </TIME_ORDER>\n" + "\n".join(tiers) + "\n"
        '  <LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>\n'
        "</ANNOTATION_DOCUMENT>\n"
    )


def rows(labels: Labels) -> list[tuple[int, int, str, int | None]]:
    return [
        ((s.start_ns - START) // 1_000_000, (s.end_ns - START) // 1_000_000, s.label, s.person)
        for s in labels.segments
    ]


def test_a_tier_of_annotations(load: Load) -> None:
    labels = load(document(tier("gestures", ("ts1", "ts2", " wave &amp; go "), ("ts2", "ts4",
        "ok"))))  # fmt: skip
    assert rows(labels) == [(1250, 2500, "wave & go", None), (2500, 4000, "ok", None)]
    assert labels.origin_ns == START and labels.problems == ()


def test_tiers_are_people(load: Load) -> None:
    span = ("ts1", "ts2", "wave")
    named = document(
        tier("left", span, more=' PARTICIPANT="anna"'), tier("right", span, more=' PARTICIPANT="2"')
    )
    assert [row[3] for row in rows(load(named))] == [1, 2]
    numbered = document(tier("person 7", span), tier("person_3", span))
    assert [row[3] for row in rows(load(numbered))] == [7, 3]
    same = document(
        tier("arms", span, more=' PARTICIPANT="anna"'),
        tier("legs", ("ts2", "ts4", "kick"), more=' PARTICIPANT="anna"'),
    )
    assert [row[3] for row in rows(load(same))] == [1, 1]
    assert rows(load(document(tier("person 2", span))))[0][3] == 2


def test_tiers_that_depend_on_others_are_left_out_and_that_is_said(load: Load) -> None:
    child = tier("notes", ("ts1", "ts2", "nice"), more=' PARENT_REF="gestures"')
    labels = load(document(tier("gestures", ("ts1", "ts2", "wave")), child, tier("empty")))
    assert rows(labels) == [(1250, 2500, "wave", None)]
    assert "the tiers notes depend on others" in labels.problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"labels.eaf:1: the XML is broken \(no element found\); save it again with ELAN"),
        ("<a>\n</b>", r"labels.eaf:2: the XML is broken \(mismatched tag\)"),
        ("<html/>", r"this is no ELAN file \(ANNOTATION_DOCUMENT is missing\)"),
        (document(tier("t", ("ts1", "ts9", "a"))), r"eaf:14: the time slot 'ts9' does not exist"),
        (document(tier("t", ("ts1", "ts3", "a"))), r"eaf:14: the annotation has no time of its own"
                                                   r"; align its start and end"),
        (document(tier("t", ("ts1", "ts2", ""))), r"eaf:14: the label is empty"),
        (document(tier("t", ("ts2", "ts1", "a"))), r"eaf:14: 'a' starts at 2\.5 s and ends at 1"),
        (document(units="frames"), r"eaf:3: the time units 'frames' are not known"),
        (document(before='<!DOCTYPE x [<!ENTITY a "ha">]>\n'), r"a document type is declared"),
        (document().replace('"1250"', '"soon"').replace("</TIME_ORDER>", "</TIME_ORDER>" + tier(
            "t", ("ts1", "ts2", "a"))), r"the time slot 'ts1' with '' is not a time"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_line_and_remedy(load: Load, text: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        load(text)


def test_entities_never_grow(load: Load) -> None:
    levels = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 20))
    bomb = document(before=f'<!DOCTYPE x [<!ENTITY l0 "lol">{levels}]>\n')
    with pytest.raises(LabelError, match="a document type is declared, which ELAN never does"):
        load(bomb)
