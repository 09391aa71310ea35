"""Some hundred altered inputs for everything that reads what comes from outside. (Thousands:
`python -m benchmarks.fuzz`.)"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from benchmarks.fuzz import fuzz, main
from benchmarks.fuzzing.targets import Target

CASES = {
    "bag.mcap": 12, "bag.db3": 12, "bag.mcap.zstd": 10, "metadata.yaml": 6, "manifest": 60,
    "manifest.json": 25, "labels.csv": 20, "labels.tsv": 15, "labels.yaml": 25, "labels.eaf": 25,
    "labels.json": 20, "label change": 30, "gestures.yaml": 6, "evaluation.json": 15,
    "params.yaml": 20, "pose_options": 30, "engine_options": 30, "qos": 20,
    "image": 60, "compressed image": 40, "skeletons": 25,
    "viewer": 40, "label page": 40, "socket": 20,
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_used_or_refused_and_nothing_else(targets: Mapping[str, Target], name: str) -> None:
    outcome, fault = fuzz(targets[name], CASES[name])
    assert fault == "" and outcome.faults == 0, fault
    assert outcome.cases == outcome.used + outcome.refused >= CASES[name] // 2


def test_every_target_is_here(targets: Mapping[str, Target]) -> None:
    assert set(targets) == set(CASES)


def test_a_fault_is_found_and_told(
    targets: Mapping[str, Target], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from bharnet_ros import node_parameters

    def careless(texts: list[str]) -> None:
        if "9" in texts[0]:
            raise IndexError("a nine")

    monkeypatch.setattr(node_parameters, "parse_options", careless)
    assert main(["--only", "pose_options", "--cases", "200"]) == 1
    assert "a nine" in capsys.readouterr().err
