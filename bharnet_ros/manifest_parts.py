"""Parts of a manifest: names of streams and outputs, how the experts are fused, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STREAMS = ("body", "hand")
INPUTS = STREAMS
OUTPUTS = ("body_logits", "hand_logits", "probabilities")
RELIABILITIES = "reliabilities"
"""A further output, (N, 2) of body and hands, 0..1, of graphs that learned them."""

FUSION = "fusion"
"""The graph that makes probabilities of what the experts' graphs give."""
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


@dataclass(frozen=True)
class GraphFile:
    """One of the graphs of a bundle that is split into several.

    file: its plain name in the bundle's folder. min_share: an expert whose part of a person was
    seen in a smaller share of the window's steps than this (0..1) says nothing about that person,
    so it need not be run; 0 = run it wherever anything was seen at all.
    row_bytes: size of the largest intermediate result for one person; 0 = not known. A processor
    runs a large batch in blocks whose results stay in its cache.
    """

    file: str
    min_share: float = 0.0
    row_bytes: int = 0
