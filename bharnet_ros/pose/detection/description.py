"""What a detection graph does not say of itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.normalization import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Normalization,
    is_finite,
)
from bharnet_ros.pose.sidecars import (
    MAX_SIDE,
    of_pipeline,
    pipeline_normalization,
    read_pipeline,
    read_sidecar,
)

FILE = "detector.yaml"
FAMILIES = {
    "yolox": Normalization(),
    "rtmdet": Normalization(IMAGENET_MEAN[::-1], IMAGENET_STD[::-1], "bgr"),
}
"""What the networks of a family want: YOLOX the pixels as they are, RTMDet normalised ones."""


@dataclass(frozen=True)
class DetectorDescription:
    """family: "yolox" or "rtmdet", "" = told from the outputs or the graph's name. input_size:
    (width, height) for graphs that leave it open. pad: grey around the image, 0..255.
    person_class: number of the class "person". normalization: None = the family's.
    Raises ConfigurationError.
    """

    family: str = ""
    input_size: tuple[int, int] | None = None
    pad: float = 114.0
    person_class: int = 0
    normalization: Normalization | None = None

    def __post_init__(self) -> None:
        if self.family != "" and self.family not in tuple(FAMILIES):
            raise ConfigurationError(
                f"family is {self.family!r}; it must be one of {', '.join(FAMILIES)}."
            )
        if self.input_size is not None:
            size = self.input_size
            if not isinstance(size, list | tuple) or len(size) != 2 or not all(map(_whole, size)):
                raise ConfigurationError(f"input_size is {size!r}; it must be [width, height].")
            if any(not 32 <= side <= MAX_SIDE or side % 32 for side in size):
                raise ConfigurationError(
                    f"input_size is {list(size)}; both must be multiples of 32, up to {MAX_SIDE}."
                )
            object.__setattr__(self, "input_size", (size[0], size[1]))
        if not is_finite(self.pad) or not 0.0 <= self.pad <= 255.0:
            raise ConfigurationError(f"pad is {self.pad!r}; it must be a grey from 0 to 255.")
        if not _whole(self.person_class):
            raise ConfigurationError(
                f"person_class is {self.person_class!r}; it must be a whole number, 0 or more."
            )

    def pixels(self, graph: Path, told: str) -> Normalization:
        """What the network wants. told: the family its outputs show, "" if they do not.

        Raises ConfigurationError if nothing tells the family.
        """
        if self.normalization is not None:
            return self.normalization
        named = f"{graph.parent.name}/{graph.name}".lower()
        guesses = [family for family in FAMILIES if family in named]
        family = self.family or told or (guesses[0] if len(guesses) == 1 else "")
        if not family:
            raise ConfigurationError(
                f"The detector {graph} may be a YOLOX or an RTMDet, which want different pixels, "
                f"and nothing tells which; write 'family: yolox' or 'family: rtmdet' into {FILE} "
                "beside it."
            )
        return FAMILIES[family]


def read_description(graph: Path) -> DetectorDescription:
    """From detector.yaml beside the graph, else mmdeploy's pipeline.json, else the defaults.

    Raises ConfigurationError for a file that states something impossible or unknown.
    """
    found = read_sidecar(graph, "detector")
    if found is None:
        return DetectorDescription(normalization=_from_pipeline(graph))
    path, data = found
    known = [field.name for field in fields(DetectorDescription) if field.name != "normalization"]
    pixels = ("mean", "std", "color")
    unknown = [key for key in data if key not in (*known, *pixels)]
    if unknown:
        raise ConfigurationError(
            f"{path} has the unknown name '{unknown[0]}'; it may have "
            f"{', '.join((*known, *pixels))}."
        )
    try:
        given: dict[str, Any] = {key: data[key] for key in data if key in known}
        stated = {key: data[key] for key in data if key in pixels}
        if stated:
            given["normalization"] = Normalization(**stated)
        return DetectorDescription(**given)
    except ConfigurationError as error:
        raise ConfigurationError(f"In {path}: {error}") from None


def _from_pipeline(graph: Path) -> Normalization | None:
    """A pipeline without Normalize gives the pixels as they are: YOLOX."""
    steps = read_pipeline(graph)
    if not any(step.get("type") in ("Resize", "Pad", "Normalize") for step in steps):
        return None
    with of_pipeline(graph, FILE):
        return pipeline_normalization(steps) or Normalization()


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
