"""How the bytes of a bag become messages: by the definitions it brings, else by known ones."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from bharnet_ros.bags.optional import library
from bharnet_ros.bags.records import Channel
from bharnet_ros.errors import ConfigurationError

_PACKAGE = "bharnet_ros"
_SEPARATOR = "=" * 80 + "\n"
_WIDE = re.compile(r"^([ \t]*)wstring\b", re.MULTILINE)
"""A field of wide strings, which rosbags neither parses nor reads."""
_DEFAULT_DISTRO = "jazzy"


class MessageTypes:
    """Deserialises the messages of one bag.

    distro: the ROS distribution that recorded it; its standard messages stand in where the bag
    brings no definitions (as SQLite3 bags of Humble and before), and this package's own do.
    """

    def __init__(self, distro: str = "") -> None:
        self._typesys = library("rosbags.typesys")
        self._distro = distro
        self._stores: dict[tuple[str, ...], tuple[Any, str]] = {}
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
        key = (
            channel.type, channel.definition, channel.definition_format, channel.digest,
            channel.encoding,
        )  # fmt: skip
        if key not in self._stores:
            self._stores[key] = self._make(channel)
        return self._stores[key]

    def _make(self, channel: Channel) -> tuple[Any, str]:
        if channel.encoding != "cdr":
            return None, f"its messages are encoded as {channel.encoding!r}, not as CDR"
        reason = "the bag brings no definition of it, and it is no standard message"
        # No text at all, but said to be a definition, is that of a message without fields.
        blank = not channel.definition and channel.definition_format == "ros2msg"
        if channel.definition or (blank and channel.type not in self._standard().fielddefs):
            store = self._typesys.get_typestore(self._typesys.Stores.EMPTY)
            try:
                store.register(self._parse(channel))
                store.get_msgdef(channel.type)
            except Exception as error:  # whatever a damaged definition makes the parser raise
                if _WIDE.search(channel.definition):
                    return None, "it has wide strings (wstring), which are not read here"
                reason = f"its definition in the bag is damaged ({type(error).__name__}: {error})"
            else:
                digest = channel.digest if blank else ""
                if digest in ("", store.hash_rihs01(channel.type)):
                    return store, ""
        known = self._standard()
        if channel.type not in known.fielddefs:
            return None, reason
        digest = known.hash_rihs01(channel.type) if channel.digest else ""
        if digest != channel.digest:
            return None, "it was recorded with another version of this message"
        return known, ""

    def _standard(self) -> Any:
        if self._known is None:
            self._known = known_types(self._distro)
        return self._known

    def _parse(self, channel: Channel) -> dict[str, Any]:
        text = channel.definition
        if channel.definition_format != "ros2idl":
            types: dict[str, Any] = self._typesys.get_types_from_msg(text, channel.type)
            return types
        types = {}
        if text.startswith(f"{_SEPARATOR}IDL: "):
            parts = [part.split("\n", 1)[1] for part in text.split(_SEPARATOR)[1:]]
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


def learn_type(store: Any, kind: str) -> tuple[str, str]:
    """What a bag notes of a type, as `pkg/msg/Name`: its definition with those of the types in it,
    and its hash. The store is given what it needs to write such messages.

    Types with wide strings (`wstring`) are noted as they are installed; the store does not learn
    them, so that their messages can be written as bytes only.
    Raises ConfigurationError where a definition is not installed or cannot be used.
    """
    texts: dict[str, str] = {}
    found: dict[str, Any] = {}
    known: list[str] = []
    missing = [kind]
    while missing:
        name = missing.pop()
        if name in store.fielddefs:
            known.append(name)
        elif name not in found:
            path = _installed(kind, name)
            texts[name], types = _parsed(path, name)
            found.update(types)
            missing += [part for each in types[name][1] for part in _named(each[1])]
    try:
        if any(map(_WIDE.search, texts.values())):
            return _as_installed(store, kind, texts, known)
        if found:
            store.register(found)
        return store.generate_msgdef(kind, ros_version=2)[0], store.hash_rihs01(kind)
    except ConfigurationError:
        raise
    except Exception as error:  # whatever the library raises for what it does not know
        raise ConfigurationError(
            f"the definition of {kind} cannot be used ({type(error).__name__}: {error})"
        ) from None


def _as_installed(
    store: Any, kind: str, texts: dict[str, str], known: list[str]
) -> tuple[str, str]:
    """Definition and hash of a type, from the texts of it and its parts and, of the parts that the
    store knows, from there."""
    whole = [f"MSG: {_short(name)}\n{text}" for name, text in texts.items() if name != kind]
    for name in known:
        rest = f"MSG: {_short(name)}\n{store.generate_msgdef(name, ros_version=2)[0]}"
        whole += rest.split(_SEPARATOR)
    text = _SEPARATOR.join((texts[kind], *dict.fromkeys(whole)))
    path = _installed(kind, kind).with_suffix(".json")
    try:
        hashes = json.loads(path.read_text("utf-8"))["type_hashes"]
        return text, next(str(h["hash_string"]) for h in hashes if h["type_name"] == kind)
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        raise ConfigurationError(
            f"{kind} has wide strings (wstring), which need the hash that ROS 2 Iron and newer "
            f"install with a message, and {path} does not hold it"
        ) from None


def _installed(kind: str, name: str) -> Path:
    """Where the definition of `name` is, which is `kind` or a type in it."""
    package, _, short = name.rpartition("/")
    folders = _message_folders(package.split("/")[0])
    path = next((p for folder in folders if (p := folder / f"{short}.msg").is_file()), None)
    if path is None:
        within = "" if name == kind else f", which is part of {kind},"
        raise ConfigurationError(f"the definition of {name}{within} is not installed here")
    return path


def _parsed(path: Path, name: str) -> tuple[str, dict[str, Any]]:
    """The text of a definition, ending with its line, and what the library makes of it; wide
    strings are strings there."""
    try:
        text = path.read_text("utf-8")
        types: dict[str, Any] = library("rosbags.typesys").get_types_from_msg(
            _WIDE.sub(r"\1string", text), name
        )
    except Exception as error:  # whatever an odd file makes the parser raise
        raise ConfigurationError(f"{path} cannot be read ({type(error).__name__})") from None
    return text if not text or text.endswith("\n") else f"{text}\n", types


def _short(name: str) -> str:
    """pkg/msg/Name -> pkg/Name, as definitions name each other."""
    package, _, last = name.rpartition("/")
    return f"{package.split('/')[0]}/{last}"


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
