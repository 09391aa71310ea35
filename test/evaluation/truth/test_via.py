from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import Labels, load_labels

SECOND = 1_000_000_000
START, END = 1000 * SECOND, 1010 * SECOND


def load(path: Path, text: str, recording: str | None = None) -> Labels:
    path.write_text(text, "utf-8")
    return load_labels(path, START, END, recording=recording)


def rows(labels: Labels) -> list[tuple[float, float, str, int | None]]:
    return [
        ((s.start_ns - START) / 1e9, (s.end_ns - START) / 1e9, s.label, s.person)
        for s in labels.segments
    ]


def project(
    metadata: dict[str, Any], attributes: dict[str, Any] | None = None, films: int = 1
) -> str:
    numbers = [str(i + 1) for i in range(films)]
    return json.dumps({
        "project": {"pid": "x", "pname": "mine", "vid_list": numbers},
        "config": {},
        "attribute": attributes or {"1": attribute("action", {"0": "wave", "1": "ok"})},
        "file": {n: {"fid": n, "fname": f"bag{n}.mp4", "type": 4, "loc": 1} for n in numbers},
        "view": {n: {"fid_list": [n]} for n in numbers},
        "metadata": metadata,
    })  # fmt: skip


def attribute(name: str, options: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "aname": name, "anchor_id": "FILE1_Z2_XY0", "type": 4 if options else 1, "desc": "",
        "options": options or {"default": "Default"}, "default_option_id": "",
    }  # fmt: skip


def segment(start: float, end: float, values: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"vid": "1", "flg": 0, "z": [start, end], "xy": [], "av": values} | more


def test_a_project(tmp_path: Path) -> None:
    text = project(
        {
            "1_a": segment(3.0, 4.125, {"1": "1", "2": "2"}, xy=[2, 10, 20, 30, 40]),
            "1_b": segment(1.24999999, 2.5, {"1": "0", "2": "1"}),
            "1_c": {"vid": "1", "flg": 0, "z": [2.0], "xy": [2, 1, 1, 5, 5], "av": {"1": "0"}},
        },
        {"1": attribute("Action", {"0": "wave", "1": "ok"}), "2": attribute("Person")},
    )
    labels = load(tmp_path / "p.json", text)
    assert rows(labels) == [(1.24999999, 2.5, "wave", 1), (3.0, 4.125, "ok", 2)]
    assert labels.segments[1].region == (10, 20, 30, 40)
    assert "1 annotations are no temporal segments" in labels.problems[0]


def test_the_label_may_be_a_free_text_of_any_name_if_it_is_the_only_one(tmp_path: Path) -> None:
    text = project({"1_a": segment(1, 2, {"7": "wave"})}, {"7": attribute("TEMPORAL-SEGMENTS")})
    assert rows(load(tmp_path / "p.json", text)) == [(1.0, 2.0, "wave", None)]


def test_films_are_recordings(tmp_path: Path) -> None:
    metadata = {"a": segment(1, 2, {"1": "0"}), "b": segment(3, 4, {"1": "1"}, vid="2")}
    text = project(metadata, films=2)
    assert rows(load(tmp_path / "p.json", text, "bag2")) == [(3.0, 4.0, "ok", None)]
    with pytest.raises(LabelError, match="only for 'bag1', 'bag2'"):
        load(tmp_path / "p.json", text, "bag3")


CSV_START = """\
# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)
# SHAPE_ID = {"POINT":1,"RECTANGLE":2}
# ATTRIBUTE = {"1":{"aname":"gesture","type":4,"options":{"0":"wave","1":"ok"}}}
"""
HEADER = "# CSV_HEADER = metadata_id,file_list"
FULL = f"{HEADER},flags,temporal_coordinates,spatial_coordinates,metadata"
SHORT = f"{HEADER},temporal_segment_start,temporal_segment_end,metadata"


def test_the_full_export(tmp_path: Path) -> None:
    text = f"""{CSV_START}{FULL}
"1_x","[""a.mp4""]",0,"[1.5,2.5]","[]","{{""1"":""0""}}"
"1_y","[""a.mp4""]",0,"[4.633]","[2,10,20,50,80]","{{""1"":""1""}}"
"1_z","[""a.mp4""]",0,"[3,4]","[2,10,20,50,80]","{{""1"":""1""}}"
"""
    labels = load(tmp_path / "via.csv", text)
    assert rows(labels) == [(1.5, 2.5, "wave", None), (3.0, 4.0, "ok", None)]
    assert labels.segments[1].region == (10, 20, 50, 80) and len(labels.problems) == 1


def test_the_export_of_temporal_segments(tmp_path: Path) -> None:
    text = f"""# Exported using VGG Image Annotator
{SHORT}
"1_x","[""a.mp4""]",1.5,2.5,"{{""gesture"":""wave"",""person"":""3""}}"
"""
    assert rows(load(tmp_path / "via.csv", text)) == [(1.5, 2.5, "wave", 3)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"p.json: the JSON is broken"),
        ("[]", r"p.json: project is no JSON object"),
        ("{}", r"p.json: this is no project of VIA 3 \('attribute' is missing\)"),
        ("[" * 100_000, r"p.json: the JSON is broken"),
        (project({"1_a": segment(2, 1, {"1": "0"})}), r"\(segment 1_a\): 'wave' starts at 2 s"),
        (project({"1_a": segment(1, 2, {})}), r"\(segment 1_a\): the label is empty"),
        (project({"1_a": segment(1, 2, {"1": "0"}, z="soon")}), r"z is no JSON list"),
        (project({"1_a": segment(1, float("nan"), {"1": "0"})}), r"end 'nan' is not a time"),
        (project({"1_a": segment(1, 2, {"1": "0"}, xy=[3, 1, 2, 3])}), r"is no rectangle"),
        (project({"1_a": []}), r"segment is no JSON object"),
        (project({"1_a": segment(1, 2, {"1": "wave", "2": "big"})},
                 {"1": attribute("what"), "2": attribute("how")}),
         r"not clear which of the attributes what, how is the label; call it label in VIA"),
    ],
)  # fmt: skip
def test_projects_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        load(tmp_path / "p.json", text)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('"1_x",1,2', r"via.csv:5: the row has 3 values for 6 columns"),
        ('"1_x","[]",0,"[1,2","[]","{}"', r"via.csv:5: the JSON is broken"),
        ('"1_x","[]",0,"[1,2]","[]","[]"', r"via.csv:5: metadata is no JSON object"),
        ('"1_x', r"via.csv:5: the row cannot be read"),
    ],
)
def test_rows_that_cannot_be_used(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(LabelError, match=message):
        load(tmp_path / "via.csv", f"{CSV_START}{FULL}\n{row}\n")
