from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.pose.topdown import TopDownOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_people", 0),
        ("max_people", 65),
        ("max_people", 2.5),
        ("max_people", True),
        ("max_people", "two"),
        ("detect_every_s", -0.1),
        ("detect_every_s", float("nan")),
        ("detect_every_s", None),
        ("min_score", 0.0),
        ("min_score", 1.0),
        ("min_person_px", 0.0),
        ("min_person_px", float("inf")),
    ],
)
def test_options_out_of_range_are_named(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is {value!r}"):
        TopDownOptions(**{name: value})


def test_a_whole_number_may_be_written_with_a_point() -> None:
    found = TopDownOptions(max_people=4.0).max_people  # type: ignore[arg-type]
    assert found == 4 and isinstance(found, int)


def test_the_names_are_those_of_the_options() -> None:
    assert tuple(field.name for field in fields(TopDownOptions)) == TopDownOptions.NAMES


def test_numbers_of_numpy_are_numbers() -> None:
    assert TopDownOptions(max_people=np.int64(4), min_score=np.float32(0.5)).max_people == 4
