"""People as visualization_msgs/MarkerArray, for rviz and Foxglove."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from bharnet_ros.nodes.conversions import header
from bharnet_ros.overlay import colour_of, describe, fresh, present
from bharnet_ros.overlay_panels import is_in_action, name_of
from bharnet_ros.overlay_text import shortened
from bharnet_ros.placing import Distances, Pinhole, distance_m, on_plane, optical_to_body
from bharnet_ros.skeleton import Layout, layout_of
from bharnet_ros.types import ActionFrame, AnyFloat, RecognizedAction, Skeleton, SkeletonFrame

NAMESPACES = ("body", "hands", "labels")
"""Of the markers; the id within each is the track id, or one below 0 (`own_ids`)."""

_MIN_SCORE = 0.3
_BONE_M, _FINGER_M, _TEXT_M = 0.03, 0.008, 0.12
_SPACE_M = 0.05
"""Between words; where a text has none, rviz leaves the space of letters that are 1 m high."""
_ABOVE_M = 0.18
"""From the topmost keypoint to the middle of the label."""
_LIFETIME = Duration(sec=2)
"""A viewer that hears nothing more, as when the node was killed, forgets the people."""
_LEFT, _RIGHT = (0.35, 0.86, 0.35), (1.0, 0.35, 0.35)


def own_ids(track_ids: Iterable[int]) -> list[int]:
    """These, and for each of those who are not tracked another number below 0: of two markers with
    one id a viewer shows the last."""
    untracked = itertools.count(-1, -1)
    return [track_id if track_id >= 0 else next(untracked) for track_id in track_ids]


class PeopleMarkers:
    """Makes one MarkerArray per frame and remembers whom to take away.

    Without a frame the markers are in the optical frame of the image (x right, y down,
    z forward), which needs a transform to stand upright. With one they are in that frame, which
    is taken to be at the camera with x forward and z up.
    """

    def __init__(self) -> None:
        self._shown: set[int] = set()
        self._frame_id = ""
        self._distances = Distances()

    def clear(self) -> None:
        """Nobody is shown, as for a new viewer."""
        self._shown.clear()
        self._distances.clear()

    def update(
        self,
        skeletons: SkeletonFrame,
        actions: ActionFrame | None,
        camera: Pinhole,
        *,
        image_frame: str,
        body_frame: str = "",
        height_m: float = 1.7,
    ) -> Any:
        """The MarkerArray of a frame; people of whom too little is seen to place are left out.

        image_frame: the frame_id of the image. body_frame: see above. height_m: of the people.
        Raises LayoutError and InvalidSkeletonError (`layout_of`).
        """
        where = header(skeletons.stamp_ns, body_frame or image_frame)
        layout = layout_of(skeletons)
        by_track = present(fresh(actions, skeletons))
        markers: list[Any] = []
        if where.frame_id != self._frame_id:
            markers.append(Marker(header=where, action=Marker.DELETEALL))
            self._frame_id = where.frame_id
            self._shown.clear()
        shown, known = set(), set()
        people = skeletons.skeletons
        for track_id, person in zip(own_ids(p.track_id for p in people), people, strict=True):
            skeleton = replace(person, track_id=track_id)
            depth_m = distance_m(skeleton, layout, camera, height_m)
            if track_id >= 0:
                depth_m = self._distances.update(track_id, skeletons.stamp_ns, depth_m)
            if depth_m is None:
                continue
            known.add(track_id)
            if not (skeleton.scores >= _MIN_SCORE).any():  # blurred: nothing to place this time
                continue
            points = on_plane(skeleton.keypoints, camera, depth_m)
            up: Sequence[float] = (0.0, -1.0, 0.0)
            if body_frame:
                points, up = optical_to_body(points), (0.0, 0.0, 1.0)
            shown.add(track_id)
            markers += _person(where, skeleton, layout, points)
            markers.append(_label(where, skeleton, by_track, points, np.asarray(up)))
        for track_id in self._shown - shown:
            markers += [
                Marker(header=where, ns=name, id=track_id, action=Marker.DELETE)
                for name in NAMESPACES
            ]
        self._shown = shown
        self._distances.keep(known)
        return MarkerArray(markers=markers)


def _person(where: Header, skeleton: Skeleton, layout: Layout, points: AnyFloat) -> list[Any]:
    """The bones of body and hands."""
    seen = (skeleton.scores >= _MIN_SCORE) & np.isfinite(points).all(axis=1)
    left = set(layout.left_hand_indices.tolist())
    right = set(layout.right_hand_indices.tolist())
    body = _lines(where, "body", skeleton.track_id, _BONE_M)
    hands = _lines(where, "hands", skeleton.track_id, _FINGER_M)
    blue, green, red = (value / 255 for value in colour_of(skeleton.track_id))
    body.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    hands.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    for a, b in layout.edges.tolist():
        if not (seen[a] and seen[b]):
            continue
        ends = [_point(points[a]), _point(points[b])]
        side = _LEFT if a in left and b in left else _RIGHT if a in right and b in right else None
        if side is None:
            body.points += ends
        else:
            hands.points += ends
            hands.colors += [ColorRGBA(r=side[0], g=side[1], b=side[2], a=1.0)] * 2
    return [_or_gone(body), _or_gone(hands)]


def _or_gone(lines: Any) -> Any:
    """What has no lines is taken away: rviz complains about it, and body and hands come and go."""
    if lines.points:
        return lines
    return Marker(header=lines.header, ns=lines.ns, id=lines.id, action=Marker.DELETE)


def _lines(where: Header, name: str, number: int, width_m: float) -> Any:
    marker = Marker(header=where, ns=name, id=number, type=Marker.LINE_LIST, action=Marker.ADD)
    marker.lifetime = _LIFETIME
    marker.scale.x = width_m
    return marker


def _label(
    where: Header,
    skeleton: Skeleton,
    by_track: Mapping[int, RecognizedAction],
    points: AnyFloat,
    up: AnyFloat,
) -> Any:
    """The id and the action above the head."""
    action = by_track.get(skeleton.track_id)
    words, score = describe(action)
    who = name_of(skeleton.track_id)
    text = shortened(f"{who} {words}" + (f" {score:.2f}" if score > 0 else ""))
    acting = is_in_action(action)
    marker = Marker(
        header=where, ns="labels", id=skeleton.track_id, type=Marker.TEXT_VIEW_FACING,
        action=Marker.ADD, text=text,
    )  # fmt: skip
    marker.lifetime = _LIFETIME
    marker.scale.x, marker.scale.z = _SPACE_M, _TEXT_M
    grey = 1.0 if acting else 0.65
    marker.color = ColorRGBA(r=grey, g=grey, b=grey, a=1.0)
    seen = points[skeleton.scores >= _MIN_SCORE]
    top = seen[int(np.argmax(seen @ up))] + _ABOVE_M * up
    marker.pose.position = _point(top)
    marker.pose.orientation.w = 1.0
    return marker


def _point(values: AnyFloat) -> Any:
    x, y, z = values.tolist()
    return Point(x=x, y=y, z=z)
