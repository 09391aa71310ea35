"""Kinds of props: the same seed the same thing, many sizes, colours and patterns."""

from __future__ import annotations

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.simulation.materials import COUNT
from bharnet_ros.simulation.props import PROP_KINDS, make_prop
from bharnet_ros.simulation.props.tracing import Frame, corners

HERE = Frame(np.zeros(3), np.eye(3))


@pytest.mark.parametrize("kind", PROP_KINDS)
def test_each_kind_varies_and_repeats_with_its_seed(kind: str) -> None:
    things = [make_prop(kind, np.random.default_rng(seed)) for seed in range(40)]
    assert things[7] == make_prop(kind, np.random.default_rng(7))
    assert len({thing.half for thing in things}) > 30
    assert len({thing.colours for thing in things}) > 30
    paints = {tuple(len(solid.decals) for solid in thing.solids) for thing in things}
    assert len(paints) > 1 or len(things[0].solids) > 3 or kind in ("apple", "bottle")
    for thing in things:
        assert thing.kind == kind
        used = {s.colour for s in thing.solids} | {d.colour for s in thing.solids for d in s.decals}
        assert used <= set(range(len(thing.colours)))
        assert COUNT + 2 * len(thing.colours) < 256
        size = np.ptp(np.concatenate([corners(s, HERE) for s in thing.solids]), axis=0)
        assert (size > 0.0015).all() and (size < 0.35).all()


def test_no_colour_tells_the_kind() -> None:
    """The main colours of cups, phones, books, balls lie spread over the same palette."""
    means = {}
    for kind in ("cup", "phone", "tablet", "book", "ball", "bottle", "card"):
        made = [make_prop(kind, np.random.default_rng([3, seed])) for seed in range(300)]
        means[kind] = np.mean([np.array(thing.colours[0], float) for thing in made], axis=0)
    spread = np.ptp(np.array(list(means.values())), axis=0)
    assert (spread < 25).all(), means


def test_what_two_hands_hold_is_as_wide_as_they_are_apart() -> None:
    for kind in ("book", "tablet"):
        for span in (0.22, 0.32):
            thing = make_prop(kind, np.random.default_rng(1), span)
            points = np.concatenate([corners(s, HERE) for s in thing.solids])
            assert float(np.ptp(points[:, 0])) == pytest.approx(span, rel=0.12)
    closed = make_prop("book", np.random.default_rng(1))
    assert 2 * closed.half[0] < 0.16


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no object 'sword'"):
        make_prop("sword", np.random.default_rng(0))
