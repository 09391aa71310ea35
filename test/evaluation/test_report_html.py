"""The report's structure, what it says, and that nothing a user named becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bharnet_ros.errors import EvaluationError
from bharnet_ros.evaluation.compare import compare
from bharnet_ros.evaluation.metrics import measure
from bharnet_ros.evaluation.mistakes import Mistake
from bharnet_ros.evaluation.records import Evaluation
from bharnet_ros.evaluation.report_html import render, write_report
from bharnet_ros.evaluation.strips import Strip, Tile

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Every element with its attributes and text; raises if tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[int] = []
        self.feed(text)
        self.close()
        assert not self._open, "elements left open"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> repeats an attribute"
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self._open.append(len(self.elements) - 1)

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self._open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.elements[index][2].append(data)

    def all(self, tag: str, **wanted: str) -> list[tuple[dict[str, str], str]]:
        return [
            (attributes, "".join(texts))
            for name, attributes, texts in self.elements
            if name == tag and all(attributes.get(k) == v for k, v in wanted.items())
        ]

    def table(self, caption: str) -> list[list[str]]:
        """The cells of the table with that caption, its head first."""
        start = next(i for i, (tag, _, texts) in enumerate(self.elements)
                     if tag == "table" and "".join(texts).startswith(caption))  # fmt: skip
        rows: list[list[str]] = []
        for tag, _, texts in self.elements[start + 1 :]:
            if tag == "table":
                break
            if tag == "tr":
                rows.append([])
            elif tag in ("td", "th"):
                rows[-1].append("".join(texts))
        return rows


def jpeg() -> bytes:
    image = np.full((48, 36, 3), 90, np.uint8)
    return bytes(cv2.imencode(".jpg", image)[1].tobytes())


def strips(evaluation: Evaluation) -> tuple[Strip, ...]:
    start = evaluation.recordings[0].start_ns
    mistake = Mistake("wrong", evaluation.recordings[0].name, 1, "stop", "ok", start, start + 10**9,
                      start + 5 * 10**8, 0.9, 3)  # fmt: skip
    tiles = (
        Tile(start, jpeg(), 36, 48, "stop", 0.4, True),
        Tile(start + 5 * 10**8, jpeg(), 36, 48, None, 0.0, False),
    )
    return Strip(mistake, tiles), Strip(replace(mistake, kind="missed", report=None), ())


@pytest.fixture(scope="module")
def evaluation(acted: Any) -> Evaluation:
    return acted(1, seconds=60.0)


@pytest.fixture(scope="module")
def metrics(evaluation: Evaluation) -> dict[str, Any]:
    return measure(evaluation)


@pytest.fixture(scope="module")
def text(evaluation: Evaluation, metrics: dict[str, Any], acted: Any) -> str:
    older = compare(acted(2, seconds=60.0, skill=0.5), evaluation, resamples=500)
    return render(evaluation, metrics, strips(evaluation), older)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_every_section_is_there_and_linked(page: Page) -> None:
    titles = [words for _, words in page.all("h2")]
    assert titles == [
        "Summary", "Better or worse", "Timeline", "Worst mistakes", "Confusion", "Classes", "Times",
        "Calibration", "Latency", "Recordings and coverage", "Problems", "About this evaluation",
    ]  # fmt: skip
    identifiers = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    links = [attributes["href"] for attributes, _ in page.all("a")]
    assert links and all(link[0] == "#" and link[1:] in identifiers for link in links)


def test_nothing_comes_from_elsewhere(text: str, page: Page) -> None:
    assert not page.all("link") and not page.all("iframe") and not page.all("form")
    for tag, attributes, _ in page.elements:
        for name, value in attributes.items():
            assert name not in ("style", "srcset", "action", "background", "poster"), tag
            assert not name.startswith("on"), f"<{tag} {name}>"
            if name == "src":
                assert value.startswith("data:image/jpeg;base64,")
                assert base64.b64decode(value.partition(",")[2], validate=True)[:2] == b"\xff\xd8"
    style = page.all("style")[0][1]
    assert "url(" not in style and "@import" not in style
    assert re.findall(r"https?://[^\"' ]+", text) == ["http://www.w3.org/2000/svg"]


def test_the_policy_allows_our_scripts_and_style_and_nothing_else(page: Page) -> None:
    policy = page.all("meta", **{"http-equiv": "Content-Security-Policy"})[0][0]["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    assert rules["base-uri"] == rules["form-action"] == "'none'"
    for kind in ("style", "script"):
        ours = [words for a, words in page.all(kind) if a.get("type") != "application/json"]
        digests = [base64.b64encode(hashlib.sha256(w.encode()).digest()).decode() for w in ours]
        assert rules[f"{kind}-src"].split() == [f"'sha256-{digest}'" for digest in digests]


def test_figures_are_those_of_the_metrics(page: Page, metrics: dict[str, Any]) -> None:
    overall = metrics["overall"]
    tiles = dict(zip((w for _, w in page.all("dt")), (w for _, w in page.all("dd", **{
        "class": "figure"})), strict=False))  # fmt: skip
    assert tiles["Recall of reports"] == f"{100 * overall['events']['micro']['recall']:.1f} %"
    assert tiles["Precision of reports"] == f"{100 * overall['events']['micro']['precision']:.1f} %"
    assert tiles["False alarms per hour"] == f"{overall['events']['false_alarms']['per_hour']:.1f}"
    assert tiles["Delay"] == f"{overall['events']['delay_from_start_s']['p50']:.2f} s"
    assert tiles["Clip accuracy"] == f"{100 * overall['clips']['accuracy']:.1f} %"
    assert tiles["mAP, IoU 0.1 to 0.7"] == f"{100 * overall['detection']['average']:.1f} %"
    assert tiles["Calibration error"] == f"{overall['calibration']['judgements']['ece']:.3f}"
    assert tiles["Computing time"].startswith(f"{overall['latency_ms']['total']['p50']:.1f}")


def test_the_tables_hold_every_class_recording_bin_and_count(
    page: Page, metrics: dict[str, Any]
) -> None:
    overall = metrics["overall"]
    classes = {row[0]: row for row in page.table("Figures of every class")[1:]}
    assert set(classes) == set(overall["per_class"])
    for name, row in classes.items():
        events = overall["per_class"][name]["events"]
        counts = [events[k] for k in ("total", "true_positives", "wrong", "missed", "false_alarms")]
        assert [int(cell) for cell in row[1:6]] == counts
        assert row[7] == f"{100 * events['recall']:.1f} %"
    recordings = page.table("Figures of every recording")[1:]
    assert [row[0] for row in recordings] == list(metrics["recordings"])
    confusion = overall["events"]["confusion"]
    matrix = page.table("What the robot was told: counts")
    assert matrix[0][1:-1] == confusion["columns"]
    for row, label, counts in zip(matrix[1:], confusion["rows"], confusion["counts"], strict=True):
        assert row[0] == label and [int(cell or 0) for cell in row[1:]] == [*counts, sum(counts)]
    bins = page.table("Bins of the reliability diagram: judgements")[1:]
    used = [b for b in overall["calibration"]["judgements"]["bins"] if b["count"]]
    assert [int(row[1].replace(",", "")) for row in bins] == [b["count"] for b in used]
    slow = page.table("Histogram of total")[1:]
    values = overall["latency_ms"]["total"]["count"]
    assert sum(int(row[2].replace(",", "")) for row in slow) == values


def test_timelines_hold_all_that_happened(page: Page, evaluation: Evaluation) -> None:
    for index, recording in enumerate(evaluation.recordings):
        source = page.all("script", id=f"timeline-{index}")[0][1]
        data = json.loads(source)
        assert data["name"] == recording.name
        truth = [bar for person in data["people"] for bar in person["truth"]]
        reports = [bar for person in data["people"] for bar in person["reports"]]
        assert len(truth) == len(recording.truth) and len(reports) == len(recording.recognised)
        events = measure(evaluation)["recordings"][recording.name]["events"]
        for kind in ("right", "wrong", "missed"):
            assert sum(bar[3] == kind for bar in truth) == events[kind]
        assert sum(bar[3] == "alarm" for bar in reports) == events["false_alarms"]["count"]
        for person in data["people"]:
            steps = {len(person[key]) for key in ("kinds", "sureness", "hands")}
            assert steps == {-(-round(recording.duration_s / person["cell"]) // 1)}
    lines = [w for a, w in page.all("g") if a.get("class", "").startswith("bar ") and w]
    assert len(lines) >= sum(len(r.truth) + len(r.recognised) for r in evaluation.recordings)


def test_people_who_do_not_see_pictures_get_the_same(page: Page) -> None:
    for attributes, words in page.all("svg"):
        hidden = attributes.get("aria-hidden") == "true"
        assert hidden or (attributes["role"] == "img" and attributes["aria-label"] in words)
    assert all(a["alt"] and a["width"] and a["height"] for a, _ in page.all("img"))
    assert all(words for _, words in page.all("caption"))
    assert len(page.all("table")) == len(page.all("caption"))
    assert page.all("html")[0][0]["lang"] == "en" and len(page.all("h1")) == 1


def test_strips_say_what_happened(page: Page) -> None:
    first, second = page.all("li", **{"class": "strip wrong"})[0][1], None
    assert "stop → ok (0.90)" in first and "3 times" in first and "+0.50 s" in first
    assert "not judged" in first
    second = page.all("li", **{"class": "strip missed"})[0][1]
    assert "No pictures of it." in second
    assert len(page.all("img")) == 2


def test_the_same_input_gives_the_same_page(
    evaluation: Evaluation, metrics: dict[str, Any]
) -> None:
    assert render(evaluation, metrics) == render(evaluation, metrics)


def test_an_unfinished_evaluation_says_so(evaluation: Evaluation) -> None:
    first = replace(evaluation.recordings[0], complete=False)
    broken = replace(evaluation, recordings=(first, *evaluation.recordings[1:]))
    assert "1 recording was not read to the end" in render(broken, measure(broken))
    assert "broken off" not in render(evaluation, measure(evaluation))


def test_an_evaluation_of_nothing_is_a_page_too(evaluation: Evaluation) -> None:
    silent = replace(
        evaluation.recordings[0], truth=(), recognised=(), people=(), stage_ms={}, drops={},
        images=0, estimated=0, end_ns=evaluation.recordings[0].start_ns, problems=(),
    )  # fmt: skip
    for recordings in ((silent,), ()):
        empty = replace(evaluation, recordings=recordings)
        page = Page(render(empty, measure(empty)))
        figures = [words for tag in ("td", "dd") for _, words in page.all(tag)]
        assert "–" in figures
        assert not any(word in figure for figure in figures for word in ("nan", "None", "inf"))


ODD = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a\"b'c&amp;<!--", "]]>",
     "\u202eevil\u202c", "\x00\x1b[2J", "\ud800", "javascript:alert(1)", "{{7*7}}", "ü 手 👋"]
)  # fmt: skip


@settings(max_examples=12)
@given(names=st.lists(ODD, min_size=4, max_size=4, unique=True), bag=ODD, about=ODD, problem=ODD)
def test_names_never_become_markup(
    acted: Any, names: list[str], bag: str, about: str, problem: str
) -> None:
    clean = acted(3, people=1, seconds=20.0, names=("a", "b", "c", "d"), bags=("bag",))
    odd = acted(3, people=1, seconds=20.0, names=tuple(names), bags=(bag,))
    recording = replace(odd.recordings[0], problems=(problem,), drops={about: 1})
    odd = replace(odd, bundle=about, pose_backend=bag, about={about: bag}, recordings=(recording,))
    calm = replace(clean.recordings[0], problems=("p",), drops={"d": 1})
    clean = replace(clean, about={"k": "v"}, recordings=(calm,))
    shown, expected = [
        Page(render(e, measure(e), strips(e), compare(e, e, resamples=10))) for e in (odd, clean)
    ]
    # As many of every element with the same attributes: no name made any. (Names are drawn into a
    # bar only where they fit.)
    counts = [
        Counter((tag, *sorted(a)) for tag, a, _ in p.elements if tag != "text")
        for p in (shown, expected)
    ]
    assert counts[0] == counts[1]
    data = json.loads(shown.all("script", id="timeline-0")[0][1])
    assert data["name"] == bag
    labels = {bar[2] for person in data["people"] for bar in person["truth"]}
    assert labels == {e.class_name for e in recording.truth}


def test_names_are_shown_as_they_are(acted: Any) -> None:
    hostile = "<b>hi</b> & \"you\" 'there'"
    names = ("idle", "unknown", hostile, "ok")
    odd = acted(3, people=1, seconds=20.0, names=names, bags=(hostile,))
    page = Page(render(odd, measure(odd)))
    assert not page.all("b") and hostile in [words for _, words in page.all("bdi")]


def test_a_report_is_whole_or_not_there(
    evaluation: Evaluation, metrics: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    write_report(evaluation, metrics, path)
    assert path.read_text("utf-8") == render(evaluation, metrics)
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(EvaluationError, match="report could not be saved"):
        write_report(evaluation, metrics, tmp_path / "missing" / "report.html")


def test_long_recordings_stay_small(acted: Any) -> None:
    hour = acted(1, seconds=600.0, bags=("long",))
    assert len(render(hour, measure(hour))) < 700_000
