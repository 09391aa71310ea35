"""Where the labels of a bag are kept unless somebody says otherwise."""

from __future__ import annotations

from pathlib import Path

LABELS_FILE = "labels.csv"


def default_labels_path(bag: Path) -> Path:
    """`labels.csv` in a bag's folder, where it travels with the bag; beside a single file (.mcap,
    .db3) a file of the same name that ends in `.labels.csv`."""
    if bag.is_dir():
        return bag / LABELS_FILE
    return bag.with_name(f"{bag.stem}.{LABELS_FILE}")
