"""The graph as processes, for machines without `ros2 launch`: what to start.

The arguments are those of launch/recognize.launch.py; `Supervisor` runs the processes.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.nodes.given import bundle_names, camera_sources, params_path, parts
from bharnet_ros.nodes.names import (
    camera_names,
    check_image_topics,
    check_namespace,
    joined_namespace,
    sibling_topic,
)
from bharnet_ros.nodes.sources import is_device

NODES = (
    "pose_estimator", "action_recognizer", "visualizer", "simulated_camera", "video_camera",
    "web_viewer", "ros4hri", "vision_msgs_bridge", "skeleton_lifter",
)  # fmt: skip
WEB_PORT = 8422
"""Of the first camera's page; each further camera has the next one."""

Value = bool | int | float | str | Sequence[str]


@dataclass(frozen=True)
class NodeSpec:
    """One node: which, and how it differs from its defaults.

    node: one of NODES.
    """

    node: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remaps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessSpec:
    """One process with one or several nodes, which then share interpreter and namespace.

    defaults: parameters that hold unless the params_file says otherwise.
    """

    nodes: tuple[NodeSpec, ...]
    namespace: str = ""
    params_file: str = ""
    use_sim_time: bool = False
    log_level: str = "info"
    defaults: Mapping[str, Value] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What the process is called in messages."""
        return f"{self.namespace.rstrip('/')}/" + "+".join(spec.node for spec in self.nodes)

    def command(self) -> list[str]:
        """The command line that starts it."""
        names = [spec.node for spec in self.nodes]
        line = [sys.executable, "-m", "bharnet_ros", "node", *names, "--ros-args"]
        line += ["--log-level", self.log_level]
        for name, value in self.defaults.items():
            line += ["-p", f"{name}:={_yaml(value)}"]
        if self.params_file:
            line += ["--params-file", self.params_file]
        if self.namespace:
            line += ["-r", f"__ns:={_absolute(self.namespace)}"]
        # Only if it is so: the default, which nobody gave, must not win over the file.
        clock: dict[str, Value] = {"use_sim_time": True} if self.use_sim_time else {}
        values = _merged([clock, *(spec.parameters for spec in self.nodes)])
        if self.params_file and values:
            line += ["--params-file", _winning_file(values)]
        else:
            for name, value in values.items():
                line += ["-p", f"{name}:={_yaml(value)}"]
        for source, target in _merged([spec.remaps for spec in self.nodes]).items():
            line += ["-r", f"{source}:={target}"]
        return line


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All of them; rules hold for every node of a process, so they must not contradict.

    (A rule can name its node, but then not one in a namespace.)
    """
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if whole.setdefault(name, value) != value:
                raise ConfigurationError(
                    f"{name} is {whole[name]!r} for one node and {value!r} for another; nodes "
                    "that differ in it cannot share a process."
                )
    return whole


def _winning_file(values: Mapping[str, Value]) -> str:
    """A file with parameters that win over those of the files before it.

    `-p x:=y` lies under `/**`, and keys count in the order in which they first appear: with `/**`
    at the top of a file the rest of it wins. This key means any node too and nobody writes it, so
    it is the last.
    """
    text = json.dumps({"/**/**": {"ros__parameters": dict(values)}}, ensure_ascii=False)  # is YAML
    content = text.encode("utf-8", "surrogateescape")
    path = _folder() / f"{hashlib.sha256(content).hexdigest()[:16]}.yaml"
    # For every start of a process: some systems clean their temporary folders.
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content)
    return str(path)


@functools.cache
def _folder() -> Path:
    folder = tempfile.mkdtemp(prefix="bharnet_ros_given_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _absolute(namespace: str) -> str:
    return namespace if namespace.startswith("/") else f"/{namespace}"


def _yaml(value: Value) -> str:
    """A parameter value as rcl reads it from a command line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "[" + ", ".join(_yaml(item) for item in value) + "]"


OWN_CAMERA: Mapping[str, Value] = {"markers_frame": "camera_upright"}
"""For pictures of our own cameras: nobody publishes transforms for them."""


def recognize_graph(
    *,
    input_source: str = "none",
    image_topic: str = "image_raw",
    image_transport: str = "",
    cameras: str = "",
    depth_topic: str = "",
    depth_transport: str = "",
    pose_backend: str = "",
    pose_options: str = "",
    bundle: str = "",
    engine: str = "",
    rgb: bool = False,
    composed: bool = False,
    visualizer: bool = True,
    web_viewer: bool = False,
    ros4hri: bool = False,
    vision_msgs: bool = False,
    build_only: bool = False,
    autostart: bool = True,
    namespace: str = "",
    params_file: str = "",
    use_sim_time: bool = False,
    log_level: str = "info",
) -> list[ProcessSpec]:
    """The processes of `recognize`. What is empty is as the parameters say.

    input_source: "none" (somebody publishes image_topic), "simulated", a video file, or the number
    or path of a camera device; of several cameras one for all or one each, separated by commas.
    cameras: names of several cameras, separated by commas: one estimator for all of them, and in
    the namespace of each everything else. depth_topic: of images registered to image_topic; ""
    = no keypoints in space. pose_options: name=value, separated by commas. bundle: names or
    folders, separated by commas; the built-in camera plays the gestures of the first. rgb: look at
    pixels too; with one camera estimator and recogniser then share a process, as with composed.
    build_only: one process, which builds engine files and ends.
    Raises ConfigurationError for a name that ROS does not allow, and for a file or folder that does
    not exist.
    """
    params_file = params_path(params_file)
    check_namespace(namespace)
    names = camera_names(cameras.split(","))
    check_image_topics(names, image_topic=image_topic, depth_topic=depth_topic)
    bundles = bundle_names(bundle)
    start: dict[str, Value] = {} if autostart else {"autostart": False}  # true: as the file says
    recogniser = _given(bundles=bundles, engine=engine)
    if rgb:  # else as the parameters say
        recogniser["rgb"] = True
        composed = composed or not names
    pose = _given(cameras=list(names), pose_backend=pose_backend, pose_options=parts(pose_options))

    def process(*nodes: NodeSpec, camera: str = "") -> ProcessSpec:
        inside = joined_namespace(namespace, camera)
        return ProcessSpec(nodes, inside, params_file, use_sim_time, log_level)

    if build_only:
        build: dict[str, Value] = {"autostart": True, "build_only": True}
        return [
            process(
                NodeSpec("pose_estimator", {**pose, **build}),
                NodeSpec("action_recognizer", {**recogniser, **build}),
            )
        ]
    transport = _given(image_transport=image_transport)
    image, camera_info = image_remaps(image_topic)
    images = {f"{n}/{topic}": f"{n}/{to}" for n in names for topic, to in image.items()} or image
    estimator = NodeSpec("pose_estimator", {**start, **pose, **transport}, images)
    lifting = _given(depth_transport=depth_transport)
    processes = []
    if names or not composed:
        processes.append(process(estimator))
    if ros4hri:  # one for all cameras: each of its lists is taken for everybody there is
        processes.append(process(NodeSpec("ros4hri", {**start, **_given(cameras=list(names))})))
    for index, (name, source) in enumerate(camera_sources(input_source, names)):
        nodes = [] if names or not composed else [estimator]
        nodes += [NodeSpec("action_recognizer", {**start, **recogniser})]
        if visualizer:
            place = {} if source == "none" or params_file else OWN_CAMERA
            drawing = {**start, **transport, **place}
            nodes += [NodeSpec("visualizer", drawing, {**image, **camera_info})]
        groups = [tuple(nodes)] if composed else [(node,) for node in nodes]
        port = {"port": WEB_PORT + index} if index else {}
        further = {"web_viewer": web_viewer, "vision_msgs_bridge": vision_msgs}
        groups += [
            (NodeSpec(node, {**start, **port} if node == "web_viewer" else start),)
            for node, wanted in further.items()
            if wanted
        ]
        if depth_topic:
            depth = {"depth/image_raw": depth_topic}
            groups.append((NodeSpec("skeleton_lifter", {**start, **lifting}, depth),))
        camera = camera_spec(source, start, image, bundles[0] if bundles else "", index)
        groups += [(camera,)] if camera is not None else []
        processes += [process(*group, camera=name) for group in groups]
    return processes


def _given(**values: Value) -> dict[str, Value]:
    """Those that are not empty."""
    return {name: value for name, value in values.items() if value not in ("", [], ())}


def image_remaps(image_topic: str) -> tuple[dict[str, str], dict[str, str]]:
    """The remaps of the image topic, and of the camera_info beside it, as drivers name it."""
    if image_topic == "image_raw":
        return {}, {}
    return {"image_raw": image_topic}, {"camera_info": sibling_topic(image_topic, "camera_info")}


def camera_spec(
    source: str,
    parameters: Mapping[str, Value],
    remaps: Mapping[str, str],
    vocabulary: str = "",
    index: int = 0,
) -> NodeSpec | None:
    """The camera node for an input_source; None for "none".

    vocabulary: what the built-in camera plays, see `load_repertoire`; "" = as its parameters.
    index: of the camera among several; each built-in one has other people.
    """
    if source == "none":
        return None
    if source == "simulated":
        play: dict[str, Value] = {"vocabulary": vocabulary} if vocabulary else {}
        play.update({"seed": 1 + index} if index else {})
        return NodeSpec("simulated_camera", {**parameters, **play}, remaps)
    path = source if is_device(source) else os.path.abspath(os.path.expanduser(source))
    return NodeSpec("video_camera", {**parameters, "source": path}, remaps)
