from __future__ import annotations

import pytest

from benchmarks.synthetic import tiny_manifest
from bharnet_ros.errors import ConfigurationError
from bharnet_ros.manifest_parts import Thresholds
from bharnet_ros.rules import RecognizerConfig, rules_for


def test_options_go_before_what_the_bundle_says() -> None:
    manifest = tiny_manifest(thresholds=Thresholds(start=0.7, end=0.3, unknown=0.55))
    rules = rules_for(manifest, RecognizerConfig(start=0.9, smoothing_s=0.05, confirm_s=0.3))
    assert (rules.events.start, rules.events.end, rules.events.unknown) == (0.9, 0.3, 0.55)
    assert (rules.events.confirm_s, rules.smoothing_s) == (0.3, 0.05)


def test_a_lower_start_takes_the_unknown_threshold_along() -> None:
    manifest = tiny_manifest(thresholds=Thresholds(start=0.8, end=0.3, unknown=0.75))
    assert rules_for(manifest, RecognizerConfig(start=0.6)).events.unknown == 0.6
    assert rules_for(manifest, RecognizerConfig(start=0.6, unknown=0.7)).events.unknown == 0.7
    assert rules_for(manifest, RecognizerConfig(start=0.9)).events.unknown == 0.75


def test_without_options_the_bundle_and_then_the_defaults_hold() -> None:
    rules = rules_for(tiny_manifest(), RecognizerConfig())
    assert (rules.events.confirm_s, rules.smoothing_s) == (0.1, 0.2)
    quick = tiny_manifest(thresholds=Thresholds(confirm_s=0.05, smoothing_s=0.0))
    rules = rules_for(quick, RecognizerConfig())
    assert (rules.events.confirm_s, rules.smoothing_s) == (0.05, 0.0)


def test_the_class_for_something_else_is_known_to_the_events() -> None:
    named = tiny_manifest(("idle", "wave", "other"), unknown_class="other")
    assert rules_for(named, RecognizerConfig()).events.unknown_id == 2
    assert rules_for(tiny_manifest(), RecognizerConfig()).events.unknown_id is None


@pytest.mark.parametrize(
    "options", [{"smoothing_s": -1.0}, {"confirm_s": -1.0}, {"start": 0.2}, {"min_duration_s": -1}]
)
def test_what_contradicts_itself_or_the_bundle_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        rules_for(tiny_manifest(), RecognizerConfig(**options))


def test_an_unknown_conflict_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"'vote'.*all, best, priority"):
        RecognizerConfig(conflict="vote")


def test_classes_keep_their_own_starts_until_a_start_is_asked_for() -> None:
    stated = Thresholds(start=0.6, end=0.3, class_start={"wave": 0.9})
    manifest = tiny_manifest(("idle", "wave", "point"), thresholds=stated)
    assert rules_for(manifest, RecognizerConfig()).events.class_start == {1: 0.9}
    assert rules_for(manifest, RecognizerConfig(end=0.2)).events.class_start == {1: 0.9}
    assert rules_for(manifest, RecognizerConfig(start=0.5)).events.class_start == {}


def test_urgent_classes_are_the_bundles_and_how_urgent_can_be_chosen() -> None:
    stated = Thresholds(start=0.6, end=0.3, urgent={"wave": 0.25})
    manifest = tiny_manifest(("idle", "wave", "point"), thresholds=stated)
    assert rules_for(manifest, RecognizerConfig()).events.urgent == {1: 0.25}
    # A start for all classes is no start of urgent ones.
    assert rules_for(manifest, RecognizerConfig(start=0.9)).events.urgent == {1: 0.25}
    assert rules_for(manifest, RecognizerConfig(urgent_start=0.5)).events.urgent == {1: 0.5}
    assert rules_for(manifest, RecognizerConfig(urgent_start=1.0)).events.urgent == {}
    with pytest.raises(ConfigurationError, match=r"urgent_start is 1\.5"):
        RecognizerConfig(urgent_start=1.5)


def test_a_limit_of_doubt_is_the_users_and_none_by_default() -> None:
    assert rules_for(tiny_manifest(), RecognizerConfig()).events.max_doubt == 1.0
    assert rules_for(tiny_manifest(), RecognizerConfig(max_doubt=0.05)).events.max_doubt == 0.05
    with pytest.raises(ConfigurationError, match=r"max_doubt is -0\.5"):
        rules_for(tiny_manifest(), RecognizerConfig(max_doubt=-0.5))
