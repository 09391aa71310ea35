"""Long scripts: planned alike from a seed, counted right, rules taken away one by one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bharnet_ros.evaluation import Episode
from bharnet_ros.gestures import load_vocabulary
from bharnet_ros.rules import RecognizerConfig, rules_for
from training.measuring import untrimmed
from training.replay import Judgement

from .conftest import S

NAMES = ("idle", "stop", "fist")


@pytest.fixture(scope="module")
def small_vocabulary():
    """The shipped gestures, as if the tiny bundle's classes were all there are."""
    vocabulary = load_vocabulary("gestures")
    return replace(
        vocabulary, class_names=NAMES, gestures={n: vocabulary.gestures[n] for n in NAMES[1:]},
        pairs=(), others={}, everyday={},
    )  # fmt: skip


def test_scripts_are_long_mostly_idle_and_show_everything() -> None:
    vocabulary = load_vocabulary("gestures")
    plans = untrimmed.plan_scripts(vocabulary, 3, people=2)
    assert plans == untrimmed.plan_scripts(vocabulary, 3, people=2)
    shown = [name for plan in plans for name, _, _ in plan.schedule]
    assert set(shown) == set(vocabulary.actions)
    for plan in plans:
        assert plan.duration_s == 600.0
        busy = sum(length for _, _, length in plan.schedule)
        assert 0.1 < busy / plan.duration_s < 0.5
        assert plan.schedule[-1][1] + plan.schedule[-1][2] < plan.duration_s


def test_segments_overlap_by_their_share() -> None:
    truth = [[Episode(0, "stop", 0, 10 * S)]]
    for end, right in ((10, (1.0, 1.0, 1.0)), (4, (1.0, 1.0, 0.0)), (2, (1.0, 0.0, 0.0))):
        found = untrimmed.segment_f1(truth, [[Episode(0, "stop", 0, end * S)]])
        assert tuple(found.values()) == right
    assert tuple(untrimmed.segment_f1(truth, [[]]).values()) == (0.0, 0.0, 0.0)


def test_each_variant_takes_one_rule_away(judge) -> None:
    rules = rules_for(judge.bundle.manifest, RecognizerConfig(confirm_s=0.2, smoothing_s=0.1))
    found = untrimmed.variants(rules)
    assert found["as shipped"] == rules
    assert found["no smoothing"].smoothing_s == 0.0
    assert found["no smoothing"].events == rules.events
    assert found["no confirmation"].events == replace(rules.events, confirm_s=0.0)
    assert found["no hysteresis"].events.end == rules.events.start


def test_rules_keep_flicker_away(judge, raising) -> None:
    """A flicker of one tick in an idle minute starts an action only without confirmation."""
    calm, stop = np.float32([0.9, 0.05, 0.05]), np.float32([0.02, 0.96, 0.02])
    tape = [Judgement(i * S // 10, stop if i == 50 else calm) for i in range(100)]
    rules = rules_for(judge.bundle.manifest, RecognizerConfig(confirm_s=0.1, smoothing_s=0.0))
    quiet = replace(raising, spans=())
    figures = {
        name: untrimmed.events_of([tape], [tape], [quiet], 0.5, each, NAMES)
        for name, each in untrimmed.variants(rules).items()
    }
    assert figures["as shipped"]["false_idle"] == 0
    assert figures["no confirmation"]["false_idle_per_hour"] == 2.0
    assert figures["no confirmation"]["calibration"]["accuracy"] == 0.0


def test_a_gesture_is_found_and_its_probabilities_weighed(
    judge, raising, small_vocabulary
) -> None:
    material = untrimmed.Material([raising], [replace(raising, spans=())])
    result = untrimmed.measure(material, small_vocabulary, {"tiny": judge})
    figures = result.figures["tiny"]
    shipped = figures["rules"]["as shipped"]
    assert (shipped["gestures"], shipped["right"], shipped["missed"]) == (1, 1, 0)
    assert shipped["f1"]["10"] == 1.0 and 0.0 < shipped["delay_p50_s"] < 2.0
    assert shipped["false_idle"] == 1  # the same arm, raised where nobody may
    calibrated = figures["calibration"]
    assert calibrated["fitted"]["count"] == calibrated["none"]["count"] > 20
    manifest = judge.bundle.manifest
    if manifest.fusion.temperature == 1.0:
        assert calibrated["fitted"]["nll"] == pytest.approx(calibrated["none"]["nll"])
    assert "as shipped" in result.body and not math.isnan(calibrated["fitted"]["ece"])
