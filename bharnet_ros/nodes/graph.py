"""The graph as processes, for machines without `ros2 launch`: what to start, and supervision.

The arguments are those of launch/recognize.launch.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bharnet_ros.errors import ConfigurationError

NODES = ("pose_estimator", "action_recognizer", "visualizer", "simulated_camera", "video_camera")
_PR_SET_PDEATHSIG = 1
_GRACE_S = 5.0

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
    """One process with one or several nodes, which then share interpreter and namespace."""

    nodes: tuple[NodeSpec, ...]
    namespace: str = ""
    params_file: str = ""
    use_sim_time: bool = False
    log_level: str = "info"

    @property
    def title(self) -> str:
        """What the process is called in messages."""
        return f"{self.namespace.rstrip('/')}/" + "+".join(spec.node for spec in self.nodes)

    def command(self) -> list[str]:
        """The command line that starts it."""
        names = [spec.node for spec in self.nodes]
        line = [sys.executable, "-m", "bharnet_ros", "node", *names, "--ros-args"]
        line += ["--log-level", self.log_level]
        if self.params_file:
            line += ["--params-file", self.params_file]
        if self.namespace:
            line += ["-r", f"__ns:={_absolute(self.namespace)}"]
        line += ["-p", f"use_sim_time:={_yaml(self.use_sim_time)}"]
        for name, value in _merged([spec.parameters for spec in self.nodes]).items():
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


def recognize_graph(
    *,
    input_source: str = "none",
    image_topic: str = "image_raw",
    pose_backend: str = "",
    bundle: str = "",
    composed: bool = False,
    visualizer: bool = True,
    autostart: bool = True,
    namespace: str = "",
    params_file: str = "",
    use_sim_time: bool = False,
    log_level: str = "info",
) -> list[ProcessSpec]:
    """The processes of `recognize`.

    input_source: "none" (somebody publishes image_topic), "simulated", a video file, or the
    number of a camera device. bundle: names or folders, separated by commas; the built-in camera
    plays the gestures of the first.
    Raises ConfigurationError for a params_file that does not exist.
    """
    if params_file and not os.path.isfile(params_file):
        raise ConfigurationError(f"The params_file {params_file} does not exist.")
    start: dict[str, Value] = {"autostart": autostart}
    image = {} if image_topic == "image_raw" else {"image_raw": image_topic}
    bundles = bundle_names(bundle)
    nodes = [
        NodeSpec(
            "pose_estimator",
            {**start, **({"pose_backend": pose_backend} if pose_backend else {})},
            image,
        ),
        NodeSpec("action_recognizer", {**start, **({"bundles": bundles} if bundles else {})}),
    ]
    if visualizer:
        nodes.append(NodeSpec("visualizer", start, image))
    groups = [tuple(nodes)] if composed else [(node,) for node in nodes]
    camera = camera_spec(input_source, start, image, bundles[0] if bundles else "")
    if camera is not None:
        groups.append((camera,))
    return [
        ProcessSpec(group, namespace, params_file, use_sim_time, log_level) for group in groups
    ]


def bundle_names(text: str) -> list[str]:
    """The bundles of a text like "a, folder/b"; folders become absolute paths, because processes
    may run elsewhere."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    folders = [os.path.expanduser(name) for name in names]
    return [
        os.path.abspath(folder) if os.path.isdir(folder) else name
        for name, folder in zip(names, folders, strict=True)
    ]


def camera_spec(
    source: str, parameters: Mapping[str, Value], remaps: Mapping[str, str], vocabulary: str = ""
) -> NodeSpec | None:
    """The camera node for an input_source; None for "none".

    vocabulary: what the built-in camera plays, see `load_repertoire`; "" = as its parameters.
    """
    if source == "none":
        return None
    if source == "simulated":
        play = {"vocabulary": vocabulary} if vocabulary else {}
        return NodeSpec("simulated_camera", {**parameters, **play}, remaps)
    path = source if source.isdecimal() else os.path.abspath(os.path.expanduser(source))
    return NodeSpec("video_camera", {**parameters, "source": path}, remaps)


class Supervisor:
    """Starts processes, notices when one ends, and ends all of them together.

    Children die with this process even if it is killed without warning.
    """

    def __init__(self, specs: Sequence[ProcessSpec], quiet: bool = False) -> None:
        self._specs = specs
        self._quiet = quiet
        self._children: list[tuple[ProcessSpec, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Supervisor:
        for spec in self._specs:
            child = subprocess.Popen(
                spec.command(),
                stdout=subprocess.DEVNULL if self._quiet else None,
                preexec_fn=_die_with_parent,
            )
            self._children.append((spec, child))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ended(self) -> tuple[str, int] | None:
        """Title and exit status of the first process that is no longer running, if any."""
        for spec, child in self._children:
            status = child.poll()
            if status is not None:
                return spec.title, status
        return None

    def stop(self) -> None:
        """SIGTERM to all, five seconds of patience, then SIGKILL; returns when all are gone."""
        for _, child in self._children:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + _GRACE_S
        for _, child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
        for _, child in self._children:
            if child.poll() is None:
                child.kill()
                child.wait()


def _die_with_parent() -> None:
    """Runs in the child before exec: Linux sends it SIGTERM when the parent dies."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def supervise(specs: Sequence[ProcessSpec]) -> int:
    """Run the graph until a signal or until one process fails; the exit status."""
    from bharnet_ros.nodes.base import StopSignals
    from bharnet_ros.nodes.environment import prepare_middleware

    prepare_middleware()
    stop = StopSignals()
    with Supervisor(specs) as supervisor:
        while not stop.stopped:
            ended = supervisor.ended()
            if ended is not None:
                title, status = ended
                if stop.stopped or status == 0:
                    return 0
                print(
                    f"bharnet_ros: {title} ended with status {status}; stopping the others.",
                    file=sys.stderr,
                )
                return 1
            time.sleep(0.1)
    return 0
