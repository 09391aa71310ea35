"""How the bytes of a bag become messages: by the definitions it brings, else by known ones."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from bharnet_ros.bags.optional import library
from bharnet_ros.bags.records import Channel
from bharnet_ros.errors import ConfigurationError

_PACKAGE = "bharnet_ros"
_IDL_SEPARATOR = "=" * 80 + "\n"
_DEFAULT_DISTRO = "jazzy"


class MessageTypes:
    """Deserialises the messages of one bag.

    distro: the ROS distribution that recorded it; its standard messages stand in where the bag
    brings no definitions (as SQLite3 bags of Humble and before), and this package's own do.
    """

    def __init__(self, distro: str = "") -> None:
        self._typesys = library("rosbags.typesys")
        self._distro = distro
        self._stores: dict[tuple[str, str, str], tuple[Any, str]] = {}
        self._known: Any = None

    def missing(self, channel: Channel) -> str:
        """Why messages of a topic cannot be deserialised; "" if they can."""
        return self._store(channel)[1]

    def deserialize(self, channel: Channel, data: bytes) -> Any:
        """The message. Raises whatever the library raises for bytes that do not fit."""
        store, reason = self._store(channel)
        if reason:
            raise ValueError(reason)
        return store.deserialize_cdr(data, channel.type)

    def _store(self, channel: Channel) -> tuple[Any, str]:
        key = channel.type, channel.definition, channel.encoding
        if key not in self._stores:
            self._stores[key] = self._make(channel)
        return self._stores[key]

    def _make(self, channel: Channel) -> tuple[Any, str]:
        if channel.encoding != "cdr":
            return None, f"its messages are encoded as {channel.encoding!r}, not as CDR"
        reason = "the bag brings no definition of it, and it is no standard message"
        if channel.definition:
            store = self._typesys.get_typestore(self._typesys.Stores.EMPTY)
            try:
                store.register(self._parse(channel))
                store.get_msgdef(channel.type)
            except Exception as error:  # whatever a damaged definition makes the parser raise
                reason = f"its definition in the bag is damaged ({type(error).__name__}: {error})"
            else:
                return store, ""
        if self._known is None:
            self._known = known_types(self._distro)
        if channel.type not in self._known.fielddefs:
            return None, reason
        digest = self._known.hash_rihs01(channel.type) if channel.digest else ""
        if digest != channel.digest:
            return None, "it was recorded with another version of this message"
        return self._known, ""

    def _parse(self, channel: Channel) -> dict[str, Any]:
        text = channel.definition
        if channel.definition_format != "ros2idl":
            types: dict[str, Any] = self._typesys.get_types_from_msg(text, channel.type)
            return types
        types = {}
        if text.startswith(f"{_IDL_SEPARATOR}IDL: "):
            parts = [part.split("\n", 1)[1] for part in text.split(_IDL_SEPARATOR)[1:]]
        else:
            parts = [text]
        for part in parts:
            types.update(self._typesys.get_types_from_idl(part))
        return types


def known_types(distro: str = "") -> Any:
    """A rosbags type store: the standard messages of a ROS distribution and those of this package.

    distro: as `humble`; anything unknown or older means the newest long-term one.
    """
    typesys = library("rosbags.typesys")
    stores = typesys.Stores.__members__
    store = typesys.get_typestore(
        stores.get(f"ROS2_{distro.upper()}", stores[f"ROS2_{_DEFAULT_DISTRO.upper()}"])
    )
    types: dict[str, Any] = {}
    for path in sorted(_message_folder().glob("*.msg")):
        name = f"{_PACKAGE}/msg/{path.stem}"
        types.update(typesys.get_types_from_msg(path.read_text("utf-8"), name))
    if types:
        store.register(types)
    return store


def learn_type(store: Any, kind: str) -> None:
    """Give a store what it needs to write messages of a type, as `pkg/msg/Name`: the installed
    definitions of it and of the types in it, where it does not have them.

    Raises ConfigurationError where one is not installed or cannot be used.
    """
    found: dict[str, Any] = {}
    missing = [kind]
    while missing:
        name = missing.pop()
        if name not in store.fielddefs and name not in found:
            found.update(_installed(kind, name))
            missing += [part for each in found[name][1] for part in _named(each[1])]
    try:
        if found:
            store.register(found)
        # What a bag notes of a type; better to fail here than at its first message.
        store.generate_msgdef(kind, ros_version=2)
        store.hash_rihs01(kind)
    except Exception as error:  # whatever the library raises for what it does not know
        raise ConfigurationError(
            f"the definition of {kind} cannot be used ({type(error).__name__}: {error})"
        ) from None


def _installed(kind: str, name: str) -> dict[str, Any]:
    """The definition of `name`, which is `kind` or a type in it, as the library has it."""
    package, _, short = name.rpartition("/")
    folders = _message_folders(package.split("/")[0])
    path = next((p for folder in folders if (p := folder / f"{short}.msg").is_file()), None)
    if path is None:
        within = "" if name == kind else f", which is part of {kind},"
        raise ConfigurationError(f"the definition of {name}{within} is not installed here")
    try:
        types: dict[str, Any] = library("rosbags.typesys").get_types_from_msg(
            path.read_text("utf-8"), name
        )
    except Exception as error:  # whatever an odd file makes the parser raise
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__})") from None
    return types


def _named(field: Any) -> list[str]:
    """The message types in a field's description, through arrays and sequences of them."""
    kinds = library("rosbags.interfaces").Nodetype
    node, value = field
    if node == kinds.BASE:
        return []
    return [value] if node == kinds.NAME else _named(value[0])


def _message_folders(package: str) -> list[Path]:
    """Where colcon, a distribution or pip install the .msg files of a package."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    return [Path(prefix) / "share" / package / "msg" for prefix in prefixes if prefix]


def _message_folder() -> Path:
    """Our .msg files: in the source tree, or where they are installed."""
    places = [Path(__file__).resolve().parents[2] / "msg", *_message_folders(_PACKAGE)]
    return next((place for place in places if (place / "SkeletonArray.msg").is_file()), places[0])
