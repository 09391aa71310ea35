"""Where bags are and which files they are made of."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import BagError

METADATA = "metadata.yaml"
_STORAGES = (".mcap", ".db3")
_COMPRESSED = ".zstd"
_MAX_METADATA_BYTES = 32_000_000


@dataclass(frozen=True)
class BagFiles:
    """The storage files of a bag in the order they were recorded.

    distro: the ROS distribution that recorded, "" if not known. problems: sentences.
    """

    name: str
    files: tuple[Path, ...]
    distro: str
    problems: tuple[str, ...]


def find_bags(path: Path | str) -> list[Path]:
    """Every bag at or below a path: folders that `ros2 bag record` made, and loose storage files.

    Folders below that may not be read (`lost+found`) are left out. Raises BagError if there is no
    bag, or the path itself may not be read.
    """
    path = Path(path)
    _check_readable(path)
    if is_bag(path):
        return [path]
    found: list[Path] = []
    if path.is_dir():
        # A folder of .mcap files without metadata.yaml may be one broken-off bag, or several
        # bags beside each other; a number at the end, as rosbag2 gives, means one.
        for folder in sorted({path, *_folders_below(path)}, key=_natural):
            if (folder / METADATA).is_file():
                found.append(folder)
            else:
                found += _loose(folder)
    if not found:
        raise BagError(
            f"There is no bag in {path}; give a folder that `ros2 bag record` made (with "
            f"{METADATA}), a .mcap or .db3 file, or a folder of those."
        )
    return found


def is_bag(path: Path) -> bool:
    """Whether `open_bag` would try to read the path as one bag."""
    if path.is_dir():
        return (path / METADATA).is_file() or _is_one(path, _storage_files(path))
    return path.is_file() and _is_storage(path)


def bare_name(path: Path) -> str:
    """What a bag is called, without the endings of storage files."""
    return without_endings(path.resolve().name) or "bag"


def without_endings(name: str) -> str:
    """A name of a storage file without its endings; other names, dots and all, as they are."""
    while PurePath(name).suffix in (*_STORAGES, _COMPRESSED):
        name = PurePath(name).stem
    return name


def bag_files(path: Path) -> BagFiles:
    """The files of one bag. Raises BagError with a sentence if it is none."""
    if path.name == METADATA:
        path = path.parent
    if not path.exists():
        raise BagError(f"The bag {path} does not exist; check the path.")
    _check_readable(path)
    if path.is_file():
        if not _is_storage(path):
            hint = (
                " It looks like a bag of ROS 1; convert it with `rosbags-convert`."
                if path.suffix == ".bag"
                else ""
            )
            raise BagError(f"{path} is no bag of ROS 2 (a folder, .mcap or .db3).{hint}")
        return BagFiles(path.name, (path,), "", ())
    present = _storage_files(path)
    metadata, problem = _metadata(path / METADATA)
    name = path.resolve().name
    if metadata is None:
        if not present:
            raise BagError(
                f"{path} is no bag: it holds neither {METADATA} nor a .mcap or .db3 file."
            )
        return BagFiles(name, tuple(present), "", (problem,))
    problems = [problem] if problem else []
    # Old versions wrote the bag's folder in front of the file names.
    listed = [path / PurePath(str(each)).name for each in metadata.get("relative_file_paths") or ()]
    missing = [file.name for file in listed if not file.is_file()]
    if missing:
        problems.append(
            f"{METADATA} lists {', '.join(missing)}, which the folder does not hold; what they "
            "recorded is missing."
        )
    files = [file for file in listed if file.is_file()]
    more = [file for file in present if file not in files]
    if more:
        problems.append(
            f"{', '.join(file.name for file in more)} is not listed in {METADATA}; it is used too."
        )
    if not files and not more:
        names = ", ".join(missing) or "none is listed"
        raise BagError(f"The bag {path} has no storage file: {names}.")
    return BagFiles(name, (*files, *more), str(metadata.get("ros_distro") or ""), tuple(problems))


def _folders_below(path: Path) -> Iterator[Path]:
    for folder, names, _ in os.walk(path):
        yield from (child for name in names if _readable(child := Path(folder, name)))


def _readable(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


def _check_readable(path: Path) -> None:
    if path.is_dir() and not _readable(path):
        raise BagError(f"The folder {path} may not be read; change its permissions.")


def _metadata(path: Path) -> tuple[dict[str, Any] | None, str]:
    """What metadata.yaml says, or why it says nothing."""
    if not path.is_file():
        return None, f"{METADATA} is missing (the recorder did not end properly)."
    try:
        if path.stat().st_size > _MAX_METADATA_BYTES:
            return None, f"{METADATA} is larger than {_MAX_METADATA_BYTES} bytes and was not read."
        content = plain_yaml.load(path.read_text("utf-8"))
        info = content["rosbag2_bagfile_information"]
        if not isinstance(info, dict):
            raise TypeError("no mapping")
        info.get("relative_file_paths")
    except (OSError, yaml.YAMLError, UnicodeDecodeError, TypeError, KeyError) as e:
        return None, f"{METADATA} cannot be read ({type(e).__name__}); the files themselves were."
    if not isinstance(info.get("relative_file_paths") or [], list):
        return None, f"{METADATA} lists no files; those of the folder were read."
    return info, ""


def _loose(folder: Path) -> list[Path]:
    files = _storage_files(folder)
    return [folder] if _is_one(folder, files) else files


def _is_one(folder: Path, files: Sequence[Path]) -> bool:
    """Whether the files are the parts of one bag: <any name>_0, <the same name>_1 ..."""
    stems = [re.fullmatch(r"(.*)_(\d+)", _stem(file)) for file in files]
    if not files or not all(stems):
        return len(files) == 1 and _stem(files[0]) == folder.name
    return len({match.group(1) for match in stems if match}) == 1


def _storage_files(folder: Path) -> list[Path]:
    inside = (file for file in folder.iterdir() if file.is_file() and _is_storage(file))
    kept: dict[str, Path] = {}
    for file in sorted(inside, key=_natural):
        # A file beside its compressed copy: the recorder was compressing when it ended.
        kept.setdefault(file.name.removesuffix(_COMPRESSED), file)
    return list(kept.values())


def _is_storage(path: Path) -> bool:
    return path.name.removesuffix(_COMPRESSED).endswith(_STORAGES)


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(_COMPRESSED)).stem


def _natural(path: Path) -> list[tuple[int, str]]:
    """bag_10 comes after bag_9."""
    parts: Iterable[str] = re.split(r"(\d+)", str(path))
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]
