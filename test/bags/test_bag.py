from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from bharnet_ros.bags import find_bags, open_bag, optional
from bharnet_ros.bags.find import bare_name
from bharnet_ros.bags.images import COMPRESSED, IMAGE_TYPES, bag_image
from bharnet_ros.bags.messages import ACTIONS, SKELETONS, action_frame, skeleton_frame
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import BackendUnavailable, BagError, ConfigurationError, InvalidImageError

from .conftest import (
    FRAMES,
    START_NS,
    STEP_NS,
    TOPICS,
    actions,
    picture,
    skeletons,
    stamp,
    storage_file,
    write_scene,
)

KINDS = [
    ("mcap", "none"), ("mcap", "file"), ("mcap", "message"), ("mcap", "storage"),
    ("sqlite3", "none"), ("sqlite3", "file"), ("sqlite3", "message"),
]  # fmt: skip


@pytest.mark.parametrize(("storage", "compression"), KINDS)
def test_what_was_written_is_read(scene, storage: str, compression: str) -> None:
    path = scene(storage, compression)
    with open_bag(path) as bag:
        assert (bag.name, bag.problems) == (f"{storage}_{compression}", [])
        assert (bag.start_ns, bag.end_ns) == (START_NS, stamp(FRAMES - 1) + 2)
        assert {n: t.count for n, t in bag.topics.items()} == dict.fromkeys(TOPICS, FRAMES)
        assert all(t.definition_known and t.qos for t in bag.topics.values())
        found = list(bag.messages())
        assert [m.log_ns for m in found] == sorted(m.log_ns for m in found)
        for frame in range(FRAMES):
            image, people, doing = found[3 * frame : 3 * frame + 3]
            assert bag_image(image.message)[0] == stamp(frame)
            np.testing.assert_array_equal(bag_image(image.message)[1], picture(frame))
            expected, seen = skeletons(frame), skeleton_frame(people.message)
            assert (seen.stamp_ns, seen.image_size) == (stamp(frame), (24, 32))
            assert seen.layout == "coco_17"
            for name in ("track_id", "bbox", "bbox_score", "keypoints", "scores"):
                np.testing.assert_array_equal(
                    getattr(seen.skeletons[0], name), getattr(expected.skeletons[0], name)
                )
            said, meant = action_frame(doing.message).actions[0], actions(frame).actions[0]
            assert said.hypotheses == meant.hypotheses and said.bundle == "gestures"
            assert (said.state, said.window_start_ns) == (meant.state, meant.window_start_ns)
        assert bag.problems == []


@pytest.mark.parametrize(("storage", "compression"), KINDS)
def test_rosbags_reads_the_same(scene, storage: str, compression: str) -> None:
    """Independent of our reader: with the library's own, whole."""
    path = scene(storage, compression)
    with AnyReader([path]) as reader, open_bag(path) as bag:
        theirs = [(c.topic, c.msgtype, t, bytes(data)) for c, t, data in reader.messages()]
        ours = [(m.topic, m.type, m.log_ns, bytes(m.data)) for m in bag.raw_messages()]
        assert ours == theirs and len(ours) == 3 * FRAMES
        first = reader.deserialize(theirs[1][3], theirs[1][1])
        np.testing.assert_array_equal(
            first.skeletons[0].keypoints, skeletons(0).skeletons[0].keypoints.reshape(-1)
        )


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_part_of_a_bag(scene, storage: str) -> None:
    with open_bag(scene(storage)) as bag:
        cut = list(bag.raw_messages([TOPICS[0]], stamp(3), stamp(6)))
        assert [m.log_ns for m in cut] == [stamp(3), stamp(4), stamp(5)]
        assert {m.topic for m in cut} == {TOPICS[0]}
        assert list(bag.messages([TOPICS[0]], stamp(3) + 1, stamp(4))) == []
        assert [m.log_ns for m in bag.messages([TOPICS[1]], stamp(19))] == [stamp(19) + 1]
        # again from the beginning, and one message at random
        assert len(list(bag.messages([TOPICS[0]], None, stamp(2)))) == 2
        assert len(list(bag.raw_messages([TOPICS[0]], stamp(11), stamp(11) + 1))) == 1


def test_a_single_file_is_a_bag(scene) -> None:
    for storage in ("mcap", "sqlite3"):
        for compression in ("none", "file", "message"):
            file = storage_file(scene(storage, compression))
            with open_bag(file) as bag:
                assert bag.name == file.name and bag.problems == []
                assert len(list(bag.messages())) == 3 * FRAMES


def test_several_files_are_one_bag(tmp_path: Path) -> None:
    """Split as by `ros2 bag record --max-bag-size`; the parts overlap by a little."""
    path = tmp_path / "split"
    path.mkdir()
    for part, frames in enumerate([range(7), range(6, 15), range(15, 20)]):
        with BagWriter(tmp_path / f"part_{part}") as writer:
            for frame in frames:
                writer.image("/image_raw", stamp(frame) + part, picture(frame))
        shutil.copy(storage_file(tmp_path / f"part_{part}"), path / f"split_{part}.mcap")
    names = [f"split_{part}.mcap" for part in range(3)]
    (path / "metadata.yaml").write_text(
        f"rosbag2_bagfile_information: {{version: 9, relative_file_paths: {names}}}"
    )
    with open_bag(path) as bag:
        times = [m.log_ns for m in bag.messages()]
        assert len(times) == 21 and times == sorted(times)
        assert bag.topics["/image_raw"].count == 21 and bag.problems == []
    (path / "split_1.mcap").unlink()
    shutil.copy(path / "split_2.mcap", path / "split_10.mcap")
    with open_bag(path) as bag:
        assert len(list(bag.messages())) == 17
        assert "split_1.mcap, which the folder does not hold" in bag.problems[0]
        assert "split_10.mcap is not listed" in bag.problems[1]


def test_topics_are_found_with_and_without_namespace(scene) -> None:
    with open_bag(scene()) as bag:
        for wanted in ("skeletons", "/robot/skeletons", "robot/skeletons", None):
            assert bag.find_topic(wanted, [SKELETONS], "skeletons") == "/robot/skeletons"
        assert bag.find_topic(None, ["sensor_msgs/Image"], "images") == "/robot/image_raw"
        for wanted, types in (("skeletns", [SKELETONS]), ("/skeletons", [SKELETONS])):
            with pytest.raises(BagError, match=r"/robot/actions \(.*\), /robot/image_raw"):
                bag.find_topic(wanted, types, "skeletons")
        with pytest.raises(BagError, match="Did you mean /robot/skeletons"):
            bag.find_topic("/robot/skelet", [SKELETONS], "skeletons")
        with pytest.raises(BagError, match=r"holds bharnet_ros/msg/SkeletonArray, but images"):
            bag.find_topic("skeletons", IMAGE_TYPES, "images")
        with pytest.raises(BagError, match="no topic of compressed images"):
            bag.find_topic(None, [COMPRESSED], "compressed images")
        with pytest.raises(BagError, match="no topic '/nowhere'"):
            bag.messages(["/nowhere"])


def test_what_is_ambiguous_is_asked_back(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "two") as writer:
        for topic in ("/left/image_raw", "/right/image_raw"):
            writer.image(topic, START_NS, picture(0))
        writer.compressed_image("/left/image_raw/compressed", START_NS, b"")
    with open_bag(tmp_path / "two") as bag:
        with pytest.raises(BagError, match="/left/image_raw or /right/image_raw"):
            bag.find_topic("image_raw", IMAGE_TYPES, "images")
        with pytest.raises(BagError, match="several topics of images"):
            bag.find_topic(None, IMAGE_TYPES, "images")
        assert bag.find_topic(None, [COMPRESSED], "images") == "/left/image_raw/compressed"


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_an_empty_bag_says_so(tmp_path: Path, storage: str) -> None:
    with BagWriter(tmp_path / "empty", storage):
        pass
    with open_bag(tmp_path / "empty") as bag:
        assert (bag.start_ns, bag.end_ns, dict(bag.topics)) == (0, 0, {})
        assert list(bag.messages()) == [] and bag.problems == ["The bag holds no messages."]
        with pytest.raises(BagError, match="holds no topics at all"):
            bag.find_topic(None, IMAGE_TYPES, "images")


def test_what_is_no_bag_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, content in (
        ("a.txt", b"x"), ("a.bag", b"#ROSBAG V2.0"), ("a.mcap", b""), ("b.mcap", b"no magic"),
        ("a.db3", b"no database, certainly none"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
    for name, word in (
        ("folder", "holds neither metadata.yaml"), ("gone", "does not exist"), ("a.txt", "no bag"),
        ("a.bag", "rosbags-convert"), ("a.mcap", "empty"), ("b.mcap", "no MCAP file"),
        ("a.db3", "damaged|database"),
    ):  # fmt: skip
        with pytest.raises(BagError, match=word):
            open_bag(tmp_path / name)


def test_bags_are_found_in_folders(scene, tmp_path: Path) -> None:
    one, two = scene("mcap"), scene("sqlite3")
    loose = tmp_path / "days" / "monday.mcap"
    loose.parent.mkdir()
    shutil.copy(storage_file(one), loose)
    broken = tmp_path / "broken"
    broken.mkdir()
    for part in (0, 1):
        shutil.copy(storage_file(one), broken / f"take_{part}.mcap")
    assert find_bags(tmp_path) == sorted([broken, loose, one, two])
    assert find_bags(one) == [one] and find_bags(loose) == [loose]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(BagError, match="There is no bag in"):
        find_bags(tmp_path / "nothing")


def test_folders_that_may_not_be_read_are_left_out(
    scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = tmp_path / "disk" / "lost+found"
    shutil.copytree(scene(), tmp_path / "disk" / "bag")
    shutil.copytree(scene("sqlite3"), lost)
    (tmp_path / "disk" / "linked").symlink_to(tmp_path / "sqlite3_none")
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != lost)  # but to root
    assert find_bags(tmp_path / "disk") == [tmp_path / "disk" / n for n in ("bag", "linked")]
    for reading in (find_bags, open_bag):
        with pytest.raises(BagError, match=r"lost\+found may not be read"):
            reading(lost)


def test_what_a_bag_is_called_in_other_places() -> None:
    names = ("v1.2_kitchen", "v1.3_hall/", "take_0.mcap", "take_1.db3.zstd", "2024.10.01_a.mcap")
    assert [bare_name(Path(name)) for name in names] == [
        "v1.2_kitchen", "v1.3_hall", "take_0", "take_1", "2024.10.01_a",
    ]  # fmt: skip


def test_compressed_images(tmp_path: Path) -> None:
    smooth = cv2.GaussianBlur(picture(0, 48, 64), (0, 0), 5)
    png = cv2.imencode(".png", smooth)[1].tobytes()
    jpeg = cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    swapped = cv2.imencode(".png", smooth[..., ::-1])[1].tobytes()
    with BagWriter(tmp_path / "bag") as writer:
        for number, (data, form) in enumerate(
            [(png, "bgr8; png compressed bgr8"), (jpeg, "jpeg"),
             (swapped, "rgb8; png compressed rgb8"), (png[:-40], "png"), (jpeg[:50], "jpeg"),
             (b"GIF89a", "gif"), (png, "16UC1; compressedDepth png"), (b"", "jpeg")]
        ):  # fmt: skip
            writer.compressed_image("/c", stamp(number), data, form)
    with open_bag(tmp_path / "bag") as bag:
        found = [m.message for m in bag.messages()]
    assert bag_image(found[0])[0] == stamp(0)
    np.testing.assert_array_equal(bag_image(found[0])[1], smooth)
    assert np.abs(bag_image(found[1])[1].astype(int) - smooth).max() < 25
    np.testing.assert_array_equal(bag_image(found[2])[1], smooth)
    for message in found[4:]:
        with pytest.raises(InvalidImageError):
            bag_image(message)


def test_a_writer_overwrites_nothing(scene, tmp_path: Path) -> None:
    path = scene()
    with pytest.raises(BagError, match="exists already"):
        BagWriter(path)
    with pytest.raises(ConfigurationError, match="choose one of mcap, sqlite3"):
        BagWriter(tmp_path / "other", "tape")


def test_without_rosbags_the_remedy_is_named(scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scene()

    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(optional.importlib, "import_module", missing)
    with pytest.raises(BackendUnavailable, match="pip install rosbags"):
        open_bag(path)


def test_names_of_types(scene) -> None:
    with open_bag(scene()) as bag:
        assert bag.topics["/robot/actions"].type == ACTIONS
        assert (bag.end_ns - bag.start_ns) // STEP_NS == FRAMES - 1


def test_a_path_with_odd_letters(tmp_path: Path) -> None:
    for storage in ("mcap", "sqlite3"):
        path = tmp_path / f"take 1%20?#ü {storage}"
        write_scene(tmp_path / storage, storage).rename(path)
        with open_bag(path) as bag:
            assert bag.problems == []
            assert len(list(bag.messages())) == 3 * FRAMES


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_packed_bag_that_is_open_several_times_is_unpacked_once(
    scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str
) -> None:
    path = scene(storage, "file", size=(200, 300))
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(room))
    with open_bag(path) as first:
        with open_bag(path) as second:
            assert len(list(room.iterdir())) == 1
            assert list(first.raw_messages()) == list(second.raw_messages())
        assert len(list(first.messages())) == 3 * FRAMES
    assert not list(room.iterdir())
    for packed in path.glob("*.zstd"):
        packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
    with open_bag(path) as one, open_bag(path) as other:  # changed meanwhile, and now damaged
        assert "was unpacked in part" in one.problems[0] and one.problems == other.problems
    (path / storage_file(path).name).write_bytes(b"nothing")
    with pytest.raises(BagError):
        open_bag(path)
    assert not list(room.iterdir())
