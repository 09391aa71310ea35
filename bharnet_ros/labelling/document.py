"""The labels of one bag on disk: read, checked, replaced as a whole, never half and never blindly.

The version of a document is the hash of its file. Whoever saves names the version it started from;
a file that became another one meanwhile (a second tab, an editor) is a conflict and stays as it is.
It needs no counter that a crash could lose.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bharnet_ros.errors import BharnetError, LabelError
from bharnet_ros.evaluation.atomic import write_atomically
from bharnet_ros.evaluation.truth import LabelledSegment, Labels, load_labels, save_labels
from bharnet_ros.evaluation.truth.checks import Span, checked
from bharnet_ros.evaluation.truth.fields import Place
from bharnet_ros.evaluation.truth.tables import read_table, write_table

NO_FILE = "new"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Saved:
    """What lies on disk. version: to be named by whoever changes it."""

    version: str
    segments: tuple[LabelledSegment, ...]
    problems: tuple[str, ...] = ()


class VersionConflict(BharnetError):
    """Somebody else changed the labels. saved: what they are now."""

    def __init__(self, saved: Saved) -> None:
        super().__init__(
            "The labels were changed elsewhere (another tab, or an editor) since this page read "
            "them; nothing was overwritten."
        )
        self.saved = saved


class NotSaved(BharnetError):
    """The file could not be written; what was there before is still there."""


class LabelDocument:
    """The label file of a recording, a table (CSV).

    span: says the stamps of its first and its last image (the latter may grow).
    Before the first change the file as it was found is copied to `<name>.bak`.
    Methods raise LabelError (the file cannot be read), NotSaved and VersionConflict.
    """

    def __init__(self, path: Path, span: Callable[[], tuple[int, int]]) -> None:
        self.path = path
        self._span = span
        self._lock = threading.Lock()
        self._kept_old = False

    @property
    def identity(self) -> str:
        """Tells this label file from others; for what a browser remembers about it."""
        return hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:16]

    def read(self) -> Saved:
        """What lies on disk now."""
        version = self._version()
        if version == NO_FILE:
            return Saved(NO_FILE, ())
        labels = load_labels(self.path, *self._span(), None)
        return Saved(version, labels.segments, tuple(labels.problems))

    def begin_with(self, source: Path) -> Saved:
        """Copy the labels of another file, of any format, if there are none here yet."""
        if self._version() != NO_FILE:
            raise LabelError(
                f"{self.path} holds labels already; move it away to begin with those of {source}."
            )
        return self.replace(NO_FILE, load_labels(source, *self._span(), None).segments)

    def replace(self, version: str, segments: tuple[LabelledSegment, ...]) -> Saved:
        """Write these segments instead of those of `version`; when it returns they are on disk.

        The same change may be sent twice, as after an answer that was lost on the way. Raises
        LabelError, and writes nothing, if the table could not be read again.
        """
        self._refuse_unreadable(segments)
        with self._lock, self._alone():
            if version != self._version():
                saved = self.read()
                if saved.segments != segments:
                    raise VersionConflict(saved)
                return saved
            try:
                self._keep_old()
                save_labels(self.path, Labels(segments, self._span()[0]))
            except OSError as error:
                raise NotSaved(self._why(error)) from error
            except LabelError as error:
                cause = error.__cause__
                why = self._why(cause) if isinstance(cause, OSError) else str(error)
                raise NotSaved(why) from error
            return Saved(self._version(), segments)

    def _refuse_unreadable(self, segments: tuple[LabelledSegment, ...]) -> None:
        """What cannot be read again must not be written."""
        start_ns, end_ns = self._span()
        for s in segments:
            if s.start_ns < start_ns or s.end_ns > end_ns:
                raise LabelError(f"'{s.label}' lies outside of the recording.")
        # The reader knows more than the page: two regions may be one person (see `checks`).
        table = write_table(Labels(segments, start_ns))
        name = str(self.path)
        checked(read_table(table, name), Place(name), Span(start_ns, end_ns), None, None)

    def _version(self) -> str:
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except FileNotFoundError:
            return NO_FILE
        except OSError as error:
            raise NotSaved(self._why(error)) from error

    def _keep_old(self) -> None:
        if self._kept_old:
            return
        if self.path.is_file():
            copy = self.path.with_name(f"{self.path.name}.bak")
            write_atomically(copy, self.path.read_bytes())
        self._kept_old = True

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process that labels in this folder looks or writes meanwhile."""
        try:
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise NotSaved(self._why(error)) from error
        try:
            with contextlib.suppress(OSError):  # some network file systems have no locks
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _why(self, error: OSError) -> str:
        reason = error.strerror or type(error).__name__
        if error.errno in _FULL:
            return f"The disk is full: {self.path} was not written; make room, it is tried again."
        return f"{self.path} cannot be written ({reason}); start with --labels FILE elsewhere."
