"""Labels on disk: atomic, versioned, never blindly overwritten."""

from __future__ import annotations

import os
import re
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import LabelledSegment
from bharnet_ros.labelling.document import NO_FILE, LabelDocument, NotSaved, VersionConflict

ORIGIN = 1_000_000_000
END = ORIGIN + 60_000_000_000


def segment(start_s: float, label: str = "wave") -> LabelledSegment:
    start_ns = ORIGIN + round(start_s * 1e9)
    return LabelledSegment(start_ns, start_ns + 500_000_000, label, 3, (1.0, 2.0, 30.5, 40.0))


@pytest.fixture
def document(tmp_path: Path) -> LabelDocument:
    return LabelDocument(tmp_path / "labels.csv", lambda: (ORIGIN, END))


def test_saved_and_read_again(document: LabelDocument) -> None:
    assert document.read().version == NO_FILE
    saved = document.replace(NO_FILE, (segment(1),))
    assert document.read() == saved
    assert saved.segments == (segment(1),)


def test_a_file_name_in_no_encoding_has_an_identity(tmp_path: Path) -> None:
    """As of a bag on a disk of another system."""
    bag = tmp_path / os.fsdecode(b"caf\xe9")
    bag.mkdir()
    named = LabelDocument(bag / "labels.csv", lambda: (ORIGIN, END))
    assert named.replace(NO_FILE, (segment(1),)) == named.read()
    other = LabelDocument(tmp_path / "labels.csv", lambda: (ORIGIN, END))
    assert re.fullmatch("[0-9a-f]{16}", named.identity) and named.identity != other.identity


def test_an_old_version_overwrites_nothing(document: LabelDocument) -> None:
    mine = document.replace(NO_FILE, (segment(1),))
    document.replace(mine.version, (segment(1), segment(2)))
    with pytest.raises(VersionConflict) as caught:
        document.replace(mine.version, (segment(3),))
    assert caught.value.saved == document.read()
    assert document.read().segments == (segment(1), segment(2))


def test_an_editor_s_change_is_a_conflict_too(document: LabelDocument) -> None:
    saved = document.replace(NO_FILE, (segment(1),))
    document.path.write_text(document.path.read_text().replace("wave", "stop"))
    with pytest.raises(VersionConflict):
        document.replace(saved.version, ())
    assert document.read().segments[0].label == "stop"


def test_the_same_change_may_come_twice(document: LabelDocument) -> None:
    """As after an answer that was lost when the server was killed."""
    first = document.replace(NO_FILE, (segment(1),))
    assert document.replace(NO_FILE, (segment(1),)) == first


def test_of_many_at_once_one_wins(document: LabelDocument) -> None:
    won, lost = [], []

    def save(number: int) -> None:
        other = LabelDocument(document.path, lambda: (ORIGIN, END))
        try:
            won.append(other.replace(NO_FILE, (segment(number),)))
        except VersionConflict as conflict:
            lost.append(conflict.saved)

    threads = [threading.Thread(target=save, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lost == won * 7
    assert document.read() == won[0]


def test_the_file_that_was_there_is_kept(document: LabelDocument) -> None:
    document.replace(NO_FILE, (segment(1),))
    before = document.path.read_text()
    later = LabelDocument(document.path, lambda: (ORIGIN, END))
    saved = later.replace(later.read().version, (segment(2),))
    later.replace(saved.version, ())
    assert document.path.with_name("labels.csv.bak").read_text() == before


@contextmanager
def no_file_may_grow_beyond(size: int) -> Iterator[None]:
    """A full disk as the kernel tells of it: writing fails half-way."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_the_old_labels(document: LabelDocument) -> None:
    saved = document.replace(NO_FILE, (segment(1),))
    many = tuple(segment(n) for n in range(50))
    with no_file_may_grow_beyond(200), pytest.raises(NotSaved, match="disk is full"):
        document.replace(saved.version, many)
    assert document.read() == saved
    assert sorted(p.name for p in document.path.parent.glob("*")) in (
        ["labels.csv"], ["labels.csv", "labels.csv.bak"],
    )  # fmt: skip
    assert document.replace(saved.version, many).segments == many


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    document = LabelDocument(tmp_path / "nowhere" / "labels.csv", lambda: (ORIGIN, END))
    with pytest.raises(NotSaved, match="nowhere"):
        document.replace(NO_FILE, (segment(1),))


def test_nothing_is_written_that_could_not_be_read_again(document: LabelDocument) -> None:
    with pytest.raises(LabelError, match="outside"):
        document.replace(NO_FILE, (segment(59.9),))
    assert document.read().version == NO_FILE


def test_what_the_reader_takes_for_one_person_is_refused(document: LabelDocument) -> None:
    document.path.write_text("start,end,label,person,region\n1,3,wave,,410 80 200 560\n")
    before, saved = document.path.read_bytes(), document.read()
    place = (410.0, 80.0, 200.0, 560.0)
    clap = LabelledSegment(ORIGIN + 2 * 10**9, ORIGIN + 4 * 10**9, "clap", 1, place)
    with pytest.raises(LabelError, match=r"'clap' from 2 s overlaps 'wave' .* both are of person"):
        document.replace(saved.version, (*saved.segments, clap))
    assert document.path.read_bytes() == before and document.read() == saved
    elsewhere = replace(clap, region=(10.0, 80.0, 200.0, 560.0))
    document.replace(saved.version, (*saved.segments, elsewhere))
    assert document.read().segments == (*saved.segments, elsewhere)


@pytest.mark.parametrize(("person", "fits"), [(10**9 - 1, True), (10**9, False)])
def test_persons_have_as_many_digits_as_the_reader_takes(
    document: LabelDocument, person: int, fits: bool
) -> None:
    segments = (replace(segment(1), person=person),)
    if fits:
        document.replace(NO_FILE, segments)
        assert document.read().segments == segments
    else:
        with pytest.raises(LabelError, match="not a whole number"):
            document.replace(NO_FILE, segments)
        assert not document.path.exists()


def test_labels_of_another_tool_are_taken_over_once(document: LabelDocument) -> None:
    source = document.path.with_name("others.csv")
    source.write_text("start,end,label\n1.5,2.0,wave\n")
    document.begin_with(source)
    assert [s.start_ns for s in document.read().segments] == [ORIGIN + 1_500_000_000]
    with pytest.raises(LabelError, match="already"):
        document.begin_with(source)
