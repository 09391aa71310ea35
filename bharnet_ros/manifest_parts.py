"""Parts of a manifest: names of streams and outputs, how the experts are fused, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bharnet_ros.errors import BundleError

if TYPE_CHECKING:  # the regions need OpenCV, a manifest does not
    from bharnet_ros.roi import RoiConfig

STREAMS = ("body", "hand")
INPUTS = STREAMS
OUTPUTS = ("body_logits", "hand_logits", "probabilities")
RELIABILITIES = "reliabilities"
"""A further output, (N, 2) of body and hands, 0..1, of graphs that learned them."""

FUSION = "fusion"
"""The graph that makes probabilities of what the experts' graphs give."""
RGB = "rgb"
"""The graph that looks at pixels and corrects the probabilities within groups of classes."""
BODY_ATTENTION = "body_attention"
"""A further output, (N, 19), of the body's graph where there is one for pixels: how much each joint
matters, at least 0."""
SKELETON_PROBABILITIES = "skeleton_probabilities"
"""What the RGB graph starts from, (N, C)."""
WHOLE = "whole"
"""The one graph of a bundle that is not split."""

Shape = tuple[int | str, ...]


@dataclass(frozen=True)
class Fusion:
    """How `probabilities` came to be, and the temperatures fitted on validation data.

    method: a name for people ("logit_sum"); the graph itself does the fusing.
    temperature: divides the fused logits, already inside the graph.
    body_temperature, hand_temperature: divide the logits of one expert when it stands alone.
    reliabilities: the graph also tells how far it trusted body and hands (`RELIABILITIES`).
    """

    method: str = "logit_sum"
    temperature: float = 1.0
    body_temperature: float = 1.0
    hand_temperature: float = 1.0
    reliabilities: bool = False


@dataclass(frozen=True)
class Thresholds:
    """Probabilities (0..1) chosen on validation data.

    start: an action begins when its class reaches it. end: it is over when it falls below.
    class_start: by class name, a start of its own for classes that need another one (a nod is
        seen in many things, a thumb up in few).
    urgent: by class name, the probability at which a class that must not be late starts at once,
        in a single judgement that it leads (a stop sign).
    unknown: below this the best class is not named.
    confirm_s, smoothing_s: how long an action must stay above `start`, and the time constant of
        the average over judgements, seconds; None = the recogniser's own.
    """

    start: float = 0.6
    end: float = 0.4
    unknown: float = 0.5
    confirm_s: float | None = None
    smoothing_s: float | None = None
    class_start: Mapping[str, float] = field(default_factory=dict)
    urgent: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class GraphFile:
    """One of the graphs of a bundle that is split into several.

    file: its plain name in the bundle's folder. min_share: an expert whose part of a person was
    seen in a smaller share of the window's steps than this (0..1) says nothing about that person,
    so it need not be run; 0 = run it wherever anything was seen at all.
    row_bytes: size of the largest intermediate result for one person; 0 = not known. A processor
    runs a batch in blocks whose results stay in a core's own cache.
    """

    file: str
    min_share: float = 0.0
    row_bytes: int = 0


@dataclass(frozen=True)
class Rgb:
    """What the graph `RGB` looks at, and what it may decide.

    regions, tile_px, num_frames: see RoiConfig. groups: of two or more class names each, none in
    two: those that pixels may tell apart. The probability of a group as a whole stays, and so does
    that of every class outside. min_mass: only people for whom some group has this probability
    (0..1) or more are looked at.
    """

    regions: tuple[str, ...]
    tile_px: int
    num_frames: int
    groups: tuple[tuple[str, ...], ...]
    min_mass: float = 0.05

    @property
    def roi(self) -> RoiConfig:
        """The same for the functions that cut. Raises ConfigurationError."""
        from bharnet_ros.roi import RoiConfig

        return RoiConfig(self.regions, self.tile_px, self.num_frames)

    @classmethod
    def from_dict(cls, data: Any) -> Rgb:
        """From JSON. Raises BundleError or TypeError for what is not understood."""
        if not isinstance(data, dict):
            raise BundleError("rgb must be an object.")
        groups = data.get("groups")
        if (
            not isinstance(groups, list)
            or not all(isinstance(group, list) for group in groups)
            or not isinstance(data.get("regions"), list)
        ):
            raise BundleError("rgb.regions must be a list, and rgb.groups a list of lists.")
        return cls(
            **{**data, "regions": tuple(data["regions"]), "groups": tuple(map(tuple, groups))}
        )
