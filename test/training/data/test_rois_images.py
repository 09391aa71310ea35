"""Where tiles come from: videos, bags, people drawn once more."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from painted import SIZE, brightness, standing
from small_plans import small_plan

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.roi import RoiConfig
from training.data import open_store
from training.data.converters import DrawnConverter
from training.data.converters.videos import video_frames
from training.data.converting import convert
from training.data.rois import open_rois
from training.data.rois_extracting import extract_rois
from training.data.rois_images import BagImages, DrawnImages, VideoImages

SMALL = RoiConfig(("torso",), 16, 3)


def cut(store, folder, images):
    return extract_rois(store, folder, images, SMALL, report=str)


def film(path, frames=15):
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (SIZE[1], SIZE[0])
    )
    for number in range(frames):
        writer.write(np.full((*SIZE, 3), number * 16, np.uint8))
    writer.release()


@pytest.fixture
def filmed(tmp_path, write_store):
    """A store of two videos, and their folder."""
    folder = tmp_path / "videos"
    samples = []
    for number, name in enumerate(("wave/a.avi", "clap/b.avi")):
        film(folder / name)
        stamps = np.array([stamp for stamp, _ in video_frames(folder / name)], np.int64)
        samples.append(standing(number, len(stamps), source=name, stamps_ns=stamps))
    return write_store(samples), folder


def test_videos_give_the_frames_that_the_keypoints_are_of(filmed, tmp_path):
    store, folder = filmed
    cut(store, tmp_path / "rois", VideoImages(folder))
    rois = open_rois(tmp_path / "rois", store)
    stamps = store.sample(1).stamps_ns
    tiles = rois.tiles(1, -1, int(stamps[0]), int(stamps[-1]))
    assert tiles.seen.all()
    frames = np.searchsorted(stamps, rois.stamps(1, -1))[[0, -1]]
    shown = [float(tiles.values[k].mean()) for k in (0, -1)]
    assert shown == pytest.approx((frames * 16.0).tolist(), abs=3.0)


def test_videos_that_are_gone_or_cut_off_are_skipped(filmed, tmp_path):
    store, folder = filmed
    (folder / "wave/a.avi").unlink()
    content = (folder / "clap/b.avi").read_bytes()
    (folder / "clap/b.avi").write_bytes(content[:200])
    with pytest.raises(ConfigurationError, match="Is this the folder"):
        cut(store, tmp_path / "rois", VideoImages(folder))
    film(folder / "wave/a.avi")
    done = cut(store, tmp_path / "rois", VideoImages(folder))
    assert (done.added, done.sheet.skip_counts) == (1, {"empty": 1})


def test_a_source_outside_of_the_folder_is_not_opened(filmed, tmp_path, write_store):
    _, folder = filmed
    film(tmp_path / "other.avi")
    store = write_store([standing(0, source="../other.avi"), standing(1, source="wave/a.avi")])
    done = cut(store, tmp_path / "rois", VideoImages(folder))
    assert done.sheet.skip_counts == {"corrupt": 1}


def test_folders_that_are_not_there(filmed, tmp_path):
    store, _ = filmed
    for images in (VideoImages(tmp_path / "none"), BagImages(tmp_path / "none")):
        with pytest.raises(ConfigurationError, match="check the path"):
            cut(store, tmp_path / "rois", images)
    with pytest.raises(ConfigurationError, match="--videos or --bags"):
        cut(store, tmp_path / "rois", DrawnImages())


def test_bags_are_read_once_for_everybody_in_them(tmp_path, write_store):
    pytest.importorskip("rosbags", reason="the library rosbags is not installed")
    from rosbags.rosbag2 import Writer

    from bharnet_ros.bags.definitions import known_types

    types = known_types()
    both = standing(0, frames=24, people=2)
    with Writer(tmp_path / "bags/day1", version=9) as writer:
        kind = "sensor_msgs/msg/Image"
        topic = writer.add_connection("/robot/image_raw", kind, typestore=types)
        for number, stamp in enumerate(both.stamps_ns.tolist()):
            if number == 20:
                continue  # a frame that was lost
            time = types.types["builtin_interfaces/msg/Time"](
                sec=stamp // 10**9, nanosec=stamp % 10**9
            )
            message = types.types[kind](
                header=types.types["std_msgs/msg/Header"](stamp=time, frame_id="camera"),
                height=SIZE[0], width=SIZE[1], encoding="bgr8", is_bigendian=0,
                step=3 * SIZE[1], data=np.full(3 * SIZE[0] * SIZE[1], brightness(stamp), np.uint8),
            )  # fmt: skip
            writer.write(topic, stamp, types.serialize_cdr(message, kind))
    store = write_store(
        [
            replace(both, source=f"day1#{person.track_id}", people=(person,))
            for person in both.people
        ]
        + [standing(3, source="day2#1")]
    )
    done = cut(store, tmp_path / "rois", BagImages(tmp_path / "bags"))
    assert (done.added, done.sheet.skip_counts) == (2, {"corrupt": 1})
    rois = open_rois(tmp_path / "rois", store)
    for number, track in ((0, 5), (1, 6)):
        stamps = rois.stamps(number, track)
        tiles = rois.tiles(number, track, int(stamps[0]), int(stamps[-1]))
        assert tiles.seen.all()
        shown = {int(tile.mean()) for tile in tiles.values}
        assert shown <= {brightness(stamp) for stamp in stamps.tolist()}


def test_drawn_people_are_drawn_once_more(tmp_path):
    convert(DrawnConverter(small_plan()), tmp_path / "store", report=str, limit=1)
    store = open_store(tmp_path / "store")
    cut(store, tmp_path / "rois", DrawnImages())
    rois = open_rois(tmp_path / "rois", store)
    stamps = store.sample(0).stamps_ns
    tiles = rois.tiles(0, -1, int(stamps[0]), int(stamps[-1]))
    assert tiles.seen.any() and tiles.values[tiles.seen].std() > 5.0


def test_people_who_would_be_drawn_differently_are_refused(tmp_path, monkeypatch):
    convert(DrawnConverter(small_plan()), tmp_path / "store", report=str, limit=1)
    store = open_store(tmp_path / "store")
    wider = replace(small_plan(), distance_m=(4.0, 4.5))
    monkeypatch.setattr("training.data.rois_images.plan_from", lambda *_: wider)
    with pytest.raises(ConfigurationError, match="is drawn differently"):
        cut(store, tmp_path / "rois", DrawnImages())
    monkeypatch.setattr("training.data.drawn_clips.dump_vocabulary", lambda _: "other gestures")
    with pytest.raises(ConfigurationError, match="changed since"):
        cut(store, tmp_path / "rois2", DrawnImages())
