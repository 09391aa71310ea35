"""The node that watches the demo's graph: waits until it stands, starts the camera, listens."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node
from sensor_msgs.msg import Image as ImageMessage

from bharnet_ros import msg
from bharnet_ros.demo.pictures import Pictures, drawn_actions
from bharnet_ros.demo.record import Record, live_line
from bharnet_ros.errors import BharnetError
from bharnet_ros.nodes.conversions import msg_to_actions, msg_to_skeletons, stamp_to_ns
from bharnet_ros.nodes.images import image_to_bgr
from bharnet_ros.nodes.qos import IMAGE_SUBSCRIBER, LATCHED, RESULTS
from bharnet_ros.types import ActionFrame, ActionState

_ONGOING_EVERY_S = 1.0
_SURE = 0.9
_HEARD = 64
"""Frames of actions that are remembered until the images arrive that show them."""


class DemoError(BharnetError):
    """The demo's graph did not come up, or broke; the sentence says which part and why."""


@dataclass(frozen=True)
class Watched:
    """The graph to watch.

    camera: name of the camera's node. with_truth: whether it publishes the truth. alone:
    namespace of the recogniser that judges by less, for comparison; "" = there is none.
    name_bundles: whether several bundles speak, so that each action needs its bundle's name.
    """

    camera: str
    with_truth: bool
    alone: str
    name_bundles: bool


class Monitor(Node):
    """Listens to the graph."""

    def __init__(
        self,
        watched: Watched,
        record: Record,
        pictures: Pictures,
        say: Callable[[str], None],
    ) -> None:
        super().__init__("demo_monitor")
        self._camera = watched.camera
        self._with_truth = watched.with_truth
        self._alone = watched.alone if watched.with_truth else ""
        self._name_bundles = watched.name_bundles
        self._record = record
        self._pictures = pictures
        self._say = say
        self._heard: deque[ActionFrame] = deque(maxlen=_HEARD)
        self._said_ongoing: dict[tuple[int, str], float] = {}
        self._status: dict[str, Any] = {}
        self._ready: set[str] = set()
        self._wanted = {"skeleton_layout", "action_labels"}
        self._hear(msg.SkeletonLayout, "skeleton_layout", self._mark("skeleton_layout"), LATCHED)
        self._hear(msg.ActionLabels, "action_labels", self._mark("action_labels"), LATCHED)
        self._hear(msg.SkeletonArray, "skeletons", self._on_skeletons, RESULTS)
        self._hear(msg.RecognizedActionArray, "actions", self._on_actions, RESULTS)
        self._hear(ImageMessage, "image_annotated", self._on_annotated, IMAGE_SUBSCRIBER)
        self._hear(DiagnosticArray, "/diagnostics", self._on_diagnostics, RESULTS)
        if self._alone:
            self._wanted.add("comparison")
            space = self._alone
            labels = f"{space}/action_labels"
            self._hear(msg.ActionLabels, labels, self._mark("comparison"), LATCHED)
            self._hear(msg.RecognizedActionArray, f"{space}/actions", self._on_alone, RESULTS)
        if self._with_truth:
            self._hear(
                msg.SkeletonArray, "ground_truth/skeletons", self._on_true_skeletons, RESULTS
            )
            self._hear(
                msg.RecognizedActionArray, "ground_truth/actions", self._on_true_actions, RESULTS
            )
        self._change = self.create_client(ChangeState, f"{watched.camera}/change_state")

    def _hear(self, kind: Any, topic: str, callback: Any, quality: Any) -> None:
        self.create_subscription(kind, topic, callback, quality)

    def _mark(self, what: str) -> Callable[[Any], None]:
        def note(_: Any) -> None:
            self._ready.add(what)

        return note

    # readiness and the camera

    def missing(self) -> str:
        """What the graph still lacks before the camera may start; empty when it stands."""
        lacking = sorted(self._wanted - self._ready)
        recognisers = 2 if self._alone else 1
        if self.count_subscribers("image_raw") < 1:
            lacking.append("the estimator's subscription")
        if self.count_subscribers("skeletons") < recognisers + 1:
            lacking.append("the recognisers' subscriptions")
        if not self._change.service_is_ready():
            lacking.append("the camera")
        return ", ".join(lacking)

    def others(self) -> list[str]:
        """Nodes that already publish images or skeletons: another graph, not ours."""
        names = []
        for topic in ("image_raw", "skeletons"):
            for info in self.get_publishers_info_by_topic(f"/{topic}"):
                names.append(f"{info.node_namespace.rstrip('/')}/{info.node_name}")
        return sorted(set(names))

    def request(self, transition: int) -> Any:
        """Ask the camera for a lifecycle transition; a future of its answer."""
        request = ChangeState.Request()
        request.transition = Transition(id=transition)
        return self._change.call_async(request)

    def trouble(self) -> str:
        """The sentence of a node that reports an error, if one does."""
        for name, status in self._status.items():
            if status.level == DiagnosticStatus.ERROR:
                return f"{name}: {status.message}"
        return ""

    @property
    def camera_ended(self) -> bool:
        """Whether the camera says that there are no more images."""
        status = self._status.get(self._camera)
        return status is not None and status.message == "ended"

    @property
    def camera_state(self) -> str:
        """The camera's lifecycle state by its diagnostics; empty before the first of them."""
        status = self._status.get(self._camera)
        values = {v.key: v.value for v in status.values} if status is not None else {}
        return values.get("state", "")

    def camera_images(self) -> int:
        """Images the camera says it published."""
        status = self._status.get(self._camera)
        values = {v.key: v.value for v in status.values} if status is not None else {}
        return int(values.get("images", 0))

    def drops(self) -> dict[str, int]:
        """Drops of all nodes: "node: reason" -> count."""
        found = {}
        for name, status in self._status.items():
            for item in status.values:
                if item.key.startswith("dropped: "):
                    found[f"{name}: {item.key.removeprefix('dropped: ')}"] = int(item.value)
        return found

    # what is heard

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            self._status[status.name] = status

    def _on_skeletons(self, message: Any) -> None:
        self._record.skeletons(msg_to_skeletons(message))

    def _on_true_skeletons(self, message: Any) -> None:
        self._record.true_skeletons(msg_to_skeletons(message))

    def _on_true_actions(self, message: Any) -> None:
        self._record.true_actions(msg_to_actions(message))

    def _on_alone(self, message: Any) -> None:
        self._record.alone.push(msg_to_actions(message))

    def _on_actions(self, message: Any) -> None:
        frame = msg_to_actions(message)
        self._record.actions(frame, self.get_clock().now().nanoseconds)
        self._heard.append(frame)
        self._tell(frame)

    def _tell(self, frame: ActionFrame) -> None:
        seconds = self._record.seconds(frame.stamp_ns)
        for action in frame.actions:
            if action.state is ActionState.NONE or not action.hypotheses:
                continue
            key = (action.track_id, action.bundle)
            since_s = seconds - self._said_ongoing.get(key, -1e9)
            if action.state is ActionState.ONGOING and 0.0 <= since_s < _ONGOING_EVERY_S:
                continue
            self._said_ongoing[key] = seconds
            actor = self._record.person(action) if self._with_truth else None
            who = f"#{action.track_id}" if actor is None else f"person {actor}"
            truth = self._record.true_now.get(actor) if actor is not None else None
            bundle = action.bundle if self._name_bundles else ""
            self._say(live_line(seconds, action, who, truth, self._with_truth, bundle))

    def _on_annotated(self, message: ImageMessage) -> None:
        try:
            image = image_to_bgr(message)
        except BharnetError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=10.0)
            return
        stamp_ns = stamp_to_ns(message.header.stamp)
        self._pictures.add(image, stamp_ns)
        for action in drawn_actions(self._heard, stamp_ns):
            actor = self._record.person(action) if self._with_truth else None
            name = action.hypotheses[0].class_name
            shown = f"{action.bundle}: {name}" if self._name_bundles else name
            truth = self._record.true_now.get(actor) if actor is not None else None
            caption = f"{shown} (truth: {truth or '-'})" if self._with_truth else shown
            tile = f"{actor if actor is not None else action.track_id}/{shown}"
            # The first sure moment while it is true; later ones may show the hand going down.
            rank = min(action.hypotheses[0].score, _SURE) + (truth == name)
            self._pictures.keep(tile, rank, caption, image, action.bbox)


def wait_until(
    condition: Callable[[], bool], step: Callable[[], None], timeout_s: float
) -> bool:
    """Take steps until the condition holds; False when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        step()
    return True
