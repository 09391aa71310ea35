"""A run goes on whatever one file does to it, in one process or several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from invented import Invented

from bharnet_ros.errors import ConfigurationError
from training.data import StoreWriter, open_store
from training.data.converters.base import Item
from training.data.converting import convert

BAD = ((2, "skip"), (5, "bug"), (7, "wrong class"))


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_sources_are_skipped_counted_and_listed(workers, tmp_path):
    done = convert(Invented(bad=BAD), tmp_path / "store", workers, report=str)
    assert (done.added, done.skipped) == (9, 3)
    store = open_store(tmp_path / "store")
    store.verify()
    assert store.sources.tolist() == [f"clip{n}" for n in range(12) if n not in (2, 5, 7)]
    assert store.sheet.skip_counts == {"empty": 1, "corrupt": 2}
    listed = {source: detail for source, _, detail in store.sheet.skipped}
    assert "nobody thought of" in listed["clip5"] and "dance" in listed["clip7"]


def test_a_source_that_kills_its_process_is_found(tmp_path):
    done = convert(Invented(4, ((2, "kill"),)), tmp_path / "store", workers=1, report=str)
    assert (done.added, done.skipped) == (3, 1)
    store = open_store(tmp_path / "store")
    assert [(source, reason) for source, reason, _ in store.sheet.skipped] == [("clip2", "crashed")]
    assert store.sources.tolist() == [f"clip{n}" for n in (0, 1, 3)]


def test_the_store_does_not_depend_on_the_number_of_processes(tmp_path):
    stores = []
    for workers in (0, 2):
        convert(Invented(), tmp_path / str(workers), workers, report=str)
        stores.append(open_store(tmp_path / str(workers)))
    assert stores[0].content_hash() == stores[1].content_hash()


def test_interrupted_it_goes_on_and_tries_skipped_ones_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        convert(Invented(bad=BAD, stop_at=9), tmp_path / "store", report=str)
    assert len(open_store(tmp_path / "store", partial=True)) == 6
    done = convert(Invented(), tmp_path / "store", report=str)
    assert (done.added, done.present, done.skipped) == (6, 6, 0)
    store = open_store(tmp_path / "store")
    store.verify()
    assert sorted(store.sources) == sorted(f"clip{n}" for n in range(12))


def test_a_full_disk_is_said_and_what_is_there_stays(tmp_path, monkeypatch):
    def full(self, sample):
        if sample.source == "clip5":
            raise OSError(28, "No space left on device")
        return add(self, sample)

    add = StoreWriter.add
    monkeypatch.setattr(StoreWriter, "add", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        convert(Invented(), tmp_path / "store", report=str)
    monkeypatch.undo()
    assert len(open_store(tmp_path / "store", partial=True)) == 5
    assert convert(Invented(), tmp_path / "store", report=str).added == 7


def test_two_sources_of_one_name_are_noticed(tmp_path):
    class Twice(Invented):
        def items(self) -> Iterator[Item]:
            yield Item("clip0", 0)
            yield Item("clip0", 1)

    done = convert(Twice(), tmp_path / "store", report=str)
    assert (done.added, done.skipped) == (1, 1)


@pytest.mark.parametrize("workers", [0, 2])
def test_what_is_wrong_for_all_stops_the_run(workers, tmp_path):
    with pytest.raises(ConfigurationError, match="wrong for all"):
        convert(Invented(bad=((0, "option"),)), tmp_path / "store", workers, report=str)


def test_processes_that_cannot_work_at_all_are_no_fault_of_the_sources(tmp_path):
    everything = tuple((number, "kill") for number in range(2))
    with pytest.raises(ConfigurationError, match="--workers 0"):
        convert(Invented(2, everything), tmp_path / "store", workers=1, report=str)


def test_a_limit_and_progress(tmp_path):
    lines: list[str] = []
    done = convert(Invented(), tmp_path / "store", limit=3, report=lines.append)
    assert done.added == 3
    assert lines[-1].startswith("3 sources, 0 skipped")
    with pytest.raises(ConfigurationError, match="limit"):
        convert(Invented(), tmp_path / "other", limit=0)
    with pytest.raises(ConfigurationError, match="workers"):
        convert(Invented(), tmp_path / "other", workers=-1)
