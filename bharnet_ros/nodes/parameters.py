"""Parameters as data: name, default, what it means, what it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter


@dataclass(frozen=True)
class Param:
    """One parameter of a node.

    low, high: inclusive range of a number; choices: allowed values of a text.
    dynamic: may change while the node is active; all others only while it is not.
    """

    name: str
    default: bool | int | float | str | list[str]
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    dynamic: bool = False

    def descriptor(self) -> ParameterDescriptor:
        """The same for `ros2 param describe`."""
        descriptor = ParameterDescriptor(description=self.description)
        if self.choices:
            descriptor.additional_constraints = "one of " + ", ".join(self.choices)
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


class Parameters:
    """Declares the parameters of a node and guards their changes.

    is_active: tells whether the node is active now, when only dynamic ones may change.
    changed: called with the new value of a dynamic parameter that was accepted; it may raise
    ValueError or BharnetError to refuse it, and the text becomes the reason the user reads.
    """

    def __init__(self, node: Node, params: Sequence[Param], is_active: Any, changed: Any) -> None:
        self._node = node
        self._params = {param.name: param for param in params}
        self._is_active = is_active
        self._changed = changed
        for param in params:
            node.declare_parameter(param.name, param.default, param.descriptor())
        node.add_on_set_parameters_callback(self._on_set)
        for param in params:
            self._check(param, node.get_parameter(param.name).value)

    def __getitem__(self, name: str) -> Any:
        return self._node.get_parameter(name).value

    @staticmethod
    def _check(param: Param, value: Any) -> None:
        if param.choices and value not in param.choices:
            raise ValueError(
                f"{param.name} is {value!r}; it must be one of {', '.join(param.choices)}."
            )

    def _on_set(self, values: list[Parameter]) -> SetParametersResult:
        try:
            for value in values:
                param = self._params.get(value.name)
                if param is None:
                    continue
                self._check(param, value.value)
                if self._is_active():
                    if not param.dynamic:
                        raise ValueError(
                            f"{value.name} is fixed while the node is active; deactivate and "
                            "clean up the node, set it, and configure again."
                        )
                    self._changed(value.name, value.value)
        except Exception as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)
