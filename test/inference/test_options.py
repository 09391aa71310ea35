from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.inference import ENGINES, engine_options
from bharnet_ros.inference.options import OPTIONS, check_options


def test_texts_become_typed_options() -> None:
    texts = ["precision=fp16", " max_batch = 8", "cuda_graphs=false", ""]
    found = engine_options("tensorrt", texts)
    assert found == {"precision": "fp16", "max_batch": 8, "cuda_graphs": False}
    assert check_options("tensorrt", found).max_batch == 8


def test_threads_go_to_engines_that_have_them() -> None:
    assert engine_options("onnxruntime", [], 2) == {"threads": 2}
    assert engine_options("onnxruntime", ["threads=3"], 2) == {"threads": 3}
    for name in ("tensorrt", "tensorrt_rtx", "torch"):
        assert engine_options(name, [], 2) == {}


def test_providers_by_short_names() -> None:
    given = engine_options("onnxruntime", ["providers=cuda,cpu"])
    options: Any = check_options("onnxruntime", given)
    assert options.providers == ("CUDAExecutionProvider", "CPUExecutionProvider")


@pytest.mark.parametrize("name", ENGINES)
def test_every_option_is_documented_and_has_a_default(name: str) -> None:
    kind = OPTIONS[name]
    for field in dataclasses.fields(kind):
        assert f"{field.name}:" in (kind.__doc__ or ""), field.name
    assert check_options(name, {}) == kind()


def test_one_person_and_several_have_profiles() -> None:
    assert check_options("tensorrt", {}).profiles == ((1, 1, 1), (2, 4, 16))
    assert check_options("tensorrt", {"max_batch": 1}).profiles == ((1, 1, 1),)
    assert check_options("tensorrt", {"max_batch": 2}).profiles == ((1, 1, 1), (2, 2, 2))


@pytest.mark.parametrize(
    ("name", "texts", "message"),
    [
        ("tflite", [], "'tflite' is not known; use one of onnxruntime, tensorrt"),
        ("tensorrt", ["threads=2"], "has no option 'threads'; it has precision"),
        ("tensorrt", ["precision"], "'precision' is not of the form name=value"),
        ("tensorrt", ["precision=[fp16"], "is not YAML"),
        ("tensorrt", ["precision=half"], "precision is 'half'; it must be one of fp32"),
        ("tensorrt", ["max_batch=0"], "max_batch is 0; it must be from 1 to 256"),
        ("tensorrt", ["max_batch=many"], "max_batch is 'many'; it must be a whole number"),
        ("tensorrt", ["max_batch=true"], "max_batch is True; it must be a whole number"),
        ("tensorrt", ["cuda_graphs=1"], "cuda_graphs is 1; it must be true or false"),
        ("tensorrt", ["precision=int8"], "int8 needs a file of windows"),
        ("tensorrt", ["calibration=w.npz"], "int8 needs a file of windows"),
        ("tensorrt_rtx", ["workspace_mb=-1"], "workspace_mb is -1"),
        ("tensorrt_rtx", ["workspace_mb=100000000000000"], "workspace_mb is 1.*to 1000000"),
        ("onnxruntime", ["threads=10000000000"], "threads is 10000000000; it must be from 1 to"),
        ("tensorrt", ["precision=fp16", "precision = fp32"], "twice, as 'fp16' and as 'fp32'"),
        ("torch", ["device=0"], "device is 0; it must be a text"),
        ("torch", ["precision=int8"], "precision is 'int8'"),
        ("onnxruntime", ["providers=[1]"], "names with commas"),
        ("onnxruntime", ["precision=fp16"], "with the provider tensorrt only"),
    ],
)
def test_wrong_ones_are_named(name: str, texts: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        engine_options(name, texts)
