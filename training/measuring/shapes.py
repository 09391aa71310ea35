"""Which label of the data and which class of a bundle mean the same hand shape: one table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bharnet_ros.errors import ConfigurationError

TABLE = Path(__file__).with_name("shapes.yaml")


@dataclass(frozen=True)
class ShapeTable:
    """The table of `shapes.yaml`.

    names: all shapes. of_label, of_class: label of the data -> shape, class of a bundle -> shape.
    nothing: labels that show no shape. digits: known digit -> the shapes that are right for it;
    unknown_digits: those that are none. alike: unknown digit -> the shape it is made exactly
    like. beside: a published figure to stand beside ours.
    """

    names: tuple[str, ...]
    of_label: Mapping[str, str]
    of_class: Mapping[str, str]
    nothing: tuple[str, ...]
    digits: Mapping[str, tuple[str, ...]]
    unknown_digits: tuple[str, ...]
    alike: Mapping[str, str]
    beside: Mapping[str, Any]

    def shape_of_class(self, class_name: str) -> str | None:
        """The shape a bundle's class means; None if it is no hand shape."""
        return self.of_class.get(plain(class_name))

    def class_shapes(self, class_names: Sequence[str]) -> tuple[str | None, ...]:
        """(C,) `shape_of_class` of each."""
        return tuple(self.shape_of_class(name) for name in class_names)


def plain(name: str) -> str:
    """`Three-Middle` -> `three_middle`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


@cache
def shape_table(path: Path = TABLE) -> ShapeTable:
    """Read and check the table. Raises ConfigurationError where a name stands for two shapes."""
    data = yaml.safe_load(path.read_text("utf-8"))
    labels: dict[str, str] = {}
    classes: dict[str, str] = {}
    for shape, entry in data["shapes"].items():
        for kind, found in (("labels", labels), ("classes", classes)):
            for name in entry[kind]:
                if name in found:
                    raise ConfigurationError(
                        f"{path.name}: '{name}' is among the {kind} of '{found[name]}' and of "
                        f"'{shape}'; keep one of them."
                    )
                found[name] = shape
    digits = data["digits"]
    return ShapeTable(
        tuple(data["shapes"]),
        labels,
        classes,
        tuple(data["nothing"]),
        {str(digit): tuple(shapes) for digit, shapes in digits["known"].items()},
        tuple(str(digit) for digit in digits["unknown"]),
        {str(digit): str(shape) for digit, shape in digits["alike"].items()},
        data["beside"],
    )
