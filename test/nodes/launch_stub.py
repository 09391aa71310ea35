"""Stand-ins for the launch packages, which no package index has: they note what they are given.

Only what the launch files use, and as strict as the real ones about it, so that the files' own
logic can be tested where there is no `ros2 launch`. Where there is, test_launch_real.py runs them.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any


class DeclareLaunchArgument:
    """Name, default, description, choices."""

    def __init__(
        self,
        name: str,
        *,
        default_value: str | None = None,
        description: str | None = None,
        choices: list[str] | None = None,
    ) -> None:
        self.name, self.default, self.choices = name, default_value, choices
        self.description = description or ""
        if choices is not None and default_value is not None and default_value not in choices:
            raise RuntimeError(f"{name}: the default {default_value} is not among {choices}")

    def resolve(self, context: dict[str, str]) -> None:
        """As when the real one is visited."""
        if self.name not in context:
            if self.default is None:
                raise RuntimeError(f"Required launch argument '{self.name}' was not provided.")
            context[self.name] = self.default
        if self.choices is not None and context[self.name] not in self.choices:
            raise RuntimeError(f"{self.name}: {context[self.name]} is not among {self.choices}")


class LaunchConfiguration:
    """A value by name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def perform(self, context: Mapping[str, str]) -> str:
        """The value."""
        return context[self._name]


@dataclass
class OpaqueFunction:
    """A function that gives actions."""

    function: Any


@dataclass
class Shutdown:
    """The end of everything."""

    reason: str


@dataclass
class PathJoinSubstitution:
    """Parts of a path."""

    parts: list[Any]


@dataclass
class FindPackageShare:
    """A package."""

    package: str


@dataclass
class FindPackagePrefix:
    """Where a package is; every package is there but what `missing` names."""

    package: str
    missing = ""

    def perform(self, context: Mapping[str, str]) -> str:
        """The folder."""
        if self.package == self.missing:
            raise LookupError(self.package)
        return "/opt"


@dataclass
class LaunchDescription:
    """What a launch file gives."""

    entities: list[Any]


@dataclass
class Node:
    """A process with nodes."""

    package: str
    executable: str
    name: str | None = None
    namespace: str = ""
    parameters: list[Any] = field(default_factory=list)
    remappings: list[tuple[str, str]] = field(default_factory=list)
    ros_arguments: list[str] = field(default_factory=list)
    arguments: list[Any] = field(default_factory=list)
    output: str = "log"
    emulate_tty: bool = False
    respawn: bool = False
    respawn_delay: float | None = None
    on_exit: Any = None

    @property
    def files(self) -> list[str]:
        """The files with parameters in which the arguments are not."""
        return [item for item in self.parameters if not _is_given(item)]

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that come from arguments."""
        if not self.parameters or not _is_given(self.parameters[-1]):
            return {}
        ((name, part),) = json.loads(Path(self.parameters[-1]).read_text("utf-8")).items()
        assert name == "/**/**", "another key may not win over the params_file"
        values = part["ros__parameters"]
        assert values, "rcl refuses an empty map"
        return dict(values)


def _is_given(item: Any) -> bool:
    return isinstance(item, str) and Path(item).parent.name.startswith("bharnet_ros_given_")


def _load(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location("python_launch_file", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _modules() -> dict[str, ModuleType]:
    contents = {
        "launch": {"LaunchDescription": LaunchDescription},
        "launch.actions": {
            "DeclareLaunchArgument": DeclareLaunchArgument,
            "OpaqueFunction": OpaqueFunction,
            "Shutdown": Shutdown,
        },
        "launch.logging": {"get_logger": logging.getLogger},
        "launch.launch_description_sources": {"load_python_launch_file_as_module": _load},
        "launch.substitutions": {
            "LaunchConfiguration": LaunchConfiguration,
            "PathJoinSubstitution": PathJoinSubstitution,
        },
        "launch_ros": {},
        "launch_ros.actions": {"Node": Node},
        "launch_ros.substitutions": {
            "FindPackagePrefix": FindPackagePrefix,
            "FindPackageShare": FindPackageShare,
        },
    }
    modules = {}
    for name, members in contents.items():
        modules[name] = ModuleType(name)
        modules[name].__dict__.update(members)
    return modules


class LaunchFile:
    """A launch file, read with the stand-ins."""

    def __init__(self, path: Path) -> None:
        before = {name: sys.modules.get(name) for name in _modules()}
        sys.modules.update(_modules())
        try:
            self._entities = _load(str(path)).generate_launch_description().entities
        finally:
            for name, module in before.items():
                if module is None:
                    del sys.modules[name]
                else:
                    sys.modules[name] = module

    @property
    def arguments(self) -> dict[str, DeclareLaunchArgument]:
        """What it declares, by name."""
        declared = [e for e in self._entities if isinstance(e, DeclareLaunchArgument)]
        assert len({argument.name for argument in declared}) == len(declared)
        return {argument.name: argument for argument in declared}

    def processes(self, **given: str) -> list[Node]:
        """What it starts with these arguments."""
        context = dict(given)
        assert set(given) <= set(self.arguments), "an argument that is not declared"
        started: list[Node] = []
        for entity in self._entities:
            if isinstance(entity, DeclareLaunchArgument):
                entity.resolve(context)
            elif isinstance(entity, OpaqueFunction):
                started.extend(entity.function(context))
            else:
                started.append(entity)
        return started
