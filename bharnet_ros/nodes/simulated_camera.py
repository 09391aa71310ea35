"""The built-in camera: drawn people who act, as image_raw, with the exact truth beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from bharnet_ros import msg
from bharnet_ros.gestures import Vocabulary
from bharnet_ros.nodes.base import run
from bharnet_ros.nodes.camera import CAMERA_PARAMS, CameraNode
from bharnet_ros.nodes.conversions import actions_to_msg, layout_to_msg, skeletons_to_msg
from bharnet_ros.nodes.film import Film, SceneScript, num_frames, shoot
from bharnet_ros.nodes.parameters import Param
from bharnet_ros.nodes.qos import LATCHED, RESULTS, overridable
from bharnet_ros.nodes.simulated_depth import SimulatedDepth
from bharnet_ros.simulation import Scene, SceneFrame
from bharnet_ros.simulation.repertoire import load_repertoire
from bharnet_ros.simulation.scene import LAYOUT
from bharnet_ros.skeleton import get_layout
from bharnet_ros.types import ActionFrame, ActionState, Hypothesis, Image, RecognizedAction

PARAMS = (
    Param("seed", 1, "Another number, other people, places and order of gestures.", 0, 2**31 - 1),
    Param("num_people", 2, "People in the scene.", 0, 4),
    Param("duration_s", 60.0, "Length of the scene.", 1.0, 3600.0),
    Param("loop", False, "Begin the scene anew at its end."),
    Param("rate_hz", 12.0, "Images per second of stamp time.", 0.5, 120.0),
    Param(
        "vocabulary", "",
        "What they play: a bundle (its descriptions) or a gesture file, each by path or shipped "
        "name; empty = the default bundle.",
    ),
    Param("classes", [""], "Gestures to play; empty = all of them."),
    Param("prerender", False, "Draw the whole scene before the first image, with all cores."),
    *CAMERA_PARAMS,
)  # fmt: skip
_NS = 1_000_000_000


class TruthTracker:
    """Turns the gestures in progress of each frame into STARTED, ONGOING and ENDED."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._active: dict[int, tuple[str, int]] = {}

    def update(self, frame: SceneFrame, stamp_ns: int) -> ActionFrame:
        """The true state of everybody in this frame; actor ids are the track ids."""
        actions: list[RecognizedAction] = []
        boxes = {person.track_id: person.bbox for person in frame.skeletons.skeletons}
        active = {now.track_id: now.segment.class_name for now in frame.active}
        for actor, (name, began_ns) in list(self._active.items()):
            if active.get(actor) != name:
                del self._active[actor]
                actions.append(
                    self._action(ActionState.ENDED, actor, name, began_ns, stamp_ns, boxes)
                )
        for actor, name in active.items():
            state = ActionState.ONGOING
            if actor not in self._active:
                self._active[actor] = (name, stamp_ns)
                state = ActionState.STARTED
            began_ns = self._active[actor][1]
            actions.append(self._action(state, actor, name, began_ns, stamp_ns, boxes))
        for actor in boxes:
            if actor not in active:
                actions.append(
                    self._action(
                        ActionState.NONE, actor, self._vocabulary.background, stamp_ns, stamp_ns,
                        boxes,
                    )
                )  # fmt: skip
        return ActionFrame(stamp_ns, tuple(actions))

    def _action(
        self, state: ActionState, actor: int, name: str, began_ns: int, stamp_ns: int, boxes: Any
    ) -> RecognizedAction:
        return RecognizedAction(
            state=state,
            track_id=actor,
            hypotheses=(Hypothesis(self._vocabulary.class_id(name), name, 1.0),),
            window_start_ns=began_ns,
            window_end_ns=stamp_ns,
            num_frames=0,
            body_score=0.0,
            hand_score=0.0,
            bbox=boxes.get(actor, np.zeros(4, dtype=np.float32)),
        )


class SimulatedCameraNode(CameraNode):
    """Publishes image_raw, ground_truth/skeletons and ground_truth/actions, and the depth images
    of a scene that is drawn as it goes (not prerendered) to whoever listens."""

    def __init__(self, **options: Any) -> None:
        self._scene: Scene | Film | None = None
        self._vocabulary: Vocabulary | None = None
        self._truth: TruthTracker | None = None
        super().__init__("simulated_camera", PARAMS, **options)
        self._true_skeletons = self.create_publisher(
            msg.SkeletonArray, "ground_truth/skeletons", RESULTS,
            qos_overriding_options=overridable(),
        )  # fmt: skip
        self._true_actions = self.create_publisher(
            msg.RecognizedActionArray, "ground_truth/actions", RESULTS,
            qos_overriding_options=overridable(),
        )  # fmt: skip
        self._layout = self.create_publisher(
            msg.SkeletonLayout, "ground_truth/skeleton_layout", LATCHED
        )
        self._depth = SimulatedDepth(self)

    @property
    def rate_hz(self) -> float:
        """As the parameter says."""
        return float(self.params["rate_hz"])

    def configure(self) -> None:
        """Cast the people and lay out what they do."""
        cv2.setNumThreads(1)  # the other cores are for those who look at the images
        script = SceneScript(
            self.params["seed"], self.params["num_people"], self.params["duration_s"],
            self.params["vocabulary"], tuple(self.params["classes"]),
        )  # fmt: skip
        self._vocabulary = load_repertoire(script.repertoire)
        self._scene = script.scene()
        if self.params["prerender"]:
            self.get_logger().info("Drawing the scene ...")
            self._scene = shoot(script, self.rate_hz, self._tell_progress, self.stop_requested)
            self.get_logger().info(f"The scene is drawn: {len(self._scene)} images.")
        self._layout.publish(layout_to_msg(get_layout(LAYOUT)))

    def _tell_progress(self, done: int, count: int) -> None:
        quarter = max(1, count // 4)
        if done % quarter == 0 and done < count:
            self.get_logger().info(f"  {done} of {count} images")

    def cleanup(self) -> None:
        """Send the people home."""
        self._scene = self._vocabulary = None

    def rewind(self) -> None:
        """Nobody is in a gesture before the first frame."""
        self._truth = TruthTracker(self._vocabulary) if self._vocabulary is not None else None
        self._frame: SceneFrame | None = None

    def next_frame(self, index: int) -> Image | None:
        """Draw the scene at the moment of this frame."""
        if self._scene is None:
            return None
        count = num_frames(self.params["duration_s"], self.rate_hz)
        if index >= count:
            if not self.params["loop"]:
                return None
            index %= count
        if isinstance(self._scene, Film):
            self._frame = self._scene.frame(index)
        else:
            self._frame = self._scene.frame(index / self.rate_hz)
        return self._frame.image

    def before_publishing(self, index: int, stamp_ns: int) -> None:
        """The truth goes first, so that it is there when somebody judges the image."""
        if self._frame is None or self._truth is None:
            return
        frame_id = self.params["frame_id"]
        people = self._frame.skeletons
        self._true_skeletons.publish(
            skeletons_to_msg(replace(people, stamp_ns=stamp_ns), frame_id)
        )
        self._true_actions.publish(
            actions_to_msg(self._truth.update(self._frame, stamp_ns), frame_id)
        )
        if isinstance(self._scene, Scene):
            self._depth.publish(self._scene, self._frame.t_s, stamp_ns, frame_id)


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros simulated_camera"""
    return run([SimulatedCameraNode], args)
