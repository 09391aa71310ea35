"""What each engine can be told: typed, checked, and read from texts such as node parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import yaml

from bharnet_ros import plain_yaml
from bharnet_ros.errors import ConfigurationError

PRECISIONS = ("fp32", "tf32", "fp16", "int8")
MAX_BATCH = 256
MAX_THREADS = 256
MAX_WORKSPACE_MB = 1_000_000

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""Short names of ONNX Runtime's execution providers; its own names are taken too."""


@dataclass(frozen=True)
class OnnxRuntimeOptions:
    """threads: cores it may use; 1 or 2 leave the others to the pose networks.

    providers: execution providers in order of preference, short ("cuda") or in full. The first
    must start: falling back to the CPU in silence is what nobody wants to find out later.
    precision: fp32, or fp16 with the provider tensorrt. max_batch: people in one run that the
    provider tensorrt prepares for. device: which GPU.
    """

    threads: int = 1
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    precision: str = "fp32"
    max_batch: int = 16
    device: int = 0

    def __post_init__(self) -> None:
        _between("threads", self.threads, 1, MAX_THREADS)
        _between("max_batch", self.max_batch, 1, MAX_BATCH)
        _at_least("device", self.device, 0)
        _one_of("precision", self.precision, ("fp32", "fp16"))
        if not self.providers:
            raise ConfigurationError(
                "ONNX Runtime provider (none given); name at least one, such as 'cpu'."
            )
        names = tuple(PROVIDERS.get(name, name) for name in self.providers)
        object.__setattr__(self, "providers", names)
        if self.precision == "fp16" and PROVIDERS["tensorrt"] not in names:
            raise ConfigurationError(
                "precision is 'fp16', which ONNX Runtime does with the provider tensorrt only; add "
                "providers=tensorrt or leave precision at fp32."
            )


@dataclass(frozen=True)
class TensorRTOptions:
    """precision: fp32 (exact), tf32, fp16, or int8 with calibration windows.

    max_batch: people in one run; more are run in turns. opt_batch: the number it is tuned for
    (one person has a profile of its own). cuda_graphs: replay the launches of a run as one.
    calibration: a file of `save_calibration` for int8. workspace_mb: scratch memory of the build,
    0 = as much as there is. timing_cache: remember what the builder measured, for the next build.
    device: which GPU.
    """

    precision: str = "fp32"
    max_batch: int = 16
    opt_batch: int = 4
    cuda_graphs: bool = True
    calibration: str = ""
    workspace_mb: int = 0
    timing_cache: bool = True
    device: int = 0

    def __post_init__(self) -> None:
        _one_of("precision", self.precision, PRECISIONS)
        _between("max_batch", self.max_batch, 1, MAX_BATCH)
        _between("opt_batch", self.opt_batch, 1, MAX_BATCH)
        _between("workspace_mb", self.workspace_mb, 0, MAX_WORKSPACE_MB)
        _at_least("device", self.device, 0)
        if (self.precision == "int8") != bool(self.calibration):
            raise ConfigurationError(
                f"precision is '{self.precision}' and calibration '{self.calibration}'; int8 needs "
                "a file of windows (python -m bharnet_ros engines windows), the others none."
            )

    @property
    def profiles(self) -> tuple[tuple[int, int, int], ...]:
        """Batch sizes (least, tuned for, most): one person alone, and several."""
        if self.max_batch == 1:
            return ((1, 1, 1),)
        return ((1, 1, 1), (2, min(max(self.opt_batch, 2), self.max_batch), self.max_batch))


@dataclass(frozen=True)
class TorchOptions:
    """device: a torch device, "cuda" or "cuda:1"; "cpu" for comparison.

    precision: fp32 (exact) or fp16 (autocast). max_batch: people in one run; more are run in
    turns. cuda_graphs: capture a graph per batch size and replay it.
    """

    device: str = "cuda"
    precision: str = "fp32"
    max_batch: int = 16
    cuda_graphs: bool = True

    def __post_init__(self) -> None:
        _one_of("precision", self.precision, ("fp32", "fp16"))
        _between("max_batch", self.max_batch, 1, MAX_BATCH)


EngineOptions = OnnxRuntimeOptions | TensorRTOptions | TorchOptions

OPTIONS: Mapping[str, type[EngineOptions]] = {
    "onnxruntime": OnnxRuntimeOptions,
    "tensorrt": TensorRTOptions,
    "tensorrt_rtx": TensorRTOptions,
    "torch": TorchOptions,
}
"""The options of every engine."""

ENGINES = tuple(OPTIONS)
"""Names of all engines, whether their packages are installed or not."""


def check_options(name: str, options: Mapping[str, Any]) -> EngineOptions:
    """The options of the engine `name`, those that are not given at their defaults.

    Raises ConfigurationError for an engine or option that does not exist, or a value it cannot
    be.
    """
    kind = _kind(name)
    kinds = {field.name: str(field.type) for field in fields(kind)}
    unknown = [key for key in options if key not in kinds]
    if unknown:
        raise ConfigurationError(
            f"The engine {name} has no option '{unknown[0]}'; it has {', '.join(kinds)}."
        )
    return kind(**{key: _typed(key, v, kinds[key]) for key, v in options.items()})


def engine_options(name: str, texts: Sequence[str], threads: int | None = None) -> dict[str, Any]:
    """Options for `create_engine` from texts like "precision=fp16" or "providers=cuda,cpu".

    threads: given on to engines that have threads, unless a text says otherwise.
    Raises ConfigurationError as `check_options` does, so a wrong one is refused before any work.
    """
    given: dict[str, Any] = {}
    for name_given, value in (_parse(text) for text in texts if text.strip()):
        if name_given in given:
            raise ConfigurationError(
                f"The engine option {name_given} is given twice, as {given[name_given]!r} and as "
                f"{value!r}; leave one out."
            )
        given[name_given] = value
    if threads is not None and any(f.name == "threads" for f in fields(_kind(name))):
        given = {"threads": threads, **given}
    check_options(name, given)
    return given


def _parse(text: str) -> tuple[str, Any]:
    """"max_batch=8" -> ("max_batch", 8); the value is a YAML scalar."""
    name, separator, value = text.partition("=")
    if not separator or not name.strip().isidentifier():
        raise ConfigurationError(
            f"The engine option {text!r} is not of the form name=value, like precision=fp16."
        )
    try:
        return name.strip(), plain_yaml.load(value)
    except yaml.YAMLError:
        raise ConfigurationError(f"The value of the engine option {text!r} is not YAML.") from None


def _kind(name: str) -> type[EngineOptions]:
    if name not in OPTIONS:
        raise ConfigurationError(
            f"Inference engine '{name}' is not known; use one of {', '.join(ENGINES)}."
        )
    return OPTIONS[name]


def _typed(name: str, value: Any, kind: str) -> Any:
    """A list of names may be given as one text with commas; a bool is never a number."""
    if kind.startswith("tuple"):
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        if isinstance(value, Sequence) and all(isinstance(part, str) for part in value):
            return tuple(value)
        wanted = "names with commas between them"
    elif kind == "int":
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        wanted = "a whole number"
    elif kind == "bool":
        if isinstance(value, bool):
            return value
        wanted = "true or false"
    else:
        if isinstance(value, str):
            return value
        wanted = "a text"
    raise ConfigurationError(f"{name} is {value!r}; it must be {wanted}.")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ConfigurationError(
            f"{name} is {value!r}; it must be a whole number of at least {least}."
        )


def _between(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ConfigurationError(f"{name} is {value!r}; it must be from {least} to {most}.")


def _one_of(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{name} is '{value}'; it must be one of {', '.join(choices)}.")
