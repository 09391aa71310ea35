"""A gesture file -> Vocabulary. Every error names file, line, place and remedy."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from bharnet_ros.errors import GestureError
from bharnet_ros.gestures.checks import refuse_same
from bharnet_ros.gestures.description import GestureDescription, IdleDescription, Vocabulary
from bharnet_ros.gestures.objects import read_same
from bharnet_ros.gestures.pairs import read_finger_pairs, read_object_pairs
from bharnet_ros.gestures.parts import Known, read_gesture, read_hand, read_idle, read_posture
from bharnet_ros.gestures.yaml_reader import Node, parse, read

SHIPPED = Path(__file__).with_name("vocabularies")
FORMATS = ("1", "2")
_SECTIONS = ("background", "hands", "postures", "gestures")
_OPTIONAL = ("others", "everyday", "pairs", "object_pairs", "idle")


def shipped_vocabularies() -> tuple[str, ...]:
    """Names that `load_vocabulary` knows without a path."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def load_vocabulary(name_or_path: str | Path = "first_light") -> Vocabulary:
    """Read and check a gesture file: the name of a shipped one, or a path.

    Raises GestureError for anything malformed, unknown, out of a joint's reach, contradictory
    (a pair that differs in more than the fingers) or ambiguous (two gestures that are the same).
    """
    path = _located(name_or_path, Path())
    return _build(read(path), path, ())


def parse_vocabulary(text: str, file: str = "gestures.yaml") -> Vocabulary:
    """As `load_vocabulary`, from a file's text; `file` is what errors call it. Relative paths
    in `extends` start at the current folder."""
    return _build(parse(text, file), Path(file), ())


def _located(name_or_path: str | Path, folder: Path) -> Path:
    """A shipped file for a bare shipped name; any other path, against `folder`."""
    if str(name_or_path) in shipped_vocabularies():
        return SHIPPED / f"{name_or_path}.yaml"
    path = Path(name_or_path)
    if not path.suffix and len(path.parts) == 1 and not (folder / path).exists():
        raise GestureError(
            f"There is no gesture file '{name_or_path}'; use one of "
            f"{', '.join(shipped_vocabularies())}, or the path of a YAML file."
        )
    return folder / path


def _build(root: Node, path: Path, chain: tuple[Path, ...]) -> Vocabulary:
    found = dict(root.items())
    extended = "extends" in found
    optional = [*_SECTIONS, *_OPTIONAL, "extends", *(("also",) if extended else ())]
    top = root.fields(["format"], optional)
    lacking = [name for name in _SECTIONS if name not in found]
    if lacking and not extended:
        raise root.error(
            f"'{lacking[0]}' is missing",
            "add `extends: gestures` to take hands, postures and idle from a shipped file, or "
            f"`{lacking[0]}:`",
        )
    if top["format"].text() not in FORMATS:
        raise top["format"].error("this format is not known", "write `format: 2`")
    base = _base(top["extends"], path, chain) if extended else None
    known = _known(top, base)
    taken = _taken(top.get("also"), base)
    background = top["background"].text() if "background" in top else ""
    if base is not None:
        if background and background != base.background:
            raise top["background"].error(
                f"'{background}' is not the background of what is extended",
                f"leave `background` away; it is '{base.background}'",
            )
        background = base.background
    gestures = _gestures(top.get("gestures"), known, background, taken)
    if not gestures:
        where = top.get("gestures", root)
        raise where.error("there is no gesture", "describe at least one, or take some with `also`")
    everyday = _everyday(top, known, background, base)
    others = _others(top.get("others"), known, background, base, gestures)
    pairs = read_finger_pairs(top["pairs"], gestures) if "pairs" in top else ()
    if base is not None:
        inherited = (p for p in base.pairs if p[0] in taken and p[1] in taken)
        pairs = (*(p for p in inherited if p not in pairs), *pairs)
    held = read_object_pairs(top["object_pairs"], gestures) if "object_pairs" in top else ()
    if base is not None:
        told = (p for p in base.object_pairs if p[0] in taken and p[1] in taken)
        held = (*(p for p in told if p not in held), *held)
    rests, habits = _idle(top.get("idle"), root, known, base)
    return Vocabulary(
        (background, *gestures), gestures, known.hands, known.postures, pairs, rests, habits,
        others, everyday, held,
    )  # fmt: skip


def _base(node: Node, path: Path, chain: tuple[Path, ...]) -> Vocabulary:
    try:
        source = _located(node.text(), path.parent)
    except GestureError as error:
        raise node.error(
            f"there is no gesture file '{node.text()}'",
            f"use one of {', '.join(shipped_vocabularies())}, or the path of a YAML file",
        ) from error
    visited = (*chain, path.resolve())
    if source.resolve() in visited:
        names = " -> ".join(p.name for p in (*visited, source))
        raise node.error(f"the file extends itself ({names})", "break the circle")
    return _build(read(source), source, visited)


def _known(top: Mapping[str, Node], base: Vocabulary | None) -> Known:
    known = Known()
    if base is not None:
        known = Known(dict(base.hands), dict(base.postures))
    for name, node in _fresh(top, "hands", known.hands):
        known.hands[name] = read_hand(name, node)
    for name, node in _fresh(top, "postures", known.postures):
        known.postures[name] = read_posture(name, node)
    return known


def _fresh(
    top: Mapping[str, Node], part: str, inherited: Container[str]
) -> Iterator[tuple[str, Node]]:
    """The entries of a section; names that the extended file has already are errors."""
    for name, node in top[part].items() if part in top else ():
        if name in inherited:
            raise node.error(
                f"'{name}' is already described in the extended file", "give it another name"
            )
        yield name, node


def _taken(node: Node | None, base: Vocabulary | None) -> dict[str, GestureDescription]:
    """Gestures of the extended file that are classes here, too."""
    if node is None or base is None:
        return {}
    available = {**base.gestures, **base.others}
    if not node.is_list():
        if node.text() != "all":
            raise node.error(
                f"'{node.text()}' is not understood", "write `also: all` or a list of names"
            )
        return dict(base.gestures)
    taken: dict[str, GestureDescription] = {}
    for entry in node.elements():
        name = entry.choice(list(available))
        if name in taken:
            raise entry.error(f"'{name}' is named twice", "keep one of the two")
        # A gesture of the extended file may be the same as one that was no class there.
        refuse_same(available[name], taken.values(), entry)
        taken[name] = available[name]
    return taken


def _gestures(
    node: Node | None,
    known: Known,
    background: str,
    taken: Mapping[str, GestureDescription],
    distinct: bool = True,
) -> dict[str, GestureDescription]:
    """The gestures of a section after those `taken`. distinct: whether two that are the same are
    an error; what is no class needs not be told apart."""
    gestures = dict(taken)
    for name, child in node.items() if node is not None else ():
        # Names of classes stand in tables of labels and become names of files.
        if not name.isprintable() or name != name.strip() or not name or set(name) & set("/\\"):
            raise child.error(
                f"{name!r} cannot be the name of a gesture",
                "give it one line of text without slashes, and no blanks around it",
            )
        if name == background:
            raise child.error(f"'{name}' is the background class", "give the gesture another name")
        if name in gestures:
            raise child.error(
                f"'{name}' is taken from the extended file, too",
                "leave it out of `also`, or give this one another name",
            )
        if child.is_mapping() and any(key == "same_as" for key, _ in child.items()):
            gesture = read_same(name, child, gestures)
        else:
            gesture = read_gesture(name, child, known)
        if distinct:
            refuse_same(gesture, gestures.values(), child)
        gestures[name] = gesture
    return gestures


def _everyday(
    top: Mapping[str, Node], known: Known, background: str, base: Vocabulary | None
) -> dict[str, GestureDescription]:
    """The extended file's everyday doings and one's own."""
    everyday = dict(base.everyday) if base is not None else {}
    for _ in _fresh(top, "everyday", everyday):
        pass  # asked for its errors alone
    # A bundle's file holds both together, so neither may be refused for being like the other.
    return everyday | _gestures(top.get("everyday"), known, background, {}, distinct=False)


def _others(
    node: Node | None,
    known: Known,
    background: str,
    base: Vocabulary | None,
    gestures: Mapping[str, GestureDescription],
) -> dict[str, GestureDescription]:
    """Known gestures that are no classes: the file's own, and what was not taken of the base."""
    for name, child in node.items() if node is not None else ():
        if name in gestures:
            raise child.error(
                f"'{name}' is one of the gestures, too", "keep it in one of the two places"
            )
    # A bundle's file lists those of every file it came from, and some may be the same.
    others = _gestures(node, known, background, {}, distinct=False)
    for source in (base.gestures, base.others) if base is not None else ():
        for name, gesture in source.items():
            if name not in gestures:
                others.setdefault(name, gesture)
    same = [(g.hands, g.arm_signature()) for g in gestures.values()]
    return {n: g for n, g in others.items() if (g.hands, g.arm_signature()) not in same}


def _idle(
    node: Node | None, root: Node, known: Known, base: Vocabulary | None
) -> tuple[tuple[IdleDescription, ...], tuple[IdleDescription, ...]]:
    """The extended file's idle hands and one's own."""
    rests = list(base.rests) if base is not None else []
    habits = list(base.habits) if base is not None else []
    parts = node.fields([], ["rests", "habits"]) if node is not None else {}
    for part, found in (("rests", rests), ("habits", habits)):
        inherited = {entry.gesture.name for entry in found}
        found += [read_idle(name, n, known) for name, n in _fresh(parts, part, inherited)]
    if not rests:
        raise (node or root).error(
            "there is nowhere for idle hands to rest", "add `idle:` with at least one of `rests:`"
        )
    return tuple(rests), tuple(habits)
