"""The fields of a label file as text -> values. Every complaint names file, line and remedy."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth.segments import Region

MAX_BYTES = 64 << 20
MAX_LABEL = 200
_TIME = re.compile(r"(-?)(?:(?:(\d{1,6}):)?(\d{1,2}):)?(\d{1,12}(?:\.\d{0,12})?)", re.ASCII)
_PERSON = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Where in a file something stands; line counts from 1, 0 = the file as a whole."""

    file: str
    line: int = 0

    def error(self, problem: str, remedy: str) -> LabelError:
        """The error to raise for what stands here."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return LabelError(f"{where}: {problem}; {remedy}.")


@dataclass(frozen=True)
class Entry:
    """A segment as it is written, not yet checked against its recording.

    start_ns, end_ns: in the file's clock. recording: whose it is; "" = not said.
    """

    place: Place
    start_ns: int
    end_ns: int
    label: str
    person: int | None = None
    region: Region | None = None
    recording: str = ""


@dataclass(frozen=True)
class Written:
    """Everything a file says.

    stamps: its times are stamps of the images instead of seconds since the first one.
    recordings: the recordings it names, those without any segment too; empty = it names none.
    """

    entries: tuple[Entry, ...]
    stamps: bool = False
    recordings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def read_text(path: Path) -> str:
    """A UTF-8 text file of at most MAX_BYTES. Raises LabelError."""
    place = Place(str(path))
    try:
        with path.open("rb") as file:
            too_large = os.fstat(file.fileno()).st_size > MAX_BYTES
            content = b"" if too_large else file.read(MAX_BYTES)
    except OSError as error:
        raise place.error(
            f"the labels cannot be read ({error.strerror or error})", "check the path"
        ) from None
    if too_large:
        raise place.error(
            f"a label file has at most {MAX_BYTES >> 20} MB, this one has more",
            "give the file of labels, not the recording",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Place(str(path), line).error(
            f"byte 0x{content[error.start]:02x} is not UTF-8", "save the file as UTF-8"
        ) from None


def time_ns(text: str, what: str, place: Place) -> int:
    """Nanoseconds of seconds ("12.5") or a clock time ("1:02:12.5", "2:12.5")."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise place.error(
            f"{what} '{text[:40]}' is not a time", "write seconds as 12.5, or minutes as 2:12.5"
        )
    sign, hours, minutes, seconds = found.groups()
    total = Decimal(seconds) + 60 * int(minutes or 0) + 3600 * int(hours or 0)
    value = int((total * 1_000_000_000).to_integral_value())
    return -value if sign else value


def label_text(text: str, place: Place) -> str:
    """A class name as it is written, without blanks around it."""
    label = text.strip()
    if not label:
        raise place.error("the label is empty", "write the name of the class")
    if len(label) > MAX_LABEL or not label.isprintable():
        raise place.error(
            f"the label '{ascii(label[:40])[1:-1]}' is no name of a class",
            f"write at most {MAX_LABEL} printable characters on one line",
        )
    return label


def person_number(text: str, place: Place) -> int | None:
    """A person's number from 0; None for an empty text."""
    if not text.strip():
        return None
    if not _PERSON.fullmatch(text.strip()):
        raise place.error(
            f"the person '{text[:40]}' is not a whole number from 0 to 999999999",
            "give each person a number",
        )
    return int(text)


def region_box(parts: list[str], place: Place) -> Region | None:
    """x, y, width, height in pixels; None for no parts."""
    if not parts:
        return None
    try:
        x, y, width, height = (float(part) for part in parts)
        if not all(map(math.isfinite, (x, y, width, height))) or width <= 0 or height <= 0:
            raise ValueError
    except ValueError:
        raise place.error(
            f"the region '{' '.join(parts)[:60]}' is no box",
            "write x, y, width and height in pixels, the last two above 0",
        ) from None
    return x, y, width, height
