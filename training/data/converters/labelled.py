"""What people say about their bags: what happens in them, who is in them, of which session."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bharnet_ros.bags import Bag
from bharnet_ros.bags.find import without_endings
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.bag_input import BagInput
from bharnet_ros.evaluation.truth import Attribution, Labels, attribute, load_labels
from bharnet_ros.evaluation.truth_choice import film_of
from bharnet_ros.labelling.location import default_labels_path
from bharnet_ros.types import SkeletonFrame
from training.data.sample import Span

ENDINGS = (".csv", ".yaml", ".yml", ".eaf", ".json", ".tsv")
WHO = ("subject", "session")
IMAGE_OPTION = "--image-topic"
_COLUMNS = {"bag", *WHO}
_LONGEST_TABLE = 1_000_000


def find_labels(bag: Path, given: Path | None) -> Path | None:
    """The label file of a bag; None if there is none.

    given: a file for all bags, or a folder that holds a file named like each bag; None = where
    `python -m bharnet_ros label` keeps them. Raises ConfigurationError if given does not exist.
    """
    if given is None:
        path = default_labels_path(bag)
        return path if path.is_file() else None
    if given.is_dir():
        name = bag.name if bag.is_dir() else without_endings(bag.name)
        found = [path for e in ENDINGS if (path := given / f"{name}{e}").is_file()]
        beside = given / bag.name / default_labels_path(bag).name
        return found[0] if found else beside if beside.is_file() else None
    if not given.is_file():
        raise ConfigurationError(
            f"The labels {given} do not exist; give a label file, or a folder with one named like "
            f"each bag ({', '.join(ENDINGS)})."
        )
    return given


def read_labels(path: Path, bag: Bag, given: BagInput) -> Labels:
    """The labels of an open bag. Seconds in the file count from its first image, or from the
    first skeletons if it holds no images. Raises LabelError."""
    return load_labels(path, *film_of(bag, given, IMAGE_OPTION), None, bag.name)


@dataclass(frozen=True, eq=False)
class LabelledPeople:
    """Labels brought together with the tracks of their bag."""

    labels: Labels
    attribution: Attribution

    @classmethod
    def of(cls, labels: Labels, frames: Sequence[SkeletonFrame]) -> LabelledPeople:
        """frames: all tracked frames of the bag. Raises LabelError where it stays unclear who is
        meant."""
        return cls(labels, attribute(labels, frames))

    def knows(self, track_id: int, first_ns: int, last_ns: int) -> bool:
        """Whether the labels speak of this track; of everybody if they say that nothing happens."""
        if not self.labels.segments:
            return True
        return self.attribution.person(track_id, first_ns, last_ns) is not None

    def spans(self, track_id: int, first_ns: int, last_ns: int) -> tuple[Span, ...]:
        """What the person of a track does between two stamps."""
        return tuple(
            Span(
                e.class_name, max(e.start_ns, first_ns), min(e.end_ns, last_ns), track_id
            )
            for e in self.attribution.truth
            if e.end_ns > first_ns
            and e.start_ns < last_ns
            and self.attribution.person(track_id, e.start_ns, e.end_ns) == e.person_id
        )  # fmt: skip


class Naming:
    """Who is in a bag and of which session it is: from a table, or from the bag's name.

    pattern: as `{subject}_{session}`; both are optional, and what is in braces may be anything.
    table: CSV with the columns bag, subject and, if wanted, session. Raises ConfigurationError if
    either is malformed.
    """

    def __init__(self, pattern: str = "", table: Path | None = None) -> None:
        self._expression = _expression(pattern) if pattern else None
        self._pattern = pattern
        self._table = _table(table) if table else None
        self._path = table

    def fields(self, name: str) -> dict[str, str]:
        """subject, where known, and group: the session, in words that no other bag's has.

        Raises ConfigurationError if the bag of that name is not in the table or does not fit the
        pattern.
        """
        bag = Path(name).name
        told: Mapping[str, str] = {}
        if self._table is not None:
            if bag not in self._table:
                raise ConfigurationError(
                    f"{self._path} has no line for the bag '{bag}'; add it, with its subject."
                )
            told = self._table[bag]
        elif self._expression is not None:
            match = self._expression.fullmatch(without_endings(bag))
            if match is None:
                raise ConfigurationError(
                    f"The bag '{bag}' is not named like '{self._pattern}'; rename it, or say who "
                    "is in which bag with --people."
                )
            told = match.groupdict()
        subject, session = told.get("subject", ""), told.get("session", "")
        group = "/".join(part for part in (subject, session) if part) if session else name
        return {**({"subject": subject} if subject else {}), "group": group}


def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", pattern)
    names = parts[1::2]
    if "subject" not in names or set(names) - set(WHO) or len(set(names)) < len(names):
        raise ConfigurationError(
            f"'{pattern}' is no pattern of bag names; write it as '{{subject}}_{{session}}', "
            "with {subject} once and {session} at most once."
        )
    text = re.escape(parts[0])
    for name, plain in zip(names, parts[2::2], strict=True):
        text += f"(?P<{name}>.+?)" + re.escape(plain)
    return re.compile(text)


def _table(path: Path) -> dict[str, dict[str, str]]:
    try:
        if path.stat().st_size > _LONGEST_TABLE:
            raise ValueError("it is longer than a megabyte")
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            names = set(rows.fieldnames or ())
            if not {"bag", "subject"} <= names or names - _COLUMNS:
                raise ValueError(f"its columns are {', '.join(sorted(names)) or 'none'}")
            table = {
                row["bag"].strip(): {k: (row.get(k) or "").strip() for k in WHO} for row in rows
            }
    except (OSError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise ConfigurationError(
            f"{path} does not say who is in which bag ({error}); write a CSV file with the columns "
            "bag,subject or bag,subject,session."
        ) from error
    nameless = [bag for bag, row in table.items() if not row["subject"]]
    if nameless:
        raise ConfigurationError(f"{path} names no subject for the bag '{nameless[0]}'; add it.")
    return table
