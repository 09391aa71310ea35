"""The manifest of a model bundle: its fields, to and from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bharnet_ros.errors import BundleError, ConfigurationError, LayoutError
from bharnet_ros.feature_config import FeatureConfig
from bharnet_ros.manifest_checks import check_manifest
from bharnet_ros.manifest_parts import (
    BODY_ATTENTION,
    OUTPUTS,
    RELIABILITIES,
    SKELETON_PROBABILITIES,
    STREAMS,
    Fusion,
    GraphFile,
    Rgb,
    Shape,
    Thresholds,
)
from bharnet_ros.skeleton import get_graph

FORMAT_VERSION = 5
READABLE_VERSIONS = (1, 2, 3, 4, 5)
_RGB_VERSION, _SPLIT_VERSION, _ONE_GRAPH_VERSION = 4, 3, 2
"""What bundles without urgent classes are written as: with an RGB graph, of several graphs, of one.
So earlier versions of this package read what they can."""


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
    graphs: by role ("body", "hand", "fusion") the graphs of a bundle that is split; empty = one
        graph does it all. The fusion's takes by name what the experts' give. "rgb" is a further
        one where `rgb` is given.
    rgb: what the graph that looks at pixels reads and decides; None = there is none.
    whole_sha256: of the graph that `graphs` were split from, by which the network is known.
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
    graphs: Mapping[str, GraphFile] = field(default_factory=dict)
    whole_sha256: str = ""
    rgb: Rgb | None = None

    def __post_init__(self) -> None:
        check_manifest(self)

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
        """Shapes the graph must give: the logits of each stream, the probabilities, the
        reliabilities where `fusion` has them, and the body's attention where `rgb` is given."""
        names = (*(f"{name}_logits" for name in STREAMS if name in self.streams), OUTPUTS[-1])
        shapes: dict[str, Shape] = {name: ("N", len(self.class_names)) for name in names}
        if self.fusion.reliabilities:
            shapes[RELIABILITIES] = ("N", len(self.streams))
        if self.rgb is not None:
            shapes[BODY_ATTENTION] = ("N", get_graph(self.body_graph).num_joints)
        return shapes

    @property
    def opinion_outputs(self) -> tuple[str, ...]:
        """Names of `outputs` without the attention, which only the RGB graph reads."""
        return tuple(name for name in self.outputs if name != BODY_ATTENTION)

    @property
    def rgb_inputs(self) -> dict[str, Shape]:
        """Shapes the RGB graph must take; empty where there is none."""
        if self.rgb is None:
            return {}
        grid, side = (self.rgb.num_frames, len(self.rgb.regions)), self.rgb.tile_px
        return {
            "tiles": ("N", *grid, 3, side, side),
            "seen": ("N", *grid),
            "attention": ("N", get_graph(self.body_graph).num_joints),
            SKELETON_PROBABILITIES: ("N", len(self.class_names)),
        }

    @property
    def rgb_outputs(self) -> dict[str, Shape]:
        """Shapes the RGB graph must give; empty where there is none."""
        if self.rgb is None:
            return {}
        classes = ("N", len(self.class_names))
        return {OUTPUTS[-1]: classes, "rgb_logits": classes, "rgb_reliability": ("N", 1)}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        version = _SPLIT_VERSION if self.graphs else _ONE_GRAPH_VERSION
        data: dict[str, Any] = {"format_version": version, **asdict(self)}
        if self.rgb is not None:
            data["format_version"] = _RGB_VERSION
        else:
            del data["rgb"]
        if self.thresholds.urgent:
            data["format_version"] = FORMAT_VERSION
        else:
            del data["thresholds"]["urgent"]
        if not self.graphs:
            del data["graphs"], data["whole_sha256"]
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
                f"{', '.join(map(str, READABLE_VERSIONS))}; update the package, or export the "
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
            graphs = rest.get("graphs", {})
            if not isinstance(graphs, dict):
                raise BundleError("graphs must be an object.")
            rest["graphs"] = {role: GraphFile(**graph) for role, graph in graphs.items()}
            if rest.get("rgb") is not None:
                rest["rgb"] = Rgb.from_dict(rest["rgb"])
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
