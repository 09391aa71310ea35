"""Plans of drawn recordings are checked before anything is drawn."""

from __future__ import annotations

import json

import pytest
import yaml
from small_plans import small_plan

from bharnet_ros.errors import ConfigurationError
from training.data import load_protocol
from training.data.drawn_plans import available_plans, load_plan, plan_from


@pytest.mark.parametrize("name", available_plans())
def test_shipped_plans_keep_people_and_backgrounds_of_the_test_to_themselves(name):
    plan = load_plan(name)
    test = plan.parts["test"]
    for part in (part for part in plan.parts.values() if part is not test):
        assert not set(part.backgrounds) & set(test.backgrounds)
        assert part.actors[1] < test.actors[0] or test.actors[1] < part.actors[0]
    protocol = load_protocol(name)
    assert set(protocol.test["setup"]) == set(test.backgrounds)


def test_what_json_kept_is_the_same_plan(tmp_path):
    plan = small_plan()
    assert plan_from(json.loads(json.dumps(plan.to_dict())), "sheet") == plan
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(plan.to_dict()))))
    assert load_plan(tmp_path / "mine.yaml") == plan


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format 2"),
        ({"fps": []}, "at least one"),
        ({"fps": [0.0]}, "fps"),
        ({"window_s": [2.0, 1.0]}, "window_s"),
        ({"hand_loss": 1.5}, "hand_loss"),
        ({"distance_m": [0.0, 1.0]}, "distance_m"),
        ({"cameras": [{"height": 8, "width": 8, "focal_px": 9.0}]}, "draws nobody"),
        ({"colour": "red"}, "no key 'colour'"),
        ({"speed": "fast"}, "speed"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(change, words):
    content = json.loads(json.dumps(small_plan().to_dict()))
    with pytest.raises(ConfigurationError, match=words):
        plan_from({**content, **change}, "plan.yaml")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"actors": [50, 70]}, "share actors"),
        ({"actors": [5, 3]}, "actors"),
        ({"backgrounds": ["moon"]}, "moon"),
        ({"backgrounds": []}, "backgrounds"),
        ({"paired": -1}, "negative"),
    ],
)
def test_parts_that_make_no_sense(change, words):
    content = json.loads(json.dumps(small_plan().to_dict()))
    content["parts"]["test"].update(change)
    with pytest.raises(ConfigurationError, match=words):
        plan_from(content, "plan.yaml")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigurationError, match="held_objects"):
        load_plan(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("seed: 1\nname: x\nseed: 2\n")
    with pytest.raises(ConfigurationError, match="'seed' is given twice: in line 1 and again in"):
        load_plan(tmp_path / "bad.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ConfigurationError, match="valid YAML"):
        load_plan(tmp_path / "bad.yaml")
