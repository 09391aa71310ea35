"""Reading pickles without executing them.

A pickle is a program for a small machine, and loading one runs it: whoever made the file can run
anything here. This reader walks the instructions with `pickletools` (which only parses) and
carries out those that make plain values; names of classes and functions stay text, and only the
few with which NumPy describes an array are understood. Everything else is refused by its name.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from bharnet_ros.errors import ConfigurationError

_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|[SU]\d{1,6})")
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False,
    "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": set,
}  # fmt: skip
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE",
    "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Refused(Exception):
    """What the pickle asks for, in words."""


class _Mark:
    """Where a group of values on the stack begins."""


_MARK = _Mark()


class _Name(str):
    """module.name, never looked up."""


class _Unfinished:
    """A dtype or array between its making and its state; keys: where the memo holds it."""

    def __init__(self, kind: str, value: Any = None) -> None:
        self.kind = kind
        self.value = value
        self.keys: list[int] = []


def read_pickle(path: Path) -> Any:
    """The value in a pickle file: None, numbers, text, bytes, lists, tuples, dicts, sets, arrays.

    Raises ConfigurationError if the file is damaged or asks for anything else, with the name of
    what it asks for. Nothing of the file is executed in either case.
    """
    try:
        with path.open("rb") as file:
            return _run(_Within(file, path.stat().st_size))
    except _Refused as error:
        raise ConfigurationError(
            f"{path} asks for {error}; only plain containers, text, numbers and arrays of numbers "
            "are read from pickles, so that no file can run code here. Save it again as those."
        ) from error
    except (
        OSError, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError,
        MemoryError,
    ) as error:  # fmt: skip
        raise ConfigurationError(
            f"{path} is no readable pickle ({error}); copy it again."
        ) from error


class _Within:
    """A file that does not even try to read more than it holds, whatever a damaged length says."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self.tell = file.tell
        self.readline = file.readline

    def read(self, count: int) -> bytes:
        if count > self._size - self._file.tell():
            raise ValueError("it ends too early")
        return self._file.read(count)


def _run(file: _Within) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for opcode, argument, _ in pickletools.genops(cast(BinaryIO, file)):
        name = opcode.name
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name]())
        elif name in _TUPLES:
            stack[-_TUPLES[name] :] = [tuple(stack[-_TUPLES[name] :])]
        elif name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            key = len(memo) if argument is None else int(argument)
            memo[key] = stack[-1]
            if isinstance(stack[-1], _Unfinished):
                stack[-1].keys.append(key)
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[int(argument)])
        elif name == "MARK":
            stack.append(_MARK)
        elif name == "GLOBAL":
            stack.append(_Name(str(argument).replace(" ", ".", 1)))
        elif name == "STACK_GLOBAL":
            last, module = stack.pop(), stack.pop()
            stack.append(_Name(f"{module}.{last}"))
        elif name == "REDUCE":
            arguments, called = stack.pop(), stack.pop()
            stack.append(_call(called, arguments))
        elif name == "BUILD":
            state, target = stack.pop(), stack.pop()
            value = _build(target, state)
            stack.append(value)
            for key in target.keys:
                memo[key] = value
        elif name == "STOP":
            if len(stack) != 1 or isinstance(stack[0], (_Mark, _Name, _Unfinished)):
                raise ValueError("it ends without one finished value")
            return stack[0]
        elif name in ("PROTO", "FRAME"):
            continue
        elif name in _CONTAINERS:
            _CONTAINERS[name](stack)
        else:
            asked = f" of {_named(stack)}" if _named(stack) else ""
            raise _Refused(f"the instruction {name}{asked}")
    raise ValueError("it has no end")


def _named(stack: list[Any]) -> str:
    """The newest class or function name on the stack, for the message."""
    return next((str(entry) for entry in reversed(stack) if isinstance(entry, _Name)), "")


def _group(stack: list[Any]) -> list[Any]:
    """Take everything above the newest mark, and the mark."""
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth] is _MARK:
            values = stack[depth + 1 :]
            del stack[depth:]
            return values
    raise ValueError("a group without a beginning")


def _add(stack: list[Any], values: list[Any]) -> None:
    if type(stack[-1]) is not list:
        raise _Refused(f"appending to a {type(stack[-1]).__name__}")
    stack[-1].extend(values)


def _set(stack: list[Any], values: list[Any]) -> None:
    if type(stack[-1]) is not dict:
        raise _Refused(f"setting items of a {type(stack[-1]).__name__}")
    stack[-1].update(zip(values[::2], values[1::2], strict=True))


def _append(stack: list[Any]) -> None:
    value = stack.pop()
    _add(stack, [value])


def _set_item(stack: list[Any]) -> None:
    value, key = stack.pop(), stack.pop()
    _set(stack, [key, value])


def _append_group(stack: list[Any]) -> None:
    values = _group(stack)
    _add(stack, values)


def _set_group(stack: list[Any]) -> None:
    values = _group(stack)
    _set(stack, values)


def _add_group(stack: list[Any]) -> None:
    values = _group(stack)
    if type(stack[-1]) is not set:
        raise _Refused(f"adding to a {type(stack[-1]).__name__}")
    stack[-1].update(values)


def _make_dict(stack: list[Any]) -> None:
    values = _group(stack)
    stack.append(dict(zip(values[::2], values[1::2], strict=True)))


_CONTAINERS: dict[str, Callable[[list[Any]], Any]] = {
    "APPEND": _append,
    "APPENDS": _append_group,
    "LIST": lambda stack: stack.append(_group(stack)),
    "TUPLE": lambda stack: stack.append(tuple(_group(stack))),
    "DICT": _make_dict,
    "SETITEM": _set_item,
    "SETITEMS": _set_group,
    "ADDITEMS": _add_group,
    "FROZENSET": lambda stack: stack.append(frozenset(_group(stack))),
    "POP": lambda stack: stack.pop(),
    "POP_MARK": _group,
}


def _call(called: Any, arguments: Any) -> Any:
    """What the few known names make of their arguments; nothing is called by name."""
    if not isinstance(called, _Name):
        raise _Refused(f"a call of a {type(called).__name__}")
    name = called.replace("numpy._core.", "numpy.core.")
    if name == "numpy.dtype":
        return _Unfinished("dtype", _dtype(arguments[0]))
    if name == "numpy.core.multiarray._reconstruct" and arguments[0] == "numpy.ndarray":
        return _Unfinished("array")
    if name == "numpy.core.multiarray.scalar":
        return np.frombuffer(_data(arguments[1]), _dtype(arguments[0]), 1)[0]
    if name == "numpy.core.numeric._frombuffer":
        data, dtype, shape, order = arguments
        return _array(shape, dtype, order == "F", data)
    if name == "_codecs.encode" and arguments[1] in ("latin1", "latin-1"):
        return str(arguments[0]).encode("latin-1")
    if name == "collections.OrderedDict" and not arguments:
        return {}
    raise _Refused(f"{called}")


def _build(target: Any, state: Any) -> Any:
    if not isinstance(target, _Unfinished):
        raise _Refused(f"setting the state of a {type(target).__name__}")
    if target.kind == "dtype":
        if state[1] not in ("<", ">", "|", "=") or any(state[2:5]):
            raise _Refused(f"the dtype state {state!r}")
        return target.value.newbyteorder(state[1])
    _, shape, dtype, fortran, data = state
    return _array(shape, dtype, bool(fortran), data)


def _array(shape: Any, dtype: Any, fortran: bool, data: Any) -> npt.NDArray[Any]:
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"an array of shape {shape!r}")
    flat = np.frombuffer(_data(data), _dtype(dtype))
    array: npt.NDArray[Any] = flat.reshape(shape, order="F" if fortran else "C")
    return array


def _dtype(asked: Any) -> np.dtype[Any]:
    if isinstance(asked, _Unfinished) and asked.kind == "dtype":
        return _dtype(asked.value)
    if isinstance(asked, np.dtype):
        asked = asked.str
    if not isinstance(asked, str) or not _DTYPE.fullmatch(asked):
        raise _Refused(f"an array of {asked!r} (not numbers or text)")
    return np.dtype(asked)


def _data(data: Any) -> bytes | bytearray:
    """Bytes; Python 2 wrote them as text."""
    if isinstance(data, str):
        return data.encode("latin-1")
    if not isinstance(data, (bytes, bytearray)):
        raise _Refused(f"an array made of a {type(data).__name__}")
    return data
