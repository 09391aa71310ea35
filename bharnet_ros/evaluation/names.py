"""Names that users chose (classes, bags), fit to be shown."""

from __future__ import annotations

import unicodedata


def plain(text: str) -> str:
    """The text without what a terminal or a page would obey instead of show.

    Control, format and unpaired characters become U+FFFD, line ends and tabs become blanks; the
    joiners that scripts and emoji need stay.
    """
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\t\n\r":
        return " "
    if character in "\u200c\u200d":
        return character
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs") else character
