"""image_raw -> skeletons: finds people, their keypoints and their track ids, of one camera or of
several that share the networks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bharnet_ros.nodes.base import OK, ManagedNode, run
from bharnet_ros.nodes.building import one_at_a_time
from bharnet_ros.nodes.camera_stream import CameraStream
from bharnet_ros.nodes.diagnostics import Status
from bharnet_ros.nodes.findings import Finding, summary
from bharnet_ros.nodes.freshness import Work
from bharnet_ros.nodes.names import camera_names, known_cameras
from bharnet_ros.nodes.pose_backend import build_backend, open_backend
from bharnet_ros.nodes.pose_params import PARAMS
from bharnet_ros.nodes.statistics import Period
from bharnet_ros.pose.together import batches, estimate_together

__all__ = ["PARAMS", "PoseEstimatorNode", "main"]


class PoseEstimatorNode(ManagedNode):
    """Subscribes image_raw; publishes skeletons and, latched, skeleton_layout: of each camera."""

    def __init__(self, **options: Any) -> None:
        self._streams: list[CameraStream] = []
        self._parts: dict[str, Status] = {}
        super().__init__("pose_estimator", PARAMS, **options)
        self._arrange()

    def configure(self) -> None:
        """Load the networks; publish what the keypoints are."""
        if self.params["build_only"]:  # and then the process ends
            self.exit_status = 1
            with one_at_a_time:
                build_backend(self.params.all(), self._say)
            self.exit_status = 0
            return
        self._arrange()
        self._load()
        for stream in self._streams:
            stream.publish_layout()

    def _say(self, text: str) -> None:
        """A line about what takes long."""
        self.get_logger().info(text)

    def _arrange(self) -> None:
        """A stream for each camera that the parameters name."""
        names = camera_names(self.params["cameras"]) or ("",)
        if [stream.name for stream in self._streams] == list(names):
            return
        for stream in self._streams:
            stream.destroy()
        self._streams = [CameraStream(self, name) for name in names]

    def _load(self) -> None:
        """An estimator per camera, all on the same networks, unless they are there."""
        if self._streams[0].estimator is not None:
            return
        estimators = open_backend(self.params.all(), len(self._streams), self._say)
        for stream, estimator in zip(self._streams, estimators, strict=True):
            stream.estimator = estimator

    def activate(self) -> None:
        """Subscribe to images; load the networks again if deactivate has freed them."""
        self._load()
        for stream in self._streams:
            stream.listen(self._on_image)

    def deactivate(self) -> None:
        """Stop listening; free the networks."""
        for stream in self._streams:
            stream.ignore()
        self.cleanup()

    def cleanup(self) -> None:
        """Free the networks."""
        for stream in self._streams:
            stream.close()

    def destroy_node(self) -> None:
        """The node goes, and with it the images of its cameras."""
        for stream in self._streams:
            stream.withdraw()
        super().destroy_node()

    def check_parameters(self, values: Mapping[str, Any]) -> None:
        """Refuse cameras that cannot be."""
        camera_names(values["cameras"])

    def parameters_changed(self, names: frozenset[str]) -> None:
        """The others are read where they are used."""
        if names & {"input_timeout_s", "smoothing"}:
            for stream in self._streams:
                stream.apply_parameters()

    def _on_image(self, stream: CameraStream, message: Any) -> None:
        """Estimate the image, in one batch with those of other cameras that wait.

        Cameras whose networks cannot take several images at once have their turns instead: the
        executor goes round, and each one's skeletons are out before the next one's work begins.
        """
        work = Work()
        looks = [stream.look(message)]
        if looks[0] is None:
            return
        for other in self._streams:
            if _batch(stream, other):
                waiting = other.take_waiting()
                looks.append(other.look(waiting) if waiting is not None else None)
        wanted = [look for look in looks if look is not None]
        begin = time.perf_counter()
        results = estimate_together([look.job for look in wanted])
        estimate_ms = 1e3 * (time.perf_counter() - begin)
        for look, result in zip(wanted, results, strict=True):
            look.stream.answer(look, result, estimate_ms, work)
        self.stats.gauge("people", self._people)
        for each in self._streams:
            each.worked()

    @property
    def _people(self) -> int:
        """In view of all cameras; who is in view of two counts twice."""
        return sum(stream.people for stream in self._streams)

    def diagnose(self, period: Period) -> Status:
        """What is wrong with the input, the output or the networks of any camera."""
        found: list[Finding] = []
        values = {"backend": self.params["pose_backend"]}
        self._parts = {}
        for stream in self._streams:
            theirs, status = stream.findings(period)
            if stream.name:
                self._parts[stream.name] = status
                found += [Finding(f.level, f"camera {stream.name}: {f.text}") for f in theirs]
            else:
                found, values = theirs, {**values, **status[2]}
        if self._parts:
            values["cameras"] = ", ".join(self._parts)
            values["people"] = str(self._people)
        level, message = summary(found, f"{self._people} people")
        return level, message, values

    def diagnose_parts(self) -> Mapping[str, Status]:
        """Each camera by its name, where there are several."""
        nothing: Status = (OK, "", {})
        names = known_cameras(self.params["cameras"])
        return {name: self._parts.get(name, nothing) for name in names}


def _batch(stream: CameraStream, other: CameraStream) -> bool:
    """Whether two cameras' images are estimated as one batch."""
    a, b = stream.estimator, other.estimator
    return other is not stream and a is not None and b is not None and batches(a, b)


def main(args: Sequence[str] | None = None) -> int:
    """ros2 run bharnet_ros pose_estimator"""
    return run([PoseEstimatorNode], args)
