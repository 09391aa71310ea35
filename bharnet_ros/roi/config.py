"""Which regions of a person are looked at, how finely and at how many moments of a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from bharnet_ros.errors import ConfigurationError

REGIONS = ("head", "torso", "left_hand", "right_hand")
"""Those that `region_squares` knows; "torso" is the upper body."""
MAX_TILE_PX = 256
MAX_FRAMES = 32


@dataclass(frozen=True)
class RoiConfig:
    """The layout of the tiles that are cut from images; the same in training and on the robot.

    regions: rows, R of `REGIONS`, none twice. tile_px: side S of a tile. num_frames: columns, F
    moments evenly spaced over a window.
    Raises ConfigurationError for other values.
    """

    regions: tuple[str, ...] = REGIONS
    tile_px: int = 64
    num_frames: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.regions, list | tuple):
            raise ConfigurationError(
                f"regions is {self.regions!r}; it must be a list of {', '.join(REGIONS)}."
            )
        object.__setattr__(self, "regions", tuple(self.regions))
        unknown = [name for name in self.regions if name not in REGIONS]
        if unknown or not self.regions or len(set(self.regions)) < len(self.regions):
            raise ConfigurationError(
                f"regions is {list(self.regions)}; it must hold one or more of "
                f"{', '.join(REGIONS)}, none twice."
            )
        for name, low, high in (("tile_px", 8, MAX_TILE_PX), ("num_frames", 1, MAX_FRAMES)):
            value = getattr(self, name)
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or not low <= value <= high:
                raise ConfigurationError(
                    f"{name} is {value!r}; it must be a whole number from {low} to {high}."
                )

    @property
    def num_regions(self) -> int:
        """R."""
        return len(self.regions)

    @property
    def moment_nbytes(self) -> int:
        """What the tiles of one person at one moment take."""
        return self.num_regions * self.tile_px * self.tile_px * 3

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "regions": list(self.regions)}

    @classmethod
    def from_dict(cls, data: Any) -> RoiConfig:
        """Inverse of `to_dict`; raises ConfigurationError for what it does not know."""
        if not isinstance(data, Mapping):
            raise ConfigurationError(f"The regions of interest are {data!r}; they are an object.")
        unknown = sorted(map(str, set(data) - {field.name for field in fields(cls)}))
        if unknown:
            raise ConfigurationError(
                f"Unknown option of the regions of interest: {', '.join(unknown)}; it was written "
                "by a newer version of this package, which is needed to read it."
            )
        return cls(**data)
