"""A scene drawn in advance by several processes, so that playing it costs what a camera costs.

Drawing people takes a core; where the same few cores must also recognise them, drawing while
playing would measure the drawing. Pictures are kept as JPEG.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation import Scene, SceneFrame
from bharnet_ros.simulation.repertoire import chosen_classes, load_repertoire

MAX_FRAMES = 20_000
_JPEG_QUALITY = 95
_NO_PICTURE = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True)
class SceneScript:
    """Arguments of `Scene.random` that the camera node offers.

    repertoire: see `load_repertoire`. classes: the gestures to play of it; none = all.
    """

    seed: int
    num_people: int
    duration_s: float
    repertoire: str = ""
    classes: tuple[str, ...] = ()

    def scene(self) -> Scene:
        """The scene itself. Raises ConfigurationError for people that do not fit, BundleError or
        GestureError for what cannot be played."""
        vocabulary = load_repertoire(self.repertoire)
        return Scene.random(
            self.seed, self.num_people, self.duration_s, vocabulary=vocabulary,
            classes=chosen_classes(vocabulary, self.classes), deal=True,
        )  # fmt: skip


def num_frames(duration_s: float, rate_hz: float) -> int:
    """Images of a scene, from 0 to duration_s."""
    return int(duration_s * rate_hz) + 1


class Cancelled(Exception):
    """Somebody asked to stop while the film was being shot."""


class Film:
    """Frames on a grid of stamps; `frame(index)` unpacks one."""

    def __init__(self, frames: list[tuple[bytes, SceneFrame]]) -> None:
        self._frames = frames

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> SceneFrame:
        """Frame `index` with its picture. Raises IndexError behind the last one."""
        packed, frame = self._frames[index]
        image = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
        return replace(frame, image=np.asarray(image, dtype=np.uint8))


def shoot(
    script: SceneScript,
    rate_hz: float,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Film:
    """Draw every frame from 0 to duration_s with all cores.

    progress: called with frames done and frames in all. cancelled: asked after each frame.
    Raises ConfigurationError if the scene is too long to keep, Cancelled when asked to stop.
    """
    count = num_frames(script.duration_s, rate_hz)
    if count > MAX_FRAMES:
        raise ConfigurationError(
            f"A film of {script.duration_s:g} s at {rate_hz:g} images per second has {count} "
            f"frames; at most {MAX_FRAMES} are kept. Shorten it or set prerender to false."
        )
    script.scene()  # refuses bad arguments here and not in a worker
    frames: list[tuple[bytes, SceneFrame]] = []
    # Forked children of a process that uses ROS hang; spawned ones begin afresh.
    context = multiprocessing.get_context("spawn")
    times = [(index / rate_hz) for index in range(count)]
    with context.Pool(min(os.cpu_count() or 1, 8), _begin_worker, (script,)) as pool:
        for packed in pool.imap(_draw, times, chunksize=4):
            frames.append(packed)
            if cancelled():
                raise Cancelled
            progress(len(frames), count)
    return Film(frames)


_scene: Scene | None = None


def _begin_worker(script: SceneScript) -> None:
    """Ctrl-C reaches the whole process group; ending the workers is their parent's business."""
    global _scene
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _scene = script.scene()


def _draw(t_s: float) -> tuple[bytes, SceneFrame]:
    if _scene is None:
        raise RuntimeError("the worker has no scene")
    frame = _scene.frame(t_s)
    flags: list[Any] = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    packed = cv2.imencode(".jpg", frame.image, flags)[1].tobytes()
    return packed, replace(frame, image=_NO_PICTURE)
