"""Parameters as data: name, default, what it means, what it may be, when it may change."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.node import Node
from rclpy.parameter import Parameter

from bharnet_ros.nodes.qos import check_override

_ALIKE = 0.92
"""Of two names, 0..1: `rate_hzz` and `rate_hz` have 0.93."""
_FIRST = {
    "active": "deactivate and clean up the node, set it, and configure again",
    "inactive": "clean up the node, set it, and configure again",
    "finalized": "start the process again with it",
}
"""What to do where a parameter cannot change, by the state of the node."""


@dataclass(frozen=True)
class Param:
    """One parameter of a node.

    low, high: inclusive range of a number; choices: allowed values of a text.
    dynamic: may change at any time. fixed: only at the start. All others may change while the
    node is unconfigured, and are read when it is configured.
    """

    name: str
    default: bool | int | float | str | list[str]
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    dynamic: bool = False
    fixed: bool = False

    @property
    def when(self) -> str:
        """When it may change, for people."""
        if self.dynamic:
            return "any time"
        return "at the start" if self.fixed else "while unconfigured"

    def descriptor(self) -> ParameterDescriptor:
        """The same for `ros2 param describe`."""
        descriptor = ParameterDescriptor(description=self.description, read_only=self.fixed)
        constraints = ["one of " + ", ".join(self.choices)] if self.choices else []
        if not (self.dynamic or self.fixed):
            constraints.append("may change while the node is unconfigured")
        descriptor.additional_constraints = "; ".join(constraints)
        if self.low is not None and self.high is not None:
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=self.low, to_value=self.high)
                ]
            else:
                descriptor.integer_range = [
                    IntegerRange(from_value=int(self.low), to_value=int(self.high))
                ]
        return descriptor

    def as_meant(self, value: Any) -> Any:
        """A value in the parameter's type, where people and YAML write another that can only mean
        this: 5 for 5.0, a text for a list of one, 0 for "0" (as `ros2 param load` does, too). An
        empty list has no type in ROS; one that holds "" is as empty."""
        if type(value) is int and isinstance(self.default, float):
            return float(value)
        if type(value) is int and isinstance(self.default, str) and self.default.isdecimal():
            return str(value)
        empty = value is None or (isinstance(value, (list, array)) and not value)
        if isinstance(self.default, list) and empty:
            return [""]
        if isinstance(self.default, list) and isinstance(value, str):
            return [value]
        return value


def misspelt(given: Collection[str], known: Collection[str]) -> list[str]:
    """A sentence for each parameter given to a node that it does not have, but nearly.

    Others are silent: a file may have parameters for several nodes under one name.
    """
    told = []
    for name in sorted(set(given) - set(known)):
        near = _nearest(name, known)
        if near:
            told.append(
                f"This node has no parameter '{name}', so that is ignored; did you mean '{near}'?"
            )
    return told


def _nearest(name: str, known: Collection[str]) -> str:
    return next(iter(get_close_matches(name, known, n=1, cutoff=_ALIKE)), "")


class Parameters:
    """Declares the parameters of a node and guards their changes.

    state: the label of the node's lifecycle state now.
    check: called with all parameters as they would be; it may raise ValueError or BharnetError
    to refuse, and the text becomes the reason the user reads.
    changed: called with the names of those that have changed.
    """

    def __init__(
        self,
        node: Node,
        params: Sequence[Param],
        state: Callable[[], str],
        check: Callable[[Mapping[str, Any]], None],
        changed: Callable[[frozenset[str]], None],
    ) -> None:
        self._node = node
        self._params = {param.name: param for param in params}
        self._state = state
        self._check_together = check
        self._changed = changed
        given: dict[str, Parameter[Any]] = getattr(node, "_parameter_overrides", {})
        for name, written in given.items():
            check_override(name, written.value)
        for param in params:
            if param.name in given:
                meant = param.as_meant(given[param.name].value)
                given[param.name] = Parameter(param.name, value=meant)
            node.declare_parameter(param.name, param.default, param.descriptor())
        node.add_pre_set_parameters_callback(self._before_set)
        node.add_on_set_parameters_callback(self._on_set)
        node.add_post_set_parameters_callback(self._after_set)
        for param in params:
            self._check(param, self[param.name])
        for told in misspelt(given, self._params):
            node.get_logger().warning(told)

    def __getitem__(self, name: str) -> Any:
        return self._node.get_parameter(name).value

    def all(self) -> dict[str, Any]:
        """The value of every parameter."""
        return {name: self[name] for name in self._params}

    @staticmethod
    def _check(param: Param, value: Any) -> None:
        if param.choices and value not in param.choices:
            raise ValueError(
                f"{param.name} is {value!r}; it must be one of {', '.join(param.choices)}."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{param.name} is {value}; it must be a number.")

    def _before_set(self, values: list[Parameter[Any]]) -> list[Parameter[Any]]:
        """As they are meant. A name that the node does not have is told with the one it has: rclpy
        leaves the names out of its refusal."""
        unknown = [each.name for each in values if not self._node.has_parameter(each.name)]
        if unknown:
            near = [(name, _nearest(name, self._params)) for name in unknown]
            raise ParameterNotDeclaredException(
                ", ".join(f"{name} (did you mean {has}?)" if has else name for name, has in near)
            )
        return [self._as_meant(each) for each in values]

    def _as_meant(self, given: Parameter[Any]) -> Parameter[Any]:
        """Made anew only if it has to be: rclpy cannot tell the type of every value it gives."""
        if given.name not in self._params or given.value is None:
            return given
        meant = self._params[given.name].as_meant(given.value)
        return given if meant is given.value else Parameter(given.name, value=meant)

    def _on_set(self, values: list[Parameter]) -> SetParametersResult:
        ours = {value.name: value.value for value in values if value.name in self._params}
        try:
            for name, value in ours.items():
                param = self._params[name]
                self._check(param, value)
                state = self._state()
                changes = not param.dynamic and value != self[name]
                if changes and state not in ("unconfigured", "unknown"):
                    first = _FIRST.get(state, _FIRST["active"])
                    raise ValueError(f"{name} cannot change while the node is {state}; {first}.")
            if ours:
                self._check_together({**self.all(), **ours})
        except Exception as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _after_set(self, values: list[Parameter]) -> None:
        names = frozenset(value.name for value in values if value.name in self._params)
        if names:
            self._changed(names)
