"""Things people hold: what they look like, how they lie in a hand, who holds which when."""

from __future__ import annotations

from bharnet_ros.simulation.props.grip import PlacedProp, place_prop
from bharnet_ros.simulation.props.holding import Holding, plan_holdings
from bharnet_ros.simulation.props.prop import Prop
from bharnet_ros.simulation.props.shapes import PROP_KINDS, make_prop

__all__ = [
    "PROP_KINDS",
    "Holding",
    "PlacedProp",
    "Prop",
    "make_prop",
    "place_prop",
    "plan_holdings",
]
