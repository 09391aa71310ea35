"""The joint graphs that the experts see, and their adjacency for graph convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import LayoutError
from bharnet_ros.skeleton.layout import IndexArray, get_layout
from bharnet_ros.types import FloatArray


@dataclass(frozen=True, eq=False)
class Graph:
    """A tree of V joints.

    parents: (V,) the neighbour one step nearer to the root; the root is its own parent.
    flip_indices: (V,) joint order after mirroring left and right.
    """

    name: str
    joint_names: tuple[str, ...]
    parents: IndexArray
    flip_indices: IndexArray

    @property
    def num_joints(self) -> int:
        """V."""
        return len(self.joint_names)

    @property
    def root(self) -> int:
        """The joint that is its own parent."""
        return int(np.flatnonzero(self.parents == np.arange(self.num_joints))[0])

    @property
    def edges(self) -> IndexArray:
        """(V - 1, 2) pairs (child, parent)."""
        child = np.flatnonzero(self.parents != np.arange(self.num_joints))
        return np.stack([child, self.parents[child]], axis=1)

    def adjacency(self) -> FloatArray:
        """(3, V, V): self links, child to parent, parent to child; columns sum to 1 or 0.

        The spatial-configuration partition of ST-GCN (Yan et al., AAAI 2018) with the
        column normalisation of CTR-GCN (Chen et al., ICCV 2021): `y = x @ A` averages over
        the sources of each joint.
        """
        size = self.num_joints
        inward = np.zeros((size, size), np.float32)
        child, parent = self.edges.T
        inward[child, parent] = 1.0
        stack = np.stack([np.eye(size, dtype=np.float32), inward, inward.T])
        degree = stack.sum(axis=1, keepdims=True)
        normalised: FloatArray = stack / np.maximum(degree, np.float32(1.0))
        return normalised


def _tree(size: int, edges: npt.ArrayLike, root: int) -> IndexArray:
    parents = np.full(size, -1, dtype=np.intp)
    parents[root] = root
    pairs = np.asarray(edges, dtype=np.intp)
    frontier = [root]
    while frontier:
        joint = frontier.pop()
        near = np.concatenate([pairs[pairs[:, 0] == joint, 1], pairs[pairs[:, 1] == joint, 0]])
        for other in near[parents[near] < 0]:
            parents[other] = joint
            frontier.append(int(other))
    if (parents < 0).any():
        raise LayoutError(f"Joints {np.flatnonzero(parents < 0).tolist()} hang on no edge.")
    parents.setflags(write=False)
    return parents


_BODY_19_EDGES = {
    "mid_hip": ("neck", "left_hip", "right_hip"),
    "neck": ("nose", "left_shoulder", "right_shoulder"),
    "nose": ("left_eye", "right_eye"),
    "left_eye": ("left_ear",),
    "right_eye": ("right_ear",),
    "left_shoulder": ("left_elbow",),
    "right_shoulder": ("right_elbow",),
    "left_elbow": ("left_wrist",),
    "right_elbow": ("right_wrist",),
    "left_hip": ("left_knee",),
    "right_hip": ("right_knee",),
    "left_knee": ("left_ankle",),
    "right_knee": ("right_ankle",),
}


@cache
def body_graph() -> Graph:
    """`body_19`: the 17 COCO joints, then neck and mid-hip; rooted at mid-hip."""
    coco = get_layout("coco_wholebody_133")
    names = (*coco.keypoint_names[:17], "neck", "mid_hip")
    flip = np.concatenate([coco.flip_indices[:17], [17, 18]])
    edges = [
        (names.index(parent), names.index(child))
        for parent, children in _BODY_19_EDGES.items()
        for child in children
    ]
    return Graph("body_19", names, _tree(19, edges, names.index("mid_hip")), flip)


@cache
def hand_graph() -> Graph:
    """`hand_21`: one hand in MediaPipe's order, rooted at the wrist.

    A left hand is turned into a right one by mirroring its coordinates, so no joint changes
    place: the flip is the identity.
    """
    coco = get_layout("coco_wholebody_133")
    first = int(coco.left_hand_indices[0])
    names = tuple(
        coco.keypoint_names[i].removeprefix("left_hand_") for i in coco.left_hand_indices
    )
    inside = np.isin(coco.edges, coco.left_hand_indices).all(axis=1)
    return Graph("hand_21", names, _tree(21, coco.edges[inside] - first, 0), np.arange(21))


def get_graph(name: str) -> Graph:
    """`body_19` or `hand_21`; `LayoutError` for any other name."""
    graphs = {graph.name: graph for graph in (body_graph(), hand_graph())}
    if name not in graphs:
        raise LayoutError(f"Joint graph '{name}' is not known; use one of {', '.join(graphs)}.")
    return graphs[name]
