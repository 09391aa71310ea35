"""skeletons, actions -> /humans/bodies/...: people in the topics of ROS4HRI (REP-155)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

from bharnet_ros import msg
from bharnet_ros.errors import BharnetError, ConfigurationError
from bharnet_ros.interop.bodies import BodyIds
from bharnet_ros.interop.ros4hri import MESSAGES, gesture, ids_list, region, skeleton_2d
from bharnet_ros.nodes.base import OK, ManagedNode, run
from bharnet_ros.nodes.conversions import msg_to_actions, msg_to_skeletons
from bharnet_ros.nodes.diagnostics import Status
from bharnet_ros.nodes.findings import Finding, summary
from bharnet_ros.nodes.input_watch import INPUT_PARAMS, WatchedSubscription
from bharnet_ros.nodes.names import camera_names, known_cameras
from bharnet_ros.nodes.optional_messages import message_classes
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import RESULTS, overridable
from bharnet_ros.nodes.statistics import Period, Statistics

PARAMS = (
    Param(
        "cameras", [""],
        "Names of several cameras, whose people are told of together: left means left/skeletons "
        "and left/actions; empty = one camera without a name.",
    ),
    Param(
        "id_prefix", "",
        "Beginning of the ids of bodies, a letter first; empty = another one at every start, so "
        "that ids stay unique.",
    ),
    Param(
        "lost_after_s", 0.5,
        "Somebody unseen for longer is gone, and another body when back; in seconds of stamps.",
        0.0, 10.0,
    ),
    Param(
        "input_timeout_s", 2.0,
        "Silence on the skeletons topic after which nobody is tracked any more and the node warns.",
        0.1, 3600.0,
    ),
    *INPUT_PARAMS,
)  # fmt: skip

BODIES = "/humans/bodies"
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,19}")
_MAX_BODIES = 64
_LOOK_S = 0.25
"""How often it looks whether anybody is still seen, however rare the reports are."""


class _Camera:
    """What is heard of a camera's people, and which bodies they are."""

    def __init__(self, node: Ros4HriNode, name: str, ids: BodyIds) -> None:
        self.name = name
        self.ids = ids
        self._node = node
        self._stats = Statistics(node.stats) if name else node.stats
        before = f"{name}/" if name else ""
        self._skeletons = WatchedSubscription(
            node, msg.SkeletonArray, f"{before}skeletons", partial(node.on_skeletons, self),
            RESULTS, what="skeletons", timeout_s=node.params["input_timeout_s"], stats=self._stats,
        )  # fmt: skip
        self._actions = node.create_subscription(
            msg.RecognizedActionArray, f"{before}actions", partial(node.on_actions, self), RESULTS,
            qos_overriding_options=overridable(),
        )  # fmt: skip

    @property
    def is_silent(self) -> bool:
        """Whether no skeletons came for longer than is normal."""
        return self._skeletons.is_silent

    def findings(self, whole: Period) -> list[Finding]:
        """What is wrong with its skeletons. whole: the period of the node."""
        if self.name:
            whole = replace(self._stats.close_period(), busy_share=whole.busy_share)
        return self._skeletons.findings(whole)

    def destroy(self) -> None:
        """Stop listening."""
        self._skeletons.destroy()
        self._node.destroy_subscription(self._actions)


class Ros4HriNode(ManagedNode):
    """Publishes tracked, and per body roi, skeleton2d and gesture. Needs hri_msgs 2.x.

    One node for all cameras: whoever follows `tracked` takes each list for everybody there is.
    """

    def __init__(self, **options: Any) -> None:
        self._hri = SimpleNamespace()
        self._cameras: list[_Camera] = []
        self._numbers = count(1)  # never begins anew: with a given prefix ids would come back
        self._tracked: Any = None
        self._timer: Any = None
        self._publishers_of: dict[str, dict[str, Any]] = {}
        self._parts: dict[str, Status] = {}
        super().__init__("ros4hri", PARAMS, **options)

    def check_parameters(self, values: Mapping[str, Any]) -> None:
        """Ids are parts of topic names, names of cameras too."""
        camera_names(values["cameras"])
        prefix = values["id_prefix"]
        if prefix and not _PREFIX.fullmatch(prefix):
            raise ConfigurationError(
                f"id_prefix is {prefix!r}; it must be a letter and up to 19 letters, digits or "
                "underscores."
            )

    def configure(self) -> None:
        """Look for hri_msgs."""
        self.check_parameters(self.params.all())
        self._hri = message_classes("hri_msgs", MESSAGES)

    def activate(self) -> None:
        """Subscribe."""
        prefix = self.params["id_prefix"] or f"b{secrets.token_hex(2)}"
        self._tracked = self.create_publisher(
            self._hri.IdsList, f"{BODIES}/tracked", RESULTS, qos_overriding_options=overridable()
        )
        for name in camera_names(self.params["cameras"]) or ("",):
            ids = BodyIds(prefix, self._numbers, self.params["lost_after_s"])
            self._cameras.append(_Camera(self, name, ids))
        self._timer = self.create_timer(_LOOK_S, self._forget_unseen, clock=self._steady)

    def deactivate(self) -> None:
        """Nobody is tracked any more."""
        if self._timer is not None:
            self.destroy_timer(self._timer)
            self._timer = None
        for camera in self._cameras:
            camera.destroy()
        if self._tracked is not None:
            self._forget(self._cameras)
            self.destroy_publisher(self._tracked)
            self._tracked = None
        self._cameras = []

    def on_skeletons(self, camera: _Camera, message: Any) -> None:
        """Everybody whom a camera sees now."""
        try:
            frame = msg_to_skeletons(message)
            people = {s.track_id: s for s in frame.skeletons[:_MAX_BODIES]}
            bodies, gone = camera.ids.see(people, frame.stamp_ns)
            for body in gone:
                self._drop(body)
            self._tell(message.header)
            for track, body in bodies.items():
                person = people[track]
                topics = self._topics(body)
                box = region(self._hri, message.header, person, frame.image_size)
                if box is not None:
                    topics["roi"].publish(box)
                topics["skeleton2d"].publish(
                    skeleton_2d(self._hri, message.header, person, frame.layout, frame.image_size)
                )
            self.stats.event("bodies out")
        except BharnetError as error:
            self.stats.drop("invalid skeleton")
            self.get_logger().warning(f"Skeletons dropped: {error}", throttle_duration_sec=10.0)

    def on_actions(self, camera: _Camera, message: Any) -> None:
        """What a camera's people do."""
        try:
            frame = msg_to_actions(message)
        except ValueError:
            self.stats.drop("invalid actions")
            return
        for action in frame.actions:
            body = camera.ids.body_of(action.track_id)
            found = gesture(self._hri, message.header, action)
            if body is not None and found is not None:
                self._topics(body)["gesture"].publish(found)

    def _topics(self, body: str) -> dict[str, Any]:
        """The publishers of a body, made when it appears."""
        if body not in self._publishers_of:
            self._publishers_of[body] = {
                name: self.create_publisher(kind, f"{BODIES}/{body}/{name}", RESULTS)
                for name, kind in (
                    ("roi", self._hri.NormalizedRegionOfInterest2D),
                    ("skeleton2d", self._hri.Skeleton2D),
                    ("gesture", self._hri.Gesture),
                )
            }
        return self._publishers_of[body]

    def _drop(self, body: str) -> None:
        for publisher in self._publishers_of.pop(body, {}).values():
            self.destroy_publisher(publisher)

    def _tell(self, header: Any) -> None:
        """The bodies of all cameras."""
        everybody = [body for camera in self._cameras for body in camera.ids.bodies]
        self._tracked.publish(ids_list(self._hri, header, everybody))

    def _forget_unseen(self) -> None:
        """Nobody is tracked by a camera that has fallen silent."""
        self._forget([camera for camera in self._cameras if camera.is_silent])

    def _forget(self, cameras: Sequence[_Camera]) -> None:
        """Whoever listens must not believe that the last people are still there."""
        gone = [body for camera in cameras for body in camera.ids.forget()]
        for body in gone:
            self._drop(body)
        if gone:
            header = self._hri.IdsList().header
            header.stamp = self.get_clock().now().to_msg()
            self._tell(header)

    def diagnose(self, period: Period) -> Status:
        """Silence, and how many bodies are told of."""
        found: list[Finding] = []
        theirs = {camera: camera.findings(period) for camera in self._cameras}
        self._parts = {}
        for camera, findings in theirs.items():
            if camera.name:
                self._parts[camera.name] = _status(findings, len(camera.ids.bodies))
                findings = [Finding(f.level, f"camera {camera.name}: {f.text}") for f in findings]
            found += findings
        return _status(found, len(self._publishers_of))

    def diagnose_parts(self) -> Mapping[str, Status]:
        """Each camera by its name, where there are several; their pages show it."""
        nothing: Status = (OK, "", {})
        names = known_cameras(self.params["cameras"])
        return {name: self._parts.get(name, nothing) for name in names}


def _status(findings: Sequence[Finding], bodies: int) -> Status:
    level, message = summary(findings, f"{bodies} bodies")
    return level, message, {"bodies": str(bodies)}


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros ros4hri"""
    return run([Ros4HriNode], args)
