"""The command: what is written, what is skipped and why."""

from __future__ import annotations

import json

import pytest

from bharnet_ros.errors import ConfigurationError
from training import cli
from training.commands import measure
from training.measuring import catalogue, data
from training.measuring.catalogue import MEASUREMENTS, Request, run
from training.measuring.reporting import Result, number, percent, write_result


@pytest.fixture
def request_of(tmp_path, judge):
    def make(**changes):
        fields = {
            "bundle": str(judge.bundle.path), "peer": None, "data": tmp_path / "data",
            "cache": tmp_path / "cache", "output": tmp_path / "results", "command": "measure",
            "report": lambda text: None,
        }  # fmt: skip
        return Request(**{**fields, **changes})

    return make


def test_the_command_knows_every_measurement():
    assert set(measure._WHAT) == set(MEASUREMENTS)


def test_data_that_are_not_there_are_named(request_of, tmp_path):
    with pytest.raises(data.DataMissing, match="give the folder that holds it with --data"):
        run(request_of(), ["landmarks"])


def test_all_goes_on_without_what_is_missing(request_of, monkeypatch):
    said = []
    monkeypatch.setattr(
        catalogue, "MEASUREMENTS",
        {"landmarks": MEASUREMENTS["landmarks"],
         "fine": (lambda request: Result("fine", "Fine", {"a": 0.5}, "text"), "none")},
    )  # fmt: skip
    written = run(request_of(report=said.append), ["landmarks", "fine"])
    assert [path.name for path in written] == ["gestures_fine.md"]
    assert said[0].startswith("landmarks skipped: ")


def test_a_result_says_how_it_was_measured(request_of, monkeypatch, judge):
    monkeypatch.setattr(
        catalogue, "MEASUREMENTS",
        {"fine": (lambda request: Result("fine", "Fine", {"a": float("nan")}, "text"), "none")},
    )  # fmt: skip
    request = request_of()
    run(request, ["fine"])
    found = json.loads((request.output / "gestures_fine.json").read_text("utf-8"))
    assert found["bundles"] == {"tiny": judge.sha256[:12]}
    assert found["command"] == "measure"
    assert found["seed"] == 7
    assert "threads" in found["machine"]
    assert found["figures"] == {"a": None}


def test_a_tag_keeps_reports_apart_and_films_may_be_fewer(request_of, monkeypatch):
    asked = []

    def make_set(wanted, *_):
        asked.append(wanted.scenes)
        return []

    monkeypatch.setattr(catalogue.films, "make_set", make_set)
    written = run(request_of(tag="new", films=3), ["drawn"])
    assert [path.name for path in written] == ["gestures_drawn_new.md"]
    assert asked == [3]


def test_bundle_and_peer_of_one_name_are_refused(request_of, judge):
    with pytest.raises(ConfigurationError, match="both named 'tiny'"):
        _ = request_of(peer=str(judge.bundle.path)).judges


def test_the_command_line_says_what_is_wrong(capsys, tmp_path):
    words = ["measure", "landmarks", "--bundle", "nowhere", "--data", str(tmp_path)]
    assert cli.main(words) == 2
    assert "error: " in capsys.readouterr().err
    assert cli.main(["measure", "landmarks", "--workers", "0"]) == 2
    assert "--workers is 0" in capsys.readouterr().err


def test_numbers_that_are_none_are_dashes(tmp_path):
    assert percent(float("nan")) == number(None) == "-"
    assert percent(0.975) == "97.5 %"
    write_result(tmp_path, Result("x", "X", {}, "body"), {"split": "s"})
    assert (tmp_path / "gestures_x.md").read_text("utf-8").startswith("# X\n\n- split: s\n")


def test_real_data_are_what_they_are_said_to_be(shared_data):
    hands = data.load_landmarks(shared_data)
    assert hands.points.shape == (1200, 21, 2)
    assert len(set(hands.label)) == 12
    shapes = data.load_hand_shapes(shared_data)
    assert shapes.points.shape == (7421, 21, 2)
    assert len(set(shapes.source)) == 9
    pictures = list(data.photographs(shared_data))
    assert len(pictures) == 190
    assert len({picture.label for picture in pictures}) == 19
    nine = list(data.digits(shared_data, ("9",)))
    assert {picture.label for picture in nine} == {"9"}
    assert nine[0].image.shape == (300, 300, 3)
    later = list(data.later_digits(shared_data, ("5",), ("9",)))
    first = round(0.5 * sum(1 for _ in data.digits(shared_data, ("5",))))
    assert [p.label for p in later].count("5") in (first, first - 1, first + 1)
    assert [p.name for p in later if p.label == "9"] == [p.name for p in nine]
    assert len(data.signing_clips(shared_data)) == 5
