"""Labels as a table: comma-separated values that any spreadsheet opens.

    # clock: stamps            (only if start and end are stamps of the images)
    start,end,label,person,region
    1.25,3.5,wave,1,410 80 200 560

start and end in seconds since the first image. person and region may be left away; a column
`recording` says whose labels they are when one file serves several.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from bharnet_ros.evaluation.truth.fields import (
    Entry,
    Place,
    Written,
    label_text,
    person_number,
    region_box,
    time_ns,
)
from bharnet_ros.evaluation.truth.segments import Labels

REQUIRED = ("start", "end", "label")
OPTIONAL = ("person", "region", "recording")
_DELIMITERS = (",", ";", "\t")
_CLOCK = re.compile(r"#\s*clock\s*:\s*(.*?)[\s,;]*")
_CLOCKS = {"first_image": False, "stamps": True}


def read_table(text: str, file: str) -> Written:
    """A table with a header. Raises LabelError."""
    lines = text.splitlines()
    header_at = next((i for i, line in enumerate(lines) if _is_content(line)), None)
    if header_at is None:
        raise Place(file, 1).error(
            "the file has no header", f"begin it with the line {','.join(REQUIRED)}"
        )
    header = lines[header_at]
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip().strip('"').lower() for name in header.split(delimiter)]
    _check_header(names, Place(file, header_at + 1))
    entries = []
    for line, row in _rows(lines, header_at + 1, delimiter, file):
        place = Place(file, line)
        if len(row) > len(names) and any(cell.strip() for cell in row[len(names) :]):
            raise place.error(
                f"the row has {len(row)} values for {len(names)} columns",
                "quote values that hold a comma, and write decimals with a point",
            )
        cells = dict(zip(names, [*row, *[""] * len(names)], strict=False))
        entries.append(_entry(cells, place))
    recordings = tuple(dict.fromkeys(e.recording for e in entries if e.recording))
    return Written(tuple(entries), _stamps(lines, file), recordings)


def write_table(labels: Labels) -> str:
    """The inverse of `read_table`, to the nanosecond; regions are written as floats."""
    text = io.StringIO()
    if labels.origin_ns is None:
        text.write("# clock: stamps\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*REQUIRED, "person", "region"])
    origin = labels.origin_ns or 0
    for segment in labels.segments:
        region = segment.region or ()
        writer.writerow([
            _seconds(segment.start_ns - origin), _seconds(segment.end_ns - origin), segment.label,
            "" if segment.person is None else segment.person,
            " ".join(repr(float(value)).removesuffix(".0") for value in region),
        ])  # fmt: skip
    return text.getvalue()


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _check_header(names: list[str], place: Place) -> None:
    for name in names:
        if name and name not in REQUIRED + OPTIONAL:
            raise place.error(
                f"the column '{name[:40]}' is not known",
                f"use {', '.join(REQUIRED)} and, if needed, {', '.join(OPTIONAL)}",
            )
        if name and names.count(name) > 1:
            raise place.error(f"the column '{name}' stands there twice", "keep one of them")
    for name in REQUIRED:
        if name not in names:
            raise place.error(
                f"the column '{name}' is missing", f"begin the file with {','.join(REQUIRED)}"
            )


def _rows(
    lines: list[str], first: int, delimiter: str, file: str
) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold anything, with their line numbers."""
    # Comments become empty lines, so that the reader counts as the user's editor does.
    plain = (line if _is_content(line) else "" for line in lines[first:])
    reader = csv.reader(plain, delimiter=delimiter, strict=True, skipinitialspace=True)
    while True:
        begun = first + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Place(file, begun).error(
                f"the row cannot be read ({error})", "check its quotes and commas"
            ) from None
        if any(cell.strip() for cell in row):
            yield begun, row


def _entry(cells: dict[str, str], place: Place) -> Entry:
    region = cells.get("region", "")
    return Entry(
        place,
        time_ns(cells["start"], "start", place),
        time_ns(cells["end"], "end", place),
        label_text(cells["label"], place),
        person_number(cells.get("person", ""), place),
        region_box(region.replace(",", " ").replace(";", " ").split(), place),
        cells.get("recording", "").strip(),
    )


def _stamps(lines: list[str], file: str) -> bool:
    stamps = False
    for number, line in enumerate(lines, 1):
        found = _CLOCK.fullmatch(line.strip()) if line.lstrip().startswith("#") else None
        if found:
            if found[1] not in _CLOCKS:
                raise Place(file, number).error(
                    f"the clock '{found[1][:40]}' is not known",
                    f"write one of {', '.join(_CLOCKS)}",
                )
            stamps = _CLOCKS[found[1]]
    return stamps


def _seconds(value_ns: int) -> str:
    """Exact, without trailing zeros."""
    whole, rest = divmod(abs(value_ns), 1_000_000_000)
    digits = f"{whole}.{rest:09d}".rstrip("0").rstrip(".")
    return f"-{digits}" if value_ns < 0 else digits
