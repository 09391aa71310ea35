"""Labels made with the VGG Image Annotator (VIA 3), the browser page of the University of Oxford.

Its project file (.json), its export "VIA3 (CSV)" and its export "Only Temporal Segments as CSV".
Every temporal segment counts. Its label is the attribute called label, action, gesture or class,
or the only one besides `person`, which holds the number of a person. A rectangle drawn with the
segment is the region. Where a project has several films, they are recordings by their file names.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from bharnet_ros.evaluation.truth.fields import (
    Entry,
    Place,
    Written,
    label_text,
    person_number,
    region_box,
    time_ns,
)
from bharnet_ros.evaluation.truth.segments import Region

LABEL_NAMES = ("label", "action", "gesture", "class")
PERSON = "person"
_RECTANGLE = 2
_HEADER = "# CSV_HEADER ="
_ATTRIBUTES = ("# ATTRIBUTE =", "# ATTRIBUTES =")


@dataclass(frozen=True)
class _Record:
    """One line of metadata. times: seconds as text; values: by the attribute's id or name."""

    place: Place
    film: str
    times: Sequence[str]
    shape: Sequence[Any]
    values: Mapping[str, Any]


def is_via_table(text: str) -> bool:
    """Whether a table is an export of VIA."""
    return any(line.startswith(_HEADER) for line in text[:1_000_000].splitlines())


def read_via_table(text: str, file: str) -> Written:
    """Either CSV export. Raises LabelError."""
    lines = text.splitlines()
    attributes: Mapping[str, Any] = {}
    header: list[str] = []
    for number, line in enumerate(lines, 1):
        if line.startswith(_HEADER):
            header = [name.strip() for name in line[len(_HEADER) :].split(",")]
        for start in _ATTRIBUTES:
            if line.startswith(start):
                attributes = _object(_json(line[len(start) :], Place(file, number)), Place(file,
                    number), "attributes")  # fmt: skip
    return _written(list(_table_records(lines, header, file)), attributes, file)


def read_via_project(text: str, file: str) -> Written:
    """The project file. Raises LabelError."""
    place = Place(file)
    data = _object(_json(text, place), place, "project")
    for name in ("attribute", "file", "view", "metadata"):
        if not isinstance(data.get(name), dict):
            raise place.error(
                f"this is no project of VIA 3 ('{name}' is missing)",
                "save the project with VIA 3, or write the labels as CSV",
            )
    records = []
    for key, item in data["metadata"].items():
        here = Place(f"{file} (segment {ascii(key[:40])[1:-1]})")
        fields = _object(item, here, "segment")
        times = [_number_text(value) for value in _array(fields.get("z", []), here, "z")]
        values = _object(fields.get("av", {}), here, "av")
        shape = _array(fields.get("xy", []), here, "xy")
        records.append(_Record(here, _film(data, fields.get("vid")), times, shape, values))
    return _written(records, data["attribute"], file)


def _table_records(lines: list[str], header: list[str], file: str) -> Iterator[_Record]:
    rows = csv.reader(
        ("" if line.startswith("#") else line for line in lines), strict=True,
        skipinitialspace=True,
    )  # fmt: skip
    while True:
        place = Place(file, rows.line_num + 1)
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise place.error(f"the row cannot be read ({error})", "export it again") from None
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            raise place.error(
                f"the row has {len(row)} values for {len(header)} columns", "export it again"
            )
        cells = dict(zip(header, row, strict=True))
        films = _array(_json(cells.get("file_list", "[]"), place), place, "file_list")
        if "temporal_coordinates" in cells:
            found = _array(_json(cells["temporal_coordinates"], place), place, "temporal_coord.")
            times = [_number_text(value) for value in found]
        else:
            start = cells.get("temporal_segment_start", "")
            times = [start, cells.get("temporal_segment_end", "")]
        shape = _array(_json(cells.get("spatial_coordinates", "[]"), place), place, "spatial")
        values = _object(_json(cells.get("metadata", "{}"), place), place, "metadata")
        yield _Record(place, str(films[0]) if films else "", times, shape, values)


def _written(records: Sequence[_Record], attributes: Mapping[str, Any], file: str) -> Written:
    segments = [record for record in records if len(record.times) == 2]
    films = tuple(dict.fromkeys(_stem(record.film) for record in segments))
    problems = []
    if len(segments) < len(records):
        problems.append(
            f"{file}: {len(records) - len(segments)} annotations are no temporal segments and "
            "are not used."
        )
    label_of = _label_name([_named(r.values, attributes) for r in segments], Place(file))
    entries = []
    for record in segments:
        named = _named(record.values, attributes)
        entries.append(Entry(
            record.place,
            time_ns(record.times[0], "start", record.place),
            time_ns(record.times[1], "end", record.place),
            label_text(named.get(label_of, ""), record.place),
            person_number(named.get(PERSON, ""), record.place),
            _region(record),
            _stem(record.film) if len(films) > 1 else "",
        ))  # fmt: skip
    return Written(tuple(entries), False, films if len(films) > 1 else (), tuple(problems))


def _label_name(named: Sequence[Mapping[str, str]], place: Place) -> str:
    used = dict.fromkeys(name for values in named for name in values if name != PERSON)
    known = [name for name in LABEL_NAMES if name in used]
    if len(known) == 1 or (not known and len(used) == 1):
        return known[0] if known else next(iter(used))
    if not used:
        return LABEL_NAMES[0]
    raise place.error(
        f"it is not clear which of the attributes {', '.join(used)} is the label",
        f"call it {LABEL_NAMES[0]} in VIA",
    )


def _named(values: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, str]:
    """Attribute name (lower case) -> text; ids of options become their texts."""
    named = {}
    for key, value in values.items():
        about = attributes.get(key)
        text = value if isinstance(value, str) else json.dumps(value)
        if isinstance(about, str):
            key = about
        elif isinstance(about, dict):
            options = about.get("options")
            if about.get("type") != 1 and isinstance(options, dict):  # 1 is a free text
                text = str(options.get(text, text))
            key = str(about.get("aname", key))
        named[key.strip().lower()] = text
    return named


def _region(record: _Record) -> Region | None:
    if not record.shape:
        return None
    if record.shape[0] != _RECTANGLE or len(record.shape) != 5:
        raise record.place.error("the region is no rectangle", "draw a rectangle")
    return region_box([str(value) for value in record.shape[1:]], record.place)


def _film(data: Mapping[str, Any], view: Any) -> str:
    """Name of the film of a view; "" if the project does not say."""
    files = data["view"].get(str(view))
    ids = files.get("fid_list") if isinstance(files, dict) else None
    about = data["file"].get(str(ids[0])) if isinstance(ids, list) and ids else None
    return str(about.get("fname", "")) if isinstance(about, dict) else ""


def _stem(film: str) -> str:
    return PurePath(film.replace("\\", "/")).stem


def _number_text(value: Any) -> str:
    """A number of JSON as the decimal it stands for."""
    return f"{value:.9f}" if isinstance(value, int | float) and abs(value) < 1e12 else str(value)


def _json(text: str, place: Place) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise place.error(
            f"the JSON is broken ({str(error)[:80]})", "save it again with VIA"
        ) from None


def _object(value: Any, place: Place, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise place.error(f"{what} is no JSON object", "save it again with VIA")
    return value


def _array(value: Any, place: Place, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise place.error(f"{what} is no JSON list", "save it again with VIA")
    return value
