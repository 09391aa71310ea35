from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="importing needs PyTorch")

from bharnet_ros.errors import ConfigurationError  # noqa: E402
from training.importing.classes import choose_classes, trained_outputs  # noqa: E402


def test_rows_that_are_all_alike_were_never_trained() -> None:
    weight = torch.rand(6, 8)
    bias = torch.rand(6)
    weight[[1, 3, 4]] = weight[1].clone()
    bias[[1, 3, 4]] = bias[1].clone()
    assert trained_outputs(weight, bias) == [0, 2, 5]
    weight[5], bias[5] = 0.0, 0.0
    assert trained_outputs(weight, bias) == [0, 2]
    bias[4] += 0.1  # told apart by the bias alone
    assert trained_outputs(weight, bias) == [0, 2, 4]


def test_names(tmp_path: Path) -> None:
    numbered = choose_classes([0, 2], 4, None, None)
    assert numbered.names == ("class_00", "class_02") and numbered.background == ""
    path = tmp_path / "classes.yaml"
    path.write_text("outputs: 4\nbackground: none\nnames: {0: wave, 2: none, 3: never}\n")
    chosen = choose_classes([0, 2], 4, path, None)
    assert chosen.names == ("wave", "none") and chosen.background == "none"
    assert chosen.outputs == (0, 2)
    assert choose_classes([0, 2], 4, path, "").background == ""
    path.write_text("[a, b, c, d]")
    assert choose_classes([0, 2], 4, path, "c").names == ("a", "c")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a, b]", "is for a network of 2 outputs, this one has 4"),
        ("names: {0: wave}", "names no class for the trained outputs 2"),
        ("names: {0: wave, 2: ''}", "trained outputs 2"),
        ("names: {0: wave, 2: wave}", "names several outputs 'wave'"),
        ("names: {0: a, 2: b}\nbackground: c", "background class 'c' is not one"),
        ("names: [a]", "neither a list of names nor"),
        ("3", "neither a list of names nor"),
        ("names: {0: a, 2: b}\nlabels: 3", "unknown entry labels"),
        ("names: {", "cannot be read"),
        ("names: {0: a, 2: b, 0: c}", "'0' is given twice: in line 1"),
    ],
)
def test_a_bad_class_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        choose_classes([0, 2], 4, path, None)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        choose_classes([0, 2], 4, tmp_path / "absent.yaml", None)


def test_an_untrained_network() -> None:
    with pytest.raises(ConfigurationError, match="Only 0 of 4 outputs"):
        choose_classes([], 4, None, None)
