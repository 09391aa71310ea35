from __future__ import annotations

from typing import Any

import pytest

from bharnet_ros.bundle import Bundle
from bharnet_ros.errors import BackendUnavailable
from bharnet_ros.inference import create_engine
from bharnet_ros.inference.driver import driver_problem, load_driver

pytest.importorskip("onnx", reason="the tiny graph is built with onnx")


def no_library(name: str) -> Any:
    raise OSError(f"{name}: cannot open shared object file")


def test_a_gpu_is_described(driver: Any) -> None:
    found = load_driver()
    assert found.cuda_version == "12.6"
    [gpu] = found.gpus
    assert (gpu.index, gpu.name, gpu.compute_capability) == (0, "Orin", (8, 7))
    assert gpu.memory_bytes == driver.limit
    assert gpu.model == "Orin (SM 8.7 x 14)"
    assert driver_problem() == ""


def test_without_a_driver_the_sentence_says_what_to_install() -> None:
    with pytest.raises(BackendUnavailable, match=r"libcuda\.so\.1.*--gpus all.*onnxruntime"):
        load_driver(no_library)
    assert "There is no NVIDIA driver" in driver_problem(no_library)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (100, "CUDA_ERROR_NO_DEVICE.*CUDA_VISIBLE_DEVICES"),
        (34, "stub that comes with the CUDA toolkit"),
        (803, "reboot after a driver update"),
        (12345, "CUDA_ERROR_UNKNOWN.*nvidia-smi"),
    ],
)
def test_what_the_driver_answers_is_turned_into_a_remedy(
    driver: Any, code: int, message: str
) -> None:
    driver.fail["cuInit"] = code
    with pytest.raises(BackendUnavailable, match=message):
        load_driver()


def test_a_driver_without_gpus(driver: Any) -> None:
    driver.gpus = ()
    with pytest.raises(BackendUnavailable, match="no GPU is visible"):
        load_driver()


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt_rtx"])
def test_the_driver_is_asked_before_a_runtime_is_made(
    tiny: Bundle, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Deserializing an engine without a driver would end the process."""
    monkeypatch.setattr("ctypes.CDLL", no_library)
    with pytest.raises(BackendUnavailable, match="There is no NVIDIA driver"):
        create_engine(tiny, name)
