"""Joint graphs of whole people and of both hands, for comparison with separate experts."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor

from bharnet_ros.skeleton import Graph, body_graph, hand_graph

_PALM_PER_TORSO = 0.2
"""Adults: palm 0.10 m, torso 0.50 m."""


@cache
def joined_hands_graph() -> Graph:
    """`hands_42`: the left hand's 21 joints, then the right one's; the wrists are linked.

    The left hand is mirrored into a right one, so left and right exchange places when flipped.
    """
    hand = hand_graph()
    size = hand.num_joints
    parents = np.concatenate([hand.parents, hand.parents + size])
    parents[size + hand.root] = hand.root
    names = tuple(f"{side}_{name}" for side in ("left", "right") for name in hand.joint_names)
    flip = np.concatenate([hand.flip_indices + size, hand.flip_indices])
    return Graph("hands_42", names, parents, flip)


@cache
def unified_graph() -> Graph:
    """`unified_61`: the body's 19 joints, the left hand's 21, the right hand's 21.

    Each hand hangs on the body's wrist of its side.
    """
    body, hand = body_graph(), hand_graph()
    names, parents, flips = list(body.joint_names), [body.parents], [body.flip_indices]
    for number, side in enumerate(("left", "right")):
        start = body.num_joints + number * hand.num_joints
        other = body.num_joints + (1 - number) * hand.num_joints
        own = hand.parents + start
        own[hand.root] = body.joint_names.index(f"{side}_wrist")
        parents.append(own)
        flips.append(hand.flip_indices + other)
        names += [f"{side}_hand_{name}" for name in hand.joint_names]
    return Graph("unified_61", tuple(names), np.concatenate(parents), np.concatenate(flips))


def join_hands(hand: Tensor) -> Tensor:
    """(N, 3, T, 21, 2) -> (N, 3, T, 42, 1), in the order of `joined_hands_graph`."""
    return torch.cat([hand[..., :1], hand[..., 1:]], dim=3)


def join_body_and_hands(body: Tensor, hand: Tensor) -> Tensor:
    """(N, 3, T, 19, 1) and (N, 3, T, 21, 2) -> (N, 3, T, 61, 1), in torso lengths.

    The experts' inputs have each hand relative to its wrist, in palm lengths, the left one
    mirrored (see `bharnet_ros.features`). Here it is put back: unmirrored, at the body's wrist,
    at an adult's palm length. Where that wrist was not seen, it stays at the origin.
    """
    wrists = [body_graph().joint_names.index(f"{side}_wrist") for side in ("left", "right")]
    parts = [body]
    for number, wrist in enumerate(wrists):
        one = hand[..., number : number + 1]
        seen = (one[:, 2:3] > 0).to(one.dtype)
        x = one[:, 0:1] * (-1.0 if number == 0 else 1.0)
        local = torch.cat([x, one[:, 1:2]], dim=1) * _PALM_PER_TORSO
        place = (local + body[:, :2, :, wrist : wrist + 1]) * seen
        parts.append(torch.cat([place, one[:, 2:3]], dim=1))
    return torch.cat(parts, dim=3)
