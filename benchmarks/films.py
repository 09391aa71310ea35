"""Short films of drawn people, drawn once and kept as plain arrays on disk.

Playing one costs what a camera driver costs: no drawing, no decoding. A film is played forwards
and backwards in turn, so that it can go on for hours without a cut in which people jump.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bharnet_ros.bundle import DEFAULT_BUNDLE
from bharnet_ros.gestures import BodyShape, GesturePlayer, Style
from bharnet_ros.simulation import Appearance, Camera, Effects, Renderer, Scene, ScriptedActor
from bharnet_ros.simulation.repertoire import load_repertoire

RATE_HZ = 30.0
"""Pictures per second that a film is drawn at."""
HELD = "stop"
"""The gesture of the person who holds one."""
_FOCAL_PER_WIDTH = 1050.0 / 1280.0

Pictures = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FilmScript:
    """What to film.

    kind: "empty" (a room), "held" (a person, nothing but HELD, for as long as it lasts),
    "lively" (one or more people, gesture after gesture with rests between them).
    """

    kind: str
    seconds: float = 4.0
    width: int = 640
    height: int = 480
    people: int = 1
    seed: int = 1

    def scene(self) -> Scene:
        """The scene behind it. Raises ConfigurationError for what does not fit."""
        camera = Camera(self.width, self.height, self.width * _FOCAL_PER_WIDTH)
        vocabulary = load_repertoire(DEFAULT_BUNDLE)
        if self.kind == "lively":
            return Scene.random(
                self.seed, self.people, self.seconds, vocabulary=vocabulary, camera=camera
            )
        actors = []
        if self.kind == "held":
            rng = np.random.default_rng(self.seed)
            player = GesturePlayer(vocabulary, BodyShape.default(), Style(fidget=0.3))
            # The film shows the middle of the gesture: `draw` starts at _LEAD_S.
            play = player.plan([(HELD, 0.2, self.seconds + 2.0 * _LEAD_S)], rng)
            actors = [ScriptedActor(0, (1.9, 0.0), 0.0, Appearance.sample(rng), play)]
        wall = np.full((self.height, self.width, 3), 150, np.uint8)
        renderer = Renderer(camera, wall, Effects(), seed=self.seed)
        return Scene(actors, renderer, self.seconds + 2.0 * _LEAD_S, self.seed)


_LEAD_S = 2.0


def film(script: FilmScript, folder: Path) -> Path:
    """Draw it into folder, unless it is there already; the path of an (N, H, W, 3) .npy file."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(repr(sorted(asdict(script).items())).encode()).hexdigest()[:12]
    path = folder / f"{script.kind}_{name}.npy"
    if path.is_file():
        return path
    cv2.setNumThreads(1)
    scene = script.scene()
    lead_s = _LEAD_S if script.kind == "held" else 0.0
    count = 1 if script.kind == "empty" else int(script.seconds * RATE_HZ)
    shape = (count, script.height, script.width, 3)
    unfinished = path.with_suffix(".part")
    pictures = np.lib.format.open_memmap(unfinished, mode="w+", dtype=np.uint8, shape=shape)
    for index in range(count):
        pictures[index] = scene.frame(lead_s + index / RATE_HZ).image
    pictures.flush()
    unfinished.rename(path)
    return path


class Player:
    """Reads a film: picture `index` of an endless forwards-and-backwards play."""

    def __init__(self, path: Path) -> None:
        self._pictures: Pictures = np.load(path, mmap_mode="r", allow_pickle=False)

    def picture(self, index: int, size: tuple[int, int] = (0, 0), encoding: str = "bgr8") -> Any:
        """An image array of this size (width, height; 0 = as filmed) in this encoding."""
        count = len(self._pictures)
        at = index % max(2 * count - 2, 1)
        picture: Any = self._pictures[at if at < count else 2 * count - 2 - at]
        if size != (0, 0) and size != (picture.shape[1], picture.shape[0]):
            picture = cv2.resize(np.asarray(picture), size, interpolation=cv2.INTER_LINEAR)
        code = _CONVERSIONS.get(encoding)
        return np.ascontiguousarray(picture if code is None else cv2.cvtColor(picture, code))


_CONVERSIONS = {
    "rgb8": cv2.COLOR_BGR2RGB,
    "rgba8": cv2.COLOR_BGR2RGBA,
    "bgra8": cv2.COLOR_BGR2BGRA,
    "mono8": cv2.COLOR_BGR2GRAY,
}
