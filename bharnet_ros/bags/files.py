"""Opening one storage file: by its index if it is whole, else record by record."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from bharnet_ros.bags.indexed import IndexedFile
from bharnet_ros.bags.inflate import unpacked_file
from bharnet_ros.bags.mcap_records import is_of_ros2
from bharnet_ros.bags.problems import Problems
from bharnet_ros.bags.records import Channel, RawMessage, StorageFile
from bharnet_ros.bags.salvage_mcap import SalvagedMcap
from bharnet_ros.bags.salvage_sqlite import SalvagedSqlite, has_log
from bharnet_ros.errors import BackendUnavailable, BagError

URI_LETTERS = "?#%"
"""The library makes a URI of a database's path, in which these mean something else."""


def open_file(path: Path, problems: Problems, closing: ExitStack) -> StorageFile:
    """A storage file, however damaged. Raises BagError if nothing of it can be read.

    closing: takes what must be cleaned up besides the file itself.
    """
    name = path.name
    try:
        if path.stat().st_size == 0:
            raise BagError(f"{path} is empty (0 bytes).")
        with path.open("rb"):
            pass
    except OSError as error:
        raise BagError(f"{path} cannot be read: {error.strerror or error}.") from error
    if path.suffix == ".zstd":
        path = unpacked_file(path, problems, closing)
    elif path.suffix == ".db3" and has_log(path):
        if not os.access(path.parent, os.W_OK) and not _beside(path, "-shm").exists():
            path = _copied(path, closing)
    elif path.suffix == ".db3" and set(URI_LETTERS) & set(str(path)):
        folder = closing.enter_context(TemporaryDirectory(prefix="bharnet_ros_bag_"))
        path, target = Path(folder) / "bag.db3", path.resolve()
        path.symlink_to(target)
    return ResilientFile(path, name, problems)


def _copied(path: Path, closing: ExitStack) -> Path:
    """A database and its log where SQLite can write what it needs to read a log."""
    folder = Path(closing.enter_context(TemporaryDirectory(prefix="bharnet_ros_bag_")))
    try:
        for each in (path, _beside(path, "-wal")):
            copyfile(each, folder / each.name)
    except OSError as error:
        raise BagError(
            f"{path} was not closed, and to be read it must be copied to a folder that can be "
            f"written: {error.strerror or error}; set TMPDIR to a folder with more room."
        ) from error
    return folder / path.name


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.name}{ending}")


class ResilientFile:
    """See `StorageFile`. Reads with rosbags until that fails, and salvages the rest."""

    def __init__(self, path: Path, name: str, problems: Problems) -> None:
        self._path, self._name, self._problems = path, name, problems
        self._salvaged, self._closed = False, False
        self._file = self._open()
        self._channels = self._file.channels
        self.start_ns, self.end_ns = self._file.start_ns, self._file.end_ns
        self.count = self._file.count

    @property
    def channels(self) -> Sequence[Channel]:
        """See `StorageFile`."""
        return self._channels

    def messages(
        self, topics: frozenset[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[RawMessage]:
        """See `StorageFile.messages`."""
        newest: int | None = None
        given: Counter[str] = Counter()
        if not self._salvaged:
            try:
                for message in self._file.messages(topics, start_ns, stop_ns):
                    if message.log_ns != newest:
                        newest = message.log_ns
                        given.clear()
                    given[message.topic] += 1
                    yield message
                return
            except Exception as error:  # as in _open
                if self._closed:
                    raise BagError(f"{self._name} was closed while it was read.") from error
                self._file.close()
                self._file = self._salvage(error)
        # Where reading broke off, some messages of the same nanosecond may have been given already.
        for message in self._file.messages(topics, start_ns if newest is None else newest, stop_ns):
            if message.log_ns == newest and given[message.topic] > 0:
                given[message.topic] -= 1
                continue
            yield message

    def close(self) -> None:
        """See `StorageFile.close`."""
        self._closed = True
        self._file.close()

    def _open(self) -> StorageFile:
        if self._path.suffix == ".db3" and has_log(self._path):
            return self._salvage("it was not closed; its newest messages are in a log beside it")
        if self._path.suffix == ".mcap" and not is_of_ros2(self._path):
            return self._scanned()  # written by another program than rosbag2, and whole
        try:
            file = IndexedFile(self._path)
        except BackendUnavailable:
            raise
        except Exception as error:  # a damaged file raises whatever its storage library raises
            return self._salvage(error)
        if not file.complete:
            file.close()
            return self._scanned()
        return file

    def _salvage(self, why: Exception | str) -> StorageFile:
        file = self._scanned()
        reason = why if isinstance(why, str) else str(why).rstrip(".") or type(why).__name__
        self._problems.add(
            f"{self._name} is damaged ({reason}); it was read record by record, and {file.count} "
            "messages were found in it."
        )
        return file

    def _scanned(self) -> StorageFile:
        self._salvaged = True
        if self._path.suffix == ".mcap":
            return SalvagedMcap(self._path, self._name, self._problems)
        return SalvagedSqlite(self._path, self._name, self._problems)
