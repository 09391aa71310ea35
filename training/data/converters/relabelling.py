"""Labels that were put right after their bags had been converted, who is in the bags, and bags
that were taken out.

A conversion goes on where it stopped and leaves alone what is in the store. So that corrections
count nevertheless, the store keeps what it was made with: the hash of each bag's label file and
what the table of people says about it. (The pattern of names is an option of the store's sheet.)
A store that was made before such notes were kept is asked itself who is in its bags.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from bharnet_ros.bags import find_bags
from bharnet_ros.errors import BagError
from bharnet_ros.evaluation.atomic import write_atomically
from training.data.converters.labelled import Naming, find_labels
from training.data.converters.rosbag import RosbagConverter
from training.data.sheet import SHEET_FILE, files_of, read_sheet
from training.data.store import open_store

HASHES_FILE = ".labels.json"


def forget_relabelled(
    converter: RosbagConverter,
    output: Path,
    report: Callable[[str], None] = print,
    nothing_else: bool = False,
) -> None:
    """Empty the store in `output` if labels of its bags, or who is in them, changed since; note
    what there is. Says which bags have no labels where others have some.

    nothing_else: empty it also if it holds bags that the input does not (any more); otherwise they
    are named, because a store may be filled from several folders.
    Call it before converting. Stores that were not made from bags are left alone. Raises
    ConfigurationError where the table of people is malformed or lacks a bag, or the store is
    damaged.
    """
    now = label_hashes(converter)
    _report_unlabelled(converter, now, report)
    place = output / HASHES_FILE
    before = _read(place)
    changed = [bag for bag, digest in now.items() if before.get(bag, digest) != digest]
    made = (output / SHEET_FILE).is_file() and read_sheet(output).converter == "rosbag"
    if made and not changed and converter.people is not None:
        changed = _named_otherwise(converter.people, output, now)
    gone = _not_in(now, output) if made and now else []
    if gone:
        remedy = "; delete the store if they are to be left out."
        report(
            f"{output} holds {_some(gone)}, not found in {converter.input}"
            f"{': converting everything anew.' if nothing_else else remedy}"
        )
    if made and (changed or (gone and nothing_else)):
        relabelled = [b for b in changed if _labels(before.get(b, now[b])) != _labels(now[b])]
        renamed = [bag for bag in changed if bag not in relabelled]
        for what, bags in (("The labels of", relabelled), ("Who is in", renamed)):
            if bags:
                report(f"{what} {', '.join(bags[:5])} changed: converting everything anew.")
        (output / SHEET_FILE).unlink()
        for name in files_of(2, 1):
            (output / f"{name}.bin").unlink(missing_ok=True)
        before = {}
    output.mkdir(parents=True, exist_ok=True)
    write_atomically(place, json.dumps({**before, **now}, indent=1).encode())


def label_hashes(converter: RosbagConverter) -> dict[str, str]:
    """By the bag's path below the input: SHA-256 of its label file, "" where it has none, and,
    behind a blank, who is in it if a table says so. Raises ConfigurationError, see `Naming`."""
    try:
        bags = find_bags(converter.input)
    except BagError:
        return {}  # the conversion itself says so
    # Without a table nothing is added: stores that were made before it was kept stay as they are.
    naming = Naming(table=converter.people) if converter.people else None
    found = {}
    for bag in bags:
        labels = find_labels(bag, converter.labels)
        content = labels.read_bytes() if labels is not None else b""
        name = bag.name if bag == converter.input else bag.relative_to(converter.input).as_posix()
        found[name] = hashlib.sha256(content).hexdigest() if labels is not None else ""
        if naming is not None:
            found[name] += f" {json.dumps(naming.fields(bag.name), sort_keys=True)}"
    return found


def _named_otherwise(people: Path, output: Path, bags: Collection[str]) -> list[str]:
    """Which of the bags have samples in the store that name other people, or another session,
    than the table does. Notes need not be there, nor be right: they were once written for tables
    that nobody had asked the store about."""
    naming = Naming(table=people)
    store = open_store(output, partial=True)
    wrong = set()
    for source, *who in zip(
        store.sources.tolist(), store.values("subject").tolist(), store.values("group").tolist(),
        strict=True,
    ):  # fmt: skip
        bag = source.rpartition("#")[0]
        if bag in bags:
            told = naming.fields(bag)
            if who != [told["subject"], told["group"]]:
                wrong.add(bag)
    return [bag for bag in bags if bag in wrong]


def _not_in(bags: Collection[str], output: Path) -> list[str]:
    """Bags of the store that are none of these."""
    sources = open_store(output, partial=True).sources.tolist()
    return sorted({source.rpartition("#")[0] for source in sources}.difference(bags))


def _some(bags: Sequence[str]) -> str:
    """The first of them, and how many more."""
    return ", ".join(bags[:5]) + (f" and {len(bags) - 5} more" if len(bags) > 5 else "")


def _labels(entry: str) -> str:
    """The part of an entry of `label_hashes` that is about the labels."""
    return entry.partition(" ")[0]


def _report_unlabelled(
    converter: RosbagConverter, now: dict[str, str], report: Callable[[str], None]
) -> None:
    """A bag that was forgotten would be taught as people who do nothing. (With a place for all
    labels, bags that have none there are skipped, and the conversion says so.)"""
    without = [bag for bag, entry in now.items() if not _labels(entry)]
    if converter.labels is None and 0 < len(without) < len(now):
        report(
            f"No labels in {_some(without)}: unless its topic "
            f"{converter.true_actions} says otherwise, people do nothing there all the time. Label "
            "it (`python -m bharnet_ros label BAG`), or take it out."
        )


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text("utf-8"))
        return {str(bag): str(digest) for bag, digest in content.items()}
    except (OSError, ValueError, AttributeError):
        return {}
