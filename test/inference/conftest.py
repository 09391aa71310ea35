"""A machine with a GPU made of host memory, and TensorRT on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.synthetic import write_tiny_bundle
from bharnet_ros.bundle import Bundle

sys.path.append(str(Path(__file__).parent))  # what several tests share
from fake_driver import FakeDriver
from fake_tensorrt import FakeTensorRT, FakeTensorRT8


@pytest.fixture
def tiny(tmp_path: Path) -> Bundle:
    return write_tiny_bundle(tmp_path / "tiny")


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> FakeDriver:
    """A machine with one GPU "Orin"."""
    fake = FakeDriver()
    monkeypatch.setattr("ctypes.CDLL", lambda name: fake)
    return fake


@pytest.fixture
def tensorrt(
    driver: FakeDriver, tiny: Bundle, monkeypatch: pytest.MonkeyPatch
) -> FakeTensorRT:
    """TensorRT on that machine; `builds` counts its builds, each gives another plan;
    `built_on` holds the GPU that was current at each."""
    return _installed(FakeTensorRT(driver, tiny.onnx_path), monkeypatch)


@pytest.fixture
def tensorrt8(driver: FakeDriver, tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> FakeTensorRT:
    """The same before version 10."""
    return _installed(FakeTensorRT8(driver, tiny.onnx_path), monkeypatch)


def _installed(fake: FakeTensorRT, monkeypatch: pytest.MonkeyPatch) -> FakeTensorRT:
    fake.builds = []  # type: ignore[attr-defined]
    fake.built_on = []  # type: ignore[attr-defined]

    def build(*arguments: Any) -> bytes:
        fake.builds.append(arguments)  # type: ignore[attr-defined]
        fake.built_on.append(fake.driver.current)  # type: ignore[attr-defined]
        return b"plan %d" % len(fake.builds)  # type: ignore[attr-defined]

    monkeypatch.setitem(sys.modules, "tensorrt", fake)
    monkeypatch.setattr("bharnet_ros.inference.tensorrt.finding.build_plan", build)
    return fake
