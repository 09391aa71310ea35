"""What a demo shows: which bundles, which gestures, with what it is compared, and its processes."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

from bharnet_ros.bundle import DEFAULT_BUNDLE, Bundle, load_bundle
from bharnet_ros.demo.record import BODY_ALONE, SKELETONS_ALONE, Comparison
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.judging import check_together
from bharnet_ros.manifest_parts import STREAMS
from bharnet_ros.nodes.given import bundle_names
from bharnet_ros.nodes.graph import NodeSpec, ProcessSpec, Value, camera_spec
from bharnet_ros.nodes.scene_limits import check_film
from bharnet_ros.nodes.sources import is_device
from bharnet_ros.simulation.repertoire import chosen_classes, load_repertoire

_RGB_BUNDLE = "held_objects"
"""The shipped one that looks at pixels."""
_SCENE_S = 60.0
_OPTIONS = {
    "num_people": "--people", "rate_hz": "--rate", "seed": "--seed", "duration_s": "--seconds",
}  # fmt: skip
"""What the command calls the camera's parameters."""
_PATIENCE_S = 600.0
"""Silence is normal until the camera plays; it must not be reported as a fault before."""
_PICTURES_HZ = 4.0
"""Few enough to leave the cores to those who recognise; others' videos get all that is drawn."""
_VIDEO_PICTURES_HZ = 10.0
_GUESS = 0.3


@dataclass(frozen=True)
class Cast:
    """What the demo shows.

    bundles: names or folders for the nodes; scored: the first one's name, whose gestures are
    played and judged. classes: the gestures played; pairs: those of them that only the fingers
    tell apart, with rgb those that only the held object does. comparison: with what the graph is
    compared; None = with nothing. rgb: whether it looks at pixels.
    """

    bundles: tuple[str, ...]
    scored: str
    classes: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    comparison: Comparison | None
    rgb: bool = False


def choose_cast(bundle: str, classes: str, rgb: bool = False) -> Cast:
    """From the command line: bundles and gestures, each separated by commas.

    Without named gestures all those of the first bundle's descriptions that it knows are played.
    Raises BundleError, GestureError or ConfigurationError for what is not there.
    """
    names = tuple(bundle_names(bundle)) or (_RGB_BUNDLE if rgb else DEFAULT_BUNDLE,)
    bundles = [load_bundle(name) for name in names]
    check_together(bundles)
    manifest, vocabulary = bundles[0].manifest, load_repertoire(names[0])
    known = tuple(name for name in vocabulary.actions if name in manifest.class_names)
    played = chosen_classes(vocabulary, classes.split(",")) or known or vocabulary.actions
    all_pairs = vocabulary.object_pairs if rgb else vocabulary.pairs
    pairs = tuple(pair for pair in all_pairs if set(pair) <= set(played))
    return Cast(names, manifest.name, played, pairs, _comparison(bundles[0], rgb), rgb)


def _comparison(bundle: Bundle, rgb: bool) -> Comparison | None:
    manifest = bundle.manifest
    if not rgb:
        return BODY_ALONE if manifest.streams == STREAMS else None
    if manifest.rgb is None:
        raise ConfigurationError(
            f"--rgb needs a bundle with an RGB expert, and '{manifest.name}' has none; leave out "
            f"--rgb, or choose another bundle such as {_RGB_BUNDLE}."
        )
    return SKELETONS_ALONE


def demo_graph(options: argparse.Namespace, cast: Cast) -> tuple[list[ProcessSpec], str]:
    """The demo's processes, and the name of its camera node.

    Raises ConfigurationError for a video that does not exist, a camera that is no number and for
    numbers out of range.
    """
    camera = _camera(options, cast)
    patience: dict[str, Value] = {"input_timeout_s": _PATIENCE_S}
    estimator = NodeSpec("pose_estimator", patience)
    recogniser = NodeSpec("action_recognizer", {**patience, "bundles": cast.bundles})
    if cast.rgb:  # the images must be in the recogniser's process
        looking = NodeSpec(recogniser.node, {**recogniser.parameters, "rgb": True})
        processes = [ProcessSpec((estimator, looking))]
    else:
        processes = [ProcessSpec((estimator,)), ProcessSpec((recogniser,))]
    pictures: dict[str, Value] = {
        "max_rate_hz": pictures_hz(camera.node), "markers_frame": "camera_upright"
    }  # the demo has no transforms, and config/bharnet_ros.rviz this fixed frame
    processes += [ProcessSpec((NodeSpec("visualizer", pictures),)), ProcessSpec((camera,))]
    if camera.node == "simulated_camera" and cast.comparison is not None:
        # With less evidence it is rarely sure of a pair and would just stay silent; made to
        # answer, it shows that it can only guess.
        guessing: dict[str, Value] = {
            "start_threshold": _GUESS, "end_threshold": _GUESS / 2, "unknown_threshold": 0.0,
            "urgent_threshold": 1.0,
            "bundles": cast.bundles[:1],
        }  # fmt: skip
        if cast.comparison is BODY_ALONE:
            guessing["fusion"] = "body"
        alone = NodeSpec(
            "action_recognizer", {**patience, **guessing}, {"skeletons": "/skeletons"}
        )
        processes.append(ProcessSpec((alone,), namespace=cast.comparison.namespace))
    return processes, camera.node


def _camera(options: argparse.Namespace, cast: Cast) -> NodeSpec:
    if options.video and not os.path.isfile(options.video):
        raise ConfigurationError(f"The video {options.video} does not exist.")
    if options.camera and not is_device(options.camera):
        raise ConfigurationError(
            f"--camera is {options.camera!r}; give the number of a device, like 0, or its path "
            "below /dev (a file with --video, and neither for the built-in camera)."
        )
    if not options.seconds >= 0.0:  # so it is for NaN, too
        raise ConfigurationError(f"--seconds is {options.seconds}; it must not be negative.")
    wait: dict[str, Value] = {"autostart": False}
    source = options.video or options.camera or "simulated"
    camera = camera_spec(source, wait, {}, cast.bundles[0])
    if camera is None:
        raise ConfigurationError("The demo needs a camera: a video, a device or the built-in one.")
    if camera.node != "simulated_camera":
        return camera
    scene: dict[str, Value] = {
        "num_people": options.people,
        "rate_hz": options.rate,
        "seed": options.seed,
        "duration_s": options.seconds or _SCENE_S,
        "classes": cast.classes,
        "prerender": True,
    }
    check_film(scene, _OPTIONS)
    return NodeSpec(camera.node, {**camera.parameters, **scene})


def pictures_hz(camera: str) -> float:
    """Annotated pictures per second for this camera node."""
    return _PICTURES_HZ if camera == "simulated_camera" else _VIDEO_PICTURES_HZ
