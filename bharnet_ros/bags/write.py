"""Bags of our own making: what the tests and the demonstrations record, without ROS."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bharnet_ros.bags.definitions import known_types, learn_type
from bharnet_ros.bags.files import URI_LETTERS
from bharnet_ros.bags.images import COMPRESSED, RAW
from bharnet_ros.bags.messages import ACTIONS, SKELETONS
from bharnet_ros.bags.optional import library
from bharnet_ros.bags.records import TopicQos
from bharnet_ros.errors import BagError, ConfigurationError
from bharnet_ros.types import ActionFrame, Image, SkeletonFrame

STORAGES = ("mcap", "sqlite3")
COMPRESSIONS = ("none", "file", "message", "storage")
_NS = 1_000_000_000
_KEPT_S = 1.0
"""A crash costs an SQLite file so much at most; MCAP files are written chunk by chunk."""
_REFUSED = (OSError, sqlite3.Error)
"""What storages raise on a full disk."""
_UNLIMITED = (2147483647, 4294967295)
DEFAULT_QOS = TopicQos("reliable", "volatile", "keep_last", 10, 0, 0, "automatic", 0)


class BagWriter:
    """Writes a bag as `ros2 bag record` does, with message definitions; use it in a `with`.

    path: a folder that does not exist yet. storage: "mcap" or "sqlite3". compression: "none",
    "file" or "message" (as of rosbag2, with Zstandard) or "storage" (MCAP's own chunks).
    log_ns of the methods: when the message was received; None = its stamp.
    Raises BagError if the folder exists or cannot be written.
    """

    def __init__(self, path: Path | str, storage: str = "mcap", compression: str = "none") -> None:
        if storage not in STORAGES or compression not in COMPRESSIONS:
            raise ConfigurationError(
                f"A bag of {storage!r} with compression {compression!r} cannot be written; choose "
                f"one of {', '.join(STORAGES)} and one of {', '.join(COMPRESSIONS)}."
            )
        if storage == "sqlite3" and set(URI_LETTERS) & set(str(path)):
            # The library would make it beside the folder, under a part of its name.
            raise BagError(
                f"The bag {path} cannot be written as sqlite3: its path holds one of "
                f"{' '.join(URI_LETTERS)}; choose another name, or mcap."
            )
        rosbag2 = library("rosbags.rosbag2")
        self._types = known_types()
        self._connections: dict[tuple[str, str], Any] = {}
        self._noted: dict[str, tuple[str, str]] = {}
        self.path = Path(path)
        try:
            self._writer = rosbag2.Writer(
                self.path, version=9, storage_plugin=rosbag2.StoragePlugin[storage.upper()]
            )
            self._writer.set_compression(
                rosbag2.CompressionMode[compression.upper()], rosbag2.CompressionFormat.ZSTD
            )
            self._writer.open()
            # rosbags puts all into one transaction, of which nothing is left when it breaks off.
            self._database = self._writer.storage.conn if storage == "sqlite3" else None
            self._kept_s = time.monotonic()
            if self._database is not None:
                self._database.execute("PRAGMA journal_mode=WAL")
        except (*_REFUSED, rosbag2.WriterError) as error:
            raise BagError(f"The bag {path} cannot be written: {error}") from error

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._writer.abort()

    def close(self) -> None:
        """Write the index and metadata.yaml."""
        try:
            if self._database is not None:
                self._database.commit()
                self._database.execute("PRAGMA journal_mode=DELETE")
            self._writer.close()
        except _REFUSED as error:
            with suppress(*_REFUSED):
                self._writer.abort()
            raise BagError(f"The bag {self.path} cannot be written: {error}") from error

    def image(
        self, topic: str, stamp_ns: int, image: Image, frame_id: str = "camera",
        log_ns: int | None = None,
    ) -> None:  # fmt: skip
        """A (height, width, 3) uint8 BGR picture as sensor_msgs/Image."""
        height, width = image.shape[:2]
        message = self.new(
            RAW, header=self.header(stamp_ns, frame_id), height=height, width=width,
            encoding="bgr8", is_bigendian=0, step=3 * width,
            data=np.ascontiguousarray(image).reshape(-1),
        )  # fmt: skip
        self.write(topic, RAW, stamp_ns if log_ns is None else log_ns, message)

    def compressed_image(
        self, topic: str, stamp_ns: int, data: bytes, form: str = "jpeg",
        frame_id: str = "camera", log_ns: int | None = None,
    ) -> None:  # fmt: skip
        """An encoded picture as sensor_msgs/CompressedImage."""
        message = self.new(
            COMPRESSED, header=self.header(stamp_ns, frame_id), format=form,
            data=np.frombuffer(data, np.uint8),
        )  # fmt: skip
        self.write(topic, COMPRESSED, stamp_ns if log_ns is None else log_ns, message)

    def skeletons(
        self, topic: str, frame: SkeletonFrame, frame_id: str = "camera", log_ns: int | None = None
    ) -> None:
        """A skeleton frame as bharnet_ros/SkeletonArray."""
        people = [
            self.new(
                "bharnet_ros/msg/Skeleton", track_id=person.track_id,
                bbox=np.asarray(person.bbox, np.float32), bbox_score=float(person.bbox_score),
                keypoints=np.asarray(person.keypoints, np.float32).reshape(-1),
                keypoint_scores=np.asarray(person.scores, np.float32),
            )
            for person in frame.skeletons
        ]  # fmt: skip
        message = self.new(
            SKELETONS, header=self.header(frame.stamp_ns, frame_id),
            image_height=frame.image_size[0], image_width=frame.image_size[1],
            layout=frame.layout, skeletons=people,
        )  # fmt: skip
        self.write(topic, SKELETONS, frame.stamp_ns if log_ns is None else log_ns, message)

    def actions(
        self, topic: str, frame: ActionFrame, frame_id: str = "camera", log_ns: int | None = None
    ) -> None:
        """An action frame as bharnet_ros/RecognizedActionArray."""
        actions = [
            self.new(
                "bharnet_ros/msg/RecognizedAction", state=int(action.state),
                track_id=action.track_id,
                hypotheses=[
                    self.new(
                        "bharnet_ros/msg/ActionHypothesis", class_id=h.class_id,
                        class_name=h.class_name, score=float(h.score), bundle=h.bundle,
                    )
                    for h in action.hypotheses
                ],
                # As the node does: the first windows reach back to before time 0.
                window_start=self.time(max(action.window_start_ns, 0)),
                window_end=self.time(max(action.window_end_ns, 0)), num_frames=action.num_frames,
                body_score=float(action.body_score), hand_score=float(action.hand_score),
                bbox=np.asarray(action.bbox, np.float32), bundle=action.bundle,
            )
            for action in frame.actions
        ]  # fmt: skip
        message = self.new(ACTIONS, header=self.header(frame.stamp_ns, frame_id), actions=actions)
        self.write(topic, ACTIONS, frame.stamp_ns if log_ns is None else log_ns, message)

    def write(
        self, topic: str, kind: str, log_ns: int, message: Any, qos: Sequence[TopicQos] = ()
    ) -> None:
        """Any message of `new`. qos: offered by the publisher, noted with the first message."""
        self.raw(topic, kind, log_ns, self._types.serialize_cdr(message, kind), qos)

    def learn(self, kind: str) -> None:
        """Look up a type that is to be written, as `pkg/msg/Name`.

        Raises ConfigurationError for one that neither this package nor ROS has, and whose
        definition is not installed.
        """
        if kind not in self._noted:
            self._noted[kind] = learn_type(self._types, kind)

    def raw(
        self, topic: str, kind: str, log_ns: int, data: bytes, qos: Sequence[TopicQos] = ()
    ) -> None:
        """A serialised message. Raises ConfigurationError as `learn` does."""
        key = topic, kind
        if key not in self._connections:
            self.learn(kind)
            definition, digest = self._noted[kind]
            self._connections[key] = self._writer.add_connection(
                topic, kind, msgdef=definition, rihs01=digest,
                offered_qos_profiles=[_rosbags_qos(each) for each in (qos or (DEFAULT_QOS,))],
            )  # fmt: skip
        try:
            self._writer.write(self._connections[key], log_ns, data)
            if self._database is not None and time.monotonic() - self._kept_s > _KEPT_S:
                self._database.commit()
                self._kept_s = time.monotonic()
        except _REFUSED as error:
            raise BagError(f"The bag {self.path} cannot be written: {error}") from error

    def new(self, kind: str, **fields: Any) -> Any:
        """A message; constants of the definition need not be given."""
        made = self._types.types[kind]
        constants = {name: value for name, _, value in self._constants(kind)}
        return made(**{**constants, **fields})

    def header(self, stamp_ns: int, frame_id: str) -> Any:
        """A std_msgs/Header."""
        return self.new("std_msgs/msg/Header", stamp=self.time(stamp_ns), frame_id=frame_id)

    def time(self, stamp_ns: int) -> Any:
        """A builtin_interfaces/Time."""
        return self.new("builtin_interfaces/msg/Time", sec=stamp_ns // _NS, nanosec=stamp_ns % _NS)

    def _constants(self, kind: str) -> list[tuple[str, Any, Any]]:
        found: list[tuple[str, Any, Any]] = self._types.fielddefs[kind][0]
        return found


def _rosbags_qos(qos: TopicQos) -> Any:
    kinds = library("rosbags.interfaces")

    def span(time_ns: int) -> Any:
        return kinds.QosTime(*(divmod(time_ns, _NS) if time_ns else _UNLIMITED))

    return kinds.Qos(
        kinds.QosHistory[qos.history.upper()],
        qos.depth,
        kinds.QosReliability[qos.reliability.upper()],
        kinds.QosDurability[qos.durability.upper()],
        span(qos.deadline_ns),
        span(qos.lifespan_ns),
        kinds.QosLiveliness[qos.liveliness.upper()],
        span(qos.liveliness_lease_ns),
        False,
    )
