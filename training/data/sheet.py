"""The data sheet of a store: what it holds, where that comes from, under which licence.

`sheet.json` is also the store's only authority on how much of its files counts: they are
appended to first and the sheet is replaced after, so whatever a killed run left behind its
counts is simply not there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.skeleton import get_layout

SHEET_FILE = "sheet.json"
FORMAT = "bharnet_ros skeleton store"
VERSION = 1
UNITS = ("px", "m", "normalised")

# Little-endian on every machine. first_* and counts point into the other files.
SAMPLE = np.dtype(
    [
        ("first_frame", "<i8"), ("num_frames", "<i4"),
        ("first_instance", "<i8"), ("num_instances", "<i4"),
        ("first_span", "<i8"), ("num_spans", "<i4"),
        ("label", "<i4"), ("subject", "<i4"), ("camera", "<i4"), ("setup", "<i4"),
        ("replication", "<i4"), ("group", "<i4"), ("tags", "<u8"),
        ("observed_frames", "<i4"), ("image_height", "<i4"), ("image_width", "<i4"),
        ("source_start", "<i8"), ("source_length", "<i4"),
    ]
)  # fmt: skip
INSTANCE = np.dtype(
    [("first_row", "<i8"), ("first_frame", "<i4"), ("num_frames", "<i4"), ("track_id", "<i4")]
)
SPAN = np.dtype(
    [
        ("label", "<i4"), ("track_id", "<i4"), ("start_ns", "<i8"), ("end_ns", "<i8"),
        ("confidence", "<f4"),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class DataSheet:
    """All that is known of a store besides its arrays.

    dataset: short name that protocols ask for. layout, dims: K keypoints in C = dims numbers of
    `unit`. stamps: "measured", or "nominal" when only a rate is known.
    class_names: in the order of the labels; more may be met if `open_classes`.
    license, provenance: texts for people. converter, options: how it was made.
    field_values: the names behind the codes of each field. tag_names: bit 0, 1 ... of `tags`.
    counts: entries that count, per file. skipped: sources without a sample, [source, reason,
    detail]. hashes: SHA-256 per file, once complete. notes: what a user should know.
    """

    dataset: str
    layout: str
    dims: int
    unit: str
    stamps: str
    class_names: tuple[str, ...]
    license: str
    provenance: str
    converter: str
    options: Mapping[str, Any] = field(default_factory=dict)
    open_classes: bool = False
    notes: tuple[str, ...] = ()
    state: str = "converting"
    field_values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tag_names: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[tuple[str, str, str], ...] = ()
    hashes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        get_layout(self.layout)  # raises for an unknown one
        if self.dims not in (2, 3) or self.unit not in UNITS:
            raise ConfigurationError(
                f"Keypoints of {self.dims} numbers in {self.unit!r}; a store holds 2 or 3 in one "
                f"of {', '.join(UNITS)}."
            )
        if len(set(self.class_names)) != len(self.class_names):
            raise ConfigurationError(f"Class names occur twice: {', '.join(self.class_names)}.")

    @property
    def skip_counts(self) -> dict[str, int]:
        """Reason -> how many sources were skipped for it."""
        return dict(Counter(reason for _, reason, _ in self.skipped))

    def same_making(self, other: DataSheet) -> bool:
        """Whether both were made from the same kind of source with the same options."""
        return self._making() == other._making()

    def _making(self) -> tuple[Any, ...]:
        classes = () if self.open_classes else self.class_names
        options = json.dumps(dict(self.options), sort_keys=True)
        return (
            self.dataset, self.layout, self.dims, self.unit, classes, self.converter, options
        )  # fmt: skip


def files_of(dims: int, num_keypoints: int) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
    """Name of each array file -> (dtype, shape of one entry)."""
    return {
        "samples": (SAMPLE, ()),
        "instances": (INSTANCE, ()),
        "spans": (SPAN, ()),
        "stamps": (np.dtype("<i8"), ()),
        "keypoints": (np.dtype("<f4"), (num_keypoints, dims)),
        "scores": (np.dtype("<f4"), (num_keypoints,)),
        "sources": (np.dtype("u1"), ()),
    }


def entry_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Bytes of one entry of a file."""
    return int(dtype.itemsize * np.prod(shape, dtype=np.int64))


def write_sheet(folder: Path, sheet: DataSheet) -> None:
    """Replace `sheet.json`, whole or not at all, and on the disk when this returns."""
    content = {"format": FORMAT, "version": VERSION, **asdict(sheet)}
    part = folder / f".{SHEET_FILE}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / SHEET_FILE)


def read_sheet(folder: Path) -> DataSheet:
    """Read `sheet.json`; `ConfigurationError` if there is none, or none of this version."""
    path = folder / SHEET_FILE
    if not path.is_file():
        raise ConfigurationError(
            f"{folder} is no skeleton store: it holds no {SHEET_FILE}. Make one with "
            "`python -m training convert`."
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        kind, version = content.pop("format"), content.pop("version")
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise _damaged(path, error) from error
    if kind != FORMAT or version != VERSION:
        raise ConfigurationError(
            f"{path} is of format '{kind}', version {version}; this program reads '{FORMAT}', "
            f"version {VERSION}. Convert the data again."
        )
    try:
        for key in ("class_names", "notes", "tag_names"):
            content[key] = tuple(map(str, content[key]))
        content["skipped"] = tuple((str(a), str(b), str(c)) for a, b, c in content["skipped"])
        values = content["field_values"].items()
        content["field_values"] = {str(key): tuple(map(str, names)) for key, names in values}
        content["counts"] = {str(key): int(n) for key, n in content["counts"].items()}
        return DataSheet(**content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is damaged ({error}); delete the folder and convert the data again."
    )


def completed(sheet: DataSheet, hashes: Mapping[str, str]) -> DataSheet:
    """The sheet of a finished store."""
    return replace(sheet, state="complete", hashes=dict(hashes))


def hash_files(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """SHA-256 of each array file."""
    hashes = {}
    for name in names:
        total = hashlib.sha256()
        with (folder / f"{name}.bin").open("rb") as file:
            while block := file.read(1 << 20):
                total.update(block)
        hashes[name] = total.hexdigest()
    return hashes
