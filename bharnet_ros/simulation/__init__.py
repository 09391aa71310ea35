"""The drawn actor: people with gesturing hands, drawn well enough for pose networks.

Core package: OpenCV and NumPy only. See `Scene` for moving people with ground truth and
`Renderer` for single poses.
"""

from __future__ import annotations

from bharnet_ros.simulation.appearance import Appearance
from bharnet_ros.simulation.background import BACKGROUND_KINDS, make_background
from bharnet_ros.simulation.camera import Camera
from bharnet_ros.simulation.casting import SceneOptions
from bharnet_ros.simulation.effects import Effects
from bharnet_ros.simulation.props import PROP_KINDS, Holding, Prop, make_prop, plan_holdings
from bharnet_ros.simulation.renderer import Actor, Renderer, Rendering
from bharnet_ros.simulation.scene import (
    OCCLUDED_SCORE,
    ActorSegment,
    Scene,
    SceneFrame,
    ScriptedActor,
)
from bharnet_ros.simulation.shading import Light, camera_light

__all__ = [
    "BACKGROUND_KINDS",
    "OCCLUDED_SCORE",
    "PROP_KINDS",
    "Actor",
    "ActorSegment",
    "Appearance",
    "Camera",
    "Effects",
    "Holding",
    "Light",
    "Prop",
    "Renderer",
    "Rendering",
    "Scene",
    "SceneFrame",
    "SceneOptions",
    "ScriptedActor",
    "camera_light",
    "make_background",
    "make_prop",
    "plan_holdings",
]
