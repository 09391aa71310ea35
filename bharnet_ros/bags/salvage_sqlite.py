"""What can still be read of a damaged SQLite3 file: one that was cut off, was never closed, or
has broken pages.

Rows are read by their number instead of by the index on time, and around the pages that cannot be
read. One pass without the messages' bytes notes which rows belong to which time; then they are
read in the order of time, a few megabytes at a time.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bharnet_ros.bags.merge import merged
from bharnet_ros.bags.problems import Problems
from bharnet_ros.bags.qos_text import qos_of_text
from bharnet_ros.bags.records import Channel, RawMessage, full_type
from bharnet_ros.errors import BagError

_PIECE_BYTES = 4_000_000
_PIECE_ROWS = 1000
_LAST_ROW = 2**62


def has_log(path: Path) -> bool:
    """Whether a write-ahead log is beside the file: the recorder did not close it."""
    log = path.with_name(path.name + "-wal")
    return log.is_file() and log.stat().st_size > 0


_DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""SQLite's messages about damage quote it, and are then no text themselves."""


@dataclass
class _Piece:
    """Rows after `after` up to `last`, which are read at once."""

    after: int
    last: int
    first_ns: int
    last_ns: int
    rows: int = 0
    size: int = 0


class SalvagedSqlite:
    """See `StorageFile`. Raises BagError if nothing is left of it."""

    def __init__(self, path: Path, name: str, problems: Problems) -> None:
        self._path, self._name, self._problems = path, name, problems
        self._database = _connect(path)
        try:
            self._topics = self._read_topics()
            self._counts: Counter[int] = Counter()
            self._pieces = list(self._scan())
        except (sqlite3.Error, KeyError, TypeError, ValueError) as error:  # also other columns
            self._database.close()
            raise BagError(
                f"{path} is damaged, and nothing of it can be read "
                f"({type(error).__name__}: {error})."
            ) from error
        except BagError:
            self._database.close()
            raise
        self.count = sum(self._counts.values())
        self.start_ns = min((piece.first_ns for piece in self._pieces), default=0)
        self.end_ns = max((piece.last_ns for piece in self._pieces), default=0)

    @property
    def channels(self) -> list[Channel]:
        """See `StorageFile`."""
        return [
            Channel(
                c.topic, c.type, self._counts[number], c.definition, c.definition_format,
                c.digest, c.encoding, c.qos,
            )
            for number, c in self._topics.items()
        ]  # fmt: skip

    def messages(
        self, topics: frozenset[str], start_ns: int | None, stop_ns: int | None
    ) -> Iterator[RawMessage]:
        """See `StorageFile.messages`."""
        low = -(2**63) if start_ns is None else start_ns
        high = 2**63 if stop_ns is None else stop_ns
        wanted = {number: c for number, c in self._topics.items() if c.topic in topics}
        return merged(
            (piece.first_ns, partial(self._read, piece, wanted, low, high))
            for piece in self._pieces
            if piece.last_ns >= low and piece.first_ns < high
        )

    def close(self) -> None:
        """See `StorageFile.close`."""
        self._database.close()

    def _read(
        self, piece: _Piece, wanted: dict[int, Channel], low: int, high: int
    ) -> Iterator[RawMessage]:
        found = []
        for _, topic, log_ns, data in self._rows("data", piece.after, piece.last):
            channel = wanted.get(topic)
            if channel is not None and isinstance(data, bytes) and low <= log_ns < high:
                found.append(RawMessage(channel.topic, channel.type, log_ns, data))
        found.sort(key=lambda message: message.log_ns)
        found.reverse()
        while found:  # let go of each message once it was given
            yield found.pop()

    def _scan(self) -> Iterator[_Piece]:
        piece: _Piece | None = None
        after = -1
        for number, topic, log_ns, size in self._rows("length(data)", -1, _LAST_ROW):
            if topic not in self._topics or not isinstance(log_ns, int):
                continue
            full = piece is not None and (
                piece.rows >= _PIECE_ROWS or piece.size + int(size or 0) > _PIECE_BYTES
            )
            if piece is None or full:
                if piece is not None:
                    yield piece
                    after = piece.last
                piece = _Piece(after, number, log_ns, log_ns)
            piece.last, piece.rows = number, piece.rows + 1
            piece.size += int(size or 0)
            piece.first_ns, piece.last_ns = min(piece.first_ns, log_ns), max(piece.last_ns, log_ns)
            self._counts[topic] += 1
        if piece is not None:
            yield piece

    def _rows(self, column: str, after: int, last: int) -> Iterator[tuple[int, int, int, Any]]:
        """(number, topic, log time, column) of the rows that can be read, by number."""
        while True:
            try:
                for row in self._select(column, after, last):
                    if row[0] > after:  # a damaged tree gives rows again, without end
                        after = row[0]
                        yield row
                return
            except _DAMAGE as error:
                resumed = self._readable(column, after, last)
                until = "the end" if resumed is None else f"message {resumed + 1}"
                self._problems.add(
                    f"{self._name} cannot be read after message {max(after, 0)} until {until} "
                    f"({error}); what is there is lost."
                )
                if resumed is None:
                    return
                after = resumed

    def _select(self, column: str, after: int, last: int, limit: int = -1) -> sqlite3.Cursor:
        # column is one of the two names above, never anything from outside.
        return self._database.execute(
            f"SELECT id, topic_id, timestamp, {column} FROM messages NOT INDEXED "  # noqa: S608
            "WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
            (after, last, limit),
        )

    def _readable(self, column: str, after: int, last: int) -> int | None:
        """The smallest number after which rows can be read again; None if there is none.

        The gap is searched in steps that double and is then narrowed down by halves.
        """

        def works(number: int) -> bool:
            try:
                row = self._select(column, number, last, 1).fetchone()
            except _DAMAGE:
                return False
            return row is None or bool(row[0] > number)

        step = 1
        while not works(after + step):
            step *= 2
            if after + step >= last:
                return None
        bad, good = after + step // 2, after + step
        while good - bad > 1:
            middle = (bad + good) // 2
            bad, good = (bad, middle) if works(middle) else (middle, good)
        return good

    def _read_topics(self) -> dict[int, Channel]:
        definitions: dict[str, tuple[str, str]] = {}
        for row in self._table("message_definitions"):
            text = str(row.get("encoded_message_definition", ""))
            definitions[str(row.get("topic_type"))] = (text, str(row.get("encoding", "")))
        topics = {}
        for row in self._table("topics"):
            text, form = definitions.get(str(row.get("type")), ("", ""))
            topics[int(row["id"])] = Channel(
                str(row["name"]), full_type(str(row["type"])), 0, text, form,
                str(row.get("type_description_hash") or ""),
                str(row.get("serialization_format") or "cdr"),
                qos_of_text(str(row.get("offered_qos_profiles") or "")),
            )  # fmt: skip
        if not topics:
            raise BagError(f"{self._path} is damaged: it names no topics.")
        return topics

    def _table(self, name: str) -> Iterator[dict[str, Any]]:
        """Rows of a small table; of an unreadable one, those that can be read."""
        try:
            cursor = self._database.execute(f"SELECT * FROM {name}")  # noqa: S608
            columns = [item[0] for item in cursor.description]
            for row in cursor:
                yield dict(zip(columns, row, strict=True))
        except _DAMAGE as error:
            if name == "topics":
                raise
            if "no such table" not in str(error):
                self._problems.add(f"{self._name} has a damaged table {name} ({error}).")


def _connect(path: Path) -> sqlite3.Connection:
    # Immutable: whatever locks and journals a crashed recorder left are ignored. Only with a
    # write-ahead log must SQLite read what is beside the file.
    mode = "mode=ro" if has_log(path) else "mode=ro&immutable=1"
    try:
        database = sqlite3.connect(
            f"{path.resolve().as_uri()}?{mode}", uri=True, check_same_thread=False
        )
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        # A file that is shorter than its header says is refused otherwise.
        database.execute("PRAGMA writable_schema=ON")
    except sqlite3.Error as error:
        raise BagError(f"{path} cannot be read as SQLite3: {error}.") from error
    return database
