"""Messages are read by the definitions a bag brings, else by known ones."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from bharnet_ros.bags import files, open_bag
from bharnet_ros.bags.definitions import MessageTypes, known_types
from bharnet_ros.bags.images import IMAGE_TYPES, RAW, bag_image
from bharnet_ros.bags.messages import SKELETONS, skeleton_frame
from bharnet_ros.bags.records import Channel
from bharnet_ros.bags.write import BagWriter
from bharnet_ros.errors import BagError, ConfigurationError

from .conftest import FRAMES, START_NS, TOPICS, picture, skeletons, storage_file


def humble(bag: Path) -> sqlite3.Connection:
    """The bag as Humble writes it: without definitions."""
    database = sqlite3.connect(storage_file(bag))
    database.execute("DROP TABLE message_definitions")
    database.execute("UPDATE schema SET schema_version = 3")
    return database


def test_a_bag_of_humble_is_read_by_our_definitions(scene) -> None:
    path = scene("sqlite3")
    with humble(path) as database:
        database.commit()
    with open_bag(path) as bag:
        assert all(topic.definition_known for topic in bag.topics.values())
        found = [skeleton_frame(m.message) for m in bag.messages([TOPICS[1]])]
        assert len(list(bag.messages())) == 3 * FRAMES and bag.problems == []
    np.testing.assert_array_equal(
        found[4].skeletons[0].keypoints, skeletons(4).skeletons[0].keypoints
    )


def test_an_unknown_message_is_passed_on_but_not_read(scene) -> None:
    path = scene("sqlite3")
    with humble(path) as database:
        database.execute("UPDATE topics SET type = 'their_msgs/msg/Thing' WHERE id = 2")
    with open_bag(path) as bag:
        assert not bag.topics[TOPICS[1]].definition_known
        assert len(list(bag.raw_messages([TOPICS[1]]))) == FRAMES
        assert len(list(bag.messages())) == 2 * FRAMES
        assert "brings no definition" in bag.problems[-1] and TOPICS[1] in bag.problems[-1]
        with pytest.raises(BagError, match=r"cannot be read: .*no definition.*Iron"):
            bag.find_topic("skeletons", ["their_msgs/msg/Thing"], "skeletons")


def test_another_version_of_a_message_is_not_misread(scene) -> None:
    """Without its definition, but with the hash of it."""
    path = scene("sqlite3")
    with sqlite3.connect(storage_file(path)) as database:
        database.execute("DELETE FROM message_definitions")
        database.execute("UPDATE topics SET type_description_hash = 'RIHS01_00' WHERE id = 2")
    with open_bag(path) as bag:
        known = {name: topic.definition_known for name, topic in bag.topics.items()}
        assert known == {TOPICS[0]: True, TOPICS[1]: False, TOPICS[2]: True}
        with pytest.raises(BagError, match="another version"):
            bag.find_topic("skeletons", [SKELETONS], "skeletons")


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_the_definitions_of_the_bag_come_first(tmp_path: Path, plugin: StoragePlugin) -> None:
    """A later version of our message with one more field."""
    theirs = get_typestore(Stores.ROS2_HUMBLE)
    theirs.register(
        get_types_from_msg("int32 track_id\nfloat32[4] bbox", "bharnet_ros/msg/Skeleton")
    )
    theirs.register(
        get_types_from_msg(
            "std_msgs/Header header\nstring place\nbharnet_ros/Skeleton[] skeletons", SKELETONS
        )
    )
    made = theirs.types
    stamp = made["builtin_interfaces/msg/Time"](sec=START_NS // 10**9, nanosec=0)
    message = made[SKELETONS](
        header=made["std_msgs/msg/Header"](stamp=stamp, frame_id="eye"), place="kitchen",
        skeletons=[made["bharnet_ros/msg/Skeleton"](track_id=4, bbox=np.ones(4, np.float32))],
    )  # fmt: skip
    with Writer(tmp_path / "bag", version=9, storage_plugin=plugin) as writer:
        connection = writer.add_connection("/skeletons", SKELETONS, typestore=theirs)
        writer.write(connection, START_NS, theirs.serialize_cdr(message, SKELETONS))
    with open_bag(tmp_path / "bag") as bag:
        (found,) = bag.messages()
    assert found.message.place == "kitchen" and found.message.skeletons[0].track_id == 4


@pytest.mark.parametrize("plugin", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
@pytest.mark.parametrize("damaged", [False, True])
def test_types_are_known_without_msg_in_their_names_too(
    tmp_path: Path, plugin: StoragePlugin, damaged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many programs that write MCAP without ROS call them."""
    store, image = known_types(), picture(3)
    definition, digest = store.generate_msgdef(RAW, ros_version=2)[0], store.hash_rihs01(RAW)
    with BagWriter(tmp_path / "usual") as usual:
        usual.image("/camera", START_NS, image)
    with open_bag(tmp_path / "usual") as bag:
        data = next(bag.raw_messages()).data
    with Writer(tmp_path / "bag", version=9, storage_plugin=plugin) as writer:
        connection = writer.add_connection(
            "/camera", "sensor_msgs/Image", msgdef=definition, rihs01=digest
        )
        writer.write(connection, START_NS, data)
    if damaged:  # then the files are read another way

        def broken(path: Path) -> None:
            raise ValueError("damaged")

        monkeypatch.setattr(files, "IndexedFile", broken)
    with open_bag(tmp_path / "bag") as bag:
        assert bag.find_topic(None, IMAGE_TYPES, "images") == "/camera"
        (found,) = bag.messages()
        assert found.type == RAW and bool(bag.problems) is damaged
    np.testing.assert_array_equal(bag_image(found.message)[1], image)


@pytest.mark.parametrize("distro", ["", "humble", "iron", "jazzy", "kilted", "rolling"])
def test_every_distribution_brings_images_and_our_messages(distro: str) -> None:
    store = known_types(distro)
    ours = {name for name in store.types if name.startswith("bharnet_ros/")}
    folder = Path(__file__).resolve().parents[2] / "msg"
    assert ours == {f"bharnet_ros/msg/{path.stem}" for path in folder.glob("*.msg")}
    kinds = store.types
    header = kinds["std_msgs/msg/Header"](
        stamp=kinds["builtin_interfaces/msg/Time"](sec=5, nanosec=6), frame_id="lens"
    )
    image = kinds["sensor_msgs/msg/CompressedImage"](
        header=header, format="jpeg", data=np.arange(9, dtype=np.uint8)
    )
    data = bytes(store.serialize_cdr(image, "sensor_msgs/msg/CompressedImage"))
    channel = Channel("/c", "sensor_msgs/msg/CompressedImage", 1)
    found = MessageTypes(distro).deserialize(channel, data)
    assert (found.header, found.format) == (header, "jpeg")
    np.testing.assert_array_equal(found.data, image.data)


def test_definitions_in_idl_and_damaged_ones() -> None:
    idl = "module pkg { module msg { struct Thing { int32 number; string name; }; }; };"
    data = b"\0\1\0\0" + (7).to_bytes(4, "little") + (3).to_bytes(4, "little") + b"ab\0"
    parts = "=" * 80 + "\nIDL: pkg/msg/Thing\n" + idl
    types = MessageTypes()
    for text in (idl, parts):
        channel = Channel("/t", "pkg/msg/Thing", 1, text, "ros2idl")
        message = types.deserialize(channel, data)
        assert (message.number, message.name, types.missing(channel)) == (7, "ab", "")
    damaged = Channel("/t", "pkg/msg/Thing", 1, "int32 number\n]]]", "ros2msg")
    assert "definition in the bag is damaged" in types.missing(damaged)
    with pytest.raises(ValueError, match="damaged"):
        types.deserialize(damaged, data)
    # A damaged definition of a message that is known all the same.
    assert types.missing(Channel("/i", "sensor_msgs/msg/Image", 1, "]]]", "ros2msg")) == ""
    assert "encoded as 'json'" in types.missing(
        Channel("/j", "sensor_msgs/msg/Image", 1, "", "", "", "json")
    )


@pytest.fixture
def their_msgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package whose messages rosbags does not know: constants, and other types in
    arrays, sequences and by their short names."""
    folder = tmp_path / "prefix" / "share" / "their_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "Part.msg").write_text("uint8 SMALL=1\nuint8 size\n", "utf-8")
    (folder / "Thing.msg").write_text(
        "# A thing.\nstring KIND='a, b'\nint32 MOST=-7\nstd_msgs/Header header\n"
        "Part[] parts\nPart[2] pair\ntheir_msgs/Part[<=3] few\nstring<=9 name\n"
        "float32[] values\n", "utf-8",
    )  # fmt: skip
    (folder / "Torn.msg").write_text("Part part\ntheir_msgs/Gone gone\n", "utf-8")
    (folder / "Odd.msg").write_text("int32 number\n]]]\n", "utf-8")
    (folder / "Nil.msg").write_text("", "utf-8")
    (folder / "Wide.msg").write_text("wstring text\nwstring<=5[<=3] few", "utf-8")
    (folder / "Around.msg").write_text("std_msgs/Header header\nWide wide\n", "utf-8")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path / 'prefix'}")
    return folder


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_installed_messages_are_written_with_their_definitions(
    their_msgs: Path, tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = "their_msgs/msg/Thing"
    with BagWriter(tmp_path / "bag", storage) as writer:
        writer.learn(kind)
        parts = [writer.new("their_msgs/msg/Part", size=size) for size in (3, 4)]
        message = writer.new(
            kind, header=writer.header(START_NS, "lens"), parts=parts[:1], pair=parts, few=[],
            name="cup", values=np.ones(3, np.float32),
        )  # fmt: skip
        data = writer._types.serialize_cdr(message, kind)
    with BagWriter(tmp_path / "raw", storage) as writer:
        writer.raw("/thing", kind, START_NS, data)  # bytes are all that a recorder has
        writer.raw("/thing", kind, START_NS + 1, data)
    monkeypatch.delenv("AMENT_PREFIX_PATH")  # the bag explains itself
    with open_bag(tmp_path / "raw") as bag:
        assert bag.topics["/thing"].definition_known and not bag.problems
        found = [each.message for each in bag.messages()]
    assert len(found) == 2 and found[0].header.frame_id == "lens" and found[0].name == "cup"
    assert [part.size for part in found[0].pair] == [3, 4] and found[0].parts[0].size == 3
    assert (found[0].KIND, found[0].MOST) == ("a, b", -7)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_messages_without_fields_are_written_and_read(
    their_msgs: Path, tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("std_msgs/msg/Empty", "their_msgs/msg/Nil")
    with BagWriter(tmp_path / "bag", storage) as writer:
        for index, kind in enumerate(kinds):
            writer.raw(f"/{index}", kind, START_NS + index, b"\0\1\0\0\0")
    monkeypatch.delenv("AMENT_PREFIX_PATH")  # the bag explains itself
    with open_bag(tmp_path / "bag") as bag:
        found = [message.message.__msgtype__ for message in bag.messages()]
        assert tuple(found) == kinds and not bag.problems
        assert all(topic.definition_known for topic in bag.topics.values())


def test_a_definition_without_text_is_taken_for_no_other_message() -> None:
    types = MessageTypes()
    image = Channel("/i", "sensor_msgs/msg/Image", 1, "", "ros2msg")
    assert len(types._store(image)[0].fielddefs[image.type][1]) > 5
    assert types.missing(Channel("/n", "their_msgs/msg/Nil", 1, "", "ros2msg")) == ""
    # Neither one that is known by its hash to have fields, nor one of which nothing is said.
    for channel in (
        Channel("/n", "their_msgs/msg/Nil", 1, "", "ros2msg", "RIHS01_00"),
        Channel("/n", "their_msgs/msg/Nil", 1),
    ):
        assert "brings no definition" in types.missing(channel)


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
@pytest.mark.parametrize("short", ["Wide", "Around"])
def test_wide_strings_are_written_as_they_are_installed(
    their_msgs: Path, tmp_path: Path, storage: str, short: str
) -> None:
    """The library knows nothing of them; bytes and their definition are kept all the same."""
    kind = f"their_msgs/msg/{short}"
    hashes = [
        {"type_name": "their_msgs/msg/Part", "hash_string": "RIHS01_11"},
        {"type_name": kind, "hash_string": "RIHS01_22"},
    ]
    (their_msgs / f"{short}.json").write_text(json.dumps({"type_hashes": hashes}), "utf-8")
    data = b"\0\1\0\0 wide, whatever that is"
    with BagWriter(tmp_path / "bag", storage) as writer:
        writer.raw("/wide", kind, START_NS, data)
        writer.raw("/empty", "std_msgs/msg/Empty", START_NS + 1, b"\0\1\0\0\0")
    with open_bag(tmp_path / "bag") as bag:
        channel = bag._channels["/wide"]
        assert [bytes(m.data) for m in bag.raw_messages(["/wide"])] == [data]
        assert [message.topic for message in bag.messages()] == ["/empty"]
        (problem,) = bag.problems
    assert "cannot be read: it has wide strings (wstring)" in problem
    assert "wstring text\nwstring<=5[<=3] few\n" in channel.definition
    assert storage == "mcap" or channel.digest == "RIHS01_22"
    parts = channel.definition.split("=" * 80 + "\n")
    if short == "Around":
        assert parts[0] == "std_msgs/Header header\nWide wide\n"
        names = [part.split("\n")[0] for part in parts[1:]]
        assert names == ["MSG: their_msgs/Wide", "MSG: std_msgs/Header",
                         "MSG: builtin_interfaces/Time"]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("their_msgs/msg/Wide", r"Wide has wide strings \(wstring\), which need the hash"),
        ("their_msgs/msg/Gone", "definition of their_msgs/msg/Gone is not installed"),
        ("their_msgs/msg/Torn", "their_msgs/msg/Gone, which is part of their_msgs/msg/Torn, is"),
        ("their_msgs/msg/Odd", r"Odd\.msg cannot be read"),
        ("nobodys_msgs/msg/Thing", "nobodys_msgs/msg/Thing is not installed"),
    ],
)
def test_what_has_no_definition_is_refused_before_anything_is_written(
    their_msgs: Path, tmp_path: Path, kind: str, told: str
) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        writer.image("/image_raw", START_NS, np.zeros((4, 4, 3), np.uint8))
        with pytest.raises(ConfigurationError, match=told):
            writer.raw("/thing", kind, START_NS, b"\0\1\0\0")
    with open_bag(tmp_path / "bag") as bag:  # the others are not lost
        assert len(list(bag.messages())) == 1 and set(bag.topics) == {"/image_raw"}
