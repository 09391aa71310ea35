"""Tiles are cut at the right moments, kept beside their store, and read as the robot picks them."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted import PaintedImages, brightness, standing

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.roi import RoiConfig, pick
from training.data.rois import open_rois, row_dtype, tiles_path
from training.data.rois_extracting import extract_rois, wanted_moments

SMALL = RoiConfig(("head", "right_hand"), 16, 3)


@pytest.fixture
def store(write_store):
    return write_store([standing(n, people=2 if n == 1 else 1) for n in range(4)])


def cut(store, folder, images=None, **options):
    given = {"config": SMALL, "rate_hz": 10.0, "report": str}
    return extract_rois(store, folder, images or PaintedImages(), **{**given, **options})


def test_each_tile_shows_its_moment(store, tmp_path):
    done = cut(store, tmp_path / "rois")
    assert (done.added, done.present, done.missing) == (4, 0, 0.0)
    rois = open_rois(tmp_path / "rois", store)
    stamps = store.sample(1).stamps_ns
    start, end = int(stamps[4]), int(stamps[40])
    for track in (5, 6, -1):
        tiles = rois.tiles(1, track, start, end)
        assert tiles.values.shape == (3, 2, 16, 16, 3) and tiles.seen.all()
        moments = rois.stamps(1, track)
        chosen = moments[pick(moments, start, end, 3)]
        assert [int(t.mean()) for t in tiles.values[:, 0]] == [brightness(s) for s in chosen]
        assert np.abs(chosen - np.linspace(start, end, 3)).max() < 1e8  # a tenth of a second
    assert not rois.tiles(1, 99, start, end).seen.any()  # somebody unknown
    assert not rois.tiles(1, 5, start + 10**12, end + 10**12).seen.any()  # another day


def test_files_are_plain_arrays_the_same_whatever_the_number_of_processes(store, tmp_path):
    for workers in (0, 2):
        cut(store, tmp_path / str(workers), workers=workers)
    first, second = (tiles_path(tmp_path / str(n), 1) for n in (0, 2))
    assert first.read_bytes() == second.read_bytes()
    rows = np.load(first, allow_pickle=False)
    assert rows.dtype == row_dtype(SMALL) and set(rows["track_id"]) == {5, 6}


def test_broken_files_are_skipped_counted_listed_and_tried_again(store, tmp_path):
    done = cut(store, tmp_path / "rois", PaintedImages(broken=("clip2",)))
    assert (done.added, done.sheet.skip_counts) == (3, {"corrupt": 1})
    rois = open_rois(tmp_path / "rois", store)
    assert not rois.has(2) and not rois.tiles(2, -1, 0, 10**9).seen.any()
    assert json.loads((tmp_path / "rois/rois.json").read_text())["skipped"][0][0] == "clip2"
    done = cut(store, tmp_path / "rois")
    assert (done.added, done.present, done.sheet.skipped) == (1, 3, ())


def test_missing_images_leave_their_moments_unseen_and_are_counted(store, tmp_path):
    done = cut(store, tmp_path / "rois", PaintedImages(lacking=tuple(range(20, 45))))
    assert done.missing == pytest.approx(0.6, abs=0.1)
    rois = open_rois(tmp_path / "rois", store)
    stamps = store.sample(0).stamps_ns
    seen = rois.tiles(0, -1, int(stamps[0]), int(stamps[-1])).seen
    assert seen[0].all() and not seen[2].any()


def test_images_of_another_size_are_not_cut(store, tmp_path):
    with pytest.raises(ConfigurationError, match=r"\(240, 320\).*\(480, 640\)"):
        cut(store, tmp_path / "rois", PaintedImages(size=(240, 320)))


def test_interrupted_it_goes_on_where_it_was(store, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        cut(store, tmp_path / "rois", PaintedImages(stop_at="clip2"))
    assert not list((tmp_path / "rois").rglob("*.part"))
    with pytest.raises(ConfigurationError, match="not finished"):
        open_rois(tmp_path / "rois", store)
    assert open_rois(tmp_path / "rois", store, partial=True).has(1)
    done = cut(store, tmp_path / "rois")
    assert (done.added, done.present, done.sheet.state) == (2, 2, "complete")


def test_a_part_of_a_killed_run_is_written_over(store, tmp_path):
    done = cut(store, tmp_path / "rois", limit=1)
    assert (done.added, done.sheet.state) == (1, "extracting")
    tiles_path(tmp_path / "rois", 1).with_suffix(".part").write_bytes(b"half a file")
    assert cut(store, tmp_path / "rois").added == 3


def test_tiles_of_another_store_or_cut_differently_are_refused(store, write_store, tmp_path):
    cut(store, tmp_path / "rois")
    other = write_store([standing(7)])
    with pytest.raises(ConfigurationError, match="another store"):
        open_rois(tmp_path / "rois", other)
    for changes in ({"config": RoiConfig()}, {"rate_hz": 5.0}):
        with pytest.raises(ConfigurationError, match="cut differently"):
            cut(store, tmp_path / "rois", **changes)
    path = tmp_path / "rois/rois.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "sides": [0.9, 1.5, 4.0]}))
    with pytest.raises(ConfigurationError, match=r"4\.0.*the robot cuts"):
        open_rois(tmp_path / "rois", store)
    (tmp_path / "things").mkdir()
    (tmp_path / "things/notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="other things"):
        cut(store, tmp_path / "things")
    with pytest.raises(ConfigurationError, match="holds no tiles"):
        open_rois(tmp_path / "things", store)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x93NUMPY\x01\x00", pickle.dumps([1])],
    ids=["empty", "cut off", "pickle"],
)
def test_damaged_files_are_said(store, tmp_path, content):
    cut(store, tmp_path / "rois")
    tiles_path(tmp_path / "rois", 0).write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"000000\.npy is damaged"):
        open_rois(tmp_path / "rois", store).tiles(0, -1, 0, 10**9)


@pytest.mark.parametrize("key", ["config", "store", "format", "skipped"])
def test_damaged_sheets_are_said(store, tmp_path, key):
    cut(store, tmp_path / "rois")
    path = tmp_path / "rois/rois.json"
    content = json.loads(path.read_text())
    content[key] = 3
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigurationError):
        open_rois(tmp_path / "rois", store)


def test_it_travels_to_other_processes(store, tmp_path):
    cut(store, tmp_path / "rois")
    content = pickle.dumps(open_rois(tmp_path / "rois", store))
    rois = pickle.loads(content)  # noqa: S301 as multiprocessing does
    assert rois.tiles(0, -1, 0, 10**9).seen.any()


def test_a_full_disk_is_said_and_what_is_there_stays(store, tmp_path, monkeypatch):
    cut(store, tmp_path / "rois", limit=2)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        cut(store, tmp_path / "rois")
    monkeypatch.undo()
    assert not list((tmp_path / "rois").rglob("*.part"))
    done = cut(store, tmp_path / "rois")
    assert (done.added, done.present) == (2, 2)


@pytest.mark.parametrize("options", [{"workers": -1}, {"limit": 0}, {"rate_hz": 0.0}])
def test_wrong_options(store, tmp_path, options):
    with pytest.raises(ConfigurationError):
        cut(store, tmp_path / "rois", **options)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 400_000_000), min_size=1, max_size=80),
    st.floats(0.5, 60.0),
)
def test_moments_end_with_the_last_frame_and_are_never_denser_than_asked(steps, rate):
    stamps = np.cumsum(steps)
    chosen = wanted_moments(stamps, rate)
    assert chosen[-1] == len(stamps) - 1 and (np.diff(chosen) > 0).all()
    span = float(stamps[-1] - stamps[0])
    assert len(chosen) <= span * rate / 1e9 + 1.5 + 1e-6
