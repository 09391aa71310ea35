from __future__ import annotations

import pickle
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="importing needs PyTorch")

from bharnet_ros.errors import ConfigurationError  # noqa: E402
from training.importing.checkpoint import read_checkpoint  # noqa: E402

RAN = []


class Malicious:
    """Unpickling it would call `record`."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return record, ("ran",)


def record(text: str) -> str:
    RAN.append(text)
    return text


def test_plain_and_wrapped_state_dicts(tmp_path: Path) -> None:
    state = {"module.a": torch.ones(2, dtype=torch.float64), "module.n": torch.tensor(3)}
    for content in (state, {"state_dict": state, "meta": {"epoch": 16}}, {"model": state}):
        torch.save(content, tmp_path / "x.pth")
        found = read_checkpoint(tmp_path / "x.pth")
        assert sorted(found) == ["a", "n"] and found["a"].dtype == torch.float32


def test_code_is_never_run(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(2)}, "meta": Malicious()}, tmp_path / "x.pth")
    with pytest.raises(ConfigurationError, match=r"would run code.*torch\.save"):
        read_checkpoint(tmp_path / "x.pth")
    (tmp_path / "y.pth").write_bytes(pickle.dumps({"a": Malicious()}, protocol=2))
    with pytest.raises(ConfigurationError):
        read_checkpoint(tmp_path / "y.pth")
    assert RAN == []


@pytest.mark.parametrize("size", [0, 10, 100, 600, -1, -200])
def test_a_cut_off_file(tmp_path: Path, size: int) -> None:
    torch.save({"a": torch.rand(100)}, tmp_path / "x.pth")
    whole = (tmp_path / "x.pth").read_bytes()
    (tmp_path / "x.pth").write_bytes(whole[:size])
    with pytest.raises(ConfigurationError, match=r"cannot be read.*copy it again"):
        read_checkpoint(tmp_path / "x.pth")


def test_something_else(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not a file"):
        read_checkpoint(tmp_path)
    (tmp_path / "x.pth").write_text("<html>Not found</html>")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_checkpoint(tmp_path / "x.pth")
    for content in ([torch.ones(1)], {}, {"a": torch.ones(1), "b": "text"}, 3):
        torch.save(content, tmp_path / "x.pth")
        with pytest.raises(ConfigurationError, match="no dictionary of tensors"):
            read_checkpoint(tmp_path / "x.pth")
    torch.save({"a": torch.tensor([1.0, float("nan")])}, tmp_path / "x.pth")
    with pytest.raises(ConfigurationError, match="'a' holds numbers that are not finite"):
        read_checkpoint(tmp_path / "x.pth")
