"""Windows of people acting a bundle's gestures: what engines are compared and calibrated on.

Nothing is drawn: the acted bodies are projected into a camera, and noise like an estimator's is
left out, so these are cleaner than a robot's. Windows of your own people, from a bag, are better.
"""

from __future__ import annotations

import numpy as np

from bharnet_ros.bundle import GESTURES_FILE, Bundle
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.experts import WindowSet
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.manifest import Manifest
from bharnet_ros.manifest_parts import SKELETON_PROBABILITIES
from bharnet_ros.simulation import Scene, ScriptedActor
from bharnet_ros.types import FloatArray, Skeleton, SkeletonFrame
from bharnet_ros.windows import Window, WindowBuffer

_FPS = 15.0
_EVERY_S = 0.4
_SCENE_S = 12.0
_LAYOUT = "coco_wholebody_133"


def sample_inputs(bundle: Bundle, count: int, seed: int = 0) -> dict[str, FloatArray]:
    """Inputs of the bundle's graph for `count` windows, each (count, 3, T, V, instances).

    The gestures are the bundle's own where it describes them, else those of first_light.
    Raises ConfigurationError for a bundle of another layout than coco_wholebody_133.
    """
    manifest = bundle.manifest
    if manifest.layout != _LAYOUT:
        raise ConfigurationError(
            f"The bundle '{manifest.name}' reads the layout '{manifest.layout}', acted people have "
            f"{_LAYOUT}; give windows of a recording."
        )
    described = bundle.file(GESTURES_FILE)
    vocabulary = load_vocabulary(described) if described else load_vocabulary()
    windows: list[Window] = []
    duration_s = max(_SCENE_S, manifest.window_s + 0.5 * _SCENE_S)  # some windows end in it
    while len(windows) < count:
        scene = Scene.random(
            seed, duration_s=duration_s, vocabulary=vocabulary, yaw_range_deg=(-40.0, 40.0)
        )
        windows += _windows(scene, bundle)
        seed += 1
    chosen = WindowSet(dict(enumerate(windows[:count])))
    return {
        name: chosen.features(name, manifest.layout, manifest.features)
        for name in manifest.streams
    }


def sample_pixels(manifest: Manifest, count: int, seed: int = 0) -> dict[str, FloatArray]:
    """Inputs of the RGB graph for `count` people: noise of all colours, in which some tiles were
    not seen. Engines can be compared on it; what it shows is nothing."""
    rng = np.random.default_rng(seed)
    shapes = {name: (count, *map(int, s[1:])) for name, s in manifest.rgb_inputs.items()}
    found = {name: rng.random(shape, np.float32) for name, shape in shapes.items()}
    found["seen"] = (found["seen"] < 0.8).astype(np.float32)
    shares = found[SKELETON_PROBABILITIES]
    return {**found, SKELETON_PROBABILITIES: shares / shares.sum(axis=1, keepdims=True)}


def _windows(scene: Scene, bundle: Bundle) -> list[Window]:
    """Of the scene's people, one every 0.4 s."""
    manifest = bundle.manifest
    buffer = WindowBuffer(
        manifest.layout, manifest.window_s, manifest.num_steps, manifest.max_gap_s
    )
    found = []
    due_s = manifest.window_s
    for index in range(int(scene.duration_s * _FPS)):
        t_s = index / _FPS
        stamp_ns = round(t_s * 1e9)
        present = scene.present(t_s)
        size = (scene.camera.height, scene.camera.width)
        people = tuple(_skeleton(scene, actor, t_s) for actor in present)
        buffer.push(SkeletonFrame(stamp_ns, size, _LAYOUT, people))
        if t_s >= due_s:
            due_s += _EVERY_S
            found += [buffer.window(actor.actor_id, stamp_ns) for actor in present]
    return found


def _skeleton(scene: Scene, actor: ScriptedActor, t_s: float) -> Skeleton:
    pixels, _ = scene.camera.project(scene.pose(actor, t_s))
    points = pixels.astype(np.float32)
    scores = np.where(scene.camera.contains(pixels), 1.0, 0.0).astype(np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    return Skeleton(actor.actor_id, np.concatenate([low, high - low]), 1.0, points, scores)
