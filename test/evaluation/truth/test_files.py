from __future__ import annotations

import resource
from pathlib import Path

import pytest

from bharnet_ros.errors import LabelError
from bharnet_ros.evaluation.truth import LabelledSegment, Labels, load_labels, save_labels

SECOND = 1_000_000_000
LABELS = Labels((LabelledSegment(SECOND, 2 * SECOND, "wave", 1, (1.0, 2.0, 30.0, 40.0)),), 0)


def test_what_is_written(tmp_path: Path) -> None:
    save_labels(tmp_path / "labels.csv", LABELS)
    text = (tmp_path / "labels.csv").read_text()
    assert text == "start,end,label,person,region\n1,2,wave,1,1 2 30 40\n"


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    save_labels(path, LABELS)
    many = Labels(LABELS.segments * 2000, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(LabelError, match=r"could not be saved .* the file is as before; free"):
            save_labels(path, many)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_labels(path, 0, 9 * SECOND) == LABELS
    assert [p.name for p in tmp_path.iterdir()] == ["labels.csv"]


@pytest.mark.parametrize("name", ["labels.yaml", "labels", "labels.eaf"])
def test_only_tables_are_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(LabelError, match=r"give a name that ends with \.csv"):
        save_labels(tmp_path / name, LABELS)


@pytest.mark.parametrize("label", ["", "two\nlines", "x" * 201, " "])
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, label: str) -> None:
    with pytest.raises(LabelError, match=r"labels\.csv: the label"):
        save_labels(tmp_path / "labels.csv", Labels((LabelledSegment(1, 2, label),), 0))
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_labels(tmp_path: Path) -> None:
    for name, message in (
        ("labels.txt", r"labels of the kind '.txt' are not known; give a file that ends with .csv"),
        ("labels", r"labels of the kind '' are not known"),
        ("missing.csv", r"missing.csv: the labels cannot be read \(No such file"),
    ):
        with pytest.raises(LabelError, match=message):
            load_labels(tmp_path / name, 0, SECOND)
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(LabelError, match=r"folder.csv: the labels cannot be read \(Is a dir"):
        load_labels(tmp_path / "folder.csv", 0, SECOND)


def test_a_recording_is_not_read_as_labels(tmp_path: Path) -> None:
    with (tmp_path / "big.csv").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(LabelError, match="at most 64 MB, this one has more; give the file of lab"):
        load_labels(tmp_path / "big.csv", 0, SECOND)
