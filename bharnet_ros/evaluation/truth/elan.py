"""Labels made with ELAN, the annotation tool of the Max Planck Institute for Psycholinguistics.

An .eaf file: every time-aligned annotation of a tier without a parent is a segment, its value the
label. Tiers stand for people: by the number in the tier's participant ("person 2", "2") or else at
the end of its name ("gestures_2"), else one after the other from 1; a single tier without a number
names nobody. ELAN counts milliseconds from the start of the film, which is the first image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from bharnet_ros.evaluation.truth.fields import Entry, Place, Written, label_text, time_ns

_NUMBER = re.compile(r"(\d{1,9})\s*$", re.ASCII)
_MILLISECONDS = re.compile(r"\d{1,12}", re.ASCII)


@dataclass
class _Annotation:
    line: int
    start: str
    end: str
    value: str = ""


@dataclass
class _Tier:
    name: str
    participant: str
    is_root: bool
    annotations: list[_Annotation] = field(default_factory=list)


def read_elan(text: str, file: str) -> Written:
    """Raises LabelError."""
    document = _Document(file)
    document.parse(text)
    tiers = [tier for tier in document.tiers if tier.is_root and tier.annotations]
    left = [tier.name for tier in document.tiers if not tier.is_root and tier.annotations]
    problems = (
        (f"{file}: the tiers {', '.join(left)} depend on others and are not used.",) if left else ()
    )
    people = _people(tiers)
    entries = []
    for tier, person in zip(tiers, people, strict=True):
        for found in tier.annotations:
            place = Place(file, found.line)
            entries.append(Entry(
                place, document.time(found.start, place), document.time(found.end, place),
                label_text(found.value, place), person,
            ))  # fmt: skip
    return Written(tuple(entries), problems=problems)


def _people(tiers: list[_Tier]) -> list[int | None]:
    """A number for each tier; the same for tiers of the same participant."""
    if len(tiers) == 1:
        return [_own_number(tiers[0])]
    numbers: dict[str, int] = {}
    for tier in tiers:
        number = _own_number(tier)
        if number is not None:
            numbers[tier.participant or tier.name] = number
    free = (n for n in range(1, len(tiers) * 2 + 1) if n not in numbers.values())
    taken = iter(list(free))
    for tier in tiers:
        key = tier.participant or tier.name
        if key not in numbers:
            numbers[key] = next(taken)
    return [numbers[tier.participant or tier.name] for tier in tiers]


def _own_number(tier: _Tier) -> int | None:
    found = _NUMBER.search(tier.participant or tier.name)
    return int(found[1]) if found else None


class _Document:
    """Takes from the XML what is needed, with line numbers. Nothing outside of the file is ever
    read, and no entities can be declared."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._slots: dict[str, str | None] = {}
        self._is_eaf = False
        self._open: _Annotation | None = None
        self._in_value = False
        self.tiers: list[_Tier] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True  # a text in millions of pieces would take ages
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def parse(self, text: str) -> None:
        """Raises LabelError."""
        try:
            # The text is Unicode already, whatever encoding the file declares.
            self._parser.Parse(text, True)
        except expat.ExpatError as error:
            raise Place(self._file, error.lineno).error(
                f"the XML is broken ({expat.ErrorString(error.code)})", "save it again with ELAN"
            ) from None
        if not self._is_eaf:
            raise Place(self._file, 1).error(
                "this is no ELAN file (ANNOTATION_DOCUMENT is missing)", "give an .eaf file"
            )

    def time(self, slot: str, place: Place) -> int:
        """Nanoseconds of a time slot."""
        if slot not in self._slots:
            raise place.error(f"the time slot '{slot[:40]}' does not exist", "save it with ELAN")
        value = self._slots[slot]
        if value is None:
            raise place.error(
                "the annotation has no time of its own", "align its start and end in ELAN"
            )
        if not _MILLISECONDS.fullmatch(value):
            return time_ns("", f"the time slot '{slot[:40]}' with", place)
        return int(value) * 1_000_000

    def _place(self) -> Place:
        return Place(self._file, self._parser.CurrentLineNumber)

    def _refuse_doctype(self, *_: Any) -> None:
        raise self._place().error(
            "a document type is declared, which ELAN never does", "export it with ELAN again"
        )

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "ANNOTATION_DOCUMENT":
            self._is_eaf = True
        elif name == "HEADER":
            units = attributes.get("TIME_UNITS", "milliseconds")
            if units != "milliseconds":
                raise self._place().error(
                    f"the time units '{units[:40]}' are not known", "save it in milliseconds"
                )
        elif name == "TIME_SLOT":
            self._slots[attributes.get("TIME_SLOT_ID", "")] = attributes.get("TIME_VALUE")
        elif name == "TIER":
            self.tiers.append(_Tier(
                attributes.get("TIER_ID", ""), attributes.get("PARTICIPANT", "").strip(),
                "PARENT_REF" not in attributes,
            ))  # fmt: skip
        elif name == "ALIGNABLE_ANNOTATION" and self.tiers:
            self._open = _Annotation(
                self._parser.CurrentLineNumber,
                attributes.get("TIME_SLOT_REF1", ""), attributes.get("TIME_SLOT_REF2", ""),
            )  # fmt: skip
            self.tiers[-1].annotations.append(self._open)
        elif name == "ANNOTATION_VALUE":
            self._in_value = True

    def _end(self, name: str) -> None:
        if name == "ANNOTATION_VALUE":
            self._in_value = False
        elif name == "ALIGNABLE_ANNOTATION":
            self._open = None

    def _characters(self, text: str) -> None:
        if self._in_value and self._open is not None:
            self._open.value += text
