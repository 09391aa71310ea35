"""Stand-ins for modules that a package imports while it loads and that are never needed here.

Some packages name parts of others, for drawing, data sets or other networks, that are hard to get
without a GPU toolchain. What is missing is stood in for while the package loads, and the stand-ins
are taken away again, so that nobody else takes them for the real thing. What is there is used.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, NoReturn

from bharnet_ros.errors import BackendUnavailable

Named = Mapping[str, tuple[str, ...] | Mapping[str, object]]
"""Module -> the names taken from it: classes that nobody may use, or what they are to be."""


@contextlib.contextmanager
def stand_ins(
    named: Named, user: str, remedy: str, log: logging.Logger
) -> Iterator[tuple[str, ...]]:
    """Inside, modules that are missing can be imported; gives their names.

    user: the package that imports them. remedy: what to do for whoever uses a stand-in, a part of
    a sentence that takes the place of `{package}`. A package that is there but cannot be loaded
    counts as missing, and the log says so. Not for several threads at once.
    """
    added: list[str] = []
    try:
        for name, attributes in sorted(named.items(), key=lambda item: item[0].count(".")):
            if not _works(name, user, log):
                added += _stand_in(name, attributes, remedy)
        yield tuple(added)
    finally:
        for name in added:
            sys.modules.pop(name, None)


def reason(error: Exception) -> str:
    """One line of what went wrong."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": ")[:200]


def _works(name: str, user: str, log: logging.Logger) -> bool:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A part of the package itself: it is not installed, or without its compiled operators.
        if (error.name or "").partition(".")[0] != name.partition(".")[0]:
            _tell(name, error, user, log)
        return False
    except Exception as error:  # built for another NumPy or torch, or refused by an assert
        _tell(name, error, user, log)
        return False
    return True


def _tell(name: str, error: Exception, user: str, log: logging.Logger) -> None:
    log.warning(
        "%s is installed but cannot be loaded (%s); %s goes on without it. Networks that use "
        "it will be refused.", name, reason(error), user,
    )  # fmt: skip


def _stand_in(
    name: str, attributes: tuple[str, ...] | Mapping[str, object], remedy: str
) -> list[str]:
    """Put a module of that name in place, and its packages where they are missing; returns all."""
    added = []
    package, _, last = name.rpartition(".")
    if package and package not in sys.modules:
        added += _stand_in(package, (), remedy)
    module = ModuleType(name)
    given: Mapping[str, object] = (
        attributes
        if isinstance(attributes, Mapping)
        else {attribute: _absent(name, attribute, remedy) for attribute in attributes}
    )
    for attribute, value in given.items():
        setattr(module, attribute, value)
    sys.modules[name] = module
    if package and not hasattr(sys.modules[package], "__path__"):  # a stand-in, too
        setattr(sys.modules[package], last, module)
    return [*added, name]


def _absent(module: str, name: str, remedy: str) -> type:
    """A class that can be named, but not used."""

    def refuse(self: Any, *arguments: Any, **named: Any) -> NoReturn:
        package = module.partition(".")[0]
        raise BackendUnavailable(
            f"This network needs {module}.{name}, which is not installed; "
            f"{remedy.format(package=package)}."
        )

    return type(name, (), {"__init__": refuse, "__module__": module})
