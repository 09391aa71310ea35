"""What a network that runs frame by frame keeps of the past, and the layers that use it.

A layer with a kernel over time needs its input of some earlier steps. Behind a stride of s it meets
only every s-th of them, so what it keeps belongs to one of s phases: the frame with number t works
on phase t mod s. Whoever runs the network keeps s copies of such a state (its period) and gives
the one that is due; nothing in the network depends on the phase.

A step of a network is little arithmetic, so keeping its past must be little work, too. The numbers
of a state lie in rows by age: first what all layers met one step ago, then two, and so on, those
that are kept longest in front. One step later a row is the beginning of the one behind it. So a
state is cut into pieces once, a layer takes those of the ages that its kernel has, and what is to
be kept is put together of the same pieces. Layers that need every age (a mean over the window)
keep theirs as queues behind the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Slot(NamedTuple):
    """What one layer keeps: period in frames, instances a person, numbers of an instance and step,
    so many steps. ages: those that are read; none: all of them at once, a queue."""

    period: int
    instances: int
    width: int
    steps: int
    ages: tuple[int, ...]

    @property
    def size(self) -> int:
        """Numbers of one person, of one phase."""
        return self.instances * self.steps * self.width


class Memory:
    """The pasts of all layers of a network, packed into one tensor (N, F) for each period.

    Not a module: it has nothing that is learned. All layers are added before the first `load`.
    """

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self._groups: list[_Group] = []
        self._past: dict[tuple[int, int], Tensor] = {}
        self._now: dict[int, Tensor] = {}

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
        """Take in states (N, F), one for each period, in the order of `sizes`."""
        self._past, self._now, self._groups = {}, {}, []
        for period, state in zip(self.sizes, states, strict=True):
            groups = [
                _Group(self.slots, period, instances)
                for instances in sorted({s.instances for s in self.slots if s.period == period})
            ]
            parts = [state]
            if len(groups) > 1:
                parts = list(torch.split(state, [g.size * g.instances for g in groups], dim=1))
            for group, part in zip(groups, parts, strict=True):
                if group.instances > 1:
                    part = part.reshape(-1, group.size)
                pieces = torch.split(part, [size for _, size in group.pieces], dim=1)
                group.past = {k: p for (k, _), p in zip(group.pieces, pieces, strict=True)}
                self._past |= group.past
                self._groups.append(group)

    def unload(self) -> tuple[Tensor, ...]:
        """The states for the next frame of the same phase, packed."""
        packed: dict[int, list[Tensor]] = {}
        for group in self._groups:
            parts = [self._met(number) for number in group.rows]
            parts += [group.past[key] for key in group.growing]
            for number in group.queues:
                if self.slots[number].steps > 1:
                    parts.append(group.past[number, 0][:, self.slots[number].width :])
                parts.append(self._met(number))
            state = torch.cat(parts, dim=1)
            if group.instances > 1:
                state = state.reshape(-1, group.size * group.instances)
            packed.setdefault(group.period, []).append(state)
        return tuple(
            torch.cat(each, dim=1) if len(each) > 1 else each[0] for each in packed.values()
        )

    def at(self, number: int, now: Tensor) -> list[Tensor]:
        """What a layer met at its slot's ages, (M, width) each: those of people's instances.

        now: (M, ...) what it meets, which is age 0.
        """
        slot = self.slots[number]
        flat = self._now[number] = now.reshape(-1, slot.width)
        return [self._past[number, age] if age else flat for age in slot.ages]

    def follow(self, number: int, now: Tensor) -> Tensor:
        """The whole past and the present of a layer with a queue, (M, steps + 1, width), the oldest
        first."""
        slot = self.slots[number]
        flat = self._now[number] = now.reshape(-1, slot.width)
        past = self._past[number, 0].reshape(-1, slot.steps, slot.width)
        return torch.cat([past, flat.unsqueeze(1)], dim=1)

    def _met(self, number: int) -> Tensor:
        if number not in self._now:
            raise RuntimeError("A layer with a past did not run.")
        return self._now[number]


class _Group:
    """The layers of one period with as many instances a person, as they lie in the state.

    rows, queues: their numbers. pieces: what the state is cut into, ((number, age), size); a
    queue has age 0, and what nobody reads now a number below 0. growing: the pieces in rows that
    are kept for another step. size: of one instance. past: the pieces themselves, (M, size).
    """

    past: dict[tuple[int, int], Tensor]

    def __init__(self, slots: Sequence[Slot], period: int, instances: int) -> None:
        self.period, self.instances = period, instances
        own = [n for n, s in enumerate(slots) if (s.period, s.instances) == (period, instances)]
        self.rows = sorted((n for n in own if slots[n].ages), key=lambda n: -slots[n].steps)
        self.queues = [n for n in own if not slots[n].ages]
        self.size = sum(slots[n].width * slots[n].steps for n in own)
        self.pieces: list[tuple[tuple[int, int], int]] = []
        self.growing: list[tuple[int, int]] = []
        for age in range(1, max((slots[n].steps for n in self.rows), default=0) + 1):
            for number in self.rows:
                slot = slots[number]
                if slot.steps > age:
                    read = age in slot.ages
                    self._grow((number, age) if read else (-1, len(self.pieces)), slot.width)
                elif slot.steps == age:
                    self.pieces.append(((number, age), slot.width))
        for number in self.queues:
            self.pieces.append(((number, 0), slots[number].width * slots[number].steps))

    def _grow(self, key: tuple[int, int], size: int) -> None:
        """One more piece; what nobody reads joins the one before that nobody reads, either."""
        if key[0] < 0 and self.pieces and self.pieces[-1][0][0] < 0:
            key, size = self.pieces[-1][0], self.pieces.pop()[1] + size
        else:
            self.growing.append(key)
        self.pieces.append((key, size))


class Place(NamedTuple):
    """Where in a network a layer sits: its memory, period, instances, joints; axis of time, 2 for
    (N, C, T, V) or 3 for (N, C, V, T)."""

    memory: Memory
    period: int
    instances: int
    joints: int
    axis: int = 2

    def keep(self, channels: int, steps: int, ages: Sequence[int] = ()) -> int:
        """Room for so many steps. ages: which of them are read, 0 is now; none: all at once."""
        width = channels * self.joints
        return self.memory.add(Slot(self.period, self.instances, width, steps, tuple(ages)))


class Following(nn.Module):
    """A layer over time on one new step. (M, C, 1, V) -> (M, C', 1, V), or (.., V, 1).

    layer: without padding and stride, with a kernel over time; a convolution becomes one over the
    channels of its steps side by side. delay: how many steps late its result is, because branches
    beside it look further ahead.
    """

    def __init__(self, layer: nn.Conv2d | nn.MaxPool2d, channels: int, delay: int, at: Place):
        super().__init__()
        kernel, dilation = _over_time(layer)
        ages = [delay + dilation * back for back in range(kernel - 1, -1, -1)]
        self.layer = _side_by_side(layer) if isinstance(layer, nn.Conv2d) else None
        self.memory = at.memory
        self.number = at.keep(channels, ages[0], ages) if ages[0] else -1

    def forward(self, x: Tensor) -> Tensor:
        steps = self.memory.at(self.number, x) if self.number >= 0 else [x]
        if self.layer is not None:
            if self.number >= 0:
                x = torch.cat(steps, dim=1).reshape(-1, self.layer.in_channels, *x.shape[2:])
            y: Tensor = self.layer(x)
            return y
        largest = steps[0]
        for step in steps[1:]:
            largest = torch.maximum(largest, step)
        return largest.reshape(-1, *x.shape[1:])


class Delayed(nn.Module):
    """Gives what it was given `delay` steps ago."""

    def __init__(self, channels: int, delay: int, at: Place) -> None:
        super().__init__()
        self.memory, self.number = at.memory, at.keep(channels, delay, [delay])

    def forward(self, x: Tensor) -> Tensor:
        return self.memory.at(self.number, x)[0].reshape(-1, *x.shape[1:])


def delayed(channels: int, delay: int, at: Place) -> nn.Module:
    """The same, also for no delay."""
    return Delayed(channels, delay, at) if delay else nn.Identity()


def _over_time(layer: nn.Conv2d | nn.MaxPool2d) -> tuple[int, int]:
    """Kernel and dilation along the axis of time, which is the one with the kernel."""
    sizes, dilations = (
        value if isinstance(value, tuple) else (value, value)
        for value in (layer.kernel_size, layer.dilation)
    )
    axis = int(sizes[1] > 1)
    return int(sizes[axis]), int(dilations[axis])


@torch.no_grad()
def _side_by_side(layer: nn.Conv2d) -> nn.Conv2d:
    """A convolution over time as one over (M, kernel C, ...), the oldest step's channels first."""
    weight = layer.weight.flatten(2).transpose(1, 2)  # (C', kernel, C)
    result = nn.Conv2d(
        layer.in_channels * weight.shape[1], layer.out_channels, 1, bias=layer.bias is not None
    )
    result.weight.copy_(weight.reshape(result.weight.shape))
    if result.bias is not None and layer.bias is not None:
        result.bias.copy_(layer.bias)
    return result
