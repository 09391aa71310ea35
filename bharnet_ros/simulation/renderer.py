"""Draws people from their keypoints, and says which keypoints can be seen in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import InvalidSkeletonError
from bharnet_ros.simulation import materials
from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.effects import Effects, SensorNoise, compress
from bharnet_ros.simulation.person import PersonLayer
from bharnet_ros.simulation.props import Prop, place_prop
from bharnet_ros.simulation.shading import Light
from bharnet_ros.simulation.visibility import visible_keypoints
from bharnet_ros.types import AnyFloat, Image


@dataclass(frozen=True, eq=False)
class Actor:
    """A person to draw. pose: (133, 3) metres in the world, COCO-WholeBody order.

    motion: (133, 3) metres the keypoints move while the shutter is open, or None if still.
    held: what they hold, each with the hands it is in (0 left, 1 right; at most one a hand).
    """

    pose: AnyFloat
    appearance: Appearance
    motion: AnyFloat | None = None
    held: tuple[tuple[Prop, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, eq=False)
class Rendering:
    """image: (height, width, 3) uint8 BGR. In the order the people were given: keypoints
    (N, 133, 2) float32 pixels, visible (N, 133) bool, depths (N,) metres to the hips."""

    image: Image
    keypoints: npt.NDArray[np.float32]
    visible: npt.NDArray[np.bool_]
    depths: npt.NDArray[np.float32]


class Renderer:
    """Draws people in front of a background, as one camera with its effects sees them."""

    def __init__(
        self,
        camera: Camera,
        background: Image,
        effects: Effects | None = None,
        light: Light | None = None,
        seed: int = 0,
    ) -> None:
        """background: (height, width, 3) uint8 BGR of the camera's size.

        seed: fixes the sensor's noise pattern. Raises InvalidSkeletonError from render() for
        poses that cannot be drawn.
        """
        self.camera = camera
        self.effects = effects or Effects()
        self.light = light or Light()
        tint = self.effects.tint
        lit = np.clip(background.astype(np.float32) * tint.astype(np.float32), 0, 255)
        self._background: Image = lit.astype(np.uint8)
        self._noise = SensorNoise(
            (camera.width, camera.height), self.effects.noise, np.random.default_rng(seed)
        )
        self._ramps: dict[Appearance, npt.NDArray[np.uint32]] = {}

    def render(
        self, people: Sequence[tuple[AnyFloat, Appearance]], rng: np.random.Generator
    ) -> Image:
        """(height, width, 3) uint8 BGR with every (pose (133, 3), appearance) drawn, unmoving."""
        return self.render_actors([Actor(pose, look) for pose, look in people], rng).image

    def render_actors(self, actors: Sequence[Actor], rng: np.random.Generator) -> Rendering:
        """The image together with its ground truth. rng: where the noise is taken from."""
        image = self._background.copy()
        count = len(actors)
        keypoints = np.zeros((count, 133, 2), np.float32)
        depths = np.zeros(count, np.float32)
        layers: list[PersonLayer] = []
        for i, actor in enumerate(actors):
            pose = np.asarray(actor.pose, np.float64)
            if pose.shape != (133, 3) or not np.isfinite(pose).all():
                raise InvalidSkeletonError(
                    f"actor {i} has a pose of shape {pose.shape} or with values that are not "
                    "finite; give (133, 3) finite metres in COCO-WholeBody order"
                )
            local = self.camera.to_camera(pose)
            motion = None if actor.motion is None else actor.motion @ self.camera.rotation.T
            held = [place_prop(prop, local, hands) for prop, hands in actor.held]
            layer = PersonLayer(self.camera, local, motion, actor.appearance, held)
            layers.append(layer)
            keypoints[i] = layer.pixels
            depths[i] = local[[11, 12], 2].mean()
        for i in np.argsort(-depths, kind="stable"):
            layers[i].paint(image, self._ramp(actors[i]), self.light, self.effects)
        visible = np.zeros((count, 133), bool)
        for i, layer in enumerate(layers):
            nearer = [other for k, other in enumerate(layers) if depths[k] < depths[i]]
            visible[i] = visible_keypoints(layer, nearer, self.camera)
        self._noise.apply(image, rng)
        image = compress(image, self.effects.jpeg_quality)
        return Rendering(image, keypoints, visible, depths)

    def _ramp(self, actor: Actor) -> npt.NDArray[np.uint32]:
        look = actor.appearance
        if look not in self._ramps:
            self._ramps[look] = materials.ramps(look, self.effects.tint)
        if not actor.held:
            return self._ramps[look]
        colours = [colour for prop, _ in actor.held for colour in prop.colours]
        things = materials.thing_ramps(colours, self.effects.tint)
        return np.concatenate([self._ramps[look], things])
