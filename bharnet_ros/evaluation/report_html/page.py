"""The page: one file that needs nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation.atomic import write_atomically
from bharnet_ros.evaluation.comparison import Comparison
from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.report_html.calibration import calibrations
from bharnet_ros.evaluation.report_html.classes import class_table
from bharnet_ros.evaluation.report_html.comparing import comparing
from bharnet_ros.evaluation.report_html.confusion import confusions
from bharnet_ros.evaluation.report_html.latency import latencies
from bharnet_ros.evaluation.report_html.markup import Element, raw, tag, write
from bharnet_ros.evaluation.report_html.overview import (
    about,
    header,
    problems,
    recordings,
    summary,
)
from bharnet_ros.evaluation.report_html.temporal import temporal
from bharnet_ros.evaluation.report_html.timeline import timelines
from bharnet_ros.evaluation.report_html.worst import worst
from bharnet_ros.evaluation.strips import Strip


def write_report(
    evaluation: Evaluation,
    metrics: Mapping[str, Any],
    path: str | Path,
    strips: Sequence[Strip] = (),
    comparison: Comparison | None = None,
) -> None:
    """Write the page of `render`; the file is complete or not there at all.

    Raises EvaluationError if it cannot be written.
    """
    page = render(evaluation, metrics, strips, comparison)
    try:
        write_atomically(path, page.encode("utf-8"))
    except OSError as error:
        raise EvaluationError(
            f"{path}: the report could not be saved ({error.strerror or error}); free some room "
            "or choose another folder."
        ) from error


def render(
    evaluation: Evaluation,
    metrics: Mapping[str, Any],
    strips: Sequence[Strip] = (),
    comparison: Comparison | None = None,
) -> str:
    """One HTML page with everything in it; the same input gives the same page.

    metrics: of `metrics.measure`. strips: of `make_strips`. Its policy allows nothing but its own
    style and scripts and the pictures inside it: no network, no forms, no frames.
    """
    figures = metrics["overall"]
    style = raw("style", _file("page.css"))
    scripts = [raw("script", _file("page.js")), raw("script", _file("timeline.js"))]
    parts = [
        summary(evaluation, figures),
        comparing(comparison, evaluation) if comparison is not None else None,
        timelines(evaluation),
        worst(evaluation, strips),
        confusions(figures),
        class_table(figures),
        temporal(figures),
        calibrations(figures),
        latencies(evaluation, figures),
        recordings(evaluation, metrics),
        problems(evaluation),
        about(evaluation, figures),
    ]
    shown = [part for part in parts if part is not None]
    return write(
        tag(
            "html",
            tag(
                "head",
                tag("meta", charset="utf-8"),
                _policy(style, scripts),
                tag("meta", name_="referrer", content="no-referrer"),
                tag("meta", name_="viewport", content="width=device-width, initial-scale=1"),
                tag("meta", name_="color-scheme", content="light dark"),
                tag("title", f"Evaluation of {evaluation.bundle}"),
                style,
            ),
            tag(
                "body",
                tag("a", "Skip to the figures", href="#summary", class_="skip"),
                _contents(shown),
                tag("main", header(evaluation), shown),
                scripts,
            ),
            lang="en",
        )
    )


def _contents(sections: Sequence[Element]) -> Element:
    """Links to the sections, and the button for light or dark (the script shows it)."""
    links = [
        tag("li", tag("a", part[0].text or "", href=f"#{part.get('id')}")) for part in sections
    ]
    button = tag("button", "Dark or light", type="button", id="theme", hidden=True)
    return tag("nav", tag("ul", links), button, aria_label="Sections")


def _policy(style: Element, scripts: Sequence[Element]) -> Element:
    sources = " ".join(_digest(script) for script in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {sources}; "
        "base-uri 'none'; form-action 'none'"
    )
    return tag("meta", http_equiv="Content-Security-Policy", content=policy)


def _digest(element: Element) -> str:
    digest = hashlib.sha256((element.text or "").encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
