"""People in space as visualization_msgs/MarkerArray, where the depth camera measured them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from bharnet_ros.nodes.conversions import header
from bharnet_ros.nodes.markers import own_ids
from bharnet_ros.overlay import colour_of
from bharnet_ros.overlay_panels import name_of
from bharnet_ros.skeleton import Layout, get_layout
from bharnet_ros.types import AnyFloat, Skeleton3D, Skeleton3DFrame

NAMESPACES = ("body", "hands", "labels")
"""Of the markers; the id within each is the track id, or one below 0 (`own_ids`)."""

_BONE_M, _FINGER_M, _TEXT_M, _ABOVE_M = 0.03, 0.008, 0.12, 0.2
_SPACE_M = 0.05
"""Between words; where a text has none, rviz leaves the space of letters that are 1 m high."""
_LIFETIME = Duration(sec=2)
"""A viewer that hears nothing more, as when the node was killed, forgets the people."""
_WHITE = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)


class SpaceMarkers:
    """Makes one MarkerArray per frame and remembers whom to take away."""

    def __init__(self) -> None:
        self._shown: set[int] = set()

    def clear(self) -> None:
        """Nobody is shown, as for a new viewer."""
        self._shown.clear()

    def update(self, frame: Skeleton3DFrame, frame_id: str) -> Any:
        """The MarkerArray of a frame, in the camera's optical frame of this id."""
        where = header(frame.stamp_ns, frame_id)
        layout = get_layout(frame.layout)
        markers: list[Any] = []
        shown: set[int] = set()
        people = frame.skeletons
        for number, person in zip(own_ids(p.track_id for p in people), people, strict=True):
            if (person.scores > 0.0).any():
                shown.add(number)
                markers += _person(where, replace(person, track_id=number), layout)
        markers += [
            _gone(where, name, track_id)
            for track_id in sorted(self._shown - shown)
            for name in NAMESPACES
        ]
        self._shown = shown
        return MarkerArray(markers=markers)


def _person(where: Header, person: Skeleton3D, layout: Layout) -> list[Any]:
    """Bones of body and hands where both ends are known, and id and distance above the head."""
    known = person.scores > 0.0
    hands = set(layout.left_hand_indices.tolist()) | set(layout.right_hand_indices.tolist())
    blue, green, red = (value / 255 for value in colour_of(person.track_id))
    colours = {"body": ColorRGBA(r=red, g=green, b=blue, a=1.0), "hands": _WHITE}
    ends: dict[str, list[Point]] = {"body": [], "hands": []}
    for a, b in layout.edges.tolist():
        if known[a] and known[b]:
            part = "hands" if a in hands and b in hands else "body"
            ends[part] += [_point(person.keypoints[a]), _point(person.keypoints[b])]
    found = []
    for (name, points), width_m in zip(ends.items(), (_BONE_M, _FINGER_M), strict=True):
        # rviz complains about line lists without points.
        if not points:
            found.append(_gone(where, name, person.track_id))
            continue
        marker = _marker(where, name, person.track_id, Marker.LINE_LIST)
        marker.scale.x, marker.color, marker.points = width_m, colours[name], points
        found.append(marker)
    top = person.keypoints[known][np.argmin(person.keypoints[known][:, 1])]
    away = f" {person.position[2]:.1f} m" if np.isfinite(person.position[2]) else ""
    label = _marker(where, "labels", person.track_id, Marker.TEXT_VIEW_FACING)
    label.text, label.color = f"{name_of(person.track_id)}{away}", _WHITE
    label.scale.x, label.scale.z = _SPACE_M, _TEXT_M
    label.pose.position = _point(top - np.array([0.0, _ABOVE_M, 0.0]))
    return [*found, label]


def _marker(where: Header, name: str, number: int, kind: int) -> Any:
    marker = Marker(header=where, ns=name, id=number, type=kind, action=Marker.ADD)
    marker.lifetime = _LIFETIME
    marker.pose.orientation.w = 1.0
    return marker


def _gone(where: Header, name: str, number: int) -> Any:
    return Marker(header=where, ns=name, id=number, action=Marker.DELETE)


def _point(values: AnyFloat) -> Point:
    x, y, z = (float(value) for value in values)
    return Point(x=x, y=y, z=z)
