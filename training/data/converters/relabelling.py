"""Labels that were put right after their bags had been converted.

A conversion goes on where it stopped and leaves alone what is in the store. So that corrected
labels count nevertheless, the store keeps the hashes of the label files it was made with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from bharnet_ros.bags import find_bags
from bharnet_ros.errors import BagError
from bharnet_ros.evaluation.atomic import write_atomically
from training.data.converters.labelled import find_labels
from training.data.converters.rosbag import RosbagConverter
from training.data.sheet import SHEET_FILE, files_of, read_sheet

HASHES_FILE = ".labels.json"


def forget_relabelled(
    converter: RosbagConverter, output: Path, report: Callable[[str], None] = print
) -> None:
    """Empty the store in `output` if labels of its bags changed since; note the labels there are.

    Call it before converting. Stores that were not made from bags are left alone.
    """
    now = label_hashes(converter)
    place = output / HASHES_FILE
    before = _read(place)
    changed = [bag for bag, digest in now.items() if before.get(bag, digest) != digest]
    if changed and (output / SHEET_FILE).is_file() and read_sheet(output).converter == "rosbag":
        report(f"The labels of {', '.join(changed[:5])} changed: converting everything anew.")
        (output / SHEET_FILE).unlink()
        for name in files_of(2, 1):
            (output / f"{name}.bin").unlink(missing_ok=True)
        before = {}
    output.mkdir(parents=True, exist_ok=True)
    write_atomically(place, json.dumps({**before, **now}, indent=1).encode())


def label_hashes(converter: RosbagConverter) -> dict[str, str]:
    """SHA-256 of each bag's label file by the bag's path below the input; "" where it has none."""
    try:
        bags = find_bags(converter.input)
    except BagError:
        return {}  # the conversion itself says so
    found = {}
    for bag in bags:
        labels = find_labels(bag, converter.labels)
        content = labels.read_bytes() if labels is not None else b""
        name = bag.name if bag == converter.input else bag.relative_to(converter.input).as_posix()
        found[name] = hashlib.sha256(content).hexdigest() if labels is not None else ""
    return found


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text("utf-8"))
        return {str(bag): str(digest) for bag, digest in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}
