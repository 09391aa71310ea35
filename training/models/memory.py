"""What a network that runs frame by frame keeps of the past, and the layers that use it.

A layer with a kernel over time needs its input of some earlier steps. Behind a stride of s it meets
only every s-th of them, so what it keeps belongs to one of s phases: the frame with number t works
on phase t mod s. Whoever runs the network keeps s copies of such a state (its period) and gives
the one that is due; nothing in the network depends on the phase.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Slot(NamedTuple):
    """What one layer keeps: period in frames, instances a person, shape without the instances."""

    period: int
    instances: int
    shape: tuple[int, int, int]

    @property
    def size(self) -> int:
        """Numbers of one person, of one phase."""
        return self.instances * prod(self.shape)


class Memory:
    """The pasts of all layers of a network, packed into one tensor (N, F) for each period.

    Not a module: it has nothing that is learned.
    """

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self._past: list[Tensor] = []
        self._next: list[Tensor | None] = []

    def add(self, slot: Slot) -> int:
        """Room for one layer; returns its number."""
        self.slots.append(slot)
        return len(self.slots) - 1

    @property
    def sizes(self) -> dict[int, int]:
        """By period: how many numbers a person's state has."""
        periods = sorted({slot.period for slot in self.slots})
        return {p: sum(slot.size for slot in self.slots if slot.period == p) for p in periods}

    def blank(self, people: int) -> tuple[Tensor, ...]:
        """States of zeros, in the order of `sizes`."""
        return tuple(torch.zeros(people, size) for size in self.sizes.values())

    def load(self, states: Sequence[Tensor]) -> None:
        """Unpack: states (N, F), one for each period, in the order of `sizes`."""
        past: dict[int, Tensor] = {}
        for period, state in zip(self.sizes, states, strict=True):
            numbers = [i for i, slot in enumerate(self.slots) if slot.period == period]
            parts = torch.split(state, [self.slots[i].size for i in numbers], dim=1)
            for i, part in zip(numbers, parts, strict=True):
                past[i] = part.reshape(-1, *self.slots[i].shape)
        self._past = [past[i] for i in range(len(self.slots))]
        self._next = [None] * len(self.slots)

    def unload(self) -> tuple[Tensor, ...]:
        """The states for the next frame of the same phase, packed."""
        packed = []
        for period in self.sizes:
            parts = []
            for slot, kept in zip(self.slots, self._next, strict=True):
                if slot.period == period:
                    if kept is None:
                        raise RuntimeError("A layer with a past did not run.")
                    parts.append(kept.reshape(-1, slot.size))
            packed.append(torch.cat(parts, dim=1))
        return tuple(packed)

    def follow(self, number: int, now: Tensor, axis: int) -> Tensor:
        """The past and the present of a layer along `axis`, the oldest first."""
        steps = torch.cat([self._past[number], now], dim=axis)
        self._next[number] = steps.narrow(axis, 1, steps.shape[axis] - 1)
        return steps


class Place(NamedTuple):
    """Where in a network a layer sits: its memory, period, instances, joints; axis of time, 2 for
    (N, C, T, V) or 3 for (N, C, V, T)."""

    memory: Memory
    period: int
    instances: int
    joints: int
    axis: int = 2

    def keep(self, channels: int, steps: int) -> int:
        """Room for so many steps."""
        shape = (channels, steps, self.joints)
        if self.axis == 3:
            shape = (channels, self.joints, steps)
        return self.memory.add(Slot(self.period, self.instances, shape))


class Following(nn.Module):
    """A layer over time on one new step. (N, C, 1, V) -> (N, C', 1, V), or (.., V, 1).

    layer: without padding and stride, its kernel spanning `span` + 1 steps. delay: how many steps
    late its result is, because branches beside it look further ahead.
    """

    def __init__(self, layer: nn.Module, channels: int, span: int, delay: int, at: Place) -> None:
        super().__init__()
        self.layer = layer
        self.seen = span + 1
        self.memory, self.axis = at.memory, at.axis
        self.number = at.keep(channels, span + delay) if span + delay else -1

    def forward(self, x: Tensor) -> Tensor:
        if self.number >= 0:
            x = self.memory.follow(self.number, x, self.axis).narrow(self.axis, 0, self.seen)
        y: Tensor = self.layer(x)
        return y


def delayed(channels: int, delay: int, at: Place) -> nn.Module:
    """Gives what it was given `delay` steps ago."""
    if not delay:
        return nn.Identity()
    return Following(nn.Identity(), channels, 0, delay, at)
