"""Videos become keypoints, people stay apart, and an interrupted run goes on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose import available_backends
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import Skeleton, SkeletonFrame
from training.commands.extract import parse_options
from training.data import open_store
from training.data.converters import VideoConverter
from training.data.converters.videos import video_frames
from training.data.converting import convert

COUNT = get_layout("coco_17").num_keypoints


class Finder:
    """Finds "people": bright squares, 40 pixels wide."""

    layout = "coco_17"
    made = 0

    def __init__(self, **options):
        Finder.made += 1
        self.closed = False

    def estimate(self, image, stamp_ns):
        people = []
        for left in (0, 80):
            spot = np.argwhere(image[:, left : left + 80, 0] > 150)
            if len(spot):
                y, x = spot.min(axis=0)
                points = np.stack(
                    [x + left + np.arange(COUNT) * 2.0, y + np.arange(COUNT) * 2.0], 1
                )
                people.append(
                    Skeleton(
                        -1, np.array([x + left, y, 40, 40], np.float32), 1.0,
                        points.astype(np.float32), np.full(COUNT, 0.9, np.float32),
                    )
                )  # fmt: skip
        return SkeletonFrame(stamp_ns, image.shape[:2], self.layout, tuple(people))

    def reset(self):
        pass

    def close(self):
        self.closed = True


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    monkeypatch.setattr(
        "training.data.converters.videos.create_pose_estimator", lambda name, **o: Finder(**o)
    )


def film(path, frames=12, second_from=None, fps=20.0):
    """One square that moves down, and from a frame on another one on the right."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (160, 120))
    for frame in range(frames):
        image = np.zeros((120, 160, 3), np.uint8)
        image[frame * 2 : frame * 2 + 40, 10:50] = 255
        if second_from is not None and frame >= second_from:
            image[30:60, 100:130] = 255
        writer.write(image)
    writer.release()


def test_folders_are_classes_and_people_are_told_apart(tmp_path):
    film(tmp_path / "in" / "wave" / "one.avi", second_from=4)
    film(tmp_path / "in" / "clap" / "two.avi", frames=8)
    done = convert(VideoConverter(tmp_path / "in"), tmp_path / "store", report=str)
    store = open_store(tmp_path / "store")
    assert (done.added, store.sheet.stamps, store.sheet.layout) == (2, "measured", "coco_17")
    assert store.values("class").tolist() == ["clap", "wave"]
    sample = store.sample(1)
    assert sample.source == "wave/one.avi" and sample.image_size == (120, 160)
    np.testing.assert_allclose(np.diff(sample.stamps_ns), 50e6, atol=1e6)
    assert [len(p.scores) for p in sample.people] == [12, 8]
    assert sample.people[1].first_frame == 4
    assert (sample.people[0].keypoints[:, 0, 0] < 80).all()
    assert (sample.people[1].keypoints[:, 0, 0] > 80).all()


def test_a_table_says_class_and_subject(tmp_path):
    film(tmp_path / "in" / "one.avi")
    film(tmp_path / "in" / "two.avi")
    table = tmp_path / "labels.csv"
    table.write_text("file,class,subject\none.avi,bow,anna\n")
    convert(VideoConverter(tmp_path / "in", table), tmp_path / "store", report=str)
    store = open_store(tmp_path / "store")
    assert store.values("class").tolist() == ["bow", ""]
    assert store.values("subject").tolist() == ["anna", ""]
    table.write_text("file,class\nthree.avi,bow\n")
    with pytest.raises(ConfigurationError, match=r"three\.avi"):
        list(VideoConverter(tmp_path / "in", table).items())
    table.write_text("file,class,mood\none.avi,bow,good\n")
    with pytest.raises(ConfigurationError, match="mood"):
        list(VideoConverter(tmp_path / "in", table).items())


def test_useless_videos_are_skipped_and_new_ones_added_later(tmp_path):
    folder = tmp_path / "in" / "wave"
    film(folder / "good.avi")
    film(folder / "short.avi", frames=3)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    done = convert(VideoConverter(tmp_path / "in"), tmp_path / "store", report=str)
    reasons = {source: reason for source, reason, _ in done.sheet.skipped}
    assert reasons == {"wave/short.avi": "empty", "wave/broken.mp4": "corrupt"}
    film(tmp_path / "in" / "wave" / "later.avi")
    again = convert(VideoConverter(tmp_path / "in"), tmp_path / "store", report=str)
    assert (again.added, again.present, again.skipped) == (1, 1, 2)


def test_wrong_options_are_sentences(tmp_path):
    with pytest.raises(ConfigurationError, match="holds no video"):
        list(VideoConverter(tmp_path).items())
    with pytest.raises(ConfigurationError, match="--people is 0"):
        VideoConverter(tmp_path, max_people=0).sheet()
    assert parse_options(["max_people=3", "mode=fast"]) == {"max_people": 3, "mode": "fast"}
    with pytest.raises(ConfigurationError, match="NAME=VALUE"):
        parse_options(["fast"])


@pytest.mark.skipif(not available_backends()["mediapipe"], reason="mediapipe is not installed")
def test_a_signer_is_found_by_the_real_estimator(shared_data, tmp_path, monkeypatch):
    monkeypatch.undo()
    video = shared_data / "videos" / "msl150_yo_001.mp4"
    converter = VideoConverter(video, options={"num_threads": 1})
    convert(converter, tmp_path / "store", report=str)
    sample = open_store(tmp_path / "store").sample(0)
    spec = get_layout(open_store(tmp_path / "store").sheet.layout)
    assert sample.image_size == (720, 1280) and len(sample.people) == 1
    assert len(sample.people[0].scores) > 0.9 * len(sample.stamps_ns)
    hands = sample.people[0].scores[:, spec.right_hand_indices]
    assert (hands > 0).any(axis=1).mean() > 0.5


@pytest.mark.parametrize("noted_s", [[0.0, 0.1, 0.5, 0.6], [0.2, 0.25, 0.3, 2.7]])
def test_frames_have_the_times_that_the_film_notes(monkeypatch, tmp_path, noted_s):
    class Film:
        """As cv2.VideoCapture: a position is that of the frame read last."""

        def __init__(self, path):
            self.read_frames = 0

        def get(self, what):
            return 30.0 if what == cv2.CAP_PROP_FPS else 1e3 * noted_s[max(0, self.read_frames - 1)]

        def read(self):
            self.read_frames += 1
            return self.read_frames <= len(noted_s), np.zeros((4, 4, 3), np.uint8)

        def release(self):
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Film)
    stamps = [stamp_ns for stamp_ns, _ in video_frames(tmp_path / "film.mp4")]
    assert stamps == [round(1e9 * each) for each in noted_s]
