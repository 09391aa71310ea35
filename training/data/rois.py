"""Tiles of the people of a store, cut from the images it was made of: the format and its reader.

A folder beside the store. `rois.json` says which store and which layout of tiles; each sample has
one `.npy` file without pickle, an array of rows, one for each person and moment (see `row_dtype`).
Files are written beside their name and moved into place, so one that exists is complete.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.atomic import write_atomically
from bharnet_ros.roi import RoiConfig, Tiles, pick
from bharnet_ros.roi.regions import HAND_SIDE, HEAD_SIDE, TORSO_SIDE
from training.data.store import Store

SHEET_FILE = "rois.json"
FORMAT = "bharnet_ros tiles"
VERSION = 1
SIDES = (HEAD_SIDE, TORSO_SIDE, HAND_SIDE)
"""How large the squares of the regions are here and on the robot; tiles of others are refused."""
Rows = npt.NDArray[Any]


def row_dtype(config: RoiConfig) -> np.dtype[Any]:
    """stamp_ns; track_id; seen (R,), 0 or 1; tiles (R, S, S, 3) uint8 BGR."""
    count, side = config.num_regions, config.tile_px
    return np.dtype(
        [
            ("stamp_ns", "<i8"), ("track_id", "<i4"), ("seen", "u1", (count,)),
            ("tiles", "u1", (count, side, side, 3)),
        ]
    )  # fmt: skip


def tiles_path(folder: Path, sample: int) -> Path:
    """The file of a sample; a thousand in each folder."""
    return folder / f"{sample // 1000:03d}" / f"{sample:06d}.npy"


@dataclass(frozen=True)
class RoiSheet:
    """What a folder of tiles is about.

    store: content hash of the store; dataset: its name. images: where they came from (drawn,
    videos, bags). rate_hz: moments a second that were cut at most. sides: see `SIDES`. samples,
    rows: that have tiles, and their rows. skipped: samples without, [source, reason, detail].
    """

    store: str
    dataset: str
    config: RoiConfig
    images: str
    rate_hz: float
    sides: tuple[float, ...] = SIDES
    state: str = "extracting"
    samples: int = 0
    rows: int = 0
    skipped: tuple[tuple[str, str, str], ...] = field(default=())

    @property
    def skip_counts(self) -> dict[str, int]:
        """Reason -> how many samples were skipped for it."""
        return dict(Counter(reason for _, reason, _ in self.skipped))

    def same_making(self, other: RoiSheet) -> bool:
        """Whether both are about the same store, layout, rate and kind of images."""
        return self._making() == other._making()

    def _making(self) -> tuple[object, ...]:
        return self.store, self.config, self.images, self.rate_hz, self.sides


def write_roi_sheet(folder: Path, sheet: RoiSheet) -> None:
    """Replace `rois.json`, whole or not at all."""
    content = {"format": FORMAT, "version": VERSION, **asdict(sheet)}
    content["config"] = sheet.config.to_dict()
    write_atomically(folder / SHEET_FILE, (json.dumps(content, indent=1) + "\n").encode())


def read_roi_sheet(folder: Path) -> RoiSheet:
    """Read `rois.json`; `ConfigurationError` if there is none, or none of this version."""
    path = folder / SHEET_FILE
    if not path.is_file():
        raise ConfigurationError(
            f"{folder} holds no tiles: it has no {SHEET_FILE}. Make them with "
            "`python -m training extract-rois`."
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        kind, version = content.pop("format"), content.pop("version")
        if (kind, version) != (FORMAT, VERSION):
            raise ConfigurationError(
                f"{path} is of format '{kind}', version {version}; this program reads '{FORMAT}', "
                f"version {VERSION}. Extract the tiles again."
            )
        content["config"] = RoiConfig.from_dict(content["config"])
        content["sides"] = tuple(map(float, content["sides"]))
        content["skipped"] = tuple((str(a), str(b), str(c)) for a, b, c in content["skipped"])
        return RoiSheet(**content)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{path} is damaged ({error}); delete the folder and extract the tiles again."
        ) from error


class RoiSet:
    """The tiles of a store; made by `open_rois`.

    Tiles are memory-mapped: a window costs the moments it shows. May travel to other processes.
    """

    def __init__(self, folder: Path, sheet: RoiSheet, store: Store) -> None:
        self.folder = folder
        self.sheet = sheet
        samples = store.samples
        first = np.minimum(samples["first_instance"], max(len(store.instances) - 1, 0))
        self._first_track = store.instances["track_id"][first]
        self._dtype = row_dtype(sheet.config)
        self._index: dict[int, Mapping[int, tuple[npt.NDArray[np.intp], Rows]]] = {}

    @property
    def config(self) -> RoiConfig:
        """Regions, size and number of moments; another number may be asked for in `tiles`."""
        return self.sheet.config

    def __len__(self) -> int:
        """Samples of the store."""
        return len(self._first_track)

    def content_hash(self) -> str:
        """SHA-256 over the sheet and the last moment of each sample's file: which tiles these are,
        without reading all of what may be many gigabytes."""
        digest = hashlib.sha256((self.folder / SHEET_FILE).read_bytes())
        for sample in range(len(self)):
            path = tiles_path(self.folder, sample)
            if path.is_file():
                with path.open("rb") as file:
                    size = file.seek(0, 2)
                    file.seek(max(0, size - self._dtype.itemsize))
                    digest.update(f"{sample} {size} ".encode() + file.read())
        return digest.hexdigest()

    def has(self, sample: int) -> bool:
        """Whether a sample of the store has tiles."""
        return tiles_path(self.folder, sample).is_file()

    def tiles(self, sample: int, track_id: int, start_ns: int, end_ns: int) -> Tiles:
        """What was seen of a person between two stamps of a sample, as the robot picks it.

        sample: number in the store. track_id: the person; -1 = the one whom the store puts
        first. Nothing is seen in samples that were skipped, and of people without tiles. Raises
        ConfigurationError for a damaged file.
        """
        found = Tiles.unseen(self.config)
        who = int(self._first_track[sample]) if track_id < 0 else track_id
        numbers, stamps = self._rows(sample).get(who, (None, None))
        if numbers is None or stamps is None:
            return found
        chosen = pick(stamps, start_ns, end_ns, self.config.num_frames)
        there = chosen >= 0
        if there.any():
            rows = self._open(sample)[numbers[chosen[there]]]
            found.values[there], found.seen[there] = rows["tiles"], rows["seen"] > 0
        return found

    def stamps(self, sample: int, track_id: int) -> npt.NDArray[np.int64]:
        """(n,) when a person's tiles were cut; empty if there are none."""
        who = int(self._first_track[sample]) if track_id < 0 else track_id
        found = self._rows(sample).get(who)
        return np.zeros(0, np.int64) if found is None else found[1]

    def _rows(self, sample: int) -> Mapping[int, tuple[npt.NDArray[np.intp], Rows]]:
        """Of each person the numbers of the rows in which something is seen, and their stamps."""
        if sample not in self._index:
            people: dict[int, tuple[npt.NDArray[np.intp], Rows]] = {}
            if self.has(sample):
                rows = self._open(sample)
                tracks, stamps = np.array(rows["track_id"]), np.array(rows["stamp_ns"])
                seen = rows["seen"].any(axis=1)
                for track in np.unique(tracks[seen]).tolist():
                    numbers = np.flatnonzero(seen & (tracks == track))
                    people[track] = numbers, stamps[numbers]
            self._index[sample] = people
        return self._index[sample]

    def _open(self, sample: int) -> Rows:
        path = tiles_path(self.folder, sample)
        try:
            rows = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(path, str(error)) from error
        if not isinstance(rows, np.ndarray) or rows.dtype != self._dtype or rows.ndim != 1:
            raise self._damaged(path, "its rows are of another layout")
        return rows

    def _damaged(self, path: Path, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"{path} is damaged ({what}); delete it and run the same `python -m training "
            "extract-rois` again."
        )


def open_rois(folder: Path | str, store: Store, partial: bool = False) -> RoiSet:
    """Open the tiles of a store.

    partial: take those of a run that is not finished, too. Raises ConfigurationError if there
    are none, they are of another store, cut differently, or unfinished.
    """
    folder = Path(folder)
    sheet = read_roi_sheet(folder)
    if sheet.store != store.content_hash():
        raise ConfigurationError(
            f"The tiles in {folder} were cut for another store ('{sheet.dataset}', or before it "
            f"was converted again) than {store.folder}; extract them again, into a new folder."
        )
    if sheet.sides != SIDES:
        raise ConfigurationError(
            f"The tiles in {folder} are squares of the sizes {sheet.sides}, the robot cuts "
            f"{SIDES}; extract them again, into a new folder."
        )
    if sheet.state != "complete" and not partial:
        raise ConfigurationError(
            f"The tiles in {folder} are not finished ({sheet.samples} samples of {len(store)}); "
            "run the same `python -m training extract-rois` again to go on with it."
        )
    return RoiSet(folder, sheet, store)
