"""Options of the recogniser, and what becomes of them with a certain bundle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bharnet_ros.conflicts import CONFLICTS
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.events import EventConfig, Smoother
from bharnet_ros.experts import FUSIONS
from bharnet_ros.manifest import Manifest

CONFIRM_S = 0.1
SMOOTHING_S = 0.2
"""For bundles that state none of their own."""


@dataclass(frozen=True)
class RecognizerConfig:
    """Options of the recogniser; None takes what each bundle says.

    rate_hz: judgements of a person per second of stamp time, at most one per frame.
    fusion: "fused" as the bundle does it, or "body" or "hand" alone, for comparison.
    conflict: what several bundles may say of one person, see `CONFLICTS`.
    top_k: hypotheses per person.
    smoothing_s: time constant of the average over judgements; 0 switches it off.
    min_coverage: share of the window in which a person must have been seen to be judged.
    lost_after_s: a person not seen in the frames of this long has left; a pause in which no frame
    came is no absence (see WindowBuffer).
    max_people: more people than this at a time are not taken up.
    start, end, unknown, confirm_s, end_hold_s, min_duration_s: see EventConfig; a start given here
    holds for every class, also those for which the bundle has one of their own, and if it is
    below the bundle's unknown takes that down with it.
    max_doubt: see EventConfig; 1 = no limit.
    urgent_start: at which probability of a single judgement the classes that the bundle calls
    urgent start at once (see EventConfig.urgent), whatever `start` is; 1 = no class is urgent.

    How soon an action is reported is mainly smoothing_s and confirm_s, then rate_hz: an average
    of 0.2 s takes 0.18 s to rise from nothing to a threshold of 0.6, one of 0.1 s half of that.
    """

    rate_hz: float = 15.0
    fusion: str = "fused"
    conflict: str = "all"
    top_k: int = 3
    smoothing_s: float | None = None
    min_coverage: float = 0.5
    lost_after_s: float = 0.5
    max_people: int = 64
    start: float | None = None
    end: float | None = None
    unknown: float | None = None
    confirm_s: float | None = None
    end_hold_s: float = 0.2
    min_duration_s: float = 0.3
    urgent_start: float | None = None
    max_doubt: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (("fusion", FUSIONS), ("conflict", CONFLICTS)):
            if getattr(self, name) not in allowed:
                raise ConfigurationError(
                    f"{name} is '{getattr(self, name)}'; it must be one of {', '.join(allowed)}."
                )
        if not (math.isfinite(self.rate_hz) and self.rate_hz > 0.0):
            raise ConfigurationError(f"rate_hz is {self.rate_hz}; it must be above 0.")
        if self.top_k < 1:
            raise ConfigurationError(f"top_k is {self.top_k}; it must be 1 or more.")
        if self.max_people < 1:
            raise ConfigurationError(f"max_people is {self.max_people}; it must be 1 or more.")
        if not 0.0 <= self.min_coverage <= 1.0:
            raise ConfigurationError(f"min_coverage is {self.min_coverage}; it is a share, 0 to 1.")
        if self.urgent_start is not None and not 0.0 <= self.urgent_start <= 1.0:
            raise ConfigurationError(
                f"urgent_start is {self.urgent_start}; it is a probability, 0 to 1."
            )


@dataclass(frozen=True)
class Rules:
    """When to believe one bundle: events, and the time constant of the average before them."""

    events: EventConfig
    smoothing_s: float


def rules_for(manifest: Manifest, config: RecognizerConfig) -> Rules:
    """What the recogniser goes by: the option if given, else the bundle's, else the default.

    Raises ConfigurationError for options that contradict each other or the bundle.
    """
    stated = manifest.thresholds

    def chosen(name: str, default: float) -> float:
        for source in (config, stated):
            value: float | None = getattr(source, name)
            if value is not None:
                return value
        return default

    start = chosen("start", stated.start)
    unknown = chosen("unknown", stated.unknown)
    if config.unknown is None and config.start is not None:
        # What is not named cannot start: whoever asks for a lower start means both.
        unknown = min(unknown, start)
    rules = Rules(
        EventConfig(
            background_id=manifest.background_id,
            start=start,
            end=chosen("end", stated.end),
            unknown=unknown,
            confirm_s=chosen("confirm_s", CONFIRM_S),
            end_hold_s=config.end_hold_s,
            min_duration_s=config.min_duration_s,
            unknown_id=manifest.unknown_id,
            max_doubt=config.max_doubt,
            class_start=(
                {} if config.start is not None else _by_id(manifest, stated.class_start)
            ),
            urgent=_by_id(manifest, _urgent(stated.urgent, config.urgent_start)),
        ),
        chosen("smoothing_s", SMOOTHING_S),
    )
    Smoother(rules.smoothing_s)  # refuses a bad value now and not with the first person
    return rules


def _urgent(stated: Mapping[str, float], chosen: float | None) -> Mapping[str, float]:
    """Starts of urgent classes by name: the bundle's, or one for all of them."""
    if chosen is None:
        return stated
    return {} if chosen >= 1.0 else dict.fromkeys(stated, chosen)


def _by_id(manifest: Manifest, starts: Mapping[str, float]) -> dict[int, float]:
    """Starts of single classes."""
    return {manifest.class_names.index(name): start for name, start in starts.items()}
