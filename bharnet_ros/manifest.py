"""The manifest of a model bundle: its fields, and the checks that each of them must pass."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bharnet_ros.errors import BundleError, ConfigurationError, LayoutError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.skeleton import get_graph, get_layout

FORMAT_VERSION = 2
READABLE_VERSIONS = (1, 2)
STREAMS = ("body", "hand")
INPUTS = STREAMS
OUTPUTS = ("body_logits", "hand_logits", "probabilities")
RELIABILITIES = "reliabilities"
"""A further output, (N, 2) of body and hands, 0..1, of graphs that learned them."""

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
    unknown: below this the best class is not named.
    confirm_s, smoothing_s: how long an action must stay above `start`, and the time constant of
        the average over judgements, seconds; None = the recogniser's own.
    """

    start: float = 0.6
    end: float = 0.4
    unknown: float = 0.5
    confirm_s: float | None = None
    smoothing_s: float | None = None


@dataclass(frozen=True)
class Manifest:
    """What a bundle says about itself.

    layout: keypoints it was trained on; body_graph, hand_graph: joints its experts see.
    streams: the experts it has: ("body", "hand"), or one of them. Inputs and outputs follow.
    class_names: in the order of the outputs; background_class: the one that is no action.
    unknown_class: a trained class that means "something else" and is never reported as an
        action; "" = there is none.
    window_s, num_steps: seconds of a window and its steps T; max_gap_s: see WindowBuffer.
    normalisation: {"kind": "in_graph"} - the graph takes the features as they are.
    inputs, outputs: shapes by name, "N" = any number of people.
    files: {name: {"sha256": hex, "bytes": n}}.
    training, metrics: free JSON objects - data, seeds, commands; measured figures and the
        command that measured them.
    """

    name: str
    layout: str
    class_names: tuple[str, ...]
    background_class: str
    window_s: float
    num_steps: int
    max_gap_s: float = 0.25
    features: FeatureConfig = field(default_factory=FeatureConfig)
    fusion: Fusion = field(default_factory=Fusion)
    thresholds: Thresholds = field(default_factory=Thresholds)
    body_graph: str = "body_19"
    hand_graph: str = "hand_21"
    streams: tuple[str, ...] = STREAMS
    unknown_class: str = ""
    normalisation: Mapping[str, Any] = field(default_factory=lambda: {"kind": "in_graph"})
    description: str = ""
    license: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_manifest(self)

    @property
    def background_id(self) -> int:
        """Index of the background class."""
        return self.class_names.index(self.background_class)

    @property
    def unknown_id(self) -> int | None:
        """Index of the unknown class; None if there is none."""
        return self.class_names.index(self.unknown_class) if self.unknown_class else None

    @property
    def inputs(self) -> dict[str, Shape]:
        """Shapes the graph must take."""
        body, hand = get_graph(self.body_graph), get_graph(self.hand_graph)
        shapes: dict[str, Shape] = {
            "body": ("N", 3, self.num_steps, body.num_joints, 1),
            "hand": ("N", 3, self.num_steps, hand.num_joints, 2),
        }
        return {name: shapes[name] for name in STREAMS if name in self.streams}

    @property
    def outputs(self) -> dict[str, Shape]:
        """Shapes the graph must give: the logits of each stream, the probabilities, and the
        reliabilities where `fusion` has them."""
        names = (*(f"{name}_logits" for name in STREAMS if name in self.streams), OUTPUTS[-1])
        shapes: dict[str, Shape] = {name: ("N", len(self.class_names)) for name in names}
        if self.fusion.reliabilities:
            shapes[RELIABILITIES] = ("N", len(self.streams))
        return shapes

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        data: dict[str, Any] = {"format_version": FORMAT_VERSION, **asdict(self)}
        for name in ("inputs", "outputs"):
            data[name] = {key: list(shape) for key, shape in getattr(self, name).items()}
        return data

    @classmethod
    def from_dict(cls, data: Any, where: str = "The manifest") -> Manifest:
        """Inverse of `to_dict`. Raises BundleError, which starts with `where`."""
        if not isinstance(data, dict):
            raise BundleError(f"{where} is not a JSON object; export the bundle again.")
        version = data.get("format_version")
        if version not in READABLE_VERSIONS or isinstance(version, bool):
            raise BundleError(
                f"{where} has format_version {version!r}, this package reads "
                f"{' and '.join(map(str, READABLE_VERSIONS))}; update the package, or export the "
                "bundle again."
            )
        rest = {key: value for key, value in data.items() if key != "format_version"}
        stated = {key: rest.pop(key, None) for key in ("inputs", "outputs")}
        try:
            rest.setdefault("streams", list(STREAMS))
            for name in ("class_names", "streams"):
                if not isinstance(rest[name], list):
                    raise BundleError(f"{name} must be a list.")
                rest[name] = tuple(rest[name])
            rest["features"] = FeatureConfig.from_dict(rest["features"])
            rest["fusion"] = Fusion(**rest["fusion"])
            rest["thresholds"] = Thresholds(**rest["thresholds"])
            manifest = cls(**rest)
        except KeyError as error:
            raise BundleError(
                f"{where} lacks the field {error}; export the bundle again."
            ) from None
        except TypeError as error:
            raise BundleError(
                f"{where} has fields this package does not understand ({error}); update the "
                "package, or export the bundle again."
            ) from None
        except (BundleError, ConfigurationError, LayoutError) as error:
            raise BundleError(f"{where} cannot be used: {error}") from None
        manifest._compare(stated, where)
        return manifest

    def _compare(self, stated: Mapping[str, Any], where: str) -> None:
        """The shapes written down must be those that follow from the other fields."""
        for key, expected in (("inputs", self.inputs), ("outputs", self.outputs)):
            wanted = {name: list(shape) for name, shape in expected.items()}
            if stated[key] != wanted:
                raise BundleError(
                    f"{where} states {key} {stated[key]}, but {self.num_steps} steps, the graphs "
                    f"and {len(self.class_names)} classes mean {wanted}; export the bundle again."
                )


def _check_manifest(m: Manifest) -> None:
    get_graph(m.body_graph)
    get_graph(m.hand_graph)
    _text("name", m.name)
    _check_streams(m)
    for name in ("normalisation", "training", "metrics", "files"):
        if not isinstance(getattr(m, name), Mapping):
            raise BundleError(f"{name} is {getattr(m, name)!r}; it must be an object.")
    if len(m.class_names) < 2 or len(set(m.class_names)) != len(m.class_names):
        raise BundleError(
            f"class_names has {len(m.class_names)} entries; two or more are needed, all different."
        )
    for name in m.class_names:
        _text("class_names", name)
    if m.background_class not in m.class_names:
        raise BundleError(
            f"background_class '{m.background_class}' is not one of the class_names "
            f"({', '.join(m.class_names)})."
        )
    if m.unknown_class and m.unknown_class not in m.class_names:
        raise BundleError(
            f"unknown_class '{m.unknown_class}' is not one of the class_names "
            f"({', '.join(m.class_names)}); leave it empty if no class means 'something else'."
        )
    if m.unknown_class == m.background_class:
        raise BundleError(
            f"unknown_class and background_class are both '{m.unknown_class}'; nothing going on "
            "and something else going on must be told apart."
        )
    if m.normalisation.get("kind") != "in_graph":
        raise BundleError(
            f"normalisation {dict(m.normalisation)!r} is not known; only kind 'in_graph' is."
        )
    _number("window_s", m.window_s, 0.05, 600.0)
    _number("max_gap_s", m.max_gap_s, 0.001, 600.0)
    if not isinstance(m.num_steps, int) or not 2 <= m.num_steps <= 4096:
        raise BundleError(f"num_steps is {m.num_steps!r}; it must be a whole number, 2 to 4096.")
    for name in ("temperature", "body_temperature", "hand_temperature"):
        _number(f"fusion.{name}", getattr(m.fusion, name), 1e-3, 1e3)
    if not isinstance(m.fusion.reliabilities, bool):
        raise BundleError(
            f"fusion.reliabilities is {m.fusion.reliabilities!r}; it must be true or false."
        )
    if m.fusion.reliabilities and m.streams != STREAMS:
        raise BundleError(
            f"fusion.reliabilities is true, but streams is {list(m.streams)}; one expert alone has "
            "nothing to be weighed against."
        )
    for name in ("start", "end", "unknown"):
        _number(f"thresholds.{name}", getattr(m.thresholds, name), 0.0, 1.0)
    for name in ("confirm_s", "smoothing_s"):
        if getattr(m.thresholds, name) is not None:
            _number(f"thresholds.{name}", getattr(m.thresholds, name), 0.0, 60.0)
    if m.thresholds.end > m.thresholds.start:
        raise BundleError(
            f"thresholds.end is {m.thresholds.end}, above thresholds.start {m.thresholds.start}; "
            "an action would end the moment it starts."
        )
    for name, record in m.files.items():
        # A plain name: a manifest must not reach outside of its folder.
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
            raise BundleError(f"files lists '{name}'; only plain file names may stand there.")
        if not isinstance(record, Mapping) or not re.fullmatch(
            "[0-9a-f]{64}", str(record.get("sha256"))
        ):
            raise BundleError(f"files gives no sha256 for '{name}'.")


def _check_streams(m: Manifest) -> None:
    """The experts must be known, and the layout must have what each of them reads."""
    if m.streams not in (STREAMS, ("body",), ("hand",)):
        raise BundleError(
            f"streams is {list(m.streams)}; it must be ['body', 'hand'], ['body'] or ['hand']."
        )
    layout = get_layout(m.layout)
    has = {"body": len(layout.body_indices) > 0, "hand": layout.has_hands}
    lacking = [name for name in m.streams if not has[name]]
    if not lacking:
        return
    part = {"body": "the body", "hand": "the fingers"}[lacking[0]]
    others = [name for name in STREAMS if has[name]]
    fitting = f"write a bundle with streams {others}, or " if others else ""
    raise BundleError(
        f"streams holds '{lacking[0]}', but the layout '{m.layout}' has no keypoints of {part}, so "
        f"this expert would never see anything; {fitting}use a layout and a pose estimator that "
        "have them."
    )


def _text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise BundleError(f"{name} holds {value!r}; it must be a text that is not empty.")


def _number(name: str, value: object, low: float, high: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (math.isfinite(value) and low <= value <= high):  # type: ignore[arg-type,operator]
        raise BundleError(f"{name} is {value!r}; it must be a number from {low} to {high}.")
