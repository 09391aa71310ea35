"""What layers kept comes back at its age, whoever else keeps things beside them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from training.models.memory import Following, Memory, Place, Slot, delayed

PEOPLE, FRAMES = 2, 14


@st.composite
def slots(draw: st.DrawFn) -> list[Slot]:
    """Layers of two periods and of one or two instances; those without ages are queues."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        steps = draw(st.integers(1, 6))
        ages = draw(st.sets(st.integers(0, steps), max_size=3))
        if ages:
            ages.add(steps)  # nobody keeps what nobody reads
        period, instances = draw(st.sampled_from([1, 2])), draw(st.sampled_from([1, 2]))
        found.append(Slot(period, instances, draw(st.integers(1, 3)), steps, tuple(ages)))
    return found


@settings(max_examples=60, deadline=None)
@given(slots())
def test_what_was_met_comes_back_at_its_age(given_slots: list[Slot]) -> None:
    memory = Memory()
    numbers = [memory.add(slot) for slot in given_slots]
    states = {p: [torch.zeros(PEOPLE, size)] * p for p, size in memory.sizes.items()}
    met = [
        torch.arange(1, 1 + FRAMES * PEOPLE * s.instances * s.width, dtype=torch.float32).reshape(
            FRAMES, PEOPLE * s.instances, s.width
        )
        for s in given_slots
    ]
    for frame in range(FRAMES):
        memory.load([kept[frame % period] for period, kept in states.items()])
        for number, slot, all_met in zip(numbers, given_slots, met, strict=True):
            # Behind a stride a layer meets the frames of its own phase only.
            frames = [frame - slot.period * age for age in range(slot.steps + 1)]
            before = [all_met[f] if f >= 0 else torch.zeros_like(all_met[0]) for f in frames]
            if slot.ages:
                found = memory.at(number, all_met[frame])
                assert len(found) == len(slot.ages)
                for age, values in zip(slot.ages, found, strict=True):
                    assert torch.equal(values, before[age])
            else:
                assert torch.equal(
                    memory.follow(number, all_met[frame]), torch.stack(before[::-1], dim=1)
                )
        for (period, kept), new in zip(states.items(), memory.unload(), strict=True):
            kept[frame % period] = new
            assert new.shape == (PEOPLE, memory.sizes[period])


def test_a_layer_that_did_not_run_is_named_by_the_error() -> None:
    memory = Memory()
    memory.add(Slot(1, 1, 2, 1, (1,)))
    memory.load(memory.blank(1))
    with pytest.raises(RuntimeError, match="did not run"):
        memory.unload()


@pytest.mark.parametrize("axis", [2, 3])
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(4, 3, (3, 1), dilation=(2, 1)), nn.Conv2d(4, 3, (5, 1), bias=False),
        nn.MaxPool2d((3, 1), 1, 0), nn.Conv2d(4, 3, 1),
    ],
)  # fmt: skip
@pytest.mark.parametrize("delay", [0, 2])
@torch.no_grad()
def test_a_layer_step_by_step_gives_what_it_gives_at_once(
    layer: nn.Conv2d | nn.MaxPool2d, axis: int, delay: int
) -> None:
    torch.manual_seed(0)
    x = torch.rand(PEOPLE, 4, FRAMES, 5)
    expected = layer(x)
    one = _turned(layer) if axis == 3 else layer
    memory = Memory()
    place = Place(memory, 1, 1, 5, axis)
    following, late = Following(one, 4, delay, place), delayed(4, delay, place)
    states = memory.blank(PEOPLE)
    found = []
    for frame in range(FRAMES):
        now = x[:, :, frame : frame + 1]
        memory.load(states)
        shown = now if axis == 2 else now.transpose(2, 3)
        found.append(following(shown) if axis == 2 else following(shown).transpose(2, 3))
        back = late(shown)
        if frame >= delay:
            before = x[:, :, frame - delay : frame - delay + 1]
            assert torch.equal(back, before if axis == 2 else before.transpose(2, 3))
        states = memory.unload() if memory.slots else ()
    first = FRAMES - expected.shape[2]  # the first result that sees no zeros
    torch.testing.assert_close(
        torch.cat(found[first + delay :], dim=2), expected[:, :, : FRAMES - first - delay]
    )


def _turned(layer: nn.Conv2d | nn.MaxPool2d) -> nn.Conv2d | nn.MaxPool2d:
    """The same layer with time on the last axis."""
    if isinstance(layer, nn.MaxPool2d):
        return nn.MaxPool2d((1, 3), 1, 0)
    result = nn.Conv2d(
        layer.in_channels, layer.out_channels, layer.kernel_size[::-1],
        dilation=layer.dilation[::-1], bias=layer.bias is not None,
    )  # fmt: skip
    result.weight.copy_(layer.weight.transpose(2, 3))
    if result.bias is not None and layer.bias is not None:
        result.bias.copy_(layer.bias)
    return result
