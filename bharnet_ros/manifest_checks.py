"""What each field of a manifest must be, said in sentences where it is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bharnet_ros.errors import BundleError, ConfigurationError
from bharnet_ros.manifest_parts import FUSION, RGB, STREAMS, Rgb
from bharnet_ros.skeleton import get_graph, get_layout

if TYPE_CHECKING:
    from bharnet_ros.manifest import Manifest

_PLAIN = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_SHA256 = "[0-9a-f]{64}"


def check_manifest(m: Manifest) -> None:
    """Raises BundleError with a sentence for the first field that cannot be."""
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
    _check_class_starts(m)
    if m.thresholds.end > m.thresholds.start:
        raise BundleError(
            f"thresholds.end is {m.thresholds.end}, above thresholds.start {m.thresholds.start}; "
            "an action would end the moment it starts."
        )
    _check_graphs(m)
    _check_rgb(m)
    for name, record in m.files.items():
        # A plain name: a manifest must not reach outside of its folder.
        if not re.fullmatch(_PLAIN, name):
            raise BundleError(f"files lists '{name}'; only plain file names may stand there.")
        if not isinstance(record, Mapping) or not re.fullmatch(
            _SHA256, str(record.get("sha256"))
        ):
            raise BundleError(f"files gives no sha256 for '{name}'.")


def _check_class_starts(m: Manifest) -> None:
    """Starts of single classes: known classes, not below where an action ends (an urgent one
    ends below where it started, however low that is)."""
    for field in ("class_start", "urgent"):
        own = getattr(m.thresholds, field)
        if not isinstance(own, Mapping):
            raise BundleError(f"thresholds.{field} is {own!r}; it must be an object.")
        for name, value in own.items():
            if name not in m.class_names or name in (m.background_class, m.unknown_class):
                raise BundleError(
                    f"thresholds.{field} names '{name}', which is no action of this bundle."
                )
            _number(f"thresholds.{field}.{name}", value, 0.0, 1.0)
            if field == "class_start" and value < m.thresholds.end:
                raise BundleError(
                    f"thresholds.class_start.{name} is {value}, below thresholds.end "
                    f"{m.thresholds.end}; the action would end the moment it starts."
                )


def _check_graphs(m: Manifest) -> None:
    """None, or one of each expert and the fusion's, each in a file of its own."""
    if not m.graphs:
        if m.whole_sha256:
            raise BundleError("whole_sha256 is given for a bundle that is not split.")
        return
    if not re.fullmatch(_SHA256, str(m.whole_sha256)):
        raise BundleError(
            f"whole_sha256 is {m.whole_sha256!r}; it must be the sha256 of the graph that was "
            "split."
        )
    roles = (*STREAMS, FUSION, *([RGB] if m.rgb is not None else []))
    if m.streams != STREAMS or set(m.graphs) != set(roles):
        raise BundleError(
            f"graphs names {', '.join(m.graphs)} for the streams {', '.join(m.streams)}; a bundle "
            f"that is split has a body and a hand expert and the graphs {', '.join(roles)}."
        )
    for role, graph in m.graphs.items():
        if not isinstance(graph.file, str) or not re.fullmatch(_PLAIN, graph.file):
            raise BundleError(
                f"graphs.{role}.file is {graph.file!r}; only a plain file name may stand there."
            )
        _number(f"graphs.{role}.min_share", graph.min_share, 0.0, 1.0)
        if isinstance(graph.row_bytes, bool) or not isinstance(graph.row_bytes, int):
            raise BundleError(f"graphs.{role}.row_bytes is {graph.row_bytes!r}; it is a number.")
        _number(f"graphs.{role}.row_bytes", graph.row_bytes, 0, 1 << 40)
    if len({graph.file for graph in m.graphs.values()}) < len(m.graphs):
        raise BundleError("graphs names one file twice; each graph has a file of its own.")


def _check_rgb(m: Manifest) -> None:
    """What pixels decide: groups of classes that the bundle has, each class in one of them."""
    if m.rgb is None:
        return
    if not isinstance(m.rgb, Rgb):
        raise BundleError(f"rgb is {m.rgb!r}; it must be an object.")
    if not m.graphs:
        raise BundleError(
            "rgb is given for a bundle of one graph; only one that is split into body, hand and "
            "fusion can have an RGB graph."
        )
    try:
        _ = m.rgb.roi
    except ConfigurationError as error:
        raise BundleError(f"rgb cannot be: {error}") from None
    _number("rgb.min_mass", m.rgb.min_mass, 0.0, 1.0)
    if not m.rgb.groups:
        raise BundleError("rgb.groups is empty; name the classes that pixels may tell apart.")
    named = [name for group in m.rgb.groups for name in group]
    unknown = [name for name in named if name not in m.class_names]
    if unknown:
        raise BundleError(f"rgb.groups names {unknown[0]!r}, which is none of the class_names.")
    if len(set(named)) < len(named) or min(map(len, m.rgb.groups)) < 2:
        raise BundleError(
            f"rgb.groups is {[list(group) for group in m.rgb.groups]}; each group needs two or "
            "more classes, and no class may be in two."
        )


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
    # Compared, never converted: whole numbers of JSON have no bound, and NaN is within no bounds.
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise BundleError(f"{name} is {value!r}; it must be a number from {low} to {high}.")
