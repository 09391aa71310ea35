"""Events of pairs are counted as right, taken for the partner, for something else, or missed."""

from __future__ import annotations

from benchmarks.held_objects import Way, table
from bharnet_ros.evaluation import Episode

PARTNERS = {"drink": "phone", "phone": "drink"}
NS = 1_000_000_000


def episode(name: str, second: int) -> Episode:
    return Episode(0, name, second * NS, (second + 2) * NS)


def test_outcomes_and_false_alarms() -> None:
    way = Way()
    truth = [episode(name, 10 * k) for k, name in enumerate(("drink", "drink", "phone", "wave"))]
    found = [episode("drink", 0), episode("phone", 10), episode("wave", 20), episode("wave", 50)]
    way.add(truth, found, PARTNERS)
    row = way.row(["drink", "phone"])
    assert row["events"]["right"] == 1 and row["events"]["count"] == 3
    assert (row["other of the pair"], row["something else"], row["missed"]) == (1, 1, 0)
    assert way.row(["wave"])["missed"] == 1 and way.false_alarms == 1


def test_the_table_names_everything() -> None:
    way = Way()
    way.add([episode("drink", 0)], [episode("drink", 0)], PARTNERS)
    figures = {
        "scenes": 1, "seconds": 30.0, "people": 1, "fps": 10.0, "seed": 7, "asked": 9,
        "judged_with_pixels": 8, "false_alarms": {"skeleton": 1, "pixels": 0},
        "events": {"drink / phone": {"skeleton": way.row(["drink"]), "pixels": way.row(["drink"])}},
    }  # fmt: skip
    text = table(figures)
    assert "drink / phone" in text and "100.0 (20.6 to 100.0)" in text
    assert "8 of 9 judgements" in text and "skeleton 1, pixels 0" in text
