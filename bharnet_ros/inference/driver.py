"""Is there an NVIDIA driver with a GPU? Asked through ctypes, before anything is built on it.

TensorRT's runtime crashes the whole process where there is no driver, so the driver's own library
is asked first and its answer turned into a sentence.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bharnet_ros.errors import BackendUnavailable

LIBRARY = "libcuda.so.1"
_MAJOR, _MINOR, _PROCESSORS = 75, 76, 16  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, …
_REMEDIES = {
    34: "what was found is the stub that comes with the CUDA toolkit; take its folder off "
    "LD_LIBRARY_PATH, or start the container with the NVIDIA runtime",
    35: "the driver is older than this CUDA; update the driver",
    100: "no GPU is visible; check `nvidia-smi` and CUDA_VISIBLE_DEVICES, and start a container "
    "with `--gpus all` (`--runtime nvidia` on Jetson)",
    101: "there is no such GPU; check CUDA_VISIBLE_DEVICES",
    802: "the GPU is still starting; wait for its services (nvidia-fabricmanager)",
    803: "the driver's library and kernel module differ; reboot after a driver update, and in a "
    "container do not install a driver of its own",
    999: "the driver cannot reach its kernel module; try `nvidia-smi`, then a reboot",
}


@dataclass(frozen=True)
class Gpu:
    """One GPU: its place among those visible, name, compute capability, number of
    multiprocessors, memory in bytes."""

    index: int
    name: str
    compute_capability: tuple[int, int]
    multiprocessors: int
    memory_bytes: int

    @property
    def model(self) -> str:
        """What an engine is built for; all Orins have one name, but they are not alike."""
        major, minor = self.compute_capability
        return f"{self.name} (SM {major}.{minor} x {self.multiprocessors})"


@dataclass(frozen=True)
class Driver:
    """The loaded library, its CUDA version ("12.8"), and the GPUs it sees; at least one."""

    library: Any
    cuda_version: str
    gpus: tuple[Gpu, ...]

    def gpu(self, index: int) -> Gpu:
        """Raises BackendUnavailable if there are fewer."""
        if index >= len(self.gpus):
            raise BackendUnavailable(
                f"GPU {index} is asked for, but the driver sees {len(self.gpus)} "
                f"({', '.join(gpu.name for gpu in self.gpus)}); set device to a smaller number."
            )
        return self.gpus[index]


def load_driver(load: Callable[[str], Any] | None = None) -> Driver:
    """The driver of this machine. load: how a library is opened, by default ctypes.CDLL.

    Raises BackendUnavailable that says what is missing and what helps.
    """
    try:
        library = (load or ctypes.CDLL)(LIBRARY)
    except OSError:
        raise BackendUnavailable(
            f"There is no NVIDIA driver ({LIBRARY} cannot be loaded): install the driver of the "
            "GPU, in a container start it with `--gpus all` (`--runtime nvidia` on Jetson), or "
            "use the engine onnxruntime, which needs no GPU."
        ) from None
    _call(library, "cuInit", 0)
    version, count = ctypes.c_int(), ctypes.c_int()
    _call(library, "cuDriverGetVersion", ctypes.byref(version))
    _call(library, "cuDeviceGetCount", ctypes.byref(count))
    if count.value < 1:
        raise _unusable("cuDeviceGetCount", 100, library)
    cuda_version = f"{version.value // 1000}.{version.value % 1000 // 10}"
    return Driver(library, cuda_version, tuple(_gpu(library, i) for i in range(count.value)))


def driver_problem(load: Callable[[str], Any] | None = None) -> str:
    """Why no GPU can be used here; "" if one can."""
    try:
        load_driver(load)
    except BackendUnavailable as error:
        return str(error)
    return ""


def error_name(library: Any, code: int) -> str:
    """The driver's name of an error code, like CUDA_ERROR_OUT_OF_MEMORY."""
    text = ctypes.c_char_p()
    function = getattr(library, "cuGetErrorName", None)
    if function is None or function(code, ctypes.byref(text)) != 0 or not text.value:
        return f"CUDA error {code}"
    return text.value.decode("ascii", "replace")


def _gpu(library: Any, index: int) -> Gpu:
    device = ctypes.c_int()
    _call(library, "cuDeviceGet", ctypes.byref(device), index)
    name = ctypes.create_string_buffer(256)
    _call(library, "cuDeviceGetName", name, len(name), device)
    memory = ctypes.c_size_t()
    _call(library, "cuDeviceTotalMem_v2", ctypes.byref(memory), device)
    major, minor, processors = (
        _attribute(library, device, which) for which in (_MAJOR, _MINOR, _PROCESSORS)
    )
    text = name.value.decode("utf-8", "replace")
    return Gpu(index, text, (major, minor), processors, memory.value)


def _attribute(library: Any, device: ctypes.c_int, which: int) -> int:
    value = ctypes.c_int()
    _call(library, "cuDeviceGetAttribute", ctypes.byref(value), which, device)
    return value.value


def _call(library: Any, function: str, *arguments: Any) -> None:
    code = getattr(library, function)(*arguments)
    if code != 0:
        raise _unusable(function, int(code), library)


def _unusable(function: str, code: int, library: Any) -> BackendUnavailable:
    remedy = _REMEDIES.get(code, "check the installation of the driver with `nvidia-smi`")
    return BackendUnavailable(
        f"The NVIDIA driver cannot be used ({function}: {error_name(library, code)}): {remedy}, "
        "or use the engine onnxruntime, which needs no GPU."
    )
