"""Label files of every format, by the ending of their name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.atomic import write_atomically
from bharnet_ros.evaluation.truth.checks import Span, checked
from bharnet_ros.evaluation.truth.elan import read_elan
from bharnet_ros.evaluation.truth.fields import Place, Written, label_text, read_text
from bharnet_ros.evaluation.truth.segments import Labels
from bharnet_ros.evaluation.truth.tables import read_table, write_table
from bharnet_ros.evaluation.truth.via import is_via_table, read_via_project, read_via_table
from bharnet_ros.evaluation.truth.yaml_file import read_yaml


def _read_any_table(text: str, file: str) -> Written:
    return (read_via_table if is_via_table(text) else read_table)(text, file)


_READERS: dict[str, Callable[[str, str], Written]] = {
    ".csv": _read_any_table,
    ".tsv": read_table,
    ".yaml": read_yaml,
    ".yml": read_yaml,
    ".eaf": read_elan,
    ".json": read_via_project,
}


def load_labels(
    path: str | Path,
    bag_start_ns: int,
    bag_end_ns: int,
    class_names: Collection[str] | None = None,
    recording: str | None = None,
) -> Labels:
    """Read what somebody labelled.

    bag_start_ns, bag_end_ns: stamps of the first and the last image; seconds in the file count
    from the first. class_names: the names that labels may have; None = any. recording: which
    one, for files that name several. Raises LabelError, which names file, line and remedy, for
    a format that is not known, anything malformed, segments outside of the recording, segments
    of one person that overlap, and classes that are not known.
    """
    path = Path(path)
    span = Span(bag_start_ns, bag_end_ns)
    return checked(_written(path), Place(str(path)), span, class_names, recording)


def check_of_several(path: str | Path, count: int) -> None:
    """Raise LabelError if a file that is given for so many recordings does not say of which one
    its labels are: what happens in one would be taken for the truth of all."""
    written = _written(Path(path))
    if count > 1 and written.entries and not written.recordings:
        raise LabelError(
            f"{path} does not say of which of {count} recordings its labels are; give a file for "
            "each, or name the recordings in it (in a table: a column `recording`)."
        )


def _written(path: Path) -> Written:
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise LabelError(
            f"{path}: labels of the kind '{path.suffix}' are not known; give a file that ends "
            f"with {', '.join(_READERS)}."
        )
    return reader(read_text(path), str(path))


def save_labels(path: str | Path, labels: Labels) -> None:
    """Save as a table (CSV) that `load_labels` reads back; see `tables` for its columns.

    The file is replaced only when the new one is safely on the disk. Raises LabelError if that
    fails (no room, no permission) or if a label is no name; what was there before is then
    untouched.
    """
    path = Path(path)
    if path.suffix.lower() != ".csv":
        raise LabelError(f"{path}: labels are saved as a table; give a name that ends with .csv.")
    for segment in labels.segments:
        label_text(segment.label, Place(str(path)))  # what is written can be read
    try:
        write_atomically(path, write_table(labels).encode())
    except OSError as error:
        raise LabelError(
            f"{path}: the labels could not be saved ({error.strerror or error}) and the file is "
            "as before; free some room, or choose another folder."
        ) from error
